"""The duality gap: a run's distance from an equilibrium.

Let V(D, G) be minus the loss of D, without its penalty, so that D maximises V and G minimises it. The duality gap is
``max_D' V(D', G) - min_G' V(D, G')``. It is at least 0, and 0 exactly at an equilibrium (Grnarova, Levy, Lucchi,
Perraudin, Goodfellow, Hofmann and Krause, "A domain agnostic measure for monitoring and evaluating GANs", NeurIPS
2019). Both best responses are approximated from below by k updates of one network, on an exact copy of the run with the
current settings. An estimate can therefore be smaller than the gap, and even negative.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ganwidgets.diagnosis.signals import Series
from ganwidgets.errors import DivergedError
from ganwidgets.runs.inspect.sampling import generated_by, judged_by
from ganwidgets.runs.record.interventions import CODE
from ganwidgets.runs.record.places import Position
from ganwidgets.runs.session.session import Session
from ganwidgets.runs.timeline.copies import copy_at, copy_here
from ganwidgets.runs.timeline.past_networks import earlier, spread
from ganwidgets.seeds import seeded

__all__ = ["gap_curve", "gap_of"]


def gap_of(start: Session, steps: int, n: int, seed: int) -> float:
    """Return the duality gap at the state of `start`, which does not change.

    Parameters
    ----------
    start : Session
        A run that no other thread trains, such as a copy.
    steps : int
        Number of updates for each best response.
    n : int
        Number of real and generated samples for V, the same for both.
    seed : int
        Seed of these samples.

    Returns
    -------
    float
        Infinite if a best response diverges.
    """
    values = []
    for player in ("discriminator", "generator"):
        answer = copy_here(start)
        answer.change({"freeze_d": False, "freeze_g": False}, CODE)
        try:
            answer.updates.advance(player, steps, lambda: False, CODE)
        except DivergedError:
            return float("inf")
        values.append(_value(answer, n, seed))
    return values[0] - values[1]


def _value(session: Session, n: int, seed: int) -> float:
    networks = session.state.networks
    real = session.run.source.draw(n, seeded(seed, "duality gap"))
    shown = generated_by(session, networks["generator"], n, seed)
    fake = session.run.source.modality.trained(shown)
    judge = networks["discriminator"]
    loss = session.loss.loss_d(judged_by(session, judge, real), judged_by(session, judge, fake))
    return -float(loss)


def gap_curve(session: Session, points: int, steps: int, n: int, seed: int) -> Series:
    """Return the duality gap at up to `points` past snapshots and now; only copies are trained."""
    past: Sequence[Position] = [snapshot.place for snapshot in earlier(session)]
    chosen = spread(past, max(0, points - 1)) if points > 1 else []
    iterations: list[int] = []
    values: list[float] = []
    for copied in (*(copy_at(session, place) for place in chosen), copy_here(session)):
        iterations.append(copied.state.iteration)
        values.append(gap_of(copied, steps, n, seed))
    found: npt.NDArray[np.float64] = np.array(values)
    return Series(np.array(iterations, np.int64), found)
