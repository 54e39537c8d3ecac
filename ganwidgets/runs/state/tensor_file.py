"""Incremental writer of the safetensors format.

The library's own writer first copies everything into one string of bytes; here the tensors' own
memory goes to the disk, and to a hash function at the same time. Files are read by
the library.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping

import torch
from torch import Tensor

from ganwidgets.runs.state.hashing import tensor_bytes

__all__ = ["pieces"]

_LENGTH = 8
"""Size of the header's length at the beginning of the file, in bytes; the header is padded to a multiple."""


def pieces(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> list[bytes | memoryview]:
    """Return the parts of a safetensors file of `tensors`, in order.

    Raises
    ------
    ValueError
        If safetensors has no name for a tensor's dtype.
    """
    # The widest first, so that each begins at a multiple of its width, as the format wants it.
    names = sorted(tensors, key=lambda name: (-tensors[name].element_size(), name))
    header: dict[str, object] = {"__metadata__": dict(metadata)}
    contents: list[bytes | memoryview] = []
    end = 0
    for name in names:
        tensor = tensors[name]
        content = tensor_bytes(tensor)
        begin, end = end, end + content.nbytes
        header[name] = {
            "dtype": _dtype_name(tensor.dtype),
            "shape": list(tensor.shape),
            "data_offsets": [begin, end],
        }
        contents.append(content)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % _LENGTH)
    return [len(text).to_bytes(_LENGTH, "little") + text, *contents]


@functools.cache
def _dtype_name(dtype: torch.dtype) -> str:
    """Return the safetensors name of `dtype`, as the library itself writes it."""
    from safetensors.torch import save

    try:
        written = save({"one": torch.empty(0, dtype=dtype)})
    except KeyError as error:
        raise ValueError(f"safetensors cannot hold {dtype}") from error
    return str(json.loads(written[_LENGTH:])["one"]["dtype"])
