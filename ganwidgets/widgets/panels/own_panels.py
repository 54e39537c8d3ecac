"""Panels that users register, shown below the others in every widget created afterwards."""

from __future__ import annotations

import html
import math
import numbers
from collections.abc import Callable
from typing import Any

import ipywidgets

from ganwidgets.messages import Message, N_
from ganwidgets.settings import SETTINGS
from ganwidgets.settings.registered_names import checked_name
from ganwidgets.validation import checked_callable
from ganwidgets.widgets.browser.style.shared_style import SharedStyle

__all__ = ["OwnPanel", "own_panels", "register_panel"]

BUILT_IN = frozenset(
    {
        "controls",
        "curves",
        "exhibits",
        "explain",
        "export",
        "graph",
        "health",
        "map",
        "metrics",
        "numbers",
        "plane",
        "rules",
        "samples",
        "scales",
        "settings",
        "status",
        "timeline",
        "transport",
        "walk",
        "what_if",
    }
)
"""Names of the built-in panels."""

ACTIONS = frozenset(
    {"continue", "fork", "pause", "play", "recover", "reset", "speed", "step", "step_d", "step_g", "undo"}
)
"""Names of buttons; a panel's CSS class must not be that of a button or a setting's control."""

_registered: dict[str, tuple[Callable[[], Any], float]] = {}


def register_panel(name: str, make: Callable[[], Any], *, interval: float = 0.5) -> None:
    """Add the user's panel to every widget created from now on.

    Parameters
    ----------
    name : str
        A word; the panel has the CSS class ``gw-<name>``. It replaces a registered panel of this name.
    make : callable
        ``make()`` is called once for each widget. It returns an object with an attribute ``widget``, an ipywidget,
        and a method ``draw(frame)``, which shows a moment: ``frame.iteration``, ``frame.record``, ``frame.losses``,
        ``frame.latest_metrics``, and ``frame.generated`` or, in other games than the classic one,
        ``frame.exhibits``. It is called outside the training thread. Its exceptions are shown in the panel.
    interval : float
        Minimum seconds between two draws.

    Raises
    ------
    ValueError
        If the name is taken, or `interval` is not a number of at least 0.
    TypeError
        If `make` is not a function.
    """
    name = checked_name(name, N_("panel"), BUILT_IN | ACTIONS | SETTINGS.keys())
    _registered[name] = checked_callable("make", make), _checked_interval(interval)


def _checked_interval(seconds: Any) -> float:
    if (
        isinstance(seconds, bool)
        or not isinstance(seconds, numbers.Real)
        or not 0 <= float(seconds) < math.inf
    ):
        raise ValueError(
            Message("interval cannot be {value!r}: it must be a number of seconds from 0 on", value=seconds)
        )
    return float(seconds)


def own_panels(look: SharedStyle) -> list[OwnPanel]:
    """Return all registered panels; one that cannot be created shows the reason."""
    return [OwnPanel(name, _made(make), interval, look) for name, (make, interval) in _registered.items()]


def _made(make: Callable[[], Any]) -> Any:
    """Return the user's panel, or one that shows the exception of its construction."""
    try:
        panel = make()
        ipywidgets.VBox([panel.widget])
    except Exception as error:  # noqa: BLE001 - an exception of user code must not prevent the widget
        return _Unmade(error)
    return panel


class _Unmade:
    """Replacement for a panel that could not be created."""

    def __init__(self, error: Exception) -> None:
        self.widget = ipywidgets.HTML(html.escape(f"{type(error).__name__}: {error}"))

    def draw(self, frame: Any) -> None:
        """Draw nothing."""


class OwnPanel:
    """Container of a user's panel, which shows the panel's exceptions."""

    def __init__(self, name: str, panel: Any, interval: float, look: SharedStyle) -> None:
        self.name = name
        self.interval = interval
        self._panel = panel
        self._trouble = look.html("")
        inner: ipywidgets.Widget = panel.widget
        self.widget = look.box([inner, self._trouble], f"gw-{name}", "gw-panel")

    def draw(self, frame: Any) -> None:
        """Draw `frame` on the user's panel."""
        try:
            self._panel.draw(frame)
        except Exception as error:  # noqa: BLE001 - the panel's place shows any exception of user code
            error_html = html.escape(f"{type(error).__name__}: {error}")
        else:
            error_html = ""
        if self._trouble.value != error_html:
            self._trouble.value = error_html
