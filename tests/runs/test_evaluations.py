from __future__ import annotations

import ganwidgets as gw


def test_evaluations_are_stored_with_their_iteration_and_do_not_change_the_state():
    trainer = gw.GANTrainer("ring8", seed=0)
    first = trainer.evaluate(100)
    trainer.step(20)
    before = trainer.state_hash()
    second = trainer.evaluate(100, seed=3)
    assert trainer.state_hash() == before
    assert trainer.history.evaluations == (
        {"iteration": 0, "n": 100, "seed": 0, **first},
        {"iteration": 20, "n": 100, "seed": 3, **second},
    )


def test_going_back_drops_later_evaluations():
    trainer = gw.GANTrainer("ring8", seed=0)
    trainer.step(10)
    trainer.evaluate(50)
    trainer.step(10)
    trainer.evaluate(50)
    trainer.timeline.goto(10)
    assert [made["iteration"] for made in trainer.history.evaluations] == [10]


def test_changing_a_returned_copy_changes_nothing():
    trainer = gw.GANTrainer("ring8")
    trainer.evaluate(50)
    trainer.history.evaluations[0]["n"] = 7
    assert trainer.history.evaluations[0]["n"] == 50
