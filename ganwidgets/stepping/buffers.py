"""Running a network without leaving a trace in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

__all__ = ["Buffers", "observing"]


class Buffers:
    """The buffers of a network (batch-norm statistics, spectral-norm vectors), to be kept still.

    A network without buffers, the common small one, costs nothing.
    """

    def __init__(self, network: nn.Module) -> None:
        self._slots = [
            (module, name)
            for module in network.modules()
            for name, buffer in module._buffers.items()
            if buffer is not None
        ]

    def __bool__(self) -> bool:
        return bool(self._slots)

    def copy(self) -> list[tuple[Tensor, Tensor]]:
        """Return each buffer with a copy of its content."""
        found = []
        for module, name in self._slots:
            buffer = module._buffers[name]
            assert buffer is not None
            found.append((buffer, buffer.detach().clone()))
        return found

    def put_back(self, copies: list[tuple[Tensor, Tensor]]) -> None:
        """Give the buffers the content, and the identity, that they had at :meth:`copy`."""
        with torch.no_grad():
            for (module, name), (buffer, content) in zip(self._slots, copies, strict=True):
                buffer.copy_(content)
                module._buffers[name] = buffer

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Put every buffer back at the end, also after an exception."""
        if not self._slots:
            yield
            return
        copies = self.copy()
        try:
            yield
        finally:
            self.put_back(copies)


@contextmanager
def observing(*networks: nn.Module) -> Iterator[None]:
    """Look at networks: eval mode, no gradients; afterwards each module's mode is as it was."""
    modes = [(module, module.training) for network in networks for module in network.modules()]
    try:
        for network in networks:
            network.eval()
        with torch.no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training
