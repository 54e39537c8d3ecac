"""Detection of chosen settings without effect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from ganwidgets.diagnosis.finding import Evidence, Finding, Remedy
from ganwidgets.diagnosis.signals import SIGNALS, Signals
from ganwidgets.messages import Message
from ganwidgets.settings import SETTINGS, Setting

__all__ = ["ineffective_settings", "remedy_without_effect", "without_effect"]

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
        **{
            name: (lambda rules: rules["lr_schedule"] == "constant", {"lr_schedule": "linear"})
            for name in ("schedule_steps", "schedule_end", "penalty_end")
        },
        "ema_rampup": (lambda rules: rules["ema_decay"] == 0, {"ema_decay": 0.999}),
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
    """Return a finding for each setting that the user chose, at the start or later, and that has no effect."""
    made = (
        without_effect(seen, SETTINGS[name], without, remedy)
        for name, (without, remedy) in _WITHOUT_EFFECT.items()
    )
    return tuple(finding for finding in made if finding is not None)


def remedy_without_effect(name: str, settings: Rules) -> Mapping[str, Any] | None:
    """Return the changes that give the setting `name` an effect; None if it has one under `settings`."""
    without, remedy = _WITHOUT_EFFECT.get(name, (None, {}))
    return remedy if without is not None and without(settings) else None


def without_effect(
    seen: Signals, setting: Setting[Any], without: Callable[[Rules], bool], remedy: Mapping[str, Any]
) -> Finding | None:
    """Return the finding that the user chose a setting without effect; None if it has an effect or is the default.

    A value from the start counts if it had no effect then: a user who switches a penalty off later knows that its
    weight is off too.

    Parameters
    ----------
    seen : Signals
    setting : Setting
    without : callable
        Returns True if the setting has no effect under given settings.
    remedy : mapping
        Changes that give it an effect.
    """
    name = str(setting.name)
    if not without(seen.settings):
        return None
    chosen = seen.initial.get(name, setting.initial) != setting.initial and without(seen.initial)
    if name not in seen.touched and not chosen:
        return None
    changes = ", ".join(f"{each}={value!r}" for each, value in remedy.items())
    return Finding(
        "no_effect",
        MILD,
        seen.touched.get(name, 0),
        Evidence(
            "no_effect",
            SIGNALS["no_effect"],
            (seen.iteration,),
            (1.0,),
            0.0,
            True,
            "follows from the definition of the setting",
        ),
        (Remedy(Message("Give it an effect: {changes}", changes=changes), MappingProxyType(dict(remedy))),),
        Message("{setting} has no effect now.", setting=Message(setting.label)),
    )
