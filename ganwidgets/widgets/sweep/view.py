"""The picture of a sweep in the browser: a grid of miniatures, a table, or parallel coordinates.

`scene` is sent to the browser completely at each change of the runs or the user's choices, and a message for
each frame; see :mod:`~ganwidgets.widgets.sweep.frames`. From the browser comes ``{"act": name, ...}``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import anywidget
import numpy as np
import numpy.typing as npt
from traitlets import Dict

from ganwidgets.messages import Catalog, N_
from ganwidgets.widgets.browser.assets import script, stylesheet

__all__ = ["SweepView"]

_TYPES = {"f": "f4", "u": "u1"}

WORDS = {
    "play": N_("Play"),
    "pause": N_("Pause"),
    "step": N_("Step"),
    "iteration": N_("iteration {n}"),
    "rate": N_("{n} steps a second, each of {runs} runs"),
    "rate_one": N_("{n} steps a second"),
    "undo": N_("Undo"),
    "undo_help": N_("Undo the last change, stop, respawn or clone of this page (Ctrl+Z)"),
    "metric": N_("Colour by"),
    "show": N_("Show"),
    "grid": N_("Grid"),
    "table": N_("Table"),
    "parallel": N_("Parallel coordinates"),
    "sort": N_("Order"),
    "given": N_("as given"),
    "by_metric": N_("best first"),
    "filter": N_("Runs"),
    "all": N_("all"),
    "alive": N_("in progress"),
    "ended": N_("ended"),
    "fold": N_("Fold seeds"),
    "floor": N_("perfect samples: {value}"),
    "best": N_("better"),
    "worst": N_("worse"),
    "run": N_("run"),
    "one_run": N_("1 run selected"),
    "runs": N_("{n} runs selected"),
    "seed": N_("seed"),
    "seeds": N_("seeds {list}"),
    "status": N_("status"),
    "new": N_("new"),
    "running": N_("in progress"),
    "stopped": N_("stopped"),
    "diverged": N_("diverged"),
    "failed": N_("failed"),
    "open": N_("Open"),
    "apply": N_("Set"),
    "kill": N_("Stop"),
    "respawn": N_("Respawn from the best"),
    "warm": N_("Clone run {source} into these, warm"),
    "cold": N_("Clone run {source} into these, cold"),
    "clear": N_("Clear"),
    "apply_help": N_("Change this setting in the selected runs; it takes effect at the next step"),
    "kill_help": N_("Stop the selected runs; their states and curves stay"),
    "respawn_help": N_(
        "Replace the selected runs by copies of the best one: its state, history and settings"
    ),
    "warm_help": N_(
        "Replace the selected runs by copies of run {source}, the one that was focused last: its state, history and "
        "settings"
    ),
    "cold_help": N_(
        "Start the selected runs afresh with the settings of run {source}, the one that was focused last"
    ),
    "clear_help": N_("Deselect (Esc)"),
    "some": N_("{n} of {all} {status}"),
    "key_real": N_("real"),
    "key_generated": N_("generated"),
    "hint": N_(
        "Click a run to open it. Drag over several, Shift+click, or press Space on one, to select. The arrow keys move."
    ),
    "hint_table": N_(
        "Click a run to open it. Shift+click, or press Space on one, to select. The arrow keys move."
    ),
    "hint_parallel": N_(
        "Click a line to select its runs. Each line is one configuration, from setting to setting."
    ),
    "loss_d": N_("Loss of D"),
    "loss_g": N_("Loss of G"),
    "label": N_("The runs of the sweep"),
    "value": N_("New value"),
    "setting": N_("Setting"),
    "mean": N_("{mean} (from {low} to {high})"),
    "log": N_("logarithmic"),
}


class SweepView(anywidget.AnyWidget):
    """The view; created once, later only `scene` changes and frames are sent.

    Parameters
    ----------
    catalog : Catalog
        The reader's language.
    act : callable
        ``act(content)`` is called with each message of the browser, on the thread of the browser's messages.
    """

    _esm = script("sweep/sweep")
    _css = stylesheet("sweep/sweep")

    scene = Dict().tag(sync=True)
    state = Dict().tag(sync=True)
    words = Dict().tag(sync=True)

    def __init__(self, catalog: Catalog, act: Callable[[Mapping[str, Any]], None]) -> None:
        self._act = act
        super().__init__(words={name: catalog(text) for name, text in WORDS.items()})
        self.on_msg(self._on_message)

    def draw(self, arrays: Mapping[str, npt.NDArray[Any]], at: Mapping[str, Any]) -> None:
        """Send a frame with its iteration and step rate."""
        parts, buffers = [], []
        for name, array in arrays.items():
            solid = np.ascontiguousarray(array)
            parts.append([name, _TYPES[solid.dtype.kind], list(solid.shape)])
            buffers.append(solid.tobytes())
        self.send({"frame": parts, "at": at}, buffers)

    def _on_message(self, _widget: Any, content: Mapping[str, Any], _buffers: Any) -> None:
        if "act" in content:
            self._act(content)
