"""A question to the class: predictions, drawn curves, and their comparison with the outcome."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ganwidgets.lessons import Lesson, Outcome
from ganwidgets.messages import Message
from ganwidgets.trainer.trainer import GANTrainer
from ganwidgets.widgets.classroom.columns import filled

__all__ = ["DRAWN", "Question"]

DRAWN = 32
"""Number of values of a drawn curve, evenly spaced over the experiment."""

LARGEST = 1e9
"""Maximum magnitude of a drawn value; sums of values stay finite."""


class Question:
    """The question of a lesson, with the answers of a class; thread-safe.

    Parameters
    ----------
    lesson : Lesson
    column : str
        The column of the history that students may draw.
    axis : tuple of float
        Minimum and maximum value of drawn curves.

    Attributes
    ----------
    lesson : Lesson
    column : str
    axis : tuple of float
        Minimum and maximum value of drawn curves.
    outcome : Outcome or None
        The result of the experiment; None before.
    actual : tuple of float
        The actual curve, resampled to `DRAWN` values; empty before the experiment.
    """

    def __init__(self, lesson: Lesson, column: str, axis: tuple[float, float]) -> None:
        self.lesson = lesson
        self.column, self.axis = column, axis
        self.outcome: Outcome | None = None
        self.actual: tuple[float, ...] = ()
        self._lock = threading.Lock()
        self._answers: dict[str, int] = {}
        self._drawings: dict[str, tuple[float, ...]] = {}

    def answer(self, identity: str, index: Any) -> None:
        """Store the prediction of `identity`; it can be changed until the experiment runs."""
        if type(index) is not int or not 0 <= index < len(self.lesson.answers):
            raise ValueError(
                Message(
                    "there is no answer {index!r}; there are {count}",
                    index=index,
                    count=len(self.lesson.answers),
                )
            )
        self._refuse_late()
        with self._lock:
            self._answers[identity] = index

    def draw(self, identity: str, values: Sequence[Any]) -> None:
        """Store the curve that `identity` expects."""
        if len(values) != DRAWN or not all(
            isinstance(value, (int, float)) and not isinstance(value, bool) and -LARGEST <= value <= LARGEST
            for value in values
        ):
            raise ValueError(Message("a drawn curve has {count} finite numbers", count=DRAWN))
        self._refuse_late()
        with self._lock:
            self._drawings[identity] = tuple(float(value) for value in values)

    def _refuse_late(self) -> None:
        if self.outcome is not None:
            raise ValueError(Message("the experiment was carried out already"))

    @property
    def predictions(self) -> Mapping[str, int]:
        """Number of people who chose each answer."""
        with self._lock:
            chosen = list(self._answers.values())
        return {answer: chosen.count(index) for index, answer in enumerate(self.lesson.answers)}

    def carry_out(self, trainer: GANTrainer) -> Outcome:
        """Carry out the experiment; the most frequent answer is stored with the run as its prediction."""
        predictions = self.predictions
        self.outcome = self.lesson.carry_out(
            trainer, max(predictions, key=lambda answer: predictions[answer])
        )
        happened = filled(trainer.history[self.column])[-self.lesson.steps :]
        places = np.linspace(0, len(happened) - 1, DRAWN)
        self.actual = tuple(float(value) for value in np.interp(places, np.arange(len(happened)), happened))
        return self.outcome

    def gaps(self) -> dict[str, float]:
        """Return the mean absolute error of each drawn curve by identity; empty before the experiment."""
        if not self.actual:
            return {}
        with self._lock:
            drawings = dict(self._drawings)
        return {
            identity: float(np.mean(np.abs(np.subtract(drawn, self.actual))))
            for identity, drawn in drawings.items()
        }

    def rows(self) -> list[tuple[str, str, str]]:
        """Return identity, kind and content of each answer, drawing and gap."""
        with self._lock:
            answers, drawings = dict(self._answers), dict(self._drawings)
        return [
            *((identity, "answer", self.lesson.answers[index]) for identity, index in answers.items()),
            *(
                (identity, "drawing", " ".join(f"{v:g}" for v in drawn))
                for identity, drawn in drawings.items()
            ),
            *((identity, "gap", f"{gap:g}") for identity, gap in self.gaps().items()),
        ]
