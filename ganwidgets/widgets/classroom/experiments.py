"""Experiments of a class: a question with predictions, a branch for each proposal, and their export."""

from __future__ import annotations

import csv
import json
import math
import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ganwidgets.lessons import Lesson, Outcome
from ganwidgets.messages import Message
from ganwidgets.runs.record.interventions import Origin
from ganwidgets.validation import checked_count
from ganwidgets.widgets.classroom.columns import ClassColumn, drawn_axis, filled, rows_of
from ganwidgets.widgets.classroom.feed import Feed
from ganwidgets.widgets.classroom.proposals import Proposal, Proposals
from ganwidgets.widgets.classroom.questions import Question
from ganwidgets.widgets.classroom.server import Server
from ganwidgets.widgets.trainer.widget import GANTrainerWidget

__all__ = ["Experiments"]

MOST_CURVES = 4
"""Maximum number of curves that a class sees at once."""


class Experiments:
    """Mixin of `Classroom`: experiments on the run of its widget."""

    _widget: GANTrainerWidget
    _server: Server
    _proposals: Proposals
    _question: Question | None = None
    _feed: Feed
    _lock: threading.Lock
    _columns: dict[str, ClassColumn]
    _curves: tuple[str, ...]

    @property
    def curves(self) -> tuple[str, ...]:
        """The columns of the history that the class sees, one to four; at first the losses.

        Assign others, such as ``("accuracy_real", "accuracy_fake")``: the class then sees them for the whole run.

        Raises
        ------
        ValueError
            If there are none or more than four, or a column is unknown.
        """
        return self._curves

    @curves.setter
    def curves(self, names: str | Sequence[str]) -> None:
        chosen = (names,) if isinstance(names, str) else tuple(dict.fromkeys(names))
        if not 1 <= len(chosen) <= MOST_CURVES:
            raise ValueError(
                Message("a class sees one to {most} curves, not {count}", most=MOST_CURVES, count=len(chosen))
            )
        for name in chosen:
            self._refuse_unknown(name)
        trainer = self._widget.trainer
        self._show_curves(chosen, self._widget._runner.look(lambda: rows_of(trainer.history, chosen)))
        self._server.frame_ready()

    def _refuse_unknown(self, column: str) -> None:
        if column not in self._columns:
            raise ValueError(
                Message(
                    "a class sees no curve {name!r}; choose from {known}",
                    name=column,
                    known=", ".join(self._columns),
                )
            )

    def _show_curves(self, names: tuple[str, ...], rows: Sequence[list[float | None]]) -> None:
        with self._lock:  # the publisher appends rows
            self._curves = names
            self._feed.restart(self._curves_shown(), rows)

    def _curves_shown(self) -> list[list[str]]:
        return [[name, self._columns[name].tone] for name in self._curves]

    def ask(self, lesson: Lesson, draw: str | None = None) -> None:
        """Show everyone the question of `lesson`; each person can answer, draw the expected curve, and change both.

        Parameters
        ----------
        lesson : Lesson
        draw : str, optional
            The column of the history to draw; by default the first that `lesson` watches, or else the first loss.

        Raises
        ------
        ValueError
            If the class cannot see the column `draw`.
        TypeError
            If `lesson` is not a :class:`~ganwidgets.lessons.Lesson`.
        """
        asked: Any = lesson
        if not isinstance(asked, Lesson):
            raise TypeError(
                Message("lesson is a {type}; pass a ganwidgets.Lesson", type=type(asked).__name__)
            )
        trainer = self._widget.trainer
        if draw is None:
            draw = next(
                (name for name in lesson.watch if name in self._columns), next(iter(trainer.game.losses))
            )
        self._refuse_unknown(draw)
        axis = drawn_axis(trainer.history[draw], self._columns[draw].unit)
        self._question = Question(lesson, draw, axis)
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
        shown, columns = self._curves_shown(), self._curves

        def try_out(proposal: Proposal) -> None:
            values = trainer.settings.checked(dict(proposal.changes))
            name = f"{proposal.index}: {proposal.name}"
            trainer.timeline.fork(name)
            made[proposal.index] = name
            trainer._session.change(values, Origin(proposal.name, "class", proposal.reason))
            trainer.step(steps)
            curves = zip(*(filled(trainer.history[name])[-steps:] for name in columns), strict=True)
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
        self._server.call_soon(self._server.send_all, {"lanes": lanes, "curves": shown})
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
