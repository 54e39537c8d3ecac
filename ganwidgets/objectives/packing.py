"""PacGAN: a discriminator that judges several samples together detects mode collapse.

Lin, Khetan, Fanti and Oh, "PacGAN: the power of two samples in generative adversarial networks", 2018, section 3: its
input is m samples of one kind, concatenated along their features, or for images along their channels. Nothing else
changes. Each logit, and so each term of a loss and of a penalty, belongs to a pack.
"""

from __future__ import annotations

from torch import Tensor

__all__ = ["copies", "pack", "packed_shape"]


def packed_shape(shape: tuple[int, ...], packing: int) -> tuple[int, ...]:
    """Return the shape of a pack of `packing` samples of `shape`, (F,) or (C, H, W)."""
    return (packing * shape[0], *shape[1:])


def pack(samples: Tensor, packing: int) -> Tensor:
    """Return packs ``[n / m, m F]`` or ``[n / m, m C, H, W]`` of every m consecutive samples.

    Parameters
    ----------
    samples : Tensor [n, F] or [n, C, H, W]
    packing : int
        m, a divisor of n.
    """
    if packing == 1:
        return samples
    return samples.reshape(len(samples) // packing, *packed_shape(tuple(samples.shape[1:]), packing))


def copies(samples: Tensor, packing: int) -> Tensor:
    """Return for each sample a pack of `packing` copies of it, for D's verdict on a single sample.

    A discriminator that detects collapse rightly calls such a pack generated more often than one of different samples.
    """
    return samples if packing == 1 else samples.repeat(1, packing, *[1] * (samples.ndim - 2))
