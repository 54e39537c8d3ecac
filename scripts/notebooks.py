"""Execute the notebooks in `notebooks/` and store their outputs.

``python scripts/notebooks.py`` does so with all of them, ``python scripts/notebooks.py 03 05`` with those whose names
begin so. ``--check`` stores nothing, and lists the text outputs that are no longer those of today's code.

What differs from run to run is left out of the comparison, and what tells of the machine is not stored: addresses of
objects, progress bars, times of execution, paths.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "notebooks"
WIDGET = "application/vnd.jupyter.widget-view+json"
PATIENCE = 1200
"""Seconds for one cell."""

ONE_THREAD = {"OMP_NUM_THREADS": "1"}
"""The number of threads of each kernel. Trainers choose theirs by the size of the networks; sweeps and metrics use this one.
A second thread made lesson 05 cost 1.29 times the processor time, and no output differs."""

UNSTEADY = (
    (re.compile(r"0x[0-9a-f]{6,}"), "0x"),
    # How many snapshots a run folder keeps depends on how long storing them takes.
    (re.compile(r"\b\d+ states, computed"), "n states, computed"),
    # A compressed file's size changes with any sentence in it.
    (re.compile(r"\b\d+ kB"), "n kB"),
    (re.compile(r"/[\w./-]*tmp\w*/"), "/"),
)


def executed(path: Path, data: Path) -> Any:
    """Return the notebook with the outputs of today's code.

    Parameters
    ----------
    path : Path
    data : Path
        Where downloaded data would be. An empty folder makes every reader's run the same.
    """
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            cell.metadata.pop("execution", None)
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    variables = {
        **os.environ,
        **ONE_THREAD,
        "PYTHONPATH": os.pathsep.join(paths),
        "GANWIDGETS_DATA": str(data),
    }
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(notebook, timeout=PATIENCE, resources={"metadata": {"path": folder}})
        client.execute(env=variables)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if not _is_progress(output)]
    notebook.metadata.pop("widgets", None)
    notebook.metadata["language_info"] = {"name": "python"}
    notebook.metadata["environment"] = environment()
    return notebook


def environment() -> dict[str, str]:
    """Return what decides on the last bits of a run: the version of torch, and the processor's instructions."""
    import torch

    return {"torch": torch.__version__.split("+")[0], "processor": torch.backends.cpu.get_cpu_capability()}


def _is_progress(output: Any) -> bool:
    """Return whether an output is a progress bar, which tells a reader nothing afterwards, or its end."""
    if output.output_type == "display_data":
        return "%|" in output.data.get("text/plain", "")
    if output.output_type != "stream" or output.name != "stderr":
        return False
    return not output.text.strip() or "%|" in output.text


def texts(notebook: Any) -> Iterator[tuple[int, str]]:
    """Give the number of each code cell, and its text outputs as far as they are the same in every run."""
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        parts = []
        for output in cell.outputs:
            data = output.get("data", {})
            if WIDGET in data:
                continue
            parts.append(output.get("text") or data.get("text/plain") or "")
        text = "".join(parts)
        for pattern, instead in UNSTEADY:
            text = pattern.sub(instead, text)
        yield number, text


def stale(stored: Any, now: Any) -> list[str]:
    """Return for each cell whose text output has changed what it was and what it is.

    Where the stored outputs are from another environment, numbers may differ, and only the words count.
    """
    here = stored.metadata.get("environment") == now.metadata.get("environment")
    return [
        f"cell {number}:\n--- stored\n{before}\n--- today\n{after}"
        for (number, before), (_, after) in zip(texts(stored), texts(now), strict=True)
        if (before != after if here else _words(before) != _words(after))
    ]


def _words(text: str) -> list[str]:
    return re.findall(r"[A-Za-z_]{2,}", text)


def _processor_seconds() -> float:
    """Return the processor time of all kernels that have ended."""
    used = os.times()
    return used.children_user + used.children_system


def main() -> int:
    """Carry out what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="the beginnings of names; all notebooks without any")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="of the notebooks, such as notebooks/fr")
    parser.add_argument("--check", action="store_true", help="store nothing, and fail if an output is stale")
    asked = parser.parse_args()
    wrong = 0
    for path in sorted(asked.folder.glob("*.ipynb")):
        if asked.names and not path.name.startswith(tuple(asked.names)):
            continue
        began, cost = time.monotonic(), _processor_seconds()
        with tempfile.TemporaryDirectory() as data:
            now = executed(path, Path(data))
        differences = stale(nbformat.read(path, as_version=4), now)
        wrong += bool(differences)
        print(
            f"{path.name}: {time.monotonic() - began:.0f} s, {_processor_seconds() - cost:.0f} s of processors, "
            f"{len(differences)} changed outputs",
            flush=True,
        )
        if asked.check:
            print("\n".join(differences))
        else:
            nbformat.write(now, path)
    return int(asked.check and wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
