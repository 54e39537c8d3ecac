"""Latents of a compiled step of many runs, computed within the program from random words.

:func:`~ganwidgets.games.gan.draw_noise` calls PyTorch once for each update of each run, and PyTorch draws one word after
the other. This took a quarter of the time of a compiled step of 64 small runs. Here a program computes the words of all
runs (:mod:`~ganwidgets.stepping.compiled.mersenne_twister`), and the step turns them into latents. The latents equal those
of `draw_noise` to rounding. The state of the generators afterwards is equal in every bit.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ganwidgets.stepping.compiled.mersenne_twister import state_is_known
from ganwidgets.stepping.compiled.plan import StepPlan

__all__ = ["latents_from", "noise_shape", "random_words", "words_at_once"]

BLOCK = 16
"""Size of the blocks in which :meth:`torch.Tensor.normal_` transforms uniform numbers. The first half of a block gives radii
and the second half angles. A tensor that does not fill its last block gets a new block for its last 16 numbers."""

BITS = 24
"""Number of bits of a uniform float32 number: the last ones of a random word."""


MOST_WORDS = 5000
"""Maximum number of random words of a generator that a program computes in a call; 1,000 of them take a second to compile."""

WORTH_COMPUTING = 2**16
"""Number of random words of all lanes in a step from which on a program computes them. For fewer, its call takes longer than
PyTorch's own."""


def random_words(plan: StepPlan) -> int:
    """Return how many random words the latents of an update take; zero if they are drawn as such."""
    n = plan.batch_size * plan.latent_dim
    words = n if plan.noise == "uniform" or n % BLOCK == 0 else n + BLOCK
    if n < BLOCK or plan.lanes * plan.updates * words < WORTH_COMPUTING or not state_is_known():
        return 0  # `normal_` draws fewer than 16 numbers in another way
    return words


def words_at_once(plan: StepPlan) -> int:
    """Return how many random words of a generator a program computes in a call; a step takes a multiple of them."""
    step = plan.updates * random_words(plan)
    return next((n for n in range(min(MOST_WORDS, step), 0, -1) if step % n == 0), 0)


def noise_shape(plan: StepPlan) -> tuple[int, int, int]:
    """Return the shape of a step's noise, [lanes, updates, ...]: random words, int32, or latents, float32."""
    return plan.lanes, plan.updates, random_words(plan) or plan.batch_size * plan.latent_dim


def latents_from(plan: StepPlan, noise: Tensor) -> Tensor:
    """Return the latents of a step, float32 [updates, lanes, batch, latent_dim], from its noise."""
    size = plan.batch_size, plan.latent_dim
    latents = _made(plan, noise, math.prod(size)) if random_words(plan) else noise
    return latents.transpose(0, 1).reshape(plan.updates, plan.lanes, *size)


def _made(plan: StepPlan, words: Tensor, n: int) -> Tensor:
    uniform: Tensor = (words & (2**BITS - 1)).to(torch.float32) * 2.0**-BITS
    if plan.noise == "uniform":
        return 2 * uniform - 1
    rest = n % BLOCK
    latents = _normal(uniform[..., : n - rest])
    return torch.cat([latents[..., : n - BLOCK], _normal(uniform[..., n:])], -1) if rest else latents


def _normal(uniform: Tensor) -> Tensor:
    """Return standard normal numbers from whole blocks of numbers that are uniform on [0, 1).

    G. E. P. Box and M. E. Muller, "A note on the generation of random normal deviates", Annals of Mathematical Statistics 29
    (1958), 610-611.
    """
    blocks = uniform.reshape(*uniform.shape[:-1], -1, 2, BLOCK // 2)
    radius = torch.sqrt(-2 * torch.log(1 - blocks[..., 0, :]))
    angle = 2 * math.pi * blocks[..., 1, :]
    return torch.stack([radius * torch.cos(angle), radius * torch.sin(angle)], -2).flatten(-3)
