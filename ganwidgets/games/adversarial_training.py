"""Adversarial training: a classifier against an attacker that perturbs its inputs.

Madry, Makelov, Schmidt, Tsipras and Vladu, "Towards deep learning models resistant to adversarial attacks", 2018,
equation 2.1: minimise over the classifier's weights the mean of max over |d|_inf <= epsilon of the cross-entropy at
x + d. The attacker solves the inner maximum approximately:

* ``fgsm``: d = epsilon sign(gradient at x) (Goodfellow, Shlens and Szegedy, "Explaining and harnessing adversarial
  examples", 2015, section 4)
* ``pgd``: from a start drawn evenly from [-epsilon, epsilon], k steps d <- d + alpha sign(gradient at x + d), each
  followed by a projection to |d|_inf <= epsilon (Madry et al., section 2.1); alpha = rate * epsilon / k
* ``none``: d = 0

Images stay in the range of the data. epsilon is in display units, where pixels are in [0, 1].
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ganwidgets.games.game import (
    Diagram,
    Exhibit,
    Feed,
    Flow,
    Game,
    Node,
    Player,
    Scored,
    Stage,
    Stream,
    StreamShape,
    Turn,
)
from ganwidgets.messages import N_
from ganwidgets.modality.metric import Metric
from ganwidgets.networks.classifiers import build_classifier
from ganwidgets.settings.types import ChoiceSetting, FloatSetting, IntSetting, LayerWidthsSetting

__all__ = ["AdversarialTraining"]

EVALUATION_STEPS = 20
"""Number of attack steps for metrics, independent of the training attack."""


class Labelled(NamedTuple):
    """The batch of one update.

    Attributes
    ----------
    real : Tensor [n, ...]
    labels : Tensor, int64 [n]
    start : Tensor [n, ...]
        Start of the attack, in [-1, 1], as a share of epsilon.
    """

    real: Tensor
    labels: Tensor
    start: Tensor


class AdversarialTraining(Game):
    """A classifier that learns from samples perturbed within epsilon."""

    name = "adversarial_training"
    label = N_("Adversarial training of a classifier")
    players = (
        Player(
            "classifier",
            "c",
            N_("Classifier"),
            ("classifier",),
            averaged="classifier",
            role="discriminator",
        ),
    )
    streams = (Stream("data", N_("Data"), labelled=True),)
    measures = ("accuracy_clean", "accuracy_attacked")
    stages = (Stage("attack", N_("Attack")), Stage("classify", N_("Classify")))
    purposes = ("attack",)
    settings: ClassVar[Mapping[str, Any]] = {
        "attack": ChoiceSetting(
            "pgd",
            choices={
                "none": N_("None"),
                "fgsm": N_("One step (FGSM)"),
                "pgd": N_("Several steps (PGD)"),
            },
            label=N_("Attack"),
            help=N_("How the attacker looks for the change of a sample that harms the classifier most."),
            group="objective",
        ),
        "epsilon": FloatSetting(
            0.15,
            min=0,
            max=1,
            slider=(0, 0.5),
            label=N_("Epsilon"),
            help=N_("How far the attacker may change each number of a sample; pixels go from 0 to 1."),
            group="objective",
        ),
        "attack_steps": IntSetting(
            7,
            min=1,
            max=100,
            slider=(1, 20),
            label=N_("Attack steps"),
            help=N_("How many steps a PGD attack takes; each costs as much as an update."),
            group="objective",
        ),
        "attack_rate": FloatSetting(
            2.5,
            min=0.01,
            max=100,
            slider=(0.5, 5),
            label=N_("Attack rate"),
            help=N_("How far the steps of an attack reach together, as a multiple of epsilon."),
            group="objective",
        ),
        "channels": IntSetting(
            16,
            min=1,
            max=512,
            scale="logarithmic",
            slider=(4, 128),
            label=N_("Channels"),
            unit=N_("per layer, at least"),
            help=N_("How many feature maps the first layer of a classifier of images holds."),
            group="fresh start",
            effect="fresh start",
        ),
        "c_hidden": LayerWidthsSetting(
            (64, 64),
            label=N_("Layers of the classifier"),
            unit=N_("units"),
            help=N_("The widths of the hidden layers of a classifier of points."),
            group="fresh start",
            effect="fresh start",
        ),
    }
    defaults: ClassVar[Mapping[str, Any]] = {"lr_c": 1e-3, "beta1": 0.9, "beta2": 0.999, "batch_size": 128}
    exhibits = (
        Exhibit("clean", N_("Clean"), role="real"),
        Exhibit("perturbation", N_("Perturbation"), "difference"),
        Exhibit("attacked", N_("Attacked"), role="generated"),
    )
    metrics: ClassVar[Mapping[str, Metric]] = {
        "accuracy_clean": Metric(
            N_("Clean accuracy"),
            N_("The share of unchanged samples that are classified correctly."),
            "higher",
            ".1%",
        ),
        "accuracy_fgsm": Metric(
            N_("Accuracy under FGSM"),
            N_(
                "The share of samples that are classified correctly after an attack of one step; it is optimistic."
            ),
            "higher",
            ".1%",
        ),
        "accuracy_pgd": Metric(
            N_("Accuracy under PGD"),
            N_("The share of samples that are classified correctly after an attack of twenty steps."),
            "higher",
            ".1%",
        ),
    }
    floors: ClassVar[Mapping[str, float]] = {
        "accuracy_clean": 1.0,
        "accuracy_fgsm": 1.0,
        "accuracy_pgd": 1.0,
    }
    diagram = Diagram(
        (
            Node("data", N_("Data"), "data"),
            Node("attacked", N_("Attacked"), "samples"),
            Node("classifier", N_("Classifier"), "network"),
            Node("scores", N_("Verdicts"), "scores"),
            Node("loss_c", N_("Loss"), "loss"),
        ),
        (
            Flow("data", "attacked"),
            Flow("attacked", "classifier"),
            Flow("classifier", "scores"),
            Flow("scores", "loss_c"),
            Flow("classifier", "attacked"),
        ),
    )

    def build(
        self, settings: Any, data: Mapping[str, StreamShape], weights: torch.Generator
    ) -> dict[str, nn.Module]:
        return {
            "classifier": build_classifier(
                data["data"].shape,
                data["data"].classes,
                weights,
                channels=settings.channels,
                hidden=settings.c_hidden,
            )
        }

    def draw(self, player: str, feed: Feed, turn: Turn) -> Labelled:
        return _labelled(turn.settings.batch_size, feed, turn)

    def loss(self, player: str, batch: Labelled, turn: Turn) -> Scored:
        settings = turn.settings
        delta = _attack(
            batch, turn, settings.attack, settings.epsilon, settings.attack_steps, settings.attack_rate
        )
        turn.tell("attack", samples=batch.real + delta, perturbation=delta)
        classify = turn.networks["classifier"]
        logits = classify(batch.real + delta)
        turn.tell("classify", logits=logits)
        return Scored(
            cross_entropy(logits, batch.labels),
            measures=lambda: {
                "accuracy_clean": _accuracy(classify(batch.real), batch.labels),
                "accuracy_attacked": _accuracy(logits, batch.labels),
            },
        )

    def show(self, n: int, feed: Feed, turn: Turn) -> Mapping[str, Tensor]:
        batch, settings = _labelled(n, feed, turn), turn.settings
        delta = _attack(
            batch, turn, settings.attack, settings.epsilon, settings.attack_steps, settings.attack_rate
        )
        return {"clean": batch.real, "perturbation": delta, "attacked": batch.real + delta}

    def evaluate(self, n: int, feed: Feed, turn: Turn) -> Mapping[str, float]:
        batch, classify = _labelled(n, feed, turn), turn.networks["classifier"]
        found = {"accuracy_clean": _accuracy(classify(batch.real), batch.labels).item()}
        for attack in ("fgsm", "pgd"):
            delta = _attack(batch, turn, attack, turn.settings.epsilon, EVALUATION_STEPS, 2.5)
            found[f"accuracy_{attack}"] = _accuracy(classify(batch.real + delta), batch.labels).item()
        return found


def _labelled(n: int, feed: Feed, turn: Turn) -> Labelled:
    real, labels, _ = feed.take(n, "data")
    assert labels is not None  # the stream is declared as labelled
    start = torch.empty(real.shape, dtype=torch.float32, device="cpu")
    return Labelled(real, labels, start.uniform_(-1, 1, generator=turn.random["attack"]).to(turn.device))


def _attack(batch: Labelled, turn: Turn, kind: str, epsilon: float, steps: int, rate: float) -> Tensor:
    """Return the change of each sample, detached, as `real` [n, ...]; see the module's formulas."""
    real, classify = batch.real, turn.networks["classifier"]
    if kind == "none" or epsilon == 0:
        return torch.zeros_like(real)
    images = real.ndim == 4
    # Images train in [-1, 1], twice the width of the displayed range.
    bound = 2 * epsilon if images else epsilon

    def projected(delta: Tensor) -> Tensor:
        delta = delta.clamp(-bound, bound)
        return (real + delta).clamp(-1, 1) - real if images else delta

    def harm(delta: Tensor) -> Tensor:
        return cross_entropy(classify(real + delta), batch.labels)

    if kind == "fgsm":
        return projected(bound * turn.gradient(harm, torch.zeros_like(real)).sign())
    delta = projected(bound * batch.start)
    for _ in range(steps):
        delta = projected(delta + rate * bound / steps * turn.gradient(harm, delta).sign())
    return delta


def _accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    return (logits.argmax(1) == labels).float().mean()
