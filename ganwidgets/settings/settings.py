"""Settings classes, and the table of all settings."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from traitlets import TraitError

from ganwidgets.messages import Message
from ganwidgets.settings.definitions import SETTINGS, SettingTraits
from ganwidgets.settings.types import NumberSetting, Setting, SettingGroup, SettingOwner, nearest

__all__ = ["AnySettings", "Settings", "check_names", "settings_table", "with_definitions"]

Definitions = Mapping[str, Setting[Any]]


class AnySettings(SettingOwner):
    """The settings of one trainer, of any game.

    An assignment validates the value. It takes effect at the next update, or at the next :meth:`GANTrainer.reset` if
    the setting's definition says ``"fresh start"``.

    Raises
    ------
    traitlets.TraitError
        If the name is unknown, or the value has a wrong type or is out of bounds; nothing changes.
    """

    # Settings of every game.
    data: Any
    holdout: Any
    seed: Any

    definitions: ClassVar[Definitions] = {}
    """Every setting by name, in display order."""

    def __init__(self, **values: Any) -> None:
        self.__dict__["_context_validator"] = None
        self.__dict__["_route"] = None
        self.__dict__["_trial"] = None
        check_names(values, "settings", definitions=self.definitions)
        super().__init__()
        self.update(values)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.definitions:
            if self._route is not None and self._route(self.checked({name: value}), ""):
                return
            self.update({name: value})
            return
        if not name.startswith("_"):
            check_names([name], "settings", definitions=self.definitions)
        super().__setattr__(name, value)

    def checked(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return `values` in canonical form; raise for the first invalid one."""
        check_names(values, "settings", definitions=self.definitions)
        result = {}
        for name, value in values.items():
            result[name] = self.definitions[name].check(value)
            self._validate_in_context(name, result[name])
        return result

    def update(self, values: Mapping[str, Any]) -> None:
        """Set several settings at once; on any error none of them changes."""
        checked = self.checked(values)
        if self._trial is not None:
            self._trial(checked)
        for name, value in checked.items():
            super().__setattr__(name, value)

    def set_trait(self, name: str, value: Any) -> None:
        """Assign to the setting `name`."""
        setattr(self, name, value)

    def _validated(self, setting: Setting[Any], value: Any) -> Any:
        del setting  # every assignment goes through `update`, which validates it
        return value

    def as_dict(self) -> dict[str, Any]:
        """Return every setting's value, by name."""
        return {name: getattr(self, name) for name in self.definitions}

    def _validate_in_context(self, setting: str, value: Any) -> None:
        if self._context_validator is not None:
            self._context_validator(setting, value)

    def __repr__(self) -> str:
        changed = ", ".join(
            f"{name}={value!r}"
            for name, value in self.as_dict().items()
            if (isinstance(value, str) if self.definitions[name].scale == "data" else True)
            and value != self.definitions[name].initial
        )
        return f"Settings({changed})"

    _context_validator: Callable[[str, Any], None] | None
    _trial: Callable[[Mapping[str, Any]], None] | None
    _route: Callable[[dict[str, Any], str], bool] | None


class Settings(AnySettings, SettingTraits):
    """The settings of one trainer of the classic game.

    An assignment validates the value. It takes effect at the next update, or at the next :meth:`GANTrainer.reset` if
    the setting's definition says ``"fresh start"``.

    Raises
    ------
    traitlets.TraitError
        If the name is unknown, or the value has a wrong type or is out of bounds; nothing changes.
    """

    definitions = SETTINGS


def with_definitions(definitions: Definitions) -> type[AnySettings]:
    """Return a class of settings with these definitions."""
    if definitions is SETTINGS:
        return Settings
    traits = {name: copy.copy(setting) for name, setting in definitions.items()}
    return type("Settings", (AnySettings,), {**traits, "definitions": definitions})


def check_names(
    names: Iterable[str], owner: str, also: Iterable[str] = (), definitions: Definitions = SETTINGS
) -> None:
    """Raise `TraitError` for the first of `names` that is neither in `definitions` nor in `also`."""
    known = [*definitions, *also]
    for name in names:
        if name not in known:
            raise TraitError(
                Message(
                    "{owner} has no {name!r}{hint}; settings are {known}",
                    owner=owner,
                    name=name,
                    hint=nearest(name, known),
                    known=", ".join(definitions),
                )
            )


def settings_table(group: SettingGroup | None = None) -> str:
    """Return a Markdown table of all settings, or of one group, for the documentation."""
    rows = [
        "| setting | default | allowed | unit | scale | takes effect | what it does |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, setting in SETTINGS.items():
        if group in (None, setting.group):
            cells = (
                f"`{name}`",
                f"`{setting.initial!r}`",
                setting.allowed,
                setting.unit,
                setting.scale if isinstance(setting, NumberSetting) else "",
                setting.effect,
                setting.help,
            )
            rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)
