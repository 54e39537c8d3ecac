"""Made-up frames for tests of panels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ganwidgets.live.frames.frame import Frame
from ganwidgets.rendering.plane.axes import unnamed_axes
from ganwidgets.runs.record.interventions import Intervention
from ganwidgets.runs.timeline.branch_view import BranchView, TimelineView

STEPS = np.arange(50)


def envelope(level: float, **changes: float) -> tuple[np.ndarray, ...]:
    """Iterations, low, mean and high of a column; `changes` maps ``at_3`` to a value."""
    mean = level + 0.1 * np.sin(STEPS)
    for place, value in changes.items():
        mean[int(place.removeprefix("at_"))] = value
    return STEPS, mean - 0.2, mean, mean + 0.2


def points_frame(**changes: Any) -> Frame:
    generator = np.random.default_rng(0)
    grid = np.linspace(0, 1, 64, dtype=np.float32)
    frame = Frame(
        iteration=1234,
        status="running",
        steps_per_second=812.4,
        record={"loss_d": 1.2, "loss_g": 0.7, "accuracy_real": 0.75, "accuracy_fake": 0.5},
        kind="points",
        shape=(2,),
        real=generator.uniform(-1, 1, (40, 2)).astype(np.float32),
        generated=generator.uniform(-1, 1, (30, 2)).astype(np.float32),
        labels=None,
        extent=(-1.25, 1.25, -1.25, 1.25),
        losses={
            name: envelope(level)
            for name, level in [
                ("loss_d", 1.2),
                ("loss_g", 0.7),
                ("accuracy_real", 0.7),
                ("accuracy_fake", 0.6),
                ("grad_norm_d", 0.3),
                ("grad_norm_g", 0.2),
            ]
        },
        metrics={
            "modes": (STEPS, np.minimum(STEPS, 8.0)),
            "jensen_shannon": (STEPS, 1 / (1.0 + STEPS)),
        },
        floors={"modes": 8.0, "jensen_shannon": 0.05},
        latest_metrics={"modes": 8.0, "jensen_shannon": 0.125},
        exact=True,
        past=past(),
        compared={},
    )
    # Other changes keep the verdict unless they set one.
    verdict = changes.pop("verdict", np.broadcast_to(grid, (64, 64)))
    seen = {"verdict": verdict, **changes.pop("seen", {})}
    axes = unnamed_axes(changes.get("real", frame.real).shape[1])
    return replace(frame, **{"seen": seen, "axes": axes, **changes})


def record(seq: int, **about: Any) -> Intervention:
    """An intervention on the first branch: D's learning rate, from a control."""
    plain = {
        "iteration": 100,
        "author": "user",
        "source": "widget",
        "setting": "lr_d",
        "old": 1e-3,
        "new": 2e-4,
        "branch": 0,
    }
    return Intervention(seq=seq, **{**plain, **about})


def past(*others: BranchView, **changes: Any) -> TimelineView:
    """The past of a run at the end of its first branch, at iteration 1234."""
    main = BranchView(0, "main", None, 0, 1234)
    view = TimelineView(
        branches=(main, *others),
        interventions=(),
        led_here=(),
        branch=0,
        iteration=1234,
        at_tip=True,
        first=0,
        lineage=frozenset({0}),
    )
    return replace(view, **changes)


def images_frame(channels: int = 1, side: int = 8, **changes: Any) -> Frame:
    generator = np.random.default_rng(0)
    shape = (25, channels, side, side)
    return points_frame(
        kind="images",
        shape=shape[1:],
        real=generator.random(shape, dtype=np.float32),
        generated=generator.random(shape, dtype=np.float32),
        labels=None,
        verdict=None,
        extent=None,
        **{"metrics": {}, "floors": {}, "latest_metrics": {}, **changes},
    )
