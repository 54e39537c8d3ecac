"""Dask actor that steps lanes on a worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from ganwidgets.stepping.runtime.ambient import under_pinned_modes
from ganwidgets.sweeps.lanes.changes import LaneMark, Packed, changes_since, unpacked
from ganwidgets.sweeps.lanes.group import LaneGroup
from ganwidgets.sweeps.lanes.lane import OwnParts
from ganwidgets.sweeps.storage import sweep_from

__all__ = ["LaneActor", "StaleActorError"]


class StaleActorError(RuntimeError):
    """The actor's lanes are at other iterations than expected."""


class LaneActor:
    """Holds lanes and steps them; Dask calls its methods one at a time.

    Parameters
    ----------
    content : tuple of bytes and str
        The lanes: the result of :func:`~ganwidgets.sweeps.storage.sweep_content`, packed by
        :func:`~ganwidgets.sweeps.lanes.changes.packed`.
    data : mapping
        Data missing in `content`, by their names in states.
    own : OwnParts
    device : str
    """

    def __init__(self, content: Packed, data: Mapping[str, Any], own: OwnParts, device: str) -> None:
        self._lanes = _lanes(content, data, own, device)
        self._group = LaneGroup(self._lanes)

    def step(self, n: int, last: bool, iterations: Sequence[int]) -> Packed | Exception:
        """Carry out `n` full steps in every lane; return the changes, or the exception that a step raised.

        Parameters
        ----------
        last : bool
            True if the last step records all columns.
        iterations : sequence of int
            Iterations of the lanes that the caller expects.

        Raises
        ------
        StaleActorError
            If the lanes are at other iterations, because Dask restarted this actor from its initial state.
        """
        if [lane.session.state.iteration for lane in self._lanes] != list(iterations):
            raise StaleActorError("the lanes of this actor are at another iteration")
        marks = [LaneMark.of(lane) for lane in self._lanes]
        try:
            self._group.step(n, last=last)
            self._group.write_all()
        except Exception as error:  # noqa: BLE001 - it is raised in the process that holds the sweep
            return error
        return changes_since(marks, self._lanes)


@under_pinned_modes
def _lanes(content: Packed, data: Mapping[str, Any], own: OwnParts, device: str) -> list[Any]:
    tensors, document = unpacked(content)
    return sweep_from("", tensors, document, None, own, torch.device(device), data).lanes
