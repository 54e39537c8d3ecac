"""The units in which samples train, and what cannot be brought into them.

Points train as they are. Images train in [-1, 1]: bytes by x / 127.5 - 1; numbers with a fraction
are taken as [0, 1], or as [-1, 1] if any is negative; anything else is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from ..errors import DataError
from ..messages import Message
from .source import Kind

__all__ = [
    "Units",
    "image_units",
    "in_training_units",
    "numbers",
    "out_of_range",
    "refuse_broken",
    "sample_shape",
]

Units = Literal["as is", "bytes", "from 0", "from -1"]
"""How the numbers came: as points or as images in [-1, 1] (both pass), as uint8, or in [0, 1]."""


def numbers(data: Any, what: str) -> Tensor:
    """Return a copy of an array or a tensor, as uint8, int64 or float32 on the CPU.

    Parameters
    ----------
    data
        A tensor, or anything that NumPy makes an array of.
    what : str
        How an error calls it, such as "the array".

    Raises
    ------
    DataError
        If it is not made of whole numbers or of real numbers.
    """
    if isinstance(data, Tensor):
        return _of_tensor(data.detach(), what)
    if np.ma.is_masked(data):
        raise DataError(Message("{what} has masked values; fill them or leave those samples out", what=what))
    try:
        array = np.asarray(data)
    except Exception as error:  # whatever somebody's `__array__` raises
        raise DataError(
            Message(
                "{what} cannot be made a NumPy array: {error}; pass an array", what=what, error=str(error)
            )
        ) from error
    if array.dtype == np.uint8:
        return torch.from_numpy(np.array(array, order="C"))
    if array.dtype.kind in "iu":
        return torch.from_numpy(np.array(array, np.int64, order="C"))
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):  # what becomes infinite is found and named later
            return torch.from_numpy(np.array(array, np.float32, order="C"))
    raise DataError(_wrong_type(array.dtype, what))


def _of_tensor(tensor: Tensor, what: str) -> Tensor:
    if tensor.layout != torch.strided:
        raise DataError(Message("{what} is sparse; pass x.to_dense()", what=what))
    if tensor.is_complex() or tensor.is_quantized or tensor.dtype == torch.bool:
        raise DataError(_wrong_type(tensor.dtype, what))
    if tensor.dtype == torch.uint8:
        dtype = torch.uint8
    else:
        dtype = torch.float32 if tensor.is_floating_point() else torch.int64
    return tensor.to("cpu", dtype, copy=True, memory_format=torch.contiguous_format)


def _wrong_type(dtype: Any, what: str) -> Message:
    return Message(
        "{what} holds values of type {dtype}; convert them to numbers of type float32 or uint8",
        what=what,
        dtype=str(dtype),
    )


def refuse_broken(values: Tensor, what: str) -> None:
    """Raise `DataError` if any of `values` is not finite: how many, and where the first is."""
    broken = ~values.isfinite() if values.is_floating_point() else None
    if broken is None or not broken.any():
        return
    first = np.unravel_index(int(broken.flatten().byte().argmax()), tuple(values.shape))
    raise DataError(
        Message(
            "{what} has {count} values that are NaN, infinite or too large, the first at index {index}; "
            "repair them or leave those samples out",
            what=what,
            count=int(broken.sum()),
            index=", ".join(map(str, map(int, first))),
        )
    )


def sample_shape(shape: Sequence[int], what: str) -> tuple[Kind, tuple[int, ...]]:
    """Return the kind and the shape of samples that came as tensors of `shape`.

    Parameters
    ----------
    shape : sequence of int
        Of one sample: (F,), (H, W) or (C, H, W).
    what : str
        How an error calls it, such as "one sample of the array".

    Raises
    ------
    DataError
        If these are neither points nor images of one or three channels.
    """
    if 0 in shape:
        raise DataError(
            Message(
                "{what} has shape {shape}, it is empty; leave it out or repair it",
                what=what,
                shape=tuple(shape),
            )
        )
    if len(shape) == 1:
        return "points", tuple(shape)
    if len(shape) == 2:
        return "images", (1, *shape)
    if len(shape) == 3 and shape[0] in {1, 3}:
        return "images", tuple(shape)
    if len(shape) == 3 and shape[2] in {1, 3}:
        raise DataError(
            Message(
                "{what} has shape {shape}, its channels last; put them first: an array [N, H, W, C] by "
                "x.transpose(0, 3, 1, 2), a tensor by x.permute(0, 3, 1, 2), one image without the N by (2, 0, 1)",
                what=what,
                shape=tuple(shape),
            )
        )
    if len(shape) == 3:
        raise DataError(
            Message(
                "{what} has shape {shape}, that is {channels} channels; images have 1 (grey) or 3 (RGB)",
                what=what,
                shape=tuple(shape),
                channels=shape[0],
            )
        )
    raise DataError(
        Message(
            "{what} has shape {shape}; points are (F,), images (H, W) or (C, H, W)",
            what=what,
            shape=tuple(shape),
        )
    )


def image_units(images: Tensor, what: str) -> Units:
    """Return how the numbers of `images` are to be taken.

    Raises
    ------
    DataError
        If they are whole numbers other than uint8, or outside [-1, 1].
    """
    if images.dtype == torch.uint8:
        return "bytes"
    low, high = (value.item() for value in images.aminmax())
    if not images.is_floating_point():
        raise DataError(
            Message(
                "{what} holds whole numbers from {low} to {high} that are not of type uint8; convert "
                "images of 0 to 255 to uint8, or divide them to get numbers in [0, 1]",
                what=what,
                low=low,
                high=high,
            )
        )
    units: Units = "from -1" if low < 0 else "from 0"
    if out_of_range(images, units):
        raise DataError(
            Message(
                "{what} holds numbers from {low:g} to {high:g}; images are uint8, or numbers in [0, 1] or "
                "in [-1, 1]: rescale them, or convert images of 0 to 255 to uint8",
                what=what,
                low=low,
                high=high,
            )
        )
    return units


def out_of_range(images: Tensor, units: Units) -> bool:
    """Return whether any number of `images` contradicts `units`; one that is NaN does."""
    if units == "bytes":
        return images.dtype != torch.uint8
    if not images.is_floating_point():
        return True
    low, high = (value.item() for value in images.aminmax())
    return not (low >= (-1 if units == "from -1" else 0) and high <= 1)


def in_training_units(samples: Tensor, units: Units) -> Tensor:
    """Return `samples` as float32 in the units of training; where they are that already, themselves."""
    if units == "bytes":
        return samples.float().div_(127.5).sub_(1)
    if units == "from 0":
        return samples * 2 - 1
    return samples.float()
