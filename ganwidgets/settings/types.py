"""Types of settings: validation, and a description of allowed values."""

from __future__ import annotations

import difflib
import numbers
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Generic, Literal, TypeVar

import numpy as np
from traitlets import HasTraits, TraitError, TraitType

from ganwidgets.messages import Message
from ganwidgets.settings.schedules import is_name, is_registered, register_schedule, schedule_name

__all__ = [
    "BoolSetting",
    "ChoiceSetting",
    "DataSetting",
    "FloatSetting",
    "IntSetting",
    "LayerWidthsSetting",
    "NumberSetting",
    "ScheduleSetting",
    "Setting",
    "SettingGroup",
    "SettingOwner",
    "nearest",
]

SettingEffect = Literal["next update", "fresh start"]
SettingGroup = Literal["discriminator", "generator", "objective", "optimizer", "run", "fresh start"]

G = TypeVar("G")


class Setting(TraitType[G, Any], ABC, Generic[G]):
    """A trait with a description for users.

    Parameters
    ----------
    default
        Value of a trainer that does not set it.
    label : str
        Name beside the control.
    help : str
        One sentence for students.
    group : str
        Group of the controls.
    unit : str
        Unit of the number; empty for a pure number.
    effect : {"next update", "fresh start"}
        Moment at which a change takes effect.
    affects : tuple of str
        Built-in networks that depend on it; own networks do not.
    architectures : tuple of str
        Values of the setting `architecture` for which they depend on it; empty for all.
    """

    scale = "choice"

    def __init__(
        self,
        default: G,
        *,
        label: str,
        help: str,  # noqa: A002 - the name that traitlets gives it
        group: SettingGroup,
        unit: str = "",
        effect: SettingEffect = "next update",
        affects: tuple[str, ...] = (),
        architectures: tuple[str, ...] = (),
    ) -> None:
        super().__init__(default, help=help)
        self.initial = default
        self.label = label
        self.group = group
        self.unit = unit
        self.effect = effect
        self.affects = affects
        self.architectures = architectures

    def validate(self, obj: Any, value: Any) -> G:
        checked: G = obj._validated(self, value)
        return checked

    @abstractmethod
    def check(self, value: Any) -> G:
        """Return `value` in its canonical type, or raise `TraitError`."""

    @property
    @abstractmethod
    def allowed(self) -> str:
        """Description of the allowed values."""

    def refuse(self, value: Any, hint: str = "") -> TraitError:
        """Return the error with this setting's name, `value` and the allowed values."""
        try:
            shown = repr(value)
        except Exception:  # noqa: BLE001 - an object that cannot be shown must not hide what is wrong
            shown = f"<{type(value).__name__}>"
        if len(shown) > 60:
            shown = f"{shown[:57]}..."
        return TraitError(
            Message(
                "{setting} cannot be {value}: it must be {allowed}{hint}",
                setting=self.name,
                value=shown,
                allowed=self.allowed,
                hint=hint,
            )
        )


class SettingOwner(HasTraits):
    """An object with settings as traits."""

    def _validated(self, setting: Setting[Any], value: Any) -> Any:
        """Return the canonical form of a value assigned to `setting`, or raise `TraitError`."""
        return setting.check(value)


class NumberSetting(Setting[G]):
    """A bounded number; base of :class:`FloatSetting` and :class:`IntSetting`."""

    def __init__(
        self,
        default: G,
        *,
        min: float,  # noqa: A002 - the name that ipywidgets gives it
        max: float,  # noqa: A002
        scale: Literal["linear", "logarithmic"] = "linear",
        slider: tuple[float, float] | None = None,
        zero: str = "",
        **about: Any,
    ) -> None:
        super().__init__(default, **about)
        self.min = min
        self.max = max
        self.scale = scale
        self.slider = slider or (min, max)
        self.zero = zero

    def _refuse_out_of_bounds(self, value: Any) -> None:
        if not self.min <= value <= self.max:
            raise self.refuse(value)


class FloatSetting(NumberSetting[float]):
    """A finite real number between two inclusive bounds."""

    def check(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            raise self.refuse(value)
        # Bounds first: an integer beyond them may be too large for a float. NaN is outside all bounds.
        self._refuse_out_of_bounds(value)
        return float(value) + 0.0  # avoid -0.0, which equals 0.0 but has other bits

    @property
    def allowed(self) -> str:
        return Message("a number from {min:g} to {max:g}", min=self.min, max=self.max)


class IntSetting(NumberSetting[int]):
    """An integer between two inclusive bounds."""

    def check(self, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, numbers.Integral):
            raise self.refuse(value)
        self._refuse_out_of_bounds(value)
        return int(value)

    @property
    def allowed(self) -> str:
        return Message("a whole number from {min} to {max}", min=self.min, max=self.max)


class ChoiceSetting(Setting[str]):
    """One of a few names.

    Parameters
    ----------
    choices : mapping of str to str
        Each name with its label.
    register : str
        The function that adds a choice of the user's own, as users call it; empty if there is none.
    """

    def __init__(self, default: str, *, choices: Mapping[str, str], register: str = "", **about: Any) -> None:
        super().__init__(default, **about)
        self._register = register
        self._choices = dict(choices)
        self.choices = MappingProxyType(self._choices)

    def add(self, name: str, label: str) -> None:
        """Add `name` to the choices in every copy of this definition."""
        self._choices[name] = label

    def check(self, value: Any) -> str:
        if isinstance(value, str) and value in self.choices:
            return str(value)
        raise self.refuse(value, hint=f"{nearest(value, self.choices)}{self._remedy}")

    @property
    def _remedy(self) -> str:
        if not self._register:
            return ""
        return Message(
            "; {call} adds one of your own, and must be called again in each process", call=self._register
        )

    def label_of(self, value: str) -> str:
        """Return the label of `value`."""
        return self.choices[value]

    @property
    def allowed(self) -> str:
        return Message("one of {names}", names=", ".join(self.choices))


class ScheduleSetting(ChoiceSetting):
    """One of a few names, or a user's function, stored as the name under which it is registered."""

    def check(self, value: Any) -> str:
        if callable(value):
            try:
                return register_schedule(value)
            except Exception as error:
                raise self.refuse(
                    value, hint=Message("; {error}", error=str(error) or type(error).__name__)
                ) from error
        if isinstance(value, str) and is_registered(value):
            return str(value)
        if isinstance(value, str) and is_name(value):
            raise self.refuse(
                value,
                hint=Message(
                    "; it names a function of the user's own, which no file stores: define {name} as it was and pass "
                    "it to gw.register_schedule first",
                    name=schedule_name(value),
                ),
            )
        return super().check(value)

    def label_of(self, value: str) -> str:
        return self.choices.get(value, schedule_name(value))

    @property
    def allowed(self) -> str:
        return Message("one of {names}, or a function of the iteration", names=", ".join(self.choices))


class BoolSetting(Setting[bool]):
    """On or off."""

    scale = "switch"

    def check(self, value: Any) -> bool:
        if isinstance(value, bool | np.bool_):
            return bool(value)
        raise self.refuse(value)

    @property
    def allowed(self) -> str:
        return Message("True or False")


class LayerWidthsSetting(Setting[tuple[int, ...]]):
    """The widths of a network's hidden layers, input side first."""

    scale = "widths"
    max_layers = 8
    max_width = 4096

    def check(self, value: Any) -> tuple[int, ...]:
        if isinstance(value, str | bytes) or not isinstance(value, Sequence | np.ndarray):
            raise self.refuse(value)
        if len(value) > self.max_layers or not all(map(self._is_width, value)):
            raise self.refuse(value)
        return tuple(int(entry) for entry in value)

    def _is_width(self, entry: Any) -> bool:
        whole = isinstance(entry, int | np.integer) and not isinstance(entry, bool)
        return whole and 1 <= entry <= self.max_width

    @property
    def allowed(self) -> str:
        return Message(
            "up to {layers} whole numbers from 1 to {width}, such as (64, 64)",
            layers=self.max_layers,
            width=self.max_width,
        )


class DataSetting(Setting[Any]):
    """The training data: a preset's name, or the user's own data."""

    scale = "data"

    def check(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | numbers.Number):
            raise self.refuse(value)
        return value

    def set(self, obj: Any, value: Any) -> None:
        """Set `obj`'s value, and notify observers if it changed.

        Data are equal only if they are the same object: comparing an array with a Dataset would read it item by item,
        forever if the Dataset has no end.
        """
        new = self._validate(obj, value)
        old = obj._trait_values.get(self.name, self.default_value)
        obj._trait_values[self.name] = new
        if old is not new and not (isinstance(old, str) and isinstance(new, str) and old == new):
            obj._notify_trait(self.name, old, new)

    @property
    def allowed(self) -> str:
        return Message("a preset's name, an array, a Dataset or a folder of images")


def nearest(value: Any, names: Iterable[str]) -> str:
    """Return a suggestion of the intended name; empty if none is close."""
    close = difflib.get_close_matches(str(value).lower(), list(names), n=1, cutoff=0.5)
    return Message("; did you mean {name}?", name=close[0]) if close else ""
