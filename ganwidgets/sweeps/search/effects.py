"""Refusals and warnings at the creation of a sweep: what its runs cannot differ in."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from traitlets import TraitError

from ganwidgets.diagnosis.ineffective import remedy_without_effect
from ganwidgets.messages import Message
from ganwidgets.runs.state.state_tree import is_preset

__all__ = ["refuse_presets", "refuse_replaced", "warn_of_no_effect"]

_OF_ALL = ("generator", "discriminator")

_SHAPES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "g_hidden": ("generator",),
        "d_hidden": ("discriminator",),
        **dict.fromkeys(
            ("architecture", "activation", "channels", "norm", "spectral_norm", "mapping"), _OF_ALL
        ),
    }
)
"""Settings of built-in networks, and the networks that they shape."""


def refuse_replaced(varied: Iterable[str], given: Mapping[str, Any]) -> None:
    """Raise `TraitError` if a setting that varies shapes only networks that the user gave.

    Parameters
    ----------
    varied : iterable of str
    given : mapping
        The user's networks by name; None for a built-in one.
    """
    for name in varied:
        shaped = _SHAPES.get(name, ())
        if shaped and all(given[network] is not None for network in shaped):
            raise TraitError(
                Message(
                    "{name} cannot differ between the runs: it shapes the built-in {networks}, and {networks}= replaces "
                    "it; omit {name}, or omit {networks}=",
                    name=name,
                    networks=", ".join(shaped),
                )
            )


def warn_of_no_effect(varied: Iterable[str], runs: Sequence[Mapping[str, Any]], level: int) -> None:
    """Warn of a setting that varies, but has no effect in any run: such runs repeat each other.

    Parameters
    ----------
    varied : iterable of str
    runs : sequence of mapping
        The settings of each run.
    level : int
        The caller's level for `warnings.warn`.
    """
    for name in varied:
        remedies = [remedy_without_effect(name, settings) for settings in runs]
        if None not in remedies:
            changes = ", ".join(f"{each}={value!r}" for each, value in (remedies[0] or {}).items())
            warnings.warn(
                Message(
                    "{name} differs between the runs, but has no effect in any of them; give it an effect with {changes}",
                    name=name,
                    changes=changes,
                ),
                stacklevel=level + 1,
            )


def refuse_presets(data: Any) -> None:
    """Raise `TraitError` for a list of presets."""
    if (
        isinstance(data, list | tuple)
        and data
        and all(isinstance(each, str) and is_preset(each) for each in data)
    ):
        listed = ", ".join(f"{{'data': {each!r}}}" for each in data)
        raise TraitError(
            Message(
                "data cannot be {value!r}: it names one data set; pass configurations=[{listed}] for runs on several",
                value=data,
                listed=listed,
            )
        )
