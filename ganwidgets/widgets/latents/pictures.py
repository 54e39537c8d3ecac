"""Conversion of tensors to the pictures of a latent explorer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ganwidgets.latents.spectra import log_spectrum
from ganwidgets.messages import Catalog, N_
from ganwidgets.rendering.pictures.image_grid import as_png, levels

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["activations", "enlarged", "map_png", "picture", "png_of", "spectrum", "spectrum_png"]

DECIBELS = 100.0
"""Range of a spectrum's grey levels, in dB."""

BRIGHT = 2.5
"""Distance of black and white from the mean of a map, in standard deviations."""


def png_of(image: Tensor) -> bytes:
    """Return an image [C, H, W] in [-1, 1] as a PNG."""
    grid: np.ndarray = levels(((image.detach().float() + 1) / 2)[None].numpy())[0]
    return as_png(grid)


def map_png(maps: Tensor, channel: int | None) -> bytes:
    """Return one of maps [C, H, W] as a PNG, or by default the first three as colours, each with its own range."""
    n = len(maps)
    chosen = maps[[channel % n] * 3] if channel is not None else maps[[i % n for i in range(3)]]
    centred = chosen - chosen.mean((1, 2), keepdim=True)
    scale = centred.square().mean((1, 2), keepdim=True).sqrt().clamp(min=1e-8) * BRIGHT
    return png_of((centred / scale).clamp(-1, 1))


def spectrum_png(spectrum: Tensor) -> bytes:
    """Return a spectrum in dB, [H, W], as a PNG: white is its maximum, black 100 dB below."""
    relative = torch.clamp(1 + (spectrum - spectrum.max()) / DECIBELS, 0, 1)
    return png_of((relative * 2 - 1).expand(3, -1, -1))


def picture(png: bytes, caption: str, alt: str, *, coarse: bool = False) -> dict[str, Any]:
    """Return a picture in the form that :class:`~ganwidgets.widgets.latents.view.LatentView` takes."""
    return {"png": png, "caption": caption, "alt": alt, "coarse": coarse}


def activations(maps: Tensor, layer: str, channel: int | None, catalog: Catalog) -> dict[str, Any]:
    """Return the picture of a layer's activations [C, H, W], with their size, mean and standard deviation."""
    size = f"{len(maps)} x {maps.shape[1]} x {maps.shape[2]}"
    caption = f"{layer}: {size}, {float(maps.mean()):.3g} ± {float(maps.std()):.3g}"
    return picture(map_png(maps, channel), caption, catalog(N_("Activations")))


def spectrum(maps: Tensor, catalog: Catalog) -> dict[str, Any]:
    """Return the picture of the mean power spectrum of maps [C, H, W]."""
    png = spectrum_png(log_spectrum(maps))
    return picture(png, catalog(N_("power spectrum, 100 dB")), catalog(N_("Power spectrum")))


def enlarged(image: Tensor, least: int = 128) -> Image:
    """Return an image [C, H, W] in [-1, 1] in RGB, with sides of at least `least` pixels, by repeating pixels."""
    from PIL import Image

    shown = Image.fromarray(levels(((image + 1) / 2)[None].numpy())[0])
    factor = -(-least // min(shown.size))
    size = shown.width * factor, shown.height * factor
    return shown.resize(size, Image.Resampling.NEAREST).convert("RGB")
