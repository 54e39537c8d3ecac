"""The classic GAN: a generator against a discriminator.

Goodfellow et al., "Generative adversarial nets", 2014. The discriminator D maps samples to logits, the generator G
maps latents to samples; losses and penalties are those of :mod:`ganwidgets.objectives`.

For networks that take labels: in an update of D, the generated samples get the labels of the real batch, so that every
term compares samples of the same classes. In an update of G without a real batch, labels are drawn from the data's
distribution.

A lazy penalty (Karras et al., "Analyzing and improving the image quality of StyleGAN", 2020, section 3.1) is computed
in every `penalty_interval`-th update of D, starting with the first, with `penalty_interval` times its weight. The
recorded loss of such an update contains it. Updates of a frozen D are not counted; each of its measurements contains
the penalty with its plain weight.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from ganwidgets.games.augmentation import (
    ADAPTIVE,
    CONTROL,
    adapted_control,
    change_of_batch,
    first_control,
    probability,
)
from ganwidgets.games.game import (
    Diagram,
    Exhibit,
    Feed,
    Flow,
    Game,
    NetworkFn,
    Node,
    Player,
    Scored,
    Stage,
    StreamShape,
    Tell,
    Turn,
)
from ganwidgets.games.resolutions import (
    SCALE_NORM,
    as_seen,
    atlas_levels,
    changed_alike,
    finest,
    gradients_by_scale,
    level_of,
)
from ganwidgets.messages import Message, N_
from ganwidgets.metrics import METRICS
from ganwidgets.modality import Metric, Modality
from ganwidgets.networks import build_networks
from ganwidgets.networks.progressive import GrowingNetwork, level_at
from ganwidgets.networks.pyramids import SIDES
from ganwidgets.objectives import (
    PENALTIES,
    Loss,
    Objective,
    Penalty,
    costs_d,
    costs_g,
    loss_named,
    pack,
    packed_shape,
    with_defaults,
)
from ganwidgets.optimizers import learning_rate
from ganwidgets.settings import OWN, SETTINGS, Setting

__all__ = ["DISCRIMINATOR", "GAN", "GENERATOR", "Drawn", "draw_noise", "penalty_weight"]

DISCRIMINATOR, GENERATOR = "discriminator", "generator"

LogitsFn = Callable[[Tensor], Tensor]
"""Maps samples [n, ...] to logits [n]."""


class Drawn(NamedTuple):
    """The batch of one update.

    Attributes
    ----------
    noise : Tensor, float32 [n, latent_dim]
    real : Tensor [n, ...] or None
        None if the update uses no real samples.
    labels : Tensor, int64 [n], or None
        Labels of the generated samples, and of `real`; None if no network takes labels.
    """

    noise: Tensor
    real: Tensor | None
    labels: Tensor | None


def draw_noise(kind: str, n: int, latent_dim: int, generator: torch.Generator) -> Tensor:
    """Return latents, float32 [n, latent_dim], on the CPU: standard normal, or uniform on [-1, 1)."""
    # Device and dtype are explicit, because a cell may have changed the process's defaults.
    noise = torch.empty(n, latent_dim, dtype=torch.float32, device="cpu")
    if kind == "uniform":
        return noise.uniform_(-1, 1, generator=generator)
    return noise.normal_(generator=generator)


@dataclass(frozen=True)
class GAN(Game):
    """A generator against a discriminator.

    Without arguments it is what a run declares; the assembly of a run adds the values of its fresh start.

    Parameters
    ----------
    latent_dim : int
        Dimension of a latent.
    packing : int
        Number of samples that D judges together; see :mod:`ganwidgets.objectives.packing`.
    objective : Objective or None
        The user's losses, for the choice ``"own"`` of the settings ``loss`` and ``penalty``.
    labelled : frozenset of str
        Names of the networks that take ``(batch, labels)``.
    """

    name: ClassVar[str] = "gan"
    label: ClassVar[str] = N_("Generative adversarial network")
    players: ClassVar[tuple[Player, ...]] = (
        Player(DISCRIMINATOR, "d", N_("Discriminator"), (DISCRIMINATOR,)),
        Player(GENERATOR, "g", N_("Generator"), (GENERATOR,), averaged=GENERATOR),
    )
    optional_measures: ClassVar[tuple[str, ...]] = (
        "penalty_d",
        "augment_p",
        "level",
        *(f"{SCALE_NORM}{side}" for side in SIDES),
    )
    measures: ClassVar[tuple[str, ...]] = ("accuracy_real", "accuracy_fake", *optional_measures)
    draw_stage: ClassVar[Stage] = Stage("noise", N_("draw noise"))
    stages: ClassVar[tuple[Stage, ...]] = (
        Stage("generate", N_("Generate")),
        Stage("classify", N_("Classify")),
    )
    purposes: ClassVar[tuple[str, ...]] = ("noise", "penalty")
    settings: ClassVar[Mapping[str, Setting[Any]]] = SETTINGS
    lists_all_settings: ClassVar[bool] = True
    user_parts: ClassVar[tuple[str, ...]] = (GENERATOR, DISCRIMINATOR, "objective")
    from_noise: ClassVar[bool] = True
    exhibits: ClassVar[tuple[Exhibit, ...]] = (
        Exhibit("generated", N_("Generated"), role="generated"),
        Exhibit("real", N_("Real"), role="real"),
    )
    diagram: ClassVar[Diagram] = Diagram(
        (
            Node("noise", N_("Noise"), "noise"),
            Node(GENERATOR, N_("Generator"), "network"),
            Node("generated", N_("Generated"), "samples"),
            Node("real", N_("Real"), "data"),
            Node(DISCRIMINATOR, N_("Discriminator"), "network"),
            Node("scores", N_("Verdicts"), "scores"),
            Node("loss_d", N_("Loss of D"), "loss"),
            Node("loss_g", N_("Loss of G"), "loss"),
        ),
        (
            Flow("noise", GENERATOR),
            Flow(GENERATOR, "generated"),
            Flow("generated", DISCRIMINATOR),
            Flow("real", DISCRIMINATOR),
            Flow(DISCRIMINATOR, "scores"),
            Flow("scores", "loss_d"),
            Flow("scores", "loss_g"),
        ),
    )

    latent_dim: int = SETTINGS["latent_dim"].initial
    packing: int = 1
    objective: Objective | None = None
    labelled: frozenset[str] = frozenset()

    def metrics_of(self, modality: Modality) -> Mapping[str, Metric]:
        return METRICS[modality.name]

    def headline(self, modality: Modality) -> str:
        # Metrics on features take too long to be measured only for a comparison.
        return super().headline(modality) if modality.on_features else modality.headline

    def build(
        self, settings: Any, data: Mapping[str, StreamShape], weights: torch.Generator
    ) -> dict[str, nn.Module]:
        shape = data["data"].shape
        generator, discriminator = build_networks(
            settings.architecture,
            shape,
            self.latent_dim,
            settings.g_hidden,
            settings.d_hidden,
            settings.activation,
            weights,
            channels=settings.channels,
            norm=settings.norm,
            spectral_norm=settings.spectral_norm,
            classes=data["data"].classes if settings.conditional else 0,
            d_shape=packed_shape(shape, self.packing),
            mapping_layers=settings.mapping_layers,
            synthesis_layers=settings.synthesis_layers,
        )
        return {GENERATOR: generator, DISCRIMINATOR: discriminator}

    def memory(self, settings: Any, data: Mapping[str, StreamShape]) -> dict[str, Tensor]:
        return {CONTROL: first_control()}

    def prepare(self, player: str, turn: Turn, seen: Mapping[str, int]) -> None:
        network = turn.modules[player]
        if isinstance(network, GrowingNetwork):
            settings = turn.settings
            network.grow(
                level_at(seen["data"], settings.growth_samples, settings.growth_level, network.levels)
            )

    def draw(self, player: str, feed: Feed, turn: Turn) -> Drawn:
        settings = turn.settings
        n = settings.batch_size
        needs_real = player == DISCRIMINATOR or self._loss(settings).needs_real or _looks_ahead(turn)
        real = feed.take(n) if needs_real else None
        noise = draw_noise(settings.noise, n, self.latent_dim, turn.random["noise"])
        if turn.device.type != "cpu":
            noise = noise.to(turn.device)
        if real is not None:
            return Drawn(noise, real.samples, real.labels if self.labelled else None)
        labels = feed.draw_labels(n, turn.random["labels"]) if self.labelled else None
        return Drawn(noise, None, labels)

    def loss(self, player: str, batch: Drawn, turn: Turn) -> Scored:
        if player == DISCRIMINATOR:
            # The penalty needs gradients by samples; nothing else of a frozen D needs any.
            graph = not turn.frozen or turn.settings.penalty != "none"
            with _GRAPH if graph else torch.no_grad():
                return self._loss_d(batch, turn)
        graph = not turn.frozen or _looks_ahead(turn)
        with _GRAPH if graph else torch.no_grad():
            return self._loss_g(batch, turn)

    def _loss_d(self, batch: Drawn, turn: Turn) -> Scored:
        settings = turn.settings
        with torch.no_grad():
            fake = self._generate(batch, turn)
        turn.tell("generate", samples=finest(fake, _atlas_levels(turn)))
        if turn.frozen:
            weight: float | None = penalty_weight(settings, turn.iteration)
        else:
            weight = _lazy_weight(turn, turn.counts[DISCRIMINATOR])
        assert batch.real is not None  # an update of D always draws real samples
        judge = self._logits_fn(turn.networks[DISCRIMINATOR], batch.labels)
        loss = self._loss(settings)
        total, real_logits, fake_logits, penalty = self._score_d(
            loss, judge, _as_seen(batch.real, turn), fake, weight, turn, turn.tell
        )
        return Scored(
            total,
            measures=lambda: {
                **_accuracies(loss, real_logits.detach(), fake_logits.detach()),
                "penalty_d": 0.0 if penalty is None else penalty,
                "augment_p": probability(turn) if settings.augment == ADAPTIVE else math.nan,
                "level": level_of(turn.modules[DISCRIMINATOR]),
            },
            memory=adapted_control(loss, real_logits.detach(), fake_logits.detach(), turn),
        )

    def _loss_g(self, batch: Drawn, turn: Turn) -> Scored:
        loss = self._loss(turn.settings)
        fake = self._generate(batch, turn)
        turn.tell("generate", samples=finest(fake, _atlas_levels(turn)))
        judge = self._logits_fn(turn.networks[DISCRIMINATOR], batch.labels)
        looks_ahead = batch.real is not None and _looks_ahead(turn)
        if looks_ahead:
            judge = self._unrolled_discriminator(batch, fake, turn)
        fake_logits = judge(self._augmented_packed(fake, turn))
        real_logits = None
        if batch.real is not None and loss.needs_real:
            # Real logits depend on G only through a D that responded to it.
            with _GRAPH if looks_ahead else torch.no_grad():
                real_logits = judge(self._augmented_packed(_as_seen(batch.real, turn), turn))
        turn.tell("classify", real_logits=real_logits, fake_logits=fake_logits)
        loss_g = loss.loss_g(fake_logits, real_logits)
        return Scored(loss_g, measures=lambda: gradients_by_scale(loss_g, fake, _atlas_levels(turn)))

    def _score_d(
        self,
        loss: Loss,
        judge: LogitsFn,
        real: Tensor,
        fake: Tensor,
        weight: float | None,
        turn: Turn,
        tell: Tell,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        """Return the loss of D, its logits of real and of generated samples, and the penalty within the loss.

        Parameters
        ----------
        weight : float or None
            Weight of the penalty; None if the update has none.
        tell : Tell
            Called with the logits, before the penalty is computed.
        """
        real, fake = self._augmented_packed(real, turn), self._augmented_packed(fake, turn)
        real_logits, fake_logits = judge(real), judge(fake)
        tell("classify", real_logits=real_logits, fake_logits=fake_logits)
        total = loss.loss_d(real_logits, fake_logits)
        penalty = None if weight is None else self._penalty(turn.settings)
        if weight is None or penalty is None:
            return total, real_logits, fake_logits, None
        term = penalty(judge, real, fake, weight, turn.random["penalty"])
        return total + term, real_logits, fake_logits, term

    def _unrolled_discriminator(self, batch: Drawn, fake: Tensor, turn: Turn) -> LogitsFn:
        """Return D after its next `unroll_steps` updates on this batch.

        Metz, Poole, Pfau and Sohl-Dickstein, "Unrolled generative adversarial networks", 2017, section 2.3.
        """
        settings, real = turn.settings, batch.real
        game_loss = self._loss(settings)
        assert real is not None  # drawn in every update that looks ahead

        def loss_after(networks: Mapping[str, NetworkFn], number: int) -> Tensor | None:
            weight = _lazy_weight(turn, turn.counts[DISCRIMINATOR] + number)
            judge = self._logits_fn(networks[DISCRIMINATOR], batch.labels)
            seen = _as_seen(real, turn)
            loss, *_ = self._score_d(game_loss, judge, seen, fake, weight, turn, _untold)
            least = self.skip_below(DISCRIMINATOR, settings)
            return None if least is not None and loss.item() < least else loss

        networks = turn.look_ahead(
            DISCRIMINATOR, loss_after, settings.unroll_steps, weight_clip=settings.weight_clip
        )
        return self._logits_fn(networks[DISCRIMINATOR], batch.labels)

    def period(self, player: str, settings: Any) -> int:
        return int(settings.penalty_interval) if player == DISCRIMINATOR else 1

    def skip_below(self, player: str, settings: Any) -> float | None:
        if player == DISCRIMINATOR and settings.skip_d_below > 0:
            return float(settings.skip_d_below)
        return None

    def constrain(self, player: str, parameters: Sequence[Tensor], settings: Any) -> None:
        if player == DISCRIMINATOR and settings.weight_clip > 0:
            with torch.no_grad():
                for parameter in parameters:
                    parameter.clamp_(-settings.weight_clip, settings.weight_clip)

    def sample_costs(
        self, player: str, real: Tensor | None, fake: Tensor | None, settings: Any
    ) -> tuple[Tensor | None, Tensor | None]:
        loss = self._loss(settings)
        if fake is None:
            return None, None
        if player == GENERATOR:
            return None, costs_g(loss, real, fake)
        return (None, None) if real is None else costs_d(loss, real, fake)

    def explain(self, player: str, error: Exception, settings: Any) -> Message | None:
        if player != GENERATOR or not settings.unroll_steps or "order derivative" not in str(error):
            return None
        return Message(
            "unroll_steps with a penalty needs third derivatives, and a layer of the discriminator has none "
            "({error}); set penalty to 'none', unroll_steps to 0, or start afresh with norm 'none'",
            error=str(error),
        )

    def to_stored(self, tree: Mapping[str, Any]) -> dict[str, Any]:
        """Return a state's tree under the keys of the time when this was the only game."""
        rest = {key: tree[key] for key in tree if key not in {"cursors", "counts", "averages", "memory"}}
        averages = {"ema": tree["averages"][GENERATOR]} if tree["averages"] else {}
        # Adaptive augmentation was added later: a state without it is stored, and hashed, as before.
        memory = {"memory": tree["memory"]} if tree["memory"][CONTROL].any() else {}
        return {
            **rest,
            **memory,
            "cursor": tree["cursors"]["data"],
            "d_updates": tree["counts"][DISCRIMINATOR],
            "networks": {**tree["networks"], **averages},
        }

    def from_stored(self, tree: Mapping[str, Any]) -> dict[str, Any]:
        """Inverse of :meth:`to_stored`."""
        networks = dict(tree["networks"])
        averages = {GENERATOR: networks.pop("ema")} if "ema" in networks else {}
        return {
            **{key: tree[key] for key in tree if key not in {"cursor", "d_updates"}},
            "cursors": {"data": tree["cursor"]},
            "counts": {DISCRIMINATOR: tree["d_updates"], GENERATOR: 0},
            "networks": networks,
            "averages": averages,
            "memory": tree.get("memory", {CONTROL: first_control()}),
        }

    def show(self, n: int, feed: Feed, turn: Turn) -> Mapping[str, Tensor]:
        real, labels, _ = feed.take(n)
        noise = draw_noise(turn.settings.noise, n, self.latent_dim, turn.random["noise"]).to(turn.device)
        batch = Drawn(noise, real, labels if self.labelled else None)
        return {"generated": self._generate(batch, turn), "real": real}

    # --- parts ----------------------------------------------------------------------------------

    def _loss(self, settings: Any) -> Loss:
        return loss_named(settings.loss, self.objective)

    def _penalty(self, settings: Any) -> Penalty | None:
        if settings.penalty == OWN and self.objective is not None:
            return with_defaults(self.objective).penalty
        return PENALTIES.get(settings.penalty)

    def _generate(self, batch: Drawn, turn: Turn) -> Tensor:
        generate = turn.networks[GENERATOR]
        if _atlas_levels(turn):
            return generate(batch.noise, batch.labels, True)
        return generate(batch.noise, batch.labels) if GENERATOR in self.labelled else generate(batch.noise)

    def _logits_fn(self, discriminator: NetworkFn, labels: Tensor | None) -> LogitsFn:
        if DISCRIMINATOR in self.labelled:
            return lambda x: discriminator(x, labels).reshape(len(x))
        return lambda x: discriminator(x).reshape(len(x))

    def _augmented_packed(self, samples: Tensor, turn: Turn) -> Tensor:
        if turn.settings.augment != "none":
            levels = _atlas_levels(turn)
            change = change_of_batch(finest(samples, levels), turn)
            samples = changed_alike(change, samples, levels) if levels else change(samples)
        return pack(samples, self.packing)


def _atlas_levels(turn: Turn) -> int:
    return atlas_levels(turn.modules[GENERATOR], turn.modules[DISCRIMINATOR])


def _as_seen(real: Tensor, turn: Turn) -> Tensor:
    return as_seen(real, turn.modules[GENERATOR], _atlas_levels(turn))


def _untold(stage: str, /, **tensors: Tensor | None) -> None:
    """Report nothing: a hypothetical update has no observer."""


def _looks_ahead(turn: Turn) -> bool:
    # A frozen D would not respond to G, so there is nothing to look ahead to.
    return turn.settings.unroll_steps > 0 and DISCRIMINATOR not in turn.frozen_players


def penalty_weight(settings: Any, iteration: int) -> float:
    """Return the weight of the penalty after `iteration` steps; it follows the learning-rate schedule."""
    return learning_rate(
        settings.penalty_weight,
        settings.lr_schedule,
        settings.schedule_steps,
        iteration,
        settings.penalty_end,
    )


def _lazy_weight(turn: Turn, number: int) -> float | None:
    """Return the weight of the penalty in update `number` of D, or None if that update has no penalty."""
    every = turn.settings.penalty_interval
    return None if number % every else penalty_weight(turn.settings, turn.iteration) * every


def _accuracies(loss: Loss, real: Tensor, fake: Tensor) -> dict[str, float]:
    """Return the shares of real and of generated logits on the correct side of the loss's threshold."""
    threshold = loss.threshold(real, fake)
    return {
        "accuracy_real": torch.count_nonzero(real > threshold).item() / len(real),
        "accuracy_fake": torch.count_nonzero(fake <= threshold).item() / len(fake),
    }


_GRAPH: contextlib.AbstractContextManager[object] = contextlib.nullcontext()
