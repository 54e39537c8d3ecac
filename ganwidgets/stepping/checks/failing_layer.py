"""Search for the layer that raised an error."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor, nn

__all__ = ["FailingLayer", "failing_layer"]


@dataclass(frozen=True)
class FailingLayer:
    """The innermost module that raised an error.

    Attributes
    ----------
    name : str
        Its name in the network, as `named_modules` gives it: ``"3"``, ``"body.0.conv"``; empty for the
        network itself.
    module : nn.Module
        The layer.
    given : tuple of int or None
        The shape of its input, if known.
    """

    name: str
    module: nn.Module
    given: tuple[int, ...] | None = None

    def __str__(self) -> str:
        kind = type(self.module).__name__
        if next(self.module.children(), None) is not None:
            return f"{self.name} ({kind})"
        return f"{self.name} ({kind}({self.module.extra_repr()}))"


def failing_layer(network: nn.Module, error: BaseException) -> FailingLayer | None:
    """Return the innermost module of `network` that raised `error`, or None.

    It is read from the error's own traceback, without calling anything again.
    """
    names = {id(module): name for name, module in network.named_modules()}
    found = None
    trace = error.__traceback__
    while trace is not None:
        local = trace.tb_frame.f_locals
        module, given = local.get("self"), local.get("args")
        if isinstance(module, nn.Module) and id(module) in names:
            if found is None or found.module is not module:
                found = FailingLayer(names[id(module)], module)
            # In `nn.Module.__call__`; the layer's own `forward` may have changed what it was given.
            if isinstance(given, tuple) and given and isinstance(given[0], Tensor):
                found = replace(found, given=tuple(given[0].shape))
        trace = trace.tb_next
    return found
