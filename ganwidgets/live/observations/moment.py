"""A moment of a run, and the interface of observations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt
from torch import Tensor

from ganwidgets.modality import View
from ganwidgets.rendering.plane.grid import grid_on, verdict_on
from ganwidgets.rendering.plane.projection import Extent
from ganwidgets.runs.inspect.sampling import Visible, latents, logits_of

__all__ = ["TRAIL", "Focus", "Moment", "Observation"]

Floats = npt.NDArray[np.float32]

TRAIL = 300
"""Default length of trails, in steps."""


@dataclass(frozen=True)
class Focus:
    """Objects of detailed observations, chosen by users.

    Attributes
    ----------
    window : tuple of float or None
        ``x0, x1, y0, y1`` of the visible part of the plane; None for the whole.
    trail : int
        Length of trails in steps.
    """

    window: Extent | None = None
    trail: int = TRAIL


@dataclass(frozen=True)
class Moment:
    """One moment between two steps, with cached values that several observations need.

    Attributes
    ----------
    session : Visible
        The run; no other thread changes it meanwhile.
    between : callable
        Runs a function that reads data, between two steps, and returns its result.
    seed : int
        Seed of the displayed samples.
    real, generated : Tensor [M, ...]
        The displayed samples, in display units.
    labels : Tensor or None
        int64 [M]; label of each generated sample, if the generator takes labels.
    iteration : int
        Full steps since the start of the run.
    branch : int
        The current branch.
    moves : int
        See :class:`~ganwidgets.live.RunState`.
    extent : tuple of float or None
        ``x0, x1, y0, y1`` of the plane, for points of two dimensions.
    focus : Focus
        See :class:`Focus`.
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
        """Return samples in the units of training."""
        found: Tensor = self.session.run.source.modality.trained(samples)
        return found

    def drawn(self, samples: Tensor) -> Floats:
        """Return samples as a panel draws them, as a copy; see :meth:`~ganwidgets.modality.Modality.drawn`."""
        return self.session.run.source.modality.drawn(np.array(samples.numpy(), np.float32))

    def map_of(self, part: Extent) -> Floats:
        """Return the discriminator's verdict over a part of the plane; see :func:`~ganwidgets.rendering.plane.grid.verdict_on`."""
        judge = partial(logits_of, self.session)
        return verdict_on(grid_on(part), self.real, self.generated, self.session.loss, judge)


class Observation(Protocol):
    """An observation of a run.

    Attributes
    ----------
    name : str
        Name by which panels request it.
    views : frozenset of {"plane", "gallery"}
        The views for which it exists.
    """

    name: ClassVar[str]
    views: ClassVar[frozenset[View]]

    def take(self, moment: Moment) -> Any:
        """Return the observation, as copies; None if this run has none."""
