"""The user's own data: chosen among thumbnails of presets, drawn on a board, pasted, or loaded from a file.

From the browser, as messages: ``{"hello": true}`` from a new view; ``{"text": ...}``, the whole text to
be read as points; ``{"train": "drawing" or "text"}``; ``{"preset": name}``. The trait `strokes`, which the
browser writes, is the drawing: ``[erases, radius, [x, y, x, y, ...]]`` for each stroke, in the units of the
data.

To the browser: ``{"drawn": {count, message}}`` with some of the drawing's points, float32 ``[n, 2]``, as buffer;
``{"read": {count, message, refused}}``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from traitlets import Dict, List

from ganwidgets.data import POINT_PRESETS, Source, dataset
from ganwidgets.data.points.files import points_in
from ganwidgets.data.points.presets import load_points
from ganwidgets.data.points.strokes import Stroke, points_of_drawing
from ganwidgets.errors import DataError
from ganwidgets.messages import Catalog, N_
from ganwidgets.seeds import seeded
from ganwidgets.widgets.browser.assets import script, stylesheet
from ganwidgets.widgets.browser.page.scripted import ScriptedWidget

__all__ = ["OwnDataPanel", "settings_for"]

PREVIEWED = 700
"""Number of points of a drawing shown on the board."""

IN_THUMBNAIL = 140

SMALLEST_BRUSH = 0.005


class OwnDataPanel(ScriptedWidget):
    """The board, the text, and the thumbnails; created once.

    Parameters
    ----------
    catalog : Catalog
        The reader's language.
    choose : callable
        Called as ``choose(name)`` for a preset; like `train`, on the thread that handles the browser's
        messages.
    train : callable
        Called as ``train(points)`` with points ``[N, F]``, or their source, for a fresh start.
    """

    _esm = script("panels/own_data/own_data")
    _css = stylesheet("panels/own_data/own_data")

    words = Dict().tag(sync=True)
    strokes: List[Any] = List(help="The drawing, as the browser has it.").tag(sync=True)

    def __init__(
        self, catalog: Catalog, choose: Callable[[str], None], train: Callable[[Source | np.ndarray], None]
    ) -> None:
        self._catalog = catalog
        self._choose = choose
        self._train = train
        self._guard = threading.RLock()
        self._ready: dict[str, Source | np.ndarray | None] = {"drawing": None, "text": None}
        super().__init__(words=_words(catalog))
        self.observe(lambda _: self._draw(), names=["strokes"])
        self.on_msg(self._on_message)

    def _on_message(self, _widget: Any, content: Mapping[str, Any], _buffers: Any) -> None:
        if "hello" in content:
            self._draw()
        elif "text" in content:
            self._read(str(content["text"]))
        elif "preset" in content and content["preset"] in POINT_PRESETS:
            self._choose(content["preset"])
        elif content.get("train") in self._ready:
            points = self._ready[content["train"]]
            if points is not None:
                self._train(points)

    def _draw(self) -> None:
        """Turn the drawing into points, and show some of them."""
        with self._guard:
            points, message = np.empty((0, 2), np.float32), ""
            if self.strokes:
                try:
                    points = points_of_drawing([_stroke(*each) for each in self.strokes])
                    message = self._catalog(
                        N_("{count} points, spread evenly over the paint"), count=len(points)
                    )
                except DataError as error:
                    message = self._catalog.error(error)
            # Both axes of the board have the same unit, so that a thin line stays thin.
            self._ready["drawing"] = dataset(points, standardize=False) if len(points) else None
            self.send(
                {"drawn": {"count": len(points), "message": message}}, buffers=[points[:PREVIEWED].tobytes()]
            )

    def _read(self, text: str) -> None:
        """Read points from `text`, and show their number or the error."""
        with self._guard:
            points, message, refused = None, "", False
            if text.strip():
                try:
                    points = points_in(text)
                    message = self._catalog(
                        N_("{count} points of {features} coordinates, from {low} to {high}"),
                        count=len(points),
                        features=points.shape[1],
                        low=f"{points.min():.3g}",
                        high=f"{points.max():.3g}",
                    )
                except DataError as error:
                    message, refused = self._catalog.error(error), True
            self._ready["text"] = points
            self.send(
                {
                    "read": {
                        "count": 0 if points is None else len(points),
                        "message": message,
                        "refused": refused,
                    }
                }
            )


def settings_for(points: Source | np.ndarray, settings: Any) -> dict[str, Any]:
    """Return the settings of a fresh start on `points`, which have no labels.

    Parameters
    ----------
    settings
        As they are; a batch is made no larger than the points are many, and what is for images or for
        data with labels is left.
    """
    wanted = {
        "batch_size": min(settings.batch_size, dataset(points).size or settings.batch_size),
        "architecture": "mlp",
        "conditional": False,
    }
    changed = {name: value for name, value in wanted.items() if getattr(settings, name) != value}
    return {"data": points, **changed}


def _stroke(erases: Any, radius: Any, path: Any) -> Stroke:
    places = np.array(path, float).reshape(-1, 2)
    return Stroke(places, max(float(radius), SMALLEST_BRUSH), bool(erases))


def _words(t: Catalog) -> dict[str, Any]:
    return {
        "title": t(N_("Choose, draw or paste the data")),
        "presets": t(N_("Presets")),
        "thumbnails": [
            {
                "name": name,
                "label": t(preset.label),
                "help": t(preset.help),
                "points": load_points(name)
                .draw(IN_THUMBNAIL, seeded(0, "thumbnail"))
                .numpy()
                .astype(float)
                .round(2)
                .ravel()
                .tolist(),
            }
            for name, preset in POINT_PRESETS.items()
        ],
        "board": t(
            N_(
                "Board to draw data on, from -1.25 to 1.25 both ways. Arrow keys move the brush, space puts it "
                "down, e changes between drawing and erasing, control with z undoes."
            )
        ),
        "draw": t(N_("Draw")),
        "draw-help": t(N_("Paint the places of real samples; all painted places are equally likely.")),
        "erase": t(N_("Erase")),
        "erase-help": t(N_("Take paint away; a pen's other end does so too.")),
        "undo-stroke": t(N_("Undo stroke")),
        "undo-stroke-help": t(N_("Take back the last stroke, or the clearing of the board.")),
        "clear": t(N_("Clear")),
        "clear-help": t(N_("Begin with an empty board.")),
        "brush": t(N_("Brush")),
        "brush-help": t(N_("The brush's radius, in the units of the data.")),
        "train-drawing": t(N_("Train on the drawing")),
        "train-drawing-help": t(N_("Start afresh on the drawn points.")),
        "paste": t(N_("Or paste points: one a line, separated by commas, semicolons, tabs or blanks.")),
        "file": t(N_("Or load a CSV file:")),
        "large": t(N_("This file is larger than 5 MB; read it in a cell, with gw.read_points(path).")),
        "train-points": t(N_("Train on these points")),
        "train-points-help": t(N_("Start afresh on the points in the box.")),
        "consequence": t(
            N_(
                "Training on a drawing or on points starts afresh, on a new branch: the run so far stays in the "
                "timeline. A preset takes effect at Reset."
            )
        ),
    }
