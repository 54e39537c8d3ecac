"""Where the images of a run that goes on are judged, aside."""

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
"""Numbers in an image above which, and how many images at most, are made and judged each time."""


@dataclass(frozen=True)
class JudgedImages:
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
    shares : mapping of int to (float, float)
        For each class its share of the generated images, as it is read, and of the data; empty where the features
        know no classes.
    """

    features: str
    help: str
    trend_only: bool
    generated: int
    compared: int
    shares: Mapping[int, tuple[float, float]]


class ImageEvaluator:
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
    judged : JudgedImages or None
        What figures are measured on; None until the features are there.
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
        """The choice of features by its name, ``own`` for a module."""
        if isinstance(self.asked, Path):
            return "inception"
        return self.asked if isinstance(self.asked, str) else "own"

    def figures(self, samples: Callable[[int], Tensor]) -> Mapping[str, float]:
        """Return the figures of what `samples` makes; the first time this may take seconds."""
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
        return {**figures, **own_figures("images", made.numpy(), judge.reference().numpy())}

    def floors(self) -> Mapping[str, float]:
        """Return what perfect images score."""
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
