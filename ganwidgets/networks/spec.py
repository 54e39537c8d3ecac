"""What is known of a pair of networks before they are built."""

from __future__ import annotations

from dataclasses import dataclass

from ganwidgets.errors import DataError
from ganwidgets.messages import Message

__all__ = ["NetworkSpec", "refuse_unless_square"]

SIDES = (8, 16, 32, 64, 128)
"""Sides, in pixels, that convolutional networks are built for."""


@dataclass(frozen=True)
class NetworkSpec:
    """What a builder goes by.

    Attributes
    ----------
    shape : tuple of int
        Of one sample: ``(F,)`` for points, ``(C, H, W)`` for images.
    d_shape : tuple of int
        Of what the discriminator judges at once: the same, or several samples along the first axis.
    latent_dim : int
        Numbers in a latent.
    g_hidden, d_hidden : tuple of int
        Widths of the hidden layers of fully connected networks, input side first.
    activation : str
        What follows them.
    channels : int
        Channels of the widest picture inside a convolutional network; halved pictures have twice as many.
    norm : {"batch", "instance", "none"}
        What follows the convolutions.
    spectral_norm : bool
        Whether the discriminator's layers are normalised spectrally instead.
    classes : int
        How many labels there are, from 0 on; 0 where networks take none.
    mapping_layers, synthesis_layers : int
        Layers of a StyleGAN3 generator's mapping network, and of its synthesis network before the last.
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

    @property
    def d_norm(self) -> str:
        """What follows the discriminator's convolutions: one normalisation at a time."""
        return "none" if self.spectral_norm else self.norm


def refuse_unless_square(architecture: str, shape: tuple[int, ...]) -> int:
    """Return the side of the images that a convolutional architecture is to be built for.

    Raises
    ------
    DataError
        Where the samples are no images, or of a size that it cannot be built for.
    """
    if len(shape) != 3:
        raise DataError(
            Message(
                "architecture {name!r} is for images, but the data are points of {n} numbers; choose architecture 'mlp'",
                name=architecture,
                n=shape[0],
            )
        )
    if shape[1] != shape[2] or shape[1] not in SIDES:
        raise DataError(
            Message(
                "architecture {name!r} is for square images of {sides} pixels a side, but the data has {height} by "
                "{width}; choose architecture 'mlp', or resize them (a folder by ganwidgets.image_folder(path, size=32))",
                name=architecture,
                sides=", ".join(map(str, SIDES)),
                height=shape[1],
                width=shape[2],
            )
        )
    return shape[1]
