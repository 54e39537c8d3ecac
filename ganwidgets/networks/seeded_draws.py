"""Draws of a registered builder from a generator of the run instead of the global one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.nn import init
from torch.overrides import TorchFunctionMode

__all__ = ["DrawsFrom"]

DRAWS = frozenset(
    {
        init.kaiming_uniform_,
        init.normal_,
        init.uniform_,
        torch.bernoulli,
        torch.multinomial,
        torch.normal,
        torch.rand,
        torch.randint,
        torch.randn,
        torch.randperm,
        Tensor.bernoulli_,
        Tensor.exponential_,
        Tensor.log_normal_,
        Tensor.normal_,
        Tensor.random_,
        Tensor.uniform_,
    }
)
"""Functions that draw from the global generator unless they are called with ``generator=``."""


class DrawsFrom(TorchFunctionMode):
    """Inside this mode, the current thread's calls of :data:`DRAWS` without a generator draw from `generator`."""

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self._generator = generator

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        given = dict(kwargs or {})
        if func in DRAWS and given.get("generator") is None:
            given["generator"] = self._generator
        return func(*args, **given)
