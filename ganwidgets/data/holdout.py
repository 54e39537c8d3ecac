"""Split of a source into training and held-out samples."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ganwidgets.data.source import FiniteSource, Source
from ganwidgets.errors import DataError
from ganwidgets.messages import Message
from ganwidgets.seeds import seeded

__all__ = ["SubsetSource", "split_holdout"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class SubsetSource(FiniteSource):
    """A subset of another source.

    Attributes
    ----------
    whole : FiniteSource
    places : Tensor, int64 [N]
        Indices of its samples.
    """

    whole: FiniteSource
    places: Tensor

    @classmethod
    def of(cls, whole: FiniteSource, places: Tensor) -> SubsetSource:
        """Return the samples of `whole` at `places`."""
        return cls(
            name=whole.name,
            kind=whole.kind,
            shape=whole.shape,
            size=len(places),
            labels=None if whole.labels is None else whole.labels[places],
            options=whole.options,
            exact=whole.exact,
            whole=whole,
            places=places,
        )

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256, in hex, of the whole source and the indices."""
        return hashlib.sha256(self.whole.fingerprint.encode() + self.places.numpy().tobytes()).hexdigest()

    def read(self, indices: Tensor) -> Tensor:
        return self.whole.read(self.places[indices])

    def read_in_own_units(self, indices: Tensor) -> Tensor:
        return self.whole.read_in_own_units(self.places[indices])

    def whole_epochs(self) -> bool:
        return self.whole.whole_epochs()

    def all_labels(self) -> Tensor | None:
        labels = self.whole.all_labels()
        return None if labels is None else labels[self.places]


def split_holdout(source: Source, holdout: float) -> tuple[Source, FiniteSource | None]:
    """Return the training part and the held-out part (None if `holdout` is 0).

    The split depends only on the number of samples, not on the seed. Both parts have at least one sample.

    Raises
    ------
    DataError
        If the data cannot be split: it is drawn without end, or has a single sample.
    """
    if holdout == 0:
        return source, None
    if not isinstance(source, FiniteSource) or source.size < 2:
        raise DataError(
            Message(
                "nothing can be held out of {data}, which is drawn without end or has one sample only; set holdout "
                "to 0",
                data=source.name,
            )
        )
    order = torch.randperm(source.size, generator=seeded(0, "held out"))
    n = min(max(1, round(source.size * holdout)), source.size - 1)
    return (
        SubsetSource.of(source, order[n:].sort().values),
        SubsetSource.of(source, order[:n].sort().values),
    )
