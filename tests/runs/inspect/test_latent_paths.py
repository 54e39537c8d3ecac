"""Latent paths: their ends are correct, and they stay where the noise distribution has its mass."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganwidgets.runs.inspect.latent_paths import along, between, strongest

NOISES = st.sampled_from(["gaussian", "uniform"])


def latent(seed: int, dimensions: int, noise: str) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    if noise == "uniform":
        return 2 * torch.rand(dimensions, generator=generator) - 1
    return torch.randn(dimensions, generator=generator)


@given(NOISES, st.integers(0, 1000), st.integers(1, 40), st.integers(2, 12))
def test_a_walk_begins_and_ends_at_its_two_latents(noise, seed, dimensions, steps):
    first, second = latent(seed, dimensions, noise), latent(seed + 1, dimensions, noise)
    way = between(noise, first, second, steps)
    assert way.shape == (steps, dimensions)
    assert way.isfinite().all()
    assert torch.equal(way[0], first)
    assert torch.equal(way[-1], second)
    if noise == "uniform":
        assert way.abs().max() <= 1


def test_an_arc_keeps_the_norm_and_turns_evenly():
    first, second = torch.tensor([2.0, 0.0]), torch.tensor([0.0, 2.0])
    way = between("gaussian", first, second, 4)
    angles = [0, math.pi / 6, math.pi / 3, math.pi / 2]
    assert torch.allclose(way, torch.tensor([[2 * math.cos(a), 2 * math.sin(a)] for a in angles]), atol=1e-6)


@pytest.mark.parametrize("second", [[2.0, 0.0], [1.0, 0.0], [-2.0, 0.0], [0.0, 0.0]])
def test_without_an_arc_the_path_is_straight(second):
    first, second = torch.tensor([2.0, 0.0]), torch.tensor(second)
    assert torch.allclose(between("gaussian", first, second, 3)[1], (first + second) / 2)


@given(NOISES, st.integers(0, 1000), st.integers(1, 20), st.floats(-3, 3))
def test_a_path_along_a_direction(noise, seed, dimensions, amount):
    start = latent(seed, dimensions, noise)
    direction = torch.eye(dimensions)[0]
    (moved,) = along(noise, start, direction, torch.tensor([amount]))
    assert torch.equal(moved[1:], start[1:])
    wanted = start[0] + torch.tensor(amount)
    assert moved[0] == (wanted.clamp(-1, 1) if noise == "uniform" else wanted)


def test_the_strongest_directions_are_the_singular_vectors_of_a_linear_generator():
    generator = torch.Generator().manual_seed(0)
    matrix = torch.randn(30, 6, generator=generator)
    found = strongest(torch.randn(6, generator=generator), lambda z: (z @ matrix.T).reshape(-1, 5, 6), 4)
    vectors = torch.linalg.svd(matrix).Vh[:4]
    assert torch.allclose((found * vectors).sum(dim=1).abs(), torch.ones(4), atol=1e-4)
    assert (found.gather(1, found.abs().argmax(dim=1, keepdim=True)) > 0).all()


def test_there_are_no_more_directions_than_dimensions():
    assert strongest(torch.zeros(2), lambda z: z, 5).shape == (2, 2)
