"""One update after the other, in plain PyTorch, for any pair of networks.

The order of things within a full step never varies: `d_steps` updates of the discriminator, then
`g_steps` of the generator. A frozen network is not updated; its loss is still measured, on the
real samples that come next and on latents of its own, so that its curve goes on and neither the
data's cursor nor the training's randomness moves.
"""

from __future__ import annotations

import contextlib
import math
from types import SimpleNamespace
from typing import Protocol

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_, get_total_norm
from torch.optim.swa_utils import get_ema_multi_avg_fn

from ..objectives import LOSSES, PENALTIES
from ..optimizers import learning_rate, tune_optimizer
from ..seeds import seeded
from .buffers import Buffers
from .randomness import RoutedRandomness
from .state import Network, TrainingState

__all__ = ["EagerStepper", "NonFiniteError", "Order", "draw_noise"]

NAN = math.nan


class NonFiniteError(ArithmeticError):
    """A loss or a gradient is not finite; `quantity` says which."""

    def __init__(self, quantity: str, value: float) -> None:
        super().__init__(f"{quantity} is {value}")
        self.quantity = quantity
        self.value = value


class Order(Protocol):
    """The order in which a run sees the real samples; :class:`ganwidgets.data.Order` is one."""

    def take(self, start: int, n: int) -> Tensor:
        """Return the `n` samples from number `start` on."""


def draw_noise(kind: str, n: int, latent_dim: int, generator: torch.Generator) -> Tensor:
    """Return latents, float32 ``[n, latent_dim]``: standard normal, or uniform on [-1, 1)."""
    if kind == "uniform":
        return torch.empty(n, latent_dim).uniform_(-1, 1, generator=generator)
    return torch.randn(n, latent_dim, generator=generator)


class EagerStepper:
    """Carries out updates on a `TrainingState`.

    Parameters
    ----------
    state : TrainingState
        What the updates change.
    order : Order
        Where the real samples come from.
    latent_dim : int
        How many numbers a latent has.
    routed : bool
        Whether randomness inside the networks is routed to the state's own generator.
    """

    def __init__(
        self, state: TrainingState, order: Order, latent_dim: int, *, routed: bool
    ) -> None:
        self.state = state
        self.order = order
        self.latent_dim = latent_dim
        self.routed = routed
        self._buffers_g = Buffers(state.generator)
        self._buffers_d = Buffers(state.discriminator)
        self._on_cpu = state.device.type == "cpu"
        self.record: dict[str, float] = dict.fromkeys(
            ("loss_d", "loss_g", "grad_norm_d", "grad_norm_g", "accuracy_real", "accuracy_fake"),
            NAN,
        )

    def configure(self, rules: SimpleNamespace) -> None:
        """Put `rules`, the values of all settings by name, in force from the next update on."""
        state = self.state
        self.rules = rules
        self._loss = LOSSES[rules.loss]
        self._penalty = None if rules.penalty == "none" else PENALTIES[rules.penalty]
        self._frozen = {"discriminator": rules.freeze_d, "generator": rules.freeze_g}
        wanted: dict[Network, str] = {
            "discriminator": rules.optimizer_d,
            "generator": rules.optimizer_g,
        }
        for network, name in wanted.items():
            if state.optimizer_names.get(network) != name:
                state.use_optimizer(network, name, rules)
        if rules.ema_decay == 0:
            state.ema = None
        elif state.ema is None:
            state.start_average()
        if state.ema is not None:
            self._average = get_ema_multi_avg_fn(rules.ema_decay)
        self.follow_schedule()

    def follow_schedule(self) -> None:
        """Give both optimizers their hyperparameters at this iteration."""
        rules, state = self.rules, self.state
        rates: dict[Network, tuple[str, float]] = {
            "discriminator": (rules.optimizer_d, rules.lr_d),
            "generator": (rules.optimizer_g, rules.lr_g),
        }
        for network, (name, base) in rates.items():
            rate = learning_rate(base, rules.lr_schedule, rules.schedule_steps, state.iteration)
            tune_optimizer(state.optimizers[network], name, rules, rate)

    # --- steps ----------------------------------------------------------------------------------

    def full_step(self, *, measure: bool) -> None:
        """Carry out one full step; the caller counts it.

        Parameters
        ----------
        measure : bool
            Whether gradient norms and accuracies are computed for the record; losses always are.
        """
        rules = self.rules
        if rules.lr_schedule != "constant":
            self.follow_schedule()
        self.update_discriminator(rules.d_steps, measure=measure)
        self.update_generator(rules.g_steps, measure=measure)
        self.state.iteration += 1

    def update_discriminator(self, n: int, *, measure: bool) -> None:
        """Update the discriminator `n` times, or measure it once where it is frozen."""
        if self._frozen["discriminator"]:
            self._measure_frozen("discriminator")
            return
        for index in range(n):
            self._update_discriminator(measure=measure and index == n - 1)

    def update_generator(self, n: int, *, measure: bool) -> None:
        """Update the generator `n` times, or measure it once where it is frozen."""
        if self._frozen["generator"]:
            self._measure_frozen("generator")
            return
        for index in range(n):
            self._update_generator(measure=measure and index == n - 1)

    # --- one update -----------------------------------------------------------------------------

    def _update_discriminator(self, *, measure: bool) -> None:
        state, rules = self.state, self.rules
        real = self._next_real()
        noise = self._noise(state.randomness["noise"])
        may_skip = rules.skip_d_below > 0
        before = self._buffers_d.copy() if may_skip and self._buffers_d else None
        loss, real_logits, fake_logits = self._discriminator_loss(
            real, noise, state.randomness["penalty"], state.randomness["network"]
        )
        value = self._finite("loss_d", loss)
        if measure:
            self._measure_accuracy(real_logits, fake_logits)
        if may_skip and value < rules.skip_d_below:
            if before is not None:
                self._buffers_d.put_back(before)
            if measure:
                self.record["grad_norm_d"] = NAN
            return
        self._descend("discriminator", "grad_norm_d", loss, measure=measure)
        if rules.weight_clip > 0:
            with torch.no_grad():
                for parameter in state.parameters["discriminator"]:
                    parameter.clamp_(-rules.weight_clip, rules.weight_clip)

    def _update_generator(self, *, measure: bool) -> None:
        state = self.state
        real = self._next_real() if self._loss.uses_real else None
        loss = self._generator_loss(
            real, self._noise(state.randomness["noise"]), state.randomness["network"]
        )
        self._finite("loss_g", loss)
        self._descend("generator", "grad_norm_g", loss, measure=measure)
        if state.ema is not None:
            self._move_average()

    def _discriminator_loss(
        self,
        real: Tensor,
        noise: Tensor,
        interpolation: torch.Generator,
        inside: torch.Generator,
    ) -> tuple[Tensor, Tensor, Tensor]:
        state, n = self.state, len(real)
        with self._routing(inside):
            with self._buffers_g.kept(), torch.no_grad():
                fake = state.generator(noise)
            real_logits = state.discriminator(real).reshape(n)
            fake_logits = state.discriminator(fake).reshape(n)
            loss = self._loss.discriminator(real_logits, fake_logits)
            if self._penalty is not None:
                loss = loss + self._penalty(
                    self._logits, real, fake, self.rules.penalty_weight, interpolation
                )
        return loss, real_logits, fake_logits

    def _generator_loss(
        self, real: Tensor | None, noise: Tensor, inside: torch.Generator
    ) -> Tensor:
        state = self.state
        with self._routing(inside), self._buffers_d.kept():
            fake_logits = state.discriminator(state.generator(noise)).reshape(len(noise))
            real_logits = None
            if real is not None:
                with torch.no_grad():
                    real_logits = self._logits(real)
            return self._loss.generator(fake_logits, real_logits)

    def _descend(self, network: Network, norm: str, loss: Tensor, *, measure: bool) -> None:
        parameters = self.state.parameters[network]
        gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        if self.rules.grad_clip > 0:
            length = clip_grad_norm_(parameters, self.rules.grad_clip)
            self.record[norm] = self._finite(norm, length)
        elif measure:
            length = get_total_norm([g for g in gradients if g is not None])
            self.record[norm] = self._finite(norm, length)
        self.state.optimizers[network].step()
        for parameter in parameters:
            parameter.grad = None

    def _move_average(self) -> None:
        state = self.state
        assert state.ema is not None
        with torch.no_grad():
            self._average(list(state.ema.parameters()), list(state.generator.parameters()), 1)
            # As StyleGAN's training loop does, buffers are copied: an average of batch counts or
            # of spectral-norm vectors would mean nothing.
            for kept, current in zip(state.ema.buffers(), state.generator.buffers(), strict=True):
                kept.copy_(current)

    # --- a frozen network -----------------------------------------------------------------------

    def _measure_frozen(self, network: Network) -> None:
        state, rules = self.state, self.rules
        aside = seeded(state.seed, "frozen", network, state.iteration)
        inside = seeded(state.seed, "frozen network", state.iteration, device=state.device)
        noise = self._noise(aside)
        with self._buffers_g.kept(), self._buffers_d.kept():
            if network == "generator":
                real = self._real_at(state.cursor) if self._loss.uses_real else None
                with torch.no_grad():
                    loss = self._generator_loss(real, noise, inside)
                self._finite("loss_g", loss)
                self.record["grad_norm_g"] = NAN
                return
            # A gradient penalty needs gradients with respect to samples, so they stay enabled.
            with torch.no_grad() if rules.penalty == "none" else contextlib.nullcontext():
                loss, real_logits, fake_logits = self._discriminator_loss(
                    self._real_at(state.cursor), noise, aside, inside
                )
            self._finite("loss_d", loss.detach())
            self._measure_accuracy(real_logits, fake_logits)
            self.record["grad_norm_d"] = NAN

    # --- parts ----------------------------------------------------------------------------------

    def _logits(self, x: Tensor) -> Tensor:
        logits: Tensor = self.state.discriminator(x).reshape(len(x))
        return logits

    def _noise(self, generator: torch.Generator) -> Tensor:
        noise = draw_noise(self.rules.noise, self.rules.batch_size, self.latent_dim, generator)
        return noise if self._on_cpu else noise.to(self.state.device)

    def _real_at(self, cursor: int) -> Tensor:
        real = self.order.take(cursor, self.rules.batch_size)
        return real if self._on_cpu else real.to(self.state.device)

    def _next_real(self) -> Tensor:
        real = self._real_at(self.state.cursor)
        self.state.cursor += len(real)
        return real

    def _routing(self, inside: torch.Generator) -> contextlib.AbstractContextManager[object]:
        return RoutedRandomness(inside) if self.routed else _NOTHING

    def _finite(self, quantity: str, tensor: Tensor) -> float:
        value = tensor.item()
        if not math.isfinite(value):
            raise NonFiniteError(quantity, value)
        if quantity in self.record:
            self.record[quantity] = value
        return value

    def _measure_accuracy(self, real_logits: Tensor, fake_logits: Tensor) -> None:
        real, fake = real_logits.detach(), fake_logits.detach()
        threshold = self._loss.threshold(real, fake)
        self.record["accuracy_real"] = (real > threshold).float().mean().item()
        self.record["accuracy_fake"] = (fake <= threshold).float().mean().item()


_NOTHING: contextlib.AbstractContextManager[object] = contextlib.nullcontext()
