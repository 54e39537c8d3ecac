"""What the panels of a widget read, and the functions that they call."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ganwidgets.data import Source
from ganwidgets.diagnosis import Remedy
from ganwidgets.live.frames.explorer import Explorer
from ganwidgets.live.worker.background import LatestOnlyTasks
from ganwidgets.trainer.trainer import GANTrainer
from ganwidgets.widgets.browser.page.heartbeat import ViewListener
from ganwidgets.widgets.panels.health.checkup import Checkup, Trial
from ganwidgets.widgets.panels.sentences.rules import Pilot

__all__ = ["Connections"]


@dataclass(frozen=True)
class Connections:
    """What the panels of a widget read, and the functions that they call.

    Attributes
    ----------
    trainer : GANTrainer
        The run.
    own : collection of str
        Those networks that are the user's own, by name.
    act, ask : callable
        Called when a button is clicked, and when a control is moved.
    travel, compare, verify : callable
        See :class:`ganwidgets.widgets.panels.timeline.panel.TimelinePanel`.
    train : callable
        ``train(points)`` starts afresh on points ``[N, F]``.
    walk : callable
        See :class:`ganwidgets.widgets.panels.walk.panel.WalkPanel`.
    explorer, tasks : Explorer, LatestOnlyTasks
        See :class:`ganwidgets.widgets.panels.samples.panel.SamplesPanel`.
    export : callable
        See :class:`ganwidgets.widgets.panels.export.panel.SavingPanel`.
    listener : ViewListener
        Listener to views and their acknowledgements.
    stored : str
        See :class:`ganwidgets.widgets.browser.page.heartbeat.Heartbeat`.
    request : callable
        Requests a redraw of the current state; returns at once, thread-safe.
    judge_by : callable
        See :class:`ganwidgets.widgets.panels.charts.metrics.MetricsPanel`.
    checkup, remedy, take : Checkup, callable, callable
        See :class:`ganwidgets.widgets.panels.health.panel.HealthPanel`.
    carry_out : callable
        See :class:`ganwidgets.widgets.panels.sentences.what_if.WhatIfPanel`.
    pilot : Pilot
        See :class:`ganwidgets.widgets.panels.sentences.rules.RulesPanel`.
    """

    trainer: GANTrainer
    own: Collection[str]
    act: Callable[[str], None]
    ask: Callable[[str, Any], None]
    travel: Callable[[str, Any], int]
    compare: Callable[[str | None], None]
    verify: Callable[[], None] | None
    train: Callable[[Source | np.ndarray], None]
    walk: Callable[[str, str], None]
    explorer: Explorer
    tasks: LatestOnlyTasks
    export: Callable[[str], Path]
    listener: ViewListener
    stored: str
    request: Callable[[], None]
    judge_by: Callable[[str], None]
    checkup: Checkup
    remedy: Callable[[Remedy], None]
    take: Callable[[Trial], None]
    carry_out: Callable[[Callable[[], None]], Any]
    pilot: Pilot
