"""Labels of a run, for networks that take them.

In an update of the discriminator, generated samples get the labels of the real batch, so that every term, including
penalties, compares equal labels. In an update of the generator, which uses no real batch, labels are drawn from the
data's distribution.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ganwidgets.data import SampleOrder, Source
from ganwidgets.data.source import FiniteSource
from ganwidgets.errors import DataError
from ganwidgets.messages import Message

__all__ = ["LabelArity", "Labels", "classes_of", "label_arity", "labels_for", "labels_of"]

LabelArity = Literal["none", "optional", "required"]

MOST = 10_000
"""Maximum number of labels of the built-in networks."""


@dataclass(frozen=True)
class Labels:
    """The labels of a run with at least one conditional network.

    Attributes
    ----------
    values : Tensor, int64 [N]
        Labels of all samples.
    order : SampleOrder
        Labels in the order in which the run reads the samples.
    generator, discriminator : bool
        True if that network takes ``(batch, labels)``.
    known : tuple of int
        Each label of the data, in ascending order.
    """

    values: Tensor
    order: SampleOrder
    generator: bool
    discriminator: bool
    known: tuple[int, ...]

    @property
    def networks(self) -> frozenset[str]:
        """The names of the networks that take labels."""
        takes = {"generator": self.generator, "discriminator": self.discriminator}
        return frozenset(name for name, taken in takes.items() if taken)

    def at(self, cursor: int, n: int) -> Tensor:
        """Return the labels of the `n` samples from number `cursor` on, int64 [n]."""
        return self.order.take(cursor, n)

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """Return `n` labels drawn from the data's distribution with `generator`, int64 [n]."""
        return self.values[torch.randint(len(self.values), (n,), generator=generator, device="cpu")]

    def checked(self, labels: Any, n: int) -> Tensor:
        """Return `labels`, one for all or one for each of `n` samples, as int64 [n].

        Raises
        ------
        DataError
            If their number is not 1 or `n`, or if a label does not occur in the data.
        """
        given = torch.as_tensor(labels)
        if given.is_floating_point() or given.is_complex() or given.dtype == torch.bool:
            raise DataError(Message("labels must be whole numbers, such as {known}", known=self._shown()))
        if given.ndim > 1 or (given.ndim == 1 and len(given) != n):
            raise DataError(
                Message(
                    "labels have shape {shape}; pass one label, or one for each of the {n} samples",
                    shape=tuple(given.shape),
                    n=n,
                )
            )
        unknown = sorted(set(given.reshape(-1).tolist()) - set(self.known))
        if unknown:
            raise DataError(
                Message(
                    "there is no label {label} in the data; labels are {known}",
                    label=unknown[0],
                    known=self._shown(),
                )
            )
        return given.to("cpu", torch.int64).expand(n).clone()

    def _shown(self) -> str:
        if len(self.known) <= 12:
            return ", ".join(map(str, self.known))
        return f"{self.known[0]}, {self.known[1]}, ... {self.known[-1]}"


def label_arity(network: nn.Module) -> LabelArity:
    """Return whether `network` accepts, or requires, ``(batch, labels)``."""
    try:
        parameters = list(inspect.signature(network.forward).parameters.values())
    except (TypeError, ValueError):  # compiled code has no signature
        return "none"
    kinds = inspect.Parameter
    ordered = [p for p in parameters if p.kind in {kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD}]
    if len(ordered) >= 2:
        return "required" if ordered[1].default is kinds.empty else "optional"
    return "optional" if any(p.kind is kinds.VAR_POSITIONAL for p in parameters) else "none"


def labels_for(
    source: Source, seed: int, takes: dict[str, LabelArity], *, conditional: bool
) -> Labels | None:
    """Return the labels of a run, or None if no network takes them.

    Parameters
    ----------
    source : Source
        The data.
    seed : int
        Seed of the run; labels are read in the order of its samples.
    takes : dict
        Result of :func:`label_arity` for ``"generator"`` and ``"discriminator"``.
    conditional : bool
        The setting of this name: pass labels to networks that accept them.

    Raises
    ------
    DataError
        If labels are required and the data has none, or if `conditional` is on and neither network accepts labels.
    """
    wanted = {name: how == "required" or (conditional and how == "optional") for name, how in takes.items()}
    if not any(wanted.values()):
        if conditional:
            raise DataError(
                Message(
                    "conditional is on, but neither network takes labels; give one a forward(x, labels), or "
                    "turn conditional off"
                )
            )
        return None
    return labels_of(source, seed, **wanted)


def labels_of(source: Source, seed: int, *, generator: bool = False, discriminator: bool = False) -> Labels:
    """Return the labels of `source` in the order for the run's `seed`, for the named networks.

    Raises
    ------
    DataError
        If it has none.
    """
    labelled, values = _values(source)
    order = labelled.label_order(values, seed)
    return Labels(values, order, generator, discriminator, tuple(sorted(set(values.tolist()))))


def classes_of(source: Source) -> int:
    """Return the number of labels for the built-in networks: the largest plus one.

    Raises
    ------
    DataError
        If the data has no labels, or some are negative or too large.
    """
    low, high = (int(end) for end in _values(source)[1].aminmax())
    if low < 0 or high >= MOST:
        raise DataError(
            Message(
                "the labels go from {low} to {high}; number the classes from 0 to at most {most}",
                low=low,
                high=high,
                most=MOST - 1,
            )
        )
    return high + 1


def _values(source: Source) -> tuple[FiniteSource, Tensor]:
    """Return `source`, which is finite if it has labels, and all its labels."""
    values = source.all_labels()
    if values is None or not isinstance(source, FiniteSource):
        raise DataError(
            Message(
                "the networks need labels, but {name} has none; pass a pair (X, y), a Dataset of "
                "(item, label), or a folder with a folder for each class",
                name=source.name,
            )
        )
    return source, values
