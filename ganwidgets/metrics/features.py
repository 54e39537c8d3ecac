"""What figures of images are measured on: each image as a list of numbers, by something with a name.

No figure of an image means anything without the features it was measured on. So features say what
they are called, and whoever shows a figure shows that name beside it.
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
"""Images that are read together; a bound on memory."""

SIDE = 32
"""Larger images are made smaller, to at most this many pixels along a side, before small networks read them."""


@dataclass(frozen=True)
class Reading:
    """Images as features see them.

    Attributes
    ----------
    features : Tensor, float32 [n, F]
    probabilities : Tensor, float32 [n, K], or None
        Of each class, where the features know classes.
    """

    features: Tensor
    probabilities: Tensor | None = None

    def __len__(self) -> int:
        return len(self.features)


class Features(Protocol):
    """What reads images.

    Attributes
    ----------
    name : str
        What people call it; to be translated.
    help : str
        One sentence on what it is worth; to be translated.
    trend_only : bool
        Whether its figures say no more than whether one run gets better.
    live_samples : int
        Images that may be read each time while somebody watches; fewer where reading is slow.
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
        """Return what it sees of images, float32 [n, C, H, W] in [0, 1]; keeps no gradients."""


def read(features: Features, images: Tensor) -> Reading:
    """Return what `features` see of any number of images [n, C, H, W], a few at a time."""
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
    """Raise `RuntimeError` where the interpreter ends: a thread that computes on would make it abort."""
    if not threading.main_thread().is_alive():
        raise RuntimeError("the interpreter ends")


def smaller(images: Tensor) -> Tensor:
    """Return images in [-1, 1], with at most 32 pixels along a side: means over what each pixel covers."""
    height, width = images.shape[2:]
    if max(height, width) > SIDE:
        scale = SIDE / max(height, width)
        size = (max(1, round(height * scale)), max(1, round(width * scale)))
        images = F.adaptive_avg_pool2d(images, size)
    return images * 2 - 1


class Pixels:
    """The pixels themselves, to find out whether an image was copied."""

    name = N_("pixels")
    help = N_("Two images are alike if each of their pixels is.")
    trend_only = True
    live_samples = 1000

    def read(self, images: Tensor) -> Reading:
        """Return them, in one row."""
        return Reading(images.flatten(1))


class RandomFeatures:
    """Convolutions with weights that were drawn once and never trained, for images without labels.

    They see edges, textures and where these are, as any convolution does, but nothing of what matters to
    people: their figures fall while a run gets better, and cannot be compared with anybody else's.

    Parameters
    ----------
    channels : int
        Of the images.
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
        """Return the strongest and the mean response of each filter in the quarters of the image."""
        with torch.no_grad():
            seen = smaller(images)
            for filters in self._filters:
                seen = F.leaky_relu(F.conv2d(seen, filters, padding=1), 0.2)
                seen = F.avg_pool2d(seen, 2, ceil_mode=True)
            return Reading(F.adaptive_avg_pool2d(seen, 2).flatten(1))


class OwnFeatures:
    """A module of the user's.

    Parameters
    ----------
    module : nn.Module
        Makes of images, float32 [n, C, H, W] in [0, 1], their features [n, ...], or a pair: those, and
        logits [n, K] of classes. It computes in eval mode without gradients, and is then as it was.
    """

    help = N_("The features of a network of your own.")
    trend_only = False
    live_samples = 1000

    def __init__(self, module: nn.Module) -> None:
        self._module = module
        self._in_use = threading.Lock()
        self.name = Message("features of {module}", module=type(module).__name__)

    def read(self, images: Tensor) -> Reading:
        """Return what the module does.

        Raises
        ------
        DataError
            If that is not one row of numbers for each image.
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
