"""Point presets: distributions with a formula, drawn without end."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from types import MappingProxyType

import torch
from torch import Tensor

from ganwidgets.data.modalities import POINTS
from ganwidgets.data.sample_order import SampleOrder
from ganwidgets.data.source import Modes, Source
from ganwidgets.messages import N_
from ganwidgets.seeds import seeded

__all__ = ["POINT_PRESETS", "PointPreset", "PointSource", "load_points"]

Sampler = Callable[[int, torch.Generator], Tensor]

BLOCK = 8192
"""Number of points drawn at a time, which a run then reads in order."""


@dataclass(frozen=True, eq=False)
class PointPreset:
    """A point preset.

    Attributes
    ----------
    label : str
        Menu text; translatable.
    help : str
        One sentence for students; translatable.
    definition : str
        The complete distribution. Saved runs identify their data by it, so it changes exactly when the distribution
        does.
    sampler : callable
        Takes a number of points and a generator; returns float32 [n, 2].
    modes : Modes or None
        The clusters, if it is a mixture of Gaussians.
    """

    label: str
    help: str
    definition: str
    sampler: Sampler
    modes: Modes | None = None


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class PointSource(Source):
    """A source that draws points from a preset's distribution."""

    sampler: Sampler
    definition: str

    @cached_property
    def fingerprint(self) -> str:
        return hashlib.sha256(f"{self.name}: {self.definition}".encode()).hexdigest()

    def order(self, seed: int) -> SampleOrder:
        def block(number: int) -> Tensor:
            return self.draw(BLOCK, seeded(seed, "order", number))

        return SampleOrder(BLOCK, block, torch.clone)

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        return self.sampler(n, generator)


def load_points(name: str) -> PointSource:
    """Return the source of one of the :data:`POINT_PRESETS`."""
    preset = POINT_PRESETS[name]
    return PointSource(
        name=name,
        kind=POINTS.name,
        shape=(2,),
        size=None,
        preset=name,
        modes=preset.modes,
        sampler=preset.sampler,
        definition=preset.definition,
    )


# --- along a curve --------------------------------------------------------------------------------
# Each maps a position along the curve, uniform in [0, 1), to points. The noise around the curve is Gaussian and equal
# on both axes.


def _line(u: Tensor) -> Tensor:
    return torch.stack((0.6 - 1.5 * u, 0.2 + 0.6 * u), dim=1)


def _ring(u: Tensor) -> Tensor:
    angle = 2 * math.pi * u
    return torch.stack((0.6 * angle.cos(), -0.1 + 0.5 * angle.sin()), dim=1)


def _spiral(u: Tensor) -> Tensor:
    # The length of an Archimedean spiral grows like the square of its radius; the root spreads the points evenly.
    radius = u.sqrt()
    angle = 4 * math.pi * radius
    return 0.9 * torch.stack((radius * angle.cos(), radius * angle.sin()), dim=1)


def _moons(u: Tensor) -> Tensor:
    angle = 2 * math.pi * u
    # The first half of the circle is moved up and left, the second half down and right.
    side = torch.where(u < 0.5, -1.0, 1.0)
    return torch.stack((0.3 * side + 0.6 * angle.cos(), 0.15 * side + 0.6 * angle.sin()), dim=1)


def _along(curve: Callable[[Tensor], Tensor], deviation: float, n: int, generator: torch.Generator) -> Tensor:
    places = torch.rand(n, generator=generator)
    return curve(places) + deviation * torch.randn(n, 2, generator=generator)


# --- mixtures of Gaussians ------------------------------------------------------------------------


def _modes(centers: Iterable[tuple[float, float]], deviations: Iterable[tuple[float, float]]) -> Modes:
    where, width = torch.tensor(list(centers)), torch.tensor(list(deviations))
    return Modes(where, width.expand_as(where).contiguous(), torch.full((len(where),), 1 / len(where)))


def _mixture(modes: Modes, n: int, generator: torch.Generator) -> Tensor:
    """Return points of a mixture with equal weights, as in all presets."""
    chosen = torch.randint(len(modes.centers), (n,), generator=generator)
    noise = torch.randn(n, modes.centers.shape[1], generator=generator)
    return noise.mul_(_pairs(modes.deviations, chosen)).add_(_pairs(modes.centers, chosen))


def _pairs(table: Tensor, chosen: Tensor) -> Tensor:
    """Return rows of two numbers; selecting them as complex numbers takes less than a third of the time."""
    return torch.view_as_real(torch.view_as_complex(table).index_select(0, chosen))


_GAUSSIANS = _modes([(-0.4, 0.4), (0.4, -0.2)], [(0.2, 0.2), (0.1, 0.4)])
_DISJOINT = _modes([(-0.3, 0.5), (0.5, 0.2), (-0.1, -0.3)], [(0.05, 0.05)])
_RING8 = _modes([(math.cos(k * math.pi / 4), math.sin(k * math.pi / 4)) for k in range(8)], [(0.01, 0.01)])
_GRID = (-1.0, -0.5, 0.0, 0.5, 1.0)
_GRID25 = _modes([(x, y) for x in _GRID for y in _GRID], [(0.0125, 0.0125)])

POINT_PRESETS: Mapping[str, PointPreset] = MappingProxyType(
    {
        "line": PointPreset(
            label=N_("Line"),
            help=N_("Points along a straight line: the easiest thing to imitate."),
            definition="(.6 - 1.5 u, .2 + .6 u), u uniform in [0, 1), plus Gaussian noise of deviation .02",
            sampler=partial(_along, _line, 0.02),
        ),
        "gaussians": PointPreset(
            label=N_("Two Gaussians"),
            help=N_("Two soft clouds, one round and one tall, each with half of the points."),
            definition="halves: N((-.4, .4), deviations (.2, .2)) and N((.4, -.2), deviations (.1, .4))",
            sampler=partial(_mixture, _GAUSSIANS),
            modes=_GAUSSIANS,
        ),
        "ring": PointPreset(
            label=N_("Ring"),
            help=N_("Points along an ellipse: the generator must bend its noise around a hole."),
            definition="(.6 cos t, -.1 + .5 sin t), t uniform in [0, 2 pi), plus Gaussian noise of deviation .05",
            sampler=partial(_along, _ring, 0.05),
        ),
        "disjoint": PointPreset(
            label=N_("Three clusters"),
            help=N_(
                "Three small clusters far apart: a generator that makes only some of them has collapsed."
            ),
            definition="thirds: Gaussians of deviation .05 around (-.3, .5), (.5, .2) and (-.1, -.3)",
            sampler=partial(_mixture, _DISJOINT),
            modes=_DISJOINT,
        ),
        "ring8": PointPreset(
            label=N_("Eight Gaussians"),
            help=N_(
                "Eight tiny clusters on a circle: the classic test for clusters that a generator forgets."
            ),
            definition="eighths: Gaussians of deviation .01 around (cos(k pi / 4), sin(k pi / 4))",
            sampler=partial(_mixture, _RING8),
            modes=_RING8,
        ),
        "grid25": PointPreset(
            label=N_("25 Gaussians"),
            help=N_(
                "Twenty-five tiny clusters, five by five: hard, because there are many to find and keep."
            ),
            definition="25 equal shares: Gaussians of deviation .0125 around {-1, -.5, 0, .5, 1}^2",
            sampler=partial(_mixture, _GRID25),
            modes=_GRID25,
        ),
        "spiral": PointPreset(
            label=N_("Spiral"),
            help=N_("Two turns of a spiral: one long thin curve that passes close to itself."),
            definition=(
                ".9 r (cos 4 pi r, sin 4 pi r), r the square root of u, u uniform in [0, 1), "
                "plus Gaussian noise of deviation .02"
            ),
            sampler=partial(_along, _spiral, 0.02),
        ),
        "moons": PointPreset(
            label=N_("Two moons"),
            help=N_(
                "Two half circles that reach into each other: two clusters that no straight line separates."
            ),
            definition=(
                "(.6 cos t + .3 s, .6 sin t + .15 s), t uniform in [0, 2 pi), s = -1 for t < pi and 1 beyond, "
                "plus Gaussian noise of deviation .04"
            ),
            sampler=partial(_along, _moons, 0.04),
        ),
    }
)
"""Point presets by name, all within about [-1, 1]^2, in menu order.

The first four are GAN Lab's (Kahng et al. 2018), mapped from [0, 1]^2; ``ring8`` and ``grid25`` are
PacGAN's (Lin et al. 2018), the grid scaled by 1/4.
"""
