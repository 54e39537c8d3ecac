"""Evaluation of a network without changing its buffers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext

import torch
from torch import Tensor, nn

from ganwidgets.training_flags import in_eval_mode, overriding

__all__ = ["Buffers", "evaluation_mode"]


class Buffers:
    """Preserves the buffers of a network (batch-norm statistics, spectral-norm vectors).

    A network without buffers, the common small one, costs almost nothing.
    """

    def __init__(self, network: nn.Module) -> None:
        self._slots = [
            (module, name)
            for module in network.modules()
            for name, buffer in module._buffers.items()
            if buffer is not None
        ]
        self._lent_out: list[Tensor] | None = None  # the originals while the network uses copies

    def __bool__(self) -> bool:
        return bool(self._slots)

    def copy(self) -> list[Tensor]:
        """Return copies of all buffers."""
        return _copied(self.content())

    def put_back(self, copies: list[Tensor]) -> None:
        """Restore the buffers' content of :meth:`copy`, and the network's own tensors.

        An interrupt may have prevented :meth:`still` from returning them.
        """
        if self._lent_out is not None:
            self._put_in(self._lent_out)
            self._lent_out = None
        with torch.no_grad():
            for buffer, content in zip(self.content(), copies, strict=True):
                buffer.copy_(content)

    def still(self) -> AbstractContextManager[object]:
        """Return a context in which the network may change its buffers without effect."""
        return self._lending() if self._slots else _NOTHING

    @contextmanager
    def _lending(self) -> Iterator[None]:
        # The network gets copies to write on. Restoring the originals' content afterwards would be an in-place change
        # of tensors that the backward pass still needs (batch norm keeps its statistics for it).
        originals = self.content()
        outermost = self._lent_out is None
        if outermost:
            self._lent_out = originals
        try:
            self._put_in(_copied(originals))
            yield
        finally:
            # Not if `put_back` has returned them: this may then be carried out much later.
            if not outermost or self._lent_out is originals:
                self._put_in(originals)
                if outermost:
                    self._lent_out = None

    def _put_in(self, buffers: Sequence[Tensor]) -> None:
        for (module, name), buffer in zip(self._slots, buffers, strict=True):
            module._buffers[name] = buffer

    def content(self) -> list[Tensor]:
        """Return the current buffers: a network may replace them."""
        return [module._buffers[name] for module, name in self._slots]  # type: ignore[misc]


@contextmanager
def evaluation_mode(*networks: nn.Module) -> Iterator[None]:
    """Context: eval mode, no gradients, preserved buffers; everything is restored afterwards.

    A `train` method of the user's own may also write on weights, as one that merges them for eval does. A
    network with such a method gets copies of its parameters to write on.
    """
    with torch.no_grad(), ExitStack() as stack:
        for network in networks:
            stack.enter_context(Buffers(network).still())
            if overriding(network.modules()):
                stack.enter_context(_lending_parameters(list(network.modules())))
        stack.enter_context(in_eval_mode(*networks))
        yield


@contextmanager
def _lending_parameters(modules: Sequence[nn.Module]) -> Iterator[None]:
    slots = [
        (module, name, parameter)
        for module in modules
        for name, parameter in module._parameters.items()
        if parameter is not None
    ]
    try:
        for module, name, parameter in slots:
            copy = nn.Parameter(parameter.detach().clone(), requires_grad=parameter.requires_grad)
            module._parameters[name] = copy
        yield
    finally:
        for module, name, parameter in slots:
            module._parameters[name] = parameter


def _copied(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Return copies; on a GPU all of one dtype at once, because launches dominate the cost."""
    if not tensors or tensors[0].device.type == "cpu":
        return [tensor.detach().clone() for tensor in tensors]
    copies = [torch.empty_like(tensor) for tensor in tensors]
    together: dict[torch.dtype, tuple[list[Tensor], list[Tensor]]] = {}
    for copy, tensor in zip(copies, tensors, strict=True):
        to, of = together.setdefault(tensor.dtype, ([], []))
        to.append(copy)
        of.append(tensor.detach())
    for to, of in together.values():
        torch._foreach_copy_(to, of)
    return copies


_NOTHING: AbstractContextManager[object] = nullcontext()
