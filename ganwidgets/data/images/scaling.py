"""Units of training, and validation of numbers.

Points train unscaled, or standardized; see :mod:`~ganwidgets.data.points.standardization`. The range of images is
mapped to [-1, 1]; see :mod:`~ganwidgets.data.images.value_ranges`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganwidgets.data.images.value_ranges import BYTES, SIGNED, UNIT, Range, decided_range, warn_of_range
from ganwidgets.data.options import DataOptions, Kind
from ganwidgets.data.points.standardization import (
    Standardization,
    is_well_scaled,
    measured_columns,
    warn_of_far_numbers,
)
from ganwidgets.errors import DataError
from ganwidgets.messages import Message
from ganwidgets.modality import MODALITIES

__all__ = [
    "AS_IS",
    "OF_BYTES",
    "Units",
    "in_training_units",
    "numbers",
    "refuse_broken",
    "units_of",
    "units_of_images",
    "units_of_points",
]


@dataclass(frozen=True)
class Units:
    """Units of samples.

    Attributes
    ----------
    value_range : (float, float) or None
        The numbers that become -1 and 1; None leaves all numbers unchanged.
    standardization : Standardization or None
        Centers and scales of standardized points.
    """

    value_range: Range | None
    standardization: Standardization | None = None

    def noted(self, options: DataOptions, kind: Kind) -> DataOptions:
        """Return `options` with these units and the kind filled in, so that no decision is left to the loader."""
        columns = self.standardization
        standardize = False if columns is None else (columns.centers, columns.scales)
        return replace(
            options,
            kind=kind,
            value_range=self.value_range,
            standardize=standardize if "standardize" in MODALITIES[kind].options else None,
        )

    def __str__(self) -> str:
        """Return a text for fingerprints of Datasets; its format must not change."""
        if self.standardization is not None:
            return f"standardized by {self.standardization.centers!r} {self.standardization.scales!r}"
        if self.value_range is None:
            return "as is"
        known = {BYTES: "bytes", UNIT: "from 0", SIGNED: "from -1"}
        return known.get(self.value_range, f"from {self.value_range[0]!r} to {self.value_range[1]!r}")


AS_IS = Units(None)
"""Units of unscaled points, and of images in the units of training."""

OF_BYTES = Units(BYTES)


_LARGEST_INT64 = np.uint64(2**63 - 1)


def numbers(data: Any, what: str) -> Tensor:
    """Return a copy of an array or a tensor, as bool, uint8, int64, float32 or float64 on the CPU.

    Parameters
    ----------
    data
        A tensor, or anything that NumPy converts to an array.
    what : str
        Name in error messages, such as "the array".

    Raises
    ------
    DataError
        If it holds neither integers nor real numbers.
    """
    if isinstance(data, Tensor):
        return _of_tensor(data.detach(), what)
    if np.ma.is_masked(data):
        raise DataError(Message("{what} has masked values; fill them or leave those samples out", what=what))
    try:
        array = np.asarray(data)
    except Exception as error:  # a user's `__array__` may raise anything
        raise DataError(
            Message(
                "{what} cannot be made a NumPy array: {error}; pass an array", what=what, error=str(error)
            )
        ) from error
    if array.dtype in (np.uint8, np.bool_):
        return torch.from_numpy(np.array(array, order="C"))
    if array.dtype == np.uint64 and array.size and array.max() > _LARGEST_INT64:
        array = array.astype(np.float64)
    if array.dtype.kind in "iu":
        return torch.from_numpy(np.array(array, np.int64, order="C"))
    if array.dtype.kind == "f":
        dtype = np.float32 if array.dtype.itemsize <= 4 else np.float64
        return torch.from_numpy(np.array(array, dtype, order="C"))
    raise DataError(_wrong_type(array.dtype, what))


def _of_tensor(tensor: Tensor, what: str) -> Tensor:
    if tensor.is_meta:
        raise DataError(
            Message("{what} has no numbers (device meta); pass a tensor that holds some", what=what)
        )
    if tensor.is_nested:
        raise DataError(Message("{what} is nested; pass torch.nested.to_padded_tensor(x, 0)", what=what))
    if tensor.layout != torch.strided:
        raise DataError(Message("{what} is sparse; pass x.to_dense()", what=what))
    if tensor.dtype == torch.uint64:
        return numbers(tensor.cpu().numpy(), what)
    if tensor.is_complex() or tensor.is_quantized:
        raise DataError(_wrong_type(tensor.dtype, what))
    if tensor.dtype in (torch.uint8, torch.bool):
        dtype = tensor.dtype
    else:
        dtype = torch.float32 if tensor.is_floating_point() else torch.int64
        dtype = torch.float64 if tensor.dtype == torch.float64 else dtype
    return tensor.to("cpu", dtype, copy=True, memory_format=torch.contiguous_format)


def _wrong_type(dtype: Any, what: str) -> Message:
    return Message(
        "{what} holds values of type {dtype}; convert them to numbers of type float32",
        what=what,
        dtype=str(dtype),
    )


def refuse_broken(values: Tensor, what: str) -> None:
    """Raise `DataError` if a value is not finite in float32; the message has their number and the first index."""
    broken = ~values.float().isfinite() if values.is_floating_point() else None
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


def units_of(samples: Tensor, kind: Kind, options: DataOptions, what: str) -> Units:
    """Return the units of the finite numbers of `samples`; warn if they are unlikely.

    Raises
    ------
    DataError
        If an option does not apply to `kind`, or if the units cannot be determined.
    """
    options.allow_for(kind)
    units = MODALITIES[kind].units
    return AS_IS if units is None else units(samples, options, what)


def units_of_images(samples: Tensor, options: DataOptions, what: str) -> Units:
    """Return which numbers of images are black and white, and warn if that is unlikely."""
    taken = options.value_range or decided_range(samples, what)
    warn_of_range(samples, taken, what)
    return Units(taken)


def units_of_points(samples: Tensor, options: DataOptions, what: str) -> Units:
    """Return whether points train as they are or standardized; raise `DataError` for bools."""
    if samples.dtype == torch.bool:
        raise DataError(_wrong_type(samples.dtype, what))
    standardize, samples = options.standardize, samples.flatten(start_dim=1)
    if standardize is False:
        return AS_IS
    if isinstance(standardize, tuple):
        if len(standardize[0]) != samples.shape[1]:
            raise DataError(
                Message(
                    "standardize has centers of {given} columns, but a sample has {features} numbers; give one center "
                    "and one scale for each",
                    given=len(standardize[0]),
                    features=samples.shape[1],
                )
            )
        return Units(None, Standardization(*standardize))
    columns = measured_columns(samples)
    warn_of_far_numbers(samples, columns, what)
    return Units(None, columns) if standardize or not is_well_scaled(samples, columns) else AS_IS


def in_training_units(samples: Tensor, units: Units) -> Tensor:
    """Return `samples` as float32 in the units of training; possibly the same tensor."""
    if units.standardization is not None:
        return units.standardization.standardized(samples)
    if units.value_range is None:
        return samples.float()
    low, high = units.value_range
    if units.value_range == SIGNED:
        return samples.float().clamp(-1, 1)
    scaled = (samples.float() - low).div_((high - low) / 2).sub_(1)
    return scaled if samples.dtype == torch.uint8 and units.value_range == BYTES else scaled.clamp_(-1, 1)
