"""A lesson: a question, a prediction, an experiment and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .settings import refuse_unknown
from .starts import begin_pretrained, recommended
from .trainer import GANTrainer

__all__ = ["CHANGED", "UNCHANGED", "Lesson", "Outcome"]

CHANGED, UNCHANGED = "experiment", "unchanged"
"""The branches on which the run goes on with the change and without it."""

SETTLING = 100
"""Steps from a pretrained start to the question."""


@dataclass(frozen=True)
class Outcome:
    """The figures of three moments, each by name: of the last updates, and of quality.

    Attributes
    ----------
    before : mapping
        When the question was asked.
    changed, unchanged : mapping
        After the experiment, and after as many steps without the change.
    branch : str
        The one without the change.
    """

    before: Mapping[str, float]
    changed: Mapping[str, float]
    unchanged: Mapping[str, float]
    branch: str


@dataclass(frozen=True)
class Lesson:
    """What a class is to find out with one experiment.

    Parameters
    ----------
    question : str
        Asked before the experiment.
    answers : tuple of str
        What can be predicted.
    experiment : mapping
        The settings that are changed, by name.
    steps : int
        How many steps the run goes on afterwards, with the change and without it.
    data : str
        A preset, or any data that a trainer takes.
    settings : mapping
        With which the run begins; without any those that are recommended for the preset.
    warm_up : int or "pretrained"
        Steps before the question is asked, or the preset's pretrained start.
    controls : tuple of str
        The controls and buttons that the class sees; the teacher hides the others.
    watch : tuple of str
        The figures to compare, by name: of a record (``loss_d``) or of quality (``modes``).
    title, explanation : str
        Shown above the question, and after the experiment.
    seed : int

    Raises
    ------
    traitlets.TraitError
        For a setting that does not exist.

    Examples
    --------
    >>> lesson = Lesson(
    ...     question="D learns ten times as fast. What will D's loss do?",
    ...     answers=("fall towards 0", "stay where it is", "rise"),
    ...     experiment={"lr_d": 0.02},
    ...     steps=20,
    ...     warm_up=20,
    ...     watch=("loss_d",),
    ... )
    >>> outcome = lesson.carry_out(lesson.start(), "fall towards 0")
    >>> sorted(outcome.changed)
    ['loss_d']
    """

    question: str
    answers: tuple[str, ...]
    experiment: Mapping[str, Any]
    steps: int = 1000
    data: Any = "gaussians"
    settings: Mapping[str, Any] | None = None
    warm_up: int | str = 1000
    controls: tuple[str, ...] = ()
    watch: tuple[str, ...] = ("loss_d", "loss_g")
    title: str = ""
    explanation: str = ""
    seed: int = 0

    def __post_init__(self) -> None:
        refuse_unknown(self.experiment, "the experiment")
        refuse_unknown(self.settings or {}, "the lesson")

    def start(self) -> GANTrainer:
        """Return a trainer that stands where the question is asked."""
        chosen = self.settings
        if chosen is None:
            chosen = recommended(self.data) if isinstance(self.data, str) else {}
        trainer = GANTrainer(self.data, seed=self.seed, **chosen)
        if self.warm_up == "pretrained":
            begin_pretrained(trainer, self.data)
            trainer.step(SETTLING)  # a stored state has no history, and so no losses to compare
        elif self.warm_up:
            trainer.step(int(self.warm_up))
        return trainer

    def carry_out(self, trainer: GANTrainer, prediction: str) -> Outcome:
        """Carry out the experiment on `trainer`, with the change and without it, each on a branch of its own.

        The prediction is kept with the run, as the reason of the change. The trainer then stands at
        the end of the branch with the change.
        """
        before = self.figures(trainer)
        here, branch = trainer.iteration, trainer.timeline.branch
        trainer.timeline.fork(other := _free(trainer, UNCHANGED))
        trainer.step(self.steps)
        unchanged = self.figures(trainer)
        trainer.timeline.switch(branch)
        if trainer.iteration != here:
            trainer.timeline.goto(here)
        trainer.timeline.fork(_free(trainer, CHANGED))
        trainer.change(f"predicted: {prediction}", **self.experiment)
        trainer.step(self.steps)
        return Outcome(before, self.figures(trainer), unchanged, other)

    def figures(self, trainer: GANTrainer) -> dict[str, float]:
        """Return the figures that are watched, where the run stands now."""
        known = (
            {**trainer.history.record(), **trainer.evaluate()} if trainer.iteration else trainer.evaluate()
        )
        return {name: known.get(name, float("nan")) for name in self.watch}


def _free(trainer: GANTrainer, name: str) -> str:
    """Return a name for a branch: `name`, or the first with a number that is free."""
    taken, number, free = set(trainer.timeline.branches), 1, name
    while free in taken:
        number += 1
        free = f"{name} {number}"
    return free
