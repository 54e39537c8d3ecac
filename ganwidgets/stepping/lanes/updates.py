"""The optimizers' rules for all lanes at once, each lane with hyperparameters of its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from ganwidgets.optimizers import learning_rate, updated
from ganwidgets.stepping.lanes.parts import Part
from ganwidgets.stepping.lanes.tensors import LaneTensors

__all__ = ["LaneLimits", "LaneOptimizer"]


class LaneOptimizer:
    """Moves the parameters of one player in all lanes.

    Adam and AdamW go through PyTorch's fused rules, one call for all lanes with equal hyperparameters. They round
    each lane as they round it alone. The other rules are :func:`ganwidgets.optimizers.updated` over all lanes.

    Parameters
    ----------
    tensors : LaneTensors
    letter : str
        The player's.
    settings : sequence
        In force in each lane.
    """

    def __init__(self, tensors: LaneTensors, letter: str, settings: Sequence[Any]) -> None:
        self._tensors = tensors
        self._settings = settings
        self._rates = [getattr(each, f"lr_{letter}") for each in settings]
        self._constant = all(each.lr_schedule == "constant" for each in settings)
        self._rows = list(tensors.values.unbind(0))
        self._memories = {name: list(part.unbind(0)) for name, part in tensors.memory.items()}
        self._steps = list(tensors.steps.unbind(0))
        self._groups: list[tuple[SimpleNamespace, list[int]]] = []
        self._table: dict[str, Any] = {}
        if self._constant:
            self._schedule([0] * len(settings))

    def schedule(self, iterations: Sequence[int]) -> None:
        """Set the learning rates for a step at the `iterations` of the lanes."""
        if not self._constant:
            self._schedule(iterations)

    def _schedule(self, iterations: Sequence[int]) -> None:
        rates = [
            learning_rate(rate, each.lr_schedule, each.schedule_steps, iteration, each.schedule_end)
            for rate, each, iteration in zip(self._rates, self._settings, iterations, strict=True)
        ]
        if self._tensors.rule in _FUSED:
            lanes_with: dict[tuple[float, ...], list[int]] = defaultdict(list)
            for lane, (rate, each) in enumerate(zip(rates, self._settings, strict=True)):
                lanes_with[rate, each.beta1, each.beta2, each.weight_decay].append(lane)
            self._groups = [
                (SimpleNamespace(lr=lr, beta1=beta1, beta2=beta2, weight_decay=decay), lanes)
                for (lr, beta1, beta2, decay), lanes in lanes_with.items()
            ]
            return
        decays = [each.weight_decay for each in self._settings]
        self._table = {
            "lr": _column(rates),
            "weight_decay": _column(decays) if any(decays) else 0.0,
            "momentum": _column([each.beta1 for each in self._settings]),
            "alpha": _column([each.beta2 for each in self._settings]),
            "eps": 1e-8,
        }

    def update(self, gradients: Tensor, part: Part) -> None:
        """Carry out one update of the lanes of `part` by their `gradients`, float32 [lanes, parameters]."""
        tensors = self._tensors
        part.put(tensors.steps, part.of(tensors.steps) + 1)
        if tensors.rule not in _FUSED:
            table = {
                key: part.of(each) if isinstance(each, Tensor) else each for key, each in self._table.items()
            }
            memory = {name: part.of(each) for name, each in tensors.memory.items()}
            value, kept = updated(tensors.rule, table, part.of(tensors.values), gradients, memory)
            part.put(tensors.values, value)
            for name, each in tensors.memory.items():
                part.put(each, kept[name])
            return
        rows = gradients.unbind(0)
        first, second = self._memories["exp_avg"], self._memories["exp_avg_sq"]
        for group, lanes in self._groups:
            taking = part.places(lanes)
            if not taking:
                continue
            _FUSED[tensors.rule](
                [self._rows[i] for i, _ in taking],
                [rows[place] for _, place in taking],
                [first[i] for i, _ in taking],
                [second[i] for i, _ in taking],
                [],
                [self._steps[i] for i, _ in taking],
                lr=group.lr,
                beta1=group.beta1,
                beta2=group.beta2,
                weight_decay=group.weight_decay,
                eps=1e-8,
                amsgrad=False,
                maximize=False,
            )


class LaneLimits:
    """Limits of a player's updates: gradient norm and, for D, weight size.

    Parameters
    ----------
    settings : sequence
        In force in each lane.
    letter : str
        The player's.
    """

    def __init__(self, settings: Sequence[Any], letter: str) -> None:
        lengths = [each.grad_clip or torch.inf for each in settings]
        sizes = [(each.weight_clip if letter == "d" else 0) or torch.inf for each in settings]
        self._longest = torch.tensor(lengths)
        self._largest = torch.tensor(sizes).unsqueeze(1)
        self.clips_gradients = any(length != torch.inf for length in lengths)
        self._clips_weights = any(size != torch.inf for size in sizes)

    def shorten(self, gradients: Tensor, norms: Tensor, part: Part) -> None:
        """Scale `gradients` [lanes, parameters] of the `norms` [lanes] in place to the lanes' longest."""
        # Division by norm + 1e-6 is torch.nn.utils.clip_grad_norm_'s.
        factor = (part.of(self._longest) / (norms + 1e-6)).clamp(max=1.0)
        # Clipping a gradient of infinite norm would give zero and hide the failure.
        gradients *= torch.where(norms.isfinite(), factor, torch.nan).unsqueeze(1)

    def clamp(self, values: Tensor, part: Part) -> None:
        """Clamp the parameters [lanes, parameters] of the lanes of `part` in place."""
        if self._clips_weights:
            largest = part.of(self._largest)
            part.put(values, torch.clamp(part.of(values), -largest, largest))


_FUSED = {"adam": torch._fused_adam_, "adamw": torch._fused_adamw_}


def _column(numbers: Sequence[float]) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float32).unsqueeze(1)
