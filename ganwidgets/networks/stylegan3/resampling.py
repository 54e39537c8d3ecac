"""Resampling with FIR filters, and the alias-free leaky ReLU, as products with small banded matrices.

Along one axis, "insert zeros, pad, filter, take every n-th" is linear. It is one banded matrix, which
multiplies none of the inserted zeros. Images are cut into tiles, so that a matrix has few columns outside its
band.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import leaky_relu

from ganwidgets.networks.stylegan3.filters import Array, Terms, separable_terms

__all__ = ["FilteredLeakyReLU", "Padding", "Resampling", "axis_matrix"]

Padding = tuple[int, int, int, int]
"""Left, right, top, bottom, in pixels of the upsampled image; negative values crop."""

NO_FILTER: Terms = separable_terms(None)

TILE = 32
"""Side of an output tile, in pixels, when no gradients are computed."""

RADIAL_TILE = 24
"""The same for filters with several terms, whose products are larger. For R at 256 pixels, 12 % faster than 32."""

TILE_WITH_GRADIENT = 128
"""Side of an output tile, in pixels, with gradients: fewer tiles, because each needs a gradient of the whole image."""


def axis_matrix(
    size: int,
    taps: tuple[float, ...],
    *,
    up: int = 1,
    down: int = 1,
    padding: tuple[int, int] = (0, 0),
    gain: float = 1.0,
    flip: bool = False,
) -> Array:
    r"""Return the matrix that resamples one axis, float64 [out, size].

    out = (size * up + padding[0] + padding[1] - len(taps)) // down + 1, and

        y[i] = gain * sum_j taps[n - 1 - (up * j + padding[0] - down * i)] x[j],

    where n = len(taps). This is a convolution; with `flip`, a correlation.

    Raises
    ------
    ValueError
        If the padded axis is shorter than the filter.
    """
    n = len(taps)
    out = (size * up + sum(padding) - n) // down + 1
    if size * up + sum(padding) < n:
        raise ValueError(f"an axis of {size} pixels is too short for a filter of {n} taps")
    kernel = np.asarray(taps if flip else taps[::-1]) * gain
    place = up * np.arange(size)[None, :] + padding[0] - down * np.arange(out)[:, None]
    inside = (place >= 0) & (place < n)
    return np.where(inside, kernel[np.clip(place, 0, n - 1)], 0.0)


def _band(matrices: list[Array]) -> tuple[int, int]:
    """Return the range of columns outside which all `matrices` are zero: first, and last plus one."""
    used = np.flatnonzero(sum(np.abs(matrix).sum(0) for matrix in matrices))
    return (int(used[0]), int(used[-1]) + 1) if used.size else (0, 1)


def _beside(matrices: list[Array]) -> Array:
    """Return [in, terms * out]: the horizontal step of all terms at once."""
    return np.concatenate([matrix.T for matrix in matrices], axis=1)


def _interleaved(matrices: list[Array]) -> Array:
    """Return [out, in * terms]: the vertical step, summed over terms, on rows ordered (row, term)."""
    stacked = np.stack(matrices, axis=2)
    return stacked.reshape(stacked.shape[0], -1)


@dataclass(frozen=True)
class Resampling:
    """A filter with its rates: insert `up` - 1 zeros, pad, filter, keep every `down`-th pixel.

    Attributes
    ----------
    terms : Terms
        The filter.
    up, down : int
        Factors for both axes.
    padding : Padding
        In pixels of the upsampled image.
    gain : float
        Factor of the result.
    flip : bool
        True for a correlation instead of a convolution.
    """

    terms: Terms = NO_FILTER
    up: int = 1
    down: int = 1
    padding: Padding = (0, 0, 0, 0)
    gain: float = 1.0
    flip: bool = False

    @property
    def identity(self) -> bool:
        """True if the result equals the input."""
        return self == Resampling()

    def matrices(self, size: int, axis: int) -> list[Array]:
        """Return the matrix of each term along `axis`: 0 is vertical, 1 horizontal."""
        padding = self.padding[2:] if axis == 0 else self.padding[:2]
        gain = self.gain if axis == 0 else 1.0
        return [
            axis_matrix(
                size, term[axis], up=self.up, down=self.down, padding=padding, gain=gain, flip=self.flip
            )
            for term in self.terms
        ]

    def __call__(self, x: Tensor) -> Tensor:
        """Return the resampled images, [N, C, h, w] from [N, C, H, W]."""
        if self.identity:
            return x
        return _resampled(x, (self,), None)


@dataclass(frozen=True)
class FilteredLeakyReLU:
    """The alias-free nonlinearity (section 3.2): upsample, leaky ReLU, clamp, downsample.

    Attributes
    ----------
    up, down : Resampling
        Resampling before and after the pointwise part.
    slope : float
        Slope of the leaky ReLU below zero.
    gain : float
        Factor of the leaky ReLU's result.
    clamp : float, optional
        Greatest magnitude after `gain`.
    """

    up: Resampling
    down: Resampling
    slope: float = 0.2
    gain: float = 2**0.5
    clamp: float | None = None

    def pointwise(self, x: Tensor) -> Tensor:
        """Return clamp(gain * leaky_relu(x))."""
        if self.slope != 1:
            x = leaky_relu(x, self.slope)
        if self.gain != 1:
            x = x * self.gain
        return x if self.clamp is None else x.clamp(-self.clamp, self.clamp)

    def __call__(self, x: Tensor) -> Tensor:
        """Return the images after the nonlinearity, [N, C, h, w] from [N, C, H, W]."""
        if self.up.identity and self.down.identity:
            return self.pointwise(x)
        return _resampled(x, (self.up, self.down), self)


@dataclass(frozen=True)
class _AxisTile:
    """One tile along one axis: begin and end of its input, length of its output, and a matrix for each step."""

    begin: int
    end: int
    out: int
    steps: tuple[Tensor, ...]


@functools.lru_cache(maxsize=512)
def _axis_tiles(
    steps: tuple[Resampling, ...], size: int, axis: int, side: int, dtype: torch.dtype, device: torch.device
) -> tuple[_AxisTile, ...]:
    """Return the tiles of one axis; each step's matrices are cut to their band."""
    whole: list[list[Array]] = []
    length = size
    for step in steps:
        whole.append(step.matrices(length, axis))
        length = whole[-1][0].shape[0]
    count = -(-length // side)
    bounds = [length * i // count for i in range(count + 1)]
    tiles = []
    for bound in itertools.pairwise(bounds):
        begin, end = bound
        out = end - begin
        matrices = []
        for terms in reversed(whole):
            rows = [matrix[begin:end] for matrix in terms]
            begin, end = _band(rows)
            cut = [row[:, begin:end] for row in rows]
            joined = _interleaved(cut) if axis == 0 else _beside(cut)
            # Created outside inference mode, because the constant is cached for later gradients.
            with torch.inference_mode(False), torch.no_grad():
                matrices.append(torch.from_numpy(np.ascontiguousarray(joined)).to(device, dtype))
        tiles.append(_AxisTile(begin, end, out, tuple(reversed(matrices))))
    return tuple(tiles)


def _resampled(x: Tensor, steps: tuple[Resampling, ...], between: FilteredLeakyReLU | None) -> Tensor:
    """Apply `steps`, with the pointwise part of `between` after the first, tile by tile."""
    radial = any(len(step.terms) > 1 for step in steps)
    side = TILE_WITH_GRADIENT if torch.is_grad_enabled() else RADIAL_TILE if radial else TILE
    rows = _axis_tiles(steps, x.shape[2], 0, side, x.dtype, x.device)
    columns = _axis_tiles(steps, x.shape[3], 1, side, x.dtype, x.device)

    def tile(row: _AxisTile, column: _AxisTile) -> Tensor:
        part = x[:, :, row.begin : row.end, column.begin : column.end]
        for index in range(len(steps)):
            part = _separable(part, row.steps[index], column.steps[index])
            if index == 0 and between is not None:
                part = between.pointwise(part)
        return part

    if len(rows) * len(columns) == 1:
        return tile(rows[0], columns[0])
    if torch.is_grad_enabled():
        strips = [torch.cat([tile(row, column) for column in columns], 3) for row in rows]
        return torch.cat(strips, 2)
    return _assembled(x, rows, columns, tile)


def _assembled(
    x: Tensor,
    rows: tuple[_AxisTile, ...],
    columns: tuple[_AxisTile, ...],
    tile: Callable[[_AxisTile, _AxisTile], Tensor],
) -> Tensor:
    """Return all tiles in one preallocated tensor, so that no pixel is stored twice."""
    result: Tensor | None = None
    top = 0
    for row in rows:
        left = 0
        for column in columns:
            part = tile(row, column)
            if result is None:
                height = sum(each.out for each in rows)
                width = sum(each.out for each in columns)
                result = x.new_empty(*part.shape[:2], height, width)
            result[:, :, top : top + row.out, left : left + column.out] = part
            left += column.out
        top += row.out
    assert result is not None  # there is at least one tile
    return result


def _separable(x: Tensor, vertical: Tensor, horizontal: Tensor) -> Tensor:
    """Return sum over terms of V_t x H_t for matrices that :func:`_interleaved` and :func:`_beside` made."""
    n, c, height, width = x.shape
    terms = vertical.shape[1] // height
    wide = x.reshape(n * c * height, width) @ horizontal
    # [rows, terms * columns] read as [rows * terms, columns]: all terms take part in one product.
    stacked = wide.view(n * c, height * terms, -1)
    result = torch.bmm(vertical.expand(n * c, -1, -1), stacked)
    return result.view(n, c, vertical.shape[0], -1)
