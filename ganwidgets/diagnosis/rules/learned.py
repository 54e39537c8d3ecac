"""A small learned controller of both learning rates and of the number of D updates.

It is a contextual bandit. ``scripts/train_controller.py`` changes these settings at random in the runs of a sweep. It
fits the gain of the next 100 iterations, ``ln(distance before / distance after)`` from the data, by ridge regression.
The features are quadratic in the logarithms of the settings after the action, and bilinear in these and recorded
columns. Distances are measured only for the fit; the controller itself reads recorded columns.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from functools import cache, partial
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from ganwidgets.diagnosis.rules.rule import DIVERGED, Rule
from ganwidgets.diagnosis.signals import Signals

__all__ = ["ACTS", "DECIDES_EVERY", "acted", "features", "learned_rules"]

Floats = npt.NDArray[np.float64]

DECIDES_EVERY = 100
"""Interval, in iterations, between two decisions."""

MARGIN = 0.2
"""Minimum expected gain over doing nothing (tuned)."""

ACTS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "nothing": {},
        "lr_d / 10": {"lr_d": 0.1},
        "lr_d x 10": {"lr_d": 10.0},
        "lr_g / 10": {"lr_g": 0.1},
        "lr_g x 10": {"lr_g": 10.0},
        "both rates / 10": {"lr_d": 0.1, "lr_g": 0.1},
        "both rates x 10": {"lr_d": 10.0, "lr_g": 10.0},
        "d_steps / 2": {"d_steps": 0.5},
        "d_steps x 2": {"d_steps": 2.0},
    }
)
"""Factors of settings for each action, by name."""

LOWEST, HIGHEST = 1e-7, 1.0
"""Limits of learning rates for all actions."""


def acted(settings: Mapping[str, Any], act: str) -> dict[str, float]:
    """Return ``lr_d``, ``lr_g`` and ``d_steps`` after an action."""
    after = {name: float(settings[name]) for name in ("lr_d", "lr_g", "d_steps")}
    for name, factor in ACTS[act].items():
        after[name] *= factor
    for name in ("lr_d", "lr_g"):
        after[name] = min(max(after[name], LOWEST), HIGHEST)
    after["d_steps"] = min(max(after["d_steps"], 1.0), 8.0)
    return after


def features(seen: Signals, after: Mapping[str, float]) -> Floats:
    """Return the features of settings `after` an action in the state `seen`, float64 [28]."""
    rates = [math.log10(max(after[name], 1e-12)) + 3 for name in ("lr_d", "lr_g")]
    x = np.array([*rates, math.log2(after["d_steps"])])
    state = np.array(
        [
            1.0,
            _mean(seen, "accuracy_real") - 0.5,
            _mean(seen, "accuracy_fake") - 0.5,
            _size(seen, "grad_norm_d"),
            _size(seen, "grad_norm_g"),
        ]
    )
    quadratic = np.outer(x, x)[np.triu_indices(3)]
    # Only bilinear terms distinguish actions; the state's own terms absorb the rest.
    return np.concatenate(
        [quadratic, np.outer(x, state).ravel(), state, [_size(seen, "loss_d"), _size(seen, "loss_g")]]
    )


def _mean(seen: Signals, column: str) -> float:
    values = seen.series(column).values[-DECIDES_EVERY // 10 :]
    return float(values.mean()) if len(values) else 0.5


def _size(seen: Signals, column: str) -> float:
    """Return log10 of a column's median absolute value, clamped to [-3, 3]."""
    values = np.abs(seen.series(column).values[-DECIDES_EVERY:])
    return float(np.clip(np.log10(np.median(values) + 1e-12), -3, 3)) if len(values) else 0.0


@cache
def _weights() -> Floats:
    text = (files("ganwidgets.diagnosis.rules") / "controller.json").read_text("utf-8")
    return np.array(json.loads(text)["weights"], dtype=np.float64)


def expected_gain(seen: Signals, act: str) -> float:
    """Return the expected gain of each action in the next 100 iterations, minus that of doing nothing."""
    weights = _weights()
    both = [features(seen, acted(seen.settings, name)) for name in (act, "nothing")]
    return float((both[0] - both[1]) @ weights)


def _condition(act: str) -> Callable[[Signals], str]:
    """Return the condition that `act` is the best action and exceeds the margin."""

    def best(seen: Signals) -> str:
        if seen.iteration % DECIDES_EVERY or "lr_d" not in seen.settings:
            return ""
        gains = {name: expected_gain(seen, name) for name in ACTS}
        chosen = max(gains, key=lambda name: gains[name])
        return f"expected gain {gains[act]:.2f} by {act}" if chosen == act and gains[act] > MARGIN else ""

    return best


def learned_rules() -> tuple[Rule, ...]:
    """Return the learned controller as rules, one for each action, and ``back off`` for divergences.

    ``benchmarks/results.md`` compares it with :func:`ganwidgets.built_in_rules`.
    """
    acts = tuple(
        Rule(f"learned, {act}", _condition(act), partial(_changes, act=act), cooldown=1)
        for act in ACTS
        if act != "nothing"
    )
    back_off = Rule("back off", DIVERGED, {"lr_d": "* 0.1", "lr_g": "* 0.1"}, cooldown=0, limit=8, back=200)
    return (*acts, back_off)


def _changes(settings: Mapping[str, Any], act: str) -> dict[str, float]:
    """Return the new values of the settings that an action changes."""
    after = acted(settings, act)
    return {name: round(after[name]) if name == "d_steps" else after[name] for name in ACTS[act]}
