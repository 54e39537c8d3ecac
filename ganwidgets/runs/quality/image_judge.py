"""Metrics of generated images: features, reference images, and floors.

What is slow here (a classifier is trained, many images are read) happens in the thread that asks; the run
itself is needed for moments only, between two steps.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ganwidgets.data import Source, load_data
from ganwidgets.data.arrays import ArraySource
from ganwidgets.data.source import FiniteSource
from ganwidgets.errors import DataError
from ganwidgets.messages import Message
from ganwidgets.metrics import evaluate_images
from ganwidgets.metrics.classifier import ChannelClassifier, Classifier, train_classifier
from ganwidgets.metrics.features import Features, OwnFeatures, Pixels, RandomFeatures, Reading, read
from ganwidgets.metrics.images import class_shares
from ganwidgets.metrics.inception import load_inception
from ganwidgets.seeds import seeded
from ganwidgets.stepping.runtime.ambient import pinned

__all__ = ["NAMED", "Judge", "Neighbors", "chosen_features", "nearest", "refuse_unknown_features"]

Between = Callable[[Callable[[], Any]], Any]

NAMED = ("auto", "classifier", "inception", "random", "pixels")
"""Features by name."""

LEARNT_FROM = 20_000
"""Maximum number of training images of a classifier."""

KEPT = 4
"""Maximum number of cached classifiers."""

READ_AT_ONCE = {True: 1024, False: 32}
"""Number of real images read between two steps, from memory and from elsewhere."""


@dataclass(frozen=True)
class Neighbors:
    r"""The real images nearest to given images, nearest first.

    Attributes
    ----------
    indices : Tensor, int64 [n, k]
        Their places in the data.
    distances : Tensor, float32 [n, k]
        How far the features of both are apart (Euclidean).
    images : Tensor, float32 [n, k, C, H, W]
        In [0, 1].
    typical : float
        How far a real image is from its own nearest real one, as a median: an image that is much nearer
        than this was copied.
    """

    indices: Tensor
    distances: Tensor
    images: Tensor
    typical: float


def refuse_unknown_features(asked: Any) -> Any:
    """Return `asked` if it names or can be converted to features; else raise `DataError`."""
    if isinstance(asked, nn.Module | Path) or (isinstance(asked, str) and asked in NAMED):
        return asked
    if isinstance(asked, str) and Path(asked).expanduser().is_file():
        return Path(asked).expanduser()
    raise DataError(
        Message(
            "features cannot be {asked!r}: choose one of {named}, a module that makes features of images [n, C, H, W] "
            "in [0, 1], or the path of the weights of Inception",
            asked=asked,
            named=", ".join(NAMED),
        )
    )


def chosen_features(asked: Any, source: Source, device: torch.device, between: Between) -> Features:
    """Return the features for images of `source`; the first call trains a classifier.

    Parameters
    ----------
    asked : str, Path or nn.Module
        ``"classifier"``, trained on the data's own labels; ``"inception"``, or the path of its weights;
        ``"random"``; ``"pixels"``; a module of the user's; ``"auto"`` is the classifier if the data has labels, else
        random features.
    source : Source
        The real images.
    device : torch.device
        Device for large networks.
    between : callable
        Runs a function while the training is paused, and returns its result.

    Raises
    ------
    DataError
        If such features do not exist, or are not available.
    """
    if isinstance(asked, nn.Module):
        return OwnFeatures(asked)
    if isinstance(asked, Path) or asked == "inception":
        return load_inception(asked if isinstance(asked, Path) else None, device)
    if asked == "pixels":
        return Pixels()
    if asked == "random" or (asked == "auto" and _labels(source) is None):
        return RandomFeatures(source.shape[0])
    return _classifier(source, between)


def _classifier(source: Source, between: Between) -> Classifier | ChannelClassifier:
    if source.preset == "stacked_digits":
        with _TRAINING:
            return ChannelClassifier(_trained(load_data("digits"), between), source.name)
    between(source.all_labels)
    if not isinstance(source, FiniteSource) or _labels(source) is None:
        raise DataError(
            Message(
                "a classifier needs at least two labels, and {data} has none; pass (X, y), or choose the features "
                "random, inception or a module of your own",
                data=source.name,
            )
        )
    with _TRAINING:
        return _trained(source, between)


def _trained(source: Source, between: Between) -> Classifier:
    assert isinstance(source, FiniteSource)
    key = source.fingerprint
    if key in _TRAINED:
        _TRAINED.move_to_end(key)
        return _TRAINED[key]
    labels = _labels(source)
    assert labels is not None
    chosen = torch.randperm(source.size, generator=seeded(0, "classifier"))[:LEARNT_FROM]
    images = _read(source, chosen, between)
    name = source.name
    with pinned(1):
        _TRAINED[key] = train_classifier(images, labels[chosen], name)
    while len(_TRAINED) > KEPT:
        _TRAINED.popitem(last=False)
    return _TRAINED[key]


_TRAINED: OrderedDict[str, Classifier] = OrderedDict()
_TRAINING = threading.Lock()


def _labels(source: Source) -> Tensor | None:
    """Return the labels of the data if there are at least two different ones."""
    labels = source.labels_at_hand()
    return None if labels is None or len(torch.unique(labels)) < 2 else labels


def _read(source: FiniteSource, indices: Tensor, between: Between) -> Tensor:
    """Return real images in [0, 1], read in parts while the training is paused."""
    parts = torch.split(indices, READ_AT_ONCE[isinstance(source, ArraySource)])
    images = torch.cat([between(partial(source.read, part)) for part in parts])
    return images.add(1).div(2).clamp(0, 1)


class Judge:
    """Evaluates generated images of one source repeatedly.

    At most half of a finite data set is the reference for generated images. The other half represents a perfect
    generator, because real images compared with themselves would score too well.

    Parameters
    ----------
    source : Source
        The real images.
    features : Features
        Features that are compared.
    n : int
        Number of generated images.
    seed : int
        Seed of the choice of real images.
    between : callable
        See :func:`chosen_features`.

    Attributes
    ----------
    features : Features
    n : int
    count : int
        Number of generated images, and of real ones, in a comparison: `n`, but at most half of the data.
    """

    def __init__(self, source: Source, features: Features, n: int, seed: int, between: Between) -> None:
        self.features = features
        self._source = source
        self._between = between
        self.n = n
        self._seed = seed
        self.count = n if source.size is None else min(n, source.size // 2)
        known = isinstance(features, Classifier | ChannelClassifier)
        self._labels = _labels(source) if known else None
        self._classes = self._shares = None
        if self._labels is not None:
            self._classes, counts = torch.unique(self._labels, return_counts=True)
            self._shares = counts.double() / len(self._labels)

    def reading(self, images: Tensor) -> Reading:
        """Return the features of images in [0, 1]."""
        with pinned(1):
            return read(self.features, images)

    def figures(self, generated: Tensor, asked: Tensor | None = None) -> dict[str, float]:
        """Return all metrics of `generated`, [n, C, H, W] in [0, 1]; empty if there are too few images.

        Parameters
        ----------
        asked : Tensor, int64 [n], optional
            The label that each was to have.
        """
        return self.figures_of(self.reading(generated), asked)

    def figures_of(self, generated: Reading, asked: Tensor | None = None) -> dict[str, float]:
        """Return the result of :meth:`figures` for precomputed features."""
        if self.count < 2:
            return {}
        places = None if asked is None or self._classes is None else torch.searchsorted(self._classes, asked)
        with pinned(1):
            return evaluate_images(generated, self._reference, self.count, self._shares, places)

    @cached_property
    def floors(self) -> dict[str, float]:
        """The same metrics for real images instead of generated ones, with their own labels as requested labels."""
        own = None if self._labels is None or self.count < 2 else self._labels[self._stand_ins]
        return self.figures_of(self.reading(self.perfect()), own)

    @cached_property
    def _reference(self) -> Reading:
        return self.reading(self.reference())

    def reference(self) -> Tensor:
        """Return the reference images, at least one."""
        source = self._source
        if isinstance(source, FiniteSource):
            return _read(source, self._order[: max(self.count, 1)], self._between)
        return self._drawn("real", self.count)

    def perfect(self) -> Tensor:
        """Return real images instead of generated ones, first those outside the reference."""
        source = self._source
        if not isinstance(source, FiniteSource):
            return self._drawn("perfect", self.n)
        return _read(source, self._stand_ins, self._between)

    @cached_property
    def _stand_ins(self) -> Tensor:
        assert self._source.size is not None
        others = self._order[self.count : 2 * self.count]
        draw = seeded(self._seed, "perfect")
        return torch.cat((others, torch.randint(self._source.size, (self.n - self.count,), generator=draw)))

    @cached_property
    def _order(self) -> Tensor:
        assert self._source.size is not None
        return torch.randperm(self._source.size, generator=seeded(self._seed, "real halves"))

    def _drawn(self, purpose: str, n: int) -> Tensor:
        draw = seeded(self._seed, purpose)
        images: Tensor = self._between(lambda: self._source.draw(n, draw))
        return images.add(1).div(2).clamp(0, 1)

    def shares(self, generated: Reading) -> dict[int, tuple[float, float]]:
        """Return for each class its share of the generated images, as classified, and of the data.

        Raises
        ------
        DataError
            If the features do not know the data's classes.
        """
        if self._shares is None or self._classes is None:
            raise DataError(
                Message("{features} does not know the classes of this data", features=self.features.name)
            )
        both = zip(class_shares(generated).tolist(), self._shares.tolist(), strict=True)
        return dict(zip(self._classes.tolist(), both, strict=True))

    @property
    def knows_classes(self) -> bool:
        """True if the features include the data's classes."""
        return self._shares is not None


def nearest(source: Source, features: Features, images: Tensor, k: int, between: Between) -> Neighbors:
    """Return the `k` real images nearest to each of `images` [n, C, H, W] in [0, 1].

    Raises
    ------
    DataError
        If the data has no end, has fewer than `k` images, or images of another shape.
    """
    if not isinstance(source, FiniteSource) or not source.modality.on_features or not 1 <= k <= source.size:
        raise DataError(
            Message(
                "{k} nearest neighbours cannot be found in {data}; it must be images, at least {k}",
                k=k,
                data=source.name,
            )
        )
    if images.ndim != 4 or tuple(images.shape[1:]) != source.shape or not len(images):
        raise DataError(
            Message(
                "images of shape {given} cannot be looked for; pass [n, {needed}], as sample() returns them",
                given=tuple(images.shape),
                needed=", ".join(map(str, source.shape)),
            )
        )
    everything = torch.arange(source.size)
    with pinned(1):
        known = torch.cat(
            [read(features, _read(source, part, between)).features for part in torch.split(everything, 4096)]
        ).double()
        asked = read(features, images.float()).features.double()
        distances, indices = torch.cdist(asked, known, compute_mode=EXACT).topk(k, largest=False)
        some = torch.randperm(source.size, generator=seeded(0, "typical"))[:256]
        others = torch.cdist(known[some], known)
        others[torch.arange(len(some)), some] = torch.inf
        typical = float(others.amin(dim=1).median()) if source.size > 1 else float("nan")
    found = _read(source, indices.flatten(), between)
    return Neighbors(indices, distances.float(), found.reshape(*indices.shape, *source.shape), typical)


EXACT = "donot_use_mm_for_euclid_dist"
"""Distances with a relative error bound: that of a copy is 0."""
