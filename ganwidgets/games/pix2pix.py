"""pix2pix: image translation, learned from pairs.

Isola, Zhu, Zhou and Efros, "Image-to-image translation with conditional adversarial networks", 2017. The generator
translates an input x to an image G(x, z). The discriminator sees an input together with an image, and judges patches.
With t the target and "mean" over batch and patches (section 3.1, equations 1 to 4, non-saturating):

* loss of D: 1/2 (mean softplus(-D(x, t)) + mean softplus(D(x, G(x, z))))
* loss of G: a mean softplus(-D(x, G(x, z))) + lambda mean |t - G(x, z)|, a the adversarial weight, lambda the L1 weight

D's loss is halved as in the authors' code. The noise z is added as channels of the input; the paper uses dropout
instead. Each update draws its own pairs, whereas the authors' code uses one pair for both updates. The default lambda
is 10, because the paper's 100 (for 256 pixels) leaves images of 32 pixels blurred.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, l1_loss, pad, softplus

from ganwidgets.games.game import (
    Diagram,
    Exhibit,
    Feed,
    Flow,
    Game,
    Node,
    Player,
    Scored,
    Stream,
    StreamShape,
    Turn,
)
from ganwidgets.games.translation import CHANNELS, STAGES
from ganwidgets.messages import N_
from ganwidgets.modality.metric import Metric
from ganwidgets.networks.patch_discriminator import build_patch_discriminator
from ganwidgets.networks.unet import build_unet
from ganwidgets.settings.types import FloatSetting

__all__ = ["Pix2Pix", "detail"]

NOISE_CHANNELS = 4


class Pairs(NamedTuple):
    """The batch of one update: inputs and targets [n, C, H, W], noise planes [n, 4, H, W]."""

    inputs: Tensor
    real: Tensor
    noise: Tensor


class Pix2Pix(Game):
    """A generator that translates images against a discriminator of (input, image) pairs."""

    name = "pix2pix"
    label = N_("Image translation from pairs (pix2pix)")
    players = (
        Player("discriminator", "d", N_("Discriminator"), ("discriminator",)),
        Player("generator", "g", N_("Generator"), ("generator",), averaged="generator"),
    )
    streams = (Stream("pairs", N_("Pairs"), paired=True),)
    terms = ("adversarial", "l1")
    stages = STAGES
    purposes = ("noise",)
    settings: ClassVar[Mapping[str, Any]] = {
        "l1_weight": FloatSetting(
            10.0,
            min=0,
            max=1000,
            scale="logarithmic",
            slider=(0.1, 1000),
            zero=N_("off"),
            label=N_("L1 weight"),
            help=N_(
                "The weight of the L1 loss against the target: high values blur, 0 leaves only the discriminator."
            ),
            group="objective",
        ),
        "adversarial_weight": FloatSetting(
            1.0,
            min=0,
            max=100,
            slider=(0, 5),
            zero=N_("off"),
            label=N_("Adversarial weight"),
            help=N_("The weight of the discriminator's loss for the generator; at 0 only the pixels count."),
            group="objective",
        ),
        "channels": CHANNELS,
    }
    defaults: ClassVar[Mapping[str, Any]] = {
        "lr_d": 4e-4,
        "lr_g": 4e-4,
        "beta1": 0.5,
        "beta2": 0.999,
        "batch_size": 8,
    }
    exhibits = (
        Exhibit("input", N_("Input")),
        Exhibit("translation", N_("Translated"), role="generated"),
        Exhibit("target", N_("Target"), role="real"),
        Exhibit("verdicts", N_("Verdicts on patches"), "signed"),
    )
    metrics: ClassVar[Mapping[str, Metric]] = {
        "l1": Metric(
            N_("L1 to targets"),
            N_("The mean distance of a pixel from its target; blur scores well."),
            "lower",
            ".3f",
        ),
        "detail": Metric(
            N_("Detail"),
            N_("Energy of fine detail as a share of the targets': 1 is right, blur is near 0."),
            "higher",
            ".2f",
        ),
    }
    floors: ClassVar[Mapping[str, float]] = {"l1": 0.0, "detail": 1.0}
    diagram = Diagram(
        (
            Node("pairs", N_("Pairs"), "data"),
            Node("noise", N_("Noise"), "noise"),
            Node("generator", N_("Generator"), "network"),
            Node("translation", N_("Translated"), "samples"),
            Node("discriminator", N_("Discriminator"), "network"),
            Node("verdicts", N_("Verdicts on patches"), "scores"),
            Node("loss_d", N_("Loss of D"), "loss"),
            Node("loss_g", N_("Loss of G"), "loss"),
        ),
        (
            Flow("pairs", "generator"),
            Flow("noise", "generator"),
            Flow("generator", "translation"),
            Flow("translation", "discriminator"),
            Flow("pairs", "discriminator"),
            Flow("discriminator", "verdicts"),
            Flow("verdicts", "loss_d"),
            Flow("verdicts", "loss_g"),
            Flow("translation", "loss_g"),
            Flow("pairs", "loss_g"),
        ),
    )

    def build(
        self, settings: Any, data: Mapping[str, StreamShape], weights: torch.Generator
    ) -> dict[str, nn.Module]:
        pairs = data["pairs"]
        assert pairs.targets is not None  # the stream is declared as paired
        generator = build_unet(
            pairs.shape, pairs.targets, settings.channels, weights, noise_channels=NOISE_CHANNELS
        )
        seen = (pairs.shape[0] + pairs.targets[0], pairs.shape[1], pairs.shape[2])
        return {
            "generator": generator,
            "discriminator": build_patch_discriminator(seen, settings.channels, weights),
        }

    def draw(self, player: str, feed: Feed, turn: Turn) -> Pairs:
        return _pairs(turn.settings.batch_size, feed, turn)

    def loss(self, player: str, batch: Pairs, turn: Turn) -> Scored:
        generate, judge = turn.networks["generator"], turn.networks["discriminator"]
        if player == "discriminator":
            with torch.no_grad():
                made = generate(batch.inputs, batch.noise)
            turn.tell("generate", samples=made)
            on_real = judge(torch.cat((batch.inputs, batch.real), 1))
            on_made = judge(torch.cat((batch.inputs, made), 1))
            turn.tell("classify", real_logits=on_real, fake_logits=on_made)
            return Scored((softplus(-on_real).mean() + softplus(on_made).mean()) / 2)
        made = generate(batch.inputs, batch.noise)
        turn.tell("generate", samples=made)
        on_made = judge(torch.cat((batch.inputs, made), 1))
        turn.tell("classify", fake_logits=on_made)
        adversarial, distance = softplus(-on_made).mean(), l1_loss(made, batch.real)
        settings = turn.settings
        return Scored(
            settings.adversarial_weight * adversarial + settings.l1_weight * distance,
            terms={"adversarial": adversarial, "l1": distance},
        )

    def show(self, n: int, feed: Feed, turn: Turn) -> Mapping[str, Tensor]:
        batch = _pairs(n, feed, turn)
        made = turn.networks["generator"](batch.inputs, batch.noise)
        verdicts = turn.networks["discriminator"](torch.cat((batch.inputs, made), 1))
        return {"input": batch.inputs, "translation": made, "target": batch.real, "verdicts": verdicts}

    def evaluate(self, n: int, feed: Feed, turn: Turn) -> Mapping[str, float]:
        batch = _pairs(n, feed, turn)
        made = turn.networks["generator"](batch.inputs, batch.noise)
        return {
            "l1": l1_loss(made, batch.real).item(),
            "detail": (detail(made) / detail(batch.real)).item(),
        }


def _pairs(n: int, feed: Feed, turn: Turn) -> Pairs:
    inputs, _, targets = feed.take(n, "pairs")
    assert targets is not None  # the stream is declared as paired
    noise = torch.empty(n, NOISE_CHANNELS, *inputs.shape[2:], dtype=torch.float32, device="cpu")
    return Pairs(inputs, targets, noise.normal_(generator=turn.random["noise"]).to(turn.device))


def detail(images: Tensor) -> Tensor:
    """Return the energy of fine detail: the mean squared difference from the mean of 3x3 pixels, a scalar."""
    return (images - avg_pool2d(pad(images, (1, 1, 1, 1), mode="reflect"), 3, 1)).square().mean()
