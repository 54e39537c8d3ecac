"""What the real samples come from."""

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
from ganwidgets.seeds import seeded

__all__ = ["FiniteSource", "Kind", "Modes", "Source"]

SHUFFLED_AT_ONCE = 64_000_000
"""Bytes of float32 up to which a whole epoch is laid out in its order; beyond, each batch is."""

NEGLIGIBLE = 1e-3
"""Mean of a column, in its standard deviations, that is described as 0."""

DESCRIBED = 4
"""Columns whose mean and standard deviation are named where a table is described."""


@dataclass(frozen=True, eq=False)
class Modes:
    """The clusters of a mixture of Gaussians whose axes lie along the coordinates.

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
    """Where the real samples come from. It never changes.

    Samples are float32 in the units of training: points as they are or standardized, images in [-1, 1].

    Attributes
    ----------
    name : str
        What people call it, such as ``"ring8"`` or ``"array of 500 points"``.
    kind : {"points", "images"}
    shape : tuple of int
        Of one sample: ``(F,)`` for points, ``(C, H, W)`` for images.
    size : int or None
        The number of samples; None where they are drawn without end.
    preset : str or None
        The preset's name, where it is one.
    modes : Modes or None
        The clusters, where they are known.
    labels : Tensor or None
        int64 ``[N]``, where the data came with labels and they are known; see :meth:`all_labels`.
    options : DataOptions
        How the data was read, every decision included: loaded with these, it gives an equal source.
    exact : bool
        Whether a sample is the same whenever it is read; a Dataset with random transforms is not.
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
    @abstractmethod
    def fingerprint(self) -> str:
        """SHA-256, in hex, of what the samples are: equal for equal data, in every process."""

    @abstractmethod
    def order(self, seed: int) -> SampleOrder:
        """Return the order in which the run that `seed` names sees the samples."""

    @abstractmethod
    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        r"""Return `n` independent samples, float32 [n, \*shape], drawn with `generator` (on the CPU)."""

    @cached_property
    def standardization(self) -> Standardization | None:
        """Centers and scales of the columns of points that train standardized; None where samples train as they are."""
        columns = self.options.standardize
        return Standardization(*columns) if isinstance(columns, tuple) else None

    def in_own_units(self, samples: Tensor) -> Tensor:
        """Return points [..., F] in the units of training in those of their columns; images as they are."""
        return samples if self.standardization is None else self.standardization.original(samples)

    def draw_in_own_units(self, n: int, generator: torch.Generator) -> Tensor:
        """Return what :meth:`draw` returns, in the units of :meth:`in_own_units`."""
        return self.in_own_units(self.draw(n, generator))

    @property
    def column_names(self) -> tuple[str, ...] | None:
        """The names of the columns of a table, one for each number of a sample; None where these have none."""
        names = self.options.columns
        names = (names,) if isinstance(names, str) else names
        return None if names is None or self.shape != (len(names),) else tuple(names)

    @property
    def labelled(self) -> bool | None:
        """Whether the data has labels; None where only reading it would tell."""
        return self.labels is not None

    def all_labels(self) -> Tensor | None:
        """Return the label of every sample, int64 [N], or None where the data has none; may have to read them."""
        return self.labels

    def labels_at_hand(self) -> Tensor | None:
        """Return :meth:`all_labels` where that takes no reading of samples, else None."""
        return self.labels

    def label_order(self, labels: Tensor, seed: int) -> SampleOrder:
        """Return `labels`, those of :meth:`all_labels`, in the order of :meth:`order`: int64 [n] at any place."""
        raise NotImplementedError(f"{self.name} has no labels")  # pragma: no cover - and so nobody asks

    def stored(self) -> Tensor | None:
        r"""Return all samples, [N, \*shape], where they are held in memory and have no preset's name.

        They are float32 in the units of training; standardized points are in their own units, float32, float64 or int64.
        :func:`ganwidgets.data.restored_array` makes a source with the same fingerprint of them. They
        may be the source's own: not to be changed.
        """
        return None

    @property
    def taken_as(self) -> Message:
        """What was decided about the data: its kind, the shape of a sample, and what its numbers mean."""
        if self.kind == "points":
            (features,) = self.shape
            if self.standardization is None:
                return Message("points of {features} numbers, unscaled", features=features)
            return Message(
                "points of {features} numbers, standardized ({columns})",
                features=features,
                columns=self._columns_in_words(self.standardization),
            )
        channels, height, width = self.shape
        colour = Message("grey") if channels == 1 else Message("RGB")
        if self.options.value_range is None:
            return Message("{colour} images of {height}x{width}", colour=colour, height=height, width=width)
        black, white = self.options.value_range
        return Message(
            "{colour} images of {height}x{width}, black {black:g}, white {white:g}",
            colour=colour,
            height=height,
            width=width,
            black=black,
            white=white,
        )

    def _columns_in_words(self, columns: Standardization) -> str:
        names = self.column_names or tuple(str(number + 1) for number in range(len(columns.centers)))
        described = [
            Message("{name} constant {center:.6g}", name=name, center=center)
            if scale == 0
            else Message(
                "{name} {center:.4g} ± {scale:.2g}",
                name=name,
                center=center if abs(center) > NEGLIGIBLE * scale else 0.0,
                scale=scale,
            )
            for name, center, scale in zip(names, columns.centers, columns.scales, strict=True)
        ]
        return ", ".join([*described[:DESCRIBED], *(["\u2026"] if len(described) > DESCRIBED else [])])

    def __repr__(self) -> str:
        about = self.name if self.preset else f"{self.name} ({self.taken_as})"
        return f"<{type(self).__name__}: {about}>"


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class FiniteSource(Source):
    """A source with a number of samples, each of which can be read by its index."""

    size: int

    @abstractmethod
    def read(self, indices: Tensor) -> Tensor:
        r"""Return the samples at `indices` (int64 [n]), float32 [n, \*shape], not shared with others."""

    def read_in_own_units(self, indices: Tensor) -> Tensor:
        """Return what :meth:`read` returns, in the units of :meth:`in_own_units`."""
        return self.in_own_units(self.read(indices))

    def draw_in_own_units(self, n: int, generator: torch.Generator) -> Tensor:
        return self.read_in_own_units(torch.randint(self.size, (n,), generator=generator))

    def whole_epochs(self) -> bool:
        """Return whether a whole epoch is best read at once."""
        return False

    def order(self, seed: int) -> SampleOrder:
        """Return the order in which the run that `seed` names sees the samples.

        Each epoch is a permutation of its own; batches run across the ends of epochs.
        """
        if self.whole_epochs():
            return SampleOrder(self.size, lambda epoch: self.read(self.permutation(seed, epoch)), torch.clone)
        return SampleOrder(self.size, lambda epoch: self.permutation(seed, epoch), self.read)

    def permutation(self, seed: int, epoch: int) -> Tensor:
        """Return the indices of all samples in the order of one epoch, int64 [N]."""
        return torch.randperm(self.size, generator=seeded(seed, "order", epoch))

    def label_order(self, labels: Tensor, seed: int) -> SampleOrder:
        return SampleOrder(self.size, lambda epoch: labels[self.permutation(seed, epoch)], torch.clone)

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        return self.read(torch.randint(self.size, (n,), generator=generator))
