"""Detection of a network's calling convention: shape of the noise, form of labels, batch sizes."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd
from torch.nn.parameter import UninitializedBuffer, is_lazy

from ganwidgets.errors import DataError
from ganwidgets.rng_routing import RoutedRandomness
from ganwidgets.seeds import seeded
from ganwidgets.stepping.checks.failures import Attempt, first_dimensions, sentence
from ganwidgets.stepping.modules.buffers import evaluation_mode
from ganwidgets.stepping.modules.calling import Call

__all__ = ["Inputs", "adapted", "initialize", "is_uninitialized"]

MOST_CLASSES = 1024
"""Maximum number of classes for which one-hot labels are tried."""


@dataclass(frozen=True)
class Inputs:
    """Test input of a network.

    Attributes
    ----------
    batch : Tensor
        Noise [n, latent_dim] of a generator; samples, or packs of them, [n, ...] of a discriminator.
    labels : Tensor or None
        int64 [n], if the network takes labels.
    highest : int
        The largest label.
    lowest : int
        The smallest label.
    packing : int
        Number of samples that the discriminator judges together.
    """

    batch: Tensor
    labels: Tensor | None = None
    highest: int = 0
    lowest: int = 0
    packing: int = 1

    def of_size(self, n: int) -> Inputs:
        """Return `n` samples, repeated if there are fewer."""
        at = torch.arange(n, device=self.batch.device) % len(self.batch)
        return replace(self, batch=self.batch[at], labels=None if self.labels is None else self.labels[at])


def is_uninitialized(network: nn.Module) -> bool:
    """Return True if `network` has lazy layers without weights."""
    return any(map(is_lazy, (*network.parameters(), *network.buffers())))


def initialize(name: str, network: nn.Module, inputs: Inputs, seed: int) -> None:
    """Initialize lazy layers from the run's seed, in the order of the forward pass.

    Raises
    ------
    DataError
        If the network cannot take the batch; it then has no weights yet.
    """
    if not is_uninitialized(network):
        return

    def call(tried: nn.Module, call: Call) -> None:
        with torch.no_grad(), RoutedRandomness(seeded(seed, "lazy weights", name)):
            tried.eval()(*_copies(call.inputs(inputs.batch, inputs.labels)))

    flags = [(module, module.training) for module in network.modules()]
    chosen = _first(name, network, inputs, lambda each: call(_copy_of_lazy(network), each))
    try:
        call(network, chosen)
    finally:
        for module, training in flags:
            module.training = training


def _copy_of_lazy(network: nn.Module) -> nn.Module:
    """Return a deep copy of a network, including tensors that torch cannot copy yet."""
    empty: dict[int, object] = {
        id(buffer): UninitializedBuffer(device=buffer.device, dtype=buffer.dtype)  # type: ignore[call-arg]
        for buffer in network.buffers()
        if is_lazy(buffer)
    }
    return copy.deepcopy(network, empty)


def adapted(name: str, network: nn.Module, inputs: Inputs) -> Call:
    """Return the first call that `network` takes, in eval mode; see :class:`~ganwidgets.stepping.modules.calling.Call`.

    Raises
    ------
    DataError
        If it accepts none; the message names the layer and the remedy.
    """

    def run(call: Call, inputs: Inputs) -> object:
        with evaluation_mode(network), RoutedRandomness(torch.Generator().manual_seed(0)):
            return network(*_copies(call.inputs(inputs.batch, inputs.labels)))

    call = _first(name, network, inputs, lambda each: run(each, inputs))
    whole = run(call, inputs)
    if not isinstance(whole, Tensor) or not bool(whole.isfinite().all()):
        return call
    for n in (1, len(inputs.batch) + 1):  # observed batches may have any size
        try:
            part = run(call, inputs.of_size(n))
        except Exception:  # noqa: BLE001 - the user's network may raise anything
            return replace(call, batch=len(inputs.batch))
        if not isinstance(part, Tensor) or not part.ndim or len(part) != n or not bool(part.isfinite().all()):
            return replace(call, batch=len(inputs.batch))
    return call


def _copies(inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(each.clone() for each in inputs)  # a network may overwrite its input


def _first(name: str, network: nn.Module, inputs: Inputs, run: Callable[[Call], object]) -> Call:
    """Return the first call that `run` completes without an error."""
    failed: list[Attempt] = []
    for call in _candidates(name, inputs, failed):
        try:
            run(call)
        except Exception as error:  # noqa: BLE001 - the user's network may raise anything
            given = call.inputs(inputs.batch, inputs.labels)
            highest = inputs.highest if inputs.labels is not None else None
            failed.append(Attempt(name, network, given, error, inputs.packing, highest))
        else:
            return call
    shown = _most_informative(failed)
    works = next((n for n in _sizes(len(inputs.batch)) if _runs(name, network, inputs.of_size(n))), None)
    raise DataError(sentence(replace(shown, works=works))) from shown.error


def _candidates(name: str, inputs: Inputs, failed: list[Attempt]) -> Iterator[Call]:
    """Yield the calls to try, while `failed` collects the failed ones."""
    plain = Call(labelled=inputs.labels is not None)
    forms = [plain]
    if inputs.labels is not None and inputs.lowest >= 0 and inputs.highest < MOST_CLASSES:
        forms.append(replace(plain, classes=inputs.highest + 1))
    yield from forms
    if name == "generator":
        trailing = first_dimensions(failed[0])
        yield from (replace(form, trailing=trailing) for form in forms)


def _most_informative(failed: list[Attempt]) -> Attempt:
    """Return the failed call with the most informative error.

    It is the first call, unless another one got further: one-hot labels reached a layer, or noise
    ``[n, latent_dim, 1, 1]`` passed the check of dimensions that flat noise failed.
    """
    first = failed[0]
    flat = [each for each in failed if each.inputs[0].ndim == first.inputs[0].ndim]
    further = [each for each in flat if each.layer is not None and each.layer.name]
    if not isinstance(_module(first), _ConvNd) and not (first.layer and first.layer.name) and further:
        first = further[0]
    for other in failed:
        if other.inputs[0].ndim > first.inputs[0].ndim and isinstance(_module(other), _ConvNd):
            assert other.layer is not None
            if other.layer.given is not None and len(other.layer.given) == other.inputs[0].ndim:
                return other
    return first


def _module(attempt: Attempt) -> nn.Module | None:
    return None if attempt.layer is None else attempt.layer.module


def _sizes(n: int) -> list[int]:
    """Return batch sizes, nearest first, for a network that fails on `n` samples."""
    near = [n // k * k or k for k in (2, 3, 4, 8, 16, 32, 64)]
    return sorted({*near, 1, 16, 32, 50, 64, 100, 128, 256} - {n}, key=lambda size: (abs(size - n), size))


def _runs(name: str, network: nn.Module, inputs: Inputs) -> bool:
    if is_uninitialized(network):
        return False
    failed: list[Attempt] = []
    for call in _candidates(name, inputs, failed):
        given = call.inputs(inputs.batch, inputs.labels)
        try:
            with evaluation_mode(network), RoutedRandomness(torch.Generator().manual_seed(0)):
                output = network(*_copies(given))
        except Exception as error:  # noqa: BLE001 - the user's network may raise anything
            failed.append(Attempt(name, network, given, error))
        else:
            return isinstance(output, Tensor) and len(output) == len(inputs.batch)
    return False
