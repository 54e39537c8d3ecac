"""A comparison in a notebook: overlaid curves and a table, which follow runs of other processes.

From the browser, as messages: ``{"look": true}`` every two seconds while the page shows it; ``{"samples": true}``.
The messages ``{"findings": true}`` and ``{"better": true}`` request the findings of each run, and the
difference between two groups of seeds. The traits `column`, `against` and `colour` are the browser's choices.
To the browser: `table`, `curves`, `pictures`, `message`.
"""

from __future__ import annotations

import html
import math
import threading
from collections.abc import Mapping
from typing import Any

import anywidget
import numpy as np
from traitlets import Dict, Unicode, observe

from ganwidgets.comparison.comparison import AGAINST, Comparison
from ganwidgets.comparison.overview import overview, spelled
from ganwidgets.diagnosis.wording import findings_of_each
from ganwidgets.messages import N_, catalog
from ganwidgets.rendering.pictures.overlay import DASHES, PALETTE, thinned_curve
from ganwidgets.rendering.pictures.side_by_side import samples_side_by_side
from ganwidgets.runs.record.run_record import RunRecord
from ganwidgets.widgets.browser.assets import script, stylesheet
from ganwidgets.widgets.browser.kernel.displays import view_of

__all__ = ["ComparisonWidget"]

WORDS = {
    "run": N_("run"),
    "curve": N_("Curve"),
    "against": N_("against"),
    "colour": N_("Colour by"),
    "filter": N_("Filter"),
    "example": N_("such as lr_d=0.001"),
    "samples": N_("Samples side by side"),
    "sort": N_("Sort by this column"),
    "show": N_("Show"),
    "findings": N_("Findings of each"),
    "better": N_("Better by"),
    "parallel": N_("Settings and result of each run, one axis each"),
}

AXES = {
    "iteration": N_("iteration"),
    "samples_seen": N_("samples seen"),
    "seconds": N_("seconds of training"),
}

EACH = ""
"""The choice of a colour for each run."""

SINCE = N_("since iteration {iteration}")
NOTHING_FOUND = N_("nothing is found")
MORE, CHANCE = N_("That is more than chance."), N_("That may be chance.")

POINTS = 250


class ComparisonWidget(anywidget.AnyWidget):
    """Runs side by side; the display of the result of :func:`ganwidgets.compare`.

    Parameters
    ----------
    comparison : Comparison
    locale : str, optional
        The language, such as ``"fr"``; the system's without it.

    Attributes
    ----------
    column : str
        Name of the drawn curve.
    against : {"iteration", "samples_seen", "seconds"}
    colour : str
        The column of the table that determines the colours; empty for one colour per run.
    """

    _esm = script("comparison/comparison")
    _css = stylesheet("comparison/comparison")

    words = Dict().tag(sync=True)
    table = Dict().tag(sync=True)
    curves = Dict().tag(sync=True)
    pictures = Unicode("").tag(sync=True)
    message = Unicode("").tag(sync=True)
    column = Unicode("loss_d").tag(sync=True)
    against = Unicode("iteration").tag(sync=True)
    colour = Unicode(EACH).tag(sync=True)

    def __init__(self, comparison: Comparison, *, locale: str | None = None) -> None:
        self._catalog = catalog(locale)
        self._comparison = comparison
        self._seen: tuple[Any, ...] = ()
        self._looking = threading.Lock()
        super().__init__(words={name: self._catalog(text) for name, text in WORDS.items()})
        known = [name for record in comparison.runs.values() for name in record.columns]
        if self.column not in known:
            self.column = next((name for name in known if name.startswith("loss_")), self.column)
        self.refresh()
        self.on_msg(self._on_message)

    @property
    def comparison(self) -> Comparison:
        """The displayed comparison."""
        return self._comparison

    def refresh(self) -> None:
        """Read the runs again, and update the display."""
        with self._looking:
            runs = self._comparison.runs
            seen = tuple(
                (name, id(record.history), record.rows, len(record.interventions), record.notes)
                for name, record in runs.items()
            )
            asked = self.column, self.against, self.colour
            if (seen, asked) == self._seen:
                return
            self._seen = seen, asked
            self.table = self._table(runs)
            self.curves = {name: curve for name, record in runs.items() if (curve := self._curve(record))}

    def _table(self, runs: Mapping[str, RunRecord]) -> dict[str, Any]:
        t = self._catalog
        frame = self._comparison.to_frame()
        frame = frame.loc[[name for name in runs if name in frame.index]]
        columns = list(frame.columns)
        chosen = (
            [spelled(value) for value in frame[self.colour]] if self.colour in columns else list(frame.index)
        )
        kinds = list(dict.fromkeys(chosen))
        rows = []
        for number, (name, values) in enumerate(frame.iterrows()):
            kind = kinds.index(chosen[number])
            rows.append(
                {
                    "name": name,
                    "cells": [spelled(value) for value in values],
                    "sort": [_sortable(value) for value in values],
                    "color": PALETTE[kind % len(PALETTE)],
                    "dash": DASHES[kind // len(PALETTE) % len(DASHES)],
                }
            )
        numbers = dict.fromkeys(
            each for record in runs.values() for each in record.columns if each not in AGAINST
        )
        return {
            "columns": columns,
            "rows": rows,
            "numbers": list(numbers),
            "axes": {name: t(text) for name, text in AXES.items()},
            "colours": {EACH: t(N_("run")), **{name: name for name in self._comparison.settings().columns}},
        }

    def _curve(self, record: RunRecord) -> list[list[float]] | None:
        if self.column not in record.columns:
            return None
        places, values = thinned_curve(record.progress(self.against), record.column(self.column), POINTS)
        return [np.round(places, 4).tolist(), [float(f"{value:.5g}") for value in values]]

    @observe("column", "against", "colour")
    def _chosen(self, _change: Any) -> None:
        if self._seen:
            self.refresh()

    def _on_message(self, _widget: Any, content: Mapping[str, Any], _buffers: Any) -> None:
        if "look" in content:
            self.refresh()
        elif "samples" in content:
            self.show_samples()
        elif "findings" in content:
            self.show_findings()
        elif "better" in content:
            self.show_better()

    def show_samples(self) -> None:
        """Show samples of every run from the same latents, below the table."""
        modality = self._comparison.trainer(next(iter(self._comparison.runs))).source.modality
        made = self._comparison.samples(modality.beside)
        self.pictures = samples_side_by_side(
            {name: modality.picture(samples.numpy()) for name, samples in made.items()}
        )

    def show_findings(self) -> None:
        """Show the findings of each run."""
        self.message = findings_of_each(self._comparison.findings(), self._catalog)

    def show_better(self) -> None:
        """Show the difference of the drawn curve between the second and the first group of seeds."""
        t, groups = self._catalog, self._comparison.groups()
        try:
            interval = self._comparison.better_by(self.column)
        except ValueError as error:
            self.message = f"<p>{html.escape(t.error(error))}</p>"
            return
        first, second = groups
        sentence = t(
            N_("{column}, mean of the last tenth, {second} minus {first}: {interval}."),
            column=self.column,
            first=first,
            second=second,
            interval=interval.sentence(),
        )
        self.message = f"<p>{html.escape(sentence)}</p>"

    def _repr_mimebundle_(self, **_: Any) -> Any:
        return {**view_of(self), "text/html": overview(self._comparison, self._catalog)}

    def __repr__(self) -> str:
        return f"<ComparisonWidget of {len(self.table['rows'])} runs>"


def _sortable(value: Any) -> float | str | None:
    """Return a JSON value by which a table can be sorted."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        return str(value)
    return float(value) if math.isfinite(value) else None
