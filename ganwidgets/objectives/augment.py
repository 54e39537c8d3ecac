"""DiffAugment: both networks' images are changed at random, on their way into the discriminator.

Zhao, Liu, Lin, Zhu and Han, "Differentiable augmentation for data-efficient GAN training", 2020,
section 3: real and generated images alike go through a random change T before D sees them, in D's
update and, differentiably, in G's. So D cannot learn its few real images by heart, and G does not
learn to make changed images, because D never sees any others.

Each image is changed by numbers of its own. All of them are drawn on the CPU from the generator that
is passed, so that a run draws the same ones on every device.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor

__all__ = ["AUGMENTATIONS", "augmented", "cutout", "recolored", "translated"]

SHIFT = 1 / 8
"""How far an image is moved at most, as a share of its side."""
HOLE = 1 / 2
"""The side of the square that is cut out, as a share of the image's."""


def recolored(images: Tensor, generator: torch.Generator) -> Tensor:
    """Return images of another brightness, saturation and contrast; float [n, C, H, W] in [-1, 1].

    With u, v, w even between 0 and 1 for each image: u - 1/2 is added; the distance from the mean over
    the channels becomes 2 v times, and that from the mean over the whole image w + 1/2 times what it was.
    (With a single channel there is no saturation to change.) Numbers may leave [-1, 1].
    """
    brightness, saturation, contrast = _even((3, len(images), 1, 1, 1), images, generator)
    images = images + (brightness - 0.5)
    grey = images.mean(dim=1, keepdim=True)
    images = torch.lerp(grey, images, saturation * 2)
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return torch.lerp(mean, images, contrast + 0.5)


def translated(images: Tensor, generator: torch.Generator) -> Tensor:
    """Return images [n, C, H, W] moved by up to an eighth of their sides, zeros moving in."""
    rows = _moved(images, 2, generator)
    columns = _moved(images, 3, generator)
    each = torch.arange(len(images), device=images.device)[:, None, None]
    padded = torch.nn.functional.pad(images, (1, 1, 1, 1))
    # Indexed with the channels last, which is how the indices' own dimensions come to stand together.
    moved: Tensor = padded.permute(0, 2, 3, 1)[each, rows[:, :, None], columns[:, None, :]]
    return moved.permute(0, 3, 1, 2).contiguous()


def _moved(images: Tensor, dim: int, generator: torch.Generator) -> Tensor:
    """Return for each image which row (or column) of the padded one comes where, int64 [n, side]."""
    side = images.shape[dim]
    reach = int(side * SHIFT + 0.5)
    shift = torch.randint(-reach, reach + 1, (len(images), 1), generator=generator, device="cpu")
    return (torch.arange(side) + 1 + shift).clamp_(0, side + 1).to(images.device)


def cutout(images: Tensor, generator: torch.Generator) -> Tensor:
    """Return images [n, C, H, W] with a square of half their sides set to zero, its centre anywhere."""
    rows, columns = _within(images, 2, generator), _within(images, 3, generator)
    hole = rows[:, None, :, None] & columns[:, None, None, :]
    return images * ~hole


def _within(images: Tensor, dim: int, generator: torch.Generator) -> Tensor:
    """Return for each image which rows (or columns) the square covers, bool [n, side]."""
    side = images.shape[dim]
    length = int(side * HOLE + 0.5)
    centre = torch.randint(0, side + 1 - length % 2, (len(images), 1), generator=generator, device="cpu")
    offset = torch.arange(side) - (centre - length // 2)
    return ((offset >= 0) & (offset < length)).to(images.device)


def _even(shape: tuple[int, ...], like: Tensor, generator: torch.Generator) -> Tensor:
    drawn = torch.rand(shape, generator=generator, dtype=torch.float32, device="cpu")
    return drawn.to(like.device, like.dtype)


AUGMENTATIONS: Mapping[str, tuple[Callable[[Tensor, torch.Generator], Tensor], ...]] = MappingProxyType(
    {
        "none": (),
        "translation": (translated,),
        "cutout": (cutout,),
        "color": (recolored,),
        "all": (recolored, translated, cutout),
    }
)
"""What is done to each image, in this order, by the name in the setting ``augment``."""


def augmented(kind: str, images: Tensor, generator: torch.Generator) -> Tensor:
    """Return `images` [n, C, H, W], each changed as the value `kind` of the setting ``augment`` says."""
    for change in AUGMENTATIONS[kind]:
        images = change(images, generator)
    return images
