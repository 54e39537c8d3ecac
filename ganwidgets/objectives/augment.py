"""DiffAugment: images are changed at random on their way into the discriminator, real and generated ones alike.

Zhao, Liu, Lin, Zhu and Han, "Differentiable augmentation for data-efficient GAN training", 2020,
section 3: both go through a random change T before D, in D's update and, differentiably, in G's. So D
cannot memorize its few real images, and G does not learn to make changed images.

Each image is changed by numbers of its own. All of them are drawn on the CPU from the generator that
is passed, so that a run draws the same ones on every device. They are drawn before any image is changed, so one
draw can change several resolutions of an image alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor

__all__ = ["AUGMENTATIONS", "augmented", "drawn_change"]

SHIFT = 1 / 8
"""Greatest translation, as a share of the image's side."""
HOLE = 1 / 2
"""Side of the cut-out square, as a share of the image's."""

Change = Callable[[Tensor], Tensor]
"""From images [n, C, H, W] to images of the same shape and dtype."""

Draw = Callable[[int, int, int, torch.Generator], Change]
"""``draw(n, height, width, generator)`` draws a change for each of `n` images."""


def _recoloring(n: int, _height: int, _width: int, generator: torch.Generator) -> Change:
    """Draw another brightness, saturation and contrast for each image; float images in [-1, 1].

    With u, v, w uniform in [0, 1]: u - 1/2 is added; the distance from the mean over the channels is multiplied
    by 2 v, and that from the mean over the whole image by w + 1/2. (A single channel has no saturation to
    change.) Results may leave [-1, 1].
    """
    drawn = torch.rand((3, n, 1, 1, 1), generator=generator, dtype=torch.float32, device="cpu")

    def change(images: Tensor) -> Tensor:
        brightness, saturation, contrast = drawn.to(images.device, images.dtype)
        images = images + (brightness - 0.5)
        grey = images.mean(dim=1, keepdim=True)
        images = torch.lerp(grey, images, saturation * 2)
        mean = images.mean(dim=(1, 2, 3), keepdim=True)
        return torch.lerp(mean, images, contrast + 0.5)

    return change


def _translation(n: int, height: int, width: int, generator: torch.Generator) -> Change:
    """Draw a translation by up to an eighth of the sides for each image; zeros move in."""
    rows, columns = (_moved_places(n, side, generator) for side in (height, width))

    def change(images: Tensor) -> Tensor:
        down, right = rows.to(images.device), columns.to(images.device)
        each = torch.arange(n, device=images.device)[:, None, None]
        padded = torch.nn.functional.pad(images, (1, 1, 1, 1))
        # With the channels last, the dimensions of the three indices are adjacent.
        moved: Tensor = padded.permute(0, 2, 3, 1)[each, down[:, :, None], right[:, None, :]]
        return moved.permute(0, 3, 1, 2).contiguous()

    return change


def _moved_places(n: int, side: int, generator: torch.Generator) -> Tensor:
    """Return for each image and row (or column) which one of the padded image moves there, int64 [n, side]."""
    reach = int(side * SHIFT + 0.5)
    shift = torch.randint(-reach, reach + 1, (n, 1), generator=generator, device="cpu")
    return (torch.arange(side) + 1 + shift).clamp_(0, side + 1)


def _cutout(n: int, height: int, width: int, generator: torch.Generator) -> Change:
    """Draw a square of half the sides for each image, its centre anywhere, and set it to zero."""
    rows, columns = (_covered_places(n, side, generator) for side in (height, width))
    hole = rows[:, None, :, None] & columns[:, None, None, :]
    return lambda images: images * ~hole.to(images.device)


def _covered_places(n: int, side: int, generator: torch.Generator) -> Tensor:
    """Return for each image which rows (or columns) the square covers, bool [n, side]."""
    length = int(side * HOLE + 0.5)
    centre = torch.randint(0, side + 1 - length % 2, (n, 1), generator=generator, device="cpu")
    offset = torch.arange(side) - (centre - length // 2)
    return (offset >= 0) & (offset < length)


AUGMENTATIONS: Mapping[str, tuple[Draw, ...]] = MappingProxyType(
    {
        "none": (),
        "translation": (_translation,),
        "cutout": (_cutout,),
        "color": (_recoloring,),
        "all": (_recoloring, _translation, _cutout),
    }
)
"""Changes of each image, in order, by name in the setting ``augment``."""


def drawn_change(kind: str, n: int, height: int, width: int, generator: torch.Generator) -> Change:
    """Draw the changes that the value `kind` of the setting ``augment`` makes to `n` images [C, height, width]."""
    changes = [draw(n, height, width, generator) for draw in AUGMENTATIONS[kind]]

    def change(images: Tensor) -> Tensor:
        for each in changes:
            images = each(images)
        return images

    return change


def augmented(kind: str, images: Tensor, generator: torch.Generator) -> Tensor:
    """Return `images` [n, C, H, W], each changed as the value `kind` of the setting ``augment`` says."""
    n, _, height, width = images.shape
    return drawn_change(kind, n, height, width, generator)(images)
