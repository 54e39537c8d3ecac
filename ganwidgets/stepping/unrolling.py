"""Unrolled discriminator: its parameters after several more updates, differentiable by the generator.

Metz, Poole, Pfau and Sohl-Dickstein, "Unrolled generative adversarial networks", 2017, section 2.3. The generator
minimises f(theta_G, theta_D^K) with theta_D^(k+1) = theta_D^k - eta df/dtheta_D (equations 5 to 8), and its gradient
passes through these K updates. As in the authors' code, the updates follow D's own optimizer, and all K updates and the
generator's loss use the same batches. D itself does not change, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ganwidgets.optimizers import functional_update, optimizer_state

__all__ = ["looked_ahead"]


def looked_ahead(
    parameters: list[Tensor],
    optimizer: torch.optim.Optimizer,
    rule: str,
    loss_after: Callable[[list[Tensor], int], Tensor | None],
    steps: int,
    *,
    grad_clip: float,
    weight_clip: float,
    held: frozenset[int] = frozenset(),
) -> list[Tensor]:
    """Return `parameters` after `steps` updates, differentiable with respect to the loss's inputs.

    Parameters
    ----------
    parameters : list of Tensor
        The trained ones of the discriminator; they are only read.
    optimizer, rule
        The discriminator's, and its name; its memory is only read.
    loss_after : callable
        ``(values, number)`` returns the loss of update `number`, counted from 0, with `values` as parameters; None to
        skip that update.
    grad_clip, weight_clip : float
        The settings of these names, which an update obeys.
    held : frozenset of int, optional
        Indices of parameters that updates do not change.
    """
    values, memories = list(parameters), optimizer_state(optimizer, parameters)
    for number in range(steps):
        loss = loss_after(values, number)
        if loss is None:
            continue
        gradients: tuple[Tensor | None, ...] = torch.autograd.grad(
            loss, values, create_graph=True, allow_unused=True
        )
        if held:
            gradients = tuple(None if index in held else g for index, g in enumerate(gradients))
        if grad_clip > 0:
            gradients = _shortened(gradients, grad_clip)
        values, memories = functional_update(optimizer, rule, values, gradients, memories)
        if weight_clip > 0:
            values = [
                value if index in held else value.clamp(-weight_clip, weight_clip)
                for index, value in enumerate(values)
            ]
    return values


def _shortened(gradients: tuple[Tensor | None, ...], longest: float) -> tuple[Tensor | None, ...]:
    """Return gradients after `torch.nn.utils.clip_grad_norm_`."""
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients if gradient is not None])
    factor = (longest / (torch.linalg.vector_norm(flat) + 1e-6)).clamp(max=1.0)
    return tuple(None if gradient is None else gradient * factor for gradient in gradients)
