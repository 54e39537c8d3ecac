"""A lesson: a question, a prediction, an experiment and its outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ganwidgets.games import DEFAULT, settings_of
from ganwidgets.messages import Message
from ganwidgets.recipes import begin_pretrained, recommended
from ganwidgets.runs.state.user_parts import chosen_game
from ganwidgets.settings import check_names
from ganwidgets.trainer.trainer import GANTrainer

__all__ = ["CHANGED", "UNCHANGED", "Lesson", "Outcome"]

CHANGED, UNCHANGED = "experiment", "unchanged"
"""Names of the branches with the change and without it."""

SETTLING = 100
"""Number of steps from a pretrained start to the question."""


@dataclass(frozen=True)
class Outcome:
    """Figures at three moments, by name: losses of the last updates, and quality.

    Attributes
    ----------
    before : mapping
        At the question.
    changed, unchanged : mapping
        After the experiment, and after the same number of steps without the change.
    branch : str
        Name of the branch without the change.
    seed : int
        Seed of the run.
    """

    before: Mapping[str, float]
    changed: Mapping[str, float]
    unchanged: Mapping[str, float]
    branch: str
    seed: int = 0


@dataclass(frozen=True)
class Lesson:
    """A question that a class answers with one experiment.

    Parameters
    ----------
    question : str
        Shown before the experiment.
    answers : tuple of str
        Possible predictions.
    experiment : mapping
        The settings to change, by name.
    steps : int
        Number of steps after the change; the branch without it takes as many.
    data : str
        A preset, or any data that a trainer accepts.
    settings : mapping
        Initial settings; if omitted, those recommended for the preset.
    warm_up : int or "pretrained"
        Number of steps before the question, or ``"pretrained"`` for the preset's pretrained start.
    controls : tuple of str
        Controls and buttons that the class sees; the teacher hides the others.
    watch : tuple of str
        Figures to compare, by name: of a record (``loss_d``) or of quality (``modes``).
    title, explanation : str
        Shown above the question, and after the experiment.
    seed : int
        Of the first run.
    seeds : int
        Number of runs, with consecutive seeds, over which the experiment is repeated on request.
    right_answer : callable, optional
        ``right_answer(outcome)`` returns the member of `answers` that the outcome confirms. If omitted, no
        prediction is judged.
    game : str or Game
        The game whose settings the experiment changes, as for a trainer.

    Raises
    ------
    traitlets.TraitError
        For a setting that does not exist.
    ValueError
        If `seeds` is below 1; or, when an outcome is judged, if `right_answer` returns no member of `answers`.

    Examples
    --------
    >>> lesson = Lesson(
    ...     question="D learns ten times as fast. What will D's loss do?",
    ...     answers=("fall towards 0", "stay where it is", "rise"),
    ...     experiment={"lr_d": 0.02},
    ...     steps=20,
    ...     warm_up=20,
    ...     watch=("loss_d",),
    ...     right_answer=lambda outcome: (
    ...         "rise" if outcome.changed["loss_d"] > outcome.unchanged["loss_d"] else "fall towards 0"
    ...     ),
    ... )
    >>> outcome = lesson.carry_out(lesson.start(), "fall towards 0")
    >>> sorted(outcome.changed)
    ['loss_d']
    >>> lesson.answer_of(outcome) in lesson.answers
    True
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
    seeds: int = 3
    right_answer: Callable[[Outcome], str] | None = None
    game: Any = DEFAULT

    def __post_init__(self) -> None:
        definitions = settings_of(chosen_game(self.game, {}))
        check_names(self.experiment, "the experiment", definitions=definitions)
        check_names(self.settings or {}, "the lesson", definitions=definitions)
        if self.seeds < 1:
            raise ValueError(
                Message("seeds cannot be {value}: a lesson needs at least one run", value=self.seeds)
            )

    def start(self, seed: int | None = None) -> GANTrainer:
        """Return a trainer at the moment of the question; `seed` defaults to the lesson's seed."""
        seed = self.seed if seed is None else seed
        chosen = self.settings
        if chosen is None:
            advised = isinstance(self.data, str) and chosen_game(self.game, {}).from_noise
            chosen = recommended(self.data) if advised else {}
        trainer = GANTrainer(self.data, game=self.game, seed=seed, **chosen)
        self._warm_up(trainer, seed)
        return trainer

    def restart(self, trainer: GANTrainer, seed: int) -> None:
        """Reset an existing trainer with `seed` and train it up to the question.

        The settings in force are kept. If an experiment or a user changed them, go back to the question first.
        """
        trainer.reset(seed)
        self._warm_up(trainer, seed)

    def _warm_up(self, trainer: GANTrainer, seed: int) -> None:
        if self.warm_up == "pretrained":
            begin_pretrained(trainer, self.data)
            # A stored state has no history, and so no losses to compare. It holds its own random streams, so another
            # seed asks at a later moment of the same run.
            trainer.step(SETTLING * (1 + abs(seed - self.seed)))
        elif self.warm_up:
            trainer.step(int(self.warm_up))

    def answer_of(self, outcome: Outcome) -> str | None:
        """Return the answer that `outcome` confirms; None if the lesson has no `right_answer`."""
        if self.right_answer is None:
            return None
        answer = self.right_answer(outcome)
        if answer not in self.answers:
            raise ValueError(
                Message(
                    "right_answer returned {answer!r}, which is none of the answers ({answers}); return one of them",
                    answer=answer,
                    answers=", ".join(map(repr, self.answers)),
                )
            )
        return answer

    def repeat(self, prediction: str, seeds: Iterable[int] | None = None) -> Iterator[Outcome]:
        """Carry out the experiment in new trainers, one for each seed, and yield each outcome.

        Parameters
        ----------
        prediction : str
        seeds : iterable of int, optional
            Default: :attr:`seeds` consecutive seeds from :attr:`seed` on.
        """
        for seed in range(self.seed, self.seed + self.seeds) if seeds is None else seeds:
            yield self.carry_out(self.start(seed), prediction)

    def carry_out(self, trainer: GANTrainer, prediction: str) -> Outcome:
        """Carry out the experiment on `trainer`, with the change and without it, each on its own branch.

        The run stores the prediction as the reason of the change. Afterwards the trainer is at the end of the
        branch with the change.
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
        return Outcome(before, self.figures(trainer), unchanged, other, trainer.settings.seed)

    def figures(self, trainer: GANTrainer) -> dict[str, float]:
        """Return the watched figures at the trainer's current iteration."""
        known = (
            {**trainer.history.record(), **trainer.evaluate()} if trainer.iteration else trainer.evaluate()
        )
        return {name: known.get(name, float("nan")) for name in self.watch}


def _free(trainer: GANTrainer, name: str) -> str:
    """Return a branch name: `name`, or `name` with the first free number."""
    taken, number, free = set(trainer.timeline.branches), 1, name
    while free in taken:
        number += 1
        free = f"{name} {number}"
    return free
