"""Rules: conditions, and the changes of settings that they trigger.

A rule is only a declaration. :mod:`.autopilot` applies it to a live run, and :mod:`.rehearsing` evaluates it on a
recorded one.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, cast

from traitlets import TraitError

from ganwidgets.diagnosis.finding import Finding
from ganwidgets.diagnosis.signals import WINDOW, Signals
from ganwidgets.diagnosis.symptoms import SYMPTOMS
from ganwidgets.games import DEFAULT, Game, settings_of
from ganwidgets.messages import Message
from ganwidgets.runs.record.columns import columns_of
from ganwidgets.runs.state.user_parts import chosen_game
from ganwidgets.settings.settings import check_names
from ganwidgets.settings.types import NumberSetting

__all__ = ["DIVERGED", "Condition", "Firing", "Rule", "Then", "checked_rules", "refuse_rules_of_other_games"]

DIVERGED = "diverged"
"""Value of ``when``: after a number became infinite or NaN."""

ONSET = "onset"
"""Value of ``back``: to before the onset of the finding."""

BEFORE = 200
"""Number of iterations before the onset of a finding to which a rule goes back (tuned)."""

REMEDY = "remedy"
"""Value of ``then``: the first remedy of the finding that needs no fresh start."""

When = str | tuple[str, str, float] | Callable[[Signals], Any]
Then = str | Mapping[str, Any] | Callable[[Mapping[str, Any]], Mapping[str, Any]]

_RELATIONS: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}

ACCURACIES = ("accuracy_real", "accuracy_fake")
"""Columns with the signal ``accuracy`` as their mean."""

_COMPARED = re.compile(r"^\s*([a-z_][a-z0-9_]*)\s*(>=|<=|>|<)\s*([-+0-9.eE]+)\s*$")
_FACTOR = re.compile(r"^\s*([*/x])\s*([0-9.eE+-]+)\s*$")


@dataclass(frozen=True)
class Condition:
    """A comparison of a signal's mean over a window with a number, such as ``accuracy_real > 0.9``."""

    signal: str
    relation: str
    bound: float

    @classmethod
    def parsed(cls, text: str) -> Condition | None:
        """Return the condition that `text` describes, or None."""
        found = _COMPARED.match(text)
        return None if found is None else cls(found[1], found[2], float(found[3]))

    def evidence(self, seen: Signals, window: int) -> str:
        """Return a text with the values that fulfil the condition, or an empty string."""
        series = _signal(seen, self.signal)
        values = series[0][series[1] > seen.iteration - window]
        if not len(values):
            return ""
        mean = float(values.mean())
        if not _RELATIONS[self.relation](mean, self.bound):
            return ""
        return f"{self.signal} {mean:.3g} {self.relation} {self.bound:g}"


def _signal(seen: Signals, name: str) -> tuple[Any, Any]:
    """Return values and iterations of a signal; ``accuracy`` is the mean of D's two accuracies."""
    if name == "accuracy":
        real, fake = map(seen.series, ACCURACIES)
        n = min(len(real), len(fake))
        return (real.values[len(real) - n :] + fake.values[len(fake) - n :]) / 2, real.iterations[
            len(real) - n :
        ]
    series = seen.series(name)
    return series.values, series.iterations


@dataclass(frozen=True)
class Firing:
    """One firing of a rule, actual or hypothetical.

    Attributes
    ----------
    iteration : int
    rule : str
        Its name.
    evidence : str
        The values that fulfilled its condition.
    change : mapping of str to Any
        The new values of settings.
    back : int
        The iteration that the run went back to first; equal to `iteration` if it did not.
    """

    iteration: int
    rule: str
    evidence: str
    change: Mapping[str, Any]
    back: int


@dataclass(frozen=True)
class Rule:
    """A condition, and the settings to change when it holds.

    Parameters
    ----------
    name : str
        Unique among the rules of a run; shown in the log of interventions.
    when : str or callable
        A symptom of :data:`ganwidgets.diagnosis.SYMPTOMS`; ``"diverged"``; a comparison of a recorded column's mean
        over `window` with a number, such as ``"grad_norm_g > 5"`` or ``("grad_norm_g", ">", 5)``, where ``"accuracy"``
        is the mean of D's two accuracies; or a function of the recorded :class:`~ganwidgets.diagnosis.signals.Signals`
        that returns a truthy value (``seen["loss_d"]`` is the latest value).
    then : str, mapping or callable
        New values of settings by name. A value ``"* 0.5"`` or ``"/ 2"`` is a factor, and a function gets the current
        value and returns the new one. ``"remedy"`` is the first remedy of the finding. A function of all current
        settings returns such a mapping.
    cooldown : int
        Iterations after a firing in which the rule does not fire again.
    limit : int or None
        Maximum number of firings; None sets no limit.
    window : int
        Number of iterations to average for a comparison.
    hold : int
        Number of iterations after which the old values are restored; 0 keeps the new ones.
    back : int or "onset"
        Number of iterations that the run goes back before the change, on a new branch; 0 does not go back. ``"onset"``
        goes back to :data:`BEFORE` iterations before the onset of the finding. If the onset precedes the window, it
        goes back by the whole window; if the run was ill from the start, to its beginning.
    bounds : mapping of str to (low, high)
        Limits of settings as factors of their values when the rule was armed.
    continuous : bool
        True if the rule regulates: all of its changes of a setting appear as one intervention. Rules with equal names
        up to a comma share it.
    game : Game or str, optional
        The game with the rule's settings and columns; default: ``"gan"``.

    Raises
    ------
    ValueError
        If an argument is invalid.
    traitlets.TraitError
        If a name in `then` is not a setting.

    Examples
    --------
    >>> Rule("calm", when="oscillation", then={"lr_d": "* 0.5"}, cooldown=500, limit=3).name
    'calm'
    """

    name: str
    when: When
    then: Then
    cooldown: int = 100
    limit: int | None = None
    window: int = 50
    hold: int = 0
    back: int | str = 0
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=lambda: MappingProxyType({}))
    continuous: bool = False
    game: Game | str | None = None

    def __post_init__(self) -> None:
        self._check_name()
        self._take_game()
        if isinstance(self.when, tuple) and len(self.when) == 3:
            object.__setattr__(self, "when", " ".join(map(str, self.when)))
        if isinstance(self.when, str):
            self._check_condition(self.when)
        elif not callable(self.when):
            raise ValueError(_no_condition(self.name, self.when, self._columns))
        if isinstance(self.then, Mapping):
            if not self.then:
                raise ValueError(
                    Message("rule {rule!r} changes nothing; name a setting in `then`", rule=self.name)
                )
            check_names(self.then, "Rule", definitions=self._definitions)
            for setting, value in self.then.items():
                self._check_value(setting, value)
        elif self.then == REMEDY:
            if not isinstance(self.when, str) or self.when not in SYMPTOMS:
                raise ValueError(
                    Message("rule {rule!r} can apply a remedy only if `when` is a symptom", rule=self.name)
                )
        elif not callable(self.then):
            raise ValueError(
                Message(
                    "`then` of rule {rule!r} cannot be {value!r}: pass a mapping of settings, 'remedy' or a function",
                    rule=self.name,
                    value=self.then,
                )
            )
        self._check_counts()
        self._check_bounds()
        self._check_back()

    def _check_back(self) -> None:
        if self.back != ONSET:
            self._check_count("back", self.back)
        elif not self.reads_findings:
            raise ValueError(
                Message("rule {rule!r} can go back to an onset only if `when` is a symptom", rule=self.name)
            )

    def _take_game(self) -> None:
        object.__setattr__(self, "game", chosen_game(self.game or DEFAULT, {}))

    def _check_name(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():  # type: ignore[redundant-expr]
            raise ValueError(Message("a rule needs a name, not {name!r}", name=self.name))

    def _check_condition(self, when: str) -> None:
        if when in SYMPTOMS or when == DIVERGED:
            return
        condition = Condition.parsed(when)
        if condition is None or condition.signal not in self._columns:
            raise ValueError(_no_condition(self.name, when, self._columns))

    @property
    def played(self) -> Game:
        """The game with the rule's settings and columns."""
        return cast("Game", self.game)

    @property
    def _definitions(self) -> Mapping[str, Any]:
        return settings_of(self.played)

    @property
    def _columns(self) -> Collection[str]:
        columns = columns_of(self.played)
        both = {"accuracy"} if {*ACCURACIES} <= {*columns.listed} else ()
        return {*columns.listed, *columns.optional, *both}

    def _check_value(self, setting: str, value: Any) -> None:
        definition = self._definitions[setting]
        if definition.effect == "fresh start":
            raise TraitError(
                Message(
                    "rule {rule!r} cannot change {setting}, which is in force only after a reset",
                    rule=self.name,
                    setting=setting,
                )
            )
        factor = _FACTOR.match(value) if isinstance(value, str) else None
        if factor is not None and isinstance(definition, NumberSetting):
            if not _is_positive(factor[2]):
                raise ValueError(
                    Message(
                        "{setting} of rule {rule!r} cannot be {value!r}: a factor must be a positive number",
                        setting=setting,
                        rule=self.name,
                        value=value,
                    )
                )
        elif not callable(value):
            definition.check(value)

    def _check_counts(self) -> None:
        for part in ("cooldown", "window", "hold"):
            self._check_count(part, getattr(self, part))
        if self.window == 0:
            raise ValueError(
                Message("window of rule {rule!r} cannot be 0: it must be 1 iteration or more", rule=self.name)
            )
        if self.limit is not None:
            self._check_count("limit", self.limit)

    def _check_bounds(self) -> None:
        check_names(self.bounds, "Rule.bounds", definitions=self._definitions)
        for setting, ends in self.bounds.items():
            pair = tuple(ends) if isinstance(ends, tuple | list) else ()  # type: ignore[redundant-expr]
            if len(pair) != 2 or not all(map(_is_positive, pair)) or pair[0] > pair[1]:
                raise ValueError(
                    Message(
                        "bounds of {setting} in rule {rule!r} cannot be {value!r}: pass two positive factors, the lower "
                        "first, such as (0.25, 4)",
                        setting=setting,
                        rule=self.name,
                        value=ends,
                    )
                )

    def _check_count(self, part: str, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise ValueError(
                Message(
                    "{part} of rule {rule!r} cannot be {value!r}: it must be a whole number from 0 on",
                    part=part,
                    rule=self.name,
                    value=value,
                )
            )

    @property
    def reads_findings(self) -> bool:
        """True if the rule needs probes of the networks, which cost more than recorded columns."""
        return isinstance(self.when, str) and self.when in SYMPTOMS

    def finding(self, found: Sequence[Finding]) -> Finding | None:
        """Return the finding that triggers the rule."""
        return next((finding for finding in found if finding.symptom == self.when), None)

    def evidence(self, seen: Signals, finding: Finding | None) -> str:
        """Return a text with the values that fulfil the condition, or an empty string."""
        if finding is not None:
            return str(finding)
        if callable(self.when):
            answer = self.when(seen)
            return "" if not answer else answer if isinstance(answer, str) else "its condition holds"
        condition = Condition.parsed(str(self.when))
        return "" if condition is None else condition.evidence(seen, self.window)

    def target(self, iteration: int, finding: Finding | None) -> int:
        """Return the iteration to go back to, at least 0; `iteration` if the rule does not go back."""
        if isinstance(self.back, int):
            return max(0, iteration - self.back)
        if finding is None:
            return iteration
        # If every known value is bad, the onset precedes the diagnosis window.
        known = finding.since > finding.evidence.iterations[0]
        target = finding.since - (BEFORE if known else WINDOW)
        return target if target >= WINDOW else 0

    def changes(
        self, rules: Mapping[str, Any], armed: Mapping[str, Any], finding: Finding | None
    ) -> dict[str, Any]:
        """Return the new values of settings that differ from the current ones.

        Parameters
        ----------
        rules : mapping
            Settings in force.
        armed : mapping
            Settings in force when the rule was armed, to which `bounds` refer.
        finding : Finding or None
            The finding that triggered the rule; ``then="remedy"`` applies its first remedy without a fresh start.
        """
        asked: Mapping[str, Any]
        if isinstance(self.then, str):
            proposed = () if finding is None else finding.remedies
            asked = next((r.changes for r in proposed if r.changes and not r.fresh_start), {})
        else:
            asked = self.then(rules) if callable(self.then) else self.then
        values = {name: self._value(name, value, rules, armed) for name, value in asked.items()}
        return {name: value for name, value in values.items() if value != rules[name]}

    def _value(self, name: str, value: Any, rules: Mapping[str, Any], armed: Mapping[str, Any]) -> Any:
        if callable(value):
            value = value(rules[name])
        elif isinstance(value, str) and (factor := _FACTOR.match(value)):
            number = float(factor[2])
            value = rules[name] / number if factor[1] == "/" else rules[name] * number
        definition: Any = self._definitions[name]
        if isinstance(value, float) and math.isfinite(value):
            value = float(f"{value:.6g}")
            if name in self.bounds:
                # A value that a user or another rule set beyond the bounds is kept.
                low, high = (factor * armed[name] for factor in self.bounds[name])
                value = min(max(value, min(low, rules[name])), max(high, rules[name]))
            value = min(max(value, definition.min), definition.max)
            if isinstance(rules[name], int) and not isinstance(rules[name], bool):
                value = round(value)
        return definition.check(value)


def _is_positive(value: Any) -> bool:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return False
    return math.isfinite(number) and number > 0


def _no_condition(rule: str, when: Any, columns: Collection[str]) -> Message:
    return Message(
        "`when` of rule {rule!r} cannot be {value!r}: pass a symptom ({symptoms}), 'diverged', a comparison of a column "
        "such as 'grad_norm_g > 5', or a function; columns are {columns}, and those of another game if it is passed as game=",
        rule=rule,
        value=when,
        columns=", ".join(sorted(columns)),
        symptoms=", ".join(SYMPTOMS),
    )


def refuse_rules_of_other_games(rules: Sequence[Rule], game: Game) -> None:
    """Raise `ValueError` unless all `rules` use settings and columns of `game`."""
    for rule in rules:
        if rule.played.name != game.name:
            raise ValueError(
                Message(
                    "rule {rule!r} is one for the game {of}, and the run is one of {wanted}; make it with game={wanted!r}",
                    rule=rule.name,
                    of=rule.played.name,
                    wanted=game.name,
                )
            )


def checked_rules(rules: Rule | Sequence[Rule]) -> tuple[Rule, ...]:
    """Return `rules` as a tuple.

    Raises
    ------
    TypeError
        If an element is not a :class:`Rule`.
    ValueError
        If two rules have one name.
    """
    given: Any = rules
    asked: tuple[Any, ...] = (
        tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else (given,)
    )
    for rule in asked:
        if not isinstance(rule, Rule):
            raise TypeError(Message("{value!r} is no rule; make one with gw.Rule(...)", value=rule))
    names = [rule.name for rule in asked]
    if len(set(names)) < len(names):
        raise ValueError(Message("two rules have the same name: {names}", names=", ".join(sorted(names))))
    return asked
