"""Networks of equal structure and different weights, computed together.

A tensor of lanes has one axis more, its first: ``weight [lanes, out, in]``, ``samples [lanes, n, ...]``. Layers whose
batched form is known are computed by it; every other module goes through `torch.func.vmap`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import embedding

from ganwidgets.errors import DataError
from ganwidgets.messages import Message
from ganwidgets.networks.layers.conditioning import Labelled

__all__ = [
    "ELEMENTWISE",
    "LaneForward",
    "LaneLinear",
    "batched",
    "check_batched",
    "has_hooks",
    "matmul_linear",
]

LaneForward = Callable[..., Tensor]
"""From tensors of lanes by the names of `nn.Module.state_dict`, inputs [lanes, n, ...] and, for a network that takes labels,
these [lanes, n, ...], to outputs [lanes, n, ...]."""

LaneLinear = Callable[[str, str | None], LaneForward]
"""From the names of a linear layer's weight and bias, if it has one, to its batched form."""

ELEMENTWISE = frozenset(
    {nn.ReLU, nn.LeakyReLU, nn.Tanh, nn.GELU, nn.SiLU, nn.ELU, nn.Sigmoid, nn.Softplus, nn.Identity}
)
"""Layers that act elementwise."""

_HOOKS = (
    "_forward_hooks",
    "_forward_pre_hooks",
    "_backward_hooks",
    "_backward_pre_hooks",
)


def matmul_linear(weight: str, bias: str | None) -> LaneForward:
    """Return a linear layer of lanes as one batched matrix product."""
    if bias is None:
        return lambda tensors, x: torch.bmm(x, tensors[weight].transpose(1, 2))
    return lambda tensors, x: torch.baddbmm(tensors[bias].unsqueeze(1), x, tensors[weight].transpose(1, 2))


def batched(module: nn.Module, prefix: str = "", linear: LaneLinear = matmul_linear) -> LaneForward:
    """Return `module` as a function of the tensors of all lanes.

    Parameters
    ----------
    module : nn.Module
        The network of any one lane; its own tensors are not read.
    prefix : str
        What the names of its tensors begin with.
    linear : callable
        Makes the form of its linear layers.
    """
    kind = type(module)
    if not has_hooks(module):
        if kind is nn.Sequential:
            return _sequence(
                [batched(child, f"{prefix}{name}.", linear) for name, child in module.named_children()]
            )
        if kind is nn.Linear:
            return linear(
                f"{prefix}weight", f"{prefix}bias" if "bias" in dict(module.named_parameters()) else None
            )
        if isinstance(module, Labelled) and kind is Labelled and not has_hooks(module.embedding):
            return _labelled(f"{prefix}embedding.weight", batched(module.body, f"{prefix}body.", linear))
        same = _without_weights(module)
        if same is not None:
            return same
    return _vmapped(module, prefix)


def _without_weights(module: nn.Module) -> LaneForward | None:
    """Return the batched form of a layer without weights, or None if that is not known."""
    if type(module) in ELEMENTWISE and not getattr(module, "inplace", False):
        return lambda _, x: module(x)
    if isinstance(module, nn.Flatten) and (module.start_dim, module.end_dim) == (1, -1):
        return lambda _, x: x.flatten(2)
    if isinstance(module, nn.Unflatten) and module.dim == 1:
        sizes = tuple(module.unflattened_size)
        return lambda _, x: x.reshape(*x.shape[:2], *sizes)
    return None


def has_hooks(module: nn.Module) -> bool:
    """Return True if more than the layer's own code may run in a call of `module`."""
    return any(getattr(module, hooks) for hooks in _HOOKS) or "forward" in vars(module)


def _sequence(layers: Sequence[LaneForward]) -> LaneForward:
    def forward(tensors: Mapping[str, Tensor], x: Tensor) -> Tensor:
        for layer in layers:
            x = layer(tensors, x)
        return x

    return forward


def _labelled(weight: str, body: LaneForward) -> LaneForward:
    """Return the batched form of :class:`~ganwidgets.networks.layers.conditioning.Labelled`."""

    def forward(tensors: Mapping[str, Tensor], x: Tensor, labels: Tensor) -> Tensor:
        lanes, classes, _ = tensors[weight].shape
        # One table of all lanes: each lane's labels begin at its own rows.
        rows = labels + classes * torch.arange(lanes, device=labels.device).unsqueeze(1)
        vectors = embedding(rows, tensors[weight].flatten(0, 1))
        return body(tensors, torch.cat((x.flatten(2), vectors), 2))

    return forward


def _vmapped(module: nn.Module, prefix: str) -> LaneForward:
    names = [*dict(module.named_parameters()), *dict(module.named_buffers())]

    def one(own: dict[str, Tensor], *inputs: Tensor) -> Tensor:
        output: Tensor = functional_call(module, own, inputs)
        return output

    every = torch.func.vmap(one)

    def forward(tensors: Mapping[str, Tensor], *inputs: Tensor) -> Tensor:
        if not names:  # vmap needs a tensor to map over beside the inputs
            alone: Tensor = torch.func.vmap(module)(*inputs)
            return alone
        output: Tensor = every({name: tensors[prefix + name] for name in names}, *inputs)
        return output

    return forward


def check_batched(name: str, network: nn.Module, forward: LaneForward, inputs: tuple[Tensor, ...]) -> None:
    """Compare the batched form of `network` with the network itself.

    Parameters
    ----------
    name : str
        What the network is called in an error.
    inputs : tuple of Tensor [n, ...]
        A batch for it, and labels if it takes them. The network is left as it was.

    Raises
    ------
    DataError
        If the batched form fails, or returns other numbers: one sentence that says why.
    """
    tensors = {
        key: torch.stack([tensor.detach(), tensor.detach()])
        for key, tensor in [*network.named_parameters(), *network.named_buffers()]
    }
    try:
        with torch.no_grad():
            together = forward(tensors, *(torch.stack([each, each]) for each in inputs))
    except Exception as error:
        # The further sentences of torch.func advise to report an issue to PyTorch.
        why = re.split(r"(?<=\w)\.\s|\n", str(error).strip(), maxsplit=1)[0] or type(error).__name__
        raise DataError(
            Message("the {network} cannot be computed for several runs at once: {why}", network=name, why=why)
        ) from error
    own = {key: tensor[0].clone() for key, tensor in tensors.items()}
    with torch.no_grad():
        alone = functional_call(network, own, inputs)
    if together.shape[1:] != alone.shape or not torch.allclose(together[1], alone, rtol=1e-3, atol=1e-4):
        raise DataError(
            Message(
                "the {network} returns other numbers when it is computed for several runs at once",
                network=name,
            )
        )
