"""Changes that no update has used yet are undone as they were requested: an atomic change as a whole."""

from __future__ import annotations

import pytest

import ganwidgets as gw
from ganwidgets import GANTrainer, GANTrainerWidget

SMALL = {"g_hidden": (8,), "d_hidden": (8,), "latent_dim": 2, "batch_size": 8}
CHANGED = ("lr_d", "lr_g", "d_steps", "loss", "beta1")


def small(**settings):
    trainer = GANTrainer("ring8", **SMALL, **settings)
    trainer.step(2)
    return trainer


def changed(trainer):
    fresh = GANTrainer("ring8", **SMALL).settings
    return {name for name in CHANGED if getattr(trainer.settings, name) != getattr(fresh, name)}


def test_an_atomic_change_is_undone_as_a_whole():
    trainer = small()
    before = trainer.state_hash()
    trainer.change("both", lr_d=0.1, lr_g=0.2)
    trainer.timeline.undo()
    assert changed(trainer) == set()
    assert trainer.state_hash() == before
    assert trainer.interventions == []


@pytest.mark.parametrize("number", [0, 1, 2])
def test_any_of_its_records_identifies_the_whole_change(number):
    trainer = small()
    trainer.change(lr_d=0.1, lr_g=0.2, d_steps=3)
    trainer.timeline.undo(number)
    assert changed(trainer) == set()


def test_changes_are_undone_in_reverse_order():
    trainer = small()
    trainer.change(lr_d=0.1, lr_g=0.2)
    trainer.settings.loss = "hinge"
    trainer.change(d_steps=3, beta1=0.25)
    for left in ({"lr_d", "lr_g", "loss"}, {"lr_d", "lr_g"}, set()):
        trainer.timeline.undo()
        assert changed(trainer) == left


def test_the_last_change_is_the_latest_request_and_not_the_latest_setting():
    trainer = small()
    trainer.settings.lr_d = 0.1
    trainer.settings.loss = "hinge"
    trainer.settings.lr_d = 0.2
    trainer.timeline.undo()
    assert changed(trainer) == {"loss"}


def test_a_change_of_a_part_joins_the_atomic_change():
    """Half of a change is never undone."""
    trainer = small()
    trainer.change(lr_d=0.1, lr_g=0.2)
    trainer.settings.loss = "hinge"
    trainer.settings.lr_d = 0.3
    trainer.timeline.undo()
    assert changed(trainer) == {"loss"}


def test_after_a_part_was_set_back_the_rest_can_be_undone():
    trainer = small()
    initial = trainer.settings.lr_d
    trainer.change(lr_d=0.1, lr_g=0.2)
    trainer.settings.lr_d = initial
    assert changed(trainer) == {"lr_g"}
    trainer.timeline.undo()
    assert changed(trainer) == set()


def test_changes_used_by_the_same_update_are_undone_together():
    trainer = small()
    before = trainer.state_hash()
    trainer.change(lr_d=0.1, lr_g=0.2)
    trainer.settings.d_steps = 3
    trainer.step()
    trainer.timeline.undo()
    assert changed(trainer) == set()
    assert trainer.state_hash() == before


@pytest.mark.parametrize("way", ["saved", "kept", "switched"])
def test_an_atomic_change_stays_atomic_after_storing_and_travel(way, tmp_path):
    run = {"run": tmp_path / "run"} if way == "kept" else {}
    trainer = small(**run)
    trainer.settings.beta1 = 0.25
    trainer.change("both", lr_d=0.1, lr_g=0.2)
    if way == "saved":
        trainer.save(tmp_path / "run")
        trainer = GANTrainer.load(tmp_path / "run")
    elif way == "kept":
        trainer.close()
        trainer = gw.open_run(tmp_path / "run")
    else:
        trainer.timeline.goto(1)
        trainer.timeline.switch("main")
    assert changed(trainer) == {"beta1", "lr_d", "lr_g"}
    trainer.timeline.undo()
    assert changed(trainer) == {"beta1"}
    trainer.close()


def test_a_change_by_a_widget_is_atomic_too():
    w = GANTrainerWidget(small())
    try:
        w.trainer.change("both", lr_d=0.1, lr_g=0.2)
        w.trainer.timeline.undo()
        assert changed(w.trainer) == set()
        w.wait()
        assert (w.lr_d, w.lr_g) == (w.trainer.settings.lr_d, w.trainer.settings.lr_g)
    finally:
        w.close()
