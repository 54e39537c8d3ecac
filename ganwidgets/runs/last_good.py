"""The way back to the last good state, after a failure in the middle of a step.

A copy of the state is taken every so many updates, and whenever settings take force; between two
copies, the updates carried out are noted. After a failure the newest copy is put back and the
updates that had been completed are carried out again, which gives the same bits, up to the first
one after which something is not finite.

Where code of the user's own takes part, that code may be what fails, and then nothing can be
carried out again. There, and where it would take long, a journal also copies the state before
every update, in place: a small fraction of what such an update costs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..errors import DivergedError
from ..messages import Message
from ..stepping.eager import EagerStepper, NonFiniteError, What
from ..stepping.state import Network, TrainingState
from .interventions import InterventionLog, Mark, Origin
from .state_tree import copied, put_tree, state_tree

__all__ = ["ACTIONS", "LastGood", "Update", "diverged"]

REPEATED_AT_MOST = 100
"""Updates between two copies; a failure costs up to so many again."""

SHARE = 0.03
"""The part of the time that copies may take of updates that a journal can undo, so that nothing depends on them but
how far a way back leads through the past."""

RAREST = 10
"""They are no more than so many times as far apart as other copies."""

LARGE = 100_000
"""Parameters from which on a copy costs little beside an update, and a hundred updates cost much."""


ACTIONS: dict[Network, str] = {"discriminator": "step_d", "generator": "step_g"}
"""What an update of one network is called in the log of interventions."""


class Update(NamedTuple):
    """One full step or one update of one network, that was carried out."""

    what: What
    origin: Origin
    iteration: int
    """Where the run stood afterwards."""
    samples_seen: int = 0
    hash_before: str = ""
    """Before it; both are asked for where it begins an intervention."""

    def record_in(self, log: InterventionLog) -> None:
        """Record it in `log`, if it is an intervention: full steps are not."""
        if self.what != "both":
            action = ACTIONS[self.what]
            log.act(self.iteration, action, 1, self.origin, self.samples_seen, self.hash_before)


def diverged(error: NonFiniteError, rules: Any, iteration: int) -> DivergedError:
    """Return what to raise because of `error`, for a run that is back at `iteration` and obeyed `rules`."""
    return DivergedError(
        Message(
            "{quantity} became {value} after iteration {iteration}; the run stands there, before it "
            "happened. Lower lr_d (now {lr_d:g}) or lr_g (now {lr_g:g}), set grad_clip, or reset",
            quantity=error.quantity,
            value=str(error.value),
            iteration=iteration,
            lr_d=rules.lr_d,
            lr_g=rules.lr_g,
        ),
        iteration,
    )


class LastGood:
    """Remembers how to get back to the state after the last completed update.

    Parameters
    ----------
    stepper : EagerStepper
        What carries out the updates; its state is copied and put back.
    log : InterventionLog
        Goes back together with the state.
    keep : callable
        Is given each copy, to keep it longer; it must not be changed.
    foreign : bool
        Whether code of the user's own takes part.
    """

    def __init__(
        self,
        stepper: EagerStepper,
        log: InterventionLog,
        keep: Callable[[dict[str, Any]], None],
        *,
        foreign: bool,
    ) -> None:
        self._stepper = stepper
        self._keep = keep
        self._state = stepper.state
        self._log = log
        size = sum(map(Tensor.numel, (p for ps in self._state.parameters.values() for p in ps)))
        self._journal = Journal(self._state) if foreign or size >= LARGE else None
        self._point: tuple[dict[str, Any], Mark, list[Update]] | None = None
        self._began = self._spent = self._copying = 0.0

    def take(self) -> None:
        """Copy the state as it stands between two updates, which must be finite.

        Where new settings are about to take force, before they do: a new optimizer has no memory.
        """
        if self._journal is not None:
            self._journal.forget()  # it counts from the point before
        began = time.perf_counter()
        # One assignment, so that an interrupt finds the old point or the new one.
        tree = copied(state_tree(self._state))
        self._point = tree, self._log.mark(), []
        self._keep(tree)
        self._copying, self._spent = time.perf_counter() - began, 0.0

    def before(self) -> None:
        """Be told that an update begins."""
        self._began = time.perf_counter()
        if self._journal is not None:
            self._journal.write(len(self._done()))

    def put_back(self) -> None:
        """Be told that others have put the state back where it stood after the last update."""
        if self._journal is not None:
            self._journal.forget()  # it knows the optimizers' memories that there were before

    def note(self, update: Update, *, verify: bool) -> None:
        """Be told that `update` is complete.

        Parameters
        ----------
        verify : bool
            Whether the weights must be looked at now, because the caller is about to show them.

        Raises
        ------
        NonFiniteError
            If something in the state is not finite.
        """
        done = self._done()
        self._spent += time.perf_counter() - self._began
        full = len(done) + 1 >= REPEATED_AT_MOST and self._affordable(len(done) + 1)
        if full and not self._state.finite():
            raise NonFiniteError("a weight or an optimizer's memory", float("nan"))
        if (verify or self._journal is not None) and not self._state.weights_finite():
            raise NonFiniteError("a weight", float("nan"))
        if full:
            self.take()
        else:
            done.append(update)

    def _affordable(self, updates: int) -> bool:
        """Return whether another copy, after so many updates, takes a small part of the time that they took.

        A GPU may carry out a hundred updates in less time than it takes to bring all weights and the optimizers'
        memories to the computer's memory, and from there to its disk.
        """
        if self._journal is None:
            return True
        return self._copying <= SHARE * self._spent or updates >= RAREST * REPEATED_AT_MOST

    def go_back(self) -> bool:
        """Stand at the last completed update that left everything finite.

        May be called again where it was interrupted.

        Returns
        -------
        bool
            Whether the settings are still in force; False where it went back to before they were.
        """
        assert self._point is not None
        _, mark, done = self._point
        kept = self._undone()
        if kept is None:
            kept = len(done)
            while (reached := self._repeat(done[:kept])) < kept:
                kept = reached
        elif kept == 0:
            self._repeat([])
        self._log.rewind(mark)
        for update in done[:kept]:
            update.record_in(self._log)
        del done[kept:]
        if self._journal is not None:
            self._journal.forget()
        return kept > 0

    def _done(self) -> list[Update]:
        assert self._point is not None
        return self._point[2]

    def _undone(self) -> int | None:
        """Undo the update that failed; return how many came before it, None if that did not help."""
        if self._journal is None or (kept := self._journal.undo()) is None:
            return None
        return kept if self._state.finite() else None

    def _repeat(self, updates: list[Update]) -> int:
        """Put the copy back and carry out `updates` again; return how many were good."""
        assert self._point is not None
        rules = self._stepper.rules
        put_tree(self._state, self._point[0], rules)
        if updates:
            self._stepper.configure(rules)
        for number, update in enumerate(updates):
            try:
                self._stepper.advance(update.what, measure=False)
            except Exception:  # noqa: BLE001 - what fails again is the failure that is being undone
                return number
            if not self._state.finite():
                return number
        return len(updates)


class Journal:
    """A copy of a state, renewed in place."""

    def __init__(self, state: TrainingState) -> None:
        self._state = state
        self._layout: tuple[Any, ...] = ()
        self._live: list[Tensor] = []
        self._copies: list[Tensor] = []
        self._joined: Tensor | None = None
        self._rest: tuple[Any, ...] | None = None

    def write(self, place: int) -> None:
        """Copy the state as it stands; `place` is what :meth:`undo` will return."""
        state = self._state
        self._rest = None
        optimizers = list(state.optimizers.values())
        layout = (*optimizers, *map(len, (o.state for o in optimizers)), state.ema)
        if layout != self._layout:
            self._lay_out(layout, optimizers)
        if self._joined is not None:
            torch.cat(self._live, out=self._joined)
        else:
            torch._foreach_copy_(self._copies, self._live)
        self._rest = (
            place,
            state.iteration,
            state.cursor,
            state.d_updates,
            {name: generator.get_state() for name, generator in state.randomness.items()},
            [buffers.copy() for buffers in state.buffers.values()],
        )

    def _lay_out(self, layout: tuple[Any, ...], optimizers: list[torch.optim.Optimizer]) -> None:
        """Find all tensors that are changed in place; they change only with the optimizers' memories."""
        networks = [*self._state.modules().values()]
        live: list[Tensor] = [tensor for network in networks for tensor in network.parameters()]
        for optimizer in optimizers:
            for memory in optimizer.state.values():
                live += [value for value in memory.values() if isinstance(value, Tensor)]
        if self._state.ema is not None:
            live += self._state.ema.buffers()
        self._live = [tensor.detach() for tensor in live]
        kinds = {(tensor.dtype, tensor.device, tensor.is_contiguous()) for tensor in live}
        self._joined = None
        if len(kinds) == 1 and live[0].is_contiguous():
            # The common case, in which one operation copies everything, in a third of the time.
            self._live = [tensor.view(-1) for tensor in self._live]
            self._joined = torch.cat(self._live)
            self._copies = list(torch.split(self._joined, [len(tensor) for tensor in self._live]))
        else:
            self._copies = [torch.empty_like(tensor) for tensor in self._live]
        self._remembered = [(optimizer, set(optimizer.state)) for optimizer in optimizers]
        self._layout = layout

    def undo(self) -> int | None:
        """Put back what was last copied; return its place, or None if there is nothing to put back."""
        if self._rest is None:
            return None
        state = self._state
        place, state.iteration, state.cursor, state.d_updates, randomness, contents = self._rest
        torch._foreach_copy_(self._live, self._copies)
        for optimizer, remembered in self._remembered:
            for parameter in set(optimizer.state) - remembered:
                del optimizer.state[parameter]
        state.put_randomness(randomness)
        for buffers, content in zip(state.buffers.values(), contents, strict=True):
            buffers.put_back(content)
        for parameters in state.parameters.values():
            for parameter in parameters:
                parameter.grad = None
        return int(place)

    def forget(self) -> None:
        """Have nothing to put back any more."""
        self._rest = None
