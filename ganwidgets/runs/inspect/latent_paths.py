"""Paths through latent space."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["along", "between", "strongest"]

PARALLEL = 1e-4
"""Sine of the angle below which two latents count as parallel."""

NUDGE = 0.05
"""Step of a latent for the numerical derivative of its sample."""


def between(noise: str, first: Tensor, second: Tensor, steps: int) -> Tensor:
    """Return latents ``[steps, latent_dim]`` on the path from one latent to another, both included.

    Gaussian latents of many dimensions have nearly equal norms, and a straight line between two would leave them.
    Their path is an arc, by spherical linear interpolation (Shoemake, "Animating rotation with quaternion curves",
    1985; for generators White, arXiv:1609.04468). Uniform noise fills a cube, which is convex: its path is straight.
    """
    share = torch.linspace(0, 1, steps, dtype=torch.float64).unsqueeze(1)
    a, b = first.double(), second.double()
    straight = (1 - share) * a + share * b
    norms = a.norm() * b.norm()
    if noise == "gaussian" and norms > 0:
        angle = torch.arccos((a @ b / norms).clamp(-1, 1))
        if torch.sin(angle) > PARALLEL:
            arc = (torch.sin((1 - share) * angle) * a + torch.sin(share * angle) * b) / torch.sin(angle)
            arc[0], arc[-1] = a, b
            return arc.float()
    return straight.float()


def along(noise: str, start: Tensor, direction: Tensor, amounts: Tensor) -> Tensor:
    """Return latents ``[len(amounts), latent_dim]``: `start` plus multiples of a unit direction."""
    moved = start + amounts.unsqueeze(1) * direction
    return moved.clamp(-1, 1) if noise == "uniform" else moved


def strongest(latent: Tensor, make: Callable[[Tensor], Tensor], count: int) -> Tensor:
    """Return the directions along which the sample of `latent` changes most, float32 ``[count, latent_dim]``.

    They are the first right singular vectors of the generator's Jacobian at `latent`, by central
    differences; each has length 1, and its largest entry is positive.

    Parameters
    ----------
    latent : Tensor [latent_dim]
    make : callable
        Returns the samples ``[n, ...]`` of latents ``[n, latent_dim]``.
    count : int
        Number of directions; limited by the dimension of the noise.
    """
    steps = NUDGE * torch.eye(len(latent))
    made = make(torch.cat((latent + steps, latent - steps))).flatten(1).double()
    jacobian = (made[: len(latent)] - made[len(latent) :]) / (2 * NUDGE)
    # The Gram matrix is as small as the noise, however large a sample is.
    directions = torch.linalg.eigh(jacobian @ jacobian.T).eigenvectors.flip(1).T[:count]
    largest = directions.gather(1, directions.abs().argmax(dim=1, keepdim=True))
    found: Tensor = (directions * torch.where(largest < 0, -1.0, 1.0)).float()
    return found
