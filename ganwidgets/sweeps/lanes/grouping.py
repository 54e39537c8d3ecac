"""Grouping of runs that can be computed together."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd

from ganwidgets.errors import DataError
from ganwidgets.games.gan import DISCRIMINATOR, GENERATOR, draw_noise
from ganwidgets.messages import Message
from ganwidgets.objectives import PENALTIES
from ganwidgets.runs.session.session import Session
from ganwidgets.seeds import seeded
from ganwidgets.settings import SETTINGS
from ganwidgets.stepping.lanes.networks import batched, check_batched
from ganwidgets.stepping.modules.calling import Call

__all__ = ["OF_LANES", "group_key", "why_alone"]

OF_LANES = frozenset(
    {
        "lr_g",
        "lr_d",
        "beta1",
        "beta2",
        "weight_decay",
        "penalty_weight",
        "penalty_end",
        "weight_clip",
        "grad_clip",
        "lr_schedule",
        "schedule_steps",
        "schedule_end",
        "ema_decay",
        "ema_rampup",
        "freeze_g",
        "freeze_d",
        "d_steps",
        "g_steps",
        "seed",
        "data",
        "holdout",
    }
)
"""Settings that may differ between runs computed together.

Runs that differ in their numbers of updates are computed together too, because that is faster than in turn. Measured with
``d_steps=[1, 2, 5]`` and 1, 3 or 8 seeds, on one thread: groups in turn took 1.53, 1.39 and 1.23 times as long (16 units,
batch 150), and 1.34 times with one seed of two layers of 128 units and batch 256.
"""

CHANGING = frozenset({"progressive", "msg", "stylegan3_t", "stylegan3_r"})
"""Architectures whose networks change buffers in an update, or exchange more than samples between D and G."""


def group_key(session: Session) -> Hashable:
    """Return a key of code and shapes, equal for runs that can be computed together."""
    rules = vars(session.in_force())
    state = session.state
    shapes = tuple(
        (name, key, tuple(tensor.shape), str(tensor.dtype), str(tensor.device))
        for name, network in state.networks.items()
        for key, tensor in [*network.named_parameters(), *network.named_buffers()]
    )
    layers = tuple(
        (name, path, _described(module))
        for name, network in state.networks.items()
        for path, module in network.named_modules()
    )
    return (
        tuple((name, rules[name]) for name in SETTINGS if name not in OF_LANES),
        rules["ema_decay"] > 0,
        _of_compiled(session.in_force()),
        session.run.source.shape,
        session.run.threads,
        tuple(sorted(session.run.engine.calls.items())),
        shapes,
        layers,
    )


def _of_compiled(rules: Any) -> Hashable:
    """Return those values of :data:`OF_LANES` that decide whether a step is compiled, and which code it has."""
    if rules.stepper != "compiled":
        return None
    only_eager = rules.freeze_g or rules.freeze_d or (rules.ema_decay > 0 and rules.ema_rampup > 0)
    return bool(only_eager), rules.d_steps, rules.g_steps


def _described(module: nn.Module) -> str:
    return f"{type(module).__module__}.{type(module).__qualname__}({module.extra_repr()})"


def why_alone(session: Session) -> str:
    """Return one sentence: why a run cannot be computed together with others; empty if it can."""
    rules, state, run = session.in_force(), session.state, session.run
    networks = [state.networks[name] for name in (GENERATOR, DISCRIMINATOR)]
    parameters = [p for network in networks for p in network.parameters()]
    trained = sum(map(len, state.parameters.values()))
    shared = len(parameters) != sum(
        1 for network in networks for _ in network.named_parameters(remove_duplicate=False)
    )
    causes = (
        (state.device.type != "cpu", Message("it computes on {device}", device=str(state.device))),
        (run.engine.routed, Message("a network draws random numbers")),
        (
            any(call.trailing or call.batch for call in run.engine.calls.values()),
            Message("a network takes inputs of another form"),
        ),
        (trained != len(parameters) or shared, Message("not every parameter is trained once")),
        (any(p.dtype != torch.float32 for p in parameters), Message("its weights are not float32")),
        # Measured: four DCGANs of 16x16 pixels took 1.4 times as long with grouped convolutions as one after another.
        (
            any(isinstance(m, _ConvNd) for network in networks for m in network.modules()),
            Message("a processor computes convolutions of several runs more slowly together"),
        ),
        (rules.precision != "float32", Message("precision is {value}", value=rules.precision)),
        (rules.freeze_layers_d > 0, Message("layers of D are frozen")),
        (rules.skip_d_below > 0, Message("skip_d_below makes updates depend on the loss")),
        (rules.unroll_steps > 0, Message("unroll_steps looks ahead within an update")),
        (rules.augment != "none", Message("augment changes images at random")),
        (
            rules.architecture in CHANGING,
            Message("networks of architecture {value} change by themselves", value=rules.architecture),
        ),
        (rules.penalty not in {"none", *PENALTIES}, Message("the penalty is the user's own")),
    )
    for applies, why in causes:
        if applies:
            return Message("runs are computed one after another: {why}", why=why)
    try:
        _try_together(session)
    except DataError as error:
        return Message("runs are computed one after another: {why}", why=str(error))
    return ""


def _try_together(session: Session) -> None:
    """Compare both networks with their batched forms on a few samples.

    Raises
    ------
    DataError
        If a network has no batched form.
    """
    rules, state, run = session.in_force(), session.state, session.run
    n = 4 * rules.packing
    noise = draw_noise(rules.noise, n, rules.latent_dim, seeded(rules.seed, "together"))
    real, labels, _ = run.engine.streams["data"].take(0, n)
    if rules.packing > 1:
        real = real.reshape(4, -1, *real.shape[2:])
    samples = {GENERATOR: noise, DISCRIMINATOR: real}
    with state.training_flags.in_train_mode():
        for name, batch in samples.items():
            network, call = state.networks[name], run.engine.calls.get(name, Call())
            inputs = call.inputs(batch, labels)
            check_batched(name, network, batched(network), inputs)
            with state.buffers[name].still(), torch.enable_grad():
                reached = torch.autograd.grad(
                    network(*inputs).sum(), state.parameters[name], allow_unused=True
                )
            if any(gradient is None for gradient in reached):
                raise DataError(
                    Message("a parameter of the {network} takes no part in its output", network=name)
                )
