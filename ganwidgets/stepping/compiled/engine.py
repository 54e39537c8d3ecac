"""The engine of a run with optional compiled steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from ganwidgets.errors import CompilerError
from ganwidgets.messages import Message
from ganwidgets.stepping.compiled.lanes import CompiledLanes
from ganwidgets.stepping.compiled.plan import StepPlan, plan_of
from ganwidgets.stepping.compiled.programs import program_now
from ganwidgets.stepping.engine import ALL, Engine, NonFiniteError
from ganwidgets.stepping.lanes.engine import LaneRows
from ganwidgets.stepping.observers import NullObserver

__all__ = ["CompiledEngine"]


class CompiledEngine(Engine):
    """Carries out full steps by a compiled program if the state names the plan of the current settings.

    Updates of one player, and steps that an observer watches, are always eager.
    """

    _lanes: CompiledLanes | None = None
    _checked = False

    def configure(self, settings: Any) -> None:
        """See :meth:`Engine.configure`."""
        super().configure(settings)
        self._lanes, self._checked = None, False

    def plan(self, settings: Any) -> StepPlan | Message:
        """Return the plan of a full step under `settings`, or the reason why it cannot be compiled."""
        return plan_of(self, settings, torch.get_num_threads())

    @property
    def compiled(self) -> bool:
        """True if a compiled program carries out the next full step.

        Raises
        ------
        CompilerError
            If it is required, and cannot be compiled.
        """
        if not self.state.stepper or type(self.observer) is not NullObserver:
            return False
        if not self._checked:
            plan = self.plan(self.settings)
            if isinstance(plan, StepPlan) and plan.key == self.state.stepper:
                try:
                    program = program_now(plan)
                except CompilerError as error:
                    error.add_note(Message("The run was compiled at iteration {n}.", n=self.state.iteration))
                    raise
                self._lanes = CompiledLanes([self], plan, program)
            self._checked = True
        return self._lanes is not None

    def advance(self, what: str, *, measure: bool) -> None:
        """See :meth:`Engine.advance`."""
        if what == ALL and self.compiled:
            self.advance_compiled(1, lambda iteration: measure)  # noqa: ARG005
        else:
            super().advance(what, measure=measure)

    def advance_compiled(self, n: int, measured: Callable[[int], bool]) -> LaneRows:
        """Carry out `n` full steps by the compiled program.

        Raises
        ------
        NonFiniteError
            If one of them fails; the state is then as it was.
        """
        assert self._lanes is not None
        random = {name: generator.get_state() for name, generator in self.state.random.items()}
        self._lanes.read()
        rows = self._lanes.advance(n, measured=measured, measure_last=True)
        if rows.stops:
            self.state.random.put(random)
            stop = rows.stops[0]
            raise NonFiniteError(stop.quantity, stop.value)
        self._lanes.write(0)
        self.weights.forget()
        self.record.update(
            {name: column[-1, 0] for name, column in rows.columns.items() if name in self.record}
        )
        return rows
