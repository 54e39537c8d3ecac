"""Runs that users can no longer control: their output is gone from the page, and no name refers to them.

Running a cell again binds its name to a new widget. The old run would continue invisibly, and could not be stopped.
Such a run is paused, not closed, because the page may show it again.
"""

from __future__ import annotations

import threading
from typing import Any

import comm
import ipywidgets
from IPython import get_ipython
from ipywidgets.widgets import widget as registry

from ganwidgets.live import Runner
from ganwidgets.live.worker.references import held
from ganwidgets.live.worker.running import runners
from ganwidgets.trainer.trainer import GANTrainer

__all__ = ["look_after_cells", "pause_orphans"]

_LOCK = threading.Lock()
_WATCHED: list[Any] = []
"""The IPython shell whose cells are observed."""


def look_after_cells() -> None:
    """Search for orphans after each cell from now on."""
    shell = get_ipython()
    with _LOCK:
        if shell is not None and shell not in _WATCHED:
            _WATCHED.append(shell)
            shell.events.register("post_run_cell", lambda _result: pause_orphans())


def pause_orphans() -> None:
    """Pause each playing run without a view on a page and without a name.

    A run that never had a view or a name is skipped, because it may still be displayed.
    """
    for runner in runners():
        widgets = list(runner.shown_by)
        known = any(widget._named or widget._answers.was_held for widget in widgets)
        if not widgets or (known and not runner.active) or any(widget._answers.held for widget in widgets):
            continue
        if _reachable(runner, runner.trainer, *widgets):
            for widget in widgets:
                widget._named = True
        elif known:
            runner.pause()


def _reachable(*objects: Any) -> bool:
    """Return True if a name in a cell refers to one of `objects`."""
    apart, namespaces = [_every_widget(), comm.get_comm_manager().comms], []
    shell = get_ipython()
    if shell is not None:
        namespaces.append(shell.user_ns)
        apart += [shell.user_ns.get("_oh"), shell.user_ns.get("Out")]
    return held(*objects, apart=apart, namespaces=namespaces, opaque=_part)


def _every_widget() -> Any:
    """Return ipywidgets' mapping of all open widgets."""
    if hasattr(registry, "_instances"):
        return registry._instances
    return registry.Widget.widgets  # ipywidgets 7


def _part(item: Any) -> bool:
    """Return True if `item` is part of a widget of this package, not an object of a cell."""
    ours = type(item).__module__.partition(".")[0] == __name__.partition(".")[0]
    return ours and not isinstance(item, Runner | GANTrainer | ipywidgets.VBox)
