"""Nested dictionaries of tensors and plain values as a flat dictionary of tensors and one JSON document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

__all__ = ["flatten", "unflatten"]

_TENSOR = "<tensor>"


def flatten(value: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    """Move the tensors of a nested dictionary to `tensors`, under their paths, and return the rest."""
    if isinstance(value, Tensor):
        if path in tensors:
            raise ValueError(f"two tensors have the path {path!r}")
        tensors[path] = value
        return _TENSOR
    if isinstance(value, Mapping):
        return {name: flatten(entry, f"{path}/{name}", tensors) for name, entry in value.items()}
    return value


def unflatten(value: Any, path: str, tensors: Mapping[str, Tensor]) -> Any:
    """Inverse of :func:`flatten`, after JSON has converted tuples to lists."""
    if isinstance(value, str) and value == _TENSOR:
        return tensors[path]
    if isinstance(value, dict):
        return {name: unflatten(entry, f"{path}/{name}", tensors) for name, entry in value.items()}
    return tuple(value) if isinstance(value, list) else value
