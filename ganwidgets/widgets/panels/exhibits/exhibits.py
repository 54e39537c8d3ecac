"""The exhibits of a game: a row of images for each, or all points in one plane."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ganwidgets.games.game import Exhibit
from ganwidgets.messages import Catalog, N_
from ganwidgets.rendering.drawing.tones import exhibit_tones
from ganwidgets.rendering.pictures.exhibits import row_of, scatter_of
from ganwidgets.widgets.browser.style.colors import css
from ganwidgets.widgets.browser.style.shared_style import SharedStyle
from ganwidgets.widgets.panels.exhibits.view import ExhibitsView

if TYPE_CHECKING:
    from ganwidgets.live.frames.game_camera import GameFrame

__all__ = ["ExhibitsPanel"]


class ExhibitsPanel:
    """The exhibits of a game, always of the same samples.

    Parameters
    ----------
    catalog : Catalog
        The reader's language.
    exhibits : sequence of Exhibit
    look : SharedStyle
        Layout and styles shared with the rest of one widget.
    """

    name = "exhibits"
    interval = 0.2

    def __init__(self, catalog: Catalog, exhibits: Sequence[Exhibit], look: SharedStyle) -> None:
        self._catalog, self._exhibits = catalog, exhibits
        self._rows = look.html("", "gw-exhibit-rows")
        self.view = ExhibitsView(self._rows)
        self.widget = look.box([self._rows], f"gw-{self.name}", "gw-panel")

    def prepared(self, frame: GameFrame) -> Callable[[], None]:
        """Prepare the display of `frame`; return a function that sends it."""
        rows = self._written(frame)

        def send() -> None:
            self._rows.value = rows

        return send

    def draw(self, frame: GameFrame) -> None:
        """Show `frame`."""
        self.prepared(frame)()

    def _written(self, frame: GameFrame) -> str:
        images = [e for e in self._exhibits if e.name in frame.exhibits and frame.exhibits[e.name].ndim == 4]
        points = [e for e in self._exhibits if e.name in frame.exhibits and e not in images]
        rows = [self._row(exhibit, frame) for exhibit in images]
        if points:
            tones = exhibit_tones(points)
            legend = "".join(
                f'<span class="gw-chip"><i style="background:{css(tones[exhibit.name])};width:10px;height:10px;border-radius:5px">'
                f"</i>{html.escape(self._catalog(exhibit.label))}</span>"
                for exhibit in points
            )
            rows.append(
                f"<div>{legend}</div>{_image(scatter_of(points, frame.exhibits), 'gw-exhibit-plane', '')}"
            )
        return "".join(rows)

    def _row(self, exhibit: Exhibit, frame: GameFrame) -> str:
        t = self._catalog
        png, _, largest = row_of(frame.exhibits[exhibit.name], exhibit.kind)
        label = t(exhibit.label)
        scale_text = "" if exhibit.kind == "samples" else f"({t(N_('white is +{most:.3g}'), most=largest)})"
        return (
            f'<figure class="gw-exhibit gw-exhibit-{html.escape(exhibit.name)}"><figcaption>{html.escape(label)}'
            f'<span class="gw-cell-label"> {html.escape(scale_text)}</span></figcaption>'
            f"{_image(png, 'gw-exhibit-image', label)}</figure>"
        )


def _image(png: bytes, css_class: str, label: str) -> str:
    data = base64.b64encode(png).decode()
    return f'<img class="{css_class}" alt="{html.escape(label)}" src="data:image/png;base64,{data}"/>'
