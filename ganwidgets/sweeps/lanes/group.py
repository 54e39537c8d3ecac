"""A group of runs, stepped in one batch or one after another."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ganwidgets.errors import CompilerError, DivergedError
from ganwidgets.messages import Message
from ganwidgets.runs.inspect.sampling import labels_asked
from ganwidgets.runs.record.columns import measured
from ganwidgets.runs.record.interventions import CODE
from ganwidgets.runs.session.rollback import diverged
from ganwidgets.runs.session.session import Session
from ganwidgets.runs.session.stepper import stepper_for, switch
from ganwidgets.stepping.compiled.lanes import CompiledLanes
from ganwidgets.stepping.compiled.plan import EAGER, StepPlan, plan_of, width_of
from ganwidgets.stepping.compiled.programs import program_now
from ganwidgets.stepping.engine import ALL, Engine, NonFiniteError
from ganwidgets.stepping.lanes.engine import LaneEngine, LaneRows, LaneStop, copies_for
from ganwidgets.stepping.runtime.ambient import pinned
from ganwidgets.sweeps.lanes.grouping import why_alone
from ganwidgets.sweeps.lanes.lane import Lane

__all__ = ["LaneGroup", "prepared", "released"]

Columns = dict[str, npt.NDArray[np.float64]]


class LaneGroup:
    """A group of runs of a sweep.

    Parameters
    ----------
    lanes : sequence of Lane
        Of one :func:`~ganwidgets.sweeps.lanes.grouping.group_key`.

    Attributes
    ----------
    why_alone : str
        Why the runs are computed one after another; empty if together.
    """

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self.lanes = list(lanes)
        first = self.lanes[0].session
        self._threads, self._device = first.run.threads, first.state.device
        self._plans: dict[int, StepPlan | Message] = {}
        with pinned(self._threads, self._device):
            self.why_alone = why_alone(first)
            self._engine = None if self.why_alone else self._made()
        self._written = [True] * len(self.lanes)
        self._compilable = self._engine is not None and first.in_force().stepper == "compiled"

    def _made(self) -> LaneEngine:
        """Return the stepper of the runs, according to their states."""
        engines = [prepared(lane.session) for lane in self.lanes]
        state = engines[0].state
        if state.stepper:
            plan = self._plan(width_of(state.stepper))
            if isinstance(plan, StepPlan) and plan.key == state.stepper:
                with contextlib.suppress(CompilerError):
                    return CompiledLanes(engines, plan, program_now(plan))
        return LaneEngine(engines)

    def _plan(self, width: int) -> StepPlan | Message:
        """Return the plan of a step of all runs, with `width` lanes if possible."""
        if width not in self._plans:
            session = self.lanes[0].session
            rules = session.in_force()
            needed = len(self.lanes) + copies_for(rules)
            self._plans[width] = plan_of(session.run.engine, rules, self._threads, max(width, needed))
        return self._plans[width]

    def _choose(self) -> None:
        """Switch to or from the compiled step if due, and record it in every run."""
        steppers = {lane.session.state.stepper for lane in self.lanes}
        if not (self._compilable or steppers != {EAGER}):
            return
        target = EAGER
        if self._compilable:
            widths = {width_of(stepper) for stepper in steppers}
            plan = self._plan(widths.pop() if len(widths) == 1 else 0)
            target = stepper_for(plan, steppers.pop() if len(steppers) == 1 else EAGER)
            self._compilable = isinstance(plan, StepPlan)
        changed = [lane for lane in self.lanes if lane.session.state.stepper != target]
        if changed:
            self.write_all()
            for lane in changed:
                switch(lane.session, target)
            self._engine = self._made()

    @property
    def pending(self) -> bool:
        """True if a setting of a run has a pending change."""
        return any(lane.session.log.pending for lane in self.lanes)

    def iteration(self, lane: Lane) -> int:
        """Return the full steps of a run."""
        if self._engine is None:
            return lane.session.state.iteration
        return self._engine.iterations[self.lanes.index(lane)]

    def step(self, n: int, *, last: bool) -> bool:
        """Carry out `n` full steps in every run; return True if one of them ended.

        Parameters
        ----------
        last : bool
            Record all columns at the last step.

        Raises
        ------
        Exception
            Any exception that interrupts a batch; its runs are then as before the call.
        """
        if self._engine is None:
            for lane in self.lanes:
                _step_alone(lane, n)
            return not all(lane.alive for lane in self.lanes)
        with pinned(self._threads, self._device):
            self._choose()
            restore = self._engine.copy()
            try:
                rows = self._engine.advance(n, measured=measured, measure_last=last)
            except BaseException:
                restore()
                raise
            self._written = [False] * len(self.lanes)
            for index, lane in enumerate(self.lanes):
                if index not in rows.stops:
                    lane.status = "running"
                    _record(lane.session, rows, index, n)
            if not rows.stops:
                return False
            self._end(rows.stops, restore)
        return True

    def _end(self, stops: Mapping[int, LaneStop], restore: Callable[[], None]) -> None:
        """Restore failed runs to their last good state by recomputing from the call's beginning."""
        assert self._engine is not None
        go_on = self._engine.copy()
        restore()
        random: dict[int, dict[str, Tensor]] = {}
        done, columns = 0, None
        for steps in sorted({stop.steps for stop in stops.values()}):
            if steps:
                rows = self._engine.advance(steps - done, measured=measured, measure_last=True)
                columns = rows.columns if columns is None else _joined(columns, rows.columns)
                done = steps
            for index in (index for index, stop in stops.items() if stop.steps == steps):
                session = self.lanes[index].session
                if columns is not None:
                    _record(session, LaneRows(columns, {}, rows.seconds), index, steps)
                self._engine.write(index)
                random[index] = {name: each.get_state() for name, each in session.state.random.items()}
        go_on()
        for index, stop in stops.items():
            lane = self.lanes[index]
            session = lane.session
            session.state.random.put(random[index])
            released(session)
            self._written[index] = True
            lane.status = "diverged"
            error = NonFiniteError(stop.quantity, stop.value)
            lane.error = str(diverged(error, session.in_force(), session.state).args[0])

    def samples(self, n: int, generator: torch.Generator) -> list[Tensor]:
        """Return `n` samples of each run in display units, from equal latents if computed together."""
        if self._engine is None or not self._engine.plain:
            self.write_all()
            seed = generator.initial_seed()
            return [lane.shown(n, torch.Generator().manual_seed(seed)) for lane in self.lanes]
        noise, _ = self.lanes[0].drawn(n, generator)
        asked = [labels_asked(lane.session.run, n, generator.initial_seed()) for lane in self.lanes]
        labels = [each for each in asked if each is not None]  # none, or one for each lane
        with pinned(self._threads, self._device):
            made = self._engine.samples(noise, labels or None)
        return [lane.session.run.shown(each) for lane, each in zip(self.lanes, made, strict=True)]

    def write(self, lane: Lane) -> None:
        """Copy the results of steps to the run's own state."""
        index = self.lanes.index(lane)
        if self._engine is not None and not self._written[index]:
            self._engine.write(index)
            released(lane.session)
            self._written[index] = True

    def write_all(self) -> None:
        """Copy the results of steps to the states of all runs."""
        for lane in self.lanes:
            self.write(lane)


def prepared(session: Session) -> Engine:
    """Apply the settings of a run; return its configured engine."""
    session.recover()
    session.updates.commit()
    session.run.engine.configure(session.in_force())
    return session.run.engine


def released(session: Session) -> None:
    """Make a run continue from the state that was written to it."""
    session.updates.rollback.begun = False
    session.updates.configured = False
    session.state.edits.note()


def _record(session: Session, rows: LaneRows, index: int, n: int) -> None:
    columns = {name: column[:n, index] for name, column in rows.columns.items()}
    session.history.extend(columns, rows.seconds)
    record = session.run.engine.record
    for name, column in columns.items():
        if name not in record:
            continue
        known = column[~np.isnan(column)]
        if len(known):
            record[name] = float(known[-1])
    for player in session.state.game.players:
        if getattr(session.settings, f"freeze_{player.letter}"):
            record[f"grad_norm_{player.letter}"] = np.nan  # as the run alone records it


def _joined(first: Columns, then: Columns) -> Columns:
    return {name: np.concatenate([column, then[name]]) for name, column in first.items()}


def _step_alone(lane: Lane, n: int) -> None:
    if not lane.alive:
        return
    try:
        lane.session.updates.advance(ALL, n, lambda: False, CODE)
        lane.status = "running"
    except DivergedError as error:
        lane.status, lane.error = "diverged", str(error.args[0])
    except Exception as error:  # noqa: BLE001 - code of the user's own; the other runs go on, and the run says what happened
        lane.status = "failed"
        lane.error = Message("{type}: {error}", type=type(error).__name__, error=str(error))
