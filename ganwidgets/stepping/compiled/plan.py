"""Plan of a compiled step: everything that its code depends on, as plain values.

Numeric settings such as learning rates, weights and limits are inputs of the compiled function, not part of the plan.

Fully connected networks are compiled, with labels or without. Convolutions are not, because that gains nothing on a
processor: a compiled step of a DCGAN (16x16 pixels, batch 64) took 1.25 times as long as the eager one.
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn

from ganwidgets.games.gan import DISCRIMINATOR, GENERATOR
from ganwidgets.messages import Message
from ganwidgets.networks.layers.conditioning import Labelled
from ganwidgets.objectives import LOSSES, PENALTIES
from ganwidgets.optimizers import REMEMBERED
from ganwidgets.stepping.engine import Engine
from ganwidgets.stepping.lanes.networks import ELEMENTWISE, has_hooks
from ganwidgets.stepping.modules.calling import Call

__all__ = ["EAGER", "LETTERS", "StepPlan", "network_from", "plan_of", "width_of"]

MOST_CLASSES = 256
"""Largest number of labels of a compiled step, which reads a label as a row with a 1 at its place."""

EAGER = ""
"""The stepper of a state with eager steps."""

LETTERS: Mapping[str, str] = {DISCRIMINATOR: "d", GENERATOR: "g"}

Layers = tuple[Any, ...]
"""``(kind, ((argument, value), ...), ((name, layers), ...))``: a layer, its arguments and its children."""


@dataclass(frozen=True)
class StepPlan:
    """The shapes and the code of a step.

    Attributes
    ----------
    generator, discriminator : tuple
        Their layers; see :func:`network_from`.
    lanes : int
        Number of runs computed together.
    sample_shape : tuple of int
        Shape of one sample.
    averaged : bool
        True if a moving average of G is kept.
    classes : int
        Number of labels of networks that take them; 0 if none does.
    noise : str
        Distribution of the latents.
    threads : int
        Number of threads of the function.

    The others are settings.
    """

    generator: Layers
    discriminator: Layers
    lanes: int
    sample_shape: tuple[int, ...]
    batch_size: int
    latent_dim: int
    packing: int
    d_steps: int
    g_steps: int
    loss: str
    penalty: str
    optimizer_d: str
    optimizer_g: str
    averaged: bool
    threads: int
    classes: int = 0
    noise: str = "gaussian"

    def to_json(self) -> str:
        """Return the plan as text, without the values that older versions did not write."""
        plan = asdict(self)
        for later in ("classes", "noise"):
            if plan[later] == getattr(StepPlan, later):
                del plan[later]
        return json.dumps(plan, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> StepPlan:
        """Return the plan that :meth:`to_json` wrote."""
        return cls(**{name: _as_tuple(value) for name, value in json.loads(text).items()})

    @functools.cached_property
    def key(self) -> str:
        """Key of the plan: equal exactly for equal plans."""
        return f"compiled-{self.lanes}-{hashlib.sha256(self.to_json().encode()).hexdigest()[:16]}"

    @property
    def updates(self) -> int:
        """Number of updates in a step."""
        return self.d_steps + self.g_steps

    @property
    def real_batches(self) -> int:
        """Number of real batches in a step."""
        return self.d_steps + (self.g_steps if LOSSES[self.loss].needs_real else 0)

    def optimizer(self, player: str) -> str:
        """Return the optimizer rule of `player`."""
        rule: str = getattr(self, f"optimizer_{LETTERS[player]}")
        return rule

    def parameters(self, player: str) -> list[tuple[str, tuple[int, ...]]]:
        """Return the names and shapes of a player's parameters."""
        network = network_from(getattr(self, player))
        return [(name, tuple(p.shape)) for name, p in network.named_parameters()]

    def block_shape(self, player: str) -> tuple[int, int, int]:
        """Return the shape of :attr:`~ganwidgets.stepping.lanes.tensors.LaneTensors.block`."""
        memories = len(REMEMBERED[self.optimizer(player)] - {"step"})
        numbers = sum(math.prod(shape) for _, shape in self.parameters(player))
        return self.lanes, 1 + memories, numbers


def width_of(stepper: str) -> int:
    """Return the number of lanes of the plan with key `stepper`; 0 for :data:`EAGER`."""
    return int(stepper.split("-")[1]) if stepper else 0


def _as_tuple(value: Any) -> Any:
    return tuple(map(_as_tuple, value)) if isinstance(value, list) else value


def plan_of(engine: Engine, settings: Any, threads: int, lanes: int = 1) -> StepPlan | Message:
    """Return the plan of a full step, or one sentence: why it cannot be compiled.

    Parameters
    ----------
    settings
        Object with the values of all settings.
    threads : int
        Number of threads of the run.
    """
    state = engine.state
    why = _why_not(engine, settings)
    if why is not None:
        return why
    layers: dict[str, Layers] = {}
    for name in LETTERS:
        found = _layers_of(state.networks[name])
        if isinstance(found, Message):
            return Message(
                "a step of this run is not compiled: the {network} has {layer}, and only fully connected networks are; "
                "choose architecture='mlp', or set stepper to 'eager'",
                network=name,
                layer=found,
            )
        layers[name] = found
    shape = tuple(engine.streams["data"].take(0, 1).samples.shape[1:])
    return StepPlan(
        generator=layers[GENERATOR],
        discriminator=layers[DISCRIMINATOR],
        lanes=lanes,
        sample_shape=shape,
        batch_size=settings.batch_size,
        latent_dim=settings.latent_dim,
        packing=settings.packing,
        d_steps=settings.d_steps,
        g_steps=settings.g_steps,
        loss=settings.loss,
        penalty=settings.penalty,
        optimizer_d=settings.optimizer_d,
        optimizer_g=settings.optimizer_g,
        averaged=settings.ema_decay > 0,
        threads=threads,
        classes=max(_classes_of(found) for found in layers.values()),
        noise=settings.noise,
    )


def _unplain(engine: Engine) -> bool:
    """Return True if a network takes its inputs otherwise than ``(batch)`` or, with labels, ``(batch, labels)``."""
    labelled = engine.state.game.labelled  # type: ignore[attr-defined]
    return any(
        call != Call(labelled=name in labelled)
        or (name in labelled and not isinstance(engine.state.networks[name], Labelled))
        for name, call in engine.calls.items()
    )


def _why_not(engine: Engine, settings: Any) -> Message | None:
    state = engine.state
    parameters = [p for name in LETTERS for p in state.networks[name].parameters()]
    trained = sum(map(len, state.parameters.values()))
    causes = (
        (state.device.type != "cpu", Message("it computes on {device}", device=str(state.device))),
        (engine.routed, Message("a network draws random numbers")),
        (_unplain(engine), Message("a network takes inputs of another form")),
        (trained != len(parameters), Message("not every parameter is trained once")),
        (settings.precision != "float32", Message("precision is {value}", value=settings.precision)),
        (settings.freeze_g or settings.freeze_d, Message("a network is frozen")),
        (settings.freeze_layers_d > 0, Message("layers of D are frozen")),
        (settings.skip_d_below > 0, Message("skip_d_below makes updates depend on the loss")),
        (settings.unroll_steps > 0, Message("unroll_steps looks ahead within an update")),
        (settings.augment != "none", Message("augment changes images at random")),
        (
            settings.penalty != "none" and settings.penalty_interval > 1,
            Message("penalty_interval leaves the penalty out of some updates"),
        ),
        (
            settings.ema_decay > 0 and settings.ema_rampup > 0,
            Message("ema_rampup changes the averaging at each step"),
        ),
        (settings.penalty not in {"none", *PENALTIES}, Message("the penalty is the user's own")),
        (settings.loss not in LOSSES, Message("the loss is the user's own")),
        (
            not {settings.optimizer_d, settings.optimizer_g} <= REMEMBERED.keys(),
            Message("an optimizer is the user's own"),
        ),
    )
    for applies, why in causes:
        if applies:
            return Message(
                "a step of this run is not compiled: {why}; change that, or set stepper to 'eager'", why=why
            )
    return None


# --- layers ---------------------------------------------------------------------------------------


def _layers_of(module: nn.Module) -> Layers | Message:
    """Return a network as plain values, or a text that names its first unsupported part."""
    kind = type(module)
    arguments: dict[str, Any]
    if has_hooks(module):
        return Message("a layer with hooks")
    if kind is nn.Sequential:
        children = []
        for name, child in module.named_children():
            found = _layers_of(child)
            if isinstance(found, Message):
                return found
            children.append((name, found))
        return "Sequential", (), tuple(children)
    if isinstance(module, Labelled):
        return _labelled(module)
    if kind is nn.Linear and module.weight.dtype.is_floating_point and module.weight.dtype.itemsize == 4:
        arguments = {
            "in_features": module.in_features,
            "out_features": module.out_features,
            "bias": module.bias is not None,
        }
    elif kind in ELEMENTWISE and not getattr(module, "inplace", False):
        arguments = _constants(module)
    elif isinstance(module, nn.Flatten) and (module.start_dim, module.end_dim) == (1, -1):
        arguments = {"start_dim": 1, "end_dim": -1}
    elif isinstance(module, nn.Unflatten) and module.dim == 1:
        arguments = {"dim": 1, "unflattened_size": tuple(module.unflattened_size)}
    else:
        return Message("a layer of type {type}", type=kind.__name__)
    return kind.__name__, tuple(arguments.items()), ()


def _labelled(module: Labelled) -> Layers | Message:
    classes, width = module.embedding.weight.shape
    if classes > MOST_CLASSES:
        return Message("{n} labels, more than {most}", n=classes, most=MOST_CLASSES)
    body = _layers_of(module.body)
    if isinstance(body, Message):
        return body
    return "Labelled", (("classes", classes), ("width", width)), (("body", body),)


def _constants(module: nn.Module) -> dict[str, Any]:
    return {name: getattr(module, name) for name in getattr(module, "__constants__", ())}


def _classes_of(layers: Layers) -> int:
    """Return the number of labels that a network takes; 0 for none."""
    classes: int = dict(layers[1])["classes"] if layers[0] == "Labelled" else 0
    return classes


def network_from(layers: Layers) -> nn.Module:
    """Return a network of these layers, without values."""
    kind, arguments, children = layers
    if kind == "Labelled":
        with torch.device("meta"):
            labelled = Labelled(nn.Identity(), **dict(arguments))
        labelled.body = network_from(children[0][1])
        return labelled
    if kind == "Sequential":
        network = nn.Sequential()
        for name, child in children:
            network.add_module(name, network_from(child))
        return network
    given = dict(arguments)
    if kind == "Linear":
        given["device"] = "meta"
    layer: nn.Module = getattr(nn, kind)(**given)
    return layer
