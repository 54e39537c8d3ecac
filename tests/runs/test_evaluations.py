from __future__ import annotations

import ganwidgets as gw


def test_evaluations_are_kept_with_their_iteration_and_change_no_state():
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


def test_going_back_forgets_what_was_evaluated_later():
    trainer = gw.GANTrainer("ring8", seed=0)
    trainer.step(10)
    trainer.evaluate(50)
    trainer.step(10)
    trainer.evaluate(50)
    trainer.timeline.goto(10)
    assert [made["iteration"] for made in trainer.history.evaluations] == [10]


def test_changing_a_copy_changes_nothing():
    trainer = gw.GANTrainer("ring8")
    trainer.evaluate(50)
    trainer.history.evaluations[0]["n"] = 7
    assert trainer.history.evaluations[0]["n"] == 50
