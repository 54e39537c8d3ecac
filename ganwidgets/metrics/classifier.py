"""A small classifier, trained in seconds on labelled images, as features for metrics."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganwidgets.messages import Message
from ganwidgets.metrics.features import Reading, smaller, stop_at_exit

__all__ = ["ChannelClassifier", "Classifier", "train_classifier"]

STEPS, BATCH, LEARNING_RATE = 400, 64, 3e-3
"""Number of training steps, and batch size: fixed, so that training takes seconds for any data."""

HELD_OUT = 0.2
"""Share of the images that is held out to measure the accuracy."""

MEASURED = 2000
"""Number of images for the unit of the features."""

WIDTH = 64
"""Number of features."""


@dataclass(frozen=True, eq=False)
class Classifier:
    """A classifier whose penultimate layer gives features.

    Attributes
    ----------
    data : str
        Display name of the training images.
    classes : Tensor, int64 [K]
        The labels, ascending.
    accuracy : float
        Share of the held-out images that it classifies correctly.
    network : nn.Module
        Maps images to features.
    head : nn.Module
        Maps features to logits.
    unit : float
        Root mean square of the features of the images; features are divided by it, so that distances have the same
        scale for all data.
    """

    data: str
    classes: Tensor
    accuracy: float
    network: nn.Module
    head: nn.Module
    unit: float
    trend_only = False
    live_samples = 2500

    @property
    def name(self) -> str:
        """Display name."""
        return Message("{data} classifier", data=self.data)

    @property
    def help(self) -> str:
        """One sentence on its reliability."""
        return Message(
            "A small network that learnt the labels of this data in seconds; it names {accuracy:.1%} of the images "
            "it had not seen rightly.",
            accuracy=self.accuracy,
        )

    def read(self, images: Tensor) -> Reading:
        """Return the penultimate layer, and the probability of each class."""
        with torch.no_grad():
            features = self.network(smaller(images))
            return Reading(features / self.unit, self.head(features).softmax(dim=1))


@dataclass(frozen=True, eq=False)
class ChannelClassifier:
    """Classifies each channel of an image separately, and combines the channels to one class.

    With digits in three channels there are 1,000 classes, from 000 to 999.

    Attributes
    ----------
    one : Classifier
        Classifies images of one channel.
    data : str
        Display name of the images.
    """

    one: Classifier
    data: str
    trend_only = False
    live_samples = 2500

    @property
    def name(self) -> str:
        """Display name."""
        return Message("{data} classifier, channel by channel", data=self.one.data)

    @property
    def help(self) -> str:
        """One sentence on its reliability."""
        return self.one.help

    def read(self, images: Tensor) -> Reading:
        """Return the features of all channels, and the probability of each combination of classes."""
        n, channels = images.shape[:2]
        seen = self.one.read(images.reshape(n * channels, 1, *images.shape[2:]))
        assert seen.probabilities is not None
        each = seen.probabilities.reshape(n, channels, -1)
        joint = each[:, 0]
        for channel in range(1, channels):
            joint = (joint[:, :, None] * each[:, channel, None, :]).flatten(1)
        return Reading(seen.features.reshape(n, -1), joint)


def train_classifier(images: Tensor, labels: Tensor, data: str, seed: int = 0) -> Classifier:
    """Return a classifier of `images`: the same one for the same images, labels, seed and machine.

    Parameters
    ----------
    images : Tensor, float32 [n, C, H, W] in [0, 1]
    labels : Tensor, int64 [n]
        At least two different ones.
    data : str
        Display name of the images.
    seed : int
        Seed of its weights and of the order of its batches.
    """
    draws = torch.Generator().manual_seed(seed)
    classes, targets = torch.unique(labels, return_inverse=True)
    images = smaller(images)
    network, head = _layers(images.shape[1:], len(classes), draws)
    order = torch.randperm(len(images), generator=draws)
    aside = order[: max(1, round(len(images) * HELD_OUT))]
    trained = order[len(aside) :] if len(order) > len(aside) else order
    with torch.inference_mode(False), torch.enable_grad():
        _fit(nn.Sequential(network, head), images[trained], targets[trained], draws)
    network.requires_grad_(False)
    head.requires_grad_(False)
    features = torch.cat([network(part) for part in torch.split(images[order[:MEASURED]], 256)])
    read_as = torch.cat([head(network(part)).argmax(dim=1) for part in torch.split(images[aside], 256)])
    return Classifier(
        data=data,
        classes=classes,
        accuracy=float((read_as == targets[aside]).double().mean()),
        network=network,
        head=head,
        unit=float(features.double().square().mean().sqrt()) or 1.0,
    )


def _fit(network: nn.Module, images: Tensor, targets: Tensor, draws: torch.Generator) -> None:
    # Fused, because other implementations depend on whether some thread of the process compiles.
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE, fused=True)
    for step in range(STEPS):
        stop_at_exit()
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * (1 - step / STEPS)
        batch = torch.randint(len(images), (BATCH,), generator=draws)
        optimizer.zero_grad()
        F.cross_entropy(network(images[batch]), targets[batch]).backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def _layers(shape: torch.Size, classes: int, draws: torch.Generator) -> tuple[nn.Module, nn.Module]:
    """Return the feature network for images of `shape`, and its head."""
    channels, height, width = shape
    halved = 2 if max(height, width) > 16 else 1
    pooled = (min(4, -(-height // (2 * halved))), min(4, -(-width // (2 * halved))))
    network = nn.Sequential(
        _drawn(nn.Conv2d, channels, 32, 3, stride=halved, padding=1, draws=draws),
        nn.ReLU(),
        _drawn(nn.Conv2d, 32, 48, 3, padding=1, draws=draws),
        nn.ReLU(),
        nn.AdaptiveMaxPool2d(pooled),
        nn.Flatten(),
        _drawn(nn.Linear, 48 * math.prod(pooled), WIDTH, draws=draws),
        nn.ReLU(),
    )
    return network, _drawn(nn.Linear, WIDTH, classes, draws=draws)


def _drawn(kind: type[nn.Module], *sizes: int, draws: torch.Generator, **options: int) -> nn.Module:
    """Return a layer with weights drawn from `draws`; its own constructor would use the global generator."""
    layer = kind(*sizes, device="meta", dtype=torch.float32, **options).to_empty(device="cpu")
    weight, bias = layer.weight, layer.bias
    assert isinstance(weight, Tensor)
    assert isinstance(bias, Tensor)
    with torch.no_grad():
        nn.init.kaiming_normal_(weight, nonlinearity="relu", generator=draws)
        bias.zero_()
    return layer
