"""Rotation equivariance of a generator (Karras et al. 2021, section 2 and appendix E.3).

A rotated image and an image of rotated features have different pass bands at their corners. So both are filtered with
the product of two square pass bands, one of them rotated, before they are compared.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, conv2d, grid_sample, pad

__all__ = ["band_limited", "rotated", "rotation_error", "rotation_matrix"]

LOBES = 3
"""Number of lobes of each Lanczos window."""

REACH = 2 * LOBES
"""Extent of the product of both windows, in pixels on each side."""

ROOM = 64
"""Padding of the convolution, in pixels on each side, so that the filter tails do not wrap around."""

RATE = 4
"""Samples of the filter for each pixel of the rotated image."""


def rotation_matrix(angle: float) -> Tensor:
    """Return the rotation by `angle` radians, counterclockwise on the screen (y points down), float32 [3, 3]."""
    cosine, sine = math.cos(angle), math.sin(angle)
    return torch.tensor([[cosine, sine, 0.0], [-sine, cosine, 0.0], [0.0, 0.0, 1.0]])


def _window(x: Tensor) -> Tensor:
    """Return the Lanczos window sinc(x / 3) within 3 pixels, 0 outside."""
    x = x.abs() / LOBES
    return torch.where(x < 1, torch.sinc(x), torch.zeros_like(x))


def _pass_band(matrix: Tensor, rate: int) -> Tensor:
    """Return the filter of both square pass bands, float32 [n, n] with n = 2 REACH rate - 1.

    It is the convolution of two sincs times the convolution of two Lanczos windows; one of each pair is rotated.
    Its samples at each fraction of a pixel sum to 1 / rate^2.
    """
    n = ROOM * rate
    # Centred at index 0 of a cyclic plane, as the Fourier transform takes it.
    places = ((torch.arange(2 * n - 1) + 1) / rate - ROOM).roll(1 - n)
    y, x = torch.meshgrid(places, places, indexing="ij")
    turned_x = matrix[0, 0] * x + matrix[0, 1] * y
    turned_y = matrix[1, 0] * x + matrix[1, 1] * y

    def convolved(shape: Callable[[Tensor], Tensor]) -> Tensor:
        one, other = shape(x) * shape(y), shape(turned_x) * shape(turned_y)
        product: Tensor = torch.fft.ifft2(torch.fft.fft2(one) * torch.fft.fft2(other)).real
        return product

    kernel = convolved(torch.sinc) * convolved(_window)
    outside = (ROOM - REACH) * rate
    kernel = kernel.roll((n - 1, n - 1), (0, 1))[outside:-outside, outside:-outside]
    size = 2 * REACH
    by_phase = pad(kernel, (0, 1, 0, 1)).reshape(size, rate, size, rate)
    by_phase = by_phase / by_phase.sum((0, 2), keepdim=True) / rate**2
    return by_phase.reshape(size * rate, size * rate)[:-1, :-1]


def _filtered(images: Tensor, kernel: Tensor) -> Tensor:
    """Return the convolution of every channel with `kernel`, without padding."""
    flat = images.flatten(0, 1).unsqueeze(1)
    found = conv2d(flat, kernel.flip((0, 1))[None, None].to(images))
    return found.view(*images.shape[:2], *found.shape[2:])


def rotated(images: Tensor, angle: float) -> tuple[Tensor, Tensor]:
    """Return images rotated by `angle` radians about their centre, and a mask of the known pixels.

    Parameters
    ----------
    images : Tensor
        [N, C, H, W].
    angle : float
        Counterclockwise.

    Returns
    -------
    tuple of Tensor
        Both [N, C, H, W].
    """
    height, width = images.shape[2:]
    matrix = rotation_matrix(angle)
    kernel = _pass_band(matrix, RATE)
    reach = len(kernel) // 2
    zeros = images.new_zeros(*images.shape[:2], height, RATE, width, RATE)
    zeros[:, :, :, 0, :, 0] = images
    fine = zeros.view(*images.shape[:2], height * RATE, width * RATE)
    # Twice the filter's reach, moved by half a pixel: each pixel precedes its zeros.
    low, high = 2 * reach + RATE // 2, 2 * reach - RATE // 2
    fine = _filtered(pad(fine, (low, high, low, high)), kernel) * RATE**2
    inverse = torch.linalg.inv(matrix)
    inverse[0, 2] += 1 / RATE / width
    inverse[1, 2] += 1 / RATE / height
    inverse[0] *= width / (width + 2 * reach / RATE)
    inverse[1] *= height / (height + 2 * reach / RATE)
    grid = affine_grid(
        inverse[None, :2].to(images).expand(len(images), -1, -1), list(images.shape), align_corners=False
    )
    turned = grid_sample(fine, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    known = torch.zeros_like(fine)
    border = 2 * reach + 1
    known[:, :, border:-border, border:-border] = 1
    mask = grid_sample(known, grid, mode="nearest", padding_mode="zeros", align_corners=False)
    return turned, mask


def band_limited(images: Tensor, angle: float) -> tuple[Tensor, Tensor]:
    """Return images with the filter that :func:`rotated` applies, but without rotation, and a mask."""
    kernel = _pass_band(rotation_matrix(-angle), 1)
    reach = len(kernel) // 2
    found = _filtered(pad(images, (reach, reach, reach, reach)), kernel)
    mask = torch.zeros_like(images)
    mask[:, :, reach:-reach, reach:-reach] = 1
    return found, mask


def rotation_error(
    synthesis: Callable[[], Tensor], transform: Tensor, angles: list[float]
) -> tuple[float, float]:
    """Return the sum of squared errors of rotated images, and the number of compared values.

    Parameters
    ----------
    synthesis : callable
        Returns images [N, C, H, W] under the current `transform`.
    transform : Tensor
        [3, 3], the buffer of the synthesis input. It is restored.
    angles : list of float
        In radians.
    """
    before = transform.clone()
    error = pixels = 0.0
    try:
        with torch.no_grad():
            transform.copy_(torch.eye(3))
            images = synthesis()
            for angle in angles:
                transform.copy_(rotation_matrix(-angle))
                expected, known = rotated(images, angle)
                found, also_known = band_limited(synthesis(), angle)
                mask = known * also_known
                error += float(((found - expected).double().square() * mask).sum())
                pixels += float(mask.double().sum())
    finally:
        with torch.no_grad():
            transform.copy_(before)
    return error, pixels
