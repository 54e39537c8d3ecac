"""Routing of random draws of networks and their builders (dropout, noise, initial weights) to the run's own generators.

``torch.nn.functional.dropout`` takes no generator and draws from the global one, which any cell may use at any moment
from another thread. Swapping the global state around a step would race with it. So a function mode redirects the known
calls, only in networks that draw at all, because a function mode costs about a sixth of a small step.

All numbers are drawn on the CPU, so that a run draws the same numbers on every device.

Calls that cannot be redirected (a fused kernel such as an LSTM's dropout, or random draws inside another function of
``torch.nn.functional``) still draw from the global generator. The probe detects them, and the run is then close, not
exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn import init
from torch.overrides import TorchFunctionMode

__all__ = ["RoutedRandomness"]

Handler = Callable[..., Any]


class RoutedRandomness(TorchFunctionMode):
    """Inside this mode, the known random calls of the current thread draw from `generator`."""

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self.generator = generator

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        handler = _HANDLERS.get(func)
        if handler is not None:
            return handler(self.generator, func, *args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))


def _factory(generator: torch.Generator, func: Handler, /, *args: Any, **kwargs: Any) -> Any:
    """Carry out a call that creates a tensor of random numbers."""
    if kwargs.get("generator") is not None:
        return func(*args, **kwargs)
    device = kwargs.pop("device", None) or torch.get_default_device()
    requires_grad = kwargs.pop("requires_grad", False)
    made = func(*args, **kwargs, generator=generator, device="cpu")
    return made.to(device).requires_grad_(requires_grad)


def _like(draw: Handler) -> Handler:
    def handler(generator: torch.Generator, func: Handler, like: Tensor, /, *args: Any, **kwargs: Any) -> Any:
        kwargs.pop("memory_format", None)
        dtype, device = kwargs.pop("dtype", None), kwargs.pop("device", None)
        kwargs |= {"size": like.shape, "dtype": dtype or like.dtype, "device": device or like.device}
        return _factory(generator, draw, *args, **kwargs)

    return handler


def _drawing(generator: torch.Generator, func: Handler, /, *args: Any, **kwargs: Any) -> Any:
    """Carry out a call that draws for given tensors, in place if its name ends in an underscore."""
    if kwargs.get("generator") is not None:
        return func(*args, **kwargs)
    kwargs.pop("generator", None)
    given = [value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)]
    if not given:
        return _factory(generator, func, *args, **kwargs)
    device = given[0].device
    if device.type in {"cpu", "meta"}:  # nothing is drawn for a tensor without numbers
        return func(*args, **kwargs, generator=generator)
    here = [value.cpu() if isinstance(value, Tensor) else value for value in args]
    there = {name: value.cpu() if isinstance(value, Tensor) else value for name, value in kwargs.items()}
    made = func(*here, **there, generator=generator)
    return args[0].copy_(made) if func.__name__.endswith("_") else made.to(device)


def _initializing(generator: torch.Generator, func: Handler, /, *args: Any, **kwargs: Any) -> Tensor:
    """Carry out a function of ``torch.nn.init``, as lazy layers call it when their first batch comes."""
    tensor: Tensor = args[0] if args else kwargs.pop("tensor")
    if kwargs.get("generator") is None:
        kwargs["generator"] = generator
    if tensor.is_meta:  # it has no numbers
        return tensor
    on_cpu = tensor.detach().cpu()  # the same tensor if it is on the CPU
    func(on_cpu, *args[1:], **kwargs)
    with torch.no_grad():
        return tensor if on_cpu.device == tensor.device else tensor.copy_(on_cpu)


def _mask(shape: Iterable[int], like: Tensor, p: float, generator: torch.Generator) -> Tensor:
    """Return zeros with probability `p`, else ones, of the type and on the device of `like`."""
    mask = torch.empty(*shape, dtype=like.dtype, device="cpu").bernoulli_(1 - p, generator=generator)
    return mask.to(like.device)


def _dropout(whole_channels: bool, unbatched: int = 0) -> Handler:
    """Return the handler of a dropout.

    Parameters
    ----------
    whole_channels : bool
        Drop whole channels instead of single numbers.
    unbatched : int
        Number of dimensions of an input without a batch dimension.
    """

    def handler(
        generator: torch.Generator,
        func: Handler,
        input: Tensor,  # noqa: A002 - the name in torch.nn.functional
        p: float = 0.5,
        training: bool = True,
        inplace: bool = False,
    ) -> Tensor:
        if not training or p == 0:
            return input
        if p == 1:
            return input.mul_(0) if inplace else input * 0
        shape = list(input.shape)
        if whole_channels:
            leading = 1 if input.ndim == unbatched else 2
            shape[leading:] = [1] * (input.ndim - leading)
        mask = _mask(shape, input, p, generator).div_(1 - p)
        return input.mul_(mask) if inplace else input * mask

    return handler


# Klambauer et al., Self-Normalizing Neural Networks (2017), section "Alpha dropout": dropped
# units take SELU's negative limit, and an affine map restores mean 0 and variance 1.
_SELU_LIMIT = -1.7580993408473766


def _alpha_dropout(
    generator: torch.Generator,
    func: Handler,
    input: Tensor,  # noqa: A002
    p: float = 0.5,
    training: bool = False,
    inplace: bool = False,
) -> Tensor:
    if not training or p == 0:
        return input
    if p == 1:
        return input * 0
    keep = 1 - p
    scale = (keep + _SELU_LIMIT**2 * keep * p) ** -0.5
    mask = _mask(input.shape, input, p, generator)
    dropped: Tensor = scale * (input * mask + _SELU_LIMIT * (1 - mask)) - scale * p * _SELU_LIMIT
    return dropped


_HANDLERS: dict[Callable[..., Any], Handler] = {
    F.dropout: _dropout(whole_channels=False),
    torch.dropout: _dropout(whole_channels=False),
    # As in torch, which takes three dimensions for a batch of sequences in dropout2d.
    F.dropout1d: _dropout(whole_channels=True, unbatched=2),
    F.dropout2d: _dropout(whole_channels=True),
    F.dropout3d: _dropout(whole_channels=True, unbatched=4),
    F.alpha_dropout: _alpha_dropout,
    torch.rand_like: _like(torch.rand),
    torch.randn_like: _like(torch.randn),
    torch.randint_like: _like(torch.randint),
    **dict.fromkeys((torch.rand, torch.randn, torch.randint, torch.randperm), _factory),
    **dict.fromkeys((init.uniform_, init.normal_, init.kaiming_uniform_), _initializing),
    **dict.fromkeys(
        (
            torch.normal,
            torch.bernoulli,
            torch.multinomial,
            torch.poisson,
            Tensor.bernoulli,
            Tensor.bernoulli_,
            Tensor.cauchy_,
            Tensor.exponential_,
            Tensor.geometric_,
            Tensor.log_normal_,
            Tensor.multinomial,
            Tensor.normal_,
            Tensor.random_,
            Tensor.uniform_,
        ),
        _drawing,
    ),
}
