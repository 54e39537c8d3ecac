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
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ganwidgets.games.gan import DISCRIMINATOR, GENERATOR
from ganwidgets.objectives import LOSSES, PENALTIES, Loss, SlopePenalty, loss_named, pack, slope
from ganwidgets.stepping.engine import Engine
from ganwidgets.stepping.lanes.feed import LaneFeed, unfolded
from ganwidgets.stepping.lanes.networks import LaneForward, batched
from ganwidgets.stepping.lanes.schedules import LaneSchedules
from ganwidgets.stepping.lanes.tensors import LaneTensors
from ganwidgets.stepping.lanes.updates import LaneOptimizer
from ganwidgets.stepping.modules.calling import Call
from ganwidgets.stepping.runtime.memory import keep_memory

__all__ = ["LaneEngine", "LaneRows", "LaneStop", "copies_for", "independent"]

T = TypeVar("T")

REGISTERS = 64
"""Numbers at the end of a tensor that an elementwise function may treat apart: twice the widest registers, and more."""

DRAWN = frozenset({"noise", "penalty", "labels"})
"""Generators of random numbers that steps of lanes draw from."""

_LETTERS = {DISCRIMINATOR: "d", GENERATOR: "g"}


@dataclass(frozen=True)
class LaneStop:
    """A lane that has become non-finite.

    Attributes
    ----------
    steps : int
        Number of this call's steps that left everything finite.
    quantity : str
        Name of the non-finite value: ``"loss_d"``, ``"loss_g"`` or ``"a weight"``.
    value : float
    """

    steps: int
    quantity: str
    value: float


@dataclass(frozen=True)
class LaneRows:
    """Records of one call.

    Attributes
    ----------
    columns : dict of str to float64 [steps, lanes]
        NaN where a column was not measured.
    stops : dict of int to LaneStop
        The lanes that failed; their later rows are meaningless.
    seconds : float
        Seconds per step, all lanes together.
    """

    columns: dict[str, npt.NDArray[np.float64]]
    stops: dict[int, LaneStop]
    seconds: float


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
        self._labelled: frozenset[str] = game.labelled  # type: ignore[attr-defined]
        self._calls = {name: self.engines[0].calls.get(name, Call()) for name in _LETTERS}
        self._loss: Loss = loss_named(shared.loss, game.objective)  # type: ignore[attr-defined]
        self._batched_loss = _batched_loss(self._loss)
        self._penalty: SlopePenalty | None = PENALTIES.get(shared.penalty)
        self._term = None if self._penalty is None else torch.func.vmap(self._penalty.term)
        self._schedules = LaneSchedules(padded_settings)
        self.tensors = {
            name: LaneTensors(name, name, getattr(shared, f"optimizer_{letter}"), padded)
            for name, letter in _LETTERS.items()
        }
        self._optimizers = {
            name: LaneOptimizer(self.tensors[name], letter, padded_settings)
            for name, letter in _LETTERS.items()
        }
        self._forward: dict[str, LaneForward] = {name: batched(states[0].networks[name]) for name in _LETTERS}
        self._buffers = {
            name: {
                key: torch.stack([dict(s.networks[name].named_buffers())[key] for s in padded])
                for key, _ in states[0].networks[name].named_buffers()
            }
            for name in _LETTERS
        }
        self._ends = {name: _Ends(padded_settings, name) for name in _LETTERS}
        self._average: Tensor | None = None
        if states[0].averages:
            self._average = torch.stack(
                [torch.cat([p.reshape(-1) for p in s.averages[GENERATOR].parameters()]) for s in padded]
            )
        self.iterations = [state.iteration for state in states]
        self._count = states[0].counts[DISCRIMINATOR]
        self._feed = LaneFeed(self.engines, self._copies)
        self._noise = torch.empty(self._width, shared.batch_size, game.latent_dim)  # type: ignore[attr-defined]
        self._noise_rows = list(self._noise[: self._lanes].unbind(0))
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
        self._feed.expect(n * self._batches_per_step())
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
                            stops[lane] = _stop(
                                step, {name: value[lane].item() for name, value in found.items()}
                            )
        return LaneRows(columns, stops, (time.perf_counter() - began) / max(n, 1))

    def _batches_per_step(self) -> int:
        shared = self._shared
        return int(shared.d_steps + (shared.g_steps if self._loss.needs_real else 0))

    def _step(self, *, measure: bool) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        for index in range(self._shared.d_steps):
            self._update_d(found, measure=measure and index == self._shared.d_steps - 1)
        for index in range(self._shared.g_steps):
            self._update_g(found, measure=measure and index == self._shared.g_steps - 1)
        return found

    def _update_d(self, found: dict[str, Tensor], *, measure: bool) -> None:
        batch = self._feed.take()
        noise = self._drawn_noise()
        with torch.no_grad():
            fake = self._generate(noise, batch.labels, self.tensors[GENERATOR].constants, keep=False)
        real, fake = self._packed(batch.samples), self._packed(fake)
        judge = self._judge(batch.labels, self.tensors[DISCRIMINATOR].leaves, keep=True)
        real_logits, fake_logits = judge(real), judge(fake)
        losses = self._batched_loss.loss_d(real_logits, fake_logits)
        if measure:
            found.update(self._accuracies(real_logits.detach(), fake_logits.detach()))
            found["penalty_d"] = torch.zeros(self._width)
        if self._penalty is not None and self._count % self._shared.penalty_interval == 0:
            term = self._penalty_of(judge, real, fake)
            losses = losses + term
            if measure:
                found["penalty_d"] = term.detach()
        found["loss_d"] = losses.detach()
        self._count = (self._count + 1) % self._shared.penalty_interval
        self._move(DISCRIMINATOR, losses, found, measure=measure)

    def _update_g(self, found: dict[str, Tensor], *, measure: bool) -> None:
        real, labels = None, None
        if self._loss.needs_real:
            real, labels, _ = self._feed.take()
        elif self._labelled:
            labels = self._drawn_labels()
        noise = self._drawn_noise()
        fake = self._generate(noise, labels, self.tensors[GENERATOR].leaves, keep=True)
        judge = self._judge(labels, self.tensors[DISCRIMINATOR].constants, keep=False)
        fake_logits = judge(self._packed(fake))
        real_logits = None
        if real is not None:
            with torch.no_grad():
                real_logits = judge(self._packed(real))
        losses = self._batched_loss.loss_g(fake_logits, real_logits)
        found["loss_g"] = losses.detach()
        self._move(GENERATOR, losses, found, measure=measure)
        if self._average is not None:
            self._average.lerp_(self.tensors[GENERATOR].values, self._schedules.averaging)

    def _move(self, name: str, losses: Tensor, found: dict[str, Tensor], *, measure: bool) -> None:
        """Move the parameters of a player in all lanes by the gradients of their `losses` [lanes]."""
        tensors, ends = self.tensors[name], self._ends[name]
        leaves = list(tensors.leaves.values())
        parts = torch.autograd.grad(losses.sum(), leaves, materialize_grads=True)
        gradients = torch.cat([part.reshape(self._width, -1) for part in parts], 1)
        with torch.no_grad():
            if measure or ends.clips_gradients:
                norms = torch.linalg.vector_norm(gradients, dim=1)
                found[f"grad_norm_{_LETTERS[name]}"] = norms
                if ends.clips_gradients:
                    # Division by norm + 1e-6 is torch.nn.utils.clip_grad_norm_'s.
                    factor = (ends.longest / (norms + 1e-6)).clamp(max=1.0)
                    # Clipping a gradient of infinite norm would give zero and hide the failure.
                    gradients *= torch.where(norms.isfinite(), factor, torch.nan).unsqueeze(1)
            self._optimizers[name].update(gradients)
            if ends.clips_weights:
                torch.clamp(tensors.values, -ends.largest, ends.largest, out=tensors.values)

    # --- parts ----------------------------------------------------------------------------------

    def _drawn_noise(self) -> Tensor:
        uniform = self._shared.noise == "uniform"
        for row, generator in zip(self._noise_rows, self._generators, strict=True):
            if uniform:
                row.uniform_(-1, 1, generator=generator)
            else:
                row.normal_(generator=generator)
        self._noise[self._lanes :] = self._noise[0]
        return self._noise

    def _drawn_labels(self) -> Tensor:
        """Return labels of samples without a real batch, int64 [lanes, n]."""
        n = self._shared.batch_size
        drawn = [
            engine.streams["data"].draw_labels(n, state.random["labels"])
            for engine, state in zip(self.engines, self._states, strict=True)
        ]
        return torch.stack(self._padded(drawn))

    def _generate(
        self, noise: Tensor, labels: Tensor | None, tensors: Mapping[str, Tensor], *, keep: bool
    ) -> Tensor:
        inputs = self._calls[GENERATOR].inputs(noise, labels)
        return self._forward[GENERATOR]({**tensors, **self._lent(GENERATOR, keep=keep)}, *inputs)

    def _judge(
        self, labels: Tensor | None, tensors: Mapping[str, Tensor], *, keep: bool
    ) -> Callable[[Tensor], Tensor]:
        forward, call = self._forward[DISCRIMINATOR], self._calls[DISCRIMINATOR]
        both = {**tensors, **self._lent(DISCRIMINATOR, keep=keep)}
        return lambda x: forward(both, *call.inputs(x, labels)).reshape(self._width, -1)

    def _lent(self, name: str, *, keep: bool) -> dict[str, Tensor]:
        """Return the buffers of a network to write on: its own if that is to `keep`, else copies."""
        own = self._buffers[name]
        return own if keep else {key: buffer.clone() for key, buffer in own.items()}

    def _packed(self, samples: Tensor) -> Tensor:
        m = self._shared.packing
        return samples if m == 1 else unfolded(pack(samples.flatten(0, 1), m), self._width)

    def _penalty_of(self, judge: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor) -> Tensor:
        """Return the penalty of every lane, [lanes]."""
        assert self._penalty is not None
        assert self._term is not None
        each = [
            self._penalty.points(
                real[lane], fake[lane], self._penalty.drawn(real[lane], state.random["penalty"])
            )
            for lane, state in enumerate(self._states)
        ]
        total, weights = None, self._schedules.penalty_weights * self._shared.penalty_interval
        for points in zip(*self._padded(each), strict=True):
            term = self._term(slope(judge, torch.stack(points)), weights)
            total = term if total is None else total + term
        assert total is not None
        return total

    def _accuracies(self, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        thresholds = torch.tensor(
            [self._loss.threshold(r, f) for r, f in zip(real.unbind(0), fake.unbind(0), strict=True)]
        ).unsqueeze(1)
        return {
            "accuracy_real": (real > thresholds).double().mean(1),
            "accuracy_fake": (fake <= thresholds).double().mean(1),
        }

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
        self._count = self._states[0].counts[DISCRIMINATOR]
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
        state.counts[DISCRIMINATOR] = self._count
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
        stacked = None if labels is None else torch.stack(self._padded(labels))
        with torch.no_grad():
            made = self._generate(
                noise.expand(self._width, *noise.shape),
                stacked,
                self.tensors[GENERATOR].constants,
                keep=False,
            )
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
        iterations, count, cursors = self.iterations, self._count, list(self._feed.cursors)

        def restore() -> None:
            for name, each in self.tensors.items():
                each.restore(tensors[name])
            self._buffers = {name: {k: b.clone() for k, b in own.items()} for name, own in buffers.items()}
            if average is not None and self._average is not None:
                self._average.copy_(average)
            for state, generators in zip(self._states, randoms, strict=True):
                for name, content in generators.items():
                    state.random[name].set_state(content)
            self.iterations, self._count = iterations, count
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


class _Ends:
    """Limits of a player's updates: gradient norm and weight size."""

    def __init__(self, settings: Sequence[Any], name: str) -> None:
        lengths = [each.grad_clip or torch.inf for each in settings]
        sizes = [(each.weight_clip if name == DISCRIMINATOR else 0) or torch.inf for each in settings]
        self.longest = torch.tensor(lengths)
        self.largest = torch.tensor(sizes).unsqueeze(1)
        self.clips_gradients = any(length != torch.inf for length in lengths)
        self.clips_weights = any(size != torch.inf for size in sizes)


@dataclass(frozen=True)
class _BatchedLoss:
    loss_d: Callable[[Tensor, Tensor], Tensor]
    loss_g: Callable[[Tensor, Tensor | None], Tensor]


def _batched_loss(loss: Loss) -> _BatchedLoss:
    """Return a loss as functions of logits [lanes, n], of a user's own by `torch.func.vmap`."""
    if LOSSES.get(loss.name) is loss:
        return _BatchedLoss(loss.loss_d, loss.loss_g)
    with_real = torch.func.vmap(loss.loss_g)
    without = torch.func.vmap(lambda fake: loss.loss_g(fake, None))
    return _BatchedLoss(
        torch.func.vmap(loss.loss_d),
        lambda fake, real: without(fake) if real is None else with_real(fake, real),
    )


def _stop(steps: int, found: Mapping[str, float]) -> LaneStop:
    for quantity in ("loss_d", "loss_g"):
        if not np.isfinite(found.get(quantity, 0.0)):
            return LaneStop(steps, quantity, found[quantity])
    return LaneStop(steps, "a weight", float("nan"))
