"""Image presets."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ganwidgets.data.arrays import ArraySource, in_memory
from ganwidgets.data.images.scaling import AS_IS, OF_BYTES
from ganwidgets.data.modalities import IMAGES
from ganwidgets.errors import DataError
from ganwidgets.messages import Message, N_
from ganwidgets.seeds import seeded

__all__ = ["IMAGE_PRESETS", "ImagePreset", "data_folder", "load_images"]


@dataclass(frozen=True, eq=False)
class ImagePreset:
    """An image preset.

    Attributes
    ----------
    label : str
        Menu text; translatable.
    help : str
        One sentence for students; translatable.
    read : callable
        Takes the preset's name; returns its images, uint8 [N, C, H, W] or float32 in [-1, 1], and its
        labels, int64 [N].
    """

    label: str
    help: str
    read: Callable[[str], tuple[Tensor, Tensor]]


def load_images(name: str) -> ArraySource:
    """Return the source of one of :data:`IMAGE_PRESETS`: its training images.

    Raises
    ------
    DataError
        If torchvision does not work, or if the images are neither cached nor downloadable.
    """
    images, labels = IMAGE_PRESETS[name].read(name)
    units = OF_BYTES if images.dtype == torch.uint8 else AS_IS
    return in_memory(images, IMAGES.name, units, name=name, preset=name, labels=labels)


def data_folder() -> Path:
    """Return the folder for downloaded sets: ``GANWIDGETS_DATA``, or ``~/.cache/ganwidgets``."""
    chosen = os.environ.get("GANWIDGETS_DATA")
    return Path(chosen).expanduser() if chosen else Path.home() / ".cache" / "ganwidgets"


def _digits(_name: str) -> tuple[Tensor, Tensor]:
    from sklearn.datasets import load_digits

    found = load_digits()
    images = torch.from_numpy((found.images / 8 - 1).astype(np.float32))  # stored as 0 to 16
    return images.unsqueeze(1), torch.from_numpy(found.target.astype(np.int64))


def _enlarged_digits(side: int, _name: str) -> tuple[Tensor, Tensor]:
    """Return the digits at `side` pixels a side, by bicubic interpolation."""
    images, labels = _digits("digits")
    return interpolate(images, size=(side, side), mode="bicubic").clamp(-1, 1), labels


PER_MODE = 30
"""Number of stacked digits for each of the thousand classes."""


def _stacked_digits(_name: str) -> tuple[Tensor, Tensor]:
    """Return RGB images with a digit in each channel; the label is the three-digit number.

    This follows stacked MNIST (Metz et al., "Unrolled generative adversarial networks", 2017, section 3.3.1). Here the
    numbers 000 to 999 are equally frequent, and order and digits are the same on every machine.
    """
    digits, classes = _digits("digits")
    draw = seeded(0, "stacked digits")
    numbers = torch.arange(1000).repeat(PER_MODE)[torch.randperm(1000 * PER_MODE, generator=draw)]
    channels = []
    for place in (100, 10, 1):
        wanted = numbers // place % 10
        chosen = torch.empty_like(numbers)
        for label in range(10):
            here = wanted == label
            candidates = torch.nonzero(classes == label).flatten()
            picked = torch.randint(len(candidates), (int(here.sum()),), generator=draw)
            chosen[here] = candidates[picked]
        channels.append(digits[chosen])
    return torch.cat(channels, dim=1), numbers


def _from_torchvision(loader: str, name: str) -> tuple[Tensor, Tensor]:
    """Return the content of a `torchvision.datasets` class, downloaded if necessary."""
    try:
        from torchvision import datasets
    except Exception as error:  # mismatched versions raise RuntimeError
        raise DataError(
            Message(
                "{name} needs torchvision, which does not work with torch {version} ({error}); install both "
                "together, as by pip install --upgrade torch torchvision",
                name=name,
                version=torch.__version__,
                error=str(error),
            )
        ) from error
    kind = getattr(datasets, loader)
    folder = data_folder()
    try:
        found = kind(folder, train=True, download=False)
    except Exception:  # noqa: BLE001 - absent or damaged, in as many ways as there are formats
        found = _downloaded(kind, folder, name)
    images = torch.as_tensor(found.data)
    images = images.unsqueeze(1) if images.ndim == 3 else images.permute(0, 3, 1, 2)
    return images.contiguous(), torch.as_tensor(found.targets, dtype=torch.int64)


def _downloaded(kind: Any, folder: Path, name: str) -> Any:
    """Return an instance of `kind`, with its files downloaded if any is missing."""
    try:
        return kind(folder, train=True, download=True)
    except Exception as error:  # no network, no space, damaged files, a server's refusal
        tried = getattr(kind, "mirrors", None) or [kind.url]
        raise DataError(
            Message(
                "{name} could neither be read from {folder} nor downloaded from {tried} ({error}); connect to "
                "the network, delete damaged files there, or set GANWIDGETS_DATA to a folder that has {name}",
                name=name,
                folder=str(folder),
                tried=", ".join(tried),
                error=(str(error).splitlines() or [type(error).__name__])[-1],
            )
        ) from error


IMAGE_PRESETS: Mapping[str, ImagePreset] = MappingProxyType(
    {
        "digits": ImagePreset(
            label=N_("Digits, 8x8"),
            help=N_("1,797 small handwritten digits that come with scikit-learn, without a download."),
            read=_digits,
        ),
        "digits_16": ImagePreset(
            label=N_("Digits, 16x16"),
            help=N_("The digits of scikit-learn, enlarged smoothly to 16 pixels a side."),
            read=partial(_enlarged_digits, 16),
        ),
        "digits_32": ImagePreset(
            label=N_("Digits, 32x32"),
            help=N_("The digits of scikit-learn, enlarged smoothly to 32 pixels a side."),
            read=partial(_enlarged_digits, 32),
        ),
        "stacked_digits": ImagePreset(
            label=N_("Stacked digits, 8x8"),
            help=N_(
                "Three digits as red, green and blue of one picture: a thousand kinds, which show whether a generator leaves any out."
            ),
            read=_stacked_digits,
        ),
        "mnist": ImagePreset(
            label=N_("MNIST, 28x28"),
            help=N_("60,000 handwritten digits; about 12 MB are downloaded the first time."),
            read=partial(_from_torchvision, "MNIST"),
        ),
        "fashion_mnist": ImagePreset(
            label=N_("Fashion-MNIST, 28x28"),
            help=N_("60,000 pictures of clothes; about 30 MB are downloaded the first time."),
            read=partial(_from_torchvision, "FashionMNIST"),
        ),
        "cifar10": ImagePreset(
            label=N_("CIFAR-10, 32x32"),
            help=N_("50,000 small photographs of ten things; about 170 MB are downloaded the first time."),
            read=partial(_from_torchvision, "CIFAR10"),
        ),
    }
)
"""Image presets by name, in menu order."""
