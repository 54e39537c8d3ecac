"""The batch of a walked update, displayed instead of the samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ganwidgets.live.observations import Gradients, Scores
from ganwidgets.rendering.pictures.scene import Scene
from ganwidgets.rendering.plane.grid import verdict_on
from ganwidgets.runs.inspect.sampling import judged_by
from ganwidgets.runs.inspect.substeps import SubStep
from ganwidgets.stepping.modules.tensors import copied_network, put_tensors

if TYPE_CHECKING:
    from ganwidgets.runs.session.session import Session

__all__ = ["MOST", "Inside", "Pulls", "inside"]

Floats = npt.NDArray[np.float32]

MOST = 150
"""Number of displayed samples of the batch."""


@dataclass(frozen=True)
class Pulls:
    """Effect of D's loss on D's logit at each sample, before the update.

    Attributes
    ----------
    real, generated : float32 array [M]
        Minus the derivative of the loss with respect to each sample's logit, times the number of samples. If
        it is above 0, a higher logit lowers the loss. The loss is the mean over the samples, without D's
        penalty.
    """

    real: Floats
    generated: Floats


@dataclass(frozen=True)
class Inside:
    """The batch of an update in progress.

    Attributes
    ----------
    step : SubStep
        Current sub-step, with all values.
    real, generated : float32 array [M, ...]
        The first samples of each, at most 150, in display units; empty if not computed yet. After the update, the
        samples of the updated generator from the same noise.
    before : float32 array [M, ...] or None
        These generated samples before the generator's update.
    seen : mapping
        ``"latents"``, ``"scores"`` and ``"gradients"`` of these samples, if known; see
        :mod:`ganwidgets.live.observations`.
    pulls : Pulls or None
        In an update of the discriminator, from its gradients until its parameters change.
    verdict : float32 array or None
        The discriminator's verdict over the plane, if updates of this walk have changed it.
    """

    step: SubStep
    real: Floats
    generated: Floats
    before: Floats | None
    seen: Mapping[str, Any]
    pulls: Pulls | None
    verdict: Floats | None


def inside(session: Session, step: SubStep, scene: Scene) -> Inside:
    """Return the displayed values of `step`; call this between two steps."""
    effect, picture = step.effect, session.run.source.modality.picture
    nothing = torch.zeros(0, *session.run.source.shape)
    real = nothing if step.real is None else step.real[:MOST]
    generated = nothing if step.generated is None else step.generated[:MOST]
    before = verdict = None
    real_logits, fake_logits = step.real_logits, step.fake_logits
    if effect is not None:
        real_logits, fake_logits = effect.real_logits, effect.fake_logits
        if step.network == "generator":
            assert effect.generated is not None
            before, generated = picture(generated.numpy()), effect.generated[:MOST]
    tensors = step.changed.get("discriminator")
    if effect is not None and step.network == "discriminator":
        tensors = effect.tensors["discriminator"]
    if tensors is not None and scene.grid is not None:
        verdict = _verdict_of(session, tensors, scene, step)
    seen: dict[str, Any] = {"latents": step.noise[:MOST].numpy()}
    if fake_logits is not None:
        seen["scores"] = _scores(session, real_logits, fake_logits, len(real), len(generated))
    if step.gradients is not None and step.gradients.samples is not None and effect is None:
        # Each sample's contribution: the loss is their mean.
        descent = (-len(step.noise) * step.gradients.samples[:MOST]).float().numpy()
        seen["gradients"] = Gradients(descent=descent, slope=descent)
    pulls = None
    if step.network == "discriminator" and step.gradients is not None and effect is None:
        packing, n = session.built["packing"], len(step.noise)
        pulls = Pulls(
            _pulls(step.gradients.real_logits, n, packing, len(real)),
            _pulls(step.gradients.fake_logits, n, packing, len(generated)),
        )
    return Inside(step, picture(real.numpy()), picture(generated.numpy()), before, seen, pulls, verdict)


def _pulls(gradient: Tensor | None, n: int, packing: int, shown: int) -> Floats:
    """Return each sample's share of minus the gradient with respect to the logits, equal within a pack."""
    if gradient is None:
        return np.zeros(shown, np.float32)
    each: Floats = (-n * gradient.float() / packing).repeat_interleave(packing)[:shown].numpy()
    return each


def _scores(session: Session, real: Tensor | None, fake: Tensor, n_real: int, n_fake: int) -> Scores:
    packing = session.built["packing"]
    loss = session.loss
    fake = fake.float()
    against = (fake if real is None else real.float()), fake

    def each(logits: Tensor | None, n: int) -> tuple[Floats, Floats]:
        if logits is None:
            return np.full(n, 0.5, np.float32), np.zeros(n, np.float32)
        spread = logits.float().repeat_interleave(packing)[:n]
        verdict = torch.nan_to_num(loss.verdict(spread, *against), nan=0.5)
        return verdict.numpy(), spread.numpy()

    verdict_real, logits_real = each(real, n_real)
    verdict_fake, logits_fake = each(fake, n_fake)
    return Scores(verdict_real, verdict_fake, logits_real, logits_fake)


def _verdict_of(session: Session, tensors: Mapping[str, Tensor], scene: Scene, step: SubStep) -> Floats:
    """Return the verdict of the discriminator with these parameters and buffers."""
    assert scene.grid is not None
    generated = scene.real if step.generated is None else step.generated
    discriminator = copied_network(session.state.networks["discriminator"])
    put_tensors(discriminator, tensors)
    judge = partial(judged_by, session, discriminator)
    return verdict_on(scene.grid, scene.real, generated, session.loss, judge)
