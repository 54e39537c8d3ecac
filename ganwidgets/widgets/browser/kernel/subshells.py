"""Choice of the kernel's subshell that handles a browser's messages."""

from __future__ import annotations

from collections.abc import Iterable

import ipywidgets

__all__ = ["handle_during_cells"]


def handle_during_cells(widgets: Iterable[ipywidgets.Widget]) -> None:
    """Handle browser messages to these widgets while a cell runs, if front end and kernel support subshells.

    JupyterLab from 4.4 on and Notebook from 7.4 on send these messages to a subshell. However, ipykernel 7.4 forwards
    them to the shell that last sent a message to the browser, which in a notebook is the main one. While a cell waits
    for the training, pictures would freeze and controls would not respond. This resets ipykernel's choice. Callbacks of
    this package can be called on any thread. Without subshells nothing changes.
    """
    for widget in widgets:
        comm = widget.comm
        if hasattr(comm, "_reply_subshell_for"):
            # ipykernel reads this by `getattr`; None leaves the choice to the browser.
            comm._reply_subshell_for = None
