"""What the discriminator says of samples and of the plane, and where it drives the generated ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ganwidgets.live.observations.moment import Kind, Moment
from ganwidgets.rendering.plane_grid import REFERENCES
from ganwidgets.rendering.projection import Extent
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
"""Images whose gradients are taken at most: each costs the discriminator more than a verdict, and is drawn small."""


@dataclass(frozen=True)
class Scores:
    """What the discriminator says of the shown samples.

    Attributes
    ----------
    real, generated : float32 array [M]
        Its verdict in [0, 1], 1 for real, as in the map of the plane; undecided (1/2) where a sample
        is not finite.
    real_logits, generated_logits : float32 array [M]
        What it returned.
    """

    real: Floats
    generated: Floats
    real_logits: Floats
    generated_logits: Floats


class Verdicts:
    """The discriminator's verdict on each shown sample: :class:`Scores`."""

    name: ClassVar[str] = "scores"
    kinds: ClassVar[frozenset[Kind]] = frozenset({"points", "images"})

    def take(self, moment: Moment) -> Scores:
        """Return them."""
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
    """The discriminator's view of the whole plane: float32 ``[64, 64]``, in :attr:`ganwidgets.live.Frame.verdict` too."""

    name: ClassVar[str] = "verdict"
    kinds: ClassVar[frozenset[Kind]] = frozenset({"points"})

    def take(self, moment: Moment) -> Floats | None:
        """Return it; None where points have other than two dimensions."""
        return None if moment.extent is None else moment.map_of(moment.extent)


@dataclass(frozen=True)
class CloseUp:
    """The discriminator's view of a part of the plane.

    Attributes
    ----------
    extent : tuple of float
        ``x0, x1, y0, y1`` of that part.
    verdict : float32 array [64, 64]
        As :attr:`ganwidgets.live.Frame.verdict`, over that part alone: the smaller it is, the finer.
    """

    extent: Extent
    verdict: Floats


class ZoomedVerdict:
    """The discriminator's view of the part of the plane that people see: :class:`CloseUp`."""

    name: ClassVar[str] = "close_up"
    kinds: ClassVar[frozenset[Kind]] = frozenset({"points"})

    def take(self, moment: Moment) -> CloseUp | None:
        """Return it; None where the whole plane is seen, or points have other than two dimensions."""
        window = moment.focus.window
        if window is None or moment.extent is None:
            return None
        return CloseUp(window, moment.map_of(window))


@dataclass(frozen=True)
class Gradients:
    """Where each generated sample is driven; of images the first nine.

    Attributes
    ----------
    descent : float32 array [M, ...]
        Minus the gradient of each sample's share of the generator's loss, by the sample, in the units
        of training: the direction in which the sample would have to move for the generator's loss to
        fall fastest. The loss is the mean of those shares.
    slope : float32 array [M, ...] or None
        Of points only, since nobody draws it of images: the gradient of the discriminator's logit by the sample: where D finds it more real. Under
        ``wasserstein`` and ``hinge`` both are the same.
    """

    descent: Floats
    slope: Floats | None


class GradientField:
    """The two gradients at each generated sample: :class:`Gradients`.

    A relativistic loss judges each generated sample against one real sample; here those are the shown
    real samples, in their order, so that an arrow moves with the networks and not with the draw.
    """

    name: ClassVar[str] = "gradients"
    kinds: ClassVar[frozenset[Kind]] = frozenset({"points", "images"})

    def take(self, moment: Moment) -> Gradients:
        """Return them."""
        session = moment.session
        loss = session.loss
        images = session.run.source.kind == "images"
        most = DRIVEN if images else None
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
            slope=None
            if images
            else np.array(input_gradients(session, generated, Tensor.sum, labels).numpy()),
        )


def references(real_logits: Tensor, generated_logits: Tensor) -> tuple[Tensor, Tensor]:
    """Return those logits of the shown samples against which a critic's scale is measured."""
    fake = generated_logits[torch.isfinite(generated_logits)][:REFERENCES]
    real = real_logits[:REFERENCES]
    return real, fake if len(fake) else real


def _decided(verdict: Tensor) -> Floats:
    decided: Floats = torch.nan_to_num(verdict, nan=0.5).numpy()
    return decided
