"""Layouts on disk: in the folder of a run, and as the user's default."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_config_dir

from ganwidgets.runs.disk.atomic import whole_file
from ganwidgets.runs.store.regular import opened

__all__ = ["default_file", "forget", "load", "of_run", "store"]

LARGEST = 2**20
"""Maximum size of a file in bytes."""


def default_file() -> Path:
    """Return the file of the user's default layout, in Jupyter's folder for settings; the user may have linked it."""
    return (Path(jupyter_config_dir()) / "ganwidgets-layout.json").resolve()


def of_run(folder: Path) -> Path:
    """Return the file of the layout of a run that is kept in `folder`."""
    return folder / "layout.json"


def load(*files: Path) -> Mapping[str, Any]:
    """Return the layout in the first of `files` with one; empty if there is none.

    Missing, damaged or malformed files are skipped, because a layout must not prevent opening a run. Links
    and pipes are skipped too, because the folder may come from someone else.
    """
    for file in files:
        with (
            contextlib.suppress(OSError, ValueError, RecursionError),
            opened(file.parent, file.name) as content,
        ):
            found = json.loads(content.read(LARGEST).decode("utf-8"))
            if isinstance(found, dict):
                return found
    return {}


def store(file: Path, layout: Mapping[str, Any]) -> None:
    """Write `layout` to `file`, atomically; raise `OSError` if it cannot be written."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(file) as content:
        content.write(json.dumps(layout, indent=1).encode("utf-8"))


def forget(file: Path) -> None:
    """Remove `file` if it exists; raise `OSError` if it cannot be removed."""
    file.unlink(missing_ok=True)
