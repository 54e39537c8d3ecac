"""Noticing that something draws random numbers, whatever other threads draw in the meantime."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

__all__ = ["Draws"]


class Draws(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes the random numbers that operations of the current thread draw inside this mode.

    Attributes
    ----------
    routed, unrouted : bool
        Whether any were drawn from a generator that was passed, and from the global one.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.routed = False
        self.unrouted = False

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
                self.unrouted = True
        return func(*args, **kwargs)
