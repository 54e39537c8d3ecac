"""The buttons of a run: play, pause, single steps, a fresh start, recovery after a failure."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

import ipywidgets

from ganwidgets.messages import Catalog, N_
from ganwidgets.settings import FloatSetting, Setting
from ganwidgets.widgets.browser.style.shared_style import SharedStyle
from ganwidgets.widgets.controls.controls import Control

__all__ = ["ACTIONS", "SPEED", "Transport"]

ACTIONS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "play": (N_("Play"), N_("Train on, step after step.")),
        "pause": (N_("Pause"), N_("Stop after the step that is under way.")),
        "step": (N_("Step"), N_("Train one full step: first D, then G.")),
        "step_d": (N_("Step D"), N_("Update the discriminator once and leave the generator as it is.")),
        "step_g": (N_("Step G"), N_("Update the generator once and leave the discriminator as it is.")),
        "reset": (N_("Reset"), N_("Start afresh, with the settings as they are now and the same seed.")),
        "new_seed": (N_("New seed"), N_("Start afresh with another seed: other weights, other samples.")),
        "recover": (N_("Recover"), N_("Go back to the last good state; the settings stay as they are.")),
    }
)
"""Label and tooltip of each button."""

SPEED: Setting[Any] = FloatSetting(
    0.0,
    min=0,
    max=1e6,
    scale="logarithmic",
    slider=(1, 1000),
    zero=N_("full speed"),
    label=N_("Speed"),
    unit=N_("steps/s"),
    help=N_("Maximum number of steps per second; 0 means no limit."),
    group="run",
)
"""The speed limit, displayed like a setting of the training."""
SPEED.name = "speed"

MOST = 100_000
"""Maximum number of steps of the button."""

FAILED = ("diverged", "error")


class Transport:
    """The row of buttons, and the speed.

    Parameters
    ----------
    catalog : Catalog
        The reader's language.
    act : callable
        Called as ``act(action)`` with a name from :data:`ACTIONS`, on the thread that handles the browser's
        messages.
    ask : callable
        ``ask("speed", value)``; see :class:`ganwidgets.widgets.controls.controls.Control`.
    look : SharedStyle, optional
        Layout and styles shared with the rest of one widget.
    actions : mapping, optional
        As :data:`ACTIONS`.
    further : sequence of Widget, optional
        What follows the speed.

    Attributes
    ----------
    widget : ipywidgets.Box
        Created once; later only its traits change.
    buttons : dict of str to ipywidgets.Button
        By action.
    count : ipywidgets.BoundedIntText
        Number of full steps of the button ``step``.
    speed : Control
    """

    def __init__(
        self,
        catalog: Catalog,
        act: Callable[[str], None],
        ask: Callable[[str, Any], None],
        look: SharedStyle | None = None,
        actions: Mapping[str, tuple[str, str]] = ACTIONS,
        further: Sequence[ipywidgets.Widget] = (),
    ) -> None:
        self._lock = threading.Lock()
        look = look or SharedStyle()
        self.buttons = {}
        for action, (label, sentence) in actions.items():
            self.buttons[action] = look.button(
                catalog(label), partial(act, action), f"gw-{action}", tooltip=catalog(sentence)
            )
        self.count = ipywidgets.BoundedIntText(
            1, min=1, max=MOST, **look.of(ipywidgets.BoundedIntText, "gw-step-count")
        )
        self._count_named = catalog(N_("Steps")), catalog(N_("How many full steps the button Step trains."))
        self.speed = Control("speed", SPEED, catalog, ask, look=look, zero_end="high")
        rows = [
            look.box([*before, *(self.buttons[action] for action in row)], "gw-actions")
            for before, row in (
                ((), ("play", "pause")),
                ((self.count,), [action for action in actions if action.startswith("step")]),
                ((), ("reset", "new_seed", "recover")),
            )
        ]
        self.widget = look.part("transport", [*rows, self.speed.widget, *further], "gw-transport")
        self.show("idle", playing=False)

    @property
    def names(self) -> dict[str, tuple[str, str]]:
        """Accessible names and tooltips of the speed and the number of steps, by CSS class."""
        return {"gw-speed": self.speed.names, "gw-step-count": self._count_named}

    def show(self, status: str, *, playing: bool) -> None:
        """Enable the buttons that apply now.

        Parameters
        ----------
        status : str
            One of ``idle running paused diverged error``.
        playing : bool
            True while the run plays.
        """
        with self._lock:
            for action, button in self.buttons.items():
                if action == "play":
                    button.disabled = playing
                elif action == "pause":
                    button.disabled = not playing
                elif action == "recover":
                    button.disabled = status not in FAILED
                elif action.startswith("step"):
                    button.disabled = playing
