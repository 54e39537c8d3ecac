"""The user's actions on a run through the panels of one widget."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ganwidgets.data import Source
from ganwidgets.diagnosis import Remedy
from ganwidgets.io import replay
from ganwidgets.live import Runner
from ganwidgets.messages import Catalog, N_
from ganwidgets.recipes import begin_pretrained, recommended
from ganwidgets.runs.record.interventions import Origin
from ganwidgets.widgets.panels.export.panel import file_name
from ganwidgets.widgets.panels.health.checkup import Trial
from ganwidgets.widgets.panels.own_data.panel import settings_for

if TYPE_CHECKING:
    from ganwidgets.trainer.trainer import GANTrainer
    from ganwidgets.widgets.trainer.dashboards.dashboard import Dashboard

__all__ = ["BY_HAND", "UserActions"]


BY_HAND = Origin("user", "widget")


class UserActions:
    """Carries out the requests of the buttons, the timeline and the panels of one widget.

    All methods are called on the thread of the browser's messages, and return at once.

    Parameters
    ----------
    runner : Runner
        The runner of the run.
    catalog : Catalog
        The reader's language.
    data : callable
        Returns the requested data, which a queued change may still have to set.
    wake : callable
        Called when the display is about to change.
    look_again : callable
        Called to redraw the current state with other content.
    export : callable
        Writes the run to a path, and returns it.

    Attributes
    ----------
    dashboard : Dashboard
        The panels; their creator sets this.
    compared : str or None
        The branch whose losses are shown together with those of the current one.
    starting : int or None
        Ticket of the last requested pretrained start.
    """

    dashboard: Dashboard

    def __init__(
        self,
        runner: Runner,
        catalog: Catalog,
        *,
        data: Callable[[], Any],
        wake: Callable[[], None],
        look_again: Callable[[], None],
        export: Callable[[Path], Path],
    ) -> None:
        self._runner = runner
        self._trainer: GANTrainer = runner.trainer
        self._catalog = catalog
        self._data = data
        self._wake = wake
        self._look_again = look_again
        self._export = export
        self.compared: str | None = None
        self.starting: int | None = None

    def act(self, action: str) -> None:
        """Carry out the action of a button."""
        runner, data = self._runner, self._data()
        match action:
            case "play":
                runner.play()
            case "pause":
                runner.pause()
            case "step":
                runner.step(self.dashboard.transport.count.value, "both", BY_HAND)
            case "reset":
                runner.reset(origin=BY_HAND)
            case "new_seed":
                runner.reset(_next_seed(self._trainer.settings.seed), BY_HAND)
            case "recover":
                runner.recover()
            case "recommended":
                runner.change(recommended(data), BY_HAND)
                runner.reset(origin=BY_HAND)
            case "pretrained":
                self.starting = runner.go(partial(begin_pretrained, self._trainer, data, BY_HAND))
            case _:
                runner.step(1, self._trainer.game.actions[action], BY_HAND)
        self._wake()

    def travel(self, kind: str, value: Any) -> int:
        """Queue a journey through the run's past; see :class:`TimelinePanel`."""
        match kind:
            case "goto":
                ticket = self._runner.goto(value)
            case "switch":
                ticket = self._runner.switch(value)
            case "fork":
                ticket = self._runner.fork(value)
            case _:
                ticket = self._runner.undo(value)
        self._wake()
        return ticket

    def walk(self, move: Any, network: Any) -> None:
        """Begin or continue a walk through an update; see :class:`WalkPanel`."""
        if move == "begin":
            self._runner.look_inside(network, BY_HAND)
        else:
            self._runner.walk(move)
        self._wake()

    def compare_with(self, branch: str | None) -> None:
        """Show the losses of another branch together with those of this one."""
        self.compared = branch
        self._look_again()

    def train_on(self, points: Source | np.ndarray) -> None:
        """Start afresh on the user's points."""
        self._runner.change(settings_for(points, self._trainer.settings), BY_HAND)
        self._runner.reset(origin=BY_HAND)
        self._wake()

    def verify(self) -> None:
        """Compute the stored run again, in a separate thread, and show the result."""
        panel, t, folder = self.dashboard.timeline, self._catalog, self._trainer.run
        if folder is None:
            return
        panel.verified(t(N_("The run is computed again; that takes as long as training it did.")), over=False)

        def work() -> None:
            try:
                verdict = t(str(replay(folder)))
            except Exception as error:  # noqa: BLE001 - the page shows why it cannot be verified
                verdict = t.error(error)
            panel.verified(verdict, over=True)

        threading.Thread(target=work, name="ganwidgets-verify", daemon=True).start()

    def save_beside(self, ending: str) -> Path:
        """Write the run to a new file in the notebook's folder."""
        name = file_name(self._trainer.source.name, self._runner.state.iteration, ending)
        return self._export(Path.cwd() / name)

    def apply_remedy(self, remedy: Remedy) -> None:
        """Change settings as a remedy proposes."""
        self._runner.change(remedy.changes, replace(BY_HAND, reason=self._catalog(remedy.label)))
        self._wake()

    def carry_out(self, journey: Callable[[], None]) -> None:
        """Carry out a journey through the run's past between two steps."""
        self._runner.go(journey)
        self._wake()

    def take_trial(self, trial: Trial) -> None:
        """Continue as the future with the tried remedy."""
        self._runner.go(partial(trial.what_if.take, "changed"))
        self._wake()

    def judge_by(self, features: str) -> None:
        """Use these features for image metrics from now on."""
        self._trainer.features = features
        self._look_again()


def _next_seed(seed: int) -> int:
    return (seed + 1) % 2**32
