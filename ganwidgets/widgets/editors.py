"""One kind of input for each kind of setting: a slider with a number box, a list, a box to tick, a text.

An editor shows a value and tells of a person's edits, and knows no more: what an edit does, and what
happens when it is refused, is :mod:`ganwidgets.widgets.controls`' business.
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol

import ipywidgets

from ..messages import Catalog, N_
from ..settings import Choice, Data, Number, Setting, Switch, Whole, Widths
from .guarded import (
    GuardedCheckbox,
    GuardedDropdown,
    GuardedFloat,
    GuardedInt,
    GuardedLogSlider,
    GuardedSlider,
    GuardedText,
)
from .look import Look, classed

__all__ = ["Editor", "make_editor"]

Edited = Callable[[Any], None]

POSITIONS_PER_DECADE = 20
"""Where a logarithmic slider stops; two digits tell these values apart."""


class Editor(Protocol):
    """What every kind of input offers."""

    widgets: tuple[ipywidgets.Widget, ...]

    def show(self, value: Any) -> None:
        """Display `value`; called under the guard."""

    def words(self, value: Any) -> str:
        """Return `value` as people read it, in their language."""


def make_editor(
    setting: Setting[Any],
    label: str,
    catalog: Catalog,
    look: Look,
    guard: threading.RLock,
    edited: Edited,
    *,
    zero_end: Literal["low", "high"] = "low",
    presets: Mapping[str, str] | None = None,
) -> Editor:
    """Return the editor for `setting`.

    Parameters
    ----------
    setting : Setting
        Its type decides on the kind of input.
    label : str
        The visible name, in the reader's language; may hold HTML of ours.
    catalog : Catalog
        The reader's language.
    look : Look
        What the inputs share with all others.
    guard : threading.RLock
        The lock under which the inputs are written.
    edited : callable
        Called with each value that a person enters, in canonical form where that can be told here.
    zero_end : {"low", "high"}
        At which end of a slider the special value 0 lies, where the setting gives it a meaning.
    presets : mapping of str to str, optional
        For data: each preset's name and label.
    """
    if isinstance(setting, Number):
        return NumberEditor(setting, label, look, guard, edited, zero_end)
    if isinstance(setting, Switch):
        return SwitchEditor(setting, label, catalog, look, guard, edited)
    if isinstance(setting, Choice):
        return ChoiceEditor(setting, label, catalog, look, guard, edited)
    if isinstance(setting, Widths):
        return WidthsEditor(setting, label, catalog, look, guard, edited)
    if isinstance(setting, Data):
        return DataEditor(setting, label, catalog, look, guard, edited, presets or {})
    raise TypeError(f"no input is known for a {type(setting).__name__}")


class NumberEditor:
    """A slider for the usual range beside a box for all that is allowed."""

    def __init__(
        self,
        setting: Number[Any],
        label: str,
        look: Look,
        guard: threading.RLock,
        edited: Edited,
        zero_end: Literal["low", "high"],
    ) -> None:
        self._setting = setting
        self._whole = isinstance(setting, Whole)
        self._low, self._high = setting.slider
        self._zero = bool(setting.zero) and setting.min == 0
        self._zero_end = zero_end
        self._edited = edited
        self._guard = guard
        if setting.scale == "logarithmic":
            self.slider: Any = GuardedLogSlider(
                guard,
                self._moved,
                base=10,
                min=math.log10(self._low),
                max=math.log10(self._high),
                step=1 / POSITIONS_PER_DECADE,
                value=self._low,
                readout=False,
                **look.of(GuardedLogSlider),
            )
        else:
            self.slider = GuardedSlider(
                guard,
                self._moved,
                min=self._low,
                max=self._high,
                step=1 if self._whole else _step((self._high - self._low) / 50),
                value=self._low,
                readout=False,
                **look.of(GuardedSlider),
            )
        classed(self.slider, "gw-slider")
        box = GuardedInt if self._whole else GuardedFloat
        self.box = box(
            guard,
            self._entered,
            value=setting.initial,
            min=setting.min,
            max=setting.max,
            step=1 if self._whole else self._box_step(setting.initial),
            description=label,
            description_allow_html=True,
            **look.of(box),
        )
        classed(self.box, "gw-number")
        self.widgets = (self.slider, self.box)
        self.show(setting.initial)

    def show(self, value: Any) -> None:
        self._place(value)
        with self.box.hold_sync():
            self.box.value = value
            if not self._whole:
                self.box.step = self._box_step(value)

    def words(self, value: Any) -> str:
        return f"{value:g}" if isinstance(value, float) else str(value)

    def _place(self, value: float) -> None:
        """Put the slider where it comes closest to `value`."""
        if value == 0 and self._zero:
            position = self._high if self._zero_end == "high" else self._low
        else:
            position = min(max(value, self._low), self._high)
        self.slider.value = position

    def _moved(self, position: float) -> None:
        value = self._from_slider(position)
        with self._guard:
            self.box.value = value
        self._edited(value)

    def _entered(self, value: Any) -> None:
        with self._guard:
            self._place(value)
        self._edited(value)

    def _from_slider(self, position: float) -> Any:
        nearly = 1e-9 * max(abs(self._low), abs(self._high))
        at_low = position <= self._low + nearly
        at_high = position >= self._high - nearly
        if self._zero and (at_high if self._zero_end == "high" else at_low):
            return 0 if self._whole else 0.0
        if at_low or at_high:
            exact = self._low if at_low else self._high
        elif self._setting.scale == "logarithmic":
            exact = float(f"{position:.2g}")
        else:
            exact = round(position, 10)
        return round(exact) if self._whole else float(exact)

    def _box_step(self, value: float) -> float:
        """By how much the arrow keys change the number: a tenth of its leading digit's place."""
        if self._setting.scale != "logarithmic":
            return float(self.slider.step)
        return float(f"1e{math.floor(math.log10(value or self._low)) - 1}")


class ChoiceEditor:
    """A list of labels."""

    def __init__(
        self,
        setting: Choice,
        label: str,
        catalog: Catalog,
        look: Look,
        guard: threading.RLock,
        edited: Edited,
    ) -> None:
        self._labels = {name: catalog(text) for name, text in setting.choices.items()}
        self.list = GuardedDropdown(
            guard,
            edited,
            options=[(text, name) for name, text in self._labels.items()],
            value=setting.initial,
            description=label,
            description_allow_html=True,
            **look.of(GuardedDropdown),
        )
        self.widgets = (self.list,)

    def show(self, value: str) -> None:
        self.list.value = value

    def words(self, value: str) -> str:
        return self._labels[value]


class SwitchEditor:
    """A box to tick."""

    def __init__(
        self,
        setting: Switch,
        label: str,
        catalog: Catalog,
        look: Look,
        guard: threading.RLock,
        edited: Edited,
    ) -> None:
        self._catalog = catalog
        self.box = GuardedCheckbox(
            guard,
            edited,
            value=setting.initial,
            description=label,
            indent=False,
            **look.of(GuardedCheckbox),
        )
        self.widgets = (self.box,)

    def show(self, value: bool) -> None:
        self.box.value = value

    def words(self, value: bool) -> str:
        return self._catalog(N_("on")) if value else self._catalog(N_("off"))


class WidthsEditor:
    """A line such as ``64, 64``."""

    def __init__(
        self,
        setting: Widths,
        label: str,
        catalog: Catalog,
        look: Look,
        guard: threading.RLock,
        edited: Edited,
    ) -> None:
        self._catalog = catalog
        self._guard = guard
        self._edited = edited
        self.text = GuardedText(
            guard,
            self._entered,
            value=self._line(setting.initial),
            placeholder=catalog(N_("no hidden layer")),
            continuous_update=False,
            description=label,
            description_allow_html=True,
            **look.of(GuardedText),
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
    """A list of presets, with an entry for data of one's own while that is in use."""

    def __init__(
        self,
        setting: Data,
        label: str,
        catalog: Catalog,
        look: Look,
        guard: threading.RLock,
        edited: Edited,
        presets: Mapping[str, str],
    ) -> None:
        self._presets = {name: catalog(text) for name, text in presets.items()}
        self._own_label = catalog(N_("own data"))
        self._own: Any = None
        self._edited = edited
        self.list = GuardedDropdown(
            guard,
            self._chosen,
            options=self._options(),
            value=setting.initial if setting.initial in self._presets else None,
            description=label,
            description_allow_html=True,
            **look.of(GuardedDropdown),
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
"""The list's value for data that is no preset; no preset has such a name."""


def _parse_widths(text: str) -> Any:
    """Return whole numbers where `text` is a list of them, and else the text, which will be refused."""
    entries = [entry for entry in re.split(r"[\s,;()\[\]]+", text) if entry]
    if all(entry.isascii() and entry.isdigit() for entry in entries):
        return tuple(map(int, entries))
    return text


def _step(width: float) -> float:
    """Return the power of ten at or below `width`."""
    return float(f"1e{math.floor(math.log10(width))}")
