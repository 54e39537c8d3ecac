"""Base classes of data sources."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ganwidgets.data.options import NO_OPTIONS, DataOptions, Kind
from ganwidgets.data.points.standardization import Standardization
from ganwidgets.data.sample_order import SampleOrder
from ganwidgets.messages import Message
from ganwidgets.modality import MODALITIES, Modality
from ganwidgets.seeds import seeded

__all__ = ["FiniteSource", "Kind", "Modes", "Source"]

SHUFFLED_AT_ONCE = 64_000_000
"""Maximum bytes (float32) of an epoch that is permuted in memory; larger ones are permuted by batch."""


@dataclass(frozen=True, eq=False)
class Modes:
    """The clusters of a mixture of Gaussians with axis-aligned covariances.

    Attributes
    ----------
    centers : Tensor, float32 [K, F]
    deviations : Tensor, float32 [K, F]
        Standard deviations along each axis.
    weights : Tensor, float32 [K]
        Shares of the samples; their sum is 1.
    """

    centers: Tensor
    deviations: Tensor
    weights: Tensor


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Source(ABC):
    """A source of real samples. Immutable.

    Samples are float32 in the units of training: points as they are or standardized, images in [-1, 1].

    Attributes
    ----------
    name : str
        Display name, such as ``"ring8"`` or ``"array of 500 points"``.
    kind : str
        Name of the kind of data.
    shape : tuple of int
        Of one sample: ``(F,)`` for points, ``(C, H, W)`` for images.
    size : int or None
        The number of samples; None if they are drawn without end.
    preset : str or None
        The preset's name, if it is one.
    modes : Modes or None
        The clusters, if known.
    labels : Tensor or None
        int64 ``[N]``, if the data has labels and they are known; see :meth:`all_labels`.
    options : DataOptions
        How the data was read, every decision included; loading with these options gives an equal source.
    exact : bool
        True if a sample is the same at each read; False for a Dataset with random transforms.
    """

    name: str
    kind: Kind
    shape: tuple[int, ...]
    size: int | None
    preset: str | None = None
    modes: Modes | None = None
    labels: Tensor | None = None
    options: DataOptions = NO_OPTIONS
    exact: bool = True

    @property
    def modality(self) -> Modality:
        """The kind of data."""
        return MODALITIES[self.kind]

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """SHA-256, in hex, of the samples: equal for equal data, in every process."""

    @abstractmethod
    def order(self, seed: int) -> SampleOrder:
        """Return the sample order of the run with seed `seed`."""

    @abstractmethod
    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        r"""Return `n` independent samples, float32 [n, \*shape], drawn with `generator` (on the CPU)."""

    @cached_property
    def standardization(self) -> Standardization | None:
        """Centers and scales of standardized columns; None if samples are not standardized."""
        columns = self.options.standardize
        return Standardization(*columns) if isinstance(columns, tuple) else None

    def in_own_units(self, samples: Tensor) -> Tensor:
        """Return points [..., F] converted from training units to column units; images unchanged."""
        return samples if self.standardization is None else self.standardization.original(samples)

    def draw_in_own_units(self, n: int, generator: torch.Generator) -> Tensor:
        """Return samples as :meth:`draw` does, in the units of :meth:`in_own_units`."""
        return self.in_own_units(self.draw(n, generator))

    @property
    def column_names(self) -> tuple[str, ...] | None:
        """Column names of a table, one for each number of a sample; None if there are none."""
        names = self.options.columns
        names = (names,) if isinstance(names, str) else names
        return None if names is None or self.shape != (len(names),) else tuple(names)

    @property
    def labelled(self) -> bool | None:
        """True if the data has labels; None if that is only known after reading it."""
        return self.labels is not None

    def all_labels(self) -> Tensor | None:
        """Return the label of every sample, int64 [N], or None if the data has none; may read all samples."""
        return self.labels

    def labels_at_hand(self) -> Tensor | None:
        """Return :meth:`all_labels` if that needs no reading of samples, else None."""
        return self.labels

    def stored(self) -> Tensor | None:
        r"""Return all samples, [N, \*shape], if they are in memory and are not a preset.

        They are float32 in the units of training; standardized points are in their own units, float32, float64 or
        int64. :func:`ganwidgets.data.restored_array` makes a source with the same fingerprint from them. The caller
        must not change them.
        """
        return None

    @property
    def taken_as(self) -> Message:
        """Description of the decisions about the data: kind, sample shape, and units."""
        return self.modality.describe(self)

    def __repr__(self) -> str:
        about = self.name if self.preset else f"{self.name} ({self.taken_as})"
        return f"<{type(self).__name__}: {about}>"


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class FiniteSource(Source):
    """A source with a finite number of samples that can be read by index."""

    size: int

    @abstractmethod
    def read(self, indices: Tensor) -> Tensor:
        r"""Return the samples at `indices` (int64 [n]), float32 [n, \*shape], as new tensors."""

    def read_in_own_units(self, indices: Tensor) -> Tensor:
        """Return samples as :meth:`read` does, in the units of :meth:`in_own_units`."""
        return self.in_own_units(self.read(indices))

    def draw_in_own_units(self, n: int, generator: torch.Generator) -> Tensor:
        return self.read_in_own_units(torch.randint(self.size, (n,), generator=generator))

    def whole_epochs(self) -> bool:
        """Return True if a whole epoch is best read at once."""
        return False

    def order(self, seed: int) -> SampleOrder:
        """Return the sample order of the run with seed `seed`.

        Each epoch has its own permutation; batches continue across the ends of epochs.
        """
        if self.whole_epochs():
            return SampleOrder(self.size, lambda epoch: self.read(self.permutation(seed, epoch)), torch.clone)
        return SampleOrder(self.size, lambda epoch: self.permutation(seed, epoch), self.read)

    def permutation(self, seed: int, epoch: int) -> Tensor:
        """Return the sample indices of one epoch in order, int64 [N]."""
        return torch.randperm(self.size, generator=seeded(seed, "order", epoch))

    def label_order(self, labels: Tensor, seed: int) -> SampleOrder:
        """Return `labels` (from :meth:`all_labels`) in the order of :meth:`order`: int64 [n] at any position."""
        return SampleOrder(self.size, lambda epoch: labels[self.permutation(seed, epoch)], torch.clone)

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        return self.read(torch.randint(self.size, (n,), generator=generator))
