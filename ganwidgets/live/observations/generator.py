"""Observations of the generator: latents, the manifold, and many images."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ganwidgets.live.observations.moment import Moment
from ganwidgets.modality import View
from ganwidgets.runs.inspect.sampling import generated_as_drawn, real_as_drawn, sample_from

__all__ = ["Crowd", "Density", "Latents", "Manifold", "ManifoldGrid", "NoisePlane"]

Floats = npt.NDArray[np.float32]

CELLS = 20
"""Number of cells along each side of the noise grid."""

TAIL = 0.005
"""Share of unbounded noise beyond the outermost cells on each side."""

CROWD = 200
"""Number of real and of generated images in a crowd."""

SHARE = 0.05
"""Maximum share of the training thread's time for crowds."""


class Latents:
    """Observation: the latents of the generated samples, float32 ``[M, latent_dim]``."""

    name: ClassVar[str] = "latents"
    views: ClassVar[frozenset[View]] = frozenset({"plane", "gallery"})

    def take(self, moment: Moment) -> Floats:
        """Return a copy."""
        return np.array(moment.latents.numpy())


@dataclass(frozen=True)
class Manifold:
    """The generator's image of a regular grid over the noise.

    Attributes
    ----------
    corners : float32 array [R, C, F]
        Images of the grid's corners; one row for one-dimensional noise.
    latents : float32 array [R, C, latent_dim]
        The corners themselves. Each cell has the same probability, so the density of samples in its image is inverse to
        the image's area.
    share : float
        Probability of each cell (in the first two dimensions of the noise).
    sliced : bool
        True if the noise has more than two dimensions; the others are 0 here, so the grid is only a slice of
        the generator's range.
    """

    corners: Floats
    latents: Floats
    share: float
    sliced: bool


class ManifoldGrid:
    """Observation: the generator's image of a grid over the noise, as :class:`Manifold`."""

    name: ClassVar[str] = "manifold"
    views: ClassVar[frozenset[View]] = frozenset({"plane"})

    def take(self, moment: Moment) -> Manifold:
        """Return the manifold."""
        session = moment.session
        dimensions = session.built["latent_dim"]
        marks, share = _marks(session.settings.noise)
        corners = torch.zeros(len(marks) if dimensions > 1 else 1, len(marks), dimensions)
        corners[..., 0] = marks
        if dimensions > 1:
            corners[..., 1] = marks[:, None]
        made = sample_from(session, corners.reshape(-1, dimensions))
        return Manifold(
            corners=np.array(made.reshape(*corners.shape[:2], -1).numpy()),
            latents=corners.numpy(),
            share=share if dimensions == 1 else share**2,
            sliced=dimensions > 2,
        )


@dataclass(frozen=True)
class Crowd:
    """Many images, for maps of their distribution.

    Attributes
    ----------
    iteration : int
        Iteration of the generated images, possibly a past one because they take long.
    real, generated : float32 array [200, C, H, W]
        In [0, 1]; the real images and the latents are the same for the whole run.
    """

    iteration: int
    real: Floats
    generated: Floats


class Density:
    """Observation: more images than the gallery shows, within a share of the time, as :class:`Crowd`."""

    name: ClassVar[str] = "crowd"
    views: ClassVar[frozenset[View]] = frozenset({"gallery"})

    def __init__(self) -> None:
        self._last: Crowd | None = None
        self._moves = -1
        self._due = 0.0

    def take(self, moment: Moment) -> Crowd:
        """Return the cached crowd, or a new one if the run has changed and enough time has passed."""
        began = time.monotonic()
        last = self._last
        if last is not None and (moment.moves == self._moves or began < self._due):
            return last
        if last is None:
            shown = moment.drawn(moment.between(partial(real_as_drawn, moment.session, CROWD, moment.seed)))
        else:
            shown = last.real
        made = moment.drawn(generated_as_drawn(moment.session, CROWD, moment.seed))
        self._last = Crowd(moment.iteration, shown, made)
        self._moves = moment.moves
        ended = time.monotonic()
        self._due = ended + (ended - began) / SHARE
        return self._last


class NoisePlane:
    """Observation: images ``[9, C, H, W]`` in [0, 1] of a plane through the origin of the noise.

    The plane contains the latents of the first two displayed samples, so that its points are as likely as other
    latents. The images form a 3 by 3 grid with the origin in the middle. One-dimensional noise gives a line.
    """

    name: ClassVar[str] = "slice"
    views: ClassVar[frozenset[View]] = frozenset({"gallery"})

    def take(self, moment: Moment) -> Floats:
        """Return the images."""
        ends = moment.latents[:2]
        if ends.shape[1] == 1:
            return moment.drawn(sample_from(moment.session, torch.linspace(-1, 1, 9)[:, None]))
        up, across = torch.meshgrid(torch.tensor([1.0, 0, -1]), torch.tensor([-1.0, 0, 1]), indexing="ij")
        weights = torch.stack([across.flatten(), up.flatten()], dim=1)
        return moment.drawn(sample_from(moment.session, weights[:, : len(ends)] @ ends))


def _marks(noise: str) -> tuple[Tensor, float]:
    """Return the positions of the grid's lines along one dimension of the noise, and the probability between two."""
    if noise == "uniform":
        return torch.linspace(-1, 1, CELLS + 1), 1 / CELLS
    shares = torch.linspace(TAIL, 1 - TAIL, CELLS + 1, dtype=torch.float64)
    return torch.special.ndtri(shares).float(), (1 - 2 * TAIL) / CELLS
