"""3x3 convolutions with fewer multiplications, as matrix products.

Winograd's minimal filtering F(4x4, 3x3) (Lavin and Gray, "Fast algorithms for convolutional neural networks", 2016,
section 4.2): 36 products for 16 outputs instead of 144. Every 6x6 tile of the input and every kernel are
transformed. The 36 matrix products of the results are transformed back. Relative errors are about 1e-5 of the
greatest value.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

__all__ = ["pays", "transformed", "winograd_conv2d"]

TILE, STEP = 6, 4
LEAST_CHANNELS, MOST_SIDE = 256, 48
"""Minimum number of channels and maximum side for which this is faster."""

_INPUT = torch.tensor(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ],
    dtype=torch.float64,
)
_KERNEL = torch.tensor(
    [
        [6, 0, 0],
        [-4, -4, -4],
        [-4, 4, -4],
        [1, 2, 4],
        [1, -2, 4],
        [0, 0, 24],
    ],
    dtype=torch.float64,
)
_OUTPUT = torch.tensor(
    [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]], dtype=torch.float64
)
# Transforms of both axes together.
INPUT = torch.kron(_INPUT, _INPUT).float()
KERNEL = torch.kron(_KERNEL / 24, _KERNEL / 24).float()
OUTPUT = torch.kron(_OUTPUT, _OUTPUT).float()


def pays(weight: Tensor, side: int) -> bool:
    """Return True if Winograd's convolution of images of `side` pixels with `weight` is faster on a CPU."""
    return (
        weight.shape[2:] == (3, 3)
        and weight.device.type == "cpu"
        and min(weight.shape[:2]) >= LEAST_CHANNELS
        and side <= MOST_SIDE
    )


def transformed(weight: Tensor) -> Tensor:
    """Return the transform of kernels [O, I, 3, 3], [36, O, I]."""
    out, channels = weight.shape[:2]
    return (KERNEL @ weight.permute(2, 3, 0, 1).reshape(9, -1)).view(36, out, channels)


def winograd_conv2d(x: Tensor, kernels: Tensor, padding: int) -> Tensor:
    """Return the convolution of `x` [N, I, H, W] with kernels from :func:`transformed`.

    Parameters
    ----------
    x : Tensor, float32
    kernels : Tensor
        [36, O, I].
    padding : int
        Zeros around `x`.
    """
    n, channels, height, width = x.shape
    out = [size + 2 * padding - 2 for size in (height, width)]
    rows, columns = (-(-size // STEP) for size in out)
    padded = pad(
        x,
        (
            padding,
            STEP * columns + 2 - width - padding,
            padding,
            STEP * rows + 2 - height - padding,
        ),
    )
    by_sample, by_channel, by_row, by_column = padded.stride()
    tiles = padded.as_strided(
        (TILE, TILE, channels, n, rows, columns),
        (by_row, by_column, by_channel, by_sample, STEP * by_row, STEP * by_column),
    ).reshape(36, -1)
    products = torch.bmm(kernels, (INPUT @ tiles).view(36, channels, -1))
    result = (OUTPUT @ products.view(36, -1)).view(STEP, STEP, -1, n, rows, columns)
    whole = result.permute(3, 2, 4, 0, 5, 1).reshape(n, -1, STEP * rows, STEP * columns)
    return whole[:, :, : out[0], : out[1]]
