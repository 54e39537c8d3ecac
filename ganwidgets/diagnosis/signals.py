"""Signals for findings: recorded columns, and bounded probes of network copies.

Probes use copies of the networks at the run's snapshots, fixed latents, fixed real samples, and their own random
generators. They do not change the run. A probe of one moment costs two forward passes of :data:`SAMPLES` samples.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ganwidgets.data import Source
from ganwidgets.diagnosis.game_signals import probes_of_game
from ganwidgets.games import GAN, Game
from ganwidgets.messages import N_
from ganwidgets.metrics.feature_metrics import ranked_above
from ganwidgets.metrics.spread import DUE
from ganwidgets.runs.inspect.sampling import generated_by, judged_by, overfitting
from ganwidgets.runs.record.snapshots import Snapshot
from ganwidgets.runs.session.rehearsal import rehearsing
from ganwidgets.runs.session.session import Session
from ganwidgets.runs.timeline.past_networks import NetworkReplicas, earlier
from ganwidgets.seeds import seeded
from ganwidgets.stepping.engine import NonFiniteError
from ganwidgets.stepping.observers import NullObserver

__all__ = ["SIGNALS", "WINDOW", "Series", "Signals", "observe", "recorded"]

Floats = npt.NDArray[np.float64]

WINDOW = 500
"""Maximum number of past iterations in a diagnosis, except for the first of its moments."""

MOMENTS = 6
"""Maximum number of earlier probed moments in the window, besides the present."""

SAMPLES = 500
"""Number of real and of generated samples in a probe."""

BINS = 10
"""Number of groups of real samples if their clusters are unknown."""

SEED = 20_141_210
"""Seed of the probes' samples; fixed, so that equal networks give equal signals."""

SIGNALS: Mapping[str, str] = MappingProxyType(
    {
        "loss_d": N_("loss of D, divided by that of a D that cannot decide"),
        "loss_size": N_("size of the losses"),
        "grad_norm_g": N_("norm of G's gradient"),
        "grad_norm_d": N_("norm of D's gradient"),
        "grad_norm": N_("norm of a player's gradient"),
        "certainty": N_("share of samples that D judges correctly, the smaller of both"),
        "separation": N_("probability that D ranks a real sample above a generated one"),
        "served": N_("share of the data's groups that receive samples"),
        "extent": N_("spread of the samples, divided by that of the data"),
        "distance": N_("distance from the data, divided by that of perfect samples"),
        "moved": N_("movement of the samples since the moment before, per 100 iterations"),
        "swing": N_("share of the movement that leads nowhere"),
        "memorised": N_("probability that D ranks a training sample above a new one"),
        "layer_ratio": N_("gradient of the first layer, divided by that of the last"),
        "dead_units": N_("share of units that are 0 for every sample"),
        "no_effect": N_("settings without effect"),
    }
)
"""Description of every signal."""


@dataclass(frozen=True)
class Series:
    """A signal over time.

    Attributes
    ----------
    iterations : int array [T]
        Ascending.
    values : float array [T]
    """

    iterations: npt.NDArray[np.int64]
    values: Floats

    def __len__(self) -> int:
        return len(self.values)


NO_SERIES = Series(np.empty(0, np.int64), np.empty(0))


@dataclass(frozen=True)
class Signals:
    """Input of a diagnosis.

    Attributes
    ----------
    iteration : int
        The current iteration.
    kind : str
        Of the data.
    settings : mapping
        Current values.
    columns : mapping of str to Series
        Recorded values of the window, without NaN.
    probes : mapping of str to Series
        Signals of the probed moments, the present last.
    epochs : float
        Number of times each real sample was drawn; NaN for data without end.
    touched : mapping of str to int
        Settings that the user changed during the run, with the iteration of the last change.
    initial : mapping
        Settings at iteration 0, with which the run was made.
    game : Game
    """

    iteration: int
    kind: str
    settings: Mapping[str, Any]
    columns: Mapping[str, Series]
    probes: Mapping[str, Series]
    epochs: float = math.nan
    touched: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    initial: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    game: Game = field(default_factory=GAN)

    def __getitem__(self, name: str) -> float:
        """Return the latest value of a signal, or the iteration; NaN if the signal was not measured."""
        if name == "iteration":
            return self.iteration
        values = self.series(name).values
        return float(values[-1]) if len(values) else math.nan

    def series(self, name: str) -> Series:
        """Return a signal by name; an empty one if it was not measured."""
        return self.probes.get(name, self.columns.get(name, NO_SERIES))


def observe(session: Session, at: int | None = None) -> Signals:
    """Return the signals of a run now, or after iteration `at`; call this between two steps.

    For the past, only snapshots are probed, and gradients by layer are unknown.
    """
    seen = recorded(session, at)
    now = session.state.iteration
    past = at is not None and at < now
    probe = _moments if session.state.game.from_noise else _exhibits
    probes = probe(session, seen.iteration, past=past)
    if not past:
        probes |= _layers(session, now)
    return replace(seen, probes=probes)


def recorded(session: Session, at: int | None = None) -> Signals:
    """Return the signals of recorded columns alone."""
    session.roll_back()
    now = session.state.iteration if at is None else at
    made = [
        r
        for r in session.log.records(session.state.iteration, session.state.samples_seen)
        if r.iteration <= now
    ]
    size = session.run.training.size
    return Signals(
        iteration=now,
        kind=session.run.source.kind,
        settings=_settings_at(session, now),
        columns=_columns(session, now),
        probes={},
        epochs=math.nan if size is None else session.state.samples_seen / size,
        touched={r.setting: r.iteration for r in made if r.setting in session.settings.definitions},
        initial=_settings_at(session, 0),
        game=session.state.game,
    )


def _settings_at(session: Session, at: int) -> dict[str, Any]:
    """Return the settings in force after iteration `at`."""
    values = dict(vars(session.in_force()))
    if at < session.state.iteration:
        for record in reversed(session.log.records(session.state.iteration, session.state.samples_seen)):
            if (
                record.iteration >= at
                and record.setting in session.settings.definitions
                and session.settings.definitions[record.setting].effect != "fresh start"
            ):
                values[record.setting] = record.old
    return values


# --- recorded -------------------------------------------------------------------------------------


def _columns(session: Session, now: int) -> dict[str, Series]:
    history = session.history
    found = {}
    for name in history:
        if name == "iteration":
            continue
        values = np.asarray(history[name], dtype=np.float64)[max(0, now - WINDOW) : now]
        iterations = np.arange(max(0, now - WINDOW) + 1, max(0, now - WINDOW) + len(values) + 1)
        known = np.isfinite(values)
        if known.any():
            found[name] = Series(iterations[known], values[known])
    return found


# --- probed moments -------------------------------------------------------------------------------


class _Reference:
    """Real samples and reference values for comparisons; computed once for each source."""

    def __init__(self, source: Source) -> None:
        half = source.draw(2 * SAMPLES, seeded(SEED, "reference")).reshape(2 * SAMPLES, -1).double().numpy()
        self.real, other = half[:SAMPLES], half[SAMPLES:]
        self.scale = float(np.sqrt(half.var(axis=0).sum())) or 1.0
        directions = torch.randn(half.shape[1], 64, generator=seeded(SEED, "directions")).double().numpy()
        self._directions = directions / np.linalg.norm(directions, axis=0)
        self._sorted = np.sort(self.real @ self._directions, axis=0)
        self.floor = self.sliced(other) or 1.0
        if source.modes is not None:
            self._centers = source.modes.centers.double().numpy()
            self._deviations = source.modes.deviations.double().numpy()
            self.weights = source.modes.weights.double().numpy()
        else:
            self._centers, self.weights = _groups(half)
            self._deviations = np.ones_like(self._centers)
        self.groups = len(self._centers)

    def sliced(self, samples: Floats) -> float:
        """Return the sliced 1-Wasserstein distance from the real samples."""
        return float(np.abs(np.sort(samples @ self._directions, axis=0) - self._sorted).mean())

    def served(self, samples: Floats) -> float:
        """Return the share of groups with at least a fifth of their expected samples, by nearest centre."""
        squares = (((samples[:, None] - self._centers) / self._deviations) ** 2).sum(axis=2)
        shares = np.bincount(squares.argmin(axis=1), minlength=self.groups) / len(samples)
        return float((shares >= DUE * self.weights / self.weights.sum()).mean())


def _groups(samples: Floats) -> tuple[Floats, Floats]:
    """Return centres [K, F] and weights [K] of k-means groups of `samples` [n, F].

    The share of groups that samples miss is the idea of NDB (Richardson and Weiss, "On GANs and GMMs", 2018).
    """
    from scipy.cluster.vq import kmeans2

    k = min(BINS, len(np.unique(samples, axis=0)))
    centers, labels = kmeans2(samples, k, minit="++", seed=SEED % 2**31)
    counts = np.bincount(labels, minlength=k)
    return centers[counts > 0], counts[counts > 0] / len(samples)


_REFERENCES: weakref.WeakKeyDictionary[Source, _Reference] = weakref.WeakKeyDictionary()


def _reference(source: Source) -> _Reference:
    if source not in _REFERENCES:
        _REFERENCES[source] = _Reference(source)
    return _REFERENCES[source]


def _exhibits(session: Session, now: int, *, past: bool) -> dict[str, Series]:
    """Return the signals of the game's exhibits; those of the past are unknown."""
    probed = {} if past else probes_of_game(session)
    return {name: Series(np.array([now]), np.array([value])) for name, value in probed.items()}


def _moments(session: Session, now: int, *, past: bool) -> dict[str, Series]:
    """Return the signals of generated samples and of D's verdicts at moments of the window."""
    reference = _reference(session.run.source)
    seen_by_d = session.run.source.draw(SAMPLES, seeded(SEED, "judged"))
    replicas = NetworkReplicas(session)
    known = [snapshot for snapshot in earlier(session) if snapshot.place.iteration <= now]
    # A loaded run has few snapshots: the last two are taken even if they are older.
    chosen: list[Snapshot | None] = [s for s in known if s.place.iteration >= now - WINDOW or s in known[-2:]]
    step = max(1, math.ceil(len(chosen) / MOMENTS))
    chosen = chosen[::-step][::-1]
    if not past:
        chosen.append(None)
    rows: list[dict[str, float]] = []
    before: list[tuple[int, Floats]] = []
    for snapshot in chosen:
        if snapshot is None:
            replicas = NetworkReplicas(session)
        elif not replicas.play(snapshot):
            continue
        at = now if snapshot is None else snapshot.place.iteration
        rows.append(_moment(session, replicas, reference, seen_by_d, at, before))
    if not rows:
        return {}
    names = dict.fromkeys(name for row in rows for name in row if name != "iteration")
    found = {}
    for name in names:
        measured = [(row["iteration"], row[name]) for row in rows if name in row]
        found[name] = Series(np.array([int(i) for i, _ in measured]), np.array([v for _, v in measured]))
    for name, value in _present(session, replicas, past=past).items():
        found[name] = Series(np.array([now]), np.array([value]))
    return found


def _moment(
    session: Session,
    replicas: NetworkReplicas,
    reference: _Reference,
    seen_by_d: Tensor,
    at: int,
    before: list[tuple[int, Floats]],
) -> dict[str, float]:
    shown = generated_by(session, replicas.generator, SAMPLES, SEED)
    made = session.run.source.modality.trained(shown)
    row = {"iteration": float(at)}
    samples = made.reshape(len(made), -1).double().numpy()
    if not np.isfinite(samples).all():
        return row
    row["served"] = reference.served(samples)
    row["extent"] = float(np.sqrt(samples.var(axis=0).sum())) / reference.scale
    row["distance"] = reference.sliced(samples) / reference.floor
    real_logits = judged_by(session, replicas.discriminator, seen_by_d)
    fake_logits = judged_by(session, replicas.discriminator, made)
    if bool(real_logits.isfinite().all()) and bool(fake_logits.isfinite().all()):
        row["separation"] = ranked_above(real_logits, fake_logits)
        threshold = session.loss.threshold(real_logits, fake_logits)
        right = (real_logits > threshold).float().mean(), (fake_logits <= threshold).float().mean()
        row["certainty"] = float(min(right))
    if before:
        since, last = before[-1]
        row["moved"] = _apart(last, samples) / reference.scale * 100 / max(1, at - since)
    path = [place for _, place in before[-3:]] + [samples]
    if len(path) > 2:
        legs = [_apart(a, b) for a, b in pairwise(path)]
        row["swing"] = 1 - _apart(path[0], path[-1]) / sum(legs) if sum(legs) > 0 else 0.0
    before.append((at, samples))
    return row


def _apart(one: Floats, other: Floats) -> float:
    """Return the root mean square distance of corresponding samples [n, F]."""
    return float(np.sqrt(((other - one) ** 2).sum(axis=1).mean()))


def _present(session: Session, replicas: NetworkReplicas, *, past: bool) -> dict[str, float]:
    """Return the probes of the last moment only; memorisation only for the present."""
    found: dict[str, float] = {}
    by_heart = {} if past else overfitting(session, SEED)
    if by_heart:
        found["memorised"] = by_heart["overfitting"]
    dead = [_dead_share(session, replicas.generator, "g"), _dead_share(session, replicas.discriminator, "d")]
    known = [share for share in dead if share is not None]
    if known:
        found["dead_units"] = max(known)
    return found


def _dead_share(session: Session, network: nn.Module, role: str) -> float | None:
    """Return the share of units behind `nn.ReLU` that are 0 for every sample; None without such a layer."""
    alive: dict[int, Tensor] = {}

    def note(layer: nn.Module, _inputs: Any, output: Tensor) -> None:
        on = (output > 0).flatten(2).any(dim=2) if output.dim() > 2 else output > 0
        known = alive.get(id(layer))
        any_on = on.any(dim=0)
        alive[id(layer)] = any_on if known is None else known | any_on

    hooks = [layer.register_forward_hook(note) for layer in network.modules() if isinstance(layer, nn.ReLU)]
    if not hooks:
        return None
    try:
        if role == "g":
            generated_by(session, network, SAMPLES, SEED)
        else:
            judged_by(session, network, session.run.source.draw(SAMPLES, seeded(SEED, "judged")))
    finally:
        for hook in hooks:
            hook.remove()
    shares = [1 - float(on.float().mean()) for on in alive.values()]
    return max(shares) if shares else None


# --- gradients by layer ---------------------------------------------------------------------------


class _GradientObserver(NullObserver):
    """Records the gradient norm of each layer."""

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self._parameters = parameters
        self.norms: list[float] = []

    def on_gradients(self, gradients: Sequence[Tensor | None]) -> None:
        # A layer's weight has at least two axes; biases and norms follow it.
        pairs = zip(gradients, self._parameters, strict=True)
        self.norms = [float(g.norm()) for g, p in pairs if g is not None and p.dim() > 1]


def _layers(session: Session, now: int) -> dict[str, Series]:
    """Return the norms of the gradients of the next update by layer, as ``layers_d`` and ``layers_g``."""
    found: dict[str, Series] = {}
    if now == 0:
        return found
    free = {f"freeze_{player.letter}": False for player in session.state.game.players}
    with rehearsing(session, **free, skip_d_below=0.0) as engine:
        for player in engine.game.players:
            parameters = session.state.parameters[player.name]
            if not parameters:
                continue
            observer = engine.observer = _GradientObserver(parameters)
            try:
                engine.advance(player.name, measure=False)
            except NonFiniteError:  # the losses before it show the divergence
                break
            if observer.norms and all(map(math.isfinite, observer.norms)):
                norms = np.array(observer.norms)
                found[f"layers_{player.letter}"] = Series(np.arange(len(norms)), norms)
    return found
