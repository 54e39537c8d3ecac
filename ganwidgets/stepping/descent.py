"""One step of gradient descent: the gradients of a loss, and the update of parameters.

Both compute the same bits as `torch.autograd.grad` and the optimizers of `torch.optim`. For small networks on the CPU,
those spend more time in Python, on values that never change between updates, than in their kernels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor
from torch.optim.adam import adam
from torch.optim.adamw import adamw

__all__ = ["ParameterUpdate", "gradients_of"]

_ONE = torch.ones((), dtype=torch.float32, device="cpu")


def gradients_of(loss: Tensor, parameters: Sequence[Tensor]) -> tuple[Tensor | None, ...]:
    """Return the result of ``torch.autograd.grad(loss, parameters, allow_unused=True)``, faster.

    Torch checks each parameter in Python before it begins, and hands the context of this thread on to those of other
    devices. For a small network on the CPU that takes as long as a layer.

    Parameters
    ----------
    loss : Tensor
        One number, with a graph.
    parameters : sequence of Tensor

    Raises
    ------
    RuntimeError
        If the loss has no graph, or a layer has no derivative.
    """
    if type(loss) is not Tensor or loss.shape or loss.dtype != torch.float32 or loss.device.type != "cpu":
        return torch.autograd.grad(loss, parameters, allow_unused=True)
    found: tuple[Tensor | None, ...] = torch.autograd.Variable._execution_engine.run_backward(
        (loss,),
        (_ONE.clone(),),  # a user's hook may write on it
        False,  # the graph is not kept
        False,  # gradients have no graph of their own
        tuple(parameters),
        True,  # a parameter may have no part in the loss
        False,  # gradients are returned, not accumulated
    )
    return found


class ParameterUpdate:
    """Updates all parameters of an optimizer repeatedly; make a new one if the optimizer's state is replaced.

    An update equals ``optimizer.step()`` with each parameter's gradient in ``grad``. Once the optimizer has state for
    every parameter, Adam's rule is called directly.

    Parameters
    ----------
    optimizer : Optimizer
    parameters : sequence of Tensor
        All parameters of `optimizer`.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, parameters: Sequence[Tensor]) -> None:
        self._optimizer = optimizer
        self._group = optimizer.param_groups[0]
        self._parameters = parameters
        self._remembered: tuple[list[Tensor], list[Tensor], list[Tensor]] | None = None
        self._rule: Callable[..., None] | None = None
        self._kernel: Callable[..., None] | None = None
        if _is_plain(optimizer):
            self._rule, self._kernel = _FUSED_RULES.get(type(optimizer), (None, None))
        if {(parameter.device.type, parameter.dtype) for parameter in parameters} != {("cpu", torch.float32)}:
            self._kernel = None

    def apply(self, gradients: Sequence[Tensor | None]) -> None:
        """Carry out one update by gradients with the memory layout of their parameters."""
        known = [gradient for gradient in gradients if gradient is not None]
        if not known:
            return  # `step` changes nothing then, and the fused rules of torch 2.6 fail
        if self._rule is None or len(known) < len(self._parameters) or not self._remembers():
            self._step(gradients)
            return
        assert self._remembered is not None
        averages, squares, steps = self._remembered
        group = self._group
        beta1, beta2 = group["betas"]
        with torch.no_grad():
            if self._kernel is None:
                self._rule(
                    self._parameters, known, averages, squares, [], steps, fused=True, amsgrad=False,
                    beta1=beta1, beta2=beta2, lr=group["lr"], weight_decay=group["weight_decay"], eps=group["eps"],
                    maximize=False,
                )  # fmt: skip
                return
            # Adam's rule, without sorting the tensors by device and dtype.
            torch._foreach_add_(steps, _ONE, alpha=1)
            self._kernel(
                self._parameters, known, averages, squares, [], steps, amsgrad=False,
                beta1=beta1, beta2=beta2, lr=group["lr"], weight_decay=group["weight_decay"], eps=group["eps"],
                maximize=False,
            )  # fmt: skip

    def _remembers(self) -> bool:
        """Return True if the optimizer has state for every parameter; cache that state the first time."""
        if self._remembered is None and len(self._optimizer.state) >= len(self._parameters):
            memories = [self._optimizer.state[parameter] for parameter in self._parameters]
            averages, squares, steps = (
                [memory[name] for memory in memories] for name in ("exp_avg", "exp_avg_sq", "step")
            )
            self._remembered = averages, squares, steps
        return self._remembered is not None

    def _step(self, gradients: Sequence[Tensor | None]) -> None:
        for parameter, gradient in zip(self._parameters, gradients, strict=True):
            parameter.grad = gradient
        self._optimizer.step()
        for parameter in self._parameters:
            parameter.grad = None


def _is_plain(optimizer: torch.optim.Optimizer) -> bool:
    """Return True if Adam's rule is fused and unmodified; a user's optimizer may differ."""
    (group, *others) = optimizer.param_groups
    return bool(not others and group.get("fused") and not group.get("amsgrad") and not group.get("maximize"))


_FUSED_RULES: Mapping[type[torch.optim.Optimizer], tuple[Callable[..., None], Callable[..., None]]] = {
    torch.optim.Adam: (adam, torch._fused_adam_),
    torch.optim.AdamW: (adamw, torch._fused_adamw_),
}
"""The rule of a class of optimizers for tensors of any device and dtype, and the kernel that it calls."""
