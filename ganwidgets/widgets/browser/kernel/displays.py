"""Outputs that display a widget, and the picture stored in them for readers without a kernel."""

from __future__ import annotations

import base64
import html
import uuid
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import ipywidgets
from IPython.display import publish_display_data

from ganwidgets.messages import Catalog

__all__ = ["Displayed", "Displays", "view_of"]


def view_of(widget: ipywidgets.DOMWidget) -> dict[str, Any]:
    """Return the MIME bundle with which a page shows `widget`; ipywidgets 7 has no method that returns it."""
    if hasattr(ipywidgets.DOMWidget, "_repr_mimebundle_"):
        bundle: dict[str, Any] = ipywidgets.DOMWidget._repr_mimebundle_(widget)
        return bundle
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    return {"text/plain": repr(widget), "application/vnd.jupyter.widget-view+json": view}


def with_picture(bundle: dict[str, Any], png: bytes) -> dict[str, Any]:
    """Return a MIME bundle that shows `png` where the widget itself cannot be shown."""
    return {**bundle, "image/png": base64.b64encode(png).decode("ascii")}


def closed_bundle(sentence: str, png: bytes) -> dict[str, Any]:
    """Return a MIME bundle with the reason why there is no widget, above its last picture."""
    picture = base64.b64encode(png).decode("ascii")
    return {
        "text/plain": sentence,
        "text/html": f'<p role="status">{html.escape(sentence)}</p>'
        f'<img alt="" src="data:image/png;base64,{picture}">',
    }


class Displays:
    """The outputs that display one widget, each with a stored picture below the widget.

    A front end without the widget's model shows "model not found" instead, and ignores a picture in the same output. So
    the picture is a separate output, which the page hides while it shows the widget.

    Attributes
    ----------
    stale : bool
        True if the pictures must be replaced as soon as no page shows the widget.
    stored : str
        The CSS class of the pictures.
    """

    def __init__(self) -> None:
        self._ids: list[str] = []
        self.stale = False
        self.stored = f"gw-stored-{uuid.uuid4().hex}"

    def show(self, widget: dict[str, Any], png: bytes) -> None:
        """Display a widget and its stored picture in the current cell."""
        display_id = uuid.uuid4().hex
        self._ids.append(display_id)
        publish_display_data(widget)
        publish_display_data(self._picture(png), transient={"display_id": display_id})

    def show_closed(self, sentence: str, png: bytes) -> None:
        """Display the last picture of a closed widget in the current cell, with a sentence that says so."""
        publish_display_data(closed_bundle(sentence, png))

    def update(self, picture: Callable[[], bytes]) -> None:
        """Replace the stored pictures, so that a notebook saved now shows the current state."""
        self.stale = False
        if not self._ids:
            return
        fresh = self._picture(picture())
        for display_id in self._ids:
            publish_display_data(fresh, transient={"display_id": display_id}, update=True)

    def _picture(self, png: bytes) -> dict[str, Any]:
        encoded = base64.b64encode(png).decode("ascii")
        # In a trusted notebook, JupyterLab hides a widget whose model it cannot find.
        lost = (
            f".jp-OutputArea-child:has(+ .jp-OutputArea-child .{self.stored}) "
            "> .jp-OutputArea-output.jupyter-widgets:not(:has(*)) { display: none; }"
        )
        return {
            "text/plain": "",
            "text/html": f"<style>{lost}</style>"
            f'<img class="{self.stored}" alt="" src="data:image/png;base64,{encoded}">',
            "image/png": encoded,
        }


class Displayed:
    """Base class with the methods that IPython calls to display a widget; put it before the class of ipywidgets.

    The widget is displayed with a stored picture below it; once closed, as that picture alone. A subclass defines
    :meth:`_picture`.
    """

    _closed_words: ClassVar[str]
    """Text: the widget was closed, and how to create another one."""

    _catalog: Catalog
    _displays: Displays
    _models: Sequence[ipywidgets.Widget] = ()
    """Models that :meth:`close` closes besides the widget itself."""

    @abstractmethod
    def _picture(self) -> bytes:
        """Return the current state of the widget as a PNG."""

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        # ABCMeta would do this, but classes of traitlets have another metaclass.
        if getattr(cls._picture, "__isabstractmethod__", False):
            raise TypeError(f"{cls.__name__} must define _picture(), which returns a PNG")

    def _is_closed(self) -> bool:
        return self.comm is None  # type: ignore[attr-defined]

    def _ipython_display_(self, **_: Any) -> None:
        if self._is_closed():
            self._displays.show_closed(self._catalog(self._closed_words), self._picture())
        else:
            self._displays.show(view_of(self), self._picture())

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        if self._is_closed():
            return closed_bundle(self._catalog(self._closed_words), self._picture())
        return with_picture(view_of(self), self._picture())

    def close(self) -> None:
        """Remove the widget from the page."""
        for model in self._models:
            model.close()
        super().close()  # type: ignore[misc]
        # ipywidgets sets this to None, which IPython would call when displaying the closed widget.
        self.__dict__.pop("_repr_mimebundle_", None)
