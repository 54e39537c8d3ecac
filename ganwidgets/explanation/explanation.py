"""Explanation of one iteration: its losses, gradients, samples, and two counterfactuals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from ganwidgets.explanation.rerun import EditedError, Rerun, place_before
from ganwidgets.messages import Message, N_
from ganwidgets.modality import Modality
from ganwidgets.runs.inspect.substeps import SubStep
from ganwidgets.runs.record.interventions import Intervention, is_update
from ganwidgets.runs.record.places import Position
from ganwidgets.runs.session.session import Session
from ganwidgets.runs.timeline.copies import unnoticed
from ganwidgets.stepping.engine import NonFiniteError

__all__ = ["Counterfactual", "Explanation", "LayerGradient", "Update", "explained"]

USUAL = 30
"""Number of preceding iterations that define the usual gradients."""

FEWEST = 5
"""Minimum number of preceding iterations for a usual range."""

AFTER = 10
"""Number of following iterations that the counterfactuals cover."""

REACH = 1000
"""Maximum distance, in iterations, to an intervention that a counterfactual leaves out."""

WIDER = 1.5
"""A gradient norm is unusual if it is outside [low / 1.5, high * 1.5] of the iterations before."""

COSTLIEST = 8

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LayerGradient:
    """The gradient of one layer in the last update of its network.

    Attributes
    ----------
    network, layer : str
    norm : float
        Euclidean norm over the layer's parameters, before clipping.
    usual : (float, float)
        Lowest and highest norm over the iterations before; NaN if there are fewer than :data:`FEWEST`.
    """

    network: str
    layer: str
    norm: float
    usual: tuple[float, float]

    @property
    def unusual(self) -> bool:
        """True if the norm is outside the usual range widened by a factor of 1.5."""
        low, high = self.usual
        return bool(self.norm > WIDER * high or self.norm < low / WIDER)


@dataclass(frozen=True, eq=False)
class Update:
    """One recomputed update of the iteration.

    Attributes
    ----------
    network : str
    number : int
        Index among the network's updates in the iteration, from 1.
    loss : float or None
    frozen, skipped : bool
    noise : Tensor [N, latent_dim]
    real, generated : Tensor [N, ...] or None
        In display units.
    labels : Tensor or None
    cost_real, cost_generated : Tensor [N] or None
        Loss of the network on each sample minus its loss on the sample with the median logit. None if the loss
        does not depend on these samples.
    """

    network: str
    number: int
    loss: float | None
    frozen: bool
    skipped: bool
    noise: Tensor
    real: Tensor | None
    generated: Tensor | None
    labels: Tensor | None
    cost_real: Tensor | None
    cost_generated: Tensor | None


@dataclass(frozen=True, eq=False)
class Counterfactual:
    """The recorded losses, and the losses without one cause.

    Attributes
    ----------
    without : str
        The cause that was left out.
    iterations : int array [n]
        From the explained iteration on.
    actual, otherwise : mapping of str to float64 array [n]
        The loss of each player, such as ``loss_d``; NaN where the run has no number.
    """

    without: str
    iterations: npt.NDArray[np.int64]
    actual: Mapping[str, Floats]
    otherwise: Mapping[str, Floats]

    def __repr__(self) -> str:
        parts = [
            f"{name} {values[0]:.4g} -> {self.otherwise[name][0]:.4g}" for name, values in self.actual.items()
        ]
        return f"<Without {self.without}: {', '.join(parts)} at iteration {self.iterations[0]}>"


@dataclass(frozen=True, eq=False)
class Explanation:
    """Analysis of one iteration; returned by :meth:`GANTrainer.explain`.

    Attributes
    ----------
    iteration : int
    losses : mapping of str to float
        The loss of each player in this iteration, as recorded.
    usual_losses : mapping of str to (float, float)
        Their lowest and highest value over the iterations before.
    updates : tuple of Update
        In order of execution.
    layers : tuple of LayerGradient
    last_intervention : Intervention or None
        The last one in force before this iteration.
    without_batch : Counterfactual
        With the next real samples instead of this iteration's batch.
    without_intervention : Counterfactual or None
        Without the last intervention and those applied with it; None if there is none, or if it cannot be left out.
    equal : bool
        True if the replay reproduced the recorded losses bit for bit.
    modality : Modality
        The kind of data.
    """

    iteration: int
    losses: Mapping[str, float]
    usual_losses: Mapping[str, tuple[float, float]]
    updates: tuple[Update, ...]
    layers: tuple[LayerGradient, ...]
    last_intervention: Intervention | None
    without_batch: Counterfactual
    without_intervention: Counterfactual | None
    equal: bool
    modality: Modality

    @property
    def real(self) -> Tensor | None:
        """The real batch of the last update with a real batch."""
        return next((each.real for each in reversed(self.updates) if each.real is not None), None)

    @property
    def noise(self) -> Tensor:
        """The latents of the last update, [N, latent_dim]."""
        return self.updates[-1].noise

    def costliest(self, n: int = COSTLIEST) -> dict[str, Tensor]:
        """Return the `n` samples with the highest cost for D, real and generated, highest first."""
        found = {}
        for update in self.updates:
            if update.network != "discriminator":
                continue
            for name, samples, costs in (
                ("real", update.real, update.cost_real),
                ("generated", update.generated, update.cost_generated),
            ):
                if samples is not None and costs is not None and len(costs) == len(samples):
                    found[name] = samples[costs.argsort(descending=True)[:n]]
        return found

    def sentences(self) -> list[Message]:
        """Return the findings as sentences."""
        messages = []
        for name, value in self.losses.items():
            low, high = self.usual_losses[name]
            known = math.isfinite(low)
            messages.append(
                Message(
                    N_("{name} {value}, usually {low} to {high}") if known else N_("{name} {value}"),
                    name=name,
                    value=f"{value:.4g}",
                    low=f"{low:.4g}",
                    high=f"{high:.4g}",
                )
            )
        unusual = [f"{each.network}.{each.layer}" for each in self.layers if each.unusual]
        if not any(math.isfinite(each.usual[0]) for each in self.layers):
            messages.append(Message("too few iterations come before it to know which gradients are usual"))
        elif unusual:
            messages.append(Message("unusual gradients in {layers}", layers=", ".join(unusual)))
        else:
            messages.append(Message("gradients are as usual in all layers"))
        if self.last_intervention is not None:
            messages.append(
                Message(
                    "last change before it: {setting} {old} to {new} after iteration {iteration}",
                    setting=self.last_intervention.setting,
                    old=self.last_intervention.old,
                    new=self.last_intervention.new,
                    iteration=self.last_intervention.iteration,
                )
            )
        others = [
            self.without_batch,
            *([] if self.without_intervention is None else [self.without_intervention]),
        ]
        messages += [
            Message(
                "without {what}: {losses}",
                what=other.without,
                losses=", ".join(f"{name} {values[0]:.4g}" for name, values in other.otherwise.items()),
            )
            for other in others
        ]
        return messages

    def __repr__(self) -> str:
        return (
            "\n  ".join([f"<Explanation of iteration {self.iteration}:", *map(str, self.sentences())]) + ">"
        )

    def _repr_html_(self) -> str:
        from ganwidgets.explanation.page import explanation_page

        return explanation_page(self)


def explained(session: Session, iteration: Any) -> Explanation:
    """Return the explanation of `iteration`, computed on copies; the run does not change.

    Raises
    ------
    ValueError
        If `iteration` is not on the current branch's path, or cannot be recomputed.
    """
    branches = session.branches
    first = branches.roots[branches.root_of(branches.current)].first.iteration + 1
    last = session.state.iteration
    if last < first:
        raise ValueError(
            Message(
                "iteration {iteration!r} cannot be explained: no step was taken here; call step() first",
                iteration=iteration,
            )
        )
    if isinstance(iteration, bool) or not isinstance(iteration, int) or not first <= iteration <= last:
        raise ValueError(
            Message(
                "iteration {iteration!r} cannot be explained; pass a step that was taken, from {first} to {last}",
                iteration=iteration,
                first=first,
                last=last,
            )
        )
    with unnoticed(session):
        return _explained(session, iteration, first)


def _explained(session: Session, iteration: int, first: int) -> Explanation:
    begin = max(first, iteration - USUAL)
    rerun = Rerun(session, place_before(session, begin))
    norms: dict[tuple[str, str], list[float]] = {}
    for earlier in range(begin, iteration):
        for key, norm in _norms(rerun.observed_step(earlier)).items():
            norms.setdefault(key, []).append(norm)
    seen = int(sum(rerun.state.cursors.values()))
    found = rerun.observed_step(iteration)
    drawn = int(sum(rerun.state.cursors.values())) - seen
    again = rerun._made.run.engine.record
    history = session.history
    losses = {name: float(history[name][iteration - 1]) for name in rerun.columns}
    end = min(session.state.iteration, iteration + AFTER)
    rows = slice(iteration - 1, end)
    actual = {name: history[name][rows] for name in losses}
    places = np.arange(iteration, end + 1)
    led = [r for r in session.log.records(session.state.iteration) if r.iteration < iteration]
    begun = _first_seq(session)
    record = next((r for r in reversed(led) if r.seq >= begun and not is_update(r.setting)), None)
    without_batch = Rerun(session, place_before(session, iteration))
    without_batch.skip_batches(drawn)
    return Explanation(
        iteration=iteration,
        losses=losses,
        usual_losses={name: _ends(history[name][begin - 1 : iteration - 1]) for name in losses},
        updates=tuple(_update(session, each) for each in found),
        layers=tuple(
            LayerGradient(network, layer, norm, _ends(np.array(norms.get((network, layer), []))))
            for (network, layer), norm in _norms(found).items()
        ),
        last_intervention=record,
        without_batch=Counterfactual(
            Message("this batch"), places, actual, without_batch.losses(iteration, end)
        ),
        without_intervention=_without(session, record, iteration, end, places, actual),
        equal=all(again[name] == value for name, value in losses.items()),
        modality=session.run.source.modality,
    )


def _first_seq(session: Session) -> int:
    """Return the first intervention number since the last fresh start."""
    branches = session.branches
    return branches.roots[branches.root_of(branches.current)].first.seq


def _without(
    session: Session,
    record: Intervention | None,
    iteration: int,
    end: int,
    places: npt.NDArray[np.int64],
    actual: Mapping[str, Floats],
) -> Counterfactual | None:
    if (
        record is None
        or iteration - record.iteration > REACH
        or record.setting not in session.settings.as_dict()
    ):
        return None
    line = session.branches.lineage(session.branches.current, session.log.everything)
    together = [r for r in line if (r.iteration, r.samples_seen) == (record.iteration, record.samples_seen)]
    left_out = {r.seq for r in together if not is_update(r.setting)}
    before = Position(session.branches.current, record.iteration, min(left_out))
    rerun = Rerun(session, before, left_out)
    try:
        for earlier in range(record.iteration + 1, iteration):
            rerun.step(earlier)
    except (EditedError, NonFiniteError):
        return None
    what = ", ".join(f"{r.setting} {r.old} -> {r.new}" for r in together if r.seq in left_out)
    return Counterfactual(what, places, actual, rerun.losses(iteration, end))


def _ends(values: Floats) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if len(finite) >= FEWEST else (math.nan, math.nan)


def _norms(updates: list[SubStep]) -> dict[tuple[str, str], float]:
    """Return the gradient norm of each layer in the last update of its network."""
    found: dict[tuple[str, str], float] = {}
    for update in updates:
        if update.gradients is None:
            continue
        squares: dict[str, float] = {}
        for name, gradient in update.gradients.parameters.items():
            layer = name.rpartition(".")[0] or name
            squares[layer] = squares.get(layer, 0.0) + float(gradient.double().square().sum())
        found.update(((update.network, layer), square**0.5) for layer, square in squares.items())
    return found


def _update(session: Session, found: SubStep) -> Update:
    real, generated = session.state.game.sample_costs(
        found.network, _flat(found.real_logits), _flat(found.fake_logits), session.in_force()
    )
    return Update(
        network=found.network,
        number=found.number,
        loss=found.loss,
        frozen=found.frozen,
        skipped=found.skipped,
        noise=found.noise,
        real=found.real,
        generated=found.generated,
        labels=found.labels,
        cost_real=real,
        cost_generated=generated,
    )


def _flat(logits: Tensor | None) -> Tensor | None:
    return None if logits is None else logits.reshape(-1)
