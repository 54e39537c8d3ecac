"""Independent streams of randomness from one seed."""

from __future__ import annotations

import hashlib

import torch

__all__ = ["derive", "seeded"]


def derive(seed: int, *purpose: str | int) -> int:
    """Return a 63-bit seed for one `purpose` of the run that `seed` names.

    The seeds of two purposes, or of two neighbouring seeds, have nothing in common (they are cut
    from SHA-256), so that no two streams of a run ever overlap by arithmetic.

    >>> derive(0, "noise") != derive(0, "data") != derive(1, "data")
    True
    """
    text = "/".join(map(str, (seed, *purpose)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def seeded(seed: int, *purpose: str | int, device: torch.device | str = "cpu") -> torch.Generator:
    """Return a generator of its own for one `purpose` of the run that `seed` names."""
    return torch.Generator(device).manual_seed(derive(seed, *purpose))
