"""Networks with labels as a second input."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["Labelled", "Projection", "embedding_width"]


def embedding_width(classes: int) -> int:
    """Return the width of a label's vector, which is concatenated with a network's other inputs."""
    return min(classes, 32)


class Labelled(nn.Module):
    """A network that takes a label beside its input, embedded as a learned vector.

    Mirza and Osindero, "Conditional generative adversarial nets", 2014, section 3.2: the label's vector is concatenated
    with the noise in the generator, and with the sample in the discriminator.

    Parameters
    ----------
    body : nn.Module
        Takes ``[N, features + width]``.
    classes, width : int
        Number of labels, and width of their vectors.
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
    """A projection discriminator: features of a sample, compared with the label's vector.

    Miyato and Koyama, "cGANs with projection discriminator", 2018, equation 4: the logit is a function of the
    features phi(x) plus their inner product with the label's vector.

    Parameters
    ----------
    features : nn.Module
        Maps samples to ``[N, width]``.
    head : nn.Module
        Maps features to the unconditional logit ``[N, 1]``.
    classes, width : int
        Number of labels, and of features.
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
