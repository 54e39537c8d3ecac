"""Features for image metrics, by name.

An image metric depends on its features. So features have a name, and every display of a metric shows that name.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganwidgets.errors import DataError
from ganwidgets.messages import Message, N_
from ganwidgets.training_flags import in_eval_mode

__all__ = ["Features", "OwnFeatures", "Pixels", "RandomFeatures", "Reading", "read"]

READ_AT_ONCE = 128
"""Number of images per batch; a bound on memory."""

SIDE = 32
"""Maximum side, in pixels, of images for small networks; larger images are reduced."""


@dataclass(frozen=True)
class Reading:
    """Features of some images.

    Attributes
    ----------
    features : Tensor, float32 [n, F]
    probabilities : Tensor, float32 [n, K], or None
        Probability of each class, if the features include a classifier.
    """

    features: Tensor
    probabilities: Tensor | None = None

    def __len__(self) -> int:
        return len(self.features)


class Features(Protocol):
    """A feature extractor.

    Attributes
    ----------
    name : str
        Display name; translatable.
    help : str
        One sentence on its reliability; translatable.
    trend_only : bool
        True if its figures only show the trend within one run.
    live_samples : int
        Number of images for live metrics; smaller for slow extractors.
    """

    @property
    def name(self) -> str: ...
    @property
    def help(self) -> str: ...
    @property
    def trend_only(self) -> bool: ...
    @property
    def live_samples(self) -> int: ...

    def read(self, images: Tensor) -> Reading:
        """Return the features of images, float32 [n, C, H, W] in [0, 1], without gradients."""


def read(features: Features, images: Tensor) -> Reading:
    """Return `features` of any number of images [n, C, H, W], in batches."""
    parts = []
    for part in torch.split(images, READ_AT_ONCE):
        stop_at_exit()
        parts.append(features.read(part))
    known = [part.probabilities for part in parts if part.probabilities is not None]
    return Reading(
        torch.cat([part.features for part in parts]),
        torch.cat(known) if len(known) == len(parts) else None,
    )


def stop_at_exit() -> None:
    """Raise `RuntimeError` if the interpreter is exiting: a computing thread would make it abort."""
    if not threading.main_thread().is_alive():
        raise RuntimeError("the interpreter ends")


def smaller(images: Tensor) -> Tensor:
    """Return images in [-1, 1], reduced to at most 32 pixels along a side by area averaging."""
    height, width = images.shape[2:]
    if max(height, width) > SIDE:
        scale = SIDE / max(height, width)
        size = (max(1, round(height * scale)), max(1, round(width * scale)))
        images = F.adaptive_avg_pool2d(images, size)
    return images * 2 - 1


class Pixels:
    """Raw pixels, to detect copied images."""

    name = N_("pixels")
    help = N_("Two images are alike if each of their pixels is.")
    trend_only = True
    live_samples = 1000

    def read(self, images: Tensor) -> Reading:
        """Return the pixels as one row for each image."""
        return Reading(images.flatten(1))


class RandomFeatures:
    """Convolutions with fixed random weights, for images without labels.

    They respond to edges and textures at their positions, but not to content that matters to people. Their figures fall
    as a run improves, and cannot be compared with published ones.

    Parameters
    ----------
    channels : int
        Number of channels of the images.
    """

    name = N_("random features, trend only")
    help = N_(
        "A network that was never trained: it shows whether this run gets better, but its figures cannot be compared with others."
    )
    trend_only = True
    live_samples = 1000

    def __init__(self, channels: int) -> None:
        draws = torch.Generator().manual_seed(0)
        widths = (channels, 32, 64)
        self._filters = [
            torch.randn(after, before, 3, 3, generator=draws) * (2 / (9 * before)) ** 0.5
            for before, after in pairwise(widths)
        ]

    def read(self, images: Tensor) -> Reading:
        """Return the maximum and the mean response of each filter in each quarter of the image."""
        with torch.no_grad():
            seen = smaller(images)
            for filters in self._filters:
                seen = F.leaky_relu(F.conv2d(seen, filters, padding=1), 0.2)
                seen = F.avg_pool2d(seen, 2, ceil_mode=True)
            return Reading(F.adaptive_avg_pool2d(seen, 2).flatten(1))


class OwnFeatures:
    """A module of the user's own.

    Parameters
    ----------
    module : nn.Module
        Maps images, float32 [n, C, H, W] in [0, 1], to features [n, ...], or to a pair of features and logits [n, K] of
        classes. It runs in eval mode without gradients; its mode is restored afterwards.
    """

    help = N_("The features of a network of your own.")
    trend_only = False
    live_samples = 1000

    def __init__(self, module: nn.Module) -> None:
        self._module = module
        self._in_use = threading.Lock()
        self.name = Message("features of {module}", module=type(module).__name__)

    def read(self, images: Tensor) -> Reading:
        """Return the module's output.

        Raises
        ------
        DataError
            If the output is not one row of numbers for each image.
        """
        parameter = next(self._module.parameters(), torch.empty(0))
        with self._in_use, torch.no_grad(), in_eval_mode(self._module):
            found = self._module(images.to(parameter.device))
        features, logits = found if isinstance(found, tuple) and len(found) == 2 else (found, None)
        if not isinstance(features, Tensor) or features.ndim < 2 or len(features) != len(images):
            raise DataError(
                Message(
                    "the features of {n} images are {found}; the module must return a tensor [{n}, F], or a pair "
                    "of that and of logits [{n}, K]",
                    n=len(images),
                    found=f"a tensor {list(features.shape)}"
                    if isinstance(features, Tensor)
                    else f"a {type(features).__name__}",
                )
            )
        probabilities = None if logits is None else logits.softmax(dim=1).cpu().float()
        return Reading(features.flatten(1).cpu().float(), probabilities)
