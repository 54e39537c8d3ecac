"""Two futures of a run, with and without a change, shown side by side while they are computed."""

from __future__ import annotations

import ast
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets

from ganwidgets.comparison.comparison import AGAINST
from ganwidgets.live.worker.background import LatestOnlyTasks
from ganwidgets.messages import Catalog, N_
from ganwidgets.settings import Setting
from ganwidgets.trainer.futures import conclusion_page, futures_page
from ganwidgets.trainer.trainer import GANTrainer
from ganwidgets.trainer.what_if import WhatIf
from ganwidgets.widgets.browser.style.shared_style import SharedStyle
from ganwidgets.widgets.panels.sentences.sentences import Sentences

__all__ = ["WhatIfPanel", "changeable"]

STEPS = 500
MOST_SEEDS = 64
SHOWN_EVERY = 0.4
"""Seconds between two pictures of the futures."""


def changeable(definitions: Mapping[str, Setting[Any]]) -> tuple[str, ...]:
    """Return the names of the settings that take effect at the next update."""
    return tuple(name for name, setting in definitions.items() if setting.effect == "next update")


class WhatIfPanel:
    """A setting and a value to try, both futures, and the choice between them.

    Parameters
    ----------
    catalog : Catalog
        The reader's language.
    trainer : GANTrainer
        The run.
    carry_out : callable
        Carries out a function between two steps of the run, soon; it returns at once.
    tasks : LatestOnlyTasks
        Computes futures in the background.
    look : SharedStyle, optional
        Layout and styles shared with the rest of one widget.

    Attributes
    ----------
    name : str
    widget : ipywidgets.Box
    changeable : tuple of str
        The settings that can be tried.
    setting, value, steps, seeds : ipywidgets.Widget
        The setting to try.
    metric : ipywidgets.Dropdown
        The curve or figure that compares the futures.
    start, take, keep, drop : ipywidgets.Button
        Compute the futures; continue as the changed one, as the unchanged one, or drop both.
    what_if : WhatIf or None
        The futures on display.
    """

    name = "what_if"

    def __init__(
        self,
        catalog: Catalog,
        trainer: GANTrainer,
        carry_out: Callable[[Callable[[], None]], Any],
        tasks: LatestOnlyTasks,
        look: SharedStyle | None = None,
    ) -> None:
        look = look or SharedStyle()
        self._catalog = t = catalog
        self._trainer = trainer
        self._carry_out = carry_out
        self._tasks = tasks
        self._computing = threading.Lock()
        self.what_if: WhatIf | None = None
        self._sentences = sentences = Sentences(self.name, catalog, look)
        self.names = sentences.names
        self._definitions = trainer.settings.definitions
        self.changeable = changeable(self._definitions)
        first = next(name for name in self.changeable if name.startswith("lr_"))
        choices = [(t(self._definitions[name].label), name) for name in self.changeable]
        self.setting = sentences.gap(
            ipywidgets.Dropdown,
            "setting",
            N_("Setting to try"),
            N_("The setting that one of the two futures has changed."),
            options=choices,
            value=first,
        )
        self.value = sentences.gap(
            ipywidgets.Text, "value", N_("Value to try"), N_("Its value in that future.")
        )
        self.steps = sentences.gap(
            ipywidgets.BoundedIntText,
            "steps",
            N_("Iterations to look ahead"),
            N_("How far both futures go."),
            value=STEPS,
            min=1,
            max=100_000,
        )
        self.seeds = sentences.gap(
            ipywidgets.BoundedIntText,
            "seeds",
            N_("Noise seeds"),
            N_(
                "Number of noise seeds with which both futures are repeated; 8 show whether a difference is more than chance."
            ),
            value=1,
            min=1,
            max=MOST_SEEDS,
        )
        self.start = sentences.button(N_("What if?"), "start", self._ask)
        self.take = sentences.button(N_("Take the changed future"), "take", lambda: self._decide("changed"))
        self.keep = sentences.button(N_("Take the unchanged one"), "keep", lambda: self._decide("unchanged"))
        self.drop = sentences.button(N_("Drop both"), "drop", lambda: self._decide(""))
        self._shown = look.html("", "gw-what_if-futures")
        self.metric = sentences.gap(
            ipywidgets.Dropdown,
            "metric",
            N_("Difference of"),
            N_("The curve or figure that compares both futures."),
        )
        self._concluded = look.html("", "gw-what_if-concluded")
        self._conclusion = sentences.row(N_("Difference of"), self.metric, css_classes=["gw-hidden"])
        self._decision = look.box([self.take, self.keep, self.drop], "gw-actions", "gw-hidden")
        row = sentences.row(
            self.setting,
            N_("becomes"),
            self.value,
            N_("for"),
            self.steps,
            N_("iterations, noise seeds:"),
            self.seeds,
            self.start,
            title=N_("What if"),
        )
        self.widget = sentences.panel(
            row, sentences.message, self._shown, self._conclusion, self._concluded, self._decision
        )
        self.setting.observe(lambda change: self._suggest(change["new"]), names="value")
        self.metric.observe(lambda change: self._compare_by(change["new"]), names="value")
        self._suggest(first)

    # --- requests -------------------------------------------------------------------------------

    def open(self, name: str) -> None:
        """Select setting `name`, because its what-if button was clicked."""
        if name in self.changeable:
            self.setting.value = name
            self._suggest(name)
            self._sentences.show_message(self._catalog(N_("Choose a value, and press What if.")))

    def _suggest(self, name: str) -> None:
        """Propose a value that differs from the one in force."""
        now, setting = getattr(self._trainer.settings, name), self._definitions[name]
        if isinstance(now, bool):
            other: Any = not now
        elif isinstance(now, str):
            values = list(getattr(setting, "choices", {now: ""}))
            other = values[(values.index(now) + 1) % len(values)] if now in values else now
        elif isinstance(now, int):
            other = now * 2 or 1
        else:
            other = float(f"{now / 2:.3g}") or 0.1
        self.value.value = str(other)

    def _ask(self) -> None:
        """Compute the futures of the current choice on a separate thread."""
        name, text = self.setting.value, self.value.value.strip()
        steps, seeds = self.steps.value, self.seeds.value
        try:
            value = ast.literal_eval(text)
        except (SyntaxError, ValueError):
            value = text

        def compute() -> None:
            self.compute(steps, seeds, {name: value})

        self._tasks.ask("what if", compute, self._sentences.show_error)

    def compute(self, steps: int, seeds: int, changes: Mapping[str, Any]) -> WhatIf:
        """Return two futures; while they are computed, both are shown."""
        with self._computing:
            self.start.disabled = True
            self._forget()  # its futures cannot be taken while others are computed
            try:
                what_if = WhatIf(self._trainer, 0, seeds, changes)
                self.what_if = what_if
                self._advance(what_if, steps)
                return what_if
            finally:
                self.start.disabled = False

    def _advance(self, what_if: WhatIf, steps: int) -> None:
        done, slice_of = 0, 1
        shown = time.monotonic()
        while done < steps:
            began = time.monotonic()
            n = min(slice_of, steps - done)
            what_if.step(n)
            done += n
            took = time.monotonic() - began
            slice_of = max(1, int(n * min(2.0, SHOWN_EVERY / 4 / max(took, 1e-6))))
            if time.monotonic() - shown >= SHOWN_EVERY:
                self._show(what_if, done, steps)
                shown = time.monotonic()
        self._conclude(what_if)
        self._show(what_if, done, steps)
        self._decision.remove_class("gw-hidden")

    def _show(self, what_if: WhatIf, done: int, steps: int) -> None:
        self._shown.value = futures_page(what_if, self._catalog)
        asked = ", ".join(
            f"{self._catalog(self._definitions[n].label)} = {v}" for n, v in what_if.changes.items()
        )
        # After the pictures, which take longer, because the line must not announce something that is not
        # displayed yet.
        self._sentences.show_message(
            self._catalog(
                N_("{what}: {done} of {steps} iterations, without and with it"),
                what=asked,
                done=done,
                steps=steps,
            )
        )

    def _conclude(self, what_if: WhatIf) -> None:
        """Offer every curve and metric for the comparison, and show the most informative one."""
        trainer = what_if.unchanged
        game, modality = trainer.game, trainer.source.modality
        figures = game.metrics_of(modality)
        known = dict.fromkeys([*figures, *(name for name in trainer.history if name not in AGAINST)])
        self.metric.options = [
            (self._catalog(figures[name].label) if name in figures else name, name) for name in known
        ]
        self.metric.value = game.headline(modality)
        self._concluded.value = conclusion_page(what_if, self.metric.value, self._catalog)
        self._conclusion.remove_class("gw-hidden")

    def _compare_by(self, metric: str | None) -> None:
        """Compare the displayed futures by another curve or metric."""
        what_if = self.what_if
        if what_if is None or metric is None or self._computing.locked():
            return

        def conclude() -> None:
            self._concluded.value = conclusion_page(what_if, metric, self._catalog)

        self._tasks.ask("what if: difference", conclude, self._sentences.show_error)

    # --- decisions ------------------------------------------------------------------------------

    def _decide(self, future: str) -> None:
        what_if = self._forget()
        if what_if is None:
            return
        if not future:
            what_if.drop()
            self._sentences.show_message(self._catalog(N_("Dropped; the run is as it was.")))
            return
        self._carry_out(lambda: what_if.take(future))  # type: ignore[arg-type]
        self._sentences.show_message(
            self._catalog(N_("Taken; the run goes on from there, on a branch of its own."))
        )

    def _forget(self) -> WhatIf | None:
        """Return the displayed futures, and remove them from the display."""
        what_if, self.what_if = self.what_if, None
        for part in (self._conclusion, self._decision):
            part.add_class("gw-hidden")
        self._shown.value = self._concluded.value = ""
        return what_if
