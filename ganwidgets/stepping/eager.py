"""One update after the other, in plain PyTorch, for any pair of networks.

The order of things within a full step never varies: `d_steps` updates of the discriminator, then
`g_steps` of the generator. A frozen network is not updated; its loss is still measured, on the
real samples that come next and on latents of its own, so that its curve goes on and neither the
data's cursor nor the training's randomness moves.

A lazy penalty (Karras et al., "Analyzing and improving the image quality of StyleGAN", 2020, section
3.1) is computed in every `penalty_interval`-th update of D, from the first on, with as many times its
weight; the loss of such an update shows it so. Of a frozen D, whose updates are not counted on, it is
measured with its plain weight.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.optim.swa_utils import get_ema_multi_avg_fn

from ganwidgets.errors import DataError
from ganwidgets.messages import Message
from ganwidgets.objectives import PENALTIES, Objective, Penalty, augmented, game, pack, with_defaults
from ganwidgets.optimizers import (
    apply_update,
    clip_gradients_,
    gradient_norm,
    learning_rate,
    match_strides,
    set_hyperparameters,
)
from ganwidgets.seeds import seeded
from ganwidgets.settings import OWN
from ganwidgets.stepping.calling import Call
from ganwidgets.stepping.class_labels import Labels
from ganwidgets.stepping.rng_routing import RoutedRandomness
from ganwidgets.stepping.stages import NULL_OBSERVER, StageObserver
from ganwidgets.stepping.state import TrainingState
from ganwidgets.stepping.unrolling import looked_ahead

__all__ = ["EagerStepper", "NonFiniteError", "SampleOrder", "UpdateTarget", "draw_noise"]

NAN = math.nan

Network = str

UpdateTarget = str
"""A full step, or one update of one network."""


class NonFiniteError(ArithmeticError):
    """A loss or a gradient is not finite; `quantity` says which."""

    def __init__(self, quantity: str, value: float) -> None:
        super().__init__(f"{quantity} is {value}")
        self.quantity = quantity
        self.value = value


class Batch(NamedTuple):
    """Real samples ``[n, ...]``, and their labels, int64 ``[n]``, where networks are told any."""

    samples: Tensor
    labels: Tensor | None


Judge = Callable[[Tensor], Tensor]
"""From samples ``[n, ...]`` to logits ``[n]``."""


class UpdateRandomness(NamedTuple):
    """Where the random numbers of an update come from, beside its latents.

    Of the gradient penalty's interpolation, of augmentation (None where there is none), and of what
    the networks draw inside.
    """

    penalty: torch.Generator
    augment: torch.Generator | None
    inside: torch.Generator


class SampleOrder(Protocol):
    """The order in which a run sees the real samples; :class:`ganwidgets.data.SampleOrder` is one."""

    def take(self, start: int, n: int) -> Tensor:
        """Return the `n` samples from number `start` on."""


def draw_noise(kind: str, n: int, latent_dim: int, generator: torch.Generator) -> Tensor:
    """Return latents, float32 ``[n, latent_dim]``: standard normal, or uniform on [-1, 1)."""
    # The device and the type are said, because a cell may have changed what they are by default.
    noise = torch.empty(n, latent_dim, dtype=torch.float32, device="cpu")
    if kind == "uniform":
        return noise.uniform_(-1, 1, generator=generator)
    return noise.normal_(generator=generator)


class EagerStepper:
    """Carries out updates on a `TrainingState`.

    Parameters
    ----------
    state : TrainingState
        What the updates change.
    order : SampleOrder
        Where the real samples come from.
    latent_dim : int
        How many numbers a latent has.
    routed : bool
        Whether randomness inside the networks is routed to the state's own generator.
    calls : mapping
        ``"generator"`` and ``"discriminator"``: how each network is called.
    objective : Objective, optional
        What the choice ``"own"`` of the settings ``loss`` and ``penalty`` stands for.
    labels : Labels, optional
        Where networks are told labels: which of them, and which labels.
    packing : int
        How many samples the discriminator judges at once; see :mod:`~ganwidgets.objectives.packing`.

    Attributes
    ----------
    watcher : StageObserver
        Who is told of each stage of an update; nobody in an ordinary step.
    """

    def __init__(
        self,
        state: TrainingState,
        order: SampleOrder,
        latent_dim: int,
        *,
        routed: bool,
        calls: Mapping[str, Call],
        objective: Objective | None = None,
        labels: Labels | None = None,
        packing: int = 1,
    ) -> None:
        self.state = state
        self.order = order
        self.latent_dim = latent_dim
        self.routed = routed
        self.calls = calls
        self.objective = objective
        self.labels = labels
        self.packing = packing
        self.watcher: StageObserver = NULL_OBSERVER
        self._on_cpu = state.device.type == "cpu"
        self.record: dict[str, float] = dict.fromkeys(
            ("loss_d", "loss_g", "grad_norm_d", "grad_norm_g", "accuracy_real", "accuracy_fake", "penalty_d"),
            NAN,
        )

    def configure(self, rules: Any) -> None:
        """Put `rules`, the values of all settings by name, in force from the next update on."""
        state = self.state
        self.rules = rules
        self._loss = game(rules.loss, self.objective)
        self._penalty = self._penalty_named(rules.penalty)
        self._generate = _as_called(self.calls["generator"], self._computing(state.networks["generator"]))
        self._judge = _as_called(
            self.calls["discriminator"], self._computing(state.networks["discriminator"])
        )
        self._augments = rules.augment != "none"
        # A network whose gradients the user has all switched off is measured as a frozen one.
        self._frozen = {
            "discriminator": rules.freeze_d or not state.parameters["discriminator"],
            "generator": rules.freeze_g or not state.parameters["generator"],
        }
        self._names_d = [n for n, p in state.networks["discriminator"].named_parameters() if p.requires_grad]
        self._buffers_g = state.buffers["generator"]
        self._buffers_d = state.buffers["discriminator"]
        # A frozen discriminator will not answer, so there is nothing to look ahead to.
        self._looks_ahead = rules.unroll_steps > 0 and not self._frozen["discriminator"]
        wanted: dict[Network, str] = {
            "discriminator": rules.optimizer_d,
            "generator": rules.optimizer_g,
        }
        for network, name in wanted.items():
            if state.optimizer_names.get(network) != name:
                state.use_optimizer(network, name, rules)
        if rules.ema_decay == 0:
            state.averages = {}
        elif not state.averages:
            state.start_average("generator")
        if state.averages:
            self._average = get_ema_multi_avg_fn(rules.ema_decay)  # type: ignore[no-untyped-call]
        self._follow_schedule()

    def _penalty_named(self, name: str) -> Penalty | None:
        if name == OWN and self.objective is not None:
            return with_defaults(self.objective).penalty
        return PENALTIES.get(name)

    def _follow_schedule(self) -> None:
        """Give both optimizers their hyperparameters at this iteration."""
        rules, state = self.rules, self.state
        rates: dict[Network, tuple[str, float]] = {
            "discriminator": (rules.optimizer_d, rules.lr_d),
            "generator": (rules.optimizer_g, rules.lr_g),
        }
        for network, (name, base) in rates.items():
            rate = learning_rate(base, rules.lr_schedule, rules.schedule_steps, state.iteration)
            set_hyperparameters(state.optimizers[network], name, rules, rate)

    # --- steps ----------------------------------------------------------------------------------

    def advance(self, what: UpdateTarget, *, measure: bool) -> None:
        """Carry out one full step, or one update of one network.

        Parameters
        ----------
        what : {"both", "generator", "discriminator"}
        measure : bool
            Whether gradient norms and accuracies are computed for the record; losses always are.
        """
        rules = self.rules
        if rules.lr_schedule != "constant":
            self._follow_schedule()
        with self.state.training_flags.in_train_mode():
            if what != "generator":
                self._update("discriminator", rules.d_steps if what == "both" else 1, measure=measure)
            if what != "discriminator":
                self._update("generator", rules.g_steps if what == "both" else 1, measure=measure)
        self.state.iteration += what == "both"

    def _update(self, network: Network, n: int, *, measure: bool) -> None:
        """Update one network `n` times, or measure it once where it is frozen."""
        if self._frozen[network]:
            self._measure_frozen(network)
            return
        update = self._update_discriminator if network == "discriminator" else self._update_generator
        for index in range(n):
            update(measure=measure and index == n - 1)

    # --- one update -----------------------------------------------------------------------------

    def _update_discriminator(self, *, measure: bool) -> None:
        state, rules = self.state, self.rules
        may_skip = rules.skip_d_below > 0
        before = self._buffers_d.copy() if may_skip else []
        real, noise = self._next_real(), self._noise(state.random["noise"])
        self.watcher.on_draw("discriminator", noise, real.samples, real.labels, frozen=False)
        loss, real_logits, fake_logits, penalty = self._discriminator_loss(
            real, noise, self._streams(), self._weight_in(state.counts["discriminator"])
        )
        state.counts["discriminator"] = (state.counts["discriminator"] + 1) % rules.penalty_interval
        value = self._note_loss("loss_d", loss)
        if measure:
            self._measure_discriminator(real_logits, fake_logits, penalty)
        if may_skip and value < rules.skip_d_below:
            self._buffers_d.put_back(before)
            self.record["grad_norm_d"] = NAN
            self.watcher.on_update(skipped=True)
            return
        self._descend("discriminator", "grad_norm_d", loss, measure=measure)
        if rules.weight_clip > 0:
            with torch.no_grad():
                for parameter in state.parameters["discriminator"]:
                    parameter.clamp_(-rules.weight_clip, rules.weight_clip)
        self.watcher.on_update(skipped=False)

    def _update_generator(self, *, measure: bool) -> None:
        state = self.state
        real = self._next_real() if self._loss.needs_real or self._looks_ahead else None
        noise = self._noise(state.random["noise"])
        labels = self._labels_beside(real, state.random["labels"] if self.labels is not None else None)
        shown = None if real is None else real.samples
        self.watcher.on_draw("generator", noise, shown, labels, frozen=False)
        loss = self._generator_loss(real, noise, labels, self._streams())
        self._note_loss("loss_g", loss)
        with _explaining_derivatives() if self._looks_ahead else _NOTHING:
            self._descend("generator", "grad_norm_g", loss, measure=measure)
        if state.averages:
            self._move_average(state.averages["generator"])
        self.watcher.on_update(skipped=False)

    def _discriminator_loss(
        self, real: Batch, noise: Tensor, streams: UpdateRandomness, weight: float | None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        """Return D's loss, its logits of real and generated samples, and the penalty; see :meth:`_scored`."""
        with self._routing(streams.inside):
            with self._buffers_g.still(), torch.no_grad():
                fake = self._generate(noise, real.labels)
            self.watcher.on_generate(fake)
            judge = self._judge_with(real.labels)
            return self._scored(judge, real.samples, fake, streams, weight, self.watcher)

    def _generator_loss(
        self, real: Batch | None, noise: Tensor, labels: Tensor | None, streams: UpdateRandomness
    ) -> Tensor:
        judge = self._judge_with(labels)
        with self._routing(streams.inside), self._buffers_d.still():
            fake = self._generate(noise, labels)
            self.watcher.on_generate(fake)
            if real is not None and self._looks_ahead:
                judge = self._judge_ahead(real.samples, fake, labels, streams)
            fake_logits = judge(self._seen(fake, streams))
            real_logits = None
            if real is not None and self._loss.needs_real:
                # G has a part in these only through a D that answered it.
                with _NOTHING if self._looks_ahead else torch.no_grad():
                    real_logits = judge(self._seen(real.samples, streams))
            self.watcher.on_logits(real_logits, fake_logits)
            return self._loss.loss_g(fake_logits, real_logits)

    def _scored(
        self,
        judge: Judge,
        real: Tensor,
        fake: Tensor,
        streams: UpdateRandomness,
        weight: float | None,
        watcher: StageObserver = NULL_OBSERVER,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        """Return D's loss, its logits of real and of generated samples, and the penalty's part of the loss.

        Parameters
        ----------
        weight : float or None
            Of the penalty; None where it has no part in this update.
        watcher : StageObserver
            Is told of the logits; nobody is where this only looks ahead.
        """
        real, fake = self._seen(real, streams), self._seen(fake, streams)
        real_logits, fake_logits = judge(real), judge(fake)
        watcher.on_logits(real_logits, fake_logits)
        loss = self._loss.loss_d(real_logits, fake_logits)
        if weight is None or self._penalty is None:
            return loss, real_logits, fake_logits, None
        penalty = self._penalty(judge, real, fake, weight, streams.penalty)
        return loss + penalty, real_logits, fake_logits, penalty

    def _judge_ahead(
        self, real: Tensor, fake: Tensor, labels: Tensor | None, streams: UpdateRandomness
    ) -> Judge:
        """Return D as it would be after its next `unroll_steps` updates on these samples."""
        state, rules = self.state, self.rules

        def loss_after(values: list[Tensor], number: int) -> Tensor | None:
            weight = self._weight_in(state.counts["discriminator"] + number)
            loss, *_ = self._scored(self._judge_with(labels, values), real, fake, streams, weight)
            skipped = rules.skip_d_below > 0 and loss.item() < rules.skip_d_below
            return None if skipped else loss

        values = looked_ahead(
            state.parameters["discriminator"],
            state.optimizers["discriminator"],
            state.optimizer_names["discriminator"],
            loss_after,
            rules.unroll_steps,
            grad_clip=rules.grad_clip,
            weight_clip=rules.weight_clip,
        )
        return self._judge_with(labels, values)

    def _descend(self, network: Network, norm: str, loss: Tensor, *, measure: bool) -> None:
        parameters = self.state.parameters[network]
        gradients = match_strides(torch.autograd.grad(loss, parameters, allow_unused=True), parameters)
        self.watcher.on_gradients(gradients)
        if self.rules.grad_clip > 0:
            length = clip_gradients_(parameters, gradients, self.rules.grad_clip)
            if not math.isfinite(length):  # a clipped gradient would be zero, and the failure hidden
                raise NonFiniteError(norm, length)
            self.record[norm] = length
        elif measure:
            # Only looked at: a gradient that is not finite shows in the next loss, measured or not.
            self.record[norm] = gradient_norm(gradients).item()
        apply_update(self.state.optimizers[network], parameters, gradients)

    def _move_average(self, average: nn.Module) -> None:
        generator = self.state.networks["generator"]
        with torch.no_grad():
            self._average(list(average.parameters()), list(generator.parameters()), 1)
            # As StyleGAN's training loop does, buffers are copied: an average of batch counts or
            # of spectral-norm vectors would mean nothing.
            for kept, current in zip(average.buffers(), generator.buffers(), strict=True):
                kept.copy_(current)

    # --- a frozen network -----------------------------------------------------------------------

    def _measure_frozen(self, network: Network) -> None:
        state, rules = self.state, self.rules
        aside = seeded(state.seed, "frozen", network, state.iteration)
        streams = UpdateRandomness(aside, aside, seeded(state.seed, "frozen network", state.iteration))
        noise = self._noise(aside)
        with self._buffers_g.still(), self._buffers_d.still():
            if network == "generator":
                needs_real = self._loss.needs_real or self._looks_ahead
                real = self._real_at(state.cursors["data"]) if needs_real else None
                labels = self._labels_beside(real, aside)
                shown = None if real is None else real.samples
                self.watcher.on_draw("generator", noise, shown, labels, frozen=True)
                with _NOTHING if self._looks_ahead else torch.no_grad():
                    self._note_loss("loss_g", self._generator_loss(real, noise, labels, streams))
                self.record["grad_norm_g"] = NAN
                return
            real = self._real_at(state.cursors["data"])
            self.watcher.on_draw("discriminator", noise, real.samples, real.labels, frozen=True)
            # A penalty needs gradients with respect to samples, so they stay enabled.
            with torch.no_grad() if rules.penalty == "none" else _NOTHING:
                loss, real_logits, fake_logits, penalty = self._discriminator_loss(
                    real, noise, streams, rules.penalty_weight
                )
            self._note_loss("loss_d", loss)
            self._measure_discriminator(real_logits, fake_logits, penalty)
            self.record["grad_norm_d"] = NAN

    # --- parts ----------------------------------------------------------------------------------

    def _judge_with(self, labels: Tensor | None, values: list[Tensor] | None = None) -> Judge:
        """Return the discriminator as a function from samples with these labels to logits [n].

        Parameters
        ----------
        values : list of Tensor, optional
            What stands for its trained parameters, instead of themselves.
        """
        judge = self._judge
        if values is not None:
            network, replaced = (
                self.state.networks["discriminator"],
                dict(zip(self._names_d, values, strict=True)),
            )
            replacing = self._computing(lambda *inputs: functional_call(network, replaced, inputs))
            judge = _as_called(self.calls["discriminator"], replacing)
        return lambda x: judge(x, labels).reshape(len(x))

    def _computing(self, network: Callable[..., Tensor]) -> Callable[..., Tensor]:
        """Return `network` as a function that computes in the precision in force; what comes out is float32.

        Only what happens inside the network is rounded, layer by layer as torch.autocast sees fit (as in
        Micikevicius et al., "Mixed precision training", 2018, but bfloat16 has the range of float32 and needs
        no scaling of losses); weights, losses, penalties and updates are float32.
        """
        if self.rules.precision == "float32":
            return network
        device = self.state.device.type

        def rounded(*inputs: Tensor) -> Tensor:
            with torch.autocast(device, torch.bfloat16):
                return network(*inputs).float()

        return rounded

    def _seen(self, samples: Tensor, streams: UpdateRandomness) -> Tensor:
        """Return samples as the discriminator gets to see them."""
        if self._augments:
            assert streams.augment is not None
            samples = augmented(self.rules.augment, samples, streams.augment)
        return pack(samples, self.packing)

    def _weight_in(self, number: int) -> float | None:
        """Return the weight of the penalty in D's update `number`, or None where it has no part in it."""
        every = self.rules.penalty_interval
        return None if number % every else self.rules.penalty_weight * every

    def _streams(self) -> UpdateRandomness:
        randomness = self.state.random
        augment = self.state.random["augment"] if self._augments else None
        return UpdateRandomness(randomness["penalty"], augment, randomness["network"])

    def _noise(self, generator: torch.Generator) -> Tensor:
        noise = draw_noise(self.rules.noise, self.rules.batch_size, self.latent_dim, generator)
        return noise if self._on_cpu else noise.to(self.state.device)

    def _real_at(self, cursor: int) -> Batch:
        n = self.rules.batch_size
        real = Batch(self.order.take(cursor, n), None if self.labels is None else self.labels.at(cursor, n))
        if self._on_cpu:
            return real
        device = self.state.device
        return Batch(real.samples.to(device), None if real.labels is None else real.labels.to(device))

    def _next_real(self) -> Batch:
        real = self._real_at(self.state.cursors["data"])
        self.state.cursors["data"] += self.rules.batch_size
        return real

    def _labels_beside(self, real: Batch | None, generator: torch.Generator | None) -> Tensor | None:
        """Return the labels of what the generator makes: those of a real batch, or labels that are drawn."""
        if real is not None:
            return real.labels
        if self.labels is None:
            return None
        assert generator is not None
        return self.labels.draw(self.rules.batch_size, generator).to(self.state.device)

    def _routing(self, inside: torch.Generator) -> contextlib.AbstractContextManager[object]:
        return RoutedRandomness(inside) if self.routed else _NOTHING

    def _note_loss(self, name: str, loss: Tensor) -> float:
        value = loss.item()
        if not math.isfinite(value):
            raise NonFiniteError(name, value)
        self.record[name] = value
        self.watcher.on_loss(loss)
        return value

    def _measure_discriminator(
        self, real_logits: Tensor, fake_logits: Tensor, penalty: Tensor | None
    ) -> None:
        real, fake = real_logits.detach(), fake_logits.detach()
        threshold = self._loss.threshold(real, fake)
        self.record["accuracy_real"] = torch.count_nonzero(real > threshold).item() / len(real)
        self.record["accuracy_fake"] = torch.count_nonzero(fake <= threshold).item() / len(fake)
        self.record["penalty_d"] = 0.0 if penalty is None else penalty.item()


def _as_called(call: Call, network: Callable[..., Tensor]) -> Callable[[Tensor, Tensor | None], Tensor]:
    return lambda batch, labels: network(*call.inputs(batch, labels))


@contextlib.contextmanager
def _explaining_derivatives() -> Iterator[None]:
    """Say what helps where torch cannot differentiate a layer often enough."""
    try:
        yield
    except RuntimeError as error:
        if "order derivative" not in str(error):
            raise
        raise DataError(
            Message(
                "unroll_steps with a penalty needs third derivatives, and a layer of the discriminator has none "
                "({error}); set penalty to 'none', unroll_steps to 0, or start afresh with norm 'none'",
                error=str(error),
            )
        ) from error


_NOTHING: contextlib.AbstractContextManager[object] = contextlib.nullcontext()
