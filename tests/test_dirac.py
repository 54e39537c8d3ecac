"""The Dirac-GAN: measured vector fields, closed formulas and the steps of a trainer agree."""

from __future__ import annotations

import cmath
import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from ganwidgets import GANTrainer
from ganwidgets.dirac import DiracGAN
from ganwidgets.objectives import LOSSES, PENALTIES

GAMES = list(itertools.product(LOSSES, ["none", *PENALTIES]))
WAYS = list(itertools.product((True, False), (1, 5)))
START = (1.0, 0.7)

numbers = st.floats(-3, 3)


@pytest.mark.parametrize(("loss", "penalty"), GAMES)
@given(theta=numbers, psi=numbers, weight=st.floats(0, 10))
def test_the_measured_field_equals_the_formula(loss, penalty, theta, psi, weight):
    game = DiracGAN(loss, penalty, weight)
    np.testing.assert_allclose(game.field(theta, psi), game.formula(theta, psi), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("simultaneous", "d_steps"), WAYS)
@pytest.mark.parametrize(("loss", "penalty"), GAMES)
def test_measured_paths_equal_the_formulas_to_three_digits(loss, penalty, simultaneous, d_steps):
    game = DiracGAN(loss, penalty, 0.3)
    way = {"lr_g": 0.1, "lr_d": 0.1, "d_steps": d_steps, "simultaneous": simultaneous}
    measured = game.path(START, 60, **way)
    np.testing.assert_allclose(measured, game.path(START, 60, **way, by_formula=True), rtol=1e-6, atol=1e-9)


class DiracGenerator(nn.Module):
    def __init__(self, theta):
        super().__init__()
        self.theta = nn.Parameter(torch.tensor(theta))

    def forward(self, z):
        return self.theta + 0 * z


class DiracDiscriminator(nn.Module):
    def __init__(self, psi):
        super().__init__()
        self.psi = nn.Parameter(torch.tensor(psi))

    def forward(self, x):
        return self.psi * x[:, 0]


@pytest.mark.parametrize("d_steps", [1, 5])
@pytest.mark.parametrize(("loss", "penalty"), GAMES)
def test_a_trainer_follows_the_same_path(loss, penalty, d_steps):
    trainer = GANTrainer(
        torch.zeros(8, 1),
        generator=DiracGenerator(START[0]),
        discriminator=DiracDiscriminator(START[1]),
        latent_dim=1,
        loss=loss,
        penalty=penalty,
        penalty_weight=0.3,
        optimizer_g="sgd",
        optimizer_d="sgd",
        lr_g=0.1,
        lr_d=0.1,
        d_steps=d_steps,
        batch_size=4,
    )
    path = DiracGAN(loss, penalty, 0.3).path(START, 30, lr_g=0.1, lr_d=0.1, d_steps=d_steps, by_formula=True)
    for expected in path[1:]:
        trainer.step()
        state = [trainer.generator.theta.item(), trainer.discriminator.psi.item()]
        np.testing.assert_allclose(state, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("h", [0.05, 0.2])
def test_wasserstein_rotates_like_complex_numbers(h):
    # In a simultaneous step, (theta + i psi) is multiplied by 1 - i h.
    path = DiracGAN("wasserstein").path((1, 0.5), 200, lr_g=h, lr_d=h, simultaneous=True)
    turned = (1 + 0.5j) * np.array([(1 - 1j * h) ** step for step in range(201)])
    np.testing.assert_allclose(path[:, 0] + 1j * path[:, 1], turned, rtol=1e-9)


def test_radii_equal_those_published_with_the_authors_code():
    # r = |(theta, psi)| after 100 and 500 simultaneous steps of 0.2 from (1, 1); psi here is -psi there.
    published = {
        DiracGAN("minimax"): (1.963, 3.097),
        DiracGAN("non_saturating"): (0.7415, 0.6402),
        DiracGAN("wasserstein", weight_clip=1.0): (1.272, 1.002),
        DiracGAN("minimax", "r1", 0.3): (0.0990, 2.64e-6),
        DiracGAN("minimax", "r1", 1.0): (3.8e-4, 9.5e-22),
        DiracGAN("non_saturating", "r1", 0.3): (0.0766, 2.21e-6),
    }
    for game, radii in published.items():
        path = game.path((1, -1), 500, lr_g=0.2, lr_d=0.2, simultaneous=True)
        np.testing.assert_allclose(np.hypot(*path[[100, 500]].T), radii, rtol=6e-3)


smooth = st.sampled_from([(loss, penalty) for loss, penalty in GAMES if penalty != "gradient_penalty"])


@given(smooth, st.floats(0.01, 5))
def test_the_jacobian_equals_finite_differences_of_the_field(kind, weight):
    game = DiracGAN(*kind, weight)
    h = 1e-5
    slope = np.stack(
        [
            (np.array(game.field(*step)) - np.array(game.field(*(-np.array(step))))) / (2 * h)
            for step in np.eye(2) * h
        ],
        axis=1,
    )
    np.testing.assert_allclose(game.jacobian(), slope, atol=1e-4)


@given(smooth, st.floats(0.01, 2), st.floats(0.01, 0.5), st.floats(0.01, 0.5), st.sampled_from(WAYS))
def test_near_the_solution_a_run_shrinks_by_the_spectral_radius(kind, weight, lr_g, lr_d, way):
    game, (simultaneous, d_steps) = DiracGAN(*kind, weight), way
    options = {"lr_g": lr_g, "lr_d": lr_d, "d_steps": d_steps, "simultaneous": simultaneous}
    dynamics = game.dynamics(**options)
    moved = (
        np.stack([game.path(tuple(corner), 1, **options)[1] for corner in np.eye(2) * 1e-7], axis=1) / 1e-7
    )
    radius = np.abs(np.linalg.eigvals(moved)).max()
    # The eigenvalues of a defective matrix are only precise to the square root of its entries' precision.
    assert dynamics.radius == pytest.approx(radius, abs=2e-3)


def test_stability_verdicts():
    way = {"lr_g": 0.2, "lr_d": 0.2}
    assert DiracGAN("minimax").dynamics(**way, simultaneous=True).verdict == "leaves"
    # More D updates change the speed of a game without penalty, not its convergence.
    for d_steps in (1, 2, 5):
        assert DiracGAN("minimax").dynamics(**way, d_steps=d_steps).verdict == "circles"
    critical = DiracGAN("minimax", "r1", 1.0).dynamics(**way)
    assert critical.verdict == "converges"
    assert critical.eigenvalues == pytest.approx((-0.5, -0.5))
    # h < gamma / a^2, simultaneously: 0.2 < 4 gamma.
    assert DiracGAN("minimax", "r1", 0.051).dynamics(**way, simultaneous=True).verdict == "converges"
    assert DiracGAN("minimax", "r1", 0.049).dynamics(**way, simultaneous=True).verdict == "leaves"
    assert DiracGAN("wasserstein").dynamics(**way).eigenvalues == (1j, -1j)
    assert cmath.isclose(DiracGAN("minimax").dynamics(**way).eigenvalues[0], 0.5j)


def test_the_gradient_penalty_never_settles():
    game = DiracGAN("wasserstein", "gradient_penalty", 0.7)
    path = game.path((1, 1), 3000, lr_g=0.05, lr_d=0.05)
    assert np.hypot(*path[-500:].T).max() > 0.3
    with pytest.raises(ValueError, match="kink at psi = 0"):
        game.jacobian()


def test_an_unknown_name_is_refused_with_the_valid_names():
    with pytest.raises(ValueError, match="no loss 'hinged'; choose one of minimax"):
        DiracGAN("hinged")
    with pytest.raises(ValueError, match="no penalty 'r3'; choose one of none, "):
        DiracGAN(penalty="r3")


def test_a_run_that_overflows_ends_in_infinity_without_a_warning():
    path = DiracGAN("least_squares").path((100, 100), 50, lr_g=1, lr_d=1)
    assert not np.isfinite(path[-1]).all()
