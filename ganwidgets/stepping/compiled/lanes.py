"""One or several runs whose steps a compiled program carries out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ganwidgets.games.gan import DISCRIMINATOR, GENERATOR
from ganwidgets.objectives import PENALTIES
from ganwidgets.optimizers import bias_corrections, learning_rate
from ganwidgets.stepping.compiled.mersenne_twister import Twister
from ganwidgets.stepping.compiled.noise import noise_shape, random_words, words_at_once
from ganwidgets.stepping.compiled.plan import LETTERS, StepPlan
from ganwidgets.stepping.compiled.programs import Program
from ganwidgets.stepping.compiled.step import NUMBERS, RECORDED
from ganwidgets.stepping.engine import Engine
from ganwidgets.stepping.lanes.engine import LaneEngine, LaneRows, LaneStop

__all__ = ["CompiledLanes"]

DRAWN_AHEAD = 2**18
"""Number of random numbers for latents of all lanes to draw at once, so that the cache still holds them when a step reads them."""

STEPS_WORTH_TWISTING = 4
"""Number of steps from which on to use :class:`Twister`, which reads and writes the states of all generators."""


class CompiledLanes(LaneEngine):
    """The steps of several runs by one compiled function.

    A lane's bits depend on the plan, including its width, but not on the other lanes.

    Parameters
    ----------
    engines : sequence of Engine
        As for :class:`LaneEngine`, of `plan` and no more than its lanes. Copies of the first fill the rest.
    """

    def __init__(self, engines: Sequence[Engine], plan: StepPlan, program: Program) -> None:
        super().__init__(engines, plan.lanes - len(engines))
        self._plan, self._program = plan, program
        self._settings = self._padded([engine.settings for engine in engines])
        penalty = PENALTIES.get(plan.penalty)
        self._drawn = None if penalty is None else penalty.drawn

    def advance(self, n: int, *, measured: Callable[[int], bool], measure_last: bool) -> LaneRows:  # noqa: ARG002
        """Carry out `n` full steps; see :meth:`LaneEngine.advance`. Every step records all columns."""
        began = time.perf_counter()
        restore = self.copy()
        records, stops = self._carry_out(n, every=False)
        if not self._finite(records).all():
            restore()  # to find the successful steps
            records, stops = self._carry_out(n, every=True)
        columns = {name: records[:, : self._lanes, i] for i, name in enumerate(RECORDED)}
        taken = self._plan.real_batches * self._plan.batch_size
        cursors = np.array(self._feed.cursors, np.float64)
        columns["samples_seen"] = cursors - taken * np.arange(n - 1, -1, -1)[:, None]
        return LaneRows(columns, stops, (time.perf_counter() - began) / max(n, 1))

    def _finite(self, records: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Return for each lane whether the losses and everything after them are finite."""
        fine = np.asarray(np.isfinite(records[:, : self._lanes, :2]).all((0, 2)))
        for tensors in self.tensors.values():
            fine &= tensors.finite()[: self._lanes].numpy()
        return fine

    def _carry_out(self, n: int, *, every: bool) -> tuple[npt.NDArray[np.float64], dict[int, LaneStop]]:
        """Carry out `n` steps; return the records [n, lanes, columns], and stops if `every` step is checked."""
        plan, program = self._plan, self._program
        eps, numbers = self._eps_of(n), self._numbers_of(n)
        drawn_labels = self._labels_of(n) if plan.classes else []
        self._feed.expect([n * plan.real_batches] * self._lanes)
        blocks = [self.tensors[player].block for player in (DISCRIMINATOR, GENERATOR)]
        average = [] if self._average is None else [self._average]
        records: list[Tensor] = []
        stops: dict[int, LaneStop] = {}
        with torch.no_grad():
            for step, noise in enumerate(self._noise_of(n)):
                batches = [self._feed.take() for _ in range(plan.real_batches)]
                real = torch.stack([batch.samples for batch in batches])
                inputs = [*blocks, real, noise, numbers[step], *average]
                if eps is not None:
                    inputs.append(eps[step])
                if plan.classes:
                    labels = [batch.labels for batch in batches if batch.labels is not None]
                    inputs.append(self._as_rows(torch.stack([*labels, *drawn_labels[step]])))
                *changed, record = program.step(inputs)
                blocks, average = changed[:2], changed[2:]
                records.append(record)
                if every:
                    self._note_stops(step, blocks, record, stops)
            if n:
                for player, block in zip((DISCRIMINATOR, GENERATOR), blocks, strict=True):
                    self.tensors[player].block.copy_(block)
                    self.tensors[player].steps += n * getattr(plan, f"{LETTERS[player]}_steps")
                if self._average is not None:
                    self._average.copy_(average[0])
        self.iterations = [iteration + n for iteration in self.iterations]
        self._turns.count(self._turns.every, n * plan.d_steps)
        found = torch.stack(records) if records else torch.empty(0, self._width, len(RECORDED))
        return found.double().numpy(), stops

    def _note_stops(
        self, step: int, blocks: Sequence[Tensor], record: Tensor, stops: dict[int, LaneStop]
    ) -> None:
        sums = record[:, :2].sum(1) + sum(block.sum((1, 2)) for block in blocks)
        for lane in (~sums.isfinite()[: self._lanes]).nonzero().flatten().tolist():
            if lane not in stops:
                losses = dict(zip(RECORDED[:2], record[lane, :2].tolist(), strict=True))
                bad = next((name for name, loss in losses.items() if not np.isfinite(loss)), "a weight")
                stops[lane] = LaneStop(step, bad, losses.get(bad, float("nan")))

    # --- inputs ---------------------------------------------------------------------------------

    def _noise_of(self, n: int) -> Iterator[Tensor]:
        """Yield the noise of each of `n` steps, [lanes, updates, ...]; see :func:`noise_shape`."""
        if words_at_once(self._plan) and n >= STEPS_WORTH_TWISTING:
            return self._twisted(n)
        return self._drawn_ahead(n)

    def _twisted(self, n: int) -> Iterator[Tensor]:
        _, updates, words = shape = noise_shape(self._plan)
        calls = updates * words // words_at_once(self._plan)
        twister = Twister(self._generators, self._width - self._lanes, self._program.words)
        for _ in range(n):
            parts = [twister.take() for _ in range(calls)]
            yield (parts[0] if calls == 1 else torch.cat(parts, 1)).view(shape)
        twister.finish()

    def _drawn_ahead(self, n: int) -> Iterator[Tensor]:
        shape = noise_shape(self._plan)
        dtype = torch.int32 if random_words(self._plan) else torch.float32
        ahead = max(1, DRAWN_AHEAD // math.prod(shape))
        for begin in range(0, n, ahead):
            noise = torch.empty(min(ahead, n - begin), *shape, dtype=dtype)
            for lane, generator in enumerate(self._generators):
                for step in noise[:, lane].unbind(0):
                    for row in step.unbind(0):
                        if dtype == torch.int32:
                            row.random_(generator=generator)
                        elif self._shared.noise == "uniform":
                            row.uniform_(-1, 1, generator=generator)
                        else:
                            row.normal_(generator=generator)
            noise[:, self._lanes :] = noise[:, :1]
            yield from noise.unbind(0)

    def _labels_of(self, n: int) -> list[Tensor]:
        """Return the labels that `n` steps draw for updates without a real batch, int64 [updates, lanes, batch]."""
        plan = self._plan
        shape = n, plan.updates - plan.real_batches, plan.batch_size
        drawn = [
            engine.streams["data"].draw_labels(math.prod(shape), state.random["labels"]).view(shape)
            for engine, state in zip(self.engines, self._states, strict=True)
        ]
        return list(torch.stack(self._padded(drawn), 2).unbind(0))

    def _as_rows(self, labels: Tensor) -> Tensor:
        """Return labels [updates, lanes, batch] as rows with a 1 each, [updates, lanes, batch, classes]."""
        rows = torch.zeros(*labels.shape, self._plan.classes)
        return rows.scatter_(-1, labels.unsqueeze(-1), 1.0)

    def _eps_of(self, n: int) -> list[Tensor] | None:
        """Return the random numbers of each step's penalty, [D's updates, lanes, packs, ...]; None if it draws none."""
        if self._plan.penalty != "gradient_penalty" or self._drawn is None:
            return None
        plan = self._plan
        like = torch.empty(plan.batch_size // plan.packing, *([1] * max(len(plan.sample_shape), 1)))
        drawn = [
            [[self._drawn(like, state.random["penalty"]) for _ in range(plan.d_steps)] for _ in range(n)]
            for state in self._states
        ]
        found = []
        for step in range(n):
            lanes = self._padded([torch.stack([e for e in lane[step] if e is not None]) for lane in drawn])
            found.append(torch.stack(lanes, 1))
        return found

    def _numbers_of(self, n: int) -> list[Tensor]:
        """Return the hyperparameters of each update of `n` steps, [updates, lanes, numbers] each."""
        plan = self._plan
        found = np.empty((n, plan.updates, self._width, len(NUMBERS)), np.float32)
        iterations, first = self._padded(self.iterations), 0
        corrected = slice(NUMBERS.index("bias1"), NUMBERS.index("bias2") + 1)
        for player, letter in LETTERS.items():
            count = getattr(plan, f"{letter}_steps")
            unbiased: dict[tuple[float, float, int], npt.NDArray[np.float64]] = {}
            begun = [int(steps) for steps in self.tensors[player].steps.tolist()]
            for lane, each in enumerate(self._settings):
                rows = found[:, first : first + count, lane]
                fixed = _Numbers(each, letter)
                if fixed.constant:
                    rows[:] = fixed.row(iterations[lane])
                else:
                    for step in range(n):
                        rows[step] = fixed.row(iterations[lane] + step)
                like = each.beta1, each.beta2, begun[lane]  # lanes have most of them in common
                if like not in unbiased:
                    updates = range(like[2] + 1, like[2] + n * count + 1)
                    pairs = [bias_corrections(each.beta1, each.beta2, update) for update in updates]
                    unbiased[like] = np.array(pairs).reshape(n, count, 2)
                rows[:, :, corrected] = unbiased[like]
            first += count
        return list(torch.from_numpy(found).unbind(0))


class _Numbers:
    """The hyperparameters of one player in one lane."""

    def __init__(self, settings: object, letter: str) -> None:
        self._each, self._letter = settings, letter
        get = settings.__getattribute__
        self._lr = get(f"lr_{letter}")
        clip = get("weight_clip") if letter == "d" else 0
        self._limits = (get("grad_clip") or np.inf, clip or np.inf)
        self._rest = get("beta1"), get("beta2"), get("weight_decay"), 1 - get("ema_decay")

    @property
    def constant(self) -> bool:
        """True if :meth:`row` does not depend on the iteration."""
        return bool(self._each.__getattribute__("lr_schedule") == "constant")

    def row(self, iteration: int) -> tuple[float, ...]:
        """Return the numbers of the step after `iteration` in the order of :data:`NUMBERS`, without Adam's corrections."""
        get = self._each.__getattribute__
        lr, weight = self._lr, get("penalty_weight")
        if not self.constant:
            schedule, steps = get("lr_schedule"), get("schedule_steps")
            lr = learning_rate(lr, schedule, steps, iteration, get("schedule_end"))
            weight = learning_rate(weight, schedule, steps, iteration, get("penalty_end"))
        beta1, beta2, decay, averaging = self._rest
        return lr, beta1, beta2, np.nan, np.nan, decay, *self._limits, weight, averaging
