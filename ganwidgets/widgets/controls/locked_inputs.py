"""Inputs that a browser and a cell may write at the same time.

A widget's state is not safe between threads: since ipykernel 7 a browser's event is handled on a
subshell thread while a cell, or the runner, writes on another. So every input here is written under
one lock. Observers of a user's edit are called after the lock was released, so they may take other locks.

Only the browser calls :meth:`LockedInput.set_state`. So a value written by the kernel never counts as an
edit, and no echo can loop.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import ipywidgets

__all__ = [
    "GuardedCheckbox",
    "GuardedDropdown",
    "GuardedFloat",
    "GuardedInt",
    "GuardedSlider",
    "GuardedText",
    "LockedInput",
]


class LockedInput(ipywidgets.ValueWidget):
    """An input whose browser events exclude the kernel's writes.

    Parameters
    ----------
    guard : threading.RLock
        Lock for every write of this input; inputs that write each other share one.
    edited : callable
        Called with the new value when the user, not the kernel, changed it.
    """

    def __init__(self, guard: threading.RLock, edited: Callable[[Any], None], **state: Any) -> None:
        self._guard = guard
        self._edited = edited
        super().__init__(**state)

    def set_state(self, sync_data: dict[str, Any]) -> None:
        with self._guard:
            before = self.value
            super().set_state(sync_data)
            value = self.value
        if value != before:
            self._edited(value)


class GuardedSlider(LockedInput, ipywidgets.IntSlider):
    """A slider of integers, which browsers do not round."""


class GuardedFloat(LockedInput, ipywidgets.FloatText):
    """A box for a real number; ipywidgets' bounded one would silently replace numbers out of bounds."""


class GuardedInt(LockedInput, ipywidgets.IntText):
    """A box for an integer, also without bounds."""


class GuardedDropdown(LockedInput, ipywidgets.Dropdown):
    """A dropdown list of labels."""


class GuardedCheckbox(LockedInput, ipywidgets.Checkbox):
    """A checkbox."""


class GuardedText(LockedInput, ipywidgets.Text):
    """A line of text, sent when it is complete."""
