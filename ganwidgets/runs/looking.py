"""Looking at a run: samples, verdicts and scores, none of which leaves a trace in it."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from ..messages import Message
from ..metrics import evaluate_points
from ..seeds import derive, seeded
from ..stepping.eager import draw_noise
from .session import Session

__all__ = ["generated", "latents", "made_of", "real", "score", "slopes", "verdicts"]


def generated(session: Session, n: int, seed: int, *, average: bool = False) -> Tensor:
    """Return `n` generated samples in the units that people see, float32 on the CPU.

    Parameters
    ----------
    average : bool
        Whether the moving average of the generator makes them.
    """
    session.settle()
    run = session.run
    network = run.state.generator
    if average:
        if session.settings.ema_decay == 0:
            raise ValueError(Message("there is no average of the generator; set ema_decay above 0 first"))
        # It begins where the generator stands when the next update is carried out.
        network = network if run.state.ema is None else run.state.ema
    noise = latents(session, n, seed)
    return run.shown(run.observe(network, noise, derive(seed, "inside the network")))


def latents(session: Session, n: int, seed: int) -> Tensor:
    """Return the latents ``[n, latent_dim]`` of which :func:`generated` makes its samples."""
    aside = seeded(seed, "sample")
    return draw_noise(session.settings.noise, n, session.run.stepper.latent_dim, aside)


def made_of(session: Session, noise: Tensor) -> Tensor:
    """Return what the generator makes of latents ``[n, latent_dim]``, in the units that people see."""
    session.settle()
    run = session.run
    return run.shown(run.observe(run.state.generator, noise, seed=0))


def real(session: Session, n: int, seed: int) -> Tensor:
    """Return `n` real samples in the units that people see, float32 on the CPU."""
    run = session.run
    return run.shown(run.source.draw(n, seeded(seed, "real")))


def verdicts(session: Session, samples: Tensor) -> Tensor:
    """Return the discriminator's logits [n] for `samples` in the units of training."""
    session.settle()
    run = session.run
    return run.observe(run.state.discriminator, samples, seed=0).reshape(-1)


def slopes(session: Session, samples: Tensor, worth: Callable[[Tensor], Tensor]) -> Tensor:
    """Return the gradient of ``worth(logits [n])``, a scalar, by each of `samples`.

    Parameters
    ----------
    samples : Tensor [n, ...]
        In the units of training, as is the gradient.
    worth : callable
        Anything differentiable of the discriminator's logits.
    """
    session.settle()
    run = session.run
    return run.slope(run.state.discriminator, samples, lambda logits: worth(logits.reshape(-1)), seed=0)


def score(session: Session, samples: Tensor, reference: Tensor, seed: int) -> dict[str, float]:
    """Return how good `samples` are, held against real ones, by name.

    Parameters
    ----------
    samples, reference : Tensor
        In the units that people see.
    seed : int
        Of the directions of the sliced Wasserstein distance.
    """
    source = session.run.source
    if source.kind == "points":
        return evaluate_points(samples.numpy(), reference.numpy(), source.modes, seed)
    judged, judged_real = verdicts(session, samples * 2 - 1), verdicts(session, reference * 2 - 1)
    threshold = session.game.threshold(judged_real, judged)
    return {
        "accuracy_real": (judged_real > threshold).float().mean().item(),
        "accuracy_fake": (judged <= threshold).float().mean().item(),
    }
