"""A state, a history and a log of interventions, as tensors and a document that can be saved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..data import IMAGE_PRESETS, POINT_PRESETS, Source, load_data, restored_array
from ..errors import CheckpointError
from ..messages import Message, N_
from .history import History
from .interventions import Intervention

__all__ = ["STATE_FORMAT", "SavedRun", "check_origin", "data_name", "find_source", "is_preset"]

STATE_FORMAT = 1
"""The version of what :meth:`GANTrainer.state_dict` returns."""


@dataclass(frozen=True)
class SavedRun:
    """Everything that a saved run holds.

    Attributes
    ----------
    state : dict
        What :meth:`GANTrainer.state_dict` returns.
    history : History
    interventions : list of Intervention
    data : Tensor or None
        The data itself, where it is a small array.
    origin : dict
        Plain facts needed before the state can be restored: which networks, which data.
    """

    state: dict[str, Any]
    history: History
    interventions: list[Intervention]
    data: Tensor | None
    labels: Tensor | None
    origin: dict[str, Any]

    def packed(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return the tensors, by name, and the JSON document of this run."""
        tensors: dict[str, Tensor] = {}
        state = _strip(self.state, "state", tensors)
        for name, column in self.history.stored().items():
            tensors[f"history/{name}"] = torch.from_numpy(column)
        if self.data is not None:
            tensors["data"] = self.data
        if self.labels is not None:
            tensors["labels"] = self.labels
        document = {
            "state": state,
            "interventions": [record.as_dict() for record in self.interventions],
            "origin": self.origin,
        }
        return tensors, document

    @classmethod
    def unpacked(cls, tensors: Mapping[str, Tensor], document: Mapping[str, Any]) -> SavedRun:
        """Return the run that :meth:`packed` described."""
        columns = {
            name.removeprefix("history/"): tensor.numpy()
            for name, tensor in tensors.items()
            if name.startswith("history/")
        }
        return cls(
            state=_fill(document["state"], "state", tensors),
            history=History.restored(columns),
            interventions=[
                Intervention(**{name: _widths(value) for name, value in record.items()})
                for record in document["interventions"]
            ],
            data=tensors.get("data"),
            labels=tensors.get("labels"),
            origin=document["origin"],
        )

    def own_data(self) -> Any:
        """Return the data of the run: a preset's name, or the source of a small array.

        Raises
        ------
        CheckpointError
            If the file does not hold it.
        """
        name = self.state["built"]["data"]
        if is_preset(name):
            return name
        if self.data is None:
            raise CheckpointError(
                Message(
                    "the data of this run ({name}) is not in the file; pass it as data=...",
                    name=self.origin["data"],
                )
            )
        return restored_array(self.data, self.labels, self.origin["kind"])


def is_preset(name: str) -> bool:
    """Return whether `name` is that of a preset."""
    return name in POINT_PRESETS or name in IMAGE_PRESETS


def data_name(source: Source) -> str:
    """Return the plain value that stands for `source` in a state: its preset, or its hash."""
    return source.preset or f"sha256:{source.fingerprint}"


def check_origin(state: Mapping[str, Any], own: Mapping[str, nn.Module | None]) -> None:
    """Raise `CheckpointError` unless `state` can be read and wants the same networks as `own`."""
    if state.get("format") != STATE_FORMAT:
        raise CheckpointError(
            Message(
                "the state has format {found!r}, but this version of ganwidgets reads {known}",
                found=state.get("format"),
                known=STATE_FORMAT,
            )
        )
    for name, network in own.items():
        if state["own"][name] != (network is not None):
            raise CheckpointError(
                Message(
                    "the run was trained with {wanted} {network}; pass the same",
                    wanted=_OWN[state["own"][name]],
                    network=name,
                )
            )


_OWN = {True: N_("its own"), False: N_("the built-in")}


def find_source(state: Mapping[str, Any], known: Iterable[Source]) -> Source:
    """Return the source that `state` was trained on, among those `known` or the presets.

    Raises
    ------
    CheckpointError
        If it is none of them.
    """
    name = state["built"]["data"]
    sources = list(known)
    for source in [*sources, *([load_data(name)] if is_preset(name) else [])]:
        if source.fingerprint == state["data"]:
            return source
    raise CheckpointError(
        Message(
            "the state belongs to other data ({wanted}) than this trainer's ({found}); pass the "
            "data that the run was trained on",
            wanted=name,
            found=sources[0].name,
        )
    )


_TENSOR = "<tensor>"


def _strip(value: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    """Move the tensors of a nested dictionary to `tensors`, under their paths."""
    if isinstance(value, Tensor):
        tensors[path] = value
        return _TENSOR
    if isinstance(value, Mapping):
        return {name: _strip(entry, f"{path}/{name}", tensors) for name, entry in value.items()}
    return value


def _fill(value: Any, path: str, tensors: Mapping[str, Tensor]) -> Any:
    if isinstance(value, str) and value == _TENSOR:
        return tensors[path]
    if isinstance(value, dict):
        return {name: _fill(entry, f"{path}/{name}", tensors) for name, entry in value.items()}
    return _widths(value)


def _widths(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
