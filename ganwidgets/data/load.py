"""Conversion of any supported data to a source."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ganwidgets.data.arrays import load_array, load_pair
from ganwidgets.data.columns import table_parts
from ganwidgets.data.datasets import held, load_dataset
from ganwidgets.data.images.folder import load_folder
from ganwidgets.data.images.presets import IMAGE_PRESETS, load_images
from ganwidgets.data.options import NO_OPTIONS, DataOptions, Kind
from ganwidgets.data.points.presets import POINT_PRESETS, load_points
from ganwidgets.data.source import Source
from ganwidgets.errors import DataError
from ganwidgets.messages import Message

__all__ = ["dataset", "load_data"]


def dataset(
    data: Any,
    *,
    kind: Kind | None = None,
    value_range: tuple[float, float] | None = None,
    columns: str | Sequence[str] | None = None,
    labels: Any = None,
    standardize: bool | tuple[Sequence[float], Sequence[float]] | None = None,
) -> Source:
    """Return `data` as a trainer reads it; its ``repr`` shows the decisions.

    A trainer and a widget take the same keywords and call this function.

    Parameters
    ----------
    data
        Anything that :class:`GANTrainer` accepts as data.
    kind : str, optional
        ``"points"``, ``"images"`` or a registered kind; if omitted, the shape decides. ``"points"`` flattens each sample.
    value_range : (float, float), optional
        The numbers of images that mean black and white, such as ``(0, 255)``. They become -1 and 1; numbers beyond are
        clipped. If omitted, most of the numbers decide: bytes have the range 0 to 255, or 0 to 1 in a mask; fractions 0
        to 1, or -1 to 1 if a share of them is negative.
    columns : str or sequence of str, optional
        The columns of a table, or the keys of dict items, that form a sample.
    labels : str, or array of int [N], optional
        The column or key of the labels; or the labels themselves.
    standardize : bool or (centers, scales), optional
        Train the columns of points as z-scores, (x - mean) / standard deviation. Samples, the plane and exports keep
        the columns' own units. If omitted, tables are standardized if their columns are far from 0, very large or
        small, or of very different scales. A pair gives ``F`` centers and scales instead. Metrics of standardized
        points use z-scores.

    Returns
    -------
    Source
        Data for a trainer or a widget.

    Raises
    ------
    DataError
        If it cannot be trained on, or if a keyword does not apply to it; the message names the remedy.

    Warns
    -----
    DataWarning
        If a decision is probably wrong.

    Examples
    --------
    >>> import numpy as np
    >>> dataset(np.arange(12.0).reshape(2, 3, 2), kind="points")
    <ArraySource: array of 2 points (points of 6 numbers, unscaled)>
    >>> dataset(np.full((5, 1, 8, 8), 4095), value_range=(0, 4095))
    <ArraySource: array of 5 images (grey images of 8x8, black 0, white 4095)>
    >>> dataset(np.array([[1990, 1e6], [2010, 3e6], [2030, 2e6]]))
    <ArraySource: array of 3 points (points of 2 numbers, standardized (1 2010 ± 16, 2 2e+06 ± 8.2e+05))>
    """
    if labels is not None and not isinstance(labels, str):
        data, labels = (data, labels), None
    return load_data(data, DataOptions(kind, value_range, columns, labels, standardize))  # type: ignore[arg-type]


def load_data(data: Any, options: DataOptions = NO_OPTIONS) -> Source:
    """Return the source of the real samples.

    Parameters
    ----------
    data : str, array, tensor, (X, y), Dataset, list, table, object or path
        A preset's name (:data:`POINT_PRESETS`, :data:`IMAGE_PRESETS`); points ``[N, F]`` or images ``[N, H, W]`` or
        ``[N, C, H, W]``, uint8 or float, as a tensor or as anything that NumPy converts to an array; a tuple of such
        samples and one integer label for each; a `torch.utils.data.Dataset` or any object with ``__len__`` and
        ``__getitem__``; the path of an image folder; a source.
    options : DataOptions
        The user's options for the data.

    Returns
    -------
    Source
        Arrays, lists and pictures are copied into it; items of a Dataset are read when needed.

    Raises
    ------
    DataError
        If it cannot be trained on; the message names the thing, the cause and the remedy.
    """
    if isinstance(data, Source):
        options.allow((), Message("{name}, which is loaded already", name=data.name))
        return data
    if isinstance(data, str):
        return _named(data, options)
    if isinstance(data, os.PathLike):
        return load_folder(Path(data), options=options)
    if isinstance(data, tuple):
        options.allow(("kind", "value_range", "standardize"), Message("a pair (X, y)"))
        return load_pair(data, options)
    if isinstance(data, DataLoader):
        raise DataError(
            Message("a DataLoader has its own batches and order; pass its Dataset: loader.dataset")
        )
    if isinstance(data, Dataset):
        return load_dataset(data, options)
    return _by_abilities(data, options)


def _by_abilities(data: Any, options: DataOptions) -> Source:
    """Return the source for an object of unknown type, by its capabilities."""
    names = _columns(data)
    if names and options.columns is None and not isinstance(data, Mapping):
        named = tuple(str(name) for name in names if name != options.labels)
        options = replace(options, columns=named) if len(set(named)) == len(named) > 0 else options
    if names is not None and (options.columns is not None or options.labels is not None):
        samples, y = table_parts(data, names, options)
        return load_array(samples, options) if y is None else load_pair((samples, y), options)
    if isinstance(data, Tensor) or hasattr(data, "__array__"):
        options.allow(("kind", "value_range", "standardize"), Message("an array"))
        return load_array(data, options)
    if isinstance(data, list) and data:
        return held(load_dataset(data, options))
    if _has_items(data):
        return load_dataset(data, options)
    raise DataError(
        Message(
            "no data can be made of a {type}; pass a preset's name, an array or a tensor, a tuple (X, y), "
            "a torch Dataset, a list or another object with __len__ and __getitem__, the path of a folder of images, or "
            "a table or a mapping of arrays with columns=[...]",
            type=type(data).__name__,
        )
    )


def _columns(data: Any) -> list[str] | None:
    """Return the column names of a table; None for anything else."""
    if isinstance(data, Mapping):
        return list(data)
    if getattr(getattr(data, "dtype", None), "names", None):
        return list(data.dtype.names)
    return list(data.columns) if hasattr(data, "__array__") and hasattr(data, "columns") else None


def _has_items(data: Any) -> bool:
    """Return True if `data` returns items by index; False for dicts and bytes."""
    if isinstance(data, Mapping | bytes | bytearray | memoryview | type | list):
        return False
    return hasattr(data, "__getitem__")


def _named(name: str, options: DataOptions) -> Source:
    if name in POINT_PRESETS or name in IMAGE_PRESETS:
        options.allow((), Message("the preset {name}", name=name))
        return load_points(name) if name in POINT_PRESETS else load_images(name)
    # Where pathlib raises (a name that is too long, another user's unknown home), this returns False.
    if name and os.path.exists(os.path.expanduser(name)):  # noqa: PTH110, PTH111
        return load_folder(Path(name), options=options)
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
