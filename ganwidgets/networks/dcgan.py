"""Convolutional networks by the rules of DCGAN, for square images of 8 to 128 pixels a side.

Radford, Metz and Chintala, "Unsupervised representation learning with deep convolutional generative
adversarial networks", 2016, section 3: strided convolutions instead of pooling, transposed ones in the
generator; batch norm everywhere but in the generator's output and the discriminator's input; ReLU in the
generator, tanh at its end, leaky ReLU (0.2) in the discriminator; no hidden fully connected layers; weights from
a normal distribution of deviation 0.02.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

from ganwidgets.networks.layers.conditioning import Labelled, Projection, embedding_width
from ganwidgets.networks.layers.convolutions import begin, norm_layer, widths_of
from ganwidgets.networks.spec import HALVED_SIDES, NetworkSpec, refuse_unless_square

__all__ = ["build"]

SLOPE = 0.2
DEVIATION = 0.02


def build(plan: NetworkSpec, generator: torch.Generator) -> tuple[nn.Module, nn.Module]:
    """Return a generator and a discriminator; see :func:`build_networks`."""
    side = refuse_unless_square("dcgan", plan.shape, HALVED_SIDES)
    with torch.device("meta"):
        networks = _generator(plan, side), _discriminator(plan, side)
    for network in networks:
        begin(network, generator, _begin_weight)
    return networks


def _begin_weight(weight: torch.Tensor, generator: torch.Generator) -> None:
    weight.normal_(0, DEVIATION, generator=generator)


def _generator(plan: NetworkSpec, side: int) -> nn.Module:
    label = embedding_width(plan.classes)
    start, widths = widths_of(side, plan.channels)
    layers: list[nn.Module] = [
        nn.Unflatten(1, (plan.latent_dim + label, 1, 1)),
        nn.ConvTranspose2d(plan.latent_dim + label, widths[-1], start, bias=plan.norm == "none"),
        norm_layer(plan.norm, widths[-1]),
        nn.ReLU(),
    ]
    for wide, narrow in pairwise(widths[::-1]):
        layers += [
            nn.ConvTranspose2d(wide, narrow, 4, 2, 1, bias=plan.norm == "none"),
            norm_layer(plan.norm, narrow),
            nn.ReLU(),
        ]
    body = nn.Sequential(*layers, nn.ConvTranspose2d(widths[0], plan.shape[0], 4, 2, 1), nn.Tanh())
    return Labelled(body, plan.classes, label) if plan.classes else body


def _discriminator(plan: NetworkSpec, side: int) -> nn.Module:
    start, widths = widths_of(side, plan.channels)
    layers: list[nn.Module] = [nn.Conv2d(plan.d_shape[0], widths[0], 4, 2, 1), nn.LeakyReLU(SLOPE)]
    for narrow, wide in pairwise(widths):
        layers += [
            nn.Conv2d(narrow, wide, 4, 2, 1, bias=plan.d_norm == "none"),
            norm_layer(plan.d_norm, wide),
            nn.LeakyReLU(SLOPE),
        ]
    if not plan.classes:
        return nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, start), nn.Flatten())
    # The head of the unconditional network, as a fully connected layer over the same numbers.
    features = nn.Sequential(*layers, nn.Flatten())
    width = widths[-1] * start * start
    return Projection(features, nn.Linear(width, 1), plan.classes, width)
