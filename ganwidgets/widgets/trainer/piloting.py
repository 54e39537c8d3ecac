"""The rules of a run as traits of its widget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from traitlets import HasTraits, TraitError, Tuple, Unicode, observe, validate

from ganwidgets.diagnosis.rules.autopilot import MODES
from ganwidgets.diagnosis.rules.built_in import built_in_rules
from ganwidgets.diagnosis.rules.rule import checked_rules
from ganwidgets.messages import Message
from ganwidgets.widgets.panels.health.checkup import Checkup

if TYPE_CHECKING:
    from ganwidgets.live import Runner
    from ganwidgets.trainer.trainer import GANTrainer

__all__ = ["Piloting"]


class _Rules(Tuple):
    """A tuple of rules; one rule alone becomes a tuple."""

    def validate(self, obj: Any, value: Any) -> Any:
        try:
            return super().validate(obj, checked_rules(value))
        except (TypeError, ValueError) as error:
            raise TraitError(*error.args) from error


class Piloting(HasTraits):
    """A widget whose rules give advice, and act if they are armed."""

    rules = _Rules(help="The rules of the run, as gw.Rule; by default those of gw.built_in_rules().")
    autopilot = Unicode(
        "advise", help="'off', 'advise' (the health panel shows what rules would do) or 'act' (they do it)."
    )

    _trainer: GANTrainer
    _runner: Runner
    _checkup: Checkup

    @validate("autopilot")
    def _known_mode(self, proposal: Any) -> Any:
        if proposal["value"] not in MODES:
            raise TraitError(
                Message(
                    "autopilot cannot be {value!r}: choose one of {names}",
                    value=proposal["value"],
                    names=", ".join(MODES),
                )
            )
        return proposal["value"]

    def _begin_piloting(self) -> None:
        """Adopt the trainer's armed rules, or use the built-in ones for advice."""
        self._checkup = Checkup(self._runner)
        pilot = self._trainer._autopilot
        self._piloted = False
        self.rules = built_in_rules(self._trainer._session.own.game) if pilot is None else pilot.watch.rules
        self.autopilot = "advise" if pilot is None else pilot.mode
        self._piloted = True
        self._update_checkup()

    @observe("rules", "autopilot")
    def _rearm(self, _change: Any) -> None:
        if not self.__dict__.get("_piloted", False):
            return
        self._trainer.autopilot(self.rules, "act" if self.autopilot == "act" else "off")
        self._update_checkup()

    def _update_checkup(self) -> None:
        self._checkup.rules = self.rules if self.autopilot == "advise" else ()
