"""Samples held out from training."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganwidgets import DataError, GANTrainer
from ganwidgets.data import dataset
from ganwidgets.data.holdout import split_holdout


def numbered(n: int, labels: bool = False):
    samples = torch.arange(n).float().reshape(-1, 1).repeat(1, 2)
    return dataset((samples, torch.arange(n) % 3) if labels else samples, standardize=False)


@given(n=st.integers(2, 60), holdout=st.floats(0.001, 0.5))
def test_both_parts_together_are_all_samples(n, holdout):
    training, held_out = split_holdout(numbered(n, labels=True), holdout)
    parts = [part.read(torch.arange(part.size)) for part in (training, held_out)]
    together = torch.cat(parts)[:, 0]
    assert sorted(together.tolist()) == list(range(n))
    assert held_out.size == min(max(1, round(n * holdout)), n - 1)
    for part, read in zip((training, held_out), parts, strict=True):
        assert torch.equal(part.all_labels(), read[:, 0].long() % 3)
    assert training.fingerprint != held_out.fingerprint


def test_invalid_shares_are_refused():
    for data, name in (("ring8", "ring8"), (torch.zeros(1, 2), "array of 1 points")):
        with pytest.raises(DataError, match=f"nothing can be held out of {name}"):
            GANTrainer(data, holdout=0.1)
    source = numbered(5)
    assert split_holdout(source, 0) == (source, None)


def test_training_never_reads_held_out_samples():
    trainer = GANTrainer(
        numbered(40), holdout=0.25, batch_size=7, g_hidden=(4,), d_hidden=(4,), lr_d=1e-4, lr_g=1e-4
    )
    run = trainer._session.run
    stream = run.engine.streams["data"]
    seen = torch.cat([stream.take(start, 7).samples for start in range(0, 63, 7)])[:, 0]
    held_out = run.held_out.read(torch.arange(10))[:, 0]
    assert not torch.isin(seen, held_out).any()
    assert len(seen.unique()) == 30


def test_the_default_batch_fits_the_training_part():
    assert GANTrainer(numbered(20), holdout=0.5, g_hidden=(4,), d_hidden=(4,)).settings.batch_size == 10
    with pytest.raises(DataError, match="only 10 samples"):
        GANTrainer(numbered(20), holdout=0.5, batch_size=11)


def test_a_discriminator_that_memorizes_its_samples_is_detected(tmp_path):
    draws = torch.Generator().manual_seed(0)
    data = torch.randn(40, 8, generator=draws)
    # It imitates the data perfectly, so that D can only memorize the samples.
    perfect = torch.nn.Linear(8, 8)
    with torch.no_grad():
        perfect.weight.copy_(torch.eye(8))
        perfect.bias.zero_()
    trainer = GANTrainer(
        data, generator=perfect, holdout=0.5, batch_size=20, latent_dim=8, d_hidden=(256, 256), lr_d=2e-3
    )
    before = trainer.evaluate(100)["overfitting"]
    trainer.step_d(400)
    after = trainer.evaluate(100)["overfitting"]
    assert before < 0.75
    assert 0.9 < after <= 1
    assert trainer.floors(100)["overfitting"] == 0.5
    assert "overfitting" not in GANTrainer(data, g_hidden=(8,), d_hidden=(8,)).evaluate(100)
    trainer.save(tmp_path / "run")
    loaded = GANTrainer.load(tmp_path / "run", generator=torch.nn.Linear(8, 8))
    assert loaded.state_hash() == trainer.state_hash()
    loaded.step(3)
    trainer.step(3)
    assert loaded.state_hash() == trainer.state_hash()
    trainer.change(holdout=0)
    trainer.reset()
    assert "overfitting" not in trainer.evaluate(100)


def test_the_probability_that_one_score_exceeds_another():
    from ganwidgets.metrics.feature_metrics import ranked_above

    assert ranked_above([3, 4], [1, 2]) == 1
    assert ranked_above([1, 2], [1, 2]) == 0.5
    assert ranked_above([0, 3], [1]) == 0.5
    assert math.isnan(ranked_above([0, math.nan], [1]))
