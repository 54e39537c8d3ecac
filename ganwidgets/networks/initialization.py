"""Initial weights for own networks, from one generator."""

from __future__ import annotations

import math
from typing import TypeVar

import torch
from torch import Tensor, nn

from ganwidgets.networks.layers.convolutions import begin

__all__ = ["initialized"]

M = TypeVar("M", bound=nn.Module)


def initialized(network: M, generator: torch.Generator) -> M:
    """Return `network` with new weights, all drawn from `generator`.

    Weights are normal with the variance 1 / (3 fan-in), as in PyTorch's linear and convolutional layers; biases are 0.
    Norms and embeddings start as in :func:`~ganwidgets.networks.layers.convolutions.begin`. PyTorch itself draws initial
    weights from the global generator, so that they would depend on other cells.

    Parameters
    ----------
    network : nn.Module
        Its layers name their parameters ``weight`` and ``bias``; it may be on the meta device.
    generator : torch.Generator
        The network is moved to its device.
    """
    begin(network, generator, _draw)
    return network


def _draw(weight: Tensor, generator: torch.Generator) -> None:
    fan_in = math.prod(weight.shape[1:])
    weight.normal_(0, math.sqrt(1 / (3 * fan_in)), generator=generator)
