"""One kind of input for each kind of setting: a slider with a number box, a list, a checkbox, a text.

An editor shows a value and reports the user's edits. :mod:`ganwidgets.widgets.controls.controls` applies an edit and handles
its refusal.
"""

from __future__ import annotations

import contextlib
import math
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import ipywidgets
from traitlets import TraitError

from ganwidgets.messages import Catalog, N_
from ganwidgets.settings import OWN as OWN_CHOICE
from ganwidgets.settings import (
    BoolSetting,
    ChoiceSetting,
    DataSetting,
    IntSetting,
    LayerWidthsSetting,
    NumberSetting,
    Setting,
)
from ganwidgets.widgets.browser.style.shared_style import SharedStyle
from ganwidgets.widgets.controls.locked_inputs import (
    GuardedCheckbox,
    GuardedDropdown,
    GuardedFloat,
    GuardedInt,
    GuardedSlider,
    GuardedText,
)
from ganwidgets.widgets.controls.slider_stops import SliderStops

__all__ = ["Editor", "Field", "NumberEditor", "make_editor"]


class Editor(Protocol):
    """Interface of all kinds of input."""

    widgets: tuple[ipywidgets.Widget, ...]

    def show(self, value: Any) -> None:
        """Display `value`; called while the guard is held."""

    def words(self, value: Any) -> str:
        """Return `value` as text in the reader's language."""


@dataclass(frozen=True)
class Field:
    """What the inputs of an editor show and call, whatever their kind.

    Attributes
    ----------
    label : str
        The visible name, in the reader's language; may contain HTML from this package.
    catalog : Catalog
        The reader's language.
    look : SharedStyle
        Layout and styles shared by all inputs.
    guard : threading.RLock
        The lock under which the inputs are written.
    edited : callable
        Called with each value that the user enters, in canonical form if it can be computed here.
    tooltip : str, optional
        One sentence on the setting, in the reader's language.
    """

    label: str
    catalog: Catalog
    look: SharedStyle
    guard: threading.RLock
    edited: Callable[[Any], None]
    tooltip: str = ""

    def labelled(self, kind: type[ipywidgets.Widget], *css_classes: str) -> dict[str, Any]:
        """Return the keywords with which an input of `kind` has this label."""
        return {
            "description": self.label,
            "description_allow_html": True,
            "tooltip": self.tooltip,
            **self.look.of(kind, *css_classes),
        }


def make_editor(
    setting: Setting[Any],
    field: Field,
    *,
    zero_end: Literal["low", "high"] = "low",
    presets: Mapping[str, str] | None = None,
) -> Editor:
    """Return the editor for `setting`.

    Parameters
    ----------
    setting : Setting
        Its type determines the kind of input.
    field : Field
    zero_end : {"low", "high"}
        The end of a slider with the special value 0, if it has a special meaning.
    presets : mapping of str to str, optional
        For data: each preset's name and label.
    """
    if isinstance(setting, NumberSetting):
        return NumberEditor(setting, field, zero_end)
    if isinstance(setting, BoolSetting):
        return SwitchEditor(setting, field)
    if isinstance(setting, ChoiceSetting):
        return ChoiceEditor(setting, field)
    if isinstance(setting, LayerWidthsSetting):
        return WidthsEditor(setting, field)
    if isinstance(setting, DataSetting):
        return DataEditor(setting, field, presets or {})
    raise TypeError(f"no input is known for a {type(setting).__name__}")


class NumberEditor:
    """A slider for the usual range, and a box for every allowed value.

    Attributes
    ----------
    values : tuple of float or int
        The value at each of the slider's positions.
    zero : str
        Meaning of the value 0; empty if it has no special meaning.
    typed_zero : callable or None
        Called instead of `edited` when the user types 0, if 0 means "no limit".
    """

    typed_zero: Callable[[], None] | None = None

    def __init__(
        self,
        setting: NumberSetting[Any],
        field: Field,
        zero_end: Literal["low", "high"],
    ) -> None:
        self._setting = setting
        self._whole = isinstance(setting, IntSetting)
        self._stops = SliderStops(setting, zero_end)
        self.values = self._stops.values
        self.zero = setting.zero
        self._edited = field.edited
        self._guard = field.guard
        self.slider = GuardedSlider(
            field.guard,
            self._moved,
            max=len(self._stops.values) - 1,
            value=self._stops.nearest(setting.initial),
            readout=False,
            tooltip=field.tooltip,
            **field.look.of(GuardedSlider, "gw-slider"),
        )
        box = GuardedInt if self._whole else GuardedFloat
        self.box = box(
            field.guard,
            self._entered,
            value=setting.initial,
            step=self._box_step(setting.initial),
            **field.labelled(box, "gw-number"),
        )
        self.widgets = (self.slider, self.box)

    def show(self, value: Any) -> None:
        self.slider.value = self._stops.nearest(value)
        self._fill(value)

    def words(self, value: Any) -> str:
        return f"{value:g}" if isinstance(value, float) else str(value)

    def _fill(self, value: Any) -> None:
        with self.box.hold_sync():
            self.box.value = value
            self.box.step = self._box_step(value)

    def _moved(self, place: int) -> None:
        value = self._stops.values[place]
        with self._guard:
            self._fill(value)
        self._edited(value)

    def _entered(self, value: Any) -> None:
        if value == 0 and self.typed_zero is not None:
            self.typed_zero()
            return
        # A value out of bounds has no position on the slider; it will be refused.
        with contextlib.suppress(TraitError), self._guard:
            self.show(self._setting.check(value))
        self._edited(value)

    def _box_step(self, value: float) -> float:
        """Increment of the arrow keys: a tenth of the leading digit's place value."""
        if self._whole:
            return 1
        if self._setting.scale != "logarithmic":
            return 0.01
        return float(f"1e{math.floor(math.log10(value or self._setting.slider[0])) - 1}")


class ChoiceEditor:
    """A list of labels; the user's objective is added once it is used."""

    def __init__(self, setting: ChoiceSetting, field: Field) -> None:
        self._setting = setting
        self._catalog = field.catalog
        self._labels = {name: field.catalog(text) for name, text in setting.choices.items()}
        self.list = GuardedDropdown(
            field.guard,
            field.edited,
            options=self._options(without=OWN_CHOICE),
            value=setting.initial,
            **field.labelled(GuardedDropdown),
        )
        self.widgets = (self.list,)

    def show(self, value: str) -> None:
        self._labels.setdefault(value, self.words(value))
        if value not in dict(map(reversed, self.list.options)):
            self.list.options = self._options()
        self.list.value = value

    def words(self, value: str) -> str:
        return self._catalog(self._setting.label_of(value))

    def _options(self, without: str = "") -> list[tuple[str, str]]:
        return [(text, name) for name, text in self._labels.items() if name != without]


class SwitchEditor:
    """A checkbox."""

    def __init__(self, setting: BoolSetting, field: Field) -> None:
        self._catalog = field.catalog
        self.box = GuardedCheckbox(
            field.guard,
            field.edited,
            value=setting.initial,
            description=field.label,
            indent=False,
            tooltip=field.tooltip,
            **field.look.of(GuardedCheckbox),
        )
        self.widgets = (self.box,)

    def show(self, value: bool) -> None:
        self.box.value = value

    def words(self, value: bool) -> str:
        return self._catalog(N_("on")) if value else self._catalog(N_("off"))


class WidthsEditor:
    """A line such as ``64, 64``."""

    def __init__(self, setting: LayerWidthsSetting, field: Field) -> None:
        self._catalog = field.catalog
        self._guard = field.guard
        self._edited = field.edited
        self.text = GuardedText(
            field.guard,
            self._entered,
            value=self._line(setting.initial),
            placeholder=field.catalog(N_("no hidden layer")),
            continuous_update=False,
            **field.labelled(GuardedText),
        )
        self.widgets = (self.text,)

    def show(self, value: tuple[int, ...]) -> None:
        self.text.value = self._line(value)

    def words(self, value: tuple[int, ...]) -> str:
        return self._line(value) or self._catalog(N_("no hidden layer"))

    def _entered(self, text: str) -> None:
        value = _parse_widths(text)
        if isinstance(value, tuple):
            with self._guard:
                self.text.value = self._line(value)
        self._edited(value)

    @staticmethod
    def _line(value: tuple[int, ...]) -> str:
        return ", ".join(map(str, value))


class DataEditor:
    """A list of presets, with an entry for the user's own data while it is used."""

    def __init__(self, setting: DataSetting, field: Field, presets: Mapping[str, str]) -> None:
        self._presets = {name: field.catalog(text) for name, text in presets.items()}
        self._own_label = field.catalog(N_("own data"))
        self._own: Any = None
        self._edited = field.edited
        self.list = GuardedDropdown(
            field.guard,
            self._chosen,
            options=self._options(),
            value=setting.initial if setting.initial in self._presets else None,
            **field.labelled(GuardedDropdown),
        )
        self.widgets = (self.list,)

    def show(self, value: Any) -> None:
        if isinstance(value, str) and value in self._presets:
            self.list.value = value
            return
        if self._own is None:
            self._own = value
            self.list.options = self._options()
        self._own = value
        self.list.value = OWN

    def words(self, value: Any) -> str:
        if isinstance(value, str):
            return self._presets.get(value, value)
        return self._own_label

    def _options(self) -> list[tuple[str, str]]:
        options = [(text, name) for name, text in self._presets.items()]
        return options if self._own is None else [(self._own_label, OWN), *options]

    def _chosen(self, entry: str) -> None:
        self._edited(self._own if entry == OWN else entry)


OWN = "(own data)"
"""The list's value for data that is not a preset; no preset has this name."""


def _parse_widths(text: str) -> Any:
    """Return integers if `text` is a list of them, otherwise the text, which will be refused."""
    entries = [entry for entry in re.split(r"[\s,;()\[\]]+", text) if entry]
    if all(entry.isascii() and entry.isdigit() for entry in entries):
        return tuple(map(int, entries))
    return text
