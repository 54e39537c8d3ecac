"""Data with two halves: pairs of images, or images of two domains."""

from __future__ import annotations

import hashlib
import os
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import Tensor

from ganwidgets.data.holdout import split_holdout
from ganwidgets.data.images.folder_files import pictures_below
from ganwidgets.data.load import load_data
from ganwidgets.data.source import FiniteSource, Source
from ganwidgets.errors import DataError
from ganwidgets.messages import Message

__all__ = ["TwoSources", "halves", "load_two", "of_two", "split_parts"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class TwoSources(FiniteSource):
    """Two sources as one. Its own samples are those of the first.

    Attributes
    ----------
    first, second : FiniteSource
    paired : bool
        True if sample `i` of the first belongs to sample `i` of the second.
    """

    first: FiniteSource
    second: FiniteSource
    paired: bool

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256, in hex, of both halves and the pairing."""
        both = f"{self.paired} {self.first.fingerprint} {self.second.fingerprint}"
        return hashlib.sha256(both.encode()).hexdigest()

    @property
    def parts(self) -> tuple[FiniteSource, FiniteSource]:
        """Both halves."""
        return self.first, self.second

    def read(self, indices: Tensor) -> Tensor:
        return self.first.read(indices)

    def all_labels(self) -> Tensor | None:
        return self.first.all_labels()

    def whole_epochs(self) -> bool:
        return self.first.whole_epochs()


def of_two(first: FiniteSource, second: FiniteSource, *, paired: bool) -> TwoSources:
    """Return two sources as one.

    Raises
    ------
    DataError
        If the numbers of inputs and targets differ.
    """
    if paired and first.size != second.size:
        raise DataError(
            Message(
                "there are {inputs} inputs and {targets} targets; pairs need as many of both, in the same order",
                inputs=first.size,
                targets=second.size,
            )
        )
    sign = "→" if paired else "|"
    return TwoSources(
        name=f"{first.name} {sign} {second.name}",
        kind=first.kind,
        shape=first.shape,
        size=min(first.size, second.size),
        options=first.options,
        exact=first.exact and second.exact,
        first=first,
        second=second,
        paired=paired,
    )


def halves(source: Source) -> tuple[Source, ...]:
    """Return both halves of two-part data, or a tuple of other data alone."""
    return source.parts if isinstance(source, TwoSources) else (source,)


def load_two(data: Any, *, paired: bool) -> Source:
    """Return the source of ``(inputs, targets)`` or of the domains ``(a, b)``.

    Raises
    ------
    DataError
        If `data` is not a pair, or if one half cannot be trained on.
    """
    if isinstance(data, TwoSources):
        if data.paired != paired:
            raise DataError(Message("{data} is other data than this game takes", data=data.name))
        return data
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise DataError(
            Message("this game needs pairs; pass data=(inputs, targets): two arrays or two folders")
            if paired
            else Message("this game needs two domains; pass data=(a, b): two arrays or two folders")
        )
    if paired:
        _refuse_unmatched_files(*data)
    halves: list[FiniteSource] = []
    for half in data:
        source = load_data(half)
        if not isinstance(source, FiniteSource):
            raise DataError(
                Message("{data} is drawn without end; each half needs a number of samples", data=source.name)
            )
        halves.append(source)
    return of_two(*halves, paired=paired)


NAMED = 5
"""Maximum number of files that an error names."""


def _refuse_unmatched_files(inputs: Any, targets: Any) -> None:
    """Raise `DataError` unless the pictures of two folders have the same paths without extensions.

    Both folders are read in the order of these paths, so equal names are pairs.
    """
    if not all(isinstance(half, str | os.PathLike) and Path(half).is_dir() for half in (inputs, targets)):
        return
    stems = [_stems(Path(half)) for half in (inputs, targets)]
    for folder, other, mine, theirs in ((inputs, targets, *stems), (targets, inputs, *stems[::-1])):
        lonely = sorted(set(mine) - set(theirs))
        if lonely:
            raise DataError(
                Message(
                    "{n} pictures in {folder} have no partner of the same name in {other}: {names}; pairs are matched by "
                    "file name without its ending, so rename or remove them",
                    n=len(lonely),
                    folder=str(folder),
                    other=str(other),
                    names=", ".join(lonely[:NAMED]) + (", …" if len(lonely) > NAMED else ""),
                )
            )
        twice = sorted({stem for stem in mine if mine.count(stem) > 1}) if len(set(mine)) < len(mine) else []
        if twice:
            raise DataError(
                Message(
                    "{folder} has two pictures of the name {name}; pairs are matched by file name without its ending, so "
                    "rename one",
                    folder=str(folder),
                    name=twice[0],
                )
            )


def _stems(folder: Path) -> list[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # reading the folder warns
        found = pictures_below(folder)
    return [path.relative_to(folder).with_suffix("").as_posix() for path in found]


def split_parts(source: Source, holdout: float) -> tuple[Source, FiniteSource | None]:
    """Return the result of :func:`~ganwidgets.data.holdout.split_holdout`; both halves of a pair stay together."""
    if not isinstance(source, TwoSources) or holdout == 0:
        return split_holdout(source, holdout)
    (first, first_out), (second, second_out) = (split_holdout(part, holdout) for part in source.parts)
    assert isinstance(first, FiniteSource)
    assert isinstance(second, FiniteSource)
    assert first_out is not None
    assert second_out is not None
    return (
        of_two(first, second, paired=source.paired),
        of_two(first_out, second_out, paired=source.paired),
    )
