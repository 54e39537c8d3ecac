"""The shell of the kernel that handles the messages of a browser."""

from __future__ import annotations

from collections.abc import Iterable

import ipywidgets

__all__ = ["heard_during_cells"]


def heard_during_cells(widgets: Iterable[ipywidgets.Widget]) -> None:
    """Let what a browser sends to these widgets be handled while a cell runs, where both sides can.

    JupyterLab from 4.4 on and Notebook from 7.4 on send it to a subshell. ipykernel 7.4 hands it to the shell
    that has last sent something to the browser instead, which in a notebook is the main one: a page whose
    next cell waits for the training would show a frozen picture, and controls that do nothing. Here no
    callback minds on which thread it is called. Elsewhere nothing changes.
    """
    for widget in widgets:
        comm = widget.comm
        if hasattr(comm, "_reply_subshell_for"):
            # ipykernel reads it by `getattr`; None leaves the choice to the browser.
            comm._reply_subshell_for = None
