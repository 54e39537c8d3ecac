"""Detection of changed settings without effect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from ganwidgets.diagnosis.finding import Evidence, Finding, Remedy
from ganwidgets.diagnosis.signals import SIGNALS, Signals
from ganwidgets.messages import Message, N_
from ganwidgets.settings import SETTINGS

__all__ = ["ineffective_settings", "without_effect"]

Rules = Mapping[str, Any]


def _without_penalty(rules: Rules) -> bool:
    return bool(rules["penalty"] == "none")


def _not_adaptive(rules: Rules) -> bool:
    return bool(rules["augment"] != "ada")


def _frozen(player: str) -> Callable[[Rules], bool]:
    return lambda rules: bool(rules[f"freeze_{player}"])


def _no_memory(rules: Rules) -> bool:
    return not {rules["optimizer_d"], rules["optimizer_g"]} & {"momentum", "adam", "adamw"}


def _no_scale(rules: Rules) -> bool:
    return not {rules["optimizer_d"], rules["optimizer_g"]} & {"rmsprop", "adam", "adamw"}


_WITHOUT_EFFECT: Mapping[str, tuple[Callable[[Rules], bool], Mapping[str, Any]]] = MappingProxyType(
    {
        "penalty_weight": (_without_penalty, {"penalty": "r1"}),
        "penalty_interval": (_without_penalty, {"penalty": "r1"}),
        "augment_target": (_not_adaptive, {"augment": "ada"}),
        "augment_samples": (_not_adaptive, {"augment": "ada"}),
        "augment_p": (
            lambda rules: rules["augment"] != "ada" or rules["augment_target"] > 0,
            {"augment": "ada", "augment_target": 0.0},
        ),
        "schedule_steps": (lambda rules: rules["lr_schedule"] == "constant", {"lr_schedule": "linear"}),
        "beta1": (_no_memory, {"optimizer_d": "adam", "optimizer_g": "adam"}),
        "beta2": (_no_scale, {"optimizer_d": "adam", "optimizer_g": "adam"}),
        "lr_d": (_frozen("d"), {"freeze_d": False}),
        "d_steps": (_frozen("d"), {"freeze_d": False}),
        "skip_d_below": (_frozen("d"), {"freeze_d": False}),
        "freeze_layers_d": (_frozen("d"), {"freeze_d": False}),
        "lr_g": (_frozen("g"), {"freeze_g": False}),
        "g_steps": (_frozen("g"), {"freeze_g": False}),
    }
)
"""For each setting: the condition under which it has no effect, and the change that gives it one."""

MILD = 0.05
"""Severity: the run itself is healthy."""


def ineffective_settings(seen: Signals) -> tuple[Finding, ...]:
    """Return a finding for each setting that the user changed during the run and that has no effect."""
    found = []
    for name in seen.touched:
        without, remedy = _WITHOUT_EFFECT.get(name, (None, {}))
        if without is not None and without(seen.settings):
            found.append(without_effect(seen, name, SETTINGS[name].label, remedy))
    return tuple(found)


def without_effect(seen: Signals, name: str, label: str, remedy: Mapping[str, Any]) -> Finding:
    """Return the finding that the changed setting `name` has no effect; `remedy` are changes that give it one."""
    return Finding(
        "no_effect",
        MILD,
        seen.touched[name],
        Evidence(
            "no_effect",
            SIGNALS["no_effect"],
            (seen.iteration,),
            (1.0,),
            0.0,
            True,
            "follows from the definition of the setting",
        ),
        (Remedy(N_("Give it an effect"), MappingProxyType(dict(remedy))),),
        Message("{setting} has no effect now", setting=Message(label)),
    )
