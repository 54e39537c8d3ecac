"""What has been carried out of an update up to one of its stages, as copies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor

from ganwidgets.stepping.eager import EagerStepper
from ganwidgets.stepping.stages import StageObserver
from ganwidgets.stepping.tensors import tensors_of

__all__ = ["Effect", "FarEnough", "Gradients", "Recorder", "Stage", "SubStep"]

Stage = Literal["noise", "generate", "classify", "loss", "gradients", "update"]
"""The stages of an update, in their order."""


@dataclass(frozen=True, eq=False)
class Gradients:
    """The gradients of the loss of an update, before anything moves.

    Attributes
    ----------
    parameters : mapping of str to Tensor
        By each trained parameter of the network that is updated, by its name; one on which the loss
        does not depend is missing.
    norm : float
        Of all of them together.
    samples : Tensor [N, ...] or None
        In an update of the generator, by each generated sample, in the units of training. The loss is a
        mean, so this is a sample's own share divided by N.
    real_logits, fake_logits : Tensor or None
        By each logit: how the discriminator's verdict on each sample counts (its penalty left out).
        None where the loss does not use it, or the network has no part in it.
    """

    parameters: Mapping[str, Tensor]
    norm: float
    samples: Tensor | None
    real_logits: Tensor | None
    fake_logits: Tensor | None


@dataclass(frozen=True, eq=False)
class Effect:
    """The same batch once more, with the parameters as the update leaves them.

    Attributes
    ----------
    generated : Tensor [N, ...]
        In the units that are drawn: images in [0, 1], points as they train.
    real_logits, fake_logits : Tensor
    loss : float
    tensors : mapping of str to Tensor
        Every parameter and buffer of the network that is updated, as they will be.
    distance : float
        How far the parameters move: the norm of their change.
    """

    generated: Tensor
    real_logits: Tensor | None
    fake_logits: Tensor
    loss: float
    tensors: Mapping[str, Tensor]
    distance: float


@dataclass(frozen=True, eq=False)
class SubStep:
    """One sub-step of an update: what is known once its stage has been carried out.

    Attributes
    ----------
    index : int
        Of the sub-step within the whole walk, from 0 on.
    network : {"discriminator", "generator"}
        Whose update it belongs to.
    number : int
        Of the update among those of this network in the walk, from 1 on.
    stage : str
        See :data:`Stage`.
    frozen : bool
        Whether the network is frozen: its loss is measured, and nothing else is done.
    skipped : bool
        Whether the update is left out, its loss being below `skip_d_below`.
    noise : Tensor [N, latent_dim]
    real : Tensor [N, ...] or None
        In the units that are drawn: images in [0, 1], points as they train; None where the update uses none.
    labels : Tensor or None
        int64 [N].
    generated : Tensor [N, ...] or None
        In the units that are drawn: images in [0, 1], points as they train; this and all that follows is None before its stage.
    real_logits, fake_logits : Tensor or None
        [N], or one for each pack where the discriminator judges several samples at once.
    loss : float or None
    gradients : Gradients or None
    effect : Effect or None
        What the update would change. None too where nothing is changed.
    discriminator : mapping of str to Tensor or None
        Every parameter and buffer of D where an earlier update of this walk would have changed them.
    """

    index: int
    network: str
    number: int
    stage: Stage
    frozen: bool
    noise: Tensor
    real: Tensor | None
    labels: Tensor | None
    skipped: bool = False
    generated: Tensor | None = None
    real_logits: Tensor | None = None
    fake_logits: Tensor | None = None
    loss: float | None = None
    gradients: Gradients | None = None
    effect: Effect | None = None
    discriminator: Mapping[str, Tensor] | None = None


class FarEnough(Exception):  # noqa: N818 - no error: it ends an update where a walk stands
    """The stage that was asked for has been carried out."""


class Recorder(StageObserver):
    """Records an update up to the sub-step number `wanted`, and breaks it off there.

    Parameters
    ----------
    stepper : EagerStepper
        It carries out the update; its state is put back by others.
    shown : callable
        From samples in the units of training to those that people see.
    wanted : int
        The index of the sub-step.

    Attributes
    ----------
    reached : SubStep or None
        The last sub-step that was reached.
    """

    def __init__(self, stepper: EagerStepper, shown: Callable[[Tensor], Tensor], wanted: int) -> None:
        self.reached: SubStep | None = None
        self._stepper = stepper
        self._shown = shown
        self._wanted = wanted
        self._index = -1
        self._numbers: dict[str, int] = {"discriminator": 0, "generator": 0}
        self._live: dict[str, Tensor | None] = {}
        self._by_sample: dict[str, Tensor | None] = {}
        self._discriminator: dict[str, Tensor] | None = None
        self._begin()

    def _begin(self) -> None:
        """Note from where the next update draws, so that the same batch can be had once more."""
        self._draw_again = self._stepper.state.copy_drawing()

    def _reach(self, stage: Stage, **found: Any) -> None:
        self._index += 1
        assert self.reached is not None
        self.reached = replace(self.reached, index=self._index, stage=stage, **found)
        if self._index == self._wanted:
            raise FarEnough

    def on_draw(
        self, network: str, noise: Tensor, real: Tensor | None, labels: Tensor | None, *, frozen: bool
    ) -> None:
        self._numbers[network] += 1
        self._parameters = [p.detach().clone() for p in self._stepper.state.parameters[network]]
        self.reached = SubStep(
            index=self._index,
            network=network,
            number=self._numbers[network],
            stage="noise",
            frozen=frozen,
            noise=_copy(noise),
            real=None if real is None else self._seen(real),
            labels=None if labels is None else _copy(labels),
            discriminator=self._discriminator,
        )
        self._reach("noise")

    def on_generate(self, fake: Tensor) -> None:
        self._live = {"samples": fake}
        self._reach("generate", generated=self._seen(fake))

    def on_logits(self, real_logits: Tensor | None, fake_logits: Tensor) -> None:
        self._live.update(real_logits=real_logits, fake_logits=fake_logits)
        real = None if real_logits is None else _copy(real_logits)
        self._reach("classify", real_logits=real, fake_logits=_copy(fake_logits))

    def on_loss(self, loss: Tensor) -> None:
        self._reach("loss", loss=loss.item())
        if loss.requires_grad:
            live = {name: x for name, x in self._live.items() if x is not None and x.requires_grad}
            found: tuple[Tensor | None, ...] = torch.autograd.grad(
                loss, list(live.values()), retain_graph=True, allow_unused=True
            )
            self._by_sample = {
                name: None if gradient is None else _copy(gradient)
                for name, gradient in zip(live, found, strict=True)
            }

    def on_gradients(self, gradients: Sequence[Tensor | None]) -> None:
        assert self.reached is not None
        module = self._stepper.state.networks[self.reached.network]
        names = [name for name, parameter in module.named_parameters() if parameter.requires_grad]
        named = {name: _copy(g) for name, g in zip(names, gradients, strict=True) if g is not None}
        flat = [gradient.reshape(-1) for gradient in named.values()]
        by_sample = self._by_sample
        found = Gradients(
            parameters=named,
            norm=torch.linalg.vector_norm(torch.cat(flat)).item() if flat else 0.0,
            samples=by_sample.get("samples"),
            real_logits=by_sample.get("real_logits"),
            fake_logits=by_sample.get("fake_logits"),
        )
        self._reach("gradients", gradients=found)

    def on_update(self, *, skipped: bool) -> None:
        effect = None
        if not skipped and self._index + 1 == self._wanted:
            effect = self._effect()
        self._reach("update", skipped=skipped, effect=effect)
        if self.reached is not None and self.reached.network == "discriminator" and not skipped:
            tensors = tensors_of(self._stepper.state.networks["discriminator"])
            self._discriminator = {name: _copy(tensor) for name, tensor in tensors.items()}
        self._begin()

    def _effect(self) -> Effect:
        """Carry out the same update once more up to its loss, the parameters having moved."""
        assert self.reached is not None
        network, stepper = self.reached.network, self._stepper
        state = stepper.state
        tensors = {name: _copy(tensor) for name, tensor in tensors_of(state.networks[network]).items()}
        moved = [
            (now.detach() - then).reshape(-1)
            for now, then in zip(state.parameters[network], self._parameters, strict=True)
        ]
        self._draw_again()
        again = Recorder(stepper, self._shown, wanted=3)
        stepper.watcher = again
        try:
            stepper.advance(network, measure=False)
        except FarEnough:
            pass
        finally:
            stepper.watcher = self
        found = again.reached
        assert found is not None
        assert found.generated is not None
        assert found.fake_logits is not None
        assert found.loss is not None
        return Effect(
            generated=found.generated,
            real_logits=found.real_logits,
            fake_logits=found.fake_logits,
            loss=found.loss,
            tensors=tensors,
            distance=torch.linalg.vector_norm(torch.cat(moved)).item() if moved else 0.0,
        )

    def _seen(self, samples: Tensor) -> Tensor:
        return self._shown(_copy(samples))


def _copy(tensor: Tensor) -> Tensor:
    return tensor.detach().to("cpu", copy=True)
