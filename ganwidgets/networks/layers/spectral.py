"""Spectral normalization: a weight divided by its largest singular value."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.utils import parametrize

__all__ = ["SpectralNorm", "normalise_spectrally"]

WARM_UP = 15
"""Number of power iterations before the first use, as in PyTorch's own spectral norm."""


class SpectralNorm(nn.Module):
    """Divides a weight by its largest singular value, estimated by one power iteration at each use.

    Miyato et al., "Spectral normalization for generative adversarial networks", 2018, algorithm 1. It computes the same
    as `torch.nn.utils.parametrizations.spectral_norm`, which however starts with random numbers from the global
    generator.

    Parameters
    ----------
    weight : Tensor [out, ...]
        The current weight.
    generator : torch.Generator
        Source of the initial direction.
    """

    u: Tensor
    v: Tensor

    def __init__(self, weight: Tensor, generator: torch.Generator) -> None:
        super().__init__()
        matrix = weight.detach().flatten(1)
        for name, length in zip("uv", matrix.shape, strict=True):
            start = torch.empty(length, device=generator.device, dtype=weight.dtype).normal_(
                generator=generator
            )
            self.register_buffer(name, normalize(start, dim=0).to(weight.device))
        for _ in range(WARM_UP):
            self._iterate(matrix)

    def forward(self, weight: Tensor) -> Tensor:
        matrix = weight.flatten(1)
        if self.training:
            self._iterate(matrix.detach())
        # Copies, because the next use overwrites them before the backward pass of this one.
        return weight / torch.dot(self.u.clone(), torch.mv(matrix, self.v.clone()))

    def _iterate(self, matrix: Tensor) -> None:
        with torch.no_grad():
            self.u.copy_(normalize(torch.mv(matrix, self.v), dim=0))
            self.v.copy_(normalize(torch.mv(matrix.t(), self.u), dim=0))


def normalise_spectrally(network: nn.Module, generator: torch.Generator) -> None:
    """Apply spectral normalization to every layer of `network` that has a weight matrix."""
    layers = [
        module for module in network.modules() if isinstance(module, nn.Linear | nn.Conv2d | nn.Embedding)
    ]
    for layer in layers:
        parametrize.register_parametrization(layer, "weight", SpectralNorm(layer.weight, generator))
