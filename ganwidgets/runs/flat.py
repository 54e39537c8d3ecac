"""Nested dictionaries of tensors and plain values, taken apart for a file and put together again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

__all__ = ["fill", "strip"]

_TENSOR = "<tensor>"


def strip(value: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    """Move the tensors of a nested dictionary to `tensors`, under their paths."""
    if isinstance(value, Tensor):
        tensors[path] = value
        return _TENSOR
    if isinstance(value, Mapping):
        return {name: strip(entry, f"{path}/{name}", tensors) for name, entry in value.items()}
    return value


def fill(value: Any, path: str, tensors: Mapping[str, Tensor]) -> Any:
    """Return what :func:`strip` took apart; lists were tuples."""
    if isinstance(value, str) and value == _TENSOR:
        return tensors[path]
    if isinstance(value, dict):
        return {name: fill(entry, f"{path}/{name}", tensors) for name, entry in value.items()}
    return tuple(value) if isinstance(value, list) else value
