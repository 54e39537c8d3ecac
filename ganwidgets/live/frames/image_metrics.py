"""Image metrics of a live run, measured in another thread."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from ganwidgets.live.frames.metric_sampler import SEED
from ganwidgets.metrics import own_figures
from ganwidgets.runs.inspect.sampling import labels_asked
from ganwidgets.runs.quality.evaluation import Evaluation

if TYPE_CHECKING:
    from ganwidgets.runs.quality.image_judge import Judge
    from ganwidgets.runs.session.session import Session

__all__ = ["ImageEvaluator", "JudgedImages"]

LARGE, FEW = 32 * 32 * 3, 1000
"""Threshold of numbers in an image, and the number of images measured beyond it."""


@dataclass(frozen=True)
class JudgedImages:
    """Basis of image metrics.

    Attributes
    ----------
    features, help : str
        Name of the features, and one sentence on their reliability; translatable.
    trend_only : bool
        True if the figures only show the trend within this run.
    generated : int
        Number of generated images.
    compared : int
        Number of generated images compared with as many real ones.
    shares : mapping of int to (float, float)
        For each class its share of the generated images, as classified, and of the data; empty if the features have no
        classes.
    """

    features: str
    help: str
    trend_only: bool
    generated: int
    compared: int
    shares: Mapping[int, tuple[float, float]]


class ImageEvaluator:
    """Measures the images of one run with the features chosen at its start.

    Parameters
    ----------
    session : Session
    between : callable
        Runs a function between two steps, and returns its result.

    Attributes
    ----------
    asked : str, Path or nn.Module
        The choice of features.
    judged : JudgedImages or None
        Basis of the metrics; None until the features are ready.
    """

    def __init__(self, session: Session, between: Callable[[Callable[[], Any]], Any]) -> None:
        self.asked = session.features
        self.judged: JudgedImages | None = None
        self._evaluation = Evaluation(session, between)
        self._run = session.run
        self._size = math.prod(session.run.source.shape)
        self._judge: Judge | None = None
        self._lock = threading.Lock()

    @property
    def called(self) -> str:
        """Name of the chosen features; ``own`` for a module."""
        if isinstance(self.asked, Path):
            return "inception"
        return self.asked if isinstance(self.asked, str) else "own"

    def figures(self, samples: Callable[[int], Tensor]) -> Mapping[str, float]:
        """Return the metrics of images from `samples`; the first call may take seconds."""
        judge = self._ready()
        made = samples(judge.n)
        reading = judge.reading(made)
        figures = judge.figures_of(reading, labels_asked(self._run, judge.n, SEED))
        self.judged = JudgedImages(
            features=judge.features.name,
            help=judge.features.help,
            trend_only=judge.features.trend_only,
            generated=judge.n,
            compared=judge.count,
            shares=judge.shares(reading) if judge.knows_classes else {},
        )
        return {**figures, **own_figures(self._run.source.kind, made.numpy(), judge.reference().numpy())}

    def floors(self) -> Mapping[str, float]:
        """Return the scores of perfect images."""
        floors = dict(self._ready().floors)
        if labels_asked(self._run, 1, SEED) is None:
            floors.pop("as_asked", None)
        return floors

    def _ready(self) -> Judge:
        with self._lock:
            if self._judge is None:
                features = self._evaluation.features(self.asked)
                n = features.live_samples if self._size <= LARGE else min(features.live_samples, FEW)
                self._judge = self._evaluation.judge(n, SEED, self.asked)
            return self._judge
