"""The history of a run as a table for other programs, and its script as a file."""

from __future__ import annotations

import importlib.util
import io
import json

from ganwidgets.messages import Message
from ganwidgets.runs.session.session import Session
from ganwidgets.runs.timeline.script import script_of

__all__ = ["csv", "notebook", "parquet", "script"]

PARQUET_ENGINES = ("pyarrow", "fastparquet")
"""Packages with which pandas writes Parquet."""


def csv(session: Session) -> bytes:
    """Return the history as CSV: a header line, then one line for each iteration; NaN is an empty field."""
    text: str = session.history.to_frame().to_csv()
    return text.encode("utf-8")


def parquet(session: Session) -> bytes:
    """Return the history as Parquet, with `iteration` as a column.

    Raises
    ------
    ImportError
        If no Parquet engine is installed.
    """
    if not any(importlib.util.find_spec(engine) for engine in PARQUET_ENGINES):
        raise ImportError(
            Message(
                "Parquet needs {package}, which is not installed; install it (pip install {extra}), or export .csv",
                package="pyarrow",
                extra="'ganwidgets[parquet]'",
            )
        )
    file = io.BytesIO()
    session.history.to_frame().reset_index().to_parquet(file, index=False)
    return file.getvalue()


def script(session: Session) -> bytes:
    """Return Python source that recomputes the run.

    Raises
    ------
    ValueError
        If no script can recompute it.
    """
    return script_of(session).encode("utf-8")


def notebook(session: Session) -> bytes:
    """Return a Jupyter notebook, format 4.5, with the source of :func:`script` and a cell that shows the run."""
    cells = [script_of(session).rstrip(), "gw.GANTrainerWidget(trainer)"]
    document = {
        "cells": [
            {
                "cell_type": "code",
                "execution_count": None,
                "id": f"cell-{number}",
                "metadata": {},
                "outputs": [],
                "source": source,
            }
            for number, source in enumerate(cells)
        ],
        "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(document, indent=1).encode("utf-8")
