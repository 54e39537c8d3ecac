"""Hash of a whole state."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

__all__ = ["digest", "tensor_bytes"]


def tensor_bytes(tensor: Tensor) -> memoryview:
    """Return a tensor's bytes in row-major order; not copied if it is contiguous."""
    flat = tensor.detach().to("cpu").contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().data if flat.numel() else memoryview(b"")


def digest(tree: Mapping[str, Any]) -> str:
    """Return the SHA-256, in hex, of nested mappings of tensors and plain values.

    Equal exactly when the names, the tensors' dtypes, shapes and bits, and the plain values are
    equal; the order of names does not matter.
    """
    sha = hashlib.sha256()
    _feed(sha, "", tree)
    return sha.hexdigest()


def _feed(sha: Any, path: str, value: Any) -> None:
    if isinstance(value, Mapping):
        sha.update(f"{path}: {len(value)} entries\n".encode())
        for name in sorted(value):
            _feed(sha, f"{path}/{json.dumps(name)}", value[name])
    elif isinstance(value, Tensor):
        sha.update(f"{path}: {value.dtype} {tuple(value.shape)}\n".encode())
        sha.update(tensor_bytes(value))
    else:
        sha.update(f"{path}: {json.dumps(value, sort_keys=True)}\n".encode())
