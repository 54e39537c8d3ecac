"""The built-in networks."""

from __future__ import annotations

import torch
from torch import nn

from ganwidgets.messages import Message

from . import mlp

__all__ = ["build_networks"]

_BUILDERS = {"mlp": mlp.build}


def build_networks(
    architecture: str,
    shape: tuple[int, ...],
    latent_dim: int,
    g_hidden: tuple[int, ...],
    d_hidden: tuple[int, ...],
    activation: str,
    generator: torch.Generator,
) -> tuple[nn.Module, nn.Module]:
    r"""Return a generator and a discriminator for samples of `shape`.

    Parameters
    ----------
    architecture : {"mlp"}
        How they are built.
    shape : tuple of int
        Of one sample: (F,) for points, (C, H, W) for images.
    latent_dim : int
        The generator maps noise [N, latent_dim] to samples [N, \*shape], images within [-1, 1].
    g_hidden, d_hidden : tuple of int
        Widths of the hidden layers, input side first; empty for none.
    activation : {"relu", "leaky_relu", "tanh", "gelu"}
        What follows each hidden layer.
    generator : torch.Generator
        Where the initial weights come from, and nowhere else; the networks are made on its device,
        the generator before the discriminator. The same state gives the same bits.

    Returns
    -------
    tuple of nn.Module
        The generator, and the discriminator, which maps samples [N, \*shape] to logits [N, 1].
    """
    if architecture not in _BUILDERS:
        raise ValueError(
            Message(
                "there is no architecture {name!r}; choose one of {allowed}",
                name=architecture,
                allowed=", ".join(_BUILDERS),
            )
        )
    return _BUILDERS[architecture](shape, latent_dim, g_hidden, d_hidden, activation, generator)
