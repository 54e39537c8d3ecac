"""Observations of the discriminator: scores of samples, verdict over the plane, gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ganwidgets.live.observations.moment import Moment
from ganwidgets.modality import View
from ganwidgets.rendering.plane.grid import REFERENCES
from ganwidgets.rendering.plane.projection import Extent
from ganwidgets.runs.inspect.sampling import input_gradients, logits_of

__all__ = [
    "CloseUp",
    "GradientField",
    "Gradients",
    "Scores",
    "VerdictMap",
    "Verdicts",
    "ZoomedVerdict",
    "references",
]

Floats = npt.NDArray[np.float32]

DRIVEN = 9
"""Maximum number of images with gradients: each costs more than a verdict, and is drawn small."""


@dataclass(frozen=True)
class Scores:
    """The discriminator's scores of the displayed samples.

    Attributes
    ----------
    real, generated : float32 array [M]
        Its verdict in [0, 1], 1 for real, as in the map of the plane; 1/2 for a non-finite sample.
    real_logits, generated_logits : float32 array [M]
        Raw outputs.
    """

    real: Floats
    generated: Floats
    real_logits: Floats
    generated_logits: Floats


class Verdicts:
    """Observation: the discriminator's verdict on each displayed sample, as :class:`Scores`."""

    name: ClassVar[str] = "scores"
    views: ClassVar[frozenset[View]] = frozenset({"plane", "gallery"})

    def take(self, moment: Moment) -> Scores:
        """Return the scores."""
        real, generated = moment.logits
        loss = moment.session.loss
        against = references(real, generated)
        return Scores(
            real=_decided(loss.verdict(real, *against)),
            generated=_decided(loss.verdict(generated, *against)),
            real_logits=np.array(real.numpy()),
            generated_logits=np.array(generated.numpy()),
        )


class VerdictMap:
    """Observation: the discriminator's verdict over the plane, float32 ``[64, 64]``, also in :attr:`Frame.verdict`."""

    name: ClassVar[str] = "verdict"
    views: ClassVar[frozenset[View]] = frozenset({"plane"})

    def take(self, moment: Moment) -> Floats | None:
        """Return the verdict; None for points of other than two dimensions."""
        return None if moment.extent is None else moment.map_of(moment.extent)


@dataclass(frozen=True)
class CloseUp:
    """The discriminator's verdict over a part of the plane.

    Attributes
    ----------
    extent : tuple of float
        ``x0, x1, y0, y1`` of that part.
    verdict : float32 array [64, 64]
        As :attr:`ganwidgets.live.Frame.verdict`, over that part alone, and therefore finer.
    """

    extent: Extent
    verdict: Floats


class ZoomedVerdict:
    """Observation: the discriminator's verdict over the visible part of the plane, as :class:`CloseUp`."""

    name: ClassVar[str] = "close_up"
    views: ClassVar[frozenset[View]] = frozenset({"plane"})

    def take(self, moment: Moment) -> CloseUp | None:
        """Return it; None if the whole plane is visible, and for points of other than two dimensions."""
        window = moment.focus.window
        if window is None or moment.extent is None:
            return None
        return CloseUp(window, moment.map_of(window))


@dataclass(frozen=True)
class Gradients:
    """Gradients at each generated sample; for images at the first nine.

    Attributes
    ----------
    descent : float32 array [M, ...]
        Minus the gradient of each sample's share of the generator's loss with respect to the sample, in the
        units of training: the steepest descent direction of that loss. The loss is the mean of those shares.
    slope : float32 array [M, ...] or None
        For points only: the gradient of the discriminator's logit with respect to the sample. It points to
        samples that D takes for more real. Under ``wasserstein`` and ``hinge`` both are equal.
    """

    descent: Floats
    slope: Floats | None


class GradientField:
    """Observation: the two gradients at each generated sample, as :class:`Gradients`.

    A relativistic loss compares each generated sample with a real one. Here these are the displayed real samples, in
    order, so that an arrow changes with the networks and not with the draw.
    """

    name: ClassVar[str] = "gradients"
    views: ClassVar[frozenset[View]] = frozenset({"plane", "gallery"})

    def take(self, moment: Moment) -> Gradients:
        """Return the gradients."""
        session = moment.session
        loss = session.loss
        on_plane = session.run.source.modality.on_plane
        most = None if on_plane else DRIVEN
        generated = moment.trained(moment.generated[:most])
        labels = None if moment.labels is None else moment.labels[:most]
        n = len(generated)
        real = None
        if loss.needs_real:
            real = logits_of(session, moment.trained(moment.real[:most]))
            real = real.repeat(-(-n // len(real)))[:n].to(session.run.state.device)

        def shares(logits: Tensor) -> Tensor:
            return -n * loss.loss_g(logits, real)

        return Gradients(
            descent=np.array(input_gradients(session, generated, shares, labels).numpy()),
            slope=np.array(input_gradients(session, generated, Tensor.sum, labels).numpy())
            if on_plane
            else None,
        )


def references(real_logits: Tensor, generated_logits: Tensor) -> tuple[Tensor, Tensor]:
    """Return the logits of the displayed samples that define a critic's scale."""
    fake = generated_logits[torch.isfinite(generated_logits)][:REFERENCES]
    real = real_logits[:REFERENCES]
    return real, fake if len(fake) else real


def _decided(verdict: Tensor) -> Floats:
    decided: Floats = torch.nan_to_num(verdict, nan=0.5).numpy()
    return decided
