"""Detect whether code draws random numbers, independent of draws in other threads."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from types import FrameType
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

__all__ = ["RandomDrawDetector"]


class RandomDrawDetector(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Records the random draws of the current thread's operations while this mode is active.

    Attributes
    ----------
    routed, unrouted : bool
        True if a passed generator, or the global generator, was used.
    modules : list of nn.Module
        The modules that were running at the first draw from the global generator, innermost first.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.routed = False
        self.unrouted = False
        self.modules: list[nn.Module] = []

    def __torch_dispatch__(
        self,
        func: Any,
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if torch.Tag.nondeterministic_seeded in func.tags:
            if any(isinstance(value, torch.Generator) for value in (*args, *kwargs.values())):
                self.routed = True
            else:
                if not self.unrouted:
                    self.modules = _modules_calling(sys._getframe())
                self.unrouted = True
        return func(*args, **kwargs)


def _modules_calling(frame: FrameType | None) -> list[nn.Module]:
    """Return the modules whose methods are on the call stack of `frame`, innermost first."""
    found: list[nn.Module] = []
    while frame is not None:
        module = frame.f_locals.get("self")
        if isinstance(module, nn.Module) and (not found or found[-1] is not module):
            found.append(module)
        frame = frame.f_back
    return found
