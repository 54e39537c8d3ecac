"""The rules that look after a run, and a small editor for them."""

from __future__ import annotations

import ast
import html
import itertools
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import ipywidgets
from traitlets import TraitError

from ganwidgets.diagnosis import SYMPTOMS
from ganwidgets.diagnosis.rules import DIVERGED, Rule
from ganwidgets.live.worker.background import LatestOnlyTasks
from ganwidgets.messages import Catalog, N_
from ganwidgets.rehearsal import rehearse
from ganwidgets.settings import SETTINGS
from ganwidgets.trainer.trainer import GANTrainer
from ganwidgets.widgets.browser.shared_style import SharedStyle, classed
from ganwidgets.widgets.panels.what_if import changeable

__all__ = ["Pilot", "RulesPanel"]

COLUMNS = (
    "accuracy",
    "loss_d",
    "loss_g",
    "grad_norm_d",
    "grad_norm_g",
    "accuracy_real",
    "accuracy_fake",
    "penalty_d",
)

MODES = {"off": N_("off"), "advise": N_("advise"), "act": N_("act")}

SHOWN = 8
"""Firings of a rehearsal that are listed."""


class Pilot(Protocol):
    """What holds the rules: a widget with the traits `rules` and `autopilot`."""

    rules: Any
    autopilot: Any

    def observe(self, handler: Any, names: Any) -> None:
        """Call `handler` when a trait changes."""


class RulesPanel:
    """Which rules there are, whether they act, and a row that makes another one.

    Parameters
    ----------
    catalog : Catalog
        The reader's language.
    trainer : GANTrainer
        The run on which rules are rehearsed.
    pilot : Pilot
        Holds the rules.
    tasks : LatestOnlyTasks
        Carries out rehearsals.
    look : SharedStyle, optional
        What it shares with the rest of one widget.

    Attributes
    ----------
    name : str
    widget : ipywidgets.Box
    mode, chosen : ipywidgets.Dropdown
        Whether the rules act; the rule that is removed or rehearsed.
    when, relation, bound, setting, then : ipywidgets.Widget
        The parts of a new rule.
    add, remove, rehearse : ipywidgets.Button
    """

    name = "rules"

    def __init__(
        self,
        catalog: Catalog,
        trainer: GANTrainer,
        pilot: Pilot,
        tasks: LatestOnlyTasks,
        look: SharedStyle | None = None,
    ) -> None:
        self._look = look = look or SharedStyle()
        self._catalog = t = catalog
        self._trainer, self._pilot, self._tasks = trainer, pilot, tasks
        self.names: dict[str, tuple[str, str]] = {}
        self.mode = self._choice(
            "mode",
            N_("Autopilot"),
            N_("Off, say what rules would do, or let them act."),
            [(t(text), name) for name, text in MODES.items()],
        )
        self.chosen = self._choice("chosen", N_("Rule"), N_("The rules of this run."), [])
        self.when = self._choice(
            "when",
            N_("If"),
            N_("A finding, a divergence, or the mean of a recorded column."),
            [
                *((t(text), name) for name, text in SYMPTOMS.items()),
                (t(N_("Diverged")), DIVERGED),
                *((name, name) for name in COLUMNS),
            ],
        )
        self.relation = self._choice(
            "relation", N_("Relation"), N_("Of the column to the bound."), [(">", ">"), ("<", "<")]
        )
        self.bound = self._named(
            ipywidgets.FloatText(value=0.9, **look.of(ipywidgets.FloatText)),
            "bound",
            N_("Bound"),
            N_("What the mean of the column is compared with."),
        )
        self.setting = self._choice(
            "setting",
            N_("Setting"),
            N_("What the rule changes."),
            [(t(N_("best remedy")), ""), *((t(SETTINGS[name].label), name) for name in changeable(SETTINGS))],
        )
        self.then = self._named(
            ipywidgets.Text(value="* 0.5", **look.of(ipywidgets.Text)),
            "then",
            N_("New value"),
            N_("A value, or a factor such as * 0.5 or / 2."),
        )
        self.add = self._button(N_("Add rule"), "add", self._add)
        self.remove = self._button(N_("Remove"), "remove", self._remove)
        self.rehearse = self._button(N_("Rehearse"), "rehearse", self._rehearse)
        self._told = look.html("", "gw-rules-told")
        self._shown = look.html("", "gw-rules-shown")
        self._compared = (self.relation, self.bound)
        self._of_a_rule = look.box([self.chosen, self.rehearse, self.remove], "gw-actions")
        kept = look.box(
            [
                look.html(html.escape(t(N_("Rules"))), "gw-sentence-title"),
                self.mode,
                self._of_a_rule,
            ],
            "gw-sentence-row",
        )
        made = look.box(
            [
                look.html(html.escape(t(N_("If"))), "gw-sentence-title"),
                self.when,
                self.relation,
                self.bound,
                look.html(html.escape(t(N_("then"))), "gw-sentence-word"),
                self.setting,
                self.then,
                self.add,
            ],
            "gw-sentence-row",
        )
        parts = [kept, made, self._told, self._shown]
        self.widget = look.box(parts, f"gw-{self.name}", "gw-panel", "gw-sentences")
        self.when.observe(lambda _: self._suit(), names="value")
        self.setting.observe(lambda _: self._suit(), names="value")
        self.mode.observe(self._mode_chosen, names="value")
        pilot.observe(lambda _: self.show(), names=["rules", "autopilot"])
        self._suit()
        self.show()

    def _choice(self, part: str, label: str, help_: str, options: Sequence[tuple[str, str]]) -> Any:
        dropdown = ipywidgets.Dropdown(options=options, **self._look.of(ipywidgets.Dropdown))
        return self._named(dropdown, part, label, help_)

    def _named(self, widget: Any, part: str, label: str, help_: str) -> Any:
        self.names[f"gw-rules-{part}"] = self._catalog(label), self._catalog(help_)
        return classed(widget, f"gw-rules-{part}")

    def _button(self, text: str, part: str, act: Callable[[], None]) -> ipywidgets.Button:
        button = ipywidgets.Button(description=self._catalog(text), **self._look.of(ipywidgets.Button))
        button.on_click(lambda _: act())
        return classed(button, "gw-action", f"gw-rules-{part}")

    def show(self) -> None:
        """Show the rules and the mode as they are."""
        names = [rule.name for rule in self._pilot.rules]
        if list(self.chosen.options) != names:
            self.chosen.options = names
        if names and self.chosen.value is None:
            self.chosen.value = names[0]
        (self._of_a_rule.remove_class if names else self._of_a_rule.add_class)("gw-hidden")
        self.mode.value = self._pilot.autopilot or "advise"

    def _suit(self) -> None:
        """Show only the inputs that the chosen condition and setting need."""
        for part in self._compared:
            (part.remove_class if self.when.value in COLUMNS else part.add_class)("gw-hidden")
        (self.then.remove_class if self.setting.value else self.then.add_class)("gw-hidden")

    def _mode_chosen(self, change: Any) -> None:
        if change["new"] != self._pilot.autopilot:
            self._pilot.autopilot = change["new"]

    def _add(self) -> None:
        when = self.when.value
        if when in COLUMNS:
            when = f"{when} {self.relation.value} {self.bound.value:g}"
        try:
            rule = Rule(self._new_name(when), when=when, then=self._asked())
            self._pilot.rules = (*self._pilot.rules, rule)
        except (TraitError, ValueError) as error:
            self._tell(self._catalog.error(error))
        else:
            self.chosen.value = rule.name
            self._tell(self._catalog(N_("Added {rule}."), rule=rule.name))

    def _asked(self) -> Any:
        """Return what the new rule does."""
        name, text = self.setting.value, self.then.value.strip()
        if not name:
            return "remedy"
        try:
            return {name: ast.literal_eval(text)}
        except (SyntaxError, ValueError):
            return {name: text}

    def _new_name(self, when: str) -> str:
        """Return a name that no rule has."""
        known = {rule.name for rule in self._pilot.rules}
        wished = f"{when}: {self.setting.value or 'remedy'}"
        return next(
            name
            for number in itertools.count(1)
            if (name := wished if number == 1 else f"{wished} ({number})") not in known
        )

    def _remove(self) -> None:
        removed = self.chosen.value
        self._pilot.rules = tuple(rule for rule in self._pilot.rules if rule.name != removed)

    def _rehearse(self) -> None:
        rules = [rule for rule in self._pilot.rules if rule.name == self.chosen.value]
        if rules:
            self._tasks.ask("rehearse", lambda: self._rehearsed(rules), self._failed)

    def _rehearsed(self, rules: list[Rule]) -> None:
        t = self._catalog
        firings = rehearse(self._trainer, rules)
        # Before the line, which must not announce what is not shown yet.
        self._shown.value = firings.page(t, SHOWN) if firings else ""
        told = N_("Firings of {rule} so far: {n}.") if firings else N_("{rule} would not have fired so far.")
        self._tell(t(told, rule=rules[0].name, n=len(firings)))

    def _failed(self, error: Exception) -> None:
        self._tell(self._catalog.error(error))

    def _tell(self, text: str) -> None:
        self._told.value = f'<span role="status">{html.escape(text)}</span>'
