"""Lessons: a result is shown only after a prediction, and both runs of an experiment differ by one change."""

from dataclasses import replace

import pytest
from traitlets import TraitError

import ganwidgets as gw
from ganwidgets import Lesson, LessonWidget
from ganwidgets.lessons import SETTLING, Outcome

SMALL = {"g_hidden": (8,), "d_hidden": (8,), "batch_size": 20}
LESSON = Lesson(
    title="Speed",
    question="What will D's loss do?",
    answers=("fall", "stay", "rise <b>"),
    experiment={"lr_d": 0.05},
    steps=30,
    settings=SMALL,
    warm_up=20,
    controls=("play", "pause", "lr_d"),
    watch=("loss_d", "modes"),
    explanation="It falls.",
    seeds=2,
    right_answer=lambda outcome: (
        "fall" if outcome.changed["loss_d"] < outcome.unchanged["loss_d"] else "stay"
    ),
)


def test_both_runs_begin_at_the_same_state_and_differ_by_the_change_alone():
    trainer = LESSON.start()
    assert trainer.iteration == 20
    outcome = LESSON.carry_out(trainer, "fall")
    assert set(outcome.before) == set(outcome.changed) == set(outcome.unchanged) == {"loss_d", "modes"}
    assert trainer.iteration == 50
    assert trainer.timeline.branch == "experiment"
    assert trainer.settings.lr_d == 0.05
    (record,) = trainer.interventions
    assert (record["setting"], record["iteration"], record["reason"]) == ("lr_d", 20, "predicted: fall")

    by_hand = gw.GANTrainer("gaussians", **SMALL)
    by_hand.step(50)
    trainer.timeline.switch("unchanged")
    assert trainer.state_hash() == by_hand.state_hash()
    assert outcome.unchanged["loss_d"] == by_hand.history["loss_d"][-1]
    changed = gw.GANTrainer("gaussians", **SMALL)
    changed.step(20)
    changed.settings.lr_d = 0.05
    changed.step(30)
    assert outcome.changed["loss_d"] == changed.history["loss_d"][-1]


def test_an_experiment_can_be_repeated():
    trainer = LESSON.start()
    LESSON.carry_out(trainer, "fall")
    trainer.timeline.switch("main")
    LESSON.carry_out(trainer, "stay")
    assert {"experiment", "experiment 2", "unchanged", "unchanged 2"} <= set(trainer.timeline.branches)


def test_an_unknown_setting_is_refused_at_once():
    for wrong in ({"experiment": {"lr": 1}}, {"experiment": {}, "settings": {"lr": 1}}):
        with pytest.raises(TraitError, match="no 'lr'"):
            Lesson(question="?", answers=("a",), **wrong)


def test_the_widget_waits_for_a_prediction_and_then_compares():
    widget = LessonWidget(LESSON, locale="en")
    try:
        assert widget._run.disabled
        assert widget._note.disabled
        assert {"image/png", "application/vnd.jupyter.widget-view+json"} <= set(widget._repr_mimebundle_())
        widget._answers.set_state({"index": 2})
        assert widget._run.disabled
        widget._note.click()
        assert widget.prediction == "rise <b>"
        assert widget._answers.disabled
        widget._run.click()
        widget.wait()
        message = widget._message.value
        assert "You predicted: rise &lt;b&gt;." in message
        assert f"{widget.outcome.changed['loss_d']:.3f}" in message
        assert "It falls." in message
        assert widget.trainer_widget._hands.compared == "unchanged"
        assert widget.trainer_widget.iteration == 50
        hidden = widget.trainer_widget._dashboard.controls.controls["lr_g"].widget._dom_classes
        assert "gw-hidden" in hidden
    finally:
        widget.close()


@pytest.fixture
def widget():
    widget = LessonWidget(LESSON, locale="en")
    yield widget
    widget.close()


def predict_and_run(widget, answer):
    widget._answers.set_state({"index": LESSON.answers.index(answer)})
    widget._note.click()
    widget._run.click()
    widget.wait()


def pressed(button, widget):
    assert not button.disabled
    button.click()
    widget.wait()


def test_the_widget_shows_whether_the_prediction_was_right(widget):
    predict_and_run(widget, "fall")
    answer = LESSON.answer_of(widget.outcome)
    other = {"fall": "stay", "stay": "fall"}[answer]
    message = {"fall": widget._message.value}
    pressed(widget._again, widget)
    assert widget.prediction == ""
    assert not widget._answers.disabled
    assert widget.trainer_widget.trainer.iteration == 20
    predict_and_run(widget, "stay")
    message["stay"] = widget._message.value
    assert "That was right." in message[answer]
    assert f"That was not right: the answer is {answer}." in message[other]
    assert len(widget.outcomes) == 1, "again is the same run, so it counts once"


def test_another_seed_is_another_run_with_the_results_of_a_trainer(widget):
    predict_and_run(widget, "fall")
    first = widget.outcome
    pressed(widget._another, widget)
    assert [outcome.seed for outcome in widget.outcomes] == [0, 1]
    assert widget.outcome.unchanged["loss_d"] != first.unchanged["loss_d"]
    by_hand = gw.GANTrainer("gaussians", seed=1, **SMALL)
    by_hand.step(50)
    assert widget.outcome.unchanged["loss_d"] == by_hand.history["loss_d"][-1]
    assert "of 2 seeds" in widget._message.value
    (alone,) = LESSON.repeat("fall", [1])
    assert (alone.before, alone.changed, alone.unchanged) == (
        widget.outcome.before,
        widget.outcome.changed,
        widget.outcome.unchanged,
    )


def test_several_seeds_show_their_spread(widget):
    predict_and_run(widget, "fall")
    pressed(widget._repeat, widget)
    losses = [outcome.changed["loss_d"] for outcome in widget.outcomes]
    assert len(losses) == 2
    assert f"{min(losses):.3f} \N{EN DASH} {max(losses):.3f}" in widget._message.value
    right = sum(LESSON.answer_of(outcome) == "fall" for outcome in widget.outcomes)
    assert f"right on {right} of 2 seeds" in widget._message.value
    assert not widget._repeat.disabled


def test_a_lesson_without_a_right_answer_judges_nothing_and_an_invalid_one_is_refused():
    outcome = Outcome({"loss_d": 1.0}, {"loss_d": 1.0}, {"loss_d": 1.0}, "b")
    assert replace(LESSON, right_answer=None).answer_of(outcome) is None
    with pytest.raises(ValueError, match="'maybe', which is none of the answers"):
        replace(LESSON, right_answer=lambda _: "maybe").answer_of(outcome)
    with pytest.raises(ValueError, match="seeds cannot be 0"):
        replace(LESSON, seeds=0)


def test_another_seed_of_a_pretrained_start_compares_at_another_iteration():
    lesson = replace(LESSON, data="line", settings=None, warm_up="pretrained", steps=1)
    trainer = lesson.start(1)
    assert trainer.iteration - lesson.start(0).iteration == SETTLING
    lesson.restart(trainer, 2)
    assert trainer.state_hash() == lesson.start(2).state_hash()


def test_the_reason_that_ends_an_experiment_is_shown():
    hasty = {"loss": "least_squares", "optimizer_d": "sgd", "optimizer_g": "sgd", "lr_d": 10, "lr_g": 10}
    lesson = Lesson(question="?", answers=("yes",), experiment=hasty, steps=300, settings=SMALL, warm_up=1)
    widget = LessonWidget(lesson, locale="en")
    try:
        widget._answers.set_state({"index": 0})
        widget._note.click()
        widget._run.click()
        widget._thread.join()
        assert widget.outcome is None
        assert "the run is there, before it happened" in widget._message.value
        assert not widget._again.disabled
        widget._again.click()
        widget._thread.join()
        assert widget.trainer_widget.trainer.iteration == 1
        assert not widget._answers.disabled
    finally:
        widget.close()


ATTACKED = Lesson(
    game="adversarial_training",
    data="digits",
    question="The attack becomes stronger. What will the loss of the classifier do?",
    answers=("fall", "rise"),
    experiment={"epsilon": 0.3},
    settings={"batch_size": 16},
    steps=3,
    warm_up=2,
    watch=("loss_c", "accuracy_pgd"),
)


def test_a_lesson_on_another_game_has_the_settings_of_that_game():
    widget = LessonWidget(ATTACKED, locale="fr")
    try:
        widget._answers.index = 0
        widget._note.click()
        widget._run.click()
        widget.wait(timeout=120)
        assert widget.outcome is not None
        assert widget.outcome.changed["loss_c"] != widget.outcome.unchanged["loss_c"]
        assert "0.3" in widget.children[0].children[0].value
        assert "accuracy_pgd" not in widget._message.value
    finally:
        widget.close()


def test_a_lesson_refuses_the_settings_of_another_game():
    with pytest.raises(TraitError, match="experiment has no 'lr_d'"):
        replace(ATTACKED, experiment={"lr_d": 0.1})
    with pytest.raises(TraitError, match="lesson has no 'latent_dim'"):
        replace(ATTACKED, settings={"latent_dim": 2})
