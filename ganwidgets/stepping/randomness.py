"""Randomness inside networks (dropout, injected noise), from the run's own generators.

``torch.nn.functional.dropout`` takes no generator and draws from the process's global one, which
any cell may use at any moment from another thread. Swapping the global state around a step would
race with it, so the known calls are redirected instead, through a function mode, and only in
networks that a probe on one batch found to draw at all: a function mode costs about a sixth of a
small step.

What cannot be redirected (a fused kernel such as an LSTM's dropout, or random draws inside
another function of ``torch.nn.functional``) still moves the global generator; a second probe
finds that, and the run then calls itself close, not exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

__all__ = ["RoutedRandomness", "moves_global_generator"]

Handler = Callable[..., Any]


def moves_global_generator(run: Callable[[], object], device: torch.device) -> bool:
    """Return whether `run` draws from a global generator; the generator is put back.

    Another thread may draw in the meantime, so only a generator that moves three times in a row
    counts as moved by `run`.
    """
    return all(_moves(run, device) for _ in range(3))


def _moves(run: Callable[[], object], device: torch.device) -> bool:
    before = torch.get_rng_state()
    on_device = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
    run()
    moved = not torch.equal(before, torch.get_rng_state())
    if moved:
        torch.set_rng_state(before)
    if on_device is not None and not torch.equal(on_device, torch.cuda.get_rng_state(device)):
        torch.cuda.set_rng_state(on_device, device)
        moved = True
    return moved


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


def _with_generator(generator: torch.Generator, func: Handler, *args: Any, **kwargs: Any) -> Any:
    if kwargs.get("generator") is None:
        kwargs["generator"] = generator
    return func(*args, **kwargs)


def _like(draw: Handler) -> Handler:
    def handler(
        generator: torch.Generator, func: Handler, like: Tensor, *args: Any, **kwargs: Any
    ) -> Tensor:
        kwargs.pop("memory_format", None)
        made: Tensor = draw(
            *args,
            like.shape,
            generator=generator,
            dtype=kwargs.pop("dtype", None) or like.dtype,
            device=kwargs.pop("device", None) or like.device,
            **kwargs,
        )
        return made

    return handler


def _mask(x: Tensor, p: float, generator: torch.Generator, feature_dims: int | None) -> Tensor:
    shape = list(x.shape)
    if feature_dims is not None:
        shape[-feature_dims:] = [1] * feature_dims
    return x.new_empty(shape).bernoulli_(1 - p, generator=generator)


def _dropout(feature_dims: int | None) -> Handler:
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
        mask = _mask(input, p, generator, feature_dims).div_(1 - p)
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
    mask = _mask(input, p, generator, None)
    dropped: Tensor = scale * (input * mask + _SELU_LIMIT * (1 - mask)) - scale * p * _SELU_LIMIT
    return dropped


_HANDLERS: dict[Callable[..., Any], Handler] = {
    F.dropout: _dropout(None),
    torch.dropout: _dropout(None),
    F.dropout1d: _dropout(1),
    F.dropout2d: _dropout(2),
    F.dropout3d: _dropout(3),
    F.alpha_dropout: _alpha_dropout,
    torch.rand_like: _like(torch.rand),
    torch.randn_like: _like(torch.randn),
    torch.randint_like: _like(torch.randint),
    **dict.fromkeys(
        (
            torch.rand,
            torch.randn,
            torch.randint,
            torch.randperm,
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
        _with_generator,
    ),
}
