"""Migration of runs stored by older versions: missing entries, and older hashes.

A setting that a later version adds has a value under which a run computes the same bits as without the setting.
Stored runs without the setting get that value, which need not be the default of new runs. Hashes of old states, which
do not include it, are still recognised.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ganwidgets.errors import CheckpointError
from ganwidgets.messages import Message
from ganwidgets.runs.state.hashing import digest
from ganwidgets.settings import SETTINGS, Setting

__all__ = [
    "MIGRATIONS",
    "Addition",
    "completed_settings",
    "completed_state",
    "completed_tree",
    "is_hash_of",
]


class Addition(NamedTuple):
    """Entries added by one version, with defaults that do not change a run."""

    settings: Mapping[str, Any]
    state: Mapping[str, Any]


MIGRATIONS = (
    Addition({"conditional": False, "channels": 32, "norm": "batch", "spectral_norm": False}, {}),
    Addition({"holdout": 0.0}, {}),
    Addition(
        {"penalty_interval": 1, "augment": "none", "unroll_steps": 0, "packing": 1},
        {"d_updates": 0},
    ),
    Addition({"precision": "float32"}, {}),
    Addition(
        {
            "ema_rampup": 0.0,
            "schedule_end": 0.0,
            "penalty_end": 1.0,
            "growth_samples": 5000,
            "growth_level": 0.0,
            "mapping_layers": 2,
            "synthesis_layers": 4,
        },
        {},
    ),
    Addition({"freeze_layers_d": 0}, {}),
    Addition({"augment_target": 0.6, "augment_p": 0.2, "augment_samples": 50_000}, {}),
    Addition({"stepper": "eager"}, {}),
)
"""Migrations in order; everything else existed from the beginning."""

_SETTINGS = {name: value for addition in MIGRATIONS for name, value in addition.settings.items()}
_STATE = {name: value for addition in MIGRATIONS for name, value in addition.state.items()}


def completed_settings(
    values: Mapping[str, Any],
    *,
    built: bool = False,
    definitions: Mapping[str, Setting[Any]] = SETTINGS,
) -> dict[str, Any]:
    """Return the settings of a stored run, with later ones added.

    Parameters
    ----------
    values : mapping
        By name, as they were stored.
    built : bool
        True for the settings of a fresh start alone, False for all settings.
    definitions : mapping
        Of all settings of the game.

    Raises
    ------
    CheckpointError
        If a setting is there that this version does not know, or one lacks that was never added.
    """
    wanted = [name for name, s in definitions.items() if not built or s.effect == "fresh start"]
    unknown = values.keys() - set(wanted)
    if unknown:
        raise CheckpointError(
            Message(
                "the run has settings that this version of ganwidgets does not know ({names}): a newer version kept "
                "it; upgrade ganwidgets",
                names=_listed(unknown),
            )
        )
    complete = {**{name: _SETTINGS[name] for name in wanted if name in _SETTINGS}, **values}
    missing = set(wanted) - complete.keys()
    if missing:
        raise CheckpointError(
            Message(
                "the run has no value for settings that every version has ({names}): it was not kept whole; use an "
                "older copy",
                names=_listed(missing),
            )
        )
    return complete


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def completed_state(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tree of :func:`~ganwidgets.runs.state.state_tree.state_tree` with later entries added."""
    return dict(tree) if "game" in tree else {**_STATE, **tree}


def completed_tree(
    tree: Mapping[str, Any], definitions: Mapping[str, Setting[Any]] = SETTINGS
) -> dict[str, Any]:
    """Return a tree of :func:`~ganwidgets.runs.session.full_state.described` with later entries added.

    Parameters
    ----------
    definitions : mapping
        Of all settings of the game.
    """
    return {
        **completed_state(tree),
        "built": completed_settings(tree["built"], built=True, definitions=definitions),
        "settings": completed_settings(tree["settings"], definitions=definitions),
    }


def is_hash_of(tree: Mapping[str, Any], stored: str, *, counted: int = 0) -> bool:
    """Return True if `stored` is the hash of the whole state `tree`, computed by this or an older version.

    Parameters
    ----------
    tree : mapping
        As :func:`~ganwidgets.runs.session.full_state.described` describes it.
    stored : str
    counted : int
        Updates of D since the fresh start. The first version with lazy penalties stored this number instead of the
        updates since the last penalty.
    """
    trees = [tree] if counted == tree.get("d_updates", counted) else [tree, {**tree, "d_updates": counted}]
    return any(digest(form) == stored for each in trees for form in _forms(each))


def _forms(tree: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield `tree` in each version's format, newest first, as far back as it can be represented."""
    form = dict(tree)
    yield form
    for addition in reversed(MIGRATIONS):
        parts = [(addition.settings, form["settings"]), (addition.settings, form["built"])]
        for added, part in [*parts, (addition.state, form)]:
            if any(part[name] != value for name, value in added.items() if name in part):
                return
        form = {
            **_without(form, addition.state),
            "settings": _without(form["settings"], addition.settings),
            "built": _without(form["built"], addition.settings),
        }
        yield form


def _without(values: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in set(names)}
