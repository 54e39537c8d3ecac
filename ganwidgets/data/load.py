"""From whatever a user passes as data to its source."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Any

from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..errors import DataError
from ..messages import Message
from .arrays import load_array, load_pair
from .datasets import load_dataset
from .folder import load_folder
from .images import IMAGE_PRESETS, load_images
from .points import POINT_PRESETS, load_points
from .source import Source

__all__ = ["load_data"]


def load_data(data: Any) -> Source:
    """Return the source of the real samples.

    Parameters
    ----------
    data : str, array, tensor, (X, y), Dataset or path
        A preset's name (:data:`POINT_PRESETS`, :data:`IMAGE_PRESETS`); points ``[N, F]``, or images
        ``[N, H, W]`` or ``[N, C, H, W]``, uint8 or float, as a tensor or as anything that NumPy
        makes an array of; a tuple of such samples and one whole number as label for each; a
        `torch.utils.data.Dataset` with a length; the path of a folder of images; a source.

    Returns
    -------
    Source
        Arrays and pictures are copied into it; a Dataset is read when its items are needed.

    Raises
    ------
    DataError
        If it cannot be trained on: which thing, what is wrong with it, and what helps.
    """
    if isinstance(data, Source):
        return data
    if isinstance(data, str):
        return _named(data)
    if isinstance(data, os.PathLike):
        return load_folder(Path(data))
    if isinstance(data, tuple):
        return load_pair(data)
    if isinstance(data, Dataset):
        return load_dataset(data)
    if isinstance(data, DataLoader):
        raise DataError(
            Message("a DataLoader has its own batches and order; pass its Dataset: loader.dataset")
        )
    if isinstance(data, Tensor) or hasattr(data, "__array__"):
        return load_array(data)
    raise DataError(
        Message(
            "no data can be made of a {type}; pass a preset's name, an array or a tensor, a tuple (X, y), "
            "a torch Dataset or the path of a folder of images",
            type=type(data).__name__,
        )
    )


def _named(name: str) -> Source:
    if name in POINT_PRESETS:
        return load_points(name)
    if name in IMAGE_PRESETS:
        return load_images(name)
    # Where pathlib raises (a name that is too long, another user's unknown home), this says no.
    if name and os.path.exists(os.path.expanduser(name)):  # noqa: PTH110, PTH111
        return load_folder(Path(name))
    presets = [*POINT_PRESETS, *IMAGE_PRESETS]
    close = difflib.get_close_matches(name.lower(), presets, n=1, cutoff=0.5)
    raise DataError(
        Message(
            "{name!r} is neither a preset nor an existing folder{hint}; presets are {presets}",
            name=name,
            hint=Message("; did you mean {name}?", name=close[0]) if close else "",
            presets=", ".join(presets),
        )
    )
