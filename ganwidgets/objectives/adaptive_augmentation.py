"""Adaptive discriminator augmentation (ADA): images change with probability p, which follows D's overfitting.

Karras, Aittala, Hellsten, Laine, Lehtinen and Aila, "Training generative adversarial networks with limited data",
2020. The transforms are those of appendix B, figure 8: pixel blitting, general geometry and colour ("bgc"), the best
set of section 3. Each transform is applied to each image with probability p, so for p < 1 the distribution of
augmented images determines that of the images (section 2.2). :func:`adapted` is the feedback of section 3.1.

All random numbers are drawn on the CPU from the passed generator, and equally many for every p. So a run draws the same
numbers on every device, and a change of p affects no other number.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

__all__ = ["Control", "Transforms", "adapted", "augmented_with", "drawn_transforms"]

SHIFT = 0.125
"""Maximum integer translation, and standard deviation of the fractional one, in image sides (appendix B)."""

SCALE = 0.2
"""Standard deviation of log2 of the isotropic and of the anisotropic scale factor (appendix B)."""

BRIGHTNESS, CONTRAST, SATURATION = 0.2, 0.5, 1.0
"""Standard deviation of the brightness; of log2 of contrast and of saturation (appendix B)."""

INTERVAL = 4
"""Number of D updates between two changes of p (section 3.1)."""

EVEN = 8
"""Transforms that draw an even number: flip, quarter turn, translations right and down, two rotations, luma flip, hue."""

NORMAL = 7
"""Numbers from N(0, 1): scale, aspect, fractional translations, brightness, contrast, saturation."""

GATES = 13
"""Transforms that are applied or omitted, each by its own random number."""

SYM6 = (
    0.015404109327027373,
    0.0034907120842174702,
    -0.11799011114819057,
    -0.048311742585633,
    0.4910559419267466,
    0.787641141030194,
    0.3379294217276218,
    -0.07263752278646252,
    -0.021060292512300564,
    0.04472490177066578,
    0.0017677118642428036,
    -0.007800708325034148,
)
"""Low-pass filter of the symlet with 6 vanishing moments (Daubechies 1992, table 6.3; used in appendix B.2)."""

MARGIN = len(SYM6) // 4
"""Number of pixels beyond each side that the filter reads."""

LUMA = (1 / math.sqrt(3),) * 3
"""Axis of grey in RGB."""


class Control(NamedTuple):
    """State of the feedback, as the content of one tensor, float64 [4].

    Attributes
    ----------
    p : float
        Probability of each transform, in [0, 1].
    total : float
        Sum of sign(D(x) - threshold) over real samples x since the last change of p.
    seen : float
        Number of these samples.
    updates : float
        Updates of D since the last change of p, below :data:`INTERVAL`.
    """

    p: float = 0.0
    total: float = 0.0
    seen: float = 0.0
    updates: float = 0.0


def adapted(control: Control, signs: Tensor, target: float, samples: int) -> Control:
    """Return the state of the feedback after an update of D.

    r_t = E[sign(D(x))] over the real samples since the last change. Every 4th update, p moves by (samples since the
    last change) / `samples`: up if r_t is above `target`, down if it is below (section 3.1, equation 1). p stays in
    [0, 1].

    Parameters
    ----------
    signs : Tensor [n]
        Signs of D's logits of augmented real samples, relative to the loss's threshold.
    target : float
        Of r_t; 0.6 in the paper.
    samples : int
        Number of real samples in which p can rise from 0 to 1; 500 000 in the paper.
    """
    total = control.total + float(signs.sum())
    seen, updates = control.seen + len(signs), control.updates + 1
    if updates < INTERVAL:
        return Control(control.p, total, seen, updates)
    excess = total / seen - target
    moved = control.p + math.copysign(seen / samples, excess) if excess else control.p
    return Control(min(max(moved, 0.0), 1.0))


@dataclass(frozen=True)
class Transforms:
    """One transform of each kind for each image; tensors [n], float32 on the CPU.

    Attributes
    ----------
    flip : Tensor
        1 mirrors left and right, 0 does not.
    quarters : Tensor
        Quarter turns, 0 to 3.
    right, down : Tensor
        Translation by whole pixels, in image sides.
    scale : Tensor
        Factor of both axes.
    before, after : Tensor
        Rotations before and after the change of aspect, in radians.
    aspect : Tensor
        Factor of the width, and 1 / factor of the height.
    fraction_right, fraction_down : Tensor
        Translation by fractions of pixels, in image sides.
    brightness : Tensor
        Added to every colour.
    contrast : Tensor
        Factor of every colour.
    luma_flip : Tensor
        1 mirrors colours at the plane across the axis of grey, 0 does not.
    hue : Tensor
        Rotation about the axis of grey, in radians.
    saturation : Tensor
        Factor of the distance from the axis of grey.
    """

    flip: Tensor
    quarters: Tensor
    right: Tensor
    down: Tensor
    scale: Tensor
    before: Tensor
    aspect: Tensor
    after: Tensor
    fraction_right: Tensor
    fraction_down: Tensor
    brightness: Tensor
    contrast: Tensor
    luma_flip: Tensor
    hue: Tensor
    saturation: Tensor


def drawn_transforms(n: int, p: float, generator: torch.Generator) -> Transforms:
    """Return transforms for `n` images, each applied with probability `p`; both rotations together with `p`."""
    even = torch.rand(EVEN, n, generator=generator, dtype=torch.float32, device="cpu")
    normal = torch.randn(NORMAL, n, generator=generator, dtype=torch.float32, device="cpu")
    chance = torch.rand(GATES, n, generator=generator, dtype=torch.float32, device="cpu")
    on = (chance < p).float()
    # P(either rotation) = p, so each has 1 - sqrt(1 - p) (appendix B.1).
    turned = (chance[4:6] < 1 - math.sqrt(1 - p)).float()
    return Transforms(
        flip=on[0] * (even[0] * 2).floor(),
        quarters=on[1] * (even[1] * 4).floor(),
        right=on[2] * (even[2] * 2 - 1) * SHIFT,
        down=on[2] * (even[3] * 2 - 1) * SHIFT,
        scale=torch.exp2(on[3] * normal[0] * SCALE),
        before=turned[0] * (even[4] * 2 - 1) * math.pi,
        aspect=torch.exp2(on[6] * normal[1] * SCALE),
        after=turned[1] * (even[5] * 2 - 1) * math.pi,
        fraction_right=on[7] * normal[2] * SHIFT,
        fraction_down=on[7] * normal[3] * SHIFT,
        brightness=on[8] * normal[4] * BRIGHTNESS,
        contrast=torch.exp2(on[9] * normal[5] * CONTRAST),
        luma_flip=on[10] * (even[6] * 2).floor(),
        hue=on[11] * (even[7] * 2 - 1) * math.pi,
        saturation=torch.exp2(on[12] * normal[6] * SATURATION),
    )


def augmented_with(images: Tensor, transforms: Transforms) -> Tensor:
    """Return images [n, C, H, W], each changed by its transforms; C is 1 to 4, and C = 2 or 4 has alpha last."""
    return _recolored(_moved(images, transforms), transforms)


# --- geometry -----------------------------------------------------------------------------------


def _moved(images: Tensor, t: Transforms) -> Tensor:
    height, width = images.shape[2:]
    inverse = _inverse_motion(t, height, width)
    if torch.equal(inverse, torch.eye(3, dtype=torch.float64).expand_as(inverse)):
        return images
    left, top, right, bottom = _margins(inverse, height, width)
    images = _reflected(_reflected(images, 3, left, right), 2, top, bottom)
    inverse = _translation((left - right) / 2, (top - bottom) / 2) @ inverse
    # Resampled at twice the rate between two low-pass filters, so that turning makes no jagged edges (appendix B.2).
    images = _filtered(images, _upsampling)
    inverse = _scaling(2.0, 2.0) @ inverse @ _scaling(0.5, 0.5)
    inverse = _translation(-0.5, -0.5) @ inverse @ _translation(0.5, 0.5)
    rows, columns = (2 * (side + 2 * MARGIN) for side in (height, width))
    inverse = _scaling(2 / images.shape[3], 2 / images.shape[2]) @ inverse @ _scaling(columns / 2, rows / 2)
    theta = inverse[:, :2].to(images.device, images.dtype)
    grid = affine_grid(theta, [len(images), images.shape[1], rows, columns], align_corners=False)
    sampled = grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return _filtered(sampled, _downsampling)


def _inverse_motion(t: Transforms, height: int, width: int) -> Tensor:
    """Return the matrix from places of the new image to places of the old one, in pixels, float64 [n, 3, 3]."""
    factors = (
        _scaling(1 - 2 * t.flip, 1.0),
        _rotation(math.pi / 2 * t.quarters),
        _translation(-(t.right * width).round(), -(t.down * height).round()),
        _scaling(1 / t.scale.double(), 1 / t.scale.double()),
        _rotation(t.before),
        _scaling(1 / t.aspect.double(), t.aspect),
        _rotation(t.after),
        _translation(-t.fraction_right.double() * width, -t.fraction_down.double() * height),
    )
    found = factors[0]
    for factor in factors[1:]:
        found = found @ factor
    return found


def _margins(inverse: Tensor, height: int, width: int) -> tuple[int, int, int, int]:
    """Return how many pixels beyond each side the new images need: left, top, right, bottom."""
    x, y = (width - 1) / 2, (height - 1) / 2
    corners = torch.tensor([[-x, -y, 1], [x, -y, 1], [x, y, 1], [-x, y, 1]], dtype=torch.float64)
    seen = (inverse @ corners.T)[:, :2]
    extra = 2 * MARGIN
    most = [width - 1, height - 1]
    found = []
    for sign in (-1, 1):
        for axis, half in ((0, x), (1, y)):
            reach = float((sign * seen[:, axis]).max()) + extra - half
            # A multiple of rounding above a whole number is that number.
            found.append(math.ceil(min(max(reach - 1e-9, 0.0), most[axis])))
    return found[0], found[1], found[2], found[3]


def _reflected(images: Tensor, axis: int, before: int, after: int) -> Tensor:
    """Return images with pixels beyond both ends of an axis, mirrored at the outermost ones."""
    side = images.shape[axis]
    place = torch.arange(-before, side + after, device=images.device).abs()
    place = (side - 1) - ((side - 1) - place).abs()
    return images.index_select(axis, place)


def _filtered(images: Tensor, resampling: Callable[[int], Tensor]) -> Tensor:
    """Return images resampled along both axes by the matrices that `resampling` makes for their sides."""
    rows, columns = (resampling(side).to(images.device, images.dtype) for side in images.shape[2:])
    return rows @ images @ columns.T


@functools.lru_cache(maxsize=64)
def _upsampling(side: int) -> Tensor:
    """Return the matrix that doubles the rate of one axis: zeros inserted, then low-pass; float64 [2 side, side]."""
    taps = _taps()
    place = 2 * torch.arange(side)[None] + len(taps) // 2 - torch.arange(2 * side)[:, None]
    return 2 * _chosen(taps.flip(0), place)


@functools.lru_cache(maxsize=64)
def _downsampling(side: int) -> Tensor:
    """Return the matrix that halves the rate of one axis and crops the margin, float64 [side / 2 - 2 MARGIN, side]."""
    taps = _taps()
    place = torch.arange(side)[None] - 1 - 2 * torch.arange(side // 2 - 2 * MARGIN)[:, None]
    return _chosen(taps, place)


def _taps() -> Tensor:
    taps = torch.tensor(SYM6, dtype=torch.float64)
    return taps / taps.sum()


def _chosen(taps: Tensor, place: Tensor) -> Tensor:
    inside = (place >= 0) & (place < len(taps))
    return torch.where(inside, taps[place.clamp(0, len(taps) - 1)], 0.0)


def _matrix(rows: list[list[Tensor | float]], n: int) -> Tensor:
    entries = [
        entry.double().expand(n)
        if isinstance(entry, Tensor)
        else torch.full((n,), entry, dtype=torch.float64)
        for row in rows
        for entry in row
    ]
    return torch.stack(entries, 1).reshape(n, len(rows), len(rows[0]))


def _length(*entries: Tensor | float) -> int:
    return max((len(entry) for entry in entries if isinstance(entry, Tensor)), default=1)


def _scaling(x: Tensor | float, y: Tensor | float) -> Tensor:
    return _matrix([[x, 0.0, 0.0], [0.0, y, 0.0], [0.0, 0.0, 1.0]], _length(x, y))


def _translation(x: Tensor | float, y: Tensor | float) -> Tensor:
    return _matrix([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]], _length(x, y))


def _rotation(angle: Tensor) -> Tensor:
    cosine, sine = torch.cos(angle.double()), torch.sin(angle.double())
    return _matrix([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]], len(angle))


# --- colour -------------------------------------------------------------------------------------


def _recolored(images: Tensor, t: Transforms) -> Tensor:
    colours = 1 if images.shape[1] < 3 else 3
    matrix, offset = _colour_map(t)
    if colours == 1:  # grey: what the map makes of equal colours, on average
        matrix = matrix.sum(2, keepdim=True).mean(1, keepdim=True)
        offset = offset.mean(1, keepdim=True)
    matrix, offset = (each.to(images.device, images.dtype) for each in (matrix, offset))
    changed = (matrix @ images[:, :colours].flatten(2) + offset).reshape(
        len(images), colours, *images.shape[2:]
    )
    return torch.cat([changed, images[:, colours:]], 1) if images.shape[1] > colours else changed


def _colour_map(t: Transforms) -> tuple[Tensor, Tensor]:
    """Return the affine map of colours, float64 [n, 3, 3] and [n, 3, 1]."""
    axis = torch.tensor(LUMA, dtype=torch.float64)
    grey, same = torch.outer(axis, axis), torch.eye(3, dtype=torch.float64)
    across = torch.tensor(
        [[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]], dtype=torch.float64
    )
    contrast, flipped, hue, saturation = (
        each.double()[:, None, None] for each in (t.contrast, t.luma_flip, t.hue, t.saturation)
    )
    mirror = same - 2 * grey * flipped
    # Rodrigues' formula.
    turn = same * torch.cos(hue) + across * torch.sin(hue) + grey * (1 - torch.cos(hue))
    vivid = grey + (same - grey) * saturation
    matrix = vivid @ turn @ mirror * contrast
    brightness = t.brightness.double()[:, None, None].expand(-1, 3, 1)
    return matrix, matrix @ brightness
