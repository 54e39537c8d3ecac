"""Low-pass filters of the alias-free generator (Karras et al. 2021, section 3.1 and appendix C)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

__all__ = ["Array", "Terms", "kaiser_lowpass", "radial_lowpass", "separable_terms"]

Array = np.ndarray[Any, np.dtype[np.float64]]

Terms = tuple[tuple[tuple[float, ...], tuple[float, ...]], ...]
"""A two-dimensional filter as a sum of separable ones: (vertical taps, horizontal taps) of each."""

NEGLIGIBLE = 1e-7
"""Relative singular values below this change an image by less than float32 rounding, and are dropped."""


def kaiser_window(taps: int, width: float, rate: float) -> Array:
    """Return the Kaiser window of a filter whose transition band is `width` wide, float64 [taps].

    Kaiser's empirical formula (1974) gives beta from the attenuation A = 2.285 (taps - 1) pi width / (rate/2)
    + 7.95.
    """
    attenuation = 2.285 * (taps - 1) * math.pi * width / (rate / 2) + 7.95
    if attenuation > 50:
        beta = 0.1102 * (attenuation - 8.7)
    elif attenuation > 21:
        beta = 0.5842 * (attenuation - 21) ** 0.4 + 0.07886 * (attenuation - 21)
    else:
        beta = 0.0
    return np.kaiser(taps, beta).astype(np.float64)


def kaiser_lowpass(taps: int, cutoff: float, width: float, rate: float) -> Array:
    """Return a windowed sinc filter with sum 1, float64 [taps].

    Parameters
    ----------
    taps : int
        Length of the filter.
    cutoff, width, rate : float
        Cut-off frequency, width of the transition band and sampling rate, in the same unit.
    """
    time = np.arange(taps) - (taps - 1) / 2
    response = np.sinc(2 * cutoff / rate * time) * kaiser_window(taps, width, rate)
    return np.asarray(response / response.sum(), np.float64)


def radial_lowpass(taps: int, cutoff: float, width: float, rate: float) -> Array:
    """Return a rotationally symmetric filter with sum 1, float64 [taps, taps].

    The ideal circular low-pass filter is the jinc, J1(2 pi cutoff r) / r. Its window is the outer
    product of two Kaiser windows (appendix C of the paper).
    """
    time = (np.arange(taps) - (taps - 1) / 2) / rate
    radius = np.hypot(*np.meshgrid(time, time))
    # At r = 0 the limit of J1(2 pi f r) / (pi r) is f. An even number of taps has no sample there.
    at_origin = radius == 0
    safe = np.where(at_origin, 1.0, radius)
    bessel = torch.special.bessel_j1(torch.from_numpy(2 * cutoff * math.pi * safe)).numpy()
    response = np.where(at_origin, cutoff, bessel / (math.pi * safe))
    window = kaiser_window(taps, width, rate)
    response = response * np.outer(window, window)
    return np.asarray(response / response.sum(), np.float64)


def separable_terms(taps: Array | None) -> Terms:
    """Return `taps` as a sum of separable filters.

    Parameters
    ----------
    taps : ndarray, optional
        Float64 [n] for a filter applied along both axes, [h, w] for any other; None for the identity.

    Returns
    -------
    Terms
        From the singular value decomposition, without values below 1e-7 of the largest. A radial
        filter of 12 by 12 taps has three or four terms.
    """
    if taps is None:
        return (((1.0,), (1.0,)),)
    if taps.ndim == 1:
        same = tuple(float(tap) for tap in taps)
        return ((same, same),)
    left, values, right = np.linalg.svd(taps)
    kept = int(np.sum(values > NEGLIGIBLE * values[0]))
    return tuple(
        (
            tuple(float(tap) for tap in left[:, i] * values[i]),
            tuple(float(tap) for tap in right[i]),
        )
        for i in range(kept)
    )
