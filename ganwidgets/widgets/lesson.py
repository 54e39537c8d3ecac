"""The widget of a lesson: question, prediction, experiment, and comparison."""

from __future__ import annotations

import html
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import median
from typing import Any

import ipywidgets
from traitlets import Unicode

from ganwidgets.lessons import Lesson, Outcome
from ganwidgets.messages import Message, N_, catalog
from ganwidgets.metrics import Metric
from ganwidgets.rendering.drawing.phrases import value_in_words
from ganwidgets.validation import checked_timeout
from ganwidgets.widgets.browser.kernel.displays import view_of
from ganwidgets.widgets.browser.kernel.models import models_of
from ganwidgets.widgets.browser.kernel.subshells import handle_during_cells
from ganwidgets.widgets.browser.style.shared_style import SharedStyle
from ganwidgets.widgets.trainer.widget import GANTrainerWidget

__all__ = ["LessonWidget"]

RECORDED = {
    "loss_d": N_("loss of D"),
    "loss_g": N_("loss of G"),
    "grad_norm_d": N_("gradient of D"),
    "grad_norm_g": N_("gradient of G"),
    "accuracy_real": N_("D right on real"),
    "accuracy_fake": N_("D right on generated"),
}
"""Labels of the values in a record."""


class LessonWidget(ipywidgets.VBox):
    """Asks a question, waits for a prediction, shows the experiment, and compares.

    The experiment can begin only after a prediction, which is stored with the run as the reason of the change.
    Afterwards the widget says if the prediction was right, if the lesson declares the answer.
    **Again** returns to the question, **Another seed** repeats the experiment in a separate run. A third
    button repeats it with several seeds and shows how much the results differ.

    Parameters
    ----------
    lesson : Lesson
    locale : str, optional
        Language of the widget's own texts; the lesson's texts are not translated.

    Attributes
    ----------
    prediction : str
        The prediction; empty before.
    outcome : Outcome or None
        The latest result; None before the first.
    outcomes : list of Outcome
        The results so far, one for each seed.
    trainer_widget : GANTrainerWidget
        The run.
    """

    _models: Sequence[ipywidgets.Widget] = ()

    prediction = Unicode("", read_only=True, help="The answer that was noted.")

    def __init__(self, lesson: Lesson, *, locale: str | None = None) -> None:
        self.lesson = lesson
        self.outcome: Outcome | None = None
        self.outcomes: list[Outcome] = []
        self._catalog = t = catalog(locale)
        self._thread: threading.Thread | None = None
        look = SharedStyle()
        self.trainer_widget = GANTrainerWidget(lesson.start(), locale=locale, controls=lesson.controls)
        timeline = self.trainer_widget.trainer.timeline
        definitions = self.trainer_widget.trainer.settings.definitions
        self._asked_at = timeline.branch, self.trainer_widget.trainer.iteration
        self._answers = ipywidgets.RadioButtons(
            options=lesson.answers, index=None, **look.of(ipywidgets.RadioButtons, "gw-answers")
        )
        self._note = self._button(look, N_("Note my prediction"), "gw-note-prediction", self._noted)
        self._run = self._button(look, N_("Run the experiment"), "gw-run-experiment", self._began)
        self._again = self._button(look, N_("Again"), "gw-again", self._asked_again)
        self._another = self._button(look, N_("Another seed"), "gw-another-seed", self._another_seed)
        self._repeat = self._button(look, N_("Several seeds"), "gw-several-seeds", self._several_seeds)
        self._again.tooltip = t(N_("Return to the question, and ask for a new prediction."))
        self._another.tooltip = t(N_("Repeat the experiment in a run with the next seed."))
        self._repeat.tooltip = t(
            N_("Repeat the experiment with {count} seeds, and compare."), count=lesson.seeds
        )
        self._note.disabled = self._run.disabled = True
        self._offer(repeats=False)
        self._answers.observe(self._chosen, names=["index"])
        self._message = look.html("", "gw-lesson-message")
        title = f"<h3>{html.escape(lesson.title)}</h3>" if lesson.title else ""
        change = ", ".join(
            f"{t(definitions[name].label)} → {value_in_words(name, value, t, definitions)}"
            for name, value in lesson.experiment.items()
        )
        question = look.html(
            f"{title}<p class='gw-question'>{html.escape(lesson.question)}</p>"
            f"<p>{html.escape(t(N_('The experiment: {change}, for {steps} steps.'), change=change, steps=lesson.steps))}</p>",
            "gw-lesson-question",
        )
        buttons = look.box([self._note, self._run, self._again, self._another, self._repeat], "gw-actions")
        head = look.box([question, self._answers, buttons, self._message], "gw-root", "gw-lesson")
        super().__init__([head, self.trainer_widget])
        self._models = models_of(head, self.layout)
        handle_during_cells([self._answers, self._note, self._run, self._again, self._another, self._repeat])
        self._show_message(t(N_("First choose what you expect.")))

    def _button(self, look: SharedStyle, label: str, css_class: str, clicked: Any) -> ipywidgets.Button:
        return look.button(self._catalog(label), lambda: clicked(None), css_class)

    def _show_message(self, sentence: str) -> None:
        self._message.value = f'<p role="status">{sentence}</p>'

    def _chosen(self, change: Any) -> None:
        self._note.disabled = change["new"] is None

    def _noted(self, _button: Any) -> None:
        self.set_trait("prediction", self._answers.value)
        self._answers.disabled = self._note.disabled = True
        self._run.disabled = False
        sentence = self._catalog(N_("You predict: {prediction}. Now see."), prediction=self.prediction)
        self._show_message(html.escape(sentence))

    def _offer(self, *, repeats: bool) -> None:
        """Enable or disable the buttons that repeat an experiment."""
        self._again.disabled = self._another.disabled = self._repeat.disabled = not repeats

    def _began(self, _button: Any) -> None:
        self._run.disabled = True
        sentence = N_("The experiment is running, with the change and without it.")
        self._work(self._carry_out, self._catalog(sentence))

    def _asked_again(self, _button: Any) -> None:
        self._work(self._return_to_question, self._catalog(N_("The run returns to the question.")))

    def _another_seed(self, _button: Any) -> None:
        seed = 1 + max(outcome.seed for outcome in self.outcomes)
        sentence = N_("The experiment is running with seed {seed}.")
        self._work(partial(self._carry_out_with, seed), self._catalog(sentence, seed=seed))

    def _several_seeds(self, _button: Any) -> None:
        self._work(self._carry_out_with_several, self._progress(0))

    def _progress(self, done: int) -> str:
        sentence = N_("The experiment is running with several seeds: {done} of {count} are done.")
        return self._catalog(sentence, done=done, count=self.lesson.seeds)

    def _work(self, task: Callable[[], None], sentence: str) -> None:
        """Run `task` in a separate thread; after an exception too, the class can continue."""
        self._offer(repeats=False)
        self._show_message(html.escape(sentence))

        def carried_out() -> None:
            try:
                task()
            except Exception as error:  # noqa: BLE001 - a class must see why its experiment ended
                self._show_message(html.escape(self._catalog.error(error)))
                self._again.disabled = False
                self._another.disabled = self._repeat.disabled = not self.outcomes

        self._thread = threading.Thread(target=carried_out, name="ganwidgets-lesson", daemon=True)
        self._thread.start()

    # --- in that thread ---------------------------------------------------------------------------

    def _carry_out(self) -> None:
        self._conclude(self.lesson.carry_out(self.trainer_widget.trainer, self.prediction))
        self._offer(repeats=True)

    def _carry_out_with(self, seed: int) -> None:
        self._go_to_question()
        trainer = self.trainer_widget.trainer
        self.lesson.restart(trainer, seed)
        self._asked_at = trainer.timeline.branch, trainer.iteration
        self._carry_out()

    def _carry_out_with_several(self) -> None:
        first, known = self.lesson.seed, {outcome.seed for outcome in self.outcomes}
        wanted = [seed for seed in range(first, first + self.lesson.seeds) if seed not in known]
        done = self.lesson.seeds - len(wanted)
        self._show_message(html.escape(self._progress(done)))
        for outcome in self.lesson.repeat(self.prediction, wanted):
            self._keep(outcome)
            done += 1
            self._show_message(html.escape(self._progress(done)))
        self._message.value = self._comparison()
        self._offer(repeats=True)

    def _return_to_question(self) -> None:
        self._go_to_question()
        self.set_trait("prediction", "")
        self._answers.index = None
        self._answers.disabled = False
        self._show_message(self._catalog(N_("First choose what you expect.")))

    def _go_to_question(self) -> None:
        branch, iteration = self._asked_at
        timeline = self.trainer_widget.trainer.timeline
        timeline.switch(branch)
        timeline.goto(iteration)

    def _conclude(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self._keep(outcome)
        self.trainer_widget._hands.compare_with(outcome.branch)
        self._message.value = self._comparison()

    def _keep(self, outcome: Outcome) -> None:
        """Keep one outcome for each seed, by seed."""
        others = [known for known in self.outcomes if known.seed != outcome.seed]
        self.outcomes = sorted([*others, outcome], key=lambda known: known.seed)

    # --- texts ------------------------------------------------------------------------------------

    def _comparison(self) -> str:
        t, outcomes = self._catalog, self.outcomes
        heads = [t(N_("before")), t(N_("with the change")), t(N_("without it"))]
        rows = [
            f"<tr><th>{html.escape(self._called(name))}</th>"
            + "".join(
                f"<td>{self._spread(name, [getattr(outcome, moment)[name] for outcome in outcomes])}</td>"
                for moment in ("before", "changed", "unchanged")
            )
            + "</tr>"
            for name in self.lesson.watch
        ]
        cells = "".join(f"<th>{html.escape(head)}</th>" for head in heads)
        predicted = t(N_("You predicted: {prediction}."), prediction=self.prediction)
        explanation = f"<p>{html.escape(self.lesson.explanation)}</p>" if self.lesson.explanation else ""
        several = (
            ""
            if len(outcomes) == 1
            else f"<p>{html.escape(t(N_('Median, lowest and highest of {count} seeds.'), count=len(outcomes)))}</p>"
        )
        return (
            f'<div role="status"><p>{html.escape(predicted)} {self._judgement()}</p>'
            f"<table><tr><th></th>{cells}</tr>{''.join(rows)}</table>{several}{explanation}</div>"
        )

    def _judgement(self) -> str:
        """Return a sentence: if the prediction was right, and for how many seeds."""
        t = self._catalog
        answers = [answer for each in self.outcomes if (answer := self.lesson.answer_of(each)) is not None]
        if not answers:
            return ""
        right = answers.count(self.prediction)
        if len(answers) > 1:
            counts = ", ".join(f"{answer}: {answers.count(answer)}" for answer in self.lesson.answers)
            verdict = t(
                N_("It was right on {right} of {count} seeds ({answers})."),
                right=right,
                count=len(answers),
                answers=counts,
            )
        elif right:
            verdict = t(N_("That was right."))
        else:
            verdict = t(N_("That was not right: the answer is {answer}."), answer=answers[0])
        mark = "gw-right" if 2 * right > len(answers) else "gw-wrong"
        return f'<strong class="{mark}">{html.escape(verdict)}</strong>'

    def _spread(self, name: str, values: list[float]) -> str:
        """Return a value, or the median of several with the lowest and the highest."""
        metric = self._metrics.get(name)
        if len(values) == 1:
            return _shown(metric, values[0])
        low, middle, high = (_shown(metric, value) for value in (min(values), median(values), max(values)))
        return f"{middle} <small>({low} \N{EN DASH} {high})</small>"

    def _called(self, name: str) -> str:
        metric = self._metrics.get(name)
        recorded = {**self.trainer_widget.trainer.game.losses, **RECORDED}
        return self._catalog(recorded.get(name, name) if metric is None else metric.label)

    @property
    def _metrics(self) -> Mapping[str, Metric]:
        trainer = self.trainer_widget.trainer
        return trainer.game.metrics_of(trainer.source.modality)

    def _ipython_display_(self, **_: Any) -> None:
        if self.comm is None:
            self.trainer_widget._ipython_display_()
        else:
            self.trainer_widget._displays.show(view_of(self), self.trainer_widget._picture())

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        shown = self.trainer_widget._repr_mimebundle_()
        if self.comm is None:
            return shown
        return {**view_of(self), "image/png": shown["image/png"]}

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the current experiment has ended.

        Parameters
        ----------
        timeout : float, optional
            Maximum seconds to wait.

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
        """End the run's thread and close the widget."""
        self.trainer_widget.close()
        for model in self._models:
            model.close()
        super().close()
        # ipywidgets sets this to None, which IPython would call when displaying the closed widget.
        self.__dict__.pop("_repr_mimebundle_", None)

    def __repr__(self) -> str:
        return f"<LessonWidget {self.lesson.question!r}, {self.trainer_widget!r}>"


def _shown(metric: Metric | None, value: float) -> str:
    if not math.isfinite(value):
        return "\N{EN DASH}" if math.isnan(value) else "∞"
    return format(value, ".3f" if metric is None else metric.format)
