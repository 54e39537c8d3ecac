"""Copies of many tensors by few operations, and their comparison bit by bit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

__all__ = ["JoinedCopies", "bits_equal"]

_INTEGERS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


class _Group(NamedTuple):
    """Tensors that are copied together: contiguous ones of one dtype and device, as vectors; or a single other one."""

    positions: list[int]
    tensors: list[Tensor]
    joined: bool


class JoinedCopies:
    """Copies the contents of tensors, with one operation for all contiguous ones of a dtype and device.

    Parameters
    ----------
    tensors : sequence of Tensor
        Read in place at each :meth:`read`. A tensor whose storage is replaced needs another object of this class.
    """

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        # As they are now: `parameter.data = ...` may change both in place.
        self._forms = [(tensor.dtype, tensor.shape) for tensor in tensors]
        kinds: dict[Any, list[int]] = {}
        for position, tensor in enumerate(tensors):
            joined = tensor.layout == torch.strided and tensor.is_contiguous()
            kinds.setdefault((tensor.dtype, tensor.device) if joined else position, []).append(position)
        self._groups = [
            _Group(
                positions,
                [
                    _as_integers(tensors[at].view(-1) if isinstance(kind, tuple) else tensors[at])
                    for at in positions
                ],
                isinstance(kind, tuple),
            )
            for kind, positions in kinds.items()
        ]

    def read(self) -> list[Tensor]:
        """Return a copy for each group, its bits as integers, so that ``torch.equal`` compares bits."""
        return [
            torch.cat(group.tensors) if group.joined else group.tensors[0].clone() for group in self._groups
        ]

    def parts(self, copies: Sequence[Tensor]) -> list[Tensor]:
        """Return what :meth:`read` returned as one tensor for each one given, in order, dtype and shape."""
        found: dict[int, Tensor] = {}
        for group, copy in zip(self._groups, copies, strict=True):
            split = torch.split(copy, [len(tensor) for tensor in group.tensors]) if group.joined else [copy]
            for at, part in zip(group.positions, split, strict=True):
                dtype, shape = self._forms[at]
                numbers = part if part.dtype == dtype else part.view(dtype)
                found[at] = numbers.view(shape) if group.joined else numbers
        return [found[at] for at in range(len(self._forms))]


def _as_integers(tensor: Tensor) -> Tensor:
    tensor = tensor.detach()
    if not tensor.is_floating_point() or tensor.layout != torch.strided:
        return tensor
    return tensor.view(_INTEGERS[tensor.element_size()])


def bits_equal(one: Tensor, other: Tensor) -> bool:
    """Return True if two tensors have the same bits: a NaN equals itself, and -0.0 differs from 0.0."""
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    return torch.equal(_as_integers(one), _as_integers(other))
