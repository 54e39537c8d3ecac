"""The duality gap: smaller near an equilibrium, and measured on copies only."""

from __future__ import annotations

import numpy as np
import torch

import ganwidgets as gw


def test_measuring_changes_no_bit_and_is_stored_with_the_evaluations() -> None:
    trainer = gw.GANTrainer("ring8", seed=0)
    trainer.step(20)
    before = trainer.state_hash(), trainer.interventions, torch.get_rng_state()
    gap = trainer.duality_gap(steps=10, n=200)
    assert before[:2] == (trainer.state_hash(), trainer.interventions)
    assert torch.equal(before[2], torch.get_rng_state())
    assert gap == trainer.duality_gap(steps=10, n=200)
    kept = trainer.history.evaluations[-1]
    assert (kept["iteration"], kept["duality_gap"]) == (20, gap)


def test_a_trained_pair_is_nearer_to_an_equilibrium() -> None:
    trainer = gw.GANTrainer("gaussians", **gw.recommended("gaussians"))
    trainer.step(300)
    iterations, gaps = trainer.duality_gap_curve(points=2, steps=60, n=500)
    assert iterations.tolist() == [0, 300]
    assert gaps[1] < 0.5 * gaps[0]


def test_the_gap_is_infinite_if_a_best_response_diverges() -> None:
    trainer = gw.GANTrainer("ring8", loss="wasserstein", optimizer_d="sgd", lr_d=1e-3)
    trainer.step(5)
    trainer.settings.lr_d = 10.0
    assert np.isinf(trainer.duality_gap(steps=200, n=50))
    assert trainer.settings.lr_d == 10.0


def test_a_frozen_network_still_has_a_best_response() -> None:
    trainer = gw.GANTrainer("ring8", freeze_d=True)
    trainer.step(5)
    assert trainer.duality_gap(steps=30, n=200) > 0
    assert trainer.settings.freeze_d
