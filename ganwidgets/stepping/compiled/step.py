"""A full step of several runs as one pure function, to be traced and compiled.

It uses the losses, penalties and optimizer rules of the eager step. Everything that changes from step to step is an
input: samples, random numbers, and the hyperparameters of each lane.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from ganwidgets.games.gan import DISCRIMINATOR, GENERATOR
from ganwidgets.networks.layers.conditioning import Labelled
from ganwidgets.objectives import LOSSES, PENALTIES, pack, slope
from ganwidgets.objectives.losses import midpoint, midway
from ganwidgets.optimizers import REMEMBERED, updated
from ganwidgets.stepping.compiled.noise import latents_from, noise_shape, random_words
from ganwidgets.stepping.compiled.plan import StepPlan, network_from
from ganwidgets.stepping.lanes.networks import LaneForward, batched, matmul_linear

__all__ = ["NUMBERS", "RECORDED", "CompilableStep", "example_inputs"]

Forward = Callable[[Mapping[str, Tensor], Tensor, Tensor | None], Tensor]
"""From tensors of lanes by name, inputs [lanes, n, ...] and labels [lanes, n, classes] or None to outputs [lanes, n, ...].

A label is a row of zeros with a 1 at its place.
"""

NUMBERS = (
    "lr",
    "beta1",
    "beta2",
    "bias1",
    "bias2",
    "weight_decay",
    "longest",
    "largest",
    "penalty_weight",
    "averaging",
)
"""Arguments of each lane for each update. `bias1` and `bias2` are Adam's
:func:`~ganwidgets.optimizers.bias_corrections`, `longest` limits the gradient's norm and `largest` the weights of D (infinity
if they do not), `averaging` is 1 - ema_decay."""

RECORDED = (
    "loss_d",
    "loss_g",
    "grad_norm_d",
    "grad_norm_g",
    "accuracy_real",
    "accuracy_fake",
    "penalty_d",
)
"""The columns of the record that a step returns."""

NARROW = 2
"""Maximum number of inputs or outputs of a linear layer that is computed column by column.

The compiler fuses such a sum with the activation. A matrix product of this shape takes up to 7 times as long: the weights'
gradient of 64 layers from 2 to 16 units, batches of 150, 123 against 18 microseconds.
"""


def example_inputs(plan: StepPlan) -> dict[str, Tensor]:
    """Return inputs of the function, in order."""
    lanes, n = plan.lanes, plan.batch_size
    shapes = {
        DISCRIMINATOR: plan.block_shape(DISCRIMINATOR),
        GENERATOR: plan.block_shape(GENERATOR),
        "real": (plan.real_batches, lanes, n, *plan.sample_shape),
        "noise": noise_shape(plan),
        "numbers": (plan.updates, lanes, len(NUMBERS)),
    }
    if plan.averaged:
        shapes["average"] = (lanes, plan.block_shape(GENERATOR)[2])
    if plan.penalty == "gradient_penalty":
        packs = n // plan.packing
        ones = (1,) * max(len(plan.sample_shape), 1)
        shapes["eps"] = (plan.d_steps, lanes, packs, *ones)
    if plan.classes:
        shapes["labels"] = (plan.updates, lanes, n, plan.classes)
    inputs = {name: torch.rand(shape) for name, shape in shapes.items()}
    if random_words(plan):
        inputs["noise"] = torch.zeros(shapes["noise"], dtype=torch.int32)
    return inputs


class CompilableStep:
    """The step of a plan.

    Called with the tensors of :func:`example_inputs`, it returns the new blocks of D and of G, the new average if one is
    kept, and the record, [lanes, columns of `RECORDED`].
    """

    def __init__(self, plan: StepPlan) -> None:
        self._plan = plan
        self._names = tuple(example_inputs(plan))
        self._loss = LOSSES[plan.loss]
        self._penalty = PENALTIES.get(plan.penalty)
        self._forward = {p: _forward_of(network_from(getattr(plan, p))) for p in (DISCRIMINATOR, GENERATOR)}
        self._parameters = {p: plan.parameters(p) for p in (DISCRIMINATOR, GENERATOR)}

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        given = dict(zip(self._names, inputs, strict=True))
        blocks = {player: given[player] for player in (DISCRIMINATOR, GENERATOR)}
        average = given.get("average")
        found: dict[str, Tensor] = {}
        d_steps, g_steps = self._plan.d_steps, self._plan.g_steps
        labels = given["labels"] if "labels" in given else [None] * (d_steps + g_steps)
        latents = latents_from(self._plan, given["noise"])
        for index in range(d_steps):
            eps = given["eps"][index] if "eps" in given else None
            noise, numbers = latents[index], given["numbers"][index]
            real = given["real"][index]
            blocks[DISCRIMINATOR] = self._update_d(blocks, real, noise, labels[index], eps, numbers, found)
        for index in range(d_steps, d_steps + g_steps):
            seen = given["real"][index] if self._loss.needs_real else None
            numbers = given["numbers"][index]
            noise = latents[index]
            blocks[GENERATOR] = self._update_g(blocks, seen, noise, labels[index], numbers, found)
            if average is not None:
                average = torch.lerp(average, blocks[GENERATOR][:, 0], _column(numbers, "averaging"))
        kept = () if average is None else (average,)
        record = torch.stack([found[name] for name in RECORDED], 1)
        return blocks[DISCRIMINATOR], blocks[GENERATOR], *kept, record

    def _update_d(
        self,
        blocks: Mapping[str, Tensor],
        real: Tensor,
        noise: Tensor,
        labels: Tensor | None,
        eps: Tensor | None,
        numbers: Tensor,
        found: dict[str, Tensor],
    ) -> Tensor:
        fake = self._generate(blocks[GENERATOR][:, 0], noise, labels)
        real, fake = self._packed(real), self._packed(fake)
        leaf = blocks[DISCRIMINATOR][:, 0].detach().requires_grad_()
        judge = self._judge(leaf, labels)
        both = judge if labels is None else self._judge(leaf, torch.cat([labels, labels], 1))
        logits = both(torch.cat([real, fake], 1))  # one pass: a logit depends on its own sample alone
        real_logits, fake_logits = torch.split(logits, real.shape[1], 1)
        losses = self._loss.loss_d(real_logits, fake_logits)
        found["penalty_d"] = torch.zeros(len(losses))
        if self._penalty is not None:
            terms = torch.func.vmap(self._penalty.term)
            weights = _column(numbers, "penalty_weight").squeeze(1)
            term = sum(terms(slope(judge, at), weights) for at in self._penalty.points(real, fake, eps))
            assert isinstance(term, Tensor)
            losses = losses + term
            found["penalty_d"] = term.detach()
        found["loss_d"] = losses.detach()
        seen_real, seen_fake = real_logits.detach(), fake_logits.detach()
        # All other hyperparameters are constants.
        rule = midpoint if self._loss.threshold is midway else self._loss.threshold
        threshold = torch.as_tensor(rule(seen_real, seen_fake)).reshape(-1, 1)
        found["accuracy_real"] = (seen_real > threshold).float().mean(1)
        found["accuracy_fake"] = (seen_fake <= threshold).float().mean(1)
        (gradient,) = torch.autograd.grad(losses.sum(), leaf)
        block, found["grad_norm_d"] = self._moved(DISCRIMINATOR, blocks[DISCRIMINATOR], gradient, numbers)
        return block

    def _update_g(
        self,
        blocks: Mapping[str, Tensor],
        real: Tensor | None,
        noise: Tensor,
        labels: Tensor | None,
        numbers: Tensor,
        found: dict[str, Tensor],
    ) -> Tensor:
        leaf = blocks[GENERATOR][:, 0].detach().requires_grad_()
        judge = self._judge(blocks[DISCRIMINATOR][:, 0], labels)
        fake_logits = judge(self._packed(self._generate(leaf, noise, labels)))
        real_logits = None if real is None else judge(self._packed(real))
        losses = self._loss.loss_g(fake_logits, real_logits)
        found["loss_g"] = losses.detach()
        (gradient,) = torch.autograd.grad(losses.sum(), leaf)
        block, found["grad_norm_g"] = self._moved(GENERATOR, blocks[GENERATOR], gradient, numbers)
        return block

    def _moved(self, player: str, block: Tensor, gradient: Tensor, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Return the block of `player` after one update, and the norms of its gradient before clipping."""
        norms = torch.linalg.vector_norm(gradient, dim=1)
        # As in the eager step: clipping a gradient of infinite norm would give zero and hide the failure.
        factor = (_column(numbers, "longest").squeeze(1) / (norms + 1e-6)).clamp(max=1.0)
        gradient = gradient * torch.where(norms.isfinite(), factor, math.nan).unsqueeze(1)
        rule = self._plan.optimizer(player)
        memories = sorted(REMEMBERED[rule] - {"step"})
        memory = {name: block[:, 1 + index] for index, name in enumerate(memories)}
        if "step" in REMEMBERED[rule]:
            memory["step"] = torch.zeros(())  # the corrections below contain the count
        group = {
            "lr": _column(numbers, "lr"),
            "weight_decay": _column(numbers, "weight_decay"),
            "momentum": _column(numbers, "beta1"),
            "alpha": _column(numbers, "beta2"),
            "betas": (_column(numbers, "beta1"), _column(numbers, "beta2")),
            "bias_corrections": (_column(numbers, "bias1"), _column(numbers, "bias2")),
            "eps": 1e-8,
        }
        value, kept = updated(rule, group, block[:, 0], gradient, memory)
        if player == DISCRIMINATOR:
            largest = _column(numbers, "largest")
            value = torch.maximum(torch.minimum(value, largest), -largest)
        return torch.stack([value, *(kept[name] for name in memories)], 1), norms

    # --- networks -------------------------------------------------------------------------------

    def _tensors(self, player: str, values: Tensor) -> dict[str, Tensor]:
        """Return the parameters by name, [lanes, ...], of values [lanes, numbers]."""
        known = self._parameters[player]
        parts = torch.split(values, [math.prod(shape) for _, shape in known], 1)
        return {
            name: part.reshape(len(part), *shape) for (name, shape), part in zip(known, parts, strict=True)
        }

    def _generate(self, values: Tensor, noise: Tensor, labels: Tensor | None) -> Tensor:
        return self._forward[GENERATOR](self._tensors(GENERATOR, values), noise, labels)

    def _judge(self, values: Tensor, labels: Tensor | None) -> Callable[[Tensor], Tensor]:
        forward, tensors = self._forward[DISCRIMINATOR], self._tensors(DISCRIMINATOR, values)
        return lambda x: forward(tensors, x, labels).reshape(len(x), -1)

    def _packed(self, samples: Tensor) -> Tensor:
        m = self._plan.packing
        if m == 1:
            return samples
        packs = pack(samples.flatten(0, 1), m)
        return packs.reshape(len(samples), -1, *packs.shape[1:])


def _forward_of(network: nn.Module) -> Forward:
    """Return a network of lanes as a function of its tensors, its inputs and labels."""
    if not isinstance(network, Labelled):
        plain = batched(network, linear=_linear)
        return lambda tensors, x, _: plain(tensors, x)
    body = batched(network.body, "body.", _linear)

    def forward(tensors: Mapping[str, Tensor], x: Tensor, labels: Tensor | None) -> Tensor:
        assert labels is not None
        # A product with rows of one 1 each selects the label's vector exactly.
        vectors = torch.bmm(labels, tensors["embedding.weight"])
        return body(tensors, torch.cat([x.flatten(2), vectors], 2))

    return forward


def _linear(weight: str, bias: str | None) -> LaneForward:
    product = matmul_linear(weight, bias)

    def forward(tensors: Mapping[str, Tensor], x: Tensor) -> Tensor:
        w = tensors[weight]
        _, outputs, inputs = w.shape
        if inputs <= NARROW:
            terms = [x[:, :, i : i + 1] * w[:, :, i].unsqueeze(1) for i in range(inputs)]
            y = functools.reduce(torch.add, terms)
        elif outputs <= NARROW:
            y = torch.stack([(x * w[:, i].unsqueeze(1)).sum(2) for i in range(outputs)], 2)
        else:
            return product(tensors, x)
        return y if bias is None else y + tensors[bias].unsqueeze(1)

    return forward


def _column(numbers: Tensor, name: str) -> Tensor:
    """Return one hyperparameter, [lanes, 1]."""
    index = NUMBERS.index(name)
    return numbers[:, index : index + 1]
