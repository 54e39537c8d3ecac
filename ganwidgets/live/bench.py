"""Where the images of a run that goes on are judged, aside."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import Tensor

from ..runs.evaluation import Evaluation
from .measuring import SEED

if TYPE_CHECKING:
    from ..runs.judging import Judge
    from ..runs.session import Session

__all__ = ["Bench", "Judged"]

LARGE, FEW = 32 * 32 * 3, 1000
"""Numbers in an image above which, and how many images at most, are made and judged each time."""


@dataclass(frozen=True)
class Judged:
    """What figures of images were measured on.

    Attributes
    ----------
    features, help : str
        What these are called, and one sentence on what they are worth; to be translated.
    trend_only : bool
        Whether the figures say no more than whether this run gets better.
    generated : int
        Images that were judged.
    compared : int
        How many of them were compared with as many real ones.
    """

    features: str
    help: str
    trend_only: bool
    generated: int
    compared: int


class Bench:
    """Judges the images of one run on the features that are chosen when it begins.

    Parameters
    ----------
    session : Session
    between : callable
        Carries out a function between two steps, and returns what it returns.

    Attributes
    ----------
    asked : str, Path or nn.Module
        The choice of features.
    judged : Judged or None
        What figures are measured on; None until the features are there.
    """

    def __init__(self, session: Session, between: Callable[[Callable[[], Any]], Any]) -> None:
        self.asked = session.features
        self.judged: Judged | None = None
        self._evaluation = Evaluation(session, between)
        self._size = math.prod(session.run.source.shape)
        self._judge: Judge | None = None
        self._lock = threading.Lock()

    def figures(self, samples: Callable[[int], Tensor]) -> Mapping[str, float]:
        """Return the figures of what `samples` makes; the first time this may take seconds."""
        judge = self._ready()
        return judge.figures(samples(judge.n))

    def floors(self) -> Mapping[str, float]:
        """Return what perfect images score."""
        return self._ready().floors

    def _ready(self) -> Judge:
        with self._lock:
            if self._judge is None:
                features = self._evaluation.features(self.asked)
                n = features.live_samples if self._size <= LARGE else min(features.live_samples, FEW)
                self._judge = self._evaluation.judge(n, SEED, self.asked)
                self.judged = Judged(
                    features=features.name,
                    help=features.help,
                    trend_only=features.trend_only,
                    generated=n,
                    compared=self._judge.count,
                )
            return self._judge
