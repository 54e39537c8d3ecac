"""What the generator makes of other noise, and what it made earlier; asked for by a person, never in the way.

Every answer is made of small looks between two steps, on copies, so that training goes on and nothing
of it changes. All methods are called from one thread.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..pictures.scene import SEED
from ..pictures.tiles import packed
from ..runs.earlier import Understudies, earlier, spread
from ..runs.looking import latents, made_of
from ..runs.session import Session
from ..runs.snapshots import Snapshot
from ..runs.walks import along, between, strongest
from .runner import Runner

__all__ = ["AMOUNTS", "DIRECTIONS", "STEPS", "Earlier", "Exhibits", "Explorer", "Ways"]

Bytes = npt.NDArray[np.uint8]

STEPS = 9
"""Pictures of a walk, both ends included."""

AMOUNTS = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
"""How far along a direction pictures are made, in standard deviations of Gaussian noise."""

DIRECTIONS = 5
"""Strongest directions that can be chosen."""

EARLIER = 9
"""Pictures of the past at most."""

AT_ONCE = 32
"""Latents that are looked at between two steps, so that a step never waits long."""

REMEMBERED = 256
"""Pictures of the past that are remembered."""


@dataclass(frozen=True)
class Exhibits:
    """Which samples are on the page.

    Attributes
    ----------
    count : int
    labels : int64 array [count] or None
        What the generator was told for each.
    """

    count: int
    labels: npt.NDArray[np.int64] | None

    def label(self, index: int) -> int | None:
        """Return what the generator was told for one of them."""
        return None if self.labels is None else int(self.labels[index])


@dataclass(frozen=True)
class Ways:
    """Pictures of other noise, uint8 ``[n, H, W]`` or ``[n, H, W, 3]``; None where none was asked for.

    Attributes
    ----------
    walk : uint8 array [9, ...] or None
        On the way from one sample to another.
    line : uint8 array [7, ...] or None
        Along a direction from a sample, at :data:`AMOUNTS`.
    moved : uint8 array [1, ...] or None
        As far along it as was asked for.
    """

    walk: Bytes | None
    line: Bytes | None
    moved: Bytes | None


@dataclass(frozen=True)
class Earlier:
    """One sample as it was.

    Attributes
    ----------
    iterations : tuple of int
        When, earliest first, the present left out.
    pictures : uint8 array [n, ...] or None
        None where nothing is kept.
    """

    iterations: tuple[int, ...]
    pictures: Bytes | None


@dataclass(frozen=True)
class Neighbor:
    """The real image that is most like a sample, pixel by pixel.

    Attributes
    ----------
    picture : uint8 array [1, ...]
    distance : float
        How far the two are apart.
    typical : float
        How far a real image is from its own nearest one.
    """

    picture: Bytes
    distance: float
    typical: float


class Explorer:
    """Looks into the noise and into the past of the run that `runner` carries out.

    Parameters
    ----------
    runner : Runner
        The run.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._directions: tuple[object, Tensor] | None = None
        self._copies: tuple[object, Understudies] | None = None
        self._past: OrderedDict[tuple[int, int, int, int | None], tuple[weakref.ref[Snapshot], Bytes]] = (
            OrderedDict()
        )

    # --- other noise ----------------------------------------------------------------------------

    def ways(
        self, exhibits: Exhibits, chosen: Sequence[int], direction: str = "", amount: float = 0.0
    ) -> Ways:
        """Return pictures of the noise around the chosen samples.

        Parameters
        ----------
        exhibits : Exhibits
        chosen : sequence of int
            One sample, or two.
        direction : str
            ``"strongest 0"`` or ``"coordinate 0"``, counted from 0, or empty.
        amount : float
            How far along it.
        """
        session = self._runner.trainer._session
        strong = self._strong(exhibits, chosen[0]) if direction.startswith("strongest") else None

        def look() -> tuple[Tensor, list[int]]:
            noise = session.settings.noise
            known = latents(session, exhibits.count, SEED)
            start = known[chosen[0]]
            parts = []
            if len(chosen) > 1:
                parts.append(between(noise, start, known[chosen[1]], STEPS))
            if direction:
                way = _direction(direction, len(start), strong)
                parts.append(along(noise, start, way, torch.tensor([*AMOUNTS, amount])))
            label = exhibits.label(chosen[0])
            return made_of(session, torch.cat(parts), label), [len(part) for part in parts]

        if len(chosen) < 2 and not direction:
            return Ways(None, None, None)
        made, sizes = self._runner.look(look)
        pictures = packed(made.numpy())
        walk = pictures[: sizes[0]] if len(chosen) > 1 else None
        line = pictures[-sizes[-1] : -1] if direction else None
        return Ways(walk, line, pictures[-1:] if direction else None)

    def forget_directions(self) -> None:
        """Let the strongest directions be found anew when they are asked for next."""
        self._directions = None

    def _strong(self, exhibits: Exhibits, index: int) -> Tensor:
        """Return the strongest directions at a sample; they stay, so that a way does not turn while it is gone."""
        session = self._runner.trainer._session
        label = exhibits.label(index)
        key = (session.run, exhibits.count, index, label)
        if self._directions is None or self._directions[0] != key:

            def make(noise: Tensor) -> Tensor:
                return torch.cat(
                    [
                        self._runner.look(partial(made_of, session, part, label))
                        for part in torch.split(noise, AT_ONCE)
                    ]
                )

            latent = self._runner.look(lambda: latents(session, exhibits.count, SEED)[index])
            self._directions = key, strongest(latent, make, DIRECTIONS)
        return self._directions[1]

    def neighbor(self, exhibits: Exhibits, index: int) -> Neighbor:
        """Return the real image that is most like a sample."""
        trainer = self._runner.trainer
        sample = trainer.sample(exhibits.count, SEED, exhibits.labels)[index : index + 1]
        found = trainer.neighbors(sample, 1, "pixels")
        return Neighbor(packed(found.images[0].numpy()), float(found.distances[0, 0]), found.typical)

    # --- the past -------------------------------------------------------------------------------

    def earlier(self, exhibits: Exhibits, index: int) -> Earlier:
        """Return one sample as it was at moments that led to where the run stands."""
        session = self._runner.trainer._session
        kept = self._runner.look(lambda: spread(earlier(session), EARLIER))
        found = [
            (snapshot.place.iteration, picture)
            for snapshot in kept
            if (picture := self._picture(session, snapshot, exhibits, index)) is not None
        ]
        while len(self._past) > REMEMBERED:
            self._past.popitem(last=False)
        pictures = np.concatenate([picture for _, picture in found]) if found else None
        return Earlier(tuple(iteration for iteration, _ in found), pictures)

    def _picture(self, session: Session, snapshot: Snapshot, exhibits: Exhibits, index: int) -> Bytes | None:
        key = id(snapshot), exhibits.count, index, exhibits.label(index)
        known = self._past.get(key)
        if known is None or known[0]() is not snapshot:
            made = self._runner.look(lambda: self._then(session, snapshot, exhibits, index))
            if made is None:
                return None
            known = self._past[key] = weakref.ref(snapshot), packed(made.numpy())
        self._past.move_to_end(key)
        return known[1]

    def _then(self, session: Session, snapshot: Snapshot, exhibits: Exhibits, index: int) -> Tensor | None:
        if self._copies is None or self._copies[0] is not session.run:
            self._copies = session.run, Understudies(session)
        copies = self._copies[1]
        if not copies.play(snapshot):
            return None
        label = None if exhibits.labels is None else [exhibits.label(index)]
        noise = latents(session, exhibits.count, SEED)[index : index + 1]
        return made_of(session, noise, label, network=copies.generator)


def _direction(name: str, dimensions: int, strong: Tensor | None) -> Tensor:
    number = int(name.split()[1])
    if strong is not None:
        return strong[min(number, len(strong) - 1)]
    return torch.eye(dimensions)[min(number, dimensions - 1)]
