"""Training steps of a session: settings take effect, updates are recorded, and a failed one is undone."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ganwidgets.messages import Message
from ganwidgets.runs.record.columns import measured
from ganwidgets.runs.record.interventions import Origin
from ganwidgets.runs.session.branching import branch_off
from ganwidgets.runs.session.edits import take_edits, take_edits_amid_updates
from ganwidgets.runs.session.rollback import Rollback, Update, diverged
from ganwidgets.runs.session.stepper import Stepper
from ganwidgets.stepping.engine import ALL, Engine, NonFiniteError

if TYPE_CHECKING:
    from ganwidgets.runs.session.session import Session

__all__ = ["Updates"]


class Updates:
    """Carries out the updates of a session.

    Parameters
    ----------
    session : Session

    Attributes
    ----------
    rollback : Rollback
        The last good state.
    configured : bool
        True if the engine has the settings in force, and there is a last good state.
    """

    rollback: Rollback

    def __init__(self, session: Session) -> None:
        self._session = session
        self._stepper = Stepper(session, self)
        self.configured = False

    def begin(self, engine: Engine) -> None:
        """Continue with `engine`, which has no last good state yet."""
        session = self._session
        self.rollback = Rollback(engine, session.log, session.keep)
        self.configured = False

    def advance(self, what: str, n: int, interrupted: Callable[[], bool], origin: Origin) -> dict[str, float]:
        """Carry out up to `n` full steps, or updates of one player, and return the last record.

        Parameters
        ----------
        interrupted : callable
            Called once in each step; if it returns True, that step is the last. Gradient norms and
            accuracies in the record are then those of the last step in which they were measured.

        Raises
        ------
        DivergedError
            If a number is not finite.
        Exception
            Any error of a network or the data. After each error the session is at its last good state.
        """
        session = self._session
        session.reentry.refuse_reentry()
        session.roll_back()
        try:
            session.reentry.begin(sys._getframe())
            done = 0
            while done < n:
                if done == 0 or session.listeners:
                    session.run.engine.weights.forget()
                    with session.pinned():
                        take_edits(session, trains=True)
                # Again for each step: a callback, or a cell in another thread, may have changed a mode.
                with session.pinned():
                    taken, stop = self._some(what, n - done, interrupted, origin)
                done += taken
                if session.listeners:
                    record = session.record()
                    for listener in list(session.listeners.values()):
                        listener(record)
                session.autosave.stepped()
                if stop:
                    break
        finally:
            session.reentry.end()
        return session.record()

    def _some(self, what: str, n: int, interrupted: Callable[[], bool], origin: Origin) -> tuple[int, bool]:
        """Carry out some of `n` steps or updates; return their number, and True if they were interrupted."""
        self.commit()
        if what == ALL:
            self._stepper.choose()
            self._configure()
            count = self._stepper.at_once(n)
            if count > 1 and (stop := self._stepper.several(count, interrupted)) is not None:
                return count, stop
        return 1, self._one(what, interrupted, origin, last=n == 1)

    def _one(self, what: str, interrupted: Callable[[], bool], origin: Origin, *, last: bool) -> bool:
        """Carry out one step or update; return True if it was interrupted."""
        self.commit()
        session = self._session
        state, engine, log = session.state, session.run.engine, session.log
        full = what == ALL
        action = "" if full else next(name for name, player in state.game.actions.items() if player == what)
        seen = last or bool(session.listeners)
        begins = not full and not log.repeats(state.iteration, action, origin)
        before = (state.samples_seen, session.hash_before()) if begins else ()
        self._configure()
        try:
            with self.undone_on_failure():
                engine.advance(what, measure=seen or not full or measured(state.iteration + 1))
                if full:
                    session.history.append(engine.record, self.rollback.elapsed(), state.samples_seen)
                stop = interrupted()
                Update(action, origin, state.iteration, *before).record_in(log)
                self.rollback.note()
                if seen or stop:
                    state.edits.note()
                session.way_back = None
                if engine.weights.changed:
                    take_edits_amid_updates(session)
                else:
                    self.rollback.snapshot()
        except NonFiniteError as error:
            raise diverged(error, engine.settings, state) from None
        return stop

    def commit(self) -> None:
        """Record pending changes, on a new branch if the run is in the past."""
        session, log = self._session, self._session.log
        if self.configured and not log.pending:
            return
        if self.rollback.begun and not self.rollback.finite():
            self.undo()
            raise diverged(
                NonFiniteError("a weight", float("nan")), session.run.engine.settings, session.state
            )
        # In this order an interrupt anywhere leaves a session that prepares itself again.
        self.configured = False
        if not session.branches.at_tip:
            branch_off(session, session.branches.free_name(), session.branches.tips)
        log.branch = session.branches.current
        if log.pending:
            log.commit(session.state.iteration, session.state.samples_seen, session.hash_before())

    def _configure(self) -> None:
        """Apply recorded settings, and make sure that there is a last good state."""
        if not self.configured:
            self.rollback.begin()
            self._session.run.engine.configure(self._session.in_force())
            self.configured = True

    @contextmanager
    def undone_on_failure(self) -> Iterator[None]:
        """Context of an update: any error restores the state before it."""
        session = self._session
        self.rollback.before()
        session.state.edits.forget()
        session.way_back = self.undo
        try:
            yield
        except NonFiniteError:
            self.undo()
            raise
        except BaseException as error:
            self.undo()
            iteration = session.state.iteration
            error.add_note(Message("The run is at iteration {n}, before it happened.", n=iteration))
            raise

    def undo(self) -> None:
        """Restore the state after the last completed update that left everything finite."""
        session = self._session
        self.rollback.go_back()
        self.configured = False
        session.history.resize(session.state.iteration)
        session.state.edits.note()
        session.way_back = None

    def undo_if_not_finite(self) -> None:
        """Restore the last good state if the current one is not finite."""
        if self.rollback.begun and not self.rollback.finite():
            self.undo()
