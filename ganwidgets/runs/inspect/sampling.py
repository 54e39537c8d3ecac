"""Samples, verdicts and scores of a run, without side effects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from ganwidgets.data.source import FiniteSource
from ganwidgets.errors import DataError
from ganwidgets.games.gan import draw_noise
from ganwidgets.messages import Message
from ganwidgets.metrics.feature_metrics import ranked_above
from ganwidgets.objectives import Loss, copies, pack
from ganwidgets.runs.session.session import Session
from ganwidgets.seeds import derive, seeded
from ganwidgets.stepping.assembly import Assembled
from ganwidgets.stepping.game_assembly import look
from ganwidgets.stepping.modules.tensors import copied_network

__all__ = [
    "Visible",
    "accuracies",
    "decisiveness",
    "generated_as_drawn",
    "generated_by",
    "input_gradients",
    "judged_by",
    "labels_asked",
    "latents",
    "logits_of",
    "overfitting",
    "real_as_drawn",
    "sample",
    "sample_from",
    "sample_real",
    "sampler",
    "shown",
]


COMPARED = 500
"""Number of training samples and of held-out samples for the discriminator's scores."""

UNDECIDED = 0.01
"""Distance of an undecided verdict from 1/2, at most: a logit of .04."""

MOST_LABELS = 10
"""Maximum number of labels tried for an unlabelled sample."""


class Visible(Protocol):
    """A run that can be inspected: a session between two steps, or a frozen copy at any time."""

    @property
    def run(self) -> Assembled:
        """The parts made at the last fresh start."""

    @property
    def settings(self) -> Any:
        """Settings in force; only the noise is read."""

    @property
    def built(self) -> Mapping[str, Any]:
        """The values of the settings at the fresh start."""

    @property
    def loss(self) -> Loss:
        """The loss of the run."""

    def roll_back(self) -> None:
        """Restore the last consistent state if something was interrupted."""


def sample(session: Visible, n: int, seed: int, labels: Any = None, *, average: bool = False) -> Tensor:
    """Return `n` generated samples, float32 on the CPU: images in [0, 1], points in the data's own units.

    Parameters
    ----------
    labels
        One label, or one for each sample; without them a generator that takes labels gets some that
        are drawn from the data's distribution.
    average : bool
        True to use the moving average of the generator.

    Raises
    ------
    DataError
        If labels are given that do not occur in the data, or that the generator does not take.
    """
    drawn = generated_as_drawn(session, n, seed, labels, average=average)
    return session.run.source.in_own_units(drawn)


def generated_as_drawn(
    session: Visible, n: int, seed: int, labels: Any = None, *, average: bool = False
) -> Tensor:
    """Return the samples of :func:`generated` in display units: standardized points as z-scores."""
    session.roll_back()
    run = session.run
    network = run.state.networks["generator"]
    if average:
        if session.settings.ema_decay == 0:
            raise ValueError(Message("there is no average of the generator; set ema_decay above 0 first"))
        # Until the next update starts the average, it equals the generator itself.
        network = run.state.averaged("generator")
    return generated_by(session, network, n, seed, labels)


def generated_by(session: Visible, network: nn.Module, n: int, seed: int, labels: Any = None) -> Tensor:
    """Return samples as :func:`generated_as_drawn`, made by `network`, a copy of the generator."""
    run = session.run
    noise, label_tensor = latents(session, n, seed), _labels_for(run, labels, n, seed)
    return run.shown(run.generate(network, noise, derive(seed, "inside the network"), label_tensor))


def _labels_for(run: Assembled, labels: Any, n: int, seed: int) -> Tensor | None:
    """Return the generator's labels, int64 [n], or None if it takes none."""
    if run.labels is not None and run.labels.generator:
        if labels is not None:
            return run.labels.checked(labels, n)
        return run.labels.draw(n, seeded(seed, "labels"))
    if labels is not None:
        raise DataError(
            Message(
                "labels were given ({labels!r}), but this generator takes none; leave them out, or start afresh "
                "with conditional=True on data with labels",
                labels=labels,
            )
        )
    return None


def labels_asked(run: Assembled, n: int, seed: int) -> Tensor | None:
    """Return the labels for :func:`generated`, int64 [n]; None if the generator takes none."""
    return _labels_for(run, None, n, seed)


def latents(session: Visible, n: int, seed: int) -> Tensor:
    """Return the latents ``[n, latent_dim]`` of :func:`generated`."""
    aside = seeded(seed, "sample")
    return draw_noise(session.settings.noise, n, session.built["latent_dim"], aside)


def sample_from(
    session: Visible, noise: Tensor, labels: Any = None, network: nn.Module | None = None
) -> Tensor:
    """Return the generator's samples for latents ``[n, latent_dim]``, in the units of :func:`generated_as_drawn`.

    Parameters
    ----------
    labels
        One label, or one for each latent; default: the first label, if the generator takes labels.
    network : nn.Module, optional
        Built like the generator, to be asked in its place.
    """
    session.roll_back()
    run = session.run
    network = run.state.networks["generator"] if network is None else network
    if labels is None and run.labels is not None and run.labels.generator:
        labels = run.labels.known[0]
    return run.shown(run.generate(network, noise, 0, _labels_for(run, labels, len(noise), seed=0)))


def shown(session: Session, n: int, seed: int, *, average: bool = False) -> dict[str, Tensor]:
    """Return the game's exhibits by name."""
    session.roll_back()
    if session.state.game.from_noise:
        return {"generated": sample(session, n, seed, average=average), "real": sample_real(session, n, seed)}
    found: dict[str, Tensor] = look(session.run, session.in_force(), "show", n, seed, average=average)
    return found


def sample_real(session: Visible, n: int, seed: int) -> Tensor:
    """Return `n` real samples in the units of :func:`generated`, float32 on the CPU."""
    run = session.run
    return run.shown(run.source.draw_in_own_units(n, seeded(seed, "real")))


def real_as_drawn(session: Visible, n: int, seed: int) -> Tensor:
    """Return the samples of :func:`real` in the units of :func:`generated_as_drawn`."""
    run = session.run
    return run.shown(run.source.draw(n, seeded(seed, "real")))


def logits_of(session: Visible, samples: Tensor, labels: Any = None) -> Tensor:
    """Return the discriminator's logits [n] for `samples` in the units of training.

    A discriminator that judges packs gets copies of each sample; see :func:`~ganwidgets.objectives.copies`.

    Parameters
    ----------
    labels
        One label, or one for each sample, for a discriminator that takes labels. Without them, each sample
        gets its highest logit under any of the first ten labels.
    """
    session.roll_back()
    return judged_by(session, session.run.state.networks["discriminator"], samples, labels)


def judged_by(session: Visible, network: nn.Module, samples: Tensor, labels: Any = None) -> Tensor:
    """Return verdicts as :func:`verdicts`, of `network`, a copy of the discriminator."""
    return _logits(session, network, copies(samples, session.built["packing"]), labels)


def _logits(session: Visible, network: nn.Module, samples: Tensor, labels: Any = None) -> Tensor:
    """Return the logits [n] of samples, or of packs of them."""
    run = session.run
    if run.labels is None or not run.labels.discriminator:
        return run.judge(network, samples, seed=0).reshape(-1)
    tried = run.labels.known[:MOST_LABELS] if labels is None else [labels]
    return torch.stack(
        [run.judge(network, samples, 0, run.labels.checked(each, len(samples))).reshape(-1) for each in tried]
    ).amax(dim=0)


def input_gradients(
    session: Visible, samples: Tensor, worth: Callable[[Tensor], Tensor], labels: Any = None
) -> Tensor:
    """Return the gradient of ``worth(logits [n])``, a scalar, by each of `samples`.

    Parameters
    ----------
    samples : Tensor [n, ...]
        In the units of training, as is the gradient.
    worth : callable
        Anything differentiable of the discriminator's logits.
    labels
        One label, or one for each sample; default: the first label, if the discriminator takes labels.
    """
    session.roll_back()
    run = session.run
    label_tensor = None
    if run.labels is not None and run.labels.discriminator:
        label_tensor = run.labels.checked(run.labels.known[0] if labels is None else labels, len(samples))
    packing = session.built["packing"]
    seen = copies(samples, packing)
    slope = run.slope(
        run.state.networks["discriminator"], seen, lambda logits: worth(logits.reshape(-1)), 0, label_tensor
    )
    # All copies of a sample move with it.
    return slope.reshape(len(samples), packing, *samples.shape[1:]).sum(dim=1)


def sampler(session: Visible, seed: int) -> Callable[[int], Tensor]:
    """Return a function that makes samples as :func:`generated_as_drawn` does now, in any thread, at any time.

    It has a copy of the generator, so that training can continue.
    """
    session.roll_back()
    run, noise = session.run, session.settings.noise
    network, latent_dim = copied_network(run.state.networks["generator"]), session.built["latent_dim"]

    def samples(n: int) -> Tensor:
        drawn = draw_noise(noise, n, latent_dim, seeded(seed, "sample"))
        label_tensor = labels_asked(run, n, seed)
        return run.shown(run.generate(network, drawn, derive(seed, "inside the network"), label_tensor))

    return samples


def overfitting(
    session: Visible, seed: int, between: Callable[[Callable[[], Any]], Any] = lambda read: read()
) -> dict[str, float]:
    """Return the probability that D scores a training sample above a held-out one; empty without held-out samples.

    Each is judged under its own label by a discriminator that takes labels.

    Parameters
    ----------
    between : callable
        Runs a function that reads data, between two steps, and returns its result.
    """
    run = session.run
    if run.held_out is None:
        return {}
    assert isinstance(run.training, FiniteSource)
    logits = []
    for part in (run.training, run.held_out):
        chosen = torch.randperm(part.size, generator=seeded(seed, "overfitting"))[:COMPARED]
        known = run.labels is not None and run.labels.discriminator
        labels = part.all_labels() if known else None
        samples = between(partial(part.read, chosen))
        logits.append(logits_of(session, samples, None if labels is None else labels[chosen]))
    return {"overfitting": ranked_above(*logits)}


def accuracies(session: Visible, samples: Tensor, reference: Tensor) -> dict[str, float]:
    """Return the shares of real and of generated images that the discriminator classifies correctly.

    They are shares of packs if the discriminator judges packs.
    """
    session.roll_back()
    packing, judge = session.built["packing"], session.run.state.networks["discriminator"]
    whole = len(samples) // packing * packing
    judged, judged_real = (
        _logits(session, judge, pack(each[:whole] * 2 - 1, packing))
        if whole
        else logits_of(session, each * 2 - 1)
        for each in (samples, reference)
    )
    threshold = session.loss.threshold(judged_real, judged)
    return {
        "accuracy_real": (judged_real > threshold).float().mean().item(),
        "accuracy_fake": (judged <= threshold).float().mean().item(),
    }


def decisiveness(session: Visible, samples: Tensor, reference: Tensor) -> dict[str, float]:
    """Return a measure of how well the discriminator separates samples.

    Parameters
    ----------
    samples, reference : Tensor [n, ...], [m, ...]
        Generated and real samples, in the units of training.

    Returns
    -------
    dict of str to float
        ``logit_spread``, the standard deviation of its finite logits over all of them, and ``undecided``, the
        share of verdicts within :data:`UNDECIDED` of 1/2. Empty if no logit is finite.
    """
    fake, real = logits_of(session, samples).float(), logits_of(session, reference).float()
    fake, real = fake[torch.isfinite(fake)], real[torch.isfinite(real)]
    if not len(fake) or not len(real):
        return {}
    both = torch.cat((real, fake))
    verdict = session.loss.verdict(both, real, fake)
    return {
        "logit_spread": both.std(correction=0).item(),
        "undecided": ((verdict - 0.5).abs() <= UNDECIDED).float().mean().item(),
    }
