"""What can be seen of one moment beside the samples themselves; each only where somebody wants it.

An observation is taken between two steps, or of a likeness of the run at any time, on copies, by networks in eval
mode and with generators of its own, so that it leaves no trace in the run. It is declared once, in :data:`OBSERVATIONS`, under the
name by which panels ask for it; what it returns is in :attr:`ganwidgets.live.Frame.seen` under that
name. It is made anew for each run, so that it may remember.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from types import MappingProxyType
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..pictures.plane import REFERENCES, grid_on, verdict_on
from ..pictures.projection import Extent
from ..runs.looking import Visible, generated, latents, made_of, real, slopes, verdicts

__all__ = [
    "OBSERVATIONS",
    "CloseUp",
    "Crowd",
    "Focus",
    "Gradients",
    "Manifold",
    "Moment",
    "Observation",
    "Scores",
    "Trail",
    "references",
]

Floats = npt.NDArray[np.float32]
Kind = Literal["points", "images"]

CELLS = 20
"""Cells of the noise along each side, whose images are the manifold."""

TAIL = 0.005
"""Share of the noise beyond the outermost cells on each side, where it has no bounds."""

CROWD = 200
"""Real and as many generated images of a crowd."""

SHARE = 0.05
"""The part of the training thread's time that making crowds may take."""

DRIVEN = 9
"""Images whose gradients are taken at most: each costs the discriminator more than a verdict, and is drawn small."""

SHOWN = 8
"""Earlier moments that a trail goes through at most."""

REMEMBERED = 64
"""Earlier moments that are kept for trails, ever fewer the longer ago they are."""

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
        The shown samples, in the units that people see.
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
        real = verdicts(self.session, self.trained(self.real))
        return real, verdicts(self.session, self.trained(self.generated), self.labels)

    def trained(self, samples: Tensor) -> Tensor:
        """Return samples in the units of training: images in [-1, 1], points as they are."""
        return samples * 2 - 1 if self.session.run.source.kind == "images" else samples

    def map_of(self, part: Extent) -> Floats:
        """Return the discriminator's verdict over a part of the plane; see :func:`~ganwidgets.pictures.plane.verdict_on`."""
        judge = partial(verdicts, self.session)
        return verdict_on(grid_on(part), self.real, self.generated, self.session.game, judge)


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


class Latents:
    """The latents of the generated samples, float32 ``[M, latent_dim]``."""

    name: ClassVar[str] = "latents"
    kinds: ClassVar[frozenset[Kind]] = frozenset({"points", "images"})

    def take(self, moment: Moment) -> Floats:
        """Return a copy."""
        return np.array(moment.latents.numpy())


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
        loss = moment.session.game
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


class Magnifier:
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


class Arrows:
    """The two gradients at each generated sample: :class:`Gradients`.

    A relativistic loss judges each generated sample against one real sample; here those are the shown
    real samples, in their order, so that an arrow moves with the networks and not with the draw.
    """

    name: ClassVar[str] = "gradients"
    kinds: ClassVar[frozenset[Kind]] = frozenset({"points", "images"})

    def take(self, moment: Moment) -> Gradients:
        """Return them."""
        session = moment.session
        loss = session.game
        images = session.run.source.kind == "images"
        most = DRIVEN if images else None
        generated = moment.trained(moment.generated[:most])
        labels = None if moment.labels is None else moment.labels[:most]
        n = len(generated)
        real = None
        if loss.uses_real:
            real = verdicts(session, moment.trained(moment.real[:most]))
            real = real.repeat(-(-n // len(real)))[:n].to(session.run.state.device)

        def shares(logits: Tensor) -> Tensor:
            return -n * loss.loss_g(logits, real)

        return Gradients(
            descent=np.array(slopes(session, generated, shares, labels).numpy()),
            slope=None if images else np.array(slopes(session, generated, Tensor.sum, labels).numpy()),
        )


@dataclass(frozen=True)
class Manifold:
    """What the generator makes of a regular grid over the noise.

    Attributes
    ----------
    corners : float32 array [R, C, F]
        Where the grid's corners come to lie; one row, where the noise has one dimension.
    latents : float32 array [R, C, latent_dim]
        The corners themselves. Each cell between four of them holds the same share of the noise, so
        the density of samples in its image is inverse to the image's area.
    share : float
        Of the noise in each cell (of the noise's first two dimensions where it has more).
    sliced : bool
        Whether the noise has more dimensions, all others being 0 here: then this is a part only of
        what the generator makes.
    """

    corners: Floats
    latents: Floats
    share: float
    sliced: bool


class WarpedGrid:
    """A grid over the noise, as the generator warps it: :class:`Manifold`."""

    name: ClassVar[str] = "manifold"
    kinds: ClassVar[frozenset[Kind]] = frozenset({"points"})

    def take(self, moment: Moment) -> Manifold:
        """Return it."""
        session = moment.session
        dimensions = session.run.stepper.latent_dim
        marks, share = _marks(session.settings.noise)
        corners = torch.zeros(len(marks) if dimensions > 1 else 1, len(marks), dimensions)
        corners[..., 0] = marks
        if dimensions > 1:
            corners[..., 1] = marks[:, None]
        made = made_of(session, corners.reshape(-1, dimensions))
        return Manifold(
            corners=np.array(made.reshape(*corners.shape[:2], -1).numpy()),
            latents=corners.numpy(),
            share=share if dimensions == 1 else share**2,
            sliced=dimensions > 2,
        )


@dataclass(frozen=True)
class Trail:
    """Where the shown generated samples were, earliest first, the present left out.

    Attributes
    ----------
    iterations : int64 array [T]
        When; T at most 8, evenly chosen among the moments known, the first as many steps ago as was asked for or, if
        nobody looked then, the one before it, if any. The same number twice, where only one network was updated between.
    positions : float32 array [T, M, F]
        Where.
    """

    iterations: npt.NDArray[np.int64]
    positions: Floats


class Wake:
    """Where the generated samples were at earlier moments that somebody looked at: :class:`Trail`."""

    name: ClassVar[str] = "trails"
    kinds: ClassVar[frozenset[Kind]] = frozenset({"points"})

    def __init__(self) -> None:
        self._branch = -1
        self._moments: list[tuple[int, int, Floats]] = []

    def take(self, moment: Moment) -> Trail:
        """Return it, and remember the present; what the run went back from is forgotten."""
        known = self._moments
        if moment.branch != self._branch:
            known.clear()
        self._branch = moment.branch
        while known and (known[-1][0] > moment.iteration or known[-1][1] == moment.moves):
            known.pop()
        before = self._chosen(moment.iteration - moment.focus.trail)
        present: Floats = np.array(moment.generated.numpy())
        known.append((moment.iteration, moment.moves, present))
        self._thin_out()
        return Trail(
            iterations=np.array([iteration for iteration, _, _ in before], dtype=np.int64),
            positions=np.stack([where for _, _, where in before])
            if before
            else np.empty((0, *present.shape), np.float32),
        )

    def _chosen(self, since: int) -> list[tuple[int, int, Floats]]:
        """Return the moments that a trail from iteration `since` on goes through."""
        known = self._moments
        first = max((place for place, (when, _, _) in enumerate(known) if when <= since), default=0)
        places = np.unique(np.linspace(first, len(known) - 1, SHOWN).round().astype(int))
        return [known[place] for place in places] if known else []

    def _thin_out(self) -> None:
        """Forget a moment if there are too many: one between two neighbours that are close for how long ago it was."""
        known = self._moments
        if len(known) > REMEMBERED + 1:
            now = known[-1][0]
            gaps = [
                (known[place + 1][0] - known[place - 1][0]) / (1 + now - known[place][0])
                for place in range(1, len(known) - 1)
            ]
            del known[1 + int(np.argmin(gaps))]


@dataclass(frozen=True)
class Crowd:
    """Many images, for pictures of how all of them lie to each other.

    Attributes
    ----------
    iteration : int
        When the generated ones were made; images take long, so that need not be now.
    real, generated : float32 array [200, C, H, W]
        In [0, 1]; the real ones and the generated ones' noise are the same for the whole run.
    """

    iteration: int
    real: Floats
    generated: Floats


class Crowds:
    """More images than a gallery shows, made as seldom as their cost demands: :class:`Crowd`."""

    name: ClassVar[str] = "crowd"
    kinds: ClassVar[frozenset[Kind]] = frozenset({"images"})

    def __init__(self) -> None:
        self._last: Crowd | None = None
        self._moves = -1
        self._due = 0.0

    def take(self, moment: Moment) -> Crowd:
        """Return the last one, or another where the run has moved and enough time has passed."""
        began = time.monotonic()
        last = self._last
        if last is not None and (moment.moves == self._moves or began < self._due):
            return last
        if last is None:
            shown = _bounded(moment.between(partial(real, moment.session, CROWD, moment.seed)))
        else:
            shown = last.real
        made = _bounded(generated(moment.session, CROWD, moment.seed))
        self._last = Crowd(moment.iteration, shown, made)
        self._moves = moment.moves
        ended = time.monotonic()
        self._due = ended + (ended - began) / SHARE
        return self._last


class NoisePlane:
    """What the generator makes of a plane through the origin of the noise: images ``[9, C, H, W]`` in [0, 1].

    The plane goes through the latents of the first two shown samples, so that its points are as likely as
    noise of many dimensions is: 3 by 3 of them, the origin in the middle. Noise of one dimension gives a line.
    """

    name: ClassVar[str] = "slice"
    kinds: ClassVar[frozenset[Kind]] = frozenset({"images"})

    def take(self, moment: Moment) -> Floats:
        """Return it."""
        ends = moment.latents[:2]
        if ends.shape[1] == 1:
            return _bounded(made_of(moment.session, torch.linspace(-1, 1, 9)[:, None]))
        up, across = torch.meshgrid(torch.tensor([1.0, 0, -1]), torch.tensor([-1.0, 0, 1]), indexing="ij")
        weights = torch.stack([across.flatten(), up.flatten()], dim=1)
        return _bounded(made_of(moment.session, weights[:, : len(ends)] @ ends))


OBSERVATIONS: Mapping[str, Callable[[], Observation]] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            Latents,
            Verdicts,
            VerdictMap,
            Magnifier,
            Arrows,
            WarpedGrid,
            Wake,
            Crowds,
            NoisePlane,
        )
    }
)
"""Every observation by its name: what makes one for a run."""


def references(real_logits: Tensor, generated_logits: Tensor) -> tuple[Tensor, Tensor]:
    """Return those logits of the shown samples against which a critic's scale is measured."""
    fake = generated_logits[torch.isfinite(generated_logits)][:REFERENCES]
    real = real_logits[:REFERENCES]
    return real, fake if len(fake) else real


def _decided(verdict: Tensor) -> Floats:
    decided: Floats = torch.nan_to_num(verdict, nan=0.5).numpy()
    return decided


def _bounded(images: Tensor) -> Floats:
    return np.nan_to_num(np.array(images.numpy(), np.float32), nan=0.0).clip(0, 1)


def _marks(noise: str) -> tuple[Tensor, float]:
    """Return where the grid's lines are along one dimension of the noise, and the share between two."""
    if noise == "uniform":
        return torch.linspace(-1, 1, CELLS + 1), 1 / CELLS
    shares = torch.linspace(TAIL, 1 - TAIL, CELLS + 1, dtype=torch.float64)
    return torch.special.ndtri(shares).float(), (1 - 2 * TAIL) / CELLS
