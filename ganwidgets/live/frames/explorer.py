"""Interactive queries: images of other noise, and samples at past moments.

The networks are copied between two steps, and all answers are computed from the copies. So training continues and the
run does not change. Call all methods from one thread.
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

from ganwidgets.live.worker.runner import Runner
from ganwidgets.metrics.features import read
from ganwidgets.rendering.pictures.image_grid import packed
from ganwidgets.rendering.pictures.scene import SEED
from ganwidgets.runs.inspect.frozen_run import FrozenRun, frozen_run_of
from ganwidgets.runs.inspect.latent_paths import along, between, strongest
from ganwidgets.runs.inspect.sampling import latents, sample_from
from ganwidgets.runs.quality.evaluation import Evaluation
from ganwidgets.runs.record.snapshots import Snapshot
from ganwidgets.runs.timeline.past_networks import NetworkReplicas, earlier, spread
from ganwidgets.stepping.runtime.ambient import pinned

__all__ = ["AMOUNTS", "DIRECTIONS", "STEPS", "Earlier", "Exhibits", "Explorer", "Read", "Ways"]

Bytes = npt.NDArray[np.uint8]

STEPS = 9
"""Number of pictures of a walk, both ends included."""

AMOUNTS = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
"""Distances along a direction, in standard deviations of Gaussian noise."""

DIRECTIONS = 5
"""Number of strongest directions to choose from."""

EARLIER = 9
"""Maximum number of pictures of the past."""

REMEMBERED = 256
"""Number of cached pictures of the past."""


@dataclass(frozen=True)
class Exhibits:
    """The displayed samples.

    Attributes
    ----------
    count : int
    labels : int64 array [count] or None
        Label of each sample.
    """

    count: int
    labels: npt.NDArray[np.int64] | None

    def label(self, index: int) -> int | None:
        """Return the label of one sample."""
        return None if self.labels is None else int(self.labels[index])


@dataclass(frozen=True)
class Ways:
    """Pictures of other noise, uint8 ``[n, H, W]`` or ``[n, H, W, 3]``; None if not requested.

    Attributes
    ----------
    walk : uint8 array [9, ...] or None
        On the way from one sample to another.
    line : uint8 array [7, ...] or None
        Along a direction from a sample, at :data:`AMOUNTS`.
    moved : uint8 array [1, ...] or None
        At the requested distance along it.
    """

    walk: Bytes | None
    line: Bytes | None
    moved: Bytes | None


@dataclass(frozen=True)
class Earlier:
    """One sample at past moments.

    Attributes
    ----------
    iterations : tuple of int
        The moments, earliest first, without the present.
    pictures : uint8 array [n, ...] or None
        None without snapshots.
    """

    iterations: tuple[int, ...]
    pictures: Bytes | None


@dataclass(frozen=True)
class Neighbor:
    """The real image nearest to a sample, by pixels.

    Attributes
    ----------
    picture : uint8 array [1, ...]
    distance : float
        Distance between the two.
    typical : float
        Distance between a real image and its own nearest neighbour.
    """

    picture: Bytes
    distance: float
    typical: float


@dataclass(frozen=True)
class Read:
    """Images as features.

    Attributes
    ----------
    name : str
        Name of the features; translatable.
    features : float32 array [n, F]
    """

    name: str
    features: npt.NDArray[np.float32]


class Explorer:
    """Explores the noise and the past of the run of `runner`.

    Parameters
    ----------
    runner : Runner
        The run.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._directions: tuple[object, Tensor] | None = None
        self._copies: tuple[object, NetworkReplicas] | None = None
        self._past: OrderedDict[tuple[int, int, int, int | None], tuple[weakref.ref[Snapshot], Bytes]] = (
            OrderedDict()
        )

    # --- other noise ----------------------------------------------------------------------------

    def ways(
        self, exhibits: Exhibits, chosen: Sequence[int], direction: str = "", amount: float = 0.0
    ) -> Ways:
        """Return pictures of the noise around the selected samples.

        Parameters
        ----------
        exhibits : Exhibits
        chosen : sequence of int
            One or two samples.
        direction : str
            ``"strongest 0"`` or ``"coordinate 0"``, counted from 0, or empty.
        amount : float
            Distance along it.
        """
        if len(chosen) < 2 and not direction:
            return Ways(None, None, None)
        now = self._frozen_run()
        noise = now.settings.noise
        with pinned(now.run.threads, now.run.state.device):
            known = latents(now, exhibits.count, SEED)
            start = known[chosen[0]]
            parts = []
            if len(chosen) > 1:
                parts.append(between(noise, start, known[chosen[1]], STEPS))
            if direction:
                strong = self._strong(now, exhibits, chosen[0]) if direction.startswith("strongest") else None
                way = _direction(direction, len(start), strong)
                parts.append(along(noise, start, way, torch.tensor([*AMOUNTS, amount])))
            made = sample_from(now, torch.cat(parts), exhibits.label(chosen[0]))
            pictures = packed(now.run.source.modality.picture(made.numpy()))
        walk = pictures[: len(parts[0])] if len(chosen) > 1 else None
        line = pictures[-len(parts[-1]) : -1] if direction else None
        return Ways(walk, line, pictures[-1:] if direction else None)

    def forget_directions(self) -> None:
        """Discard the strongest directions; the next request computes them anew."""
        self._directions = None

    def _frozen_run(self) -> FrozenRun:
        session = self._runner.trainer._session
        return self._runner.look(partial(frozen_run_of, session))

    def _strong(self, now: FrozenRun, exhibits: Exhibits, index: int) -> Tensor:
        """Return the strongest directions at a sample, cached so that a path along one stays straight."""
        label = exhibits.label(index)
        key = (self._runner.trainer._session.run, exhibits.count, index, label)
        if self._directions is None or self._directions[0] != key:
            latent = latents(now, exhibits.count, SEED)[index]
            made = partial(sample_from, now, labels=label)
            self._directions = key, strongest(latent, made, DIRECTIONS)
        return self._directions[1]

    def neighbor(self, exhibits: Exhibits, index: int) -> Neighbor:
        """Return the real image nearest to a sample."""
        trainer = self._runner.trainer
        sample = trainer.sample(exhibits.count, SEED, exhibits.labels)[index : index + 1]
        found = trainer.neighbors(sample, 1, "pixels")
        return Neighbor(packed(found.images[0].numpy()), float(found.distances[0, 0]), found.typical)

    # --- features ------------------------------------------------------------------------------

    def features_of(self, images: npt.NDArray[np.float32]) -> Read:
        """Return images ``[n, C, H, W]`` in [0, 1] as the run's metric features."""
        session = self._runner.trainer._session
        features = Evaluation(session, self._runner.look).features()
        with pinned(session.run.threads, session.run.state.device):
            seen = read(features, torch.from_numpy(images)).features
        return Read(features.name, np.asarray(seen.cpu().numpy(), np.float32))

    # --- the past -------------------------------------------------------------------------------

    def earlier(self, exhibits: Exhibits, index: int) -> Earlier:
        """Return one sample at past moments on the path to the current state."""
        session = self._runner.trainer._session
        now, kept = self._runner.look(lambda: (frozen_run_of(session), spread(earlier(session), EARLIER)))
        found = [
            (snapshot.place.iteration, picture)
            for snapshot in kept
            if (picture := self._picture(now, snapshot, exhibits, index)) is not None
        ]
        while len(self._past) > REMEMBERED:
            self._past.popitem(last=False)
        pictures = np.concatenate([picture for _, picture in found]) if found else None
        return Earlier(tuple(iteration for iteration, _ in found), pictures)

    def _picture(self, now: FrozenRun, snapshot: Snapshot, exhibits: Exhibits, index: int) -> Bytes | None:
        key = id(snapshot), exhibits.count, index, exhibits.label(index)
        known = self._past.get(key)
        if known is None or known[0]() is not snapshot:
            copies = self._runner.look(partial(self._played, snapshot))
            if copies is None:
                return None
            label = None if exhibits.labels is None else [exhibits.label(index)]
            with pinned(now.run.threads, now.run.state.device):
                noise = latents(now, exhibits.count, SEED)[index : index + 1]
                made = sample_from(now, noise, label, network=copies.generator)
            known = self._past[key] = (
                weakref.ref(snapshot),
                packed(now.run.source.modality.picture(made.numpy())),
            )
        self._past.move_to_end(key)
        return known[1]

    def _played(self, snapshot: Snapshot) -> NetworkReplicas | None:
        """Return copies of the networks at `snapshot`; None if it was discarded."""
        session = self._runner.trainer._session
        if self._copies is None or self._copies[0] is not session.run:
            self._copies = session.run, NetworkReplicas(session)
        copies = self._copies[1]
        return copies if copies.play(snapshot) else None


def _direction(name: str, dimensions: int, strong: Tensor | None) -> Tensor:
    number = int(name.split()[1])
    if strong is not None:
        return strong[min(number, len(strong) - 1)]
    return torch.eye(dimensions)[min(number, dimensions - 1)]
