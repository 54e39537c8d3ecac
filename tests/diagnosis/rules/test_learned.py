"""The learned controller: its features, and its actions in comparison with rules."""

from __future__ import annotations

import numpy as np
import pytest

import ganwidgets as gw
from ganwidgets.diagnosis.rules.learned import ACTS, acted, features, learned_rules
from ganwidgets.diagnosis.signals import recorded


@pytest.fixture(scope="module")
def trainer() -> gw.GANTrainer:
    made = gw.GANTrainer("ring8", g_hidden=(8,), d_hidden=(8,), batch_size=16, lr_d=1e-6, lr_g=0.1)
    made.step(100)
    return made


def test_each_action_changes_the_setting_in_its_name(trainer: gw.GANTrainer) -> None:
    settings = trainer.settings.as_dict()
    for act, factors in ACTS.items():
        after = acted(settings, act)
        for name in ("lr_d", "lr_g", "d_steps"):
            wanted = min(max(settings[name] * factors.get(name, 1.0), 1 if name == "d_steps" else 0), 1)
            assert after[name] == pytest.approx(wanted if name != "d_steps" else max(1, factors.get(name, 1)))


def test_features_are_finite_and_separate_the_actions(trainer: gw.GANTrainer) -> None:
    seen = recorded(trainer._session)
    rows = [features(seen, acted(seen.settings, act)) for act in ACTS if act != "d_steps / 2"]
    assert np.isfinite(rows).all()
    assert len({row.tobytes() for row in rows}) == len(rows)


def test_at_most_one_action_is_best_and_the_run_is_unchanged(trainer: gw.GANTrainer) -> None:
    before = trainer.state_hash()
    firings = gw.rehearse(trainer, learned_rules())
    assert len(firings) <= 1
    assert trainer.state_hash() == before
