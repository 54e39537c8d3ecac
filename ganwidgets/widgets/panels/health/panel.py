"""The health panel: one line without findings; otherwise each finding with onset, evidence and remedies."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from ganwidgets.diagnosis import SYMPTOMS, Finding, Remedy
from ganwidgets.diagnosis.wording import since_in_words
from ganwidgets.live.worker.background import LatestOnlyTasks
from ganwidgets.messages import Catalog, Message, N_
from ganwidgets.settings import SETTINGS, Setting
from ganwidgets.widgets.browser.announcement import announced
from ganwidgets.widgets.browser.style.shared_style import SharedStyle
from ganwidgets.widgets.panels.health.chart import evidence_chart
from ganwidgets.widgets.panels.health.checkup import TRIED, Checkup, Report, Trial

if TYPE_CHECKING:
    from ganwidgets.live import Frame

__all__ = ["HealthPanel"]

FINDINGS = 3
"""Maximum number of findings that are shown."""

REMEDIES = 4
"""Maximum number of buttons for remedies."""

CALM = N_("Nothing is wrong as far as can be seen.")
EARLY = N_("Too early to say how the run goes.")

FIRST_WORD = 100
"""Iteration before which there are no findings."""


class HealthPanel:
    """The findings on the run, and buttons that try a remedy.

    Parameters
    ----------
    catalog : Catalog
        The reader's language.
    checkup : Checkup
        Diagnoses the run.
    apply : callable
        ``apply(changes, reason)`` changes settings by hand.
    take : callable
        ``take(trial)`` makes the run continue as the future with the remedy.
    tasks : LatestOnlyTasks
        Runs diagnoses and trials in the background.
    look : SharedStyle, optional
        Layout and styles shared with the rest of one widget.
    definitions : mapping of str to Setting, optional
        Definitions of the run's settings.

    Attributes
    ----------
    name : str
    interval : float
        Minimum seconds between two draws.
    widget : ipywidgets.Box
    remedies : list of ipywidgets.Button
    take, drop : ipywidgets.Button
        Accept or reject a tried remedy.
    """

    name = "health"
    interval = 2.0

    def __init__(
        self,
        catalog: Catalog,
        checkup: Checkup,
        apply: Callable[[Remedy], None],
        take: Callable[[Trial], None],
        tasks: LatestOnlyTasks,
        look: SharedStyle | None = None,
        definitions: Mapping[str, Setting[Any]] = SETTINGS,
    ) -> None:
        look = look or SharedStyle()
        self._catalog = catalog
        self._definitions = definitions
        self._checkup = checkup
        self._apply = apply
        self._take_trial = take
        self._tasks = tasks
        self._offered: list[Remedy] = []
        self._trial: Trial | None = None
        self.report = Report(0, ())
        self._message = look.html(self._line(catalog(EARLY), ""), "gw-health-message")
        self.remedies = [
            look.button("", partial(self._try, number), "gw-remedy", f"gw-remedy-{number + 1}", "gw-hidden")
            for number in range(REMEDIES)
        ]
        self._tried = look.html("", "gw-tried")
        self._take_label = catalog(N_("Take it"))
        self._take_help = catalog(N_("Goes on as the future with the change, on a branch of its own."))
        self._drop_label = catalog(N_("Drop it"))
        self._drop_help = catalog(N_("Forgets both futures; the run stays as it is."))
        self.take, self.drop = (
            look.button(label, partial(self._decide, taken=taken), css_class, tooltip=tooltip)
            for label, tooltip, css_class, taken in (
                (self._take_label, self._take_help, "gw-take", True),
                (self._drop_label, self._drop_help, "gw-drop", False),
            )
        )
        self._row = look.box(self.remedies, "gw-actions", "gw-remedies", "gw-hidden")
        self._decision = look.box(
            [self._tried, self.take, self.drop], "gw-actions", "gw-decision", "gw-hidden"
        )
        self.widget = look.part(self.name, [self._message, self._row, self._decision], f"gw-{self.name}")

    @property
    def names(self) -> dict[str, tuple[str, str]]:
        """Accessible name and tooltip of each control, by CSS class."""
        return {
            "gw-take": (self._take_label, self._take_help),
            "gw-drop": (self._drop_label, self._drop_help),
        }

    @property
    def symptoms(self) -> frozenset[str]:
        """The symptoms of the displayed findings."""
        return frozenset(finding.symptom for finding in self.report.findings[:FINDINGS])

    def draw(self, frame: Frame) -> None:
        """Diagnose the run in the background if it has moved."""
        if self._checkup.due(frame.iteration, frame.past.branch, frame.status):
            self._tasks.ask("health", self._check)

    def _check(self) -> None:
        self.show(self._checkup.report())

    def show(self, report: Report) -> None:
        """Show a report."""
        self.report = report
        t = self._catalog
        if not report.findings:
            text = CALM if report.iteration >= FIRST_WORD else EARLY
            self._message.value = self._line(t(text), "gw-well" if text is CALM else "")
        else:
            self._message.value = "".join(map(self._finding, report.findings[:FINDINGS])) + self._advice(
                report
            )
        self._offer(report)

    def _line(self, text: str, kind: str) -> str:
        return f'<div role="status" class="gw-health-line {kind}">{html.escape(text)}</div>'

    def _finding(self, finding: Finding) -> str:
        t = self._catalog
        since = since_in_words(finding, t)
        evidence = finding.evidence
        bound = t(N_("limit {value}"), value=f"{evidence.threshold:.3g}")
        signal = f"{t(evidence.label)}: {evidence.value:.3g} ({bound})"
        source = html.escape(evidence.source, quote=True)
        # A setting without effect follows from definitions, so there is no signal to draw.
        chart = (
            ""
            if finding.symptom == "no_effect"
            else f'<figure title="{source}">{evidence_chart(evidence, t)}<figcaption>{html.escape(signal)}</figcaption></figure>'
        )
        grave = "gw-grave" if finding.severity >= 0.5 else "gw-mild"
        return (
            f'<div role="status" class="gw-finding {grave}" data-symptom="{html.escape(finding.symptom)}">'
            f"<div><strong>{html.escape(t(SYMPTOMS[finding.symptom]))}</strong> "
            f'<span class="gw-since">{html.escape(since)}</span>'
            f"<p>{html.escape(t(finding.sentence))}</p></div>{chart}</div>"
        )

    def _advice(self, report: Report) -> str:
        """Return a text: what the rules would do now."""
        t = self._catalog
        lines = [
            t(N_("Rule {rule} would set {changes}."), rule=name, changes=self._changes(change))
            for name, change in report.advice
        ]
        return "".join(f'<p class="gw-advice">{html.escape(line)}</p>' for line in lines)

    def _changes(self, changes: object) -> str:
        assert hasattr(changes, "items")
        return ", ".join(
            f"{self._catalog(self._definitions[name].label)} = {value}" for name, value in changes.items()
        )

    def _offer(self, report: Report) -> None:
        """Assign remedies to the buttons, those of the most severe finding first, each once."""
        offered: dict[str, Remedy] = {}
        for finding in report.findings:
            for remedy in finding.remedies:
                offered.setdefault(str(remedy.label), remedy)
        self._offered = list(offered.values())[:REMEDIES]
        for number, button in enumerate(self.remedies):
            if number < len(self._offered):
                remedy = self._offered[number]
                button.description = self._catalog(remedy.label)
                button.tooltip = self._catalog(
                    N_("Changes the setting; in force after a reset.")
                    if remedy.fresh_start
                    else N_("Tries it on copies of the run first, beside a copy without it.")
                )
                button.remove_class("gw-hidden")
            else:
                button.add_class("gw-hidden")
        if self._offered:
            self._row.remove_class("gw-hidden")
        else:
            self._row.add_class("gw-hidden")

    # --- trying a remedy ------------------------------------------------------------------------

    def _try(self, number: int) -> None:
        if number >= len(self._offered):
            return
        remedy = self._offered[number]
        if remedy.fresh_start:
            self._apply(remedy)
            return
        t = self._catalog
        self._show_trial(
            t(N_("Two futures of {n} iterations are computed, without and with it."), n=TRIED), decide=False
        )
        self._tasks.ask("trial", lambda: self._compare(remedy), self._failed)

    def _compare(self, remedy: Remedy) -> None:
        self._trial = trial = self._checkup.trial(remedy)
        t = self._catalog
        without, with_it = (_spelt(value) for value in trial.distances)
        verdict = (
            N_("No distance from the data is known in this game; compare the findings and the pictures.")
            if math.isnan(trial.distances[0])
            else N_("With it the samples come nearer to the data.")
            if trial.helps
            else N_("With it the samples do not come nearer to the data.")
        )
        figures = Message(
            "{label}, after {n} iterations: distance from the data {without} without, {with_it} with it; "
            "findings {few} and {many}.",
            label=remedy.label,
            n=TRIED,
            without=without,
            with_it=with_it,
            few=trial.findings[0],
            many=trial.findings[1],
        )
        self._show_trial(f"{t(figures)} {t(verdict)}", decide=True)

    def _show_trial(self, text: str, *, decide: bool) -> None:
        self._tried.value = announced(text)
        for button in (self.take, self.drop):
            button.disabled = not decide
        self._decision.remove_class("gw-hidden")

    def _failed(self, error: Exception) -> None:
        self._show_trial(self._catalog.error(error), decide=False)
        self.drop.disabled = False

    def _decide(self, *, taken: bool) -> None:
        trial, self._trial = self._trial, None
        self._decision.add_class("gw-hidden")
        if trial is None:
            return
        if taken:
            self._take_trial(trial)
        else:
            trial.what_if.drop()


def _spelt(value: float) -> str:
    return f"{value:.3g}" if math.isfinite(value) else "\N{EM DASH}"
