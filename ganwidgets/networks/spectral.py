"""Spectral normalisation: a layer whose greatest stretch is 1."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.utils import parametrize

__all__ = ["SpectralNorm", "normalise_spectrally"]

WARM_UP = 15
"""Power iterations before the first use, as many as PyTorch's own spectral norm makes."""


class SpectralNorm(nn.Module):
    """Divides a weight by its greatest singular value, estimated by one power iteration at each use.

    Miyato et al., "Spectral normalization for generative adversarial networks", 2018, algorithm 1. It computes
    what `torch.nn.utils.parametrizations.spectral_norm` does; but that begins with random numbers from the
    process's global generator, and a run draws from its own only.

    Parameters
    ----------
    weight : Tensor [out, ...]
        The weight as it is now.
    generator : torch.Generator
        Where the first direction comes from.
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
    """Give every layer of `network` that has a weight matrix spectral normalisation."""
    layers = [
        module for module in network.modules() if isinstance(module, nn.Linear | nn.Conv2d | nn.Embedding)
    ]
    for layer in layers:
        parametrize.register_parametrization(layer, "weight", SpectralNorm(layer.weight, generator))
