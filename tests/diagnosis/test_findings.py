"""Findings: each kind of bad run is detected, healthy runs have none, and no bit of a run changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import ganwidgets as gw
from ganwidgets.diagnosis import SYMPTOMS
from ganwidgets.diagnosis.signals import Series, Signals
from ganwidgets.diagnosis.symptoms import findings_of

CONTRACT = {
    "collapse",
    "partial_collapse",
    "d_saturated",
    "d_weak",
    "oscillation",
    "diverging",
    "overfitting",
    "vanishing_gradients",
    "exploding_gradients",
    "too_slow",
}


class Constant(nn.Module):
    """A generator that ignores its noise."""

    def __init__(self) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.zeros(2))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.place.expand(len(z), 2)


def symptoms(trainer: gw.GANTrainer) -> set[str]:
    return {finding.symptom for finding in trainer.diagnose()}


def test_every_symptom_of_the_contract_is_known() -> None:
    assert set(SYMPTOMS) >= CONTRACT


def test_a_healthy_run_has_no_findings() -> None:
    trainer = gw.GANTrainer("gaussians", seed=3)
    for _ in range(2):
        trainer.step(300)
        assert trainer.diagnose() == ()


@pytest.mark.parametrize("steps", [0, 1, 15])
def test_few_iterations_give_no_findings(steps: int) -> None:
    trainer = gw.GANTrainer("ring8", lr_d=1e-6, lr_g=1e-6)
    trainer.step(steps) if steps else None
    assert trainer.diagnose() == ()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"lr_d": 1e-6, "lr_g": 1e-6}, "too_slow"),
        ({"loss": "wasserstein", "lr_d": 2e-2, "lr_g": 2e-2}, "diverging"),
        ({"freeze_d": True, "lr_g": 1e-3}, "d_weak"),
        ({"lr_d": 2e-2, "lr_g": 2e-5, "d_steps": 3}, "d_saturated"),
    ],
)
def test_a_bad_run_is_detected(settings: dict[str, Any], expected: str) -> None:
    trainer = gw.GANTrainer("ring8", seed=1, **settings)
    trainer.step(320)
    (finding,) = (f for f in trainer.diagnose() if f.symptom == expected)
    evidence = finding.evidence
    assert 0 <= finding.severity <= 1
    assert 0 < finding.since <= trainer.iteration
    assert len(evidence.values) == len(evidence.iterations) > 0
    assert (evidence.value > evidence.threshold) is evidence.above
    assert evidence.source
    assert finding.remedies
    for remedy in finding.remedies:
        trainer.settings.checked(dict(remedy.changes))


def test_a_generator_that_ignores_its_noise_is_reported_as_collapsed() -> None:
    trainer = gw.GANTrainer("ring8", generator=Constant(), lr_g=1e-3)
    trainer.step(600)
    assert "collapse" in symptoms(trainer)
    assert "partial_collapse" not in symptoms(trainer)


def test_points_of_any_dimension_and_images_can_be_diagnosed() -> None:
    draws = np.random.default_rng(0)
    for data in (draws.normal(size=(400, 5)), draws.normal(size=(300, 1)), draws.uniform(size=(80, 6, 6))):
        trainer = gw.GANTrainer(data, lr_d=1e-7, lr_g=1e-7, batch_size=32)
        trainer.step(120)
        assert symptoms(trainer) <= set(SYMPTOMS)


def test_diagnosing_changes_no_bit_of_the_run() -> None:
    networks = {
        "generator": nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 2)),
        "discriminator": nn.Sequential(
            nn.utils.parametrizations.spectral_norm(nn.Linear(2, 16)), nn.ReLU(), nn.Linear(16, 1)
        ),
    }  # fmt: skip
    trainer = gw.GANTrainer("ring8", **networks, holdout=0.0, ema_decay=0.9)
    trainer.generator.requires_grad_(True)
    trainer.generator[0].bias.requires_grad_(False)
    trainer.step(120)
    before = (
        trainer.state_hash(),
        torch.get_rng_state(),
        len(trainer.interventions),
        len(trainer.history["loss_d"]),
    )
    flags = [
        (module.training, *(p.requires_grad for p in module.parameters()))
        for module in trainer.generator.modules()
    ]
    twice = [trainer.diagnose(), trainer.diagnose()]
    after = (
        trainer.state_hash(),
        torch.get_rng_state(),
        len(trainer.interventions),
        len(trainer.history["loss_d"]),
    )
    assert twice[0] == twice[1]
    assert before[0] == after[0]
    assert before[2:] == after[2:]
    assert torch.equal(before[1], after[1])
    assert flags == [
        (module.training, *(p.requires_grad for p in module.parameters()))
        for module in trainer.generator.modules()
    ]
    assert all(p.grad is None for p in trainer.generator.parameters())


def test_a_diagnosed_run_continues_like_one_that_was_not() -> None:
    seen, unseen = gw.GANTrainer("ring8", seed=5), gw.GANTrainer("ring8", seed=5)
    for _ in range(4):
        seen.step(40)
        seen.diagnose()
        unseen.step(40)
    assert seen.state_hash() == unseen.state_hash()


def test_a_loaded_run_and_a_branch_are_diagnosed(tmp_path: Path) -> None:
    trainer = gw.GANTrainer("ring8", lr_d=1e-6, lr_g=1e-6, run=tmp_path / "run")
    trainer.step(500)
    trainer.save(tmp_path / "file")
    trainer.close()
    assert "too_slow" in symptoms(gw.open_run(tmp_path / "run"))
    loaded = gw.GANTrainer.load(tmp_path / "file")
    assert "too_slow" not in symptoms(
        loaded
    )  # a file has no earlier networks, and a single state shows no movement
    loaded.step(200)
    assert "too_slow" in symptoms(loaded)
    loaded.timeline.goto(600)
    loaded.timeline.fork("other")
    assert symptoms(loaded) <= set(SYMPTOMS)


def test_a_changed_setting_without_effect_is_named() -> None:
    trainer = gw.GANTrainer("gaussians", **gw.recommended("gaussians"))
    trainer.step(5)
    trainer.change(penalty="none", penalty_weight=7.0)
    trainer.step(5)
    (finding,) = trainer.diagnose()
    assert (finding.symptom, finding.since) == ("no_effect", 5)
    assert "Penalty weight" in finding.sentence


@pytest.mark.parametrize("steps", [0, 5])
@pytest.mark.parametrize(
    "asked",
    [
        {"penalty_weight": 5},
        {"schedule_end": 0.1},
        {"ema_rampup": 0.2, "ema_decay": 0.0},
        {"optimizer_d": "sgd", "optimizer_g": "sgd", "beta1": 0.9},
        {"freeze_g": True, "lr_g": 3e-3},
    ],
)
def test_a_setting_without_effect_is_named_if_the_run_was_made_with_it(
    asked: dict[str, Any], steps: int
) -> None:
    trainer = gw.GANTrainer("ring8", **asked, g_hidden=(8,), d_hidden=(8,))
    trainer.step(steps)
    (finding,) = trainer.diagnose()
    assert (finding.symptom, finding.since) == ("no_effect", 0)
    trainer.change(**finding.remedies[0].changes)
    assert trainer.diagnose() == ()


def test_settings_with_an_effect_or_the_default_are_not_named() -> None:
    for asked in ({}, {"penalty": "r1", "penalty_weight": 5}, {"freeze_g": True}):
        trainer = gw.GANTrainer("ring8", **asked)
        trainer.step(2)
        assert trainer.diagnose() == ()
    trainer.change(penalty="none")
    trainer.step(2)
    assert trainer.diagnose() == ()


def test_a_setting_of_a_frozen_player_of_another_game_is_named_from_the_start() -> None:
    images = np.random.default_rng(0).random((8, 8, 8), dtype=np.float32)
    trainer = gw.GANTrainer((images, images), game="pix2pix", freeze_d=True, lr_d=1e-3, channels=4)
    assert [(f.symptom, f.since) for f in trainer.diagnose()] == [("no_effect", 0)]


def _signals(loss_d: np.ndarray, **probes: float) -> Signals:
    n = len(loss_d)
    column = Series(np.arange(1, n + 1), loss_d)
    series = {name: Series(np.array([n - 2, n - 1, n]), np.full(3, value)) for name, value in probes.items()}
    rules = gw.GANTrainer("ring8").settings.as_dict()
    return Signals(n, "points", rules, {"loss_d": column, "loss_g": column}, series)


def test_since_is_the_first_iteration_of_the_last_bad_stretch() -> None:
    loss = np.concatenate([np.full(300, 1.3), np.full(200, 1e3) + np.arange(200)])
    (finding,) = findings_of(_signals(loss))
    assert finding.symptom == "diverging"
    assert finding.since == 350
    assert finding.evidence.iterations[0] == 50


def test_a_symptom_with_two_signals_is_found_once() -> None:
    seen = _signals(np.full(600, 1.386), distance=12.0, certainty=1.0)
    gradient = Series(np.arange(1, 601), np.zeros(600))
    dying = {"layers_g": Series(np.arange(4), np.array([1e-9, 1e-6, 1e-3, 1.0]))}
    slopeless = {"grad_norm_g": gradient}
    for columns, probes in ((slopeless, {}), ({}, dying), (slopeless, dying)):
        both = replace(seen, columns={**seen.columns, **columns}, probes={**seen.probes, **probes})
        assert [finding.symptom for finding in findings_of(both)] == ["vanishing_gradients"]


@pytest.mark.parametrize("far", [False, True])
def test_a_discriminator_that_cannot_decide_about_good_samples_is_not_weak(far: bool) -> None:
    seen = _signals(np.full(500, 1.386), distance=12.0 if far else 1.0, separation=0.5)
    assert [finding.symptom for finding in findings_of(seen)] == (["d_weak"] if far else [])
