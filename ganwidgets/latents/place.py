"""A place in the latent space, and its styles."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ganwidgets.networks.stylegan3.generator import mix_styles
from ganwidgets.networks.stylegan3.layers import MappingNetwork

__all__ = ["Place", "principal_directions", "styles_at", "w_of_seed"]

ROW = 100
"""Number of seeds in a row of the plane: the seed at integers (x, y) is x + 100 y."""


@dataclass(frozen=True)
class Place:
    """All parameters of an image.

    Attributes
    ----------
    x, y : float
        Position in the plane of seeds; between integers, w is a bilinear interpolation of four seeds.
    truncation_psi : float
        psi in w_avg + psi (w - w_avg).
    truncation_cutoff : int or None
        Number of truncated styles, from the coarsest; None for all.
    mix_seed : int
        Seed of the mixed-in styles.
    mixed : tuple of int
        Indices of the ws taken from `mix_seed`.
    tx, ty : float
        Translation of the input, in image sides to the right and down.
    rotation : float
        Rotation of the input, in degrees counterclockwise.
    directions : tuple of float
        Distances along the principal directions of w, in standard deviations.
    label : int
        Class, for a conditional network.
    """

    x: float = 0.0
    y: float = 0.0
    truncation_psi: float = 0.7
    truncation_cutoff: int | None = None
    mix_seed: int = 1
    mixed: tuple[int, ...] = ()
    tx: float = 0.0
    ty: float = 0.0
    rotation: float = 0.0
    directions: tuple[float, ...] = ()
    label: int = 0


def w_of_seed(mapping: MappingNetwork, seed: int, label: int = 0) -> Tensor:
    """Return w of a seed, [1, w_dim]."""
    z = torch.randn(1, mapping.z_dim, generator=torch.Generator().manual_seed(seed % 2**63))
    return mapping.mapped(z, _label(mapping, label, 1))


def _label(mapping: MappingNetwork, label: int, n: int) -> Tensor | None:
    if not mapping.c_dim:
        return None
    return torch.nn.functional.one_hot(torch.full((n,), label % mapping.c_dim), mapping.c_dim).float()


@torch.no_grad()
def styles_at(mapping: MappingNetwork, place: Place, directions: Tensor | None = None) -> Tensor:
    """Return ws [1, num_ws, w_dim] of `place`: interpolated, moved along `directions`, truncated, then mixed.

    Parameters
    ----------
    directions : Tensor, optional
        [n, w_dim], from :func:`principal_directions`.
    """
    column, row = math.floor(place.x), math.floor(place.y)
    right, down = place.x - column, place.y - row
    w = torch.zeros(1, mapping.w_dim)
    for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1)):
        share = (right if dx else 1 - right) * (down if dy else 1 - down)
        if share:
            seed = column + dx + ROW * (row + dy)
            w = w + share * (w_of_seed(mapping, seed, place.label) - mapping.w_avg)
    if directions is not None and place.directions:
        factors = torch.tensor(place.directions[: len(directions)])
        w = w + factors @ directions[: len(factors)]
    ws = w.unsqueeze(1).repeat(1, mapping.num_ws, 1)
    cutoff = mapping.num_ws if place.truncation_cutoff is None else place.truncation_cutoff
    factor = torch.where(torch.arange(mapping.num_ws) < cutoff, place.truncation_psi, 1.0)
    ws = mapping.w_avg + ws * factor[None, :, None]
    if place.mixed:
        other = w_of_seed(mapping, place.mix_seed, place.label)
        styles = mapping.w_avg + (other - mapping.w_avg).unsqueeze(1) * factor[None, :, None]
        ws = mix_styles(ws, styles, place.mixed)
    return ws


@torch.no_grad()
def principal_directions(mapping: MappingNetwork, n: int, label: int = 0, samples: int = 2000) -> Tensor:
    """Return the first `n` principal components of w, each scaled to its standard deviation, [n, w_dim].

    Härkönen et al., "GANSpace: discovering interpretable GAN controls", 2020, section 2.
    """
    z = torch.randn(samples, mapping.z_dim, generator=torch.Generator().manual_seed(0))
    w = mapping.mapped(z, _label(mapping, label, samples))
    _, values, vectors = torch.linalg.svd(w - w.mean(0), full_matrices=False)
    # The sign of a singular vector is arbitrary; its entry of greatest magnitude is made positive.
    greatest = vectors.gather(1, vectors.abs().argmax(1, keepdim=True)).sign()
    found: Tensor = vectors * greatest * (values / math.sqrt(samples - 1))[:, None]
    return found[:n]
