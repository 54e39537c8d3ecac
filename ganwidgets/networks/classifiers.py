"""Classifiers: small networks from points or images to one logit for each class."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from ganwidgets.networks.initialization import initialized

__all__ = ["build_classifier"]

FEATURES = 128
"""Width of the hidden layer behind the convolutions."""


def build_classifier(
    shape: tuple[int, ...],
    classes: int,
    generator: torch.Generator,
    *,
    channels: int = 16,
    hidden: Sequence[int] = (64, 64),
) -> nn.Module:
    """Return a network from samples [N, ...] of `shape` to logits [N, classes].

    Points get a fully connected network. Images get two or more 3x3 convolutions, each followed by ReLU, with max
    pooling down to 2 to 4 pixels a side, and one hidden layer. No layer depends on the other samples of the batch.

    Parameters
    ----------
    generator : torch.Generator
        Source of the initial weights; see :func:`~ganwidgets.networks.initialization.initialized`. (He's larger
        variance makes the trained classifier less robust against attacks.)
    channels : int
        Width of the first convolution; later ones have twice as many.
    hidden : sequence of int
        Widths of the hidden layers for points.
    """
    with torch.device("meta"):
        network = (
            _dense(shape[0], classes, hidden) if len(shape) == 1 else _convolutional(shape, classes, channels)
        )
    return initialized(network, generator)


def _dense(inputs: int, classes: int, hidden: Sequence[int]) -> nn.Module:
    layers: list[nn.Module] = []
    for width in hidden:
        layers += [nn.Linear(inputs, width), nn.ReLU()]
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, classes))


def _convolutional(shape: tuple[int, ...], classes: int, channels: int) -> nn.Module:
    inputs, height, width = shape
    layers: list[nn.Module] = [nn.Conv2d(inputs, channels, 3, 1, 1), nn.ReLU()]
    inputs = channels
    while min(height, width) >= 4:
        layers += [nn.Conv2d(inputs, 2 * channels, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2)]
        inputs, height, width = 2 * channels, height // 2, width // 2
    return nn.Sequential(
        *layers,
        nn.Flatten(),
        nn.Linear(inputs * height * width, FEATURES),
        nn.ReLU(),
        nn.Linear(FEATURES, classes),
    )
