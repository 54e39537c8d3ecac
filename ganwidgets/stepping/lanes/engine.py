"""Steps of several GAN runs of equal shape, computed together.

Each lane follows the run that :class:`~ganwidgets.stepping.engine.Engine` carries out alone, from the same losses,
penalties, optimizer rules, data orders and generators. Noise and real samples are equal bit for bit. Matrix products
of one output, means over the batch and the ends of vectors in the optimizer may round in another order.

On one thread a lane's bits depend neither on the values of the others nor on their number: products of stacked
matrices are computed matrix by matrix. Elementwise functions may round differently in the last few numbers of a
tensor, which do not fill a register. So copies of the first lane come after the last lane, and are not used. Where
:func:`independent` returns False, as for odd widths with a batch size that is no multiple of 4, products round by a
lane's place. On several threads a lane's bits depend on the number of lanes too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from ganwidgets.games.gan import DISCRIMINATOR, GENERATOR
from ganwidgets.objectives import PENALTIES, Loss, SlopePenalty, loss_named, pack, slope
from ganwidgets.stepping.engine import Engine
from ganwidgets.stepping.lanes.draws import LaneDrawn, LaneDraws
from ganwidgets.stepping.lanes.feed import LaneFeed, unfolded
from ganwidgets.stepping.lanes.losses import accuracies, lane_loss
from ganwidgets.stepping.lanes.networks import LaneForward, batched
from ganwidgets.stepping.lanes.parts import Part
from ganwidgets.stepping.lanes.rows import LaneRows, LaneStop, stop
from ganwidgets.stepping.lanes.schedules import LaneSchedules
from ganwidgets.stepping.lanes.tensors import LaneTensors
from ganwidgets.stepping.lanes.turns import LETTERS, LaneTurns
from ganwidgets.stepping.lanes.updates import LaneLimits, LaneOptimizer
from ganwidgets.stepping.modules.calling import Call
from ganwidgets.stepping.runtime.memory import keep_memory

__all__ = ["LaneEngine", "LaneRows", "LaneStop", "copies_for", "independent"]

T = TypeVar("T")

REGISTERS = 64
"""Numbers at the end of a tensor that an elementwise function may treat apart: twice the widest registers, and more."""

DRAWN = frozenset({"noise", "penalty", "labels"})
"""Generators of random numbers that steps of lanes draw from."""

Found = dict[str, Tensor]
"""The columns of a step, [lanes with copies] each."""


class LaneEngine:
    """The steps of several runs.

    Parameters
    ----------
    engines : sequence of Engine
        One for each lane, configured, with equal values of every setting that is no lane's own. Their generators of
        random numbers are used. Everything else of their states changes only in :meth:`write`.
    copies : int, optional
        Copies of the first lane after the last one; by default as many as fill :data:`REGISTERS`.

    Attributes
    ----------
    iterations : list of int
        Full steps of each lane.
    """

    def __init__(self, engines: Sequence[Engine], copies: int | None = None) -> None:
        keep_memory()
        self.engines = list(engines)
        states = [engine.state for engine in self.engines]
        self._states = states
        self._lanes = len(states)
        shared = self.engines[0].settings
        self._copies = copies_for(shared) if copies is None else copies
        self._width = self._lanes + self._copies
        padded = self._padded(states)
        padded_settings = self._padded([engine.settings for engine in self.engines])
        self._shared = shared
        game = states[0].game
        self._calls = {name: self.engines[0].calls.get(name, Call()) for name in LETTERS}
        self._loss: Loss = loss_named(shared.loss, game.objective)  # type: ignore[attr-defined]
        self._batched_loss = lane_loss(self._loss)
        self._penalty: SlopePenalty | None = PENALTIES.get(shared.penalty)
        self._term = None if self._penalty is None else torch.func.vmap(self._penalty.term)
        self._schedules = LaneSchedules(padded_settings)
        self.tensors = {
            name: LaneTensors(name, name, getattr(shared, f"optimizer_{letter}"), padded)
            for name, letter in LETTERS.items()
        }
        self._optimizers = {
            name: LaneOptimizer(self.tensors[name], letter, padded_settings)
            for name, letter in LETTERS.items()
        }
        self._forward: dict[str, LaneForward] = {name: batched(states[0].networks[name]) for name in LETTERS}
        self._buffers = {
            name: {
                key: torch.stack([dict(s.networks[name].named_buffers())[key] for s in padded])
                for key, _ in states[0].networks[name].named_buffers()
            }
            for name in LETTERS
        }
        self._limits = {name: LaneLimits(padded_settings, letter) for name, letter in LETTERS.items()}
        self._average: Tensor | None = None
        if states[0].averages:
            self._average = torch.stack(
                [torch.cat([p.reshape(-1) for p in s.averages[GENERATOR].parameters()]) for s in padded]
            )
        self.iterations = [state.iteration for state in states]
        self._turns = LaneTurns(self.engines, self._copies, penalized=self._penalty is not None)
        self._feed = LaneFeed(self.engines, self._copies, together=self._turns.together)
        self._draws = LaneDraws(self.engines, self._feed, needs_real=self._loss.needs_real)
        self._generators = [state.random["noise"] for state in states]

    def _padded(self, each: Sequence[T]) -> list[T]:
        """Return something of each lane, and that of the copies of the first one."""
        return [*each, *[each[0]] * self._copies]

    # --- steps ----------------------------------------------------------------------------------

    def advance(self, n: int, *, measured: Callable[[int], bool], measure_last: bool) -> LaneRows:
        """Carry out `n` full steps in every lane.

        A failed lane computes meaningless numbers until the call ends; call :meth:`restore` for it.

        Parameters
        ----------
        measured : callable
            Returns True for an iteration whose step records all columns.
        measure_last : bool
            Whether the last step records all columns.
        """
        names = (
            "loss_d",
            "loss_g",
            "grad_norm_d",
            "grad_norm_g",
            "accuracy_real",
            "accuracy_fake",
            "penalty_d",
            "samples_seen",
        )
        columns = {name: np.full((n, self._lanes), np.nan) for name in names}
        stops: dict[int, LaneStop] = {}
        began = time.perf_counter()
        self._feed.expect([n * batches for batches in self._batches_per_step()])
        with self._states[0].training_flags.in_train_mode():
            for step in range(n):
                measure = (measure_last and step == n - 1) or any(measured(i + 1) for i in self.iterations)
                iterations = self._padded(self.iterations)
                for optimizer in self._optimizers.values():
                    optimizer.schedule(iterations)
                self._schedules.go_to(iterations)
                found = self._step(measure=measure)
                for name, value in found.items():
                    columns[name][step] = value[: self._lanes].numpy()
                columns["samples_seen"][step] = self._feed.cursors
                self.iterations = [iteration + 1 for iteration in self.iterations]
                fine = torch.isfinite(found["loss_d"] + found["loss_g"])
                for tensors in self.tensors.values():
                    fine &= tensors.finite()
                if not fine[: self._lanes].all():
                    for lane in range(self._lanes):
                        if not fine[lane] and lane not in stops:
                            stops[lane] = stop(
                                step, {name: value[lane].item() for name, value in found.items()}
                            )
        return LaneRows(columns, stops, (time.perf_counter() - began) / max(n, 1))

    def _batches_per_step(self) -> list[int]:
        """Return the number of real batches that each lane takes in a step."""
        pairs = zip(self._turns.updates[DISCRIMINATOR], self._turns.updates[GENERATOR], strict=True)
        return [d + (g if self._loss.needs_real else 0) for d, g in pairs]

    def _step(self, *, measure: bool) -> Found:
        found: Found = {}
        for name, update in ((DISCRIMINATOR, self._update_d), (GENERATOR, self._update_g)):
            frozen = self._turns.frozen[name]
            if frozen is not None:
                self._measure_frozen(name, frozen, found, measure=measure)
            for part, last in self._turns.of(name):
                update(part, found, measure=measure and last)
        return found

    def _update_d(self, part: Part, found: Found, *, measure: bool) -> None:
        drawn = self._draws.draw(DISCRIMINATOR, part)
        leaves = self.tensors[DISCRIMINATOR].leaves_of(part)
        buffers = self._lent(DISCRIMINATOR, part, keep=True)
        weights = None
        if self._turns.penalized(part):
            weights = part.of(self._schedules.penalty_weights) * self._shared.penalty_interval
        losses = self._loss_d(part, drawn, {**leaves, **buffers}, weights, found, measure=measure)
        self._keep(DISCRIMINATOR, part, buffers)
        self._turns.count(part)
        self._move(DISCRIMINATOR, part, losses, leaves, found, measure=measure)

    def _update_g(self, part: Part, found: Found, *, measure: bool) -> None:
        drawn = self._draws.draw(GENERATOR, part)
        leaves = self.tensors[GENERATOR].leaves_of(part)
        buffers = self._lent(GENERATOR, part, keep=True)
        losses = self._loss_g(part, drawn, {**leaves, **buffers}, found)
        self._keep(GENERATOR, part, buffers)
        self._move(GENERATOR, part, losses, leaves, found, measure=measure)
        if self._average is not None:
            decays, values = part.of(self._schedules.averaging), part.of(self.tensors[GENERATOR].values)
            if part.whole:
                self._average.lerp_(values, decays)
            else:
                part.put(self._average, part.of(self._average).lerp(values, decays))

    def _measure_frozen(self, name: str, part: Part, found: Found, *, measure: bool) -> None:
        """Record the losses of a frozen player on what its run draws for that, without a trace."""
        drawn = self._draws.draw_aside(name, part, self.iterations)
        tensors = {**self.tensors[name].constants_of(part), **self._lent(name, part, keep=False)}
        if name == DISCRIMINATOR:
            weights = None if self._penalty is None else part.of(self._schedules.penalty_weights)
            self._loss_d(part, drawn, tensors, weights, found, measure=measure)
        else:
            with torch.no_grad():
                self._loss_g(part, drawn, tensors, found)

    def _loss_d(
        self,
        part: Part,
        drawn: LaneDrawn,
        tensors: Mapping[str, Tensor],
        weights: Tensor | None,
        found: Found,
        *,
        measure: bool,
    ) -> Tensor:
        """Return the losses of D with its `tensors`, [lanes]; without `weights` they contain no penalty."""
        with torch.no_grad():
            fake = self._generate(drawn, self._constants(GENERATOR, part))
        assert drawn.real is not None
        real, fake = self._packed(drawn.real), self._packed(fake)
        judge = self._judge(part, drawn.labels, tensors)
        real_logits, fake_logits = judge(real), judge(fake)
        losses = self._batched_loss.loss_d(real_logits, fake_logits)
        term = None
        if weights is not None:
            term = self._penalty_of(part, judge, real, fake, weights, drawn.random)
            losses = losses + term
        self._note(found, part, "loss_d", losses)
        if measure:
            for column, values in accuracies(self._loss, real_logits.detach(), fake_logits.detach()).items():
                self._note(found, part, column, values)
            self._note(found, part, "penalty_d", torch.zeros(part.width) if term is None else term)
        return losses

    def _loss_g(self, part: Part, drawn: LaneDrawn, tensors: Mapping[str, Tensor], found: Found) -> Tensor:
        """Return the losses of G with its `tensors`, [lanes]."""
        fake = self._generate(drawn, tensors)
        judge = self._judge(part, drawn.labels, self._constants(DISCRIMINATOR, part))
        fake_logits = judge(self._packed(fake))
        real_logits = None
        if drawn.real is not None:
            with torch.no_grad():
                real_logits = judge(self._packed(drawn.real))
        losses = self._batched_loss.loss_g(fake_logits, real_logits)
        self._note(found, part, "loss_g", losses)
        return losses

    def _move(
        self,
        name: str,
        part: Part,
        losses: Tensor,
        leaves: Mapping[str, Tensor],
        found: Found,
        *,
        measure: bool,
    ) -> None:
        """Move the parameters `leaves` of a player by the gradients of its `losses` [lanes]."""
        limits = self._limits[name]
        gradient = torch.autograd.grad(losses.sum(), list(leaves.values()), materialize_grads=True)
        gradients = torch.cat([each.reshape(part.width, -1) for each in gradient], 1)
        with torch.no_grad():
            if measure or limits.clips_gradients:
                norms = torch.linalg.vector_norm(gradients, dim=1)
                self._note(found, part, f"grad_norm_{LETTERS[name]}", norms)
                if limits.clips_gradients:
                    limits.shorten(gradients, norms, part)
            self._optimizers[name].update(gradients, part)
            limits.clamp(self.tensors[name].values, part)

    def _note(self, found: Found, part: Part, column: str, values: Tensor) -> None:
        """Put the values of a part into a column, which is NaN in lanes without a value."""
        if part.whole:
            found[column] = values.detach()
            return
        if column not in found:
            found[column] = torch.full((self._width,), torch.nan, dtype=values.dtype)
        part.put(found[column], values.detach())

    # --- networks -------------------------------------------------------------------------------

    def _generate(self, drawn: LaneDrawn, tensors: Mapping[str, Tensor]) -> Tensor:
        inputs = self._calls[GENERATOR].inputs(drawn.noise, drawn.labels)
        return self._forward[GENERATOR](tensors, *inputs)

    def _judge(
        self, part: Part, labels: Tensor | None, tensors: Mapping[str, Tensor]
    ) -> Callable[[Tensor], Tensor]:
        forward, call = self._forward[DISCRIMINATOR], self._calls[DISCRIMINATOR]
        return lambda x: forward(tensors, *call.inputs(x, labels)).reshape(part.width, -1)

    def _constants(self, name: str, part: Part) -> dict[str, Tensor]:
        """Return the tensors of a network that an update of the other one calls."""
        return {**self.tensors[name].constants_of(part), **self._lent(name, part, keep=False)}

    def _lent(self, name: str, part: Part, *, keep: bool) -> dict[str, Tensor]:
        """Return the buffers of a network to write on; :meth:`_keep` stores those that are to `keep`."""
        own = self._buffers[name]
        if part.whole:
            return own if keep else {key: buffer.clone() for key, buffer in own.items()}
        return {key: part.of(buffer) for key, buffer in own.items()}

    def _keep(self, name: str, part: Part, buffers: Mapping[str, Tensor]) -> None:
        if not part.whole:
            for key, buffer in buffers.items():
                part.put(self._buffers[name][key], buffer)

    def _packed(self, samples: Tensor) -> Tensor:
        m = self._shared.packing
        return samples if m == 1 else unfolded(pack(samples.flatten(0, 1), m), len(samples))

    def _penalty_of(
        self,
        part: Part,
        judge: Callable[[Tensor], Tensor],
        real: Tensor,
        fake: Tensor,
        weights: Tensor,
        random: Sequence[torch.Generator],
    ) -> Tensor:
        """Return the penalty of every lane, [lanes]; each draws from its generator in `random`."""
        assert self._penalty is not None
        assert self._term is not None
        each = [
            self._penalty.points(real[place], fake[place], self._penalty.drawn(real[place], generator))
            for place, generator in enumerate(random)
        ]
        total = None
        for points in zip(*part.padded(each), strict=True):
            term = self._term(slope(judge, torch.stack(points)), weights)
            total = term if total is None else total + term
        assert total is not None
        return total

    # --- the states of the lanes ----------------------------------------------------------------

    def read(self) -> None:
        """Copy the states of all lanes again; shapes and settings must be what they were."""
        padded = self._padded(self._states)
        for lane, state in enumerate(padded):
            for tensors in self.tensors.values():
                tensors.read(lane, state)
            if self._average is not None:
                average = state.averages[GENERATOR].parameters()
                self._average[lane] = torch.cat([p.detach().reshape(-1) for p in average])
        self.iterations = [state.iteration for state in self._states]
        self._turns.read()
        self._feed.together = self._turns.together
        self._feed.go_to([state.cursors["data"] for state in self._states])

    def write(self, lane: int) -> None:
        """Copy everything that steps changed into the state of a lane."""
        state = self._states[lane]
        for tensors in self.tensors.values():
            tensors.write(lane, state)
        with torch.no_grad():
            for name, buffers in self._buffers.items():
                own = dict(state.networks[name].named_buffers())
                for key, stacked in buffers.items():
                    own[key].copy_(stacked[lane])
            if self._average is not None:
                average = state.averages[GENERATOR]
                parameters = list(average.parameters())
                parts = torch.split(self._average[lane], [p.numel() for p in parameters])
                for parameter, part in zip(parameters, parts, strict=True):
                    parameter.copy_(part.view_as(parameter))
                own = dict(state.networks[GENERATOR].named_buffers())
                for key, buffer in average.named_buffers():
                    buffer.copy_(own[key])
        state.iteration = self.iterations[lane]
        state.counts[DISCRIMINATOR] = self._turns.counts[lane]
        state.cursors["data"] = self._feed.cursors[lane]

    @property
    def plain(self) -> bool:
        """True if the generators compute alike in train and in eval mode, as far as buffers tell."""
        return not self._buffers[GENERATOR]

    def samples(self, noise: Tensor, labels: Sequence[Tensor] | None) -> Tensor:
        """Return samples of every lane in the units of training, float32 [lanes, n, ...].

        Parameters
        ----------
        noise : Tensor [n, latent_dim]
            The latents of every lane.
        labels : sequence of Tensor, int64 [n], or None
            The labels of each lane's samples, for a generator that takes labels.
        """
        drawn = LaneDrawn(
            noise.expand(self._width, *noise.shape),
            None,
            None if labels is None else torch.stack(self._padded(labels)),
            [],
        )
        with torch.no_grad():
            made = self._generate(drawn, self._constants(GENERATOR, self._turns.every))
        return made[: self._lanes]

    def copy(self) -> Callable[[], None]:
        """Copy everything that steps change, generators included; return a function that restores it."""
        tensors = {name: each.copy() for name, each in self.tensors.items()}
        buffers = {name: {k: b.clone() for k, b in own.items()} for name, own in self._buffers.items()}
        average = None if self._average is None else self._average.clone()
        randoms = [
            {name: each.get_state() for name, each in state.random.items() if name in DRAWN}
            for state in self._states
        ]
        iterations, counts, cursors = self.iterations, list(self._turns.counts), list(self._feed.cursors)

        def restore() -> None:
            for name, each in self.tensors.items():
                each.restore(tensors[name])
            self._buffers = {name: {k: b.clone() for k, b in own.items()} for name, own in buffers.items()}
            if average is not None and self._average is not None:
                self._average.copy_(average)
            for state, generators in zip(self._states, randoms, strict=True):
                for name, content in generators.items():
                    state.random[name].set_state(content)
            self.iterations, self._turns.counts = iterations, list(counts)
            self._feed.go_to(cursors)

        return restore


def copies_for(settings: Any) -> int:
    """Return the number of copies of the first lane, so that no lane's numbers are at the end of a tensor."""
    logits: int = settings.batch_size // settings.packing
    return -(-REGISTERS // logits)


def independent(engine: Engine) -> bool:
    """Return True if on one thread a lane's bits do not depend on its place among the lanes.

    The inputs of each layer of a lane must be a multiple of 4 numbers, so that those of the next lane begin at a
    boundary of 16 bytes. Otherwise MKL's products may round differently (measured: 70 x 5 by 5 x 8).
    """
    packs = engine.settings.batch_size // engine.settings.packing
    parameters = (p for network in engine.state.networks.values() for p in network.parameters())
    return all(packs * p.shape[-1] % 4 == 0 for p in parameters if p.ndim > 1)
