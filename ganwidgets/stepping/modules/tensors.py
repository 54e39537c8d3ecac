"""Tensors of networks and optimizers: enumeration, restoring, copying."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["all_finite", "copied_network", "moments_of", "put_moments", "put_tensors", "tensors_of"]


def tensors_of(network: nn.Module) -> dict[str, Tensor]:
    """Return every parameter and buffer of `network`, by name, persistent or not."""
    return {**dict(network.named_parameters()), **dict(network.named_buffers())}


def put_tensors(network: nn.Module, values: Mapping[str, Tensor]) -> None:
    """Set the parameters and buffers of `network` to `values`; gradients are dropped."""
    with torch.no_grad():
        for name, tensor in tensors_of(network).items():
            tensor.copy_(values[name])
            tensor.grad = None


def copied_network(network: nn.Module) -> nn.Module:
    """Return a copy of `network` without gradients."""
    # Older spectral and weight normalisation leave computed tensors in their modules, which
    # cannot be copied deeply; the copy computes them again at its next call.
    computed = {
        id(value): value.detach().clone()
        for module in network.modules()
        for value in vars(module).values()
        if isinstance(value, Tensor) and not value.is_leaf
    }
    copied = copy.deepcopy(network, computed).requires_grad_(False)
    for parameter in copied.parameters():
        parameter.grad = None
    return copied


def all_finite(tensors: Iterable[Tensor]) -> bool:
    """Return True if all floating-point numbers in `tensors` are finite."""
    with torch.no_grad():
        return all(bool(tensor.isfinite().all()) for tensor in tensors if tensor.is_floating_point())


def moments_of(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """Return an optimizer's state, not copied, as ``{"<parameter's index>.<name>": value}``."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    return {
        f"{index}.{name}": value
        for index, parameter in enumerate(parameters)
        for name, value in optimizer.state.get(parameter, {}).items()
        if value is not None
    }


def put_moments(optimizer: torch.optim.Optimizer, moments: Mapping[str, Any]) -> None:
    """Replace an optimizer's state by copies of `moments`.

    Raises
    ------
    ValueError
        If they belong to other parameters.
    """
    optimizer.state.clear()
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for key, value in moments.items():
        index, name = key.split(".", 1)
        parameter = parameters[int(index)]
        kept = value
        if isinstance(value, Tensor):
            if value.dim() and value.shape != parameter.shape:
                raise ValueError(f"{key} has shape {tuple(value.shape)}, not {tuple(parameter.shape)}")
            # A step count is a scalar on the CPU or the device, as its optimizer made it.
            on_cpu = value.dim() == 0 and not optimizer.param_groups[0].get("fused")
            kept = value.detach().clone().to("cpu" if on_cpu else parameter.device)
            if value.dim() and kept.stride() != parameter.stride():  # the fused rules require equal layouts
                kept = torch.empty_like(parameter, dtype=value.dtype).copy_(kept)
        optimizer.state[parameter][name] = kept
