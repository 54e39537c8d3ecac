"""Source for large image folders, which are read during training."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from ganwidgets.data.images.scaling import OF_BYTES, Units, in_training_units
from ganwidgets.data.modalities import IMAGES
from ganwidgets.data.options import DataOptions
from ganwidgets.data.sample_order import SampleOrder
from ganwidgets.data.source import FiniteSource

__all__ = ["FolderSource"]

KEPT = 1_000_000_000
"""Capacity of the picture cache, in bytes of pixels."""

READERS = 2
"""Number of threads that prefetch pictures; Pillow decodes outside the interpreter's lock."""

AHEAD = 2
"""Number of batches to prefetch."""

COMPARED = 16
"""Number of pictures whose pixels enter the fingerprint, besides the names and lengths of all files."""


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class FolderSource(FiniteSource):
    r"""A source that reads pictures when needed, and prefetches the next batches in separate threads.

    Attributes
    ----------
    folder : Path
    files : tuple of Path
        The pictures in `folder`, in order.
    pictures : PictureCache
        Cache of pictures.
    units : Units
        Units of their pixels.
    """

    folder: Path
    files: tuple[Path, ...]
    pictures: PictureCache
    units: Units

    @classmethod
    def of(
        cls,
        folder: Path,
        files: list[Path],
        reader: Callable[[Path], Tensor],
        *,
        shape: tuple[int, ...],
        name: str,
        labels: Tensor | None,
        units: Units,
        options: DataOptions,
    ) -> FolderSource:
        r"""Return the source for `files`, which `reader` reads as uint8 \*shape, in `units`."""
        return cls(
            name=name,
            kind=IMAGES.name,
            shape=shape,
            size=len(files),
            labels=labels,
            options=options,
            units=units,
            folder=folder,
            files=tuple(files),
            pictures=PictureCache(lambda place: reader(files[place]), KEPT),
        )

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256, in hex, of the names and lengths of all files, the shape, the labels and a few pictures."""
        sha = hashlib.sha256(f"{self.kind} {self.size} {self.shape}\n".encode())
        for file in self.files:
            name = file.relative_to(self.folder).as_posix()
            sha.update(f"{name} {file.stat().st_size}\n".encode())
        step = max(1, self.size // COMPARED)
        for place in range(0, self.size, step):
            sha.update(self.pictures.get(place).numpy().tobytes())
        if self.units != OF_BYTES:
            sha.update(f"{self.units}\n".encode())
        if self.labels is not None:
            sha.update(self.labels.numpy().tobytes())
        return sha.hexdigest()

    def read(self, indices: Tensor) -> Tensor:
        if not len(indices):
            return torch.empty(0, *self.shape)
        # Requested together first, so that the readers share the work.
        self.pictures.announce(indices.tolist())
        return in_training_units(
            torch.stack([self.pictures.get(place) for place in indices.tolist()]), self.units
        )

    def order(self, seed: int) -> SampleOrder:
        return _OrderAhead(self, lambda epoch: self.permutation(seed, epoch))


class _OrderAhead(SampleOrder):
    """The sample order of a run; it prefetches the next batches during training."""

    def __init__(self, source: FolderSource, permutation: Callable[[int], Tensor]) -> None:
        super().__init__(source.size, permutation, source.read)
        self._source = source

    def take(self, start: int, n: int) -> Tensor:
        taken = super().take(start, n)
        first = start + n - self._begin
        self._source.pictures.announce(self._chapter[first : first + AHEAD * n].tolist())
        return taken


class PictureCache:
    """Pictures by index, read by threads and cached.

    Parameters
    ----------
    read : callable
        Returns the picture with a given index, uint8 [C, H, W].
    kept : int
        Capacity in bytes; the least recently used pictures are dropped.
    """

    def __init__(self, read: Callable[[int], Tensor], kept: int) -> None:
        self._read = read
        self._kept = kept
        self._lock = threading.Lock()
        self._futures: OrderedDict[int, Future[Tensor]] = OrderedDict()
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="ganwidgets-pictures")

    def announce(self, places: list[int]) -> None:
        """Prefetch pictures."""
        with self._lock:
            for place in places:
                self._future(place)

    def get(self, place: int) -> Tensor:
        """Return a picture; the caller must not change it.

        Raises
        ------
        DataError
            If its file cannot be read.
        """
        with self._lock:
            future = self._future(place)
        if future.exception() is not None:
            # A failed prefetch may be old, and the file repaired since.
            future = Future()
            future.set_result(self._read(place))
            with self._lock:
                self._futures[place] = future
        picture = future.result()
        with self._lock:
            self._drop(picture.nbytes)
        return picture

    def _future(self, place: int) -> Future[Tensor]:
        future = self._futures.get(place)
        if future is None:
            future = self._futures[place] = self._pool.submit(self._read, place)
        else:
            self._futures.move_to_end(place)
        return future

    def _drop(self, each: int) -> None:
        while len(self._futures) * each > self._kept:
            oldest = next(iter(self._futures))
            if not self._futures[oldest].done():
                return
            del self._futures[oldest]
