"""The widget of the Dirac-GAN: choice of the game and the start, the run, and the theory."""

from __future__ import annotations

import copy
import threading
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import ipywidgets
from traitlets import observe

from ganwidgets.dirac import DiracGAN
from ganwidgets.messages import N_, catalog
from ganwidgets.settings import SETTINGS, BoolSetting, FloatSetting, IntSetting, Setting, SettingOwner
from ganwidgets.widgets.browser.kernel.displays import Displayed, Displays
from ganwidgets.widgets.browser.kernel.models import models_of
from ganwidgets.widgets.browser.page.heartbeat import Heartbeat, NullViewListener, gone_words
from ganwidgets.widgets.browser.style.shared_style import SharedStyle
from ganwidgets.widgets.controls.controls import ControlSet
from ganwidgets.widgets.dirac.poster import render_dirac
from ganwidgets.widgets.dirac.view import DiracView, scene_of

__all__ = ["DiracWidget"]


def _as_here(name: str, initial: Any, **changed: Any) -> Setting[Any]:
    """Return a copy of a training setting with another initial value for this game."""
    setting = copy.copy(SETTINGS[name])
    setting.initial = setting.default_value = initial
    vars(setting).update(changed)
    return setting


class DiracTraits(SettingOwner):
    """The settings of the widget: those of the training that apply here, and four others."""

    loss = _as_here("loss", "minimax")
    penalty = _as_here("penalty", "none")
    penalty_weight = _as_here("penalty_weight", 0.3, slider=(0.01, 10))
    weight_clip = _as_here("weight_clip", 0.0)
    lr_g = _as_here("lr_g", 0.2, slider=(0.01, 1))
    lr_d = _as_here("lr_d", 0.2, slider=(0.01, 1))
    d_steps = _as_here("d_steps", 1)
    simultaneous = BoolSetting(
        False,
        label=N_("Both at once"),
        help=N_("Both networks move at the same moment, instead of G answering D's newest move."),
        group="objective",
    )
    steps = IntSetting(
        200,
        min=1,
        max=5000,
        scale="logarithmic",
        slider=(10, 2000),
        label=N_("Length of the run"),
        unit=N_("steps"),
        help=N_("How many steps the drawn run takes."),
        group="run",
    )
    theta = FloatSetting(
        1.0, min=-100, max=100, slider=(-2, 2), label="θ", help=N_("Value of θ at the start."), group="run"
    )
    psi = FloatSetting(
        1.0,
        min=-100,
        max=100,
        slider=(-2, 2),
        label="ψ",
        help=N_("Value of ψ at the start."),
        group="run",
    )


CHOICES: Mapping[str, Setting[Any]] = MappingProxyType(
    {name: trait for name, trait in vars(DiracTraits).items() if isinstance(trait, Setting)}
)

CLOSED = N_("This widget was closed; gw.DiracWidget() makes another.")

POINTED = ("theta", "psi")
"""Chosen by a click in the picture, not by a control."""


class DiracWidget(Displayed, DiracTraits, ipywidgets.VBox):
    """The smallest GAN, one parameter against one parameter: its vector field, one run, and the theory.

    Each choice is a trait and a control: ``loss penalty penalty_weight weight_clip lr_g lr_d d_steps``
    as in a training, ``simultaneous steps``, and the start ``theta psi``, which a click in the plane sets.

    Parameters
    ----------
    locale : str, optional
        Language of all texts, such as ``"fr"``; default: the system's.
    **choices
        Any of the traits by name.

    Raises
    ------
    traitlets.TraitError
        For a value that is not allowed.
    TypeError
        For an unknown keyword.

    Examples
    --------
    >>> w = DiracWidget(loss="wasserstein", penalty="r1", penalty_weight=0.5)
    >>> w.game.dynamics(lr_g=w.lr_g, lr_d=w.lr_d).verdict
    'converges'
    >>> w.close()
    """

    _closed_words = CLOSED

    def __init__(self, *, locale: str | None = None, **choices: Any) -> None:
        unknown = [name for name in choices if name not in CHOICES]
        if unknown:
            raise TypeError(f"DiracWidget has no {unknown[0]!r}; it has {', '.join(CHOICES)}")
        self._complete = False
        self._catalog = catalog(locale)
        self._drawing = threading.RLock()
        self._displays = Displays()
        look = SharedStyle()
        controlled = {name: setting for name, setting in CHOICES.items() if name not in POINTED}
        self._controls = ControlSet(self._catalog, self._ask, controlled, look)
        self._view = DiracView(self._catalog, self._begin)
        controls = [control.widget for control in self._controls.controls.values()]
        super().__init__()
        self._models = models_of(self.layout, self._view, *controls)
        try:
            for name, value in choices.items():
                setattr(self, name, value)
        except BaseException:
            self.close()
            raise
        self._controls.show({name: getattr(self, name) for name in controlled})
        grid = look.box(controls, "gw-grid")
        self.children = (
            Heartbeat(
                NullViewListener(),
                self._controls.names,
                places=self._controls.places,
                words=gone_words(self._catalog),
                stored=self._displays.stored,
            ),
            self._view,
            grid,
        )
        self._models = models_of(*self.children, self.layout)
        self.add_class("gw-root")
        self._complete = True
        self._draw()

    @property
    def game(self) -> DiracGAN:
        """The chosen game."""
        return DiracGAN(self.loss, self.penalty, self.penalty_weight, self.weight_clip)

    def _ask(self, name: str, value: Any) -> None:
        setattr(self, name, value)

    def _begin(self, theta: float, psi: float) -> None:
        with self.hold_trait_notifications():
            self.theta, self.psi = (min(max(value, -100.0), 100.0) for value in (theta, psi))

    @observe(*CHOICES)
    def _chosen(self, change: Any) -> None:
        if not self._complete:
            return
        if change["name"] not in POINTED:
            self._controls.show({change["name"]: change["new"]})
        self._draw()

    def _draw(self) -> None:
        # A click and a cell may request a drawing at once, on different threads; the later one draws last.
        with self._drawing:
            way = {name: getattr(self, name) for name in ("lr_g", "lr_d", "d_steps", "simultaneous")}
            start = self.theta, self.psi
            self._view.scene = scene_of(self.game, start, self.steps, way, self._catalog)

    def _picture(self) -> bytes:
        return render_dirac(self._view.scene, self._view.words)

    def __repr__(self) -> str:
        return f"<DiracWidget {self.game!r}>"
