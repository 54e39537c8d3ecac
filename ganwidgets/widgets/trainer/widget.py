"""The widget for users: every setting of a trainer is a trait.

The browser writes the controls, on the thread on which the kernel handles its messages. Cells write the traits. An
assigned trait is validated at once and queued. Only the publisher's thread writes to the display; see
:mod:`~ganwidgets.widgets.trainer.presenting`.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self, cast

import ipywidgets
from traitlets import Bool, Dict, Float, Int, TraitError, Tuple, Unicode, observe, validate

from ganwidgets.data import DATA_OPTIONS
from ganwidgets.errors import DataError
from ganwidgets.games import DEFAULT, settings_of
from ganwidgets.live import Camera, Pacer, Runner
from ganwidgets.live.frames.explorer import Explorer
from ganwidgets.live.worker.background import LatestOnlyTasks
from ganwidgets.messages import catalog
from ganwidgets.rendering.exports.export import export
from ganwidgets.rendering.pictures.poster import render
from ganwidgets.runs.record.interventions import CODE
from ganwidgets.runs.state.user_parts import chosen_game
from ganwidgets.settings import SETTINGS, Setting, SettingTraits, check_names
from ganwidgets.settings.signatures import with_settings
from ganwidgets.trainer.trainer import GANTrainer
from ganwidgets.trainer.what_if import WhatIf
from ganwidgets.validation import checked_count
from ganwidgets.widgets.browser.kernel.acknowledgements import Acknowledgements
from ganwidgets.widgets.browser.kernel.displays import Displayed, Displays
from ganwidgets.widgets.browser.kernel.link_refusal import InKernelOnly
from ganwidgets.widgets.browser.kernel.models import models_of
from ganwidgets.widgets.browser.kernel.subshells import handle_during_cells
from ganwidgets.widgets.panels.recipes.panel import STARTS
from ganwidgets.widgets.panels.transport.panel import ACTIONS, SPEED
from ganwidgets.widgets.trainer.actions import BY_HAND, UserActions
from ganwidgets.widgets.trainer.dashboards.connections import Connections
from ganwidgets.widgets.trainer.dashboards.gan_dashboard import GANDashboard
from ganwidgets.widgets.trainer.dashboards.visibility import HIDEABLE
from ganwidgets.widgets.trainer.layout.layout_values import PANELS
from ganwidgets.widgets.trainer.layout.panel_layout import LAYOUT, LayoutTraits
from ganwidgets.widgets.trainer.orphans import look_after_cells, pause_orphans
from ganwidgets.widgets.trainer.piloting import Piloting
from ganwidgets.widgets.trainer.presenting import Presenting
from ganwidgets.widgets.trainer.publisher import Publisher
from ganwidgets.widgets.trainer.steering import CLOSED, Steering

__all__ = ["GANTrainerWidget"]


KEYWORDS: Mapping[str, Any] = {
    **dict.fromkeys(("generator", "discriminator", "objective")),
    "game": DEFAULT,
    "device": "cpu",
    "run": None,
    **dict.fromkeys(DATA_OPTIONS),
    "speed": 0.0,
    "controls": None,
    "layout_preset": "full",
    "panels": PANELS,
    "panel_sizes": {},
    "chart_scales": {},
    "chart_curves": {},
}
"""Keywords of the constructor besides the settings, with their defaults."""

LOOKS = ("speed", "controls", *LAYOUT)
"""Keywords that are traits of the widget, in the order of their assignment: a preset chooses panels."""


@with_settings(KEYWORDS)
class GANTrainerWidget(
    Displayed, LayoutTraits, Steering, Presenting, Piloting, SettingTraits, ipywidgets.VBox
):
    """Watch a GAN train, and steer it while it trains.

    In a notebook it shows real and generated samples, losses, metrics, and a control for every setting. Each
    setting is a trait: ``w.lr_d = 2e-4`` in any cell changes the run and moves the slider, and the slider
    changes the trait.

    Parameters
    ----------
    data_or_trainer
        Anything that :class:`GANTrainer` takes as data, or a trainer; several widgets may show one.
    locale : str, optional
        Language of all texts, such as ``"fr"``; default: the system's.
    **settings
        Everything else that :class:`GANTrainer` takes, `run` among it. With a trainer, settings only, which are
        then changed.

    Attributes
    ----------
    iteration, playing, status, loss_d, loss_g, steps_per_second, metrics, error
        State of the run; read-only. `status` is ``"idle"``, ``"running"``, ``"paused"``,
        ``"diverged"`` or ``"error"``; `error` a sentence in the widget's language, or empty.
    speed : float
        Maximum steps per second; 0 for no limit.
    rules, autopilot : tuple of Rule, {"off", "advise", "act"}
        The rules that supervise the run; they only give advice until ``"act"`` arms them.
    controls : tuple of str or None
        Names of the visible controls and buttons, including ``"speed"`` and ``"timeline"``; None shows all. A
        teacher can hide the others.
    layout_preset : {"full", "projector", "compact"}
        ``projector`` and ``compact`` fit one screen of 1280x720 or 1024x768 pixels; ``projector`` has text of 18
        pixels and thick curves. They show six controls: the first of `controls`, or a default choice.
    panels : tuple of str
        The visible panels, in their order; setting `layout_preset` replaces them.
    panel_sizes : mapping of str to (int, int)
        Width and height in CSS pixels of panels that do not have their default size. The buttons **Arrange**
        and **Present** set these three traits too. A changed layout is stored in the folder of the run, where
        the next widget loads it; :meth:`keep_layout` makes it the user's default.
    chart_scales : mapping of str to {"linear", "log"}
        Scale of the vertical axes of charts, such as ``{"curves": "log"}``; others are linear. On a
        logarithmic axis, 0 and negative values are gaps, which the legend mentions.
    chart_curves : mapping of str to tuple of str
        Curves of charts that do not show their default ones, at most six each, by the names of history
        columns and metrics: ``{"metrics": ("modes", "accuracy_real")}``. The charts are ``"curves"`` and
        ``"metrics"``, in other games ``"curves"`` and ``"terms"``.

    Raises
    ------
    traitlets.TraitError
        For an unknown keyword or attribute, or a value that is not allowed.
    DataError
        For data that cannot be trained on.

    Examples
    --------
    >>> w = GANTrainerWidget("ring8", lr_d=1e-3)
    >>> w.play(until=20)
    >>> w.wait()
    >>> w.iteration
    20
    >>> w.close()
    """

    _closed_words = CLOSED

    iteration = Int(0, read_only=True, help="Full steps carried out.")
    playing = Bool(False, read_only=True, help="Whether steps follow one another.")
    status = Unicode("idle", read_only=True, help="idle, running, paused, diverged or error.")
    loss_d = Float(float("nan"), read_only=True, help="The discriminator's last loss.")
    loss_g = Float(float("nan"), read_only=True, help="The generator's last loss.")
    steps_per_second = Float(0.0, read_only=True, help="Over about the last second.")
    metrics = Dict(read_only=True, help="The last figures of quality, by name.")
    error = Unicode("", read_only=True, help="What went wrong, in a sentence; empty if nothing did.")
    speed = SPEED
    controls = Tuple(
        default_value=None,
        allow_none=True,
        help="Names of the controls and buttons that are shown, such as ('play', 'lr_d'); None shows all.",
    )

    _named = False
    """True once a name in a cell was found to refer to this widget."""
    _followers: tuple[Callable[[], None], ...] = ()
    """Called before the widget is closed."""
    # Replaced in widgets of other games.
    _definitions: Mapping[str, Setting[Any]] = SETTINGS
    _actions: Mapping[str, Any] = ACTIONS
    _make_camera: Any = Camera
    _make_dashboard: Any = GANDashboard

    def __new__(cls, data_or_trainer: Any = "gaussians", **settings: Any) -> Self:
        """Return a widget with the settings of the game as its traits."""
        if isinstance(data_or_trainer, GANTrainer):
            game = data_or_trainer._session.own.game
        else:
            game = chosen_game(settings.get("game", DEFAULT), {})
        if cls is GANTrainerWidget and settings_of(game) is not cls._definitions:
            from ganwidgets.widgets.trainer.game_widget import widget_class

            return cast("Self", super().__new__(widget_class(game)))
        return super().__new__(cls)

    def __init__(
        self, data_or_trainer: Any = "gaussians", *, locale: str | None = None, **settings: Any
    ) -> None:
        check_names(settings, "GANTrainerWidget", (*KEYWORDS, "locale"), self._definitions)
        self._catalog = catalog(locale)
        looks = {name: settings.pop(name) for name in LOOKS if name in settings}
        keeps = "run" in settings
        if isinstance(data_or_trainer, GANTrainer):
            settings.pop("game", None)
            check_names(settings, "a trainer that exists", definitions=self._definitions)
            trainer = data_or_trainer
            trainer.settings.checked(settings)
        else:
            trainer = GANTrainer(data_or_trainer, **settings)
            settings = {}
        self._trainer = trainer
        self._keeps = keeps
        self._runner = Runner.of(trainer)
        self._begin_presenting()
        super().__init__()
        if further := [name for name in self._definitions if name not in SETTINGS]:
            self.observe(self._on_trait_change, names=further)  # an empty list would mean all traits
        self._pacer = Pacer(max_rate=trainer.source.modality.frame_rate)
        self._camera = self._make_camera(self._runner, measured=self._measured_anew)
        self._tasks = LatestOnlyTasks()
        self._begin_piloting()
        self._displays = Displays()
        self._answers = Acknowledgements(self._pacer, self._wake, self._renew_displays, pause_orphans)
        self._hands = UserActions(
            self._runner,
            self._catalog,
            data=lambda: self.data,
            wake=self._wake,
            look_again=self._look_again,
            export=self.export,
        )
        self._dashboard = self._make_dashboard(
            self._catalog,
            Connections(
                trainer=trainer,
                own=[name for name, network in trainer._session.own.networks.items() if network is not None],
                act=self._hands.act,
                ask=self._ask,
                travel=self._hands.travel,
                compare=self._hands.compare_with,
                verify=self._hands.verify if trainer.run is not None else None,
                train=self._hands.train_on,
                walk=self._hands.walk,
                explorer=Explorer(self._runner),
                tasks=self._tasks,
                export=self._hands.save_beside,
                listener=self._answers,
                stored=self._displays.stored,
                request=self._look_again,
                judge_by=self._hands.judge_by,
                checkup=self._checkup,
                remedy=self._hands.apply_remedy,
                take=self._hands.take_trial,
                carry_out=self._hands.carry_out,
                pilot=self,
            ),
        )
        self._hands.dashboard = self._dashboard
        self._show_settings()
        self.children = self._dashboard.children
        self.add_class("gw-root")
        handle_during_cells([self, *self._dashboard.widgets()])
        self._unsubscribe = self._runner.subscribe(self._on_message)
        self._publisher = Publisher(self._refresh, self._publish)
        self._runner.shown_by.add(self)
        look_after_cells()
        # Now: later a part that `controls` hides is reached from nowhere, and the user may add parts.
        self._models = models_of(self.layout, *self._dashboard.widgets())
        self._ended = False
        try:
            self._begin_layout(looks)
        except BaseException:
            self.close()
            raise
        self._offer_starts()
        if settings:
            self._runner.change(settings)

    def _show_settings(self) -> None:
        """Put every trait and every control to the run's current values."""
        values = self._trainer.settings.as_dict()
        with self._quietly():
            for name, value in values.items():
                self.set_trait(name, value)
        self._dashboard.controls.show(values)
        self._show_in_force()

    # --- requests by users ----------------------------------------------------------------------

    @property
    def trainer(self) -> GANTrainer:
        """The trainer that this widget shows; usable from any cell while it trains."""
        return self._trainer

    def what_if(self, steps: int = 500, *, seeds: int = 1, **changes: Any) -> WhatIf:
        """Return two futures, as :meth:`GANTrainer.what_if`, and show both side by side while they are computed."""
        self._refuse_if_closed()
        check_names(changes, "what_if", ("steps", "seeds"), self._definitions)
        return self._dashboard.look_ahead(checked_count(steps), seeds, changes)

    def _picture(self) -> bytes:
        return render(self._camera.take(also={"verdict"}), self._catalog)

    def _is_closed(self) -> bool:
        return self._ended

    def __repr__(self) -> str:
        state = "closed" if self.__dict__.get("_ended", True) else self.status
        return f"<GANTrainerWidget on {self._trainer.source.name}, {state} at iteration {self.iteration}>"

    def close(self) -> None:
        """End the thread and close every model of the widget; the trainer stays usable.

        A run in a folder is stored, and the folder released. In the page the last
        picture stays.

        Raises
        ------
        CheckpointError
            If the run cannot be stored in its folder; the widget is closed nevertheless, and ``w.trainer`` still holds
            the run: ``w.trainer.save(path)`` saves it elsewhere.
        """
        if self.__dict__.get("_ended", True):
            return
        self._ended = True
        for follower in self._followers:
            follower()
        self._unsubscribe()
        self._publisher.stop()
        self._tasks.close()
        self._runner.shown_by.discard(self)
        try:
            if not self._runner.shown_by:
                self._runner.close()
                if self._keeps:
                    self._trainer.close()
                elif (fault := self._trainer._session.autosave.fault) is not None:
                    raise fault
        finally:
            # A chart makes lines when a user chooses more curves.
            self._models = [*self._models, *models_of(*self._dashboard.widgets())]
            if not self._runner.inside:  # the thread that trains is what these may be waiting for
                self._publisher.join()
                self._tasks.join()
            self._leave()

    def _leave(self) -> None:
        """Leave the last picture in the page, and let kernel and page forget every model."""
        with contextlib.suppress(Exception):  # a network that raises must not prevent closing
            self._displays.update(self._picture)
        super().close()

    def export(self, path: str | os.PathLike[str]) -> Path:
        """Export the run in the widget's language, while training continues; see :meth:`GANTrainer.export`."""
        trainer = self._trainer
        figures, pictures = trainer._evaluation.report, self._dashboard.pictures
        return export(trainer._session, self._runner.look, path, self._catalog, figures, pictures)

    # --- settings, both ways --------------------------------------------------------------------

    def _ask(self, name: str, value: Any) -> None:
        """Set a trait because the user moved its control."""
        self._echoing.by_hand = True
        try:
            setattr(self, name, value)
        except DataError as error:
            raise TraitError(*error.args) from error
        finally:
            self._echoing.by_hand = False

    @observe(*SETTINGS)
    def _on_trait_change(self, change: Any) -> None:
        if getattr(self._echoing, "quiet", False):
            return
        by_hand = getattr(self._echoing, "by_hand", False)
        try:
            origin = BY_HAND if by_hand else CODE
            self._request_setting(change["name"], change["new"], origin, urgent=by_hand)
        except RuntimeError:  # the thread that trains has ended
            self._put(change["name"], change["old"])
            raise
        if not by_hand:
            self._dashboard.controls.show({change["name"]: change["new"]})

    @validate("controls")
    def _known_controls(self, proposal: Any) -> Any:
        if proposal["value"] is not None:
            check_names(
                proposal["value"],
                "the widget's controls",
                (
                    *self._actions,
                    *STARTS,
                    *HIDEABLE,
                    "speed",
                ),
                self._definitions,
            )
        return proposal["value"]

    @observe("controls")
    def _controls_chosen(self, change: Any) -> None:
        self._dashboard.only(change["new"])

    @observe("speed")
    def _speed_wished(self, change: Any) -> None:
        self._runner.speed = change["new"]
        self._dashboard.transport.speed.show(change["new"])

    def _validated(self, setting: Setting[Any], value: Any) -> Any:
        trainer = self.__dict__.get("_trainer")
        if trainer is not None and getattr(self._echoing, "quiet", False):
            return value  # of the run
        checked = setting.check(value)
        if trainer is not None and setting.name in self._definitions:
            trainer.settings._validate_in_context(setting.name, checked)
        return checked

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_") and not self.has_trait(name) and not hasattr(type(self), name):
            check_names([name], "GANTrainerWidget", _names(type(self)), self._definitions)
        if name in SETTINGS and name not in self._definitions:
            check_names([name], "GANTrainerWidget", definitions=self._definitions)
        if self.has_trait(name) and name in {
            *self._definitions,
            *LOOKS,
        }:
            self._refuse_if_closed()
        if name in self._definitions:
            with self._writing:
                super().__setattr__(name, value)
        else:
            super().__setattr__(name, value)


for _name, _trait in GANTrainerWidget.class_traits().items():
    if not hasattr(ipywidgets.VBox, _name):
        _trait.tag(sync=InKernelOnly(_name))


def _names(cls: type) -> list[str]:
    return [name for name in dir(cls) if not name.startswith("_")]
