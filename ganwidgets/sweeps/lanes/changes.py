"""Serialization of the changes of lanes, for sending them from one process to another.

A state is sent whole; of a history and a log only the new entries are sent. Nothing is pickled: tensors are sent as
safetensors, all else as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors.torch import load
from torch import Tensor

from ganwidgets.runs.record.interventions import SWITCH
from ganwidgets.runs.session.stepper import BY_COMPILER
from ganwidgets.runs.state.flatten import flatten, unflatten
from ganwidgets.runs.state.state_tree import put_tree, state_tree
from ganwidgets.runs.state.tensor_file import pieces
from ganwidgets.sweeps.lanes.group import released
from ganwidgets.sweeps.lanes.lane import Lane

__all__ = ["LaneMark", "apply_changes", "changes_since", "packed", "unpacked"]

Packed = tuple[bytes, str]
"""Tensors as safetensors, and a document as JSON."""


class LaneMark(NamedTuple):
    """Progress of a lane.

    Attributes
    ----------
    rows : int
        Number of rows of its history.
    records : int
        Number of records in its log.
    """

    rows: int
    records: int

    @classmethod
    def of(cls, lane: Lane) -> LaneMark:
        """Return the current progress of a lane."""
        return cls(lane.session.history.rows, len(lane.session.log.everything))


def packed(tensors: Mapping[str, Tensor], document: Any) -> Packed:
    """Return tensors and a document as bytes and text."""
    return b"".join(pieces(tensors, {})), json.dumps(document)


def unpacked(content: Packed) -> tuple[dict[str, Tensor], Any]:
    """Inverse of :func:`packed`."""
    return load(content[0]), json.loads(content[1])


def changes_since(marks: Sequence[LaneMark], lanes: Sequence[Lane]) -> Packed:
    """Return the changes of each lane since its mark."""
    tensors: dict[str, Tensor] = {}
    documents = []
    for index, (mark, lane) in enumerate(zip(marks, lanes, strict=True)):
        session = lane.session
        for name, column in session.history.since(mark.rows).items():
            tensors[f"{index}/history/{name}"] = torch.from_numpy(np.ascontiguousarray(column))
        switches = [
            (record.iteration, record.new, record.samples_seen, record.hash_before)
            for record in session.log.everything[mark.records :]
            if record.setting == SWITCH
        ]
        documents.append(
            {
                "state": flatten(state_tree(session.state), f"{index}/state", tensors),
                "record": dict(session.run.engine.record),
                "switches": switches,
                "status": lane.status,
                "error": str(lane.error),
            }
        )
    return packed(tensors, documents)


def apply_changes(content: Packed, lanes: Sequence[Lane]) -> None:
    """Apply the result of :func:`changes_since` to `lanes`, which must be in the states at the marks."""
    tensors, documents = unpacked(content)
    for index, (lane, changed) in enumerate(zip(lanes, documents, strict=True)):
        session = lane.session
        put_tree(session.state, unflatten(changed["state"], f"{index}/state", tensors), session.in_force())
        prefix = f"{index}/history/"
        session.history.extend_stored(
            {name.removeprefix(prefix): t.numpy() for name, t in tensors.items() if name.startswith(prefix)}
        )
        session.run.engine.record.update(changed["record"])
        for iteration, stepper, samples_seen, hash_before in changed["switches"]:
            session.log.act(iteration, SWITCH, stepper, BY_COMPILER, samples_seen, hash_before)
        released(session)
        lane.status, lane.error = changed["status"], changed["error"]
