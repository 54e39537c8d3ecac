"""Experiments of a class: a question with predictions, a branch for each proposal, and their export."""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ganwidgets.lessons import Lesson, Outcome
from ganwidgets.messages import Message
from ganwidgets.runs.record.interventions import Origin
from ganwidgets.validation import checked_count
from ganwidgets.widgets.classroom.proposals import Proposal, Proposals
from ganwidgets.widgets.classroom.questions import Question
from ganwidgets.widgets.classroom.server import Server
from ganwidgets.widgets.trainer.widget import GANTrainerWidget

__all__ = ["Experiments"]


class Experiments:
    """Mixin of `Classroom`: experiments on the run of its widget."""

    _widget: GANTrainerWidget
    _server: Server
    _proposals: Proposals
    _question: Question | None = None

    def ask(self, lesson: Lesson) -> None:
        """Show everyone the question of `lesson`; each person can answer, draw the expected curve, and change both.

        Raises
        ------
        TypeError
            If `lesson` is not a :class:`~ganwidgets.lessons.Lesson`.
        """
        asked: Any = lesson
        if not isinstance(asked, Lesson):
            raise TypeError(
                Message("lesson is a {type}; pass a ganwidgets.Lesson", type=type(asked).__name__)
            )
        trainer = self._widget.trainer
        self._question = Question(lesson, {name: trainer.history[name] for name in trainer.game.losses})
        self._server.call_soon(self._server.send_question)

    @property
    def predictions(self) -> Mapping[str, int]:
        """Number of people who chose each answer; empty without a question."""
        return {} if self._question is None else self._question.predictions

    @property
    def gaps(self) -> Mapping[int, float]:
        """Mean absolute difference between each drawn curve and the actual one, by the person's number."""
        if self._question is None:
            return {}
        return {self._server.people.number(who): gap for who, gap in self._question.gaps().items()}

    def run_experiment(self) -> Outcome:
        """Carry out the question's experiment in the widget's run, and show everyone the outcome.

        Raises
        ------
        ValueError
            If there is no question.
        """
        if self._question is None:
            raise ValueError(Message("nothing was asked; call ask(lesson) first"))
        outcome = self._question.carry_out(self._widget.trainer)
        self._server.call_soon(self._server.send_question)
        return outcome

    def fork_each(self, steps: int = 200) -> dict[int, str]:
        """Train each open proposal on its own branch from the current state, and show the class all curves.

        Parameters
        ----------
        steps : int
            Number of full steps on each branch.

        Returns
        -------
        dict of int to str
            Name of the branch by number of the proposal. The run returns to its state before the call.
        """
        steps = checked_count(steps)
        trainer = self._widget.trainer
        here, branch = trainer.iteration, trainer.timeline.branch
        made: dict[int, str] = {}
        lanes = []

        def try_out(proposal: Proposal) -> None:
            values = trainer.settings.checked(dict(proposal.changes))
            name = f"{proposal.index}: {proposal.name}"
            trainer.timeline.fork(name)
            made[proposal.index] = name
            trainer._session.change(values, Origin(proposal.name, "class", proposal.reason))
            trainer.step(steps)
            curves = zip(*(trainer.history[name][-steps:] for name in trainer.game.losses), strict=True)
            points = [[here + at, *map(_finite, pair)] for at, pair in enumerate(curves, 1)]
            thinned = points[:: max(1, len(points) // 100)]
            lanes.append({"name": proposal.name, "changes": dict(proposal.changes), "losses": thinned})

        for proposal in self._proposals.all:
            if proposal.status == "open":
                try:
                    self._proposals.decide(proposal.index, "forked", try_out)
                finally:
                    trainer.timeline.switch(branch)
                    if trainer.iteration != here:
                        trainer.timeline.goto(here)
        self._server.call_soon(self._server.send_all, {"lanes": lanes})
        self._server.call_soon(self._server.send_proposals)
        return made

    def export(self, path: str | os.PathLike[str]) -> Path:
        """Write all proposals, votes, answers, drawings and gaps to a CSV file for a study, with numbers for names.

        Columns: person, kind (``proposal vote answer drawing gap``), content, reason. Reasons are stored as written.
        """
        number = self._server.people.number
        rows: list[tuple[int, str, str, str]] = []
        for proposal in self._proposals.all:
            content = json.dumps({"changes": dict(proposal.changes), "status": proposal.status})
            rows.append(
                (number(self._proposals.client_of(proposal.index)), "proposal", content, proposal.reason)
            )
        rows += [(number(voter), "vote", str(index), "") for voter, index in self._proposals.votes()]
        if self._question is not None:
            rows += [(number(who), kind, content, "") for who, kind, content in self._question.rows()]
        path = Path(path)
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("person", "kind", "content", "reason"))
            # A spreadsheet must not evaluate user input as a formula.
            writer.writerows(
                (*row[:3], f"'{row[3]}" if row[3][:1] in set("=+-@") else row[3]) for row in rows
            )
        return path

    def question_shown(self, role: str, client: str) -> Mapping[str, Any] | None:
        """Return the question as JSON; predictions are included for the teacher, and for all after the experiment."""
        question = self._question
        if question is None:
            return None
        lesson, outcome = question.lesson, question.outcome
        return {
            "text": lesson.question,
            "answers": lesson.answers,
            "curve": question.column,
            "axis": question.axis,
            "predictions": list(question.predictions.values()) if outcome or role == "steer" else None,
            "right": None if outcome is None else lesson.answer_of(outcome),
            "actual": [_finite(value) for value in question.actual],
            "gap": question.gaps().get(client),
        }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
