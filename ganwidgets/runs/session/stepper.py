"""Choice between eager and compiled steps.

Another process compiles the program during training. The switch is an intervention, so a run is a function of its
seed and its log, and not of the compiler's time.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

from ganwidgets.errors import CompilerError, CompilerWarning
from ganwidgets.messages import Message
from ganwidgets.runs.record.columns import measured
from ganwidgets.runs.record.interventions import SWITCH, Origin
from ganwidgets.stepping.compiled.engine import CompiledEngine
from ganwidgets.stepping.compiled.plan import EAGER, StepPlan
from ganwidgets.stepping.compiled.programs import program_for, program_now

if TYPE_CHECKING:
    from ganwidgets.runs.session.session import Session
    from ganwidgets.runs.session.updates import Updates

__all__ = ["BY_COMPILER", "Stepper", "stepper_for", "switch", "warn_once"]

BY_COMPILER = Origin("compiler", "code")

AT_ONCE, MOMENT = 50, 0.005
"""Maximum number, and maximum seconds, of compiled steps per call."""


class Stepper:
    """Selects the stepper of a session's full steps."""

    def __init__(self, session: Session, updates: Updates) -> None:
        self._session = session
        self._updates = updates
        self._plan: tuple[object, StepPlan | Message] | None = None
        self._seconds = MOMENT / 10
        self._careful_until = 0

    def choose(self) -> None:
        """Switch between eager and compiled steps if due before the next step, and record it."""
        session = self._session
        state, engine = session.state, session.run.engine
        asked = session.log.in_force.get("stepper", "eager") == "compiled"
        if not (asked or state.stepper) or not isinstance(engine, CompiledEngine):
            return
        target = stepper_for(self._planned(engine), state.stepper) if asked else EAGER
        if target == state.stepper:
            return
        switch(session, target)

    def _planned(self, engine: CompiledEngine) -> StepPlan | Message:
        """Return the plan under the current settings, cached until they or the run are replaced."""
        session = self._session
        made_of = session.log.in_force, session.run, session.state.parameters
        if self._plan is None or any(a is not b for a, b in zip(self._plan[0], made_of, strict=True)):  # type: ignore[call-overload]
            self._plan = made_of, engine.plan(session.in_force())
        return self._plan[1]

    def at_once(self, n: int) -> int:
        """Return the number of the `n` full steps for one call; results do not depend on it."""
        session = self._session
        engine = session.run.engine
        if n < 2 or session.listeners or session.state.iteration < self._careful_until:
            return 1
        if not (self._updates.configured and isinstance(engine, CompiledEngine) and engine.compiled):
            return 1
        count = min(n, AT_ONCE, int(MOMENT / self._seconds))
        if count < 2:
            self._seconds *= 0.9  # perhaps the machine was busy
        return max(count, 1)

    def several(self, n: int, interrupted: Callable[[], bool]) -> bool | None:
        """Carry out `n` full steps by the compiled program; return True if they were interrupted.

        None if a number was not finite: then nothing has changed, and the steps are due one by one.
        """
        session, updates = self._session, self._updates
        engine, state = session.run.engine, session.state
        assert isinstance(engine, CompiledEngine)
        try:
            with updates.undone_on_failure():
                rows = engine.advance_compiled(n, measured)
                session.history.extend({name: c[:, 0] for name, c in rows.columns.items()}, rows.seconds)
                updates.rollback.note(n)
                state.edits.note()
                session.way_back = None
                updates.rollback.snapshot()
        except ArithmeticError:
            self._careful_until = state.iteration + n
            return None
        self._seconds = rows.seconds
        stops = [interrupted() for _ in range(n)]  # asked once for each step
        return any(stops)


def switch(session: Session, stepper: str) -> None:
    """Use `stepper` for the full steps of a run from here on, and record it."""
    state = session.state
    session.updates.rollback.begin()
    before = session.hash_before()
    session.log.act(state.iteration, SWITCH, stepper or "eager", BY_COMPILER, state.samples_seen, before)
    state.stepper = stepper
    session.updates.rollback.take()
    session.updates.configured = False


def stepper_for(plan: StepPlan | Message, stepper: str) -> str:
    """Return the stepper that is due for a state with `stepper`, if compiled steps are requested.

    If the state names this plan, the call waits for its program, which was compiled before. Otherwise steps stay
    eager until the program exists.
    """
    if isinstance(plan, Message):
        warn_once(plan)
        return EAGER
    try:
        if plan.key == stepper:
            program_now(plan)
        elif program_for(plan) is None:
            return EAGER
    except CompilerError as error:
        warn_once(str(error))
        return EAGER
    return plan.key


_SAID: set[str] = set()


def warn_once(text: str) -> None:
    """Warn once in a process that a run stays eager."""
    if str(text) not in _SAID:
        _SAID.add(str(text))
        warnings.warn(text, CompilerWarning, stacklevel=2)
