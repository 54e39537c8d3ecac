"""Optimizers: the update rules of `torch.optim`.

An update must produce the same bits whatever other threads do. While another thread compiles,
``torch.compiler.is_compiling()`` is true in *every* thread, and the loop implementations of `torch.optim.Adam`
then compute their bias correction in single instead of double precision. The fused implementations do not, and are
faster. RMSprop has no fused implementation, but corrects no bias and is not affected. The tests check this for every
rule.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_, get_total_norm

from ganwidgets.messages import Message, N_
from ganwidgets.settings import SETTINGS, ChoiceSetting, factor
from ganwidgets.settings.registered_names import checked_name

if TYPE_CHECKING:
    from ganwidgets.settings import SettingTraits

__all__ = [
    "REMEMBERED",
    "OptimizerFactory",
    "bias_corrections",
    "clip_gradients_",
    "functional_update",
    "gradient_norm",
    "is_own_rule",
    "learning_rate",
    "make_optimizer",
    "match_strides",
    "optimizer_state",
    "register_optimizer",
    "set_hyperparameters",
    "updated",
]

Memory = dict[str, Tensor]
"""State of one parameter in an optimizer, by torch's names."""

REMEMBERED: Mapping[str, frozenset[str]] = {
    "sgd": frozenset(),
    "momentum": frozenset({"momentum_buffer"}),
    "rmsprop": frozenset({"step", "square_avg"}),
    "adam": frozenset({"step", "exp_avg", "exp_avg_sq"}),
    "adamw": frozenset({"step", "exp_avg", "exp_avg_sq"}),
}
"""State that each rule keeps of a parameter, by torch's names."""

OptimizerFactory = Callable[..., torch.optim.Optimizer]
"""``factory(parameters, lr=...)`` returns an optimizer, as the classes of `torch.optim` do."""

_own_rules: dict[str, OptimizerFactory] = {}


def register_optimizer(name: str, factory: OptimizerFactory, *, label: str = "") -> None:
    """Register an optimizer of the user's own, chosen as ``optimizer_g=name``.

    To load a run that used it in a new process, register it there first under the same name.

    Parameters
    ----------
    name : str
        An identifier. An optimizer that was registered under this name before is replaced.
    factory : callable
        ``factory(parameters, lr=...)`` returns a `torch.optim.Optimizer`: a class such as `torch.optim.NAdam`, or a
        function that sets further hyperparameters. It follows the settings `lr_g`, `lr_d` and their schedule, and
        `weight_decay` if that is above 0. It must keep its state of a parameter in tensors.
    label : str
        Display name; `name` if omitted.

    Raises
    ------
    ValueError
        If the name is taken, or the optimizer cannot be stored or repeated.

    Examples
    --------
    >>> register_optimizer("nadam", torch.optim.NAdam)
    """
    name = checked_name(name, N_("optimizer"), REMEMBERED)
    _try_rule(name, factory)
    _own_rules[name] = factory
    for setting in ("optimizer_d", "optimizer_g"):
        chosen = SETTINGS[setting]
        assert isinstance(chosen, ChoiceSetting)
        chosen.add(name, label or name)


def is_own_rule(name: str) -> bool:
    """Return True if `name` is an optimizer registered by the user."""
    return name in _own_rules


def _try_rule(name: str, factory: OptimizerFactory) -> None:
    parameter = torch.nn.Parameter(torch.ones(3))
    try:
        optimizer = factory([{"params": [parameter]}], lr=1e-3)
        for _ in range(2):
            parameter.grad = torch.ones(3)
            optimizer.step()
    except Exception as error:
        raise ValueError(
            Message(
                "the optimizer {name!r} fails: {error}; pass a class of torch.optim or a function of the parameters "
                "and lr",
                name=name,
                error=f"{type(error).__name__}: {error}",
            )
        ) from error
    kept = optimizer.state.get(parameter, {})
    loose = [key for key, value in kept.items() if value is not None and not isinstance(value, Tensor)]
    if loose:
        raise ValueError(
            Message(
                "the optimizer {name!r} keeps {key} in something else than a tensor, so a run could not be stored; keep "
                "it in a tensor",
                name=name,
                key=str(loose[0]),
            )
        )


_FUSED_DEVICES = frozenset({"cpu", "cuda", "mps", "xpu"})


def make_optimizer(name: str, parameters: Iterable[Tensor], settings: SettingTraits) -> torch.optim.Optimizer:
    """Return a new optimizer with empty state and a learning rate of 0.

    Parameters
    ----------
    name : {"sgd", "momentum", "rmsprop", "adam", "adamw"}
        The value of ``optimizer_g`` or ``optimizer_d``.
    parameters
        Parameters to update.
    settings
        Source of beta1, beta2 and weight_decay.

    Notes
    -----
    ======== ====================== ==================================================
    name     `torch.optim`          meaning of the settings
    ======== ====================== ==================================================
    sgd      SGD                    weight_decay is added to the gradient (L2)
    momentum SGD                    momentum = beta1, no dampening; L2
    rmsprop  RMSprop                alpha = beta2, eps = 1e-8, not centred; L2
    adam     Adam                   betas = (beta1, beta2), eps = 1e-8; L2
    adamw    AdamW                  the same, but weight_decay times the learning rate
                                    shrinks the weights themselves (decoupled)
    ======== ====================== ==================================================

    The learning rate stays 0 until :func:`set_hyperparameters` sets it before the first update.
    """
    parameters = list(parameters)
    # A parameter group may be empty: the user may have switched off all gradients.
    group = [{"params": parameters}]
    # Complex parameters and rarer devices have no fused implementation; there the loop is used.
    fused: Any = True if all(map(_has_fused_rule, parameters)) else None
    optimizer: torch.optim.Optimizer
    if name == "sgd":
        optimizer = torch.optim.SGD(group, lr=0.0, fused=fused)
    elif name == "momentum":
        optimizer = torch.optim.SGD(group, lr=0.0, fused=fused)
        for parameter in parameters:
            # From zero the first buffer is the first gradient, as torch has it; but a parameter
            # that gets its first gradient later than the others does not stop the fused rule.
            optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(
                parameter, memory_format=torch.preserve_format
            )
    elif name == "rmsprop":
        optimizer = torch.optim.RMSprop(group, lr=0.0)
    elif name == "adam":
        optimizer = torch.optim.Adam(group, lr=0.0, fused=fused)
    elif name == "adamw":
        optimizer = torch.optim.AdamW(group, lr=0.0, fused=fused)
    elif name in _own_rules:
        optimizer = _own_rules[name](group, lr=1e-3)
    else:
        raise ValueError(
            Message(
                "there is no optimizer {name!r}; choose one of {allowed}",
                name=name,
                allowed="sgd, momentum, rmsprop, adam, adamw",
            )
        )
    set_hyperparameters(optimizer, name, settings, 0.0)
    return optimizer


def set_hyperparameters(
    optimizer: torch.optim.Optimizer, name: str, settings: SettingTraits, lr: float
) -> None:
    """Set the current settings in `optimizer`; its state is kept.

    Parameters
    ----------
    optimizer
        Result of :func:`make_optimizer` for the same `name`.
    settings
        Source of beta1, beta2 and weight_decay.
    lr : float
        The current learning rate, schedule included.
    """
    for group in optimizer.param_groups:
        group["lr"] = lr
        if name in _own_rules:
            if settings.weight_decay > 0 and "weight_decay" in group:
                group["weight_decay"] = settings.weight_decay
            continue
        group["weight_decay"] = settings.weight_decay
        if name == "momentum":
            # At exactly 0 torch would leave its buffer untouched, and a direction from long ago
            # would return with the momentum. At the smallest number the buffer is the gradient.
            group["momentum"] = max(settings.beta1, sys.float_info.min)
        elif name == "rmsprop":
            group["alpha"] = settings.beta2
        elif name != "sgd":
            group["betas"] = (settings.beta1, settings.beta2)


def learning_rate(base: float, schedule: str, schedule_steps: int, iteration: int, end: float = 0.0) -> float:
    """Return the learning rate of the update after `iteration`.

    A pure function of `iteration`, so a resumed run or a changed schedule needs no stored state.
    With p = min(iteration / schedule_steps, 1):

    * ``constant``: base
    * ``linear``: base (end + (1 - end) (1 - p))
    * ``cosine``: base (end + (1 - end) (1 + cos(pi p)) / 2)  (Loshchilov and Hutter, "SGDR", 2017, no restarts)
    * the name of a registered function f: base (end + (1 - end) f), f of iteration, or of iteration and schedule_steps

    Raises
    ------
    ValueError
        If the schedule is unknown, or if a registered function returns a negative or non-finite number.
    """
    if schedule == "constant":
        return base
    progress = min(iteration / schedule_steps, 1.0)
    if schedule == "linear":
        return base * (end + (1 - end) * (1 - progress))
    if schedule == "cosine":
        return base * (end + (1 - end) * ((1 + math.cos(math.pi * progress)) / 2))
    try:
        return base * (end + (1 - end) * factor(schedule, iteration, schedule_steps))
    except KeyError:
        raise ValueError(
            Message(
                "there is no schedule {name!r}; choose one of {allowed}",
                name=schedule,
                allowed="constant, linear, cosine",
            )
        ) from None


def match_strides(gradients: Sequence[Tensor | None], parameters: Sequence[Tensor]) -> list[Tensor | None]:
    """Return `gradients` as dense tensors with the memory layout of `parameters`; copies where the layouts differ.

    The fused rules iterate over memory and require equal layouts. The gradient of a weight that a network
    transposes, or that is in channels_last format, may have another layout.
    """
    return [
        gradient
        if gradient is None or gradient.stride() == parameter.stride()
        else torch.empty_like(parameter).copy_(gradient)
        for gradient, parameter in zip(gradients, parameters, strict=True)
    ]


def gradient_norm(gradients: Iterable[Tensor | None]) -> Tensor:
    """Return the Euclidean norm of all gradients together, a scalar."""
    known = [gradient for gradient in gradients if gradient is not None]
    length: Tensor
    if known[0].device.type == "cpu":
        length = torch.linalg.vector_norm(torch.cat([gradient.reshape(-1) for gradient in known]))
    else:
        length = get_total_norm(known)
    return length


def clip_gradients_(
    parameters: Sequence[Tensor], gradients: Sequence[Tensor | None], longest: float
) -> float:
    """Scale `gradients` in place if their total norm exceeds `limit`; return the norm before scaling."""
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient
    try:
        return clip_grad_norm_(parameters, longest).item()
    finally:
        for parameter in parameters:
            parameter.grad = None


def _has_fused_rule(parameter: Tensor) -> bool:
    return parameter.is_floating_point() and parameter.device.type in _FUSED_DEVICES


# --- functional forms of the rules -----------------------------------------------------------------


def optimizer_state(optimizer: torch.optim.Optimizer, parameters: Iterable[Tensor]) -> list[Memory]:
    """Return the optimizer's state of each parameter, not copied; :func:`functional_update` does not change it."""
    return [dict(optimizer.state.get(parameter, {})) for parameter in parameters]


def functional_update(
    optimizer: torch.optim.Optimizer,
    name: str,
    values: list[Tensor],
    gradients: Iterable[Tensor | None],
    memories: list[Memory],
) -> tuple[list[Tensor], list[Memory]]:
    """Return the values after one update by `optimizer`, differentiably; its arguments do not change.

    Parameters
    ----------
    optimizer
        Source of the current hyperparameters.
    name : {"sgd", "momentum", "rmsprop", "adam", "adamw"}
        Its rule, as in :func:`make_optimizer`.
    values, gradients, memories : list
        For each parameter; a gradient may be None, and the parameter then stays.

    Notes
    -----
    torch's own rules cannot be used here. The fused ones are not differentiable. The others, with
    ``differentiable=True``, give NaN for a weight with zero gradient, because the square root has infinite slope at 0.
    This function uses slope 0 there. The tests compare each rule with torch's.
    """
    group = optimizer.param_groups[0]
    new_values, new_memories = [], []
    for value, gradient, memory in zip(values, gradients, memories, strict=True):
        if gradient is None:
            moved, kept = value, memory
        else:
            moved, kept = updated(name, group, value, gradient, memory)
        new_values.append(moved)
        new_memories.append(kept)
    return new_values, new_memories


Group = Mapping[str, Any]


def updated(
    name: str, group: Group, value: Tensor, gradient: Tensor, memory: Memory
) -> tuple[Tensor, Memory]:
    """Return one parameter and its state after an update by rule `name`, differentiably.

    Parameters
    ----------
    group : mapping
        Hyperparameters under torch's names, as numbers or as tensors that broadcast to `value`. If they are tensors,
        Adam's rules also need ``bias_corrections``, the result of :func:`bias_corrections` for this update.
    """
    return _RULES[name](group, value, gradient, memory)


def _decayed(group: Group, value: Tensor, gradient: Tensor) -> Tensor:
    decay = group["weight_decay"]
    return gradient + decay * value if isinstance(decay, Tensor) or decay else gradient


def _root(squares: Tensor) -> Tensor:
    """Return the square root, with slope 0 at 0."""
    nought = squares == 0
    return squares.masked_fill(nought, 1).sqrt().masked_fill(nought, 0)


def _sgd(group: Group, value: Tensor, gradient: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
    return value - group["lr"] * _decayed(group, value, gradient), memory


def _momentum(group: Group, value: Tensor, gradient: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
    buffer = group["momentum"] * memory["momentum_buffer"] + _decayed(group, value, gradient)
    return value - group["lr"] * buffer, {"momentum_buffer": buffer}


def _rmsprop(group: Group, value: Tensor, gradient: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
    gradient = _decayed(group, value, gradient)
    squares = (1 - group["alpha"]) * gradient.square()
    if memory:
        squares = squares + group["alpha"] * memory["square_avg"]
    moved = value - group["lr"] * gradient / (_root(squares) + group["eps"])
    return moved, {"square_avg": squares}


def _adam(group: Group, value: Tensor, gradient: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
    return _adaptive(group, value, _decayed(group, value, gradient), memory)


def _adamw(group: Group, value: Tensor, gradient: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
    return _adaptive(group, value * (1 - group["lr"] * group["weight_decay"]), gradient, memory)


def _adaptive(group: Group, value: Tensor, gradient: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
    """Kingma and Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1."""
    beta1, beta2 = group["betas"]
    first, second = (1 - beta1) * gradient, (1 - beta2) * gradient.square()
    step = torch.ones(())
    if memory:
        first, second = first + beta1 * memory["exp_avg"], second + beta2 * memory["exp_avg_sq"]
        step = memory["step"] + 1
    unbias_first, unbias_root = group.get("bias_corrections") or bias_corrections(beta1, beta2, float(step))
    root = _root(second) / unbias_root
    moved = value - group["lr"] / unbias_first * first / (root + group["eps"])
    return moved, {"step": step, "exp_avg": first, "exp_avg_sq": second}


def bias_corrections(beta1: float, beta2: float, count: float) -> tuple[float, float]:
    """Return 1 - beta1^t and sqrt(1 - beta2^t) for Adam's update t, counted from 1; Kingma and Ba 2015, section 3."""
    return 1 - beta1**count, math.sqrt(1 - beta2**count)


_RULES = {"sgd": _sgd, "momentum": _momentum, "rmsprop": _rmsprop, "adam": _adam, "adamw": _adamw}
