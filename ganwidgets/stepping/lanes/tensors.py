"""The weights and the optimizer's memory of one player in all lanes, in one block of memory."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ganwidgets.optimizers import REMEMBERED
from ganwidgets.stepping.lanes.parts import Part
from ganwidgets.stepping.state import TrainingState

__all__ = ["LaneTensors"]


class LaneTensors:
    """Parameters, gradients' memory and step counts of a player, read from the states of all lanes.

    Parameters
    ----------
    player : str
    network : str
        The player's only network.
    rule : str
        The value of the setting ``optimizer_<letter>``.
    states : sequence of TrainingState
        One for each lane, with networks of equal structure; they are read and not changed.

    Attributes
    ----------
    block : Tensor, float32 [lanes, 1 + memories, parameters]
        Changed by the updates. Row 0 of a lane holds all its parameters, the others what the optimizer remembers.
    values : Tensor [lanes, parameters]
        Row 0 of `block`.
    memory : dict of str to Tensor [lanes, parameters]
    steps : Tensor, float32 [lanes]
        Updates that the optimizer has carried out.
    leaves : dict of str to Tensor [lanes, ...]
        The parameters by name, to be differentiated by; they share the memory of `block`.
    constants : dict of str to Tensor [lanes, ...]
        The same without gradients.
    """

    def __init__(self, player: str, network: str, rule: str, states: Sequence[TrainingState]) -> None:
        self.player, self.network, self.rule = player, network, rule
        self.names = [name for name, _ in states[0].networks[network].named_parameters()]
        self._shapes = [p.shape for p in states[0].networks[network].parameters()]
        self._sizes = [shape.numel() for shape in self._shapes]
        self._memories = sorted(REMEMBERED[rule] - {"step"})
        lanes = len(states)
        self.block = torch.zeros(lanes, 1 + len(self._memories), sum(self._sizes))
        self.steps = torch.zeros(lanes)
        for lane, state in enumerate(states):
            self.read(lane, state)
        self._share()

    def _share(self) -> None:
        """Make the tensors that share the memory of `block`."""
        self.values = self.block[:, 0]
        self.memory = {name: self.block[:, 1 + index] for index, name in enumerate(self._memories)}
        self.constants = self._named(self.values)
        self.leaves = _leaves(self.constants)

    def _named(self, values: Tensor) -> dict[str, Tensor]:
        """Return the parameters by name, of `values` [lanes, parameters]."""
        parts = torch.split(values, self._sizes, 1)
        return {
            name: part.view(len(part), *shape).detach()
            for name, part, shape in zip(self.names, parts, self._shapes, strict=True)
        }

    def constants_of(self, part: Part) -> dict[str, Tensor]:
        """Return the parameters of the lanes of `part` without gradients."""
        return self.constants if part.whole else self._named(part.of(self.values))

    def leaves_of(self, part: Part) -> dict[str, Tensor]:
        """Return the parameters of the lanes of `part`, to be differentiated by."""
        return self.leaves if part.whole else _leaves(self._named(part.of(self.values)))

    def read(self, lane: int, state: TrainingState) -> None:
        """Copy the parameters and the optimizer's memory of `state` into the row of a lane."""
        parameters = list(state.networks[self.network].parameters())
        memory = state.optimizers[self.player].state
        with torch.no_grad():
            self.block[lane, 0] = torch.cat([p.reshape(-1) for p in parameters])
            for index, name in enumerate(self._memories):
                if all(name in memory.get(p, {}) for p in parameters):
                    self.block[lane, 1 + index] = torch.cat([memory[p][name].reshape(-1) for p in parameters])
        step = memory.get(parameters[0], {}).get("step")
        self.steps[lane] = 0.0 if step is None else float(step)

    def write(self, lane: int, state: TrainingState) -> None:
        """Copy the row of a lane into the parameters and the optimizer's memory of `state`."""
        parameters = list(state.networks[self.network].parameters())
        memory = state.optimizers[self.player].state
        rows = [
            [
                part.view(shape)
                for part, shape in zip(torch.split(row, self._sizes), self._shapes, strict=True)
            ]
            for row in self.block[lane]
        ]
        step = float(self.steps[lane])
        with torch.no_grad():
            for index, parameter in enumerate(parameters):
                parameter.copy_(rows[0][index])
                parameter.grad = None
                if self.rule == "sgd" or (step == 0 and self.rule != "momentum"):
                    memory.pop(parameter, None)
                    continue
                known = memory.get(parameter, {})
                if known.keys() >= set(self._memories):
                    # In place: others hold these tensors, as the optimizer does.
                    for number, name in enumerate(self._memories):
                        known[name].copy_(rows[1 + number][index])
                    if "step" in known:
                        known["step"].fill_(step)
                    continue
                kept = {
                    # It has the strides of its parameter, which the fused rules rely on.
                    name: torch.empty_like(parameter, requires_grad=False).copy_(rows[1 + number][index])
                    for number, name in enumerate(self._memories)
                }
                if "step" in REMEMBERED[self.rule]:
                    kept["step"] = torch.tensor(step)
                memory[parameter] = kept

    def copy(self) -> tuple[Tensor, Tensor]:
        """Return a copy for :meth:`restore`."""
        return self.block.clone(), self.steps.clone()

    def restore(self, copy: tuple[Tensor, Tensor]) -> None:
        """Restore what :meth:`copy` returned."""
        self.block.copy_(copy[0])
        self.steps.copy_(copy[1])

    def finite(self) -> Tensor:
        """Return for each lane whether all its numbers are finite, bool [lanes]."""
        # The sum of finite numbers of any use is finite, and costs one pass.
        return self.block.sum((1, 2)).isfinite()


def _leaves(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().requires_grad_() for name, tensor in tensors.items()}
