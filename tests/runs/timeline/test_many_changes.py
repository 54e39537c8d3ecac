"""A change in every step costs one record and no copy of the state, and every state stays reachable."""

from __future__ import annotations

import pytest

from ganwidgets import GANTrainer, replay
from ganwidgets.runs.record.interventions import HASHED_AT_ONCE, HASHED_EVERY

SMALL = {"g_hidden": (8,), "d_hidden": (8,), "latent_dim": 2, "batch_size": 8}


def changing(n, **settings):
    """Return a trainer after `n` steps with two changes in each, and its hash after each step."""
    trainer = GANTrainer("ring8", **SMALL, **settings)
    hashes = [trainer.state_hash()]

    def schedule(record):
        hashes.append(trainer.state_hash())
        trainer.change("schedule", lr_d=1e-3 / record["iteration"], lr_g=1e-2 / record["iteration"])

    remove = trainer.on_step(schedule)
    trainer.step(n)
    remove()
    return trainer, hashes


def test_snapshots_are_as_rare_as_without_changes():
    trainer, _ = changing(250)
    assert [place.iteration for place in trainer.timeline.snapshots] == [0, 100, 200]
    assert len(trainer.interventions) == 2 * 250


def test_every_state_between_many_changes_is_restored_bit_for_bit():
    trainer, hashes = changing(130)
    for iteration in (129, 3, 101, 64, 100, 99, 1, 0, 128):
        trainer.timeline.goto(iteration)
        assert trainer.state_hash() == hashes[iteration]
        trainer.timeline.switch("main")


def test_undo_reverts_one_request_with_and_without_a_hash():
    trainer, _ = changing(60)
    trainer.timeline.undo()  # not used by any update yet
    for iteration in range(59, 30, -1):
        trainer.timeline.undo()
        assert trainer.iteration == iteration
        assert trainer.settings.lr_d == pytest.approx(1e-3 / (iteration - 1), rel=1e-12)
        assert trainer.settings.lr_g == pytest.approx(1e-2 / (iteration - 1), rel=1e-12)


def test_the_first_changes_and_some_later_ones_have_hashes():
    trainer, _ = changing(200)
    held = [record.iteration for record in trainer.interventions if record.hash_before]
    assert held[:HASHED_AT_ONCE] == [1 + k // 2 for k in range(HASHED_AT_ONCE)]
    assert len(held) <= HASHED_AT_ONCE + 200 // HASHED_EVERY + 2
    assert max(held) > 200 - 3 * HASHED_EVERY


def test_a_kept_run_of_many_changes_is_opened_and_replayed(tmp_path):
    trainer, _ = changing(60, run=tmp_path / "run")
    trainer.close()
    assert replay(tmp_path / "run").verdict == "equal"


def test_the_script_of_many_changes_makes_the_same_run():
    trainer, _ = changing(40)
    names = {}
    exec(trainer.timeline.script(), names)  # noqa: S102 - that it can be run is what it is for
    assert names["trainer"].state_hash() == trainer.state_hash()
