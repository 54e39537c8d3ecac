"""A lesson in a notebook: the question, the prediction that is noted, the experiment, the comparison."""

from __future__ import annotations

import html
import math
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets
from traitlets import Unicode

from ..arguments import checked_timeout
from ..lessons import Lesson, Outcome
from ..messages import Message, N_, catalog
from ..metrics import METRICS, Metric
from .look import Look, classed
from .models import models_of
from .shells import heard_during_cells
from .trainer_widget import GANTrainerWidget

__all__ = ["LessonWidget"]

RECORDED = {
    "loss_d": N_("loss of D"),
    "loss_g": N_("loss of G"),
    "grad_norm_d": N_("gradient of D"),
    "grad_norm_g": N_("gradient of G"),
    "accuracy_real": N_("D right on real"),
    "accuracy_fake": N_("D right on generated"),
}
"""What people call the figures of a record."""


class LessonWidget(ipywidgets.VBox):
    """Asks, waits for a prediction, lets the class see the experiment, and compares.

    The experiment can only be begun once a prediction was noted; it stays with the run, as the reason
    of the change. Afterwards the class goes on by itself, with the controls that the teacher shows.

    Parameters
    ----------
    lesson : Lesson
    locale : str, optional
        The language of what the widget says by itself; the lesson speaks its own.

    Attributes
    ----------
    prediction : str
        What was noted; empty before.
    outcome : Outcome or None
        What came of it, once the experiment is over.
    trainer_widget : GANTrainerWidget
        The run.
    """

    _models: Sequence[ipywidgets.Widget] = ()

    prediction = Unicode("", read_only=True, help="The answer that was noted.")

    def __init__(self, lesson: Lesson, *, locale: str | None = None) -> None:
        self.lesson = lesson
        self.outcome: Outcome | None = None
        self._catalog = t = catalog(locale)
        self._thread: threading.Thread | None = None
        look = Look()
        self.trainer_widget = GANTrainerWidget(lesson.start(), locale=locale, controls=lesson.controls)
        self._answers = classed(
            ipywidgets.RadioButtons(options=lesson.answers, index=None, **look.of(ipywidgets.RadioButtons)),
            "gw-answers",
        )
        self._note = self._button(look, N_("Note my prediction"), "gw-note-prediction", self._noted)
        self._run = self._button(look, N_("Run the experiment"), "gw-run-experiment", self._began)
        self._note.disabled = self._run.disabled = True
        self._answers.observe(self._chosen, names=["index"])
        self._said = look.html("", "gw-lesson-said")
        title = f"<h3>{html.escape(lesson.title)}</h3>" if lesson.title else ""
        change = ", ".join(f"{name} = {value!r}" for name, value in lesson.experiment.items())
        question = look.html(
            f"{title}<p class='gw-question'>{html.escape(lesson.question)}</p>"
            f"<p>{html.escape(t(N_('The experiment: {change}, for {steps} steps.'), change=change, steps=lesson.steps))}</p>",
            "gw-lesson-question",
        )
        buttons = look.box([self._note, self._run], "gw-actions")
        head = look.box([question, self._answers, buttons, self._said], "gw-root", "gw-lesson")
        super().__init__([head, self.trainer_widget])
        self._models = models_of(head, self.layout)
        heard_during_cells([self._answers, self._note, self._run])
        self._tell(t(N_("First choose what you expect.")))

    def _button(self, look: Look, label: str, css_class: str, clicked: Any) -> ipywidgets.Button:
        button = ipywidgets.Button(description=self._catalog(label), **look.of(ipywidgets.Button))
        button.on_click(clicked)
        return classed(button, "gw-action", css_class)

    def _tell(self, sentence: str) -> None:
        self._said.value = f'<p role="status">{sentence}</p>'

    def _chosen(self, change: Any) -> None:
        self._note.disabled = change["new"] is None

    def _noted(self, _button: Any) -> None:
        self.set_trait("prediction", self._answers.value)
        self._answers.disabled = self._note.disabled = True
        self._run.disabled = False
        sentence = self._catalog(N_("You predict: {prediction}. Now see."), prediction=self.prediction)
        self._tell(html.escape(sentence))

    def _began(self, _button: Any) -> None:
        self._run.disabled = True
        self._tell(
            html.escape(self._catalog(N_("The experiment is running, with the change and without it.")))
        )
        self._thread = threading.Thread(target=self._carry_out, name="ganwidgets-lesson", daemon=True)
        self._thread.start()

    def _carry_out(self) -> None:
        try:
            self.outcome = self.lesson.carry_out(self.trainer_widget.trainer, self.prediction)
        except Exception as error:  # noqa: BLE001 - a class must see why its experiment ended
            self._tell(html.escape(self._catalog.error(error)))
            return
        self.trainer_widget._hands.compare_with(self.outcome.branch)
        self._said.value = self._comparison(self.outcome)

    def _comparison(self, outcome: Outcome) -> str:
        t = self._catalog
        heads = [t(N_("before")), t(N_("with the change")), t(N_("without it"))]
        rows = [
            f"<tr><th>{html.escape(self._called(name))}</th>"
            + "".join(
                f"<td>{_shown(self._metrics.get(name), moment[name])}</td>"
                for moment in (outcome.before, outcome.changed, outcome.unchanged)
            )
            + "</tr>"
            for name in self.lesson.watch
        ]
        cells = "".join(f"<th>{html.escape(head)}</th>" for head in heads)
        predicted = t(N_("You predicted: {prediction}."), prediction=self.prediction)
        explanation = f"<p>{html.escape(self.lesson.explanation)}</p>" if self.lesson.explanation else ""
        return (
            f'<div role="status"><p>{html.escape(predicted)}</p>'
            f"<table><tr><th></th>{cells}</tr>{''.join(rows)}</table>{explanation}</div>"
        )

    def _called(self, name: str) -> str:
        metric = self._metrics.get(name)
        return self._catalog(RECORDED.get(name, name) if metric is None else metric.label)

    @property
    def _metrics(self) -> Mapping[str, Metric]:
        return METRICS[self.trainer_widget.trainer.source.kind]

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        shown = self.trainer_widget._repr_mimebundle_()
        if self.comm is None:
            return shown
        return {**super()._repr_mimebundle_(), "image/png": shown["image/png"]}

    def wait(self, timeout: float | None = None) -> None:
        """Return once the experiment that was begun is over.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most.

        Raises
        ------
        RuntimeError
            In a callback on a thread that the experiment needs, which cannot wait for itself.
        TimeoutError
            If it takes longer than `timeout`.
        """
        self.trainer_widget._refuse_endless_wait()
        timeout = checked_timeout(timeout)
        began = time.monotonic()
        if self._thread is not None:
            self._thread.join(timeout)
            if self._thread.is_alive():
                raise TimeoutError(
                    Message("after {timeout:g} s the experiment goes on; wait longer", timeout=timeout)
                )
        self.trainer_widget.wait(
            timeout=None if timeout is None else max(0.0, timeout - (time.monotonic() - began))
        )

    def close(self) -> None:
        """End the run's thread and remove everything from the page."""
        self.trainer_widget.close()
        for model in self._models:
            model.close()
        super().close()
        # ipywidgets puts None there, which IPython would call when the closed widget is shown.
        self.__dict__.pop("_repr_mimebundle_", None)

    def __repr__(self) -> str:
        return f"<LessonWidget {self.lesson.question!r}, {self.trainer_widget!r}>"


def _shown(metric: Metric | None, value: float) -> str:
    if not math.isfinite(value):
        return "\N{EN DASH}" if math.isnan(value) else "∞"
    return format(value, ".3f" if metric is None else metric.format)
