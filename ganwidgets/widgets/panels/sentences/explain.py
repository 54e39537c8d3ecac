"""The explanation of an iteration's result, and notes on iterations."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets
import numpy as np

from ganwidgets.explanation.page import explanation_page
from ganwidgets.live.worker.background import LatestOnlyTasks
from ganwidgets.messages import Catalog, N_
from ganwidgets.trainer.trainer import GANTrainer
from ganwidgets.widgets.browser.style.shared_style import SharedStyle
from ganwidgets.widgets.panels.sentences.sentences import Sentences

__all__ = ["ExplainPanel", "spike_near"]

REACH = 0.02
"""Share of the chart's width around a click in which a spike is searched."""


class ExplainPanel:
    """An iteration to explain or annotate, and the explanation.

    Parameters
    ----------
    catalog : Catalog
        The reader's language.
    trainer : GANTrainer
        The run.
    tasks : LatestOnlyTasks
        Computes the explanation.
    look_again : callable
        Called to draw a note.
    look : SharedStyle, optional
        Layout and styles shared with the rest of one widget.

    Attributes
    ----------
    name : str
    widget : ipywidgets.Box
    iteration : ipywidgets.BoundedIntText
    text : ipywidgets.Text
        The note.
    start, note : ipywidgets.Button
        Explain the iteration; store the note.
    """

    name = "explain"

    def __init__(
        self,
        catalog: Catalog,
        trainer: GANTrainer,
        tasks: LatestOnlyTasks,
        look_again: Callable[[], None],
        look: SharedStyle | None = None,
    ) -> None:
        look = look or SharedStyle()
        self._catalog = catalog
        self._trainer, self._tasks, self._look_again = trainer, tasks, look_again
        self._sentences = sentences = Sentences(self.name, catalog, look)
        self.names = sentences.names
        self.iteration = sentences.gap(
            ipywidgets.BoundedIntText,
            "iteration",
            N_("Iteration to explain"),
            N_("A click on a spike of the losses chooses it, too."),
            value=0,
            min=0,
            max=2**31 - 1,
        )
        self.start = sentences.button(N_("Explain"), "start", self._ask)
        self.text = sentences.gap(
            ipywidgets.Text,
            "text",
            N_("Note"),
            N_("Kept with the run, and shown as a mark below the losses."),
            placeholder=catalog(N_("a note on this iteration")),
        )
        self.note = sentences.button(N_("Note it"), "note", self._keep)
        self.close = sentences.button(N_("Hide"), "hide", self._hide, "gw-hidden")
        self._shown = look.html("", "gw-explain-shown")
        row = sentences.row(
            N_("iteration"),
            self.iteration,
            self.start,
            self.text,
            self.note,
            self.close,
            title=N_("Why?"),
        )
        self.widget = sentences.panel(row, sentences.message, self._shown)

    def open(self, iteration: float) -> None:
        """Explain the spike nearest to `iteration`, which the user clicked in the losses' chart."""
        history = self._trainer.history
        losses = [np.asarray(history[name], np.float64) for name in ("loss_d", "loss_g") if name in history]
        if losses and len(losses[0]):
            self.iteration.value = spike_near(losses, iteration)
            self._ask()

    def _ask(self) -> None:
        iteration = self.iteration.value
        self._sentences.show_message(
            self._catalog(N_("Iteration {count} is computed again."), count=iteration)
        )
        self._tasks.ask("explain", lambda: self._explain(iteration), self._sentences.show_error)

    def _explain(self, iteration: int) -> None:
        why = self._trainer.explain(iteration)
        self._shown.value = explanation_page(why, self._catalog)
        self.close.remove_class("gw-hidden")
        self._sentences.show_message("")

    def _keep(self) -> None:
        text, iteration = self.text.value, self.iteration.value

        def keep() -> None:
            self._trainer.note(text, iteration)
            self.text.value = ""
            message = N_("Noted at iteration {iteration}: {note}")
            self._sentences.show_message(self._catalog(message, iteration=iteration, note=text))
            self._look_again()

        self._tasks.ask("note", keep, self._sentences.show_error)

    def _hide(self) -> None:
        self._shown.value = ""
        self.close.add_class("gw-hidden")


def spike_near(losses: list[np.ndarray], iteration: float) -> int:
    """Return the iteration, from 1 to T, whose losses differ most from the medians around it.

    Parameters
    ----------
    losses : list of float64 array [T]
        Of equal length, one value an iteration.
    iteration : float
        Centre of the search: :data:`REACH` times T to both sides. Beyond T the end is searched, because a
        compared branch can be longer than the current one.
    """
    last = len(losses[0]) - 1
    reach = max(1, round(REACH * last))
    at = round(min(max(iteration - 1, 0.0), float(last)))
    low, high = max(0, at - reach), min(last, at + reach) + 1
    far = np.zeros(high - low)
    for values in losses:
        known = values[low:high]
        finite = known[np.isfinite(known)]
        if len(finite):
            scale = float(np.median(np.abs(finite - np.median(finite)))) or 1.0
            far = np.maximum(far, np.nan_to_num(np.abs(known - np.median(finite)) / scale))
    return low + int(np.argmax(far)) + 1
