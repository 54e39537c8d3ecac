"""How labels reach a network."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["Labelled", "Projection", "embedding_width"]


def embedding_width(classes: int) -> int:
    """Return how many numbers stand for a label beside a network's other inputs."""
    return min(classes, 32)


class Labelled(nn.Module):
    """A network that is told the label beside its input, as numbers that it learns for each.

    Mirza and Osindero, "Conditional generative adversarial nets", 2014, section 3.2: the label joins the
    noise in the generator, and the sample in the discriminator.

    Parameters
    ----------
    body : nn.Module
        Takes ``[N, features + width]``.
    classes, width : int
        Labels, and numbers for each.
    """

    def __init__(self, body: nn.Module, classes: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(classes, width)
        self.body = body

    def forward(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """Return the body's output for ``[N, ...]`` inputs and int64 ``[N]`` labels."""
        joined: Tensor = self.body(torch.cat((inputs.flatten(1), self.embedding(labels)), dim=1))
        return joined


class Projection(nn.Module):
    """A discriminator that compares what it sees in a sample with what it knows of the label.

    Miyato and Koyama, "cGANs with projection discriminator", 2018, equation 4: the logit is a function of the
    features phi(x) plus their inner product with the label's vector.

    Parameters
    ----------
    features : nn.Module
        From samples to ``[N, width]``.
    head : nn.Module
        From features to the logit ``[N, 1]`` that no label has a part in.
    classes, width : int
        Labels, and features.
    """

    def __init__(self, features: nn.Module, head: nn.Module, classes: int, width: int) -> None:
        super().__init__()
        self.features = features
        self.head = head
        self.embedding = nn.Embedding(classes, width)

    def forward(self, samples: Tensor, labels: Tensor) -> Tensor:
        """Return logits ``[N, 1]`` for samples and int64 ``[N]`` labels."""
        features = self.features(samples)
        logits: Tensor = self.head(features) + (features * self.embedding(labels)).sum(1, keepdim=True)
        return logits
