"""A moment of a run that is looked at, and what looks at it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
import numpy.typing as npt
from torch import Tensor

from ganwidgets.rendering.plane_grid import grid_on, verdict_on
from ganwidgets.rendering.projection import Extent
from ganwidgets.runs.inspect.sampling import Visible, latents, logits_of

__all__ = ["TRAIL", "Focus", "Kind", "Moment", "Observation"]

Floats = npt.NDArray[np.float32]
Kind = Literal["points", "images"]

TRAIL = 300
"""Steps that trails go back where nobody chose."""


@dataclass(frozen=True)
class Focus:
    """What people look at closely.

    Attributes
    ----------
    window : tuple of float or None
        ``x0, x1, y0, y1`` of the part of the plane that is seen, where that is not the whole of it.
    trail : int
        How many steps trails go back.
    """

    window: Extent | None = None
    trail: int = TRAIL


@dataclass(frozen=True)
class Moment:
    """One moment between two steps; what several observations need is computed once.

    Attributes
    ----------
    session : Visible
        The run; nobody changes it meanwhile.
    between : callable
        Carries out a function that reads data, between two steps, and returns what it returns.
    seed : int
        Of the shown samples.
    real, generated : Tensor [M, ...]
        The shown samples, in the units that are drawn.
    labels : Tensor or None
        int64 [M]; what the generator was told for each generated sample, where it takes labels.
    iteration : int
        Full steps since the start of the run.
    branch : int
        The one on which the run stands.
    moves : int
        See :class:`~ganwidgets.live.RunState`.
    extent : tuple of float or None
        ``x0, x1, y0, y1`` of the plane, for points of two dimensions.
    focus : Focus
        What people look at closely.
    """

    session: Visible
    between: Callable[[Callable[[], Any]], Any]
    seed: int
    real: Tensor
    generated: Tensor
    labels: Tensor | None
    iteration: int
    branch: int
    moves: int
    extent: Extent | None = None
    focus: Focus = Focus()

    @cached_property
    def latents(self) -> Tensor:
        """The latents ``[M, latent_dim]`` of the generated samples."""
        return latents(self.session, len(self.generated), self.seed)

    @cached_property
    def logits(self) -> tuple[Tensor, Tensor]:
        """The discriminator's logits ``[M]`` of the real and of the generated samples."""
        real = logits_of(self.session, self.trained(self.real))
        return real, logits_of(self.session, self.trained(self.generated), self.labels)

    def trained(self, samples: Tensor) -> Tensor:
        """Return samples in the units of training: images in [-1, 1], points as they are."""
        return samples * 2 - 1 if self.session.run.source.kind == "images" else samples

    def map_of(self, part: Extent) -> Floats:
        """Return the discriminator's verdict over a part of the plane; see :func:`~ganwidgets.rendering.plane_grid.verdict_on`."""
        judge = partial(logits_of, self.session)
        return verdict_on(grid_on(part), self.real, self.generated, self.session.loss, judge)


class Observation(Protocol):
    """Something to be seen of a run.

    Attributes
    ----------
    name : str
        By which panels ask for it.
    kinds : frozenset of {"points", "images"}
        The data for which there is such a thing.
    """

    name: ClassVar[str]
    kinds: ClassVar[frozenset[Kind]]

    def take(self, moment: Moment) -> Any:
        """Return it, as copies; None where this run has no such thing."""
