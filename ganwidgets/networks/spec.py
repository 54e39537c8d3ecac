"""Specification of a pair of networks."""

from __future__ import annotations

from dataclasses import dataclass

from ganwidgets.errors import DataError
from ganwidgets.messages import Message

__all__ = ["HALVED_SIDES", "NetworkSpec", "refuse_unless_square"]

DOUBLED_SIDES = (8, 16, 32, 64, 128)
"""Image sides of networks that work at every power of two up to the image's, in pixels."""

HALVED_SIDES = (8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128)
"""Image sides of networks that halve images at least twice, down to 2 to 7 pixels."""


@dataclass(frozen=True)
class NetworkSpec:
    """Input of an architecture's builder.

    Attributes
    ----------
    shape : tuple of int
        Shape of one sample: ``(F,)`` for points, ``(C, H, W)`` for images.
    d_shape : tuple of int
        Shape of the discriminator's input: the same, or several samples along the first axis.
    latent_dim : int
        Dimension of a latent.
    g_hidden, d_hidden : tuple of int
        Widths of the hidden layers of fully connected networks, input side first.
    activation : str
        Activation after them.
    channels : int
        Width of the largest convolutional layers; halved images have twice as many.
    norm : {"batch", "instance", "none"}
        Norm after the convolutions.
    spectral_norm : bool
        Apply spectral norm to the discriminator's layers instead.
    classes : int
        Number of labels, counted from 0; 0 if the networks take none.
    mapping_layers, synthesis_layers : int
        Layers of a StyleGAN3 generator's mapping network, and of its synthesis network before the last.
    bounded : bool
        True if samples train in [-1, 1].
    """

    shape: tuple[int, ...]
    d_shape: tuple[int, ...]
    latent_dim: int
    g_hidden: tuple[int, ...]
    d_hidden: tuple[int, ...]
    activation: str
    channels: int
    norm: str
    spectral_norm: bool
    classes: int
    mapping_layers: int = 2
    synthesis_layers: int = 4
    bounded: bool = False

    @property
    def d_norm(self) -> str:
        """Norm after the discriminator's convolutions; none with spectral norm."""
        return "none" if self.spectral_norm else self.norm


def refuse_unless_square(
    architecture: str, shape: tuple[int, ...], sides: tuple[int, ...] = DOUBLED_SIDES
) -> int:
    """Return the image side for a convolutional architecture that supports `sides`.

    Raises
    ------
    DataError
        If the samples are not images, or have an unsupported size.
    """
    if len(shape) != 3:
        raise DataError(
            Message(
                "architecture {name!r} is for images, but the data are points of {n} numbers; choose architecture 'mlp'",
                name=architecture,
                n=shape[0],
            )
        )
    if shape[1] != shape[2] or shape[1] not in sides:
        raise DataError(
            Message(
                "architecture {name!r} is for square images of {sides} pixels a side, but the data has {height} by "
                "{width}; choose architecture 'mlp', or resize them (a folder by ganwidgets.image_folder(path, size=32))",
                name=architecture,
                sides=", ".join(map(str, sides)),
                height=shape[1],
                width=shape[2],
            )
        )
    return shape[1]
