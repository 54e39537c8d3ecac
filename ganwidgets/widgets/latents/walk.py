"""Walks through places of a latent space: played in the widget, or written as an animation."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets
from torch import Tensor

from ganwidgets.errors import DataError
from ganwidgets.latents import Cancelled, Exploration, Place
from ganwidgets.live.worker.background import LatestOnlyTasks
from ganwidgets.messages import Catalog, Message, N_
from ganwidgets.rendering.exports.animation import Film
from ganwidgets.widgets.browser.style.shared_style import SharedStyle
from ganwidgets.widgets.latents.pictures import enlarged, picture, png_of
from ganwidgets.widgets.latents.view import LatentView

__all__ = ["LatentWalk"]

RATE = 20
"""Images per second of an animation; the maximum for a played walk."""

NEXT = 3
"""Number of seeds of a walk if fewer than two places were added: the current one, and the next."""

WRITERS: dict[str, Callable[[Film], bytes]] = {
    ".gif": Film.gif,
    ".png": Film.png,
    ".webp": Film.webp,
    ".mp4": Film.mp4,
}

BUTTONS = {
    "add": (N_("Add place"), N_("Adds the present place to the walk.")),
    "clear": (N_("Clear"), N_("Removes all places from the walk.")),
    "play": (
        N_("Play walk"),
        N_("Shows the walk through the added places; with fewer than two, through the next seeds."),
    ),
    "save": (N_("Save film"), N_("Writes the walk as a film beside the notebook.")),
}
"""Name and tooltip of each button."""

Places = Iterable[Place | int]
Watch = Callable[[int, int], None]
"""Called as ``watch(done, count)`` after each image of an animation; an exception that it raises cancels it."""


class LatentWalk:
    """Mixin of :class:`~ganwidgets.widgets.latents.explorer.LatentExplorer`: walks and animations."""

    _catalog: Catalog
    _exploration: Exploration
    _failed: Callable[[Exception], None]
    _halt: threading.Event
    _lock: Any
    _newest: int
    _pictures: dict[str, Any]
    _request: Callable[[], None]
    _tasks: LatestOnlyTasks
    _view: LatentView

    _stops: tuple[Place, ...] = ()

    if TYPE_CHECKING:

        @property
        def place(self) -> Place: ...

    # --- public methods -------------------------------------------------------------------------

    @property
    def stops(self) -> tuple[Place, ...]:
        """The places added to the walk."""
        return self._stops

    def add_stop(self, place: Place | int | None = None) -> None:
        """Add a place, a seed with all other parameters of the current place, or the current place to the walk."""
        (stop,) = self._places([self.place if place is None else place])
        self._set_stops((*self._stops, stop))

    def clear_stops(self) -> None:
        """Remove all places from the walk."""
        self._set_stops(())

    def play_walk(self, *, seconds: float = 4.0) -> None:
        """Play the walk in the widget; return at once. :meth:`cancel` or any change of a trait ends it.

        Parameters
        ----------
        seconds : float
            Duration. A slow network shows fewer images.
        """
        self._begin(lambda: self._play(self._through(), seconds))

    def save_walk(self, path: str | Path, *, seconds: float = 4.0) -> None:
        """Write the walk by :meth:`film` on the background thread; return at once. :meth:`cancel` ends it.

        Raises
        ------
        DataError
            If the suffix is unknown.
        """
        path, places = _checked(path), self._through()

        def save() -> None:
            self.film(path, places, seconds=seconds, watch=self._watch())
            self._show_status(self._catalog(N_("Saved: {path}"), path=str(path)))

        self._begin(save)

    def film(
        self, path: str | Path, through: Places, *, seconds: float = 4.0, watch: Watch | None = None
    ) -> Path:
        """Write a walk as an animation, by suffix: ``.gif .png .webp`` or, with imageio-ffmpeg, ``.mp4``.

        Parameters
        ----------
        path : path
        through : iterable of Place or int
            Places, or seeds with all other parameters of the current place; at least two.
        seconds : float
            Duration, at 20 images per second.
        watch : callable, optional
            Called as ``watch(done, count)`` after each image. If it raises, no file is written.

        Raises
        ------
        DataError
            If the suffix is unknown, or there are fewer than two places.
        """
        path, places = _checked(path), self._places(through)
        if len(places) < 2:
            raise DataError(Message("a film needs at least two places or seeds, such as film(path, [0, 1])"))
        count = max(round(seconds * RATE), 2)
        frames = []
        with self._lock:
            for image in self._exploration.walk(places, count):
                frames.append(enlarged(image))
                if watch is not None:
                    watch(len(frames), count)
        path.write_bytes(WRITERS[path.suffix](Film(frames, [1 / RATE] * count)))
        return path

    def _places(self, through: Places) -> list[Place]:
        return [replace(self.place, x=float(p), y=0.0) if isinstance(p, int) else p for p in through]

    def _through(self) -> list[Place]:
        """Return the places of the walk; with fewer than two, the current place and the next seed."""
        here = self.place
        return (
            list(self._stops) if len(self._stops) > 1 else [replace(here, x=here.x + n) for n in range(NEXT)]
        )

    # --- the row of buttons ---------------------------------------------------------------------

    def _walk_row(self, look: SharedStyle) -> Any:
        acts = {"add": self.add_stop, "clear": self.clear_stops, "play": self.play_walk, "save": self._save}
        self._walk_buttons = {name: self._walk_button(name, act, look) for name, act in acts.items()}
        self._film_kind = ipywidgets.Dropdown(
            options=[(suffix[1:].upper(), suffix) for suffix in WRITERS],
            **look.of(ipywidgets.Dropdown, "gw-walk-kind"),
        )
        self._stop_count = look.html("", "gw-walk-stops")
        self._set_stops(())
        title = look.html(f"<span>{self._catalog(N_('Walk'))}</span>", "gw-card-title")
        return look.box(
            [title, self._stop_count, *self._walk_buttons.values(), self._film_kind], "gw-actions", "gw-walk"
        )

    def _walk_button(self, name: str, act: Callable[[], None], look: SharedStyle) -> Any:
        description, tooltip = map(self._catalog, BUTTONS[name])
        return look.button(description, act, f"gw-walk-{name}", tooltip=tooltip)

    def _walk_names(self) -> dict[str, tuple[str, str]]:
        """Return the accessible name and the tooltip of each control, by its CSS class."""
        t = self._catalog
        named = {f"gw-walk-{name}": (t(label), t(tooltip)) for name, (label, tooltip) in BUTTONS.items()}
        return {**named, "gw-walk-kind": (t(N_("Kind of file")), t(N_("The kind of file of the film.")))}

    def _set_stops(self, stops: tuple[Place, ...]) -> None:
        self._stops = stops
        self._stop_count.value = self._catalog(N_("Places: {n}"), n=len(stops))
        self._walk_buttons["clear"].disabled = not stops

    def _save(self) -> None:
        suffix = self._film_kind.value
        names = (Path(f"walk-{number}{suffix}") for number in range(1, 10**6))
        self.save_walk(next(name for name in names if not name.exists()))

    # --- on the background thread ---------------------------------------------------------------

    def _begin(self, job: Callable[[], None]) -> None:
        """Run `job` on the background thread; the walk's buttons are disabled meanwhile."""
        self._halt.clear()
        self._enable(on=False)

        def work() -> None:
            try:
                job()
            except Cancelled:
                self._show_status(self._catalog(N_("cancelled")))
            finally:
                self._enable(on=True)

        self._tasks.ask("walk", work, self._failed)

    def _enable(self, *, on: bool) -> None:
        for name in ("play", "save"):
            self._walk_buttons[name].disabled = not on

    def _play(self, places: Sequence[Place], seconds: float) -> None:
        number, watch = self._newest, self._watch()
        with self._lock, contextlib.suppress(Cancelled):
            measured = sum(self._exploration.staged.seconds)
            possible = seconds / measured if measured > 0 else seconds * RATE
            count = max(round(min(seconds * RATE, possible)), 2)
            for done, image in enumerate(self._exploration.walk(places, count), 1):
                if self._newest != number:
                    return  # a trait was changed, and its image was requested
                watch(done, count)
                self._show_on_the_way(image)
                self._halt.wait(max(0.0, seconds / count - measured))
        self._request()

    def _show_on_the_way(self, image: Tensor) -> None:
        t = self._catalog
        self._pictures = {**self._pictures, "image": picture(png_of(image), t(N_("walk")), t(N_("Image")))}
        self._view.pictures = self._pictures

    def _watch(self) -> Watch:
        """Return a function that shows the progress and raises `Cancelled` after :meth:`cancel`."""
        began = time.perf_counter()

        def watch(done: int, count: int) -> None:
            if self._halt.is_set():
                raise Cancelled
            left = (time.perf_counter() - began) / done * (count - done)
            text = self._catalog(
                N_("image {done} of {count}, about {seconds} s left"),
                done=done,
                count=count,
                seconds=f"{left:.1f}",
            )
            self._view.state = {"text": text, "share": done / (count + 1)}

        return watch

    def _show_status(self, text: str) -> None:
        self._view.state = {"text": text, "share": 1.0}


def _checked(path: str | Path) -> Path:
    """Return the path of an animation.

    Raises
    ------
    DataError
        If the suffix is unknown.
    """
    path = Path(path)
    if path.suffix not in WRITERS:
        raise DataError(
            Message(
                "a film cannot be written to {path}: its suffix must be one of {known}",
                path=str(path),
                known=", ".join(WRITERS),
            )
        )
    return path
