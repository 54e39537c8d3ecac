"""A run with known steps, so that the content of a folder can be compared with the expected one."""

from __future__ import annotations

import functools

import numpy as np
import torch

from ganwidgets.runs.state.hashing import digest
from ganwidgets.runs.store import Entry, RunFolder, Stored

DOCUMENT = {"title": "known", "widths": [16, 16]}


def tree(step):
    noise = torch.Generator().manual_seed(step)
    return {
        "iteration": 3 * step,
        "name": "é<tensor",
        "networks": {"generator": {"weight": torch.rand(3, 5, generator=noise), "count": torch.tensor(step)}},
        "widths": (16, step),
        "empty": {},
        "rate": 0.1 + step,
    }


def columns(first):
    rows = range(first, first + 3)
    return {
        "loss_d": np.array([0.1 * i for i in rows]),
        "loss_g": np.array([float("nan") if i % 7 == 0 else -0.1 * i for i in rows]),
        "grad_norm_d": np.array([1.5 * i for i in rows if i % 10 == 0 or i == 1]),
    }


def removes(step):
    return step % 6 == 5


def rows_before(step):
    """Return the number of rows from the steps before `step`."""
    return 3 * (step - step // 6)


def place(step):
    return {"branch": step // 5, "iteration": 3 * step, "pinned": step % 2 == 0, "state_hash": f"{step:064x}"}


def entry(step):
    return Entry(
        branches=[{"id": step // 5, "name": f"branch {step // 5}", "start": None}] if step % 5 == 0 else [],
        interventions=[{"seq": step, "setting": "lr_d", "old": 0.1, "new": 1e-4 * step, "reason": "été"}],
        history=[(step // 5, rows_before(step) + 1, columns(rows_before(step) + 1))],
        snapshots=[(place(step), tree(step))] if step % 3 != 1 else [],
        current={"step": step, "tips": {"0": step}},
    )


known = functools.cache(entry)


@functools.cache
def known_digest(state_hash):
    return digest(tree(int(state_hash, 16)))


def advance(folder: RunFolder):
    """Take the next step of the known run."""
    step = folder.commits
    if removes(step):
        folder.remove_snapshots(folder.load().snapshots[:1])
    else:
        folder.commit(entry(step))


@functools.cache
def expected(steps):
    """Return the expected content of a folder after `n` steps: plain values, and the digests of its states."""
    made = [known(step) for step in range(steps) if not removes(step)]
    snapshots = [state for one in made for state in one.snapshots]
    gone = sum(map(removes, range(steps)))
    history = {}
    for one in made:
        for branch, first, found in one.history:
            begun, so_far = history.setdefault(branch, (first, {name: [] for name in found}))
            for name, column in found.items():
                so_far[name] = [*so_far[name], *column.tolist()]
            history[branch] = begun, so_far
    return {
        "branches": [branch for one in made for branch in one.branches],
        "interventions": [intervention for one in made for intervention in one.interventions],
        "history": repr(history),
        "current": made[-1].current if made else {},
        "snapshots": [(where, known_digest(where["state_hash"])) for where, _ in snapshots[gone:]],
    }


def held(stored: Stored):
    """Return loaded content in the form of :func:`expected`, without the index rows of the states."""
    return {
        "branches": stored.branches,
        "interventions": stored.interventions,
        "history": repr(
            {
                branch: (first, {name: column.tolist() for name, column in found.items()})
                for branch, (first, found) in stored.history.items()
            }
        ),
        "current": stored.current,
        "snapshots": stored.snapshots,
    }


def check(folder: RunFolder):
    """Assert that `folder` contains exactly the expected content for its number of steps."""
    found = held(folder.load())
    found["snapshots"] = [(row.place, digest(folder.read_snapshot(row))) for row in found["snapshots"]]
    assert found == expected(folder.commits)
    assert folder.document == DOCUMENT
