"""The rules that supervise a run, and a small editor for them."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Sequence
from typing import Any, Protocol

import ipywidgets
from traitlets import TraitError

from ganwidgets.diagnosis import SYMPTOMS
from ganwidgets.diagnosis.rules.rule import DIVERGED, Rule
from ganwidgets.live.worker.background import LatestOnlyTasks
from ganwidgets.messages import Catalog, N_
from ganwidgets.rehearsal import rehearse
from ganwidgets.settings import SETTINGS
from ganwidgets.trainer.trainer import GANTrainer
from ganwidgets.widgets.browser.style.shared_style import SharedStyle, set_hidden
from ganwidgets.widgets.panels.sentences.sentences import Sentences
from ganwidgets.widgets.panels.sentences.what_if import changeable

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
"""Maximum number of listed firings of a rehearsal."""


class Pilot(Protocol):
    """Owner of the rules: a widget with the traits `rules` and `autopilot`."""

    rules: Any
    autopilot: Any

    def observe(self, handler: Any, names: Any) -> None:
        """Call `handler` when a trait changes."""


class RulesPanel:
    """The list of rules, their mode, and a row for creating another one.

    Parameters
    ----------
    catalog : Catalog
        The reader's language.
    trainer : GANTrainer
        The run on which rules are rehearsed.
    pilot : Pilot
        Owner of the rules.
    tasks : LatestOnlyTasks
        Runs rehearsals in the background.
    look : SharedStyle, optional
        Layout and styles shared with the rest of one widget.

    Attributes
    ----------
    name : str
    widget : ipywidgets.Box
    mode, chosen : ipywidgets.Dropdown
        Mode of the rules; the rule to remove or rehearse.
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
        look = look or SharedStyle()
        self._catalog = t = catalog
        self._sentences = sentences = Sentences(self.name, catalog, look)
        self.names = sentences.names
        self._trainer, self._pilot, self._tasks = trainer, pilot, tasks
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
        self.bound = sentences.gap(
            ipywidgets.FloatText,
            "bound",
            N_("Bound"),
            N_("What the mean of the column is compared with."),
            value=0.9,
        )
        self.setting = self._choice(
            "setting",
            N_("Setting"),
            N_("What the rule changes."),
            [(t(SETTINGS[name].label), name) for name in changeable(SETTINGS)],
        )
        self._settings = tuple(self.setting.options)
        self.then = sentences.gap(
            ipywidgets.Text,
            "then",
            N_("New value"),
            N_("A value, or a factor such as * 0.5 or / 2."),
            value="* 0.5",
        )
        self.add = sentences.button(N_("Add rule"), "add", self._add)
        self.remove = sentences.button(N_("Remove"), "remove", self._remove)
        self.rehearse = sentences.button(N_("Rehearse"), "rehearse", self._rehearse)
        self._shown = look.html("", "gw-rules-shown")
        self._compared = (self.relation, self.bound)
        self._of_a_rule = look.box([self.chosen, self.rehearse, self.remove], "gw-actions")
        kept = sentences.row(self.mode, self._of_a_rule, title=N_("Rules"))
        made = sentences.row(
            self.when,
            self.relation,
            self.bound,
            N_("then"),
            self.setting,
            self.then,
            self.add,
            title=N_("If"),
        )
        self.widget = sentences.panel(kept, made, sentences.message, self._shown)
        self.when.observe(lambda _: self._suit(), names="value")
        self.setting.observe(lambda _: self._suit(), names="value")
        self.mode.observe(self._mode_chosen, names="value")
        pilot.observe(lambda _: self.show(), names=["rules", "autopilot"])
        self._suit()
        self.show()

    def _choice(self, part: str, label: str, help_: str, options: Sequence[tuple[str, str]]) -> Any:
        return self._sentences.gap(ipywidgets.Dropdown, part, label, help_, options=options)

    def show(self) -> None:
        """Show the current rules and mode."""
        names = [rule.name for rule in self._pilot.rules]
        if list(self.chosen.options) != names:
            self.chosen.options = names
        if names and self.chosen.value is None:
            self.chosen.value = names[0]
        set_hidden(self._of_a_rule, not names)
        self.mode.value = self._pilot.autopilot or "advise"

    def _suit(self) -> None:
        """Show only the inputs that the chosen condition and setting need; only a finding has remedies."""
        remedy = [(self._catalog(N_("best remedy")), "")] if self.when.value in SYMPTOMS else []
        offered = (*remedy, *self._settings)
        if self.setting.options != offered:
            chosen, was_first = self.setting.value, self.setting.index == 0
            self.setting.options = offered
            if chosen and not (was_first and remedy):
                self.setting.value = chosen
        for part in self._compared:
            set_hidden(part, self.when.value not in COLUMNS)
        set_hidden(self.then, not self.setting.value)

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
            self._sentences.show_error(error)
        else:
            self.chosen.value = rule.name
            self._sentences.show_message(self._catalog(N_("Added {rule}."), rule=rule.name))

    def _asked(self) -> Any:
        """Return the changes of the new rule."""
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
            self._tasks.ask("rehearse", lambda: self._rehearsed(rules), self._sentences.show_error)

    def _rehearsed(self, rules: list[Rule]) -> None:
        t = self._catalog
        firings = rehearse(self._trainer, rules)
        # Update this before the line, which must not announce something that is not displayed yet.
        self._shown.value = firings.page(t, SHOWN) if firings else ""
        message = (
            N_("Firings of {rule} so far: {n}.") if firings else N_("{rule} would not have fired so far.")
        )
        self._sentences.show_message(t(message, rule=rules[0].name, n=len(firings)))
