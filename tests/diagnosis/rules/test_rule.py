"""Rules: their conditions and actions; neither undo nor replay needs them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import traitlets
from hypothesis import given, settings
from hypothesis import strategies as st

import ganwidgets as gw
from ganwidgets.diagnosis.remedies import remedies

EASE = gw.Rule("ease", when="loss_d < 9", then={"lr_d": "* 0.5"}, cooldown=20, limit=2)


@pytest.mark.parametrize(
    ("wrong", "error", "pattern"),
    [
        ({"when": "colapse", "then": {"lr_d": 0.1}}, ValueError, "colapse"),
        ({"when": "loss_q > 1", "then": {"lr_d": 0.1}}, ValueError, "loss_q"),
        ({"when": 3, "then": {"lr_d": 0.1}}, ValueError, "3"),
        ({"when": "collapse", "then": {"lr_q": 0.1}}, traitlets.TraitError, "lr_q"),
        ({"when": "collapse", "then": {"lr_d": -1}}, traitlets.TraitError, "lr_d"),
        ({"when": "collapse", "then": {"packing": 2}}, traitlets.TraitError, "packing"),
        ({"when": "collapse", "then": {}}, ValueError, "nothing"),
        ({"when": "collapse", "then": 5}, ValueError, "5"),
        ({"when": "loss_d > 1", "then": "remedy"}, ValueError, "symptom"),
        ({"when": "collapse", "then": {"lr_d": 0.1}, "cooldown": -1}, ValueError, "cooldown"),
        ({"when": "collapse", "then": {"lr_d": 0.1}, "limit": 1.5}, ValueError, "limit"),
        ({"when": "loss_d > 1", "then": {"lr_d": 0.1}, "back": "onset"}, ValueError, "onset"),
        ({"when": "collapse", "then": {"loss": "* 2"}}, traitlets.TraitError, "loss"),
        ({"when": "collapse", "then": {"freeze_d": "* 2"}}, traitlets.TraitError, "freeze_d"),
        ({"when": "collapse", "then": {"lr_d": "* 0"}}, ValueError, "positive"),
        ({"when": "collapse", "then": {"lr_d": 0.1}, "window": 0}, ValueError, "window"),
        (
            {"when": "collapse", "then": {"lr_d": 0.1}, "bounds": {"lr_q": (1, 2)}},
            traitlets.TraitError,
            "lr_q",
        ),
        ({"when": "collapse", "then": {"lr_d": 0.1}, "bounds": {"lr_d": 5}}, ValueError, "lr_d"),
        ({"when": "collapse", "then": {"lr_d": 0.1}, "bounds": {"lr_d": (2, 1)}}, ValueError, "lower"),
    ],
)
def test_an_invalid_rule_is_refused_by_name(
    wrong: dict[str, Any], error: type[Exception], pattern: str
) -> None:
    with pytest.raises(error, match=pattern):
        gw.Rule("wrong", **wrong)


def test_an_object_that_is_no_rule_is_refused() -> None:
    trainer = gw.GANTrainer("ring8")
    with pytest.raises(TypeError, match="no rule"):
        trainer.autopilot(["calm"])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="same name"):
        trainer.autopilot([EASE, EASE])
    with pytest.raises(ValueError, match="steer"):
        trainer.autopilot(EASE, "steer")
    with pytest.raises(TypeError, match=r"5 is no rule.*gw\.Rule"):
        trainer.autopilot(5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="pass a GANTrainer"):
        gw.rehearse(5, EASE)  # type: ignore[arg-type]
    assert "ease" in repr(trainer.autopilot(EASE))


def test_an_action_is_an_intervention_with_name_and_evidence() -> None:
    trainer = gw.GANTrainer("ring8", lr_d=0.01)
    pilot = trainer.autopilot(EASE)
    assert pilot is not None
    trainer.step(60)
    assert [(f.iteration, f.rule, f.change) for f in pilot.firings] == [
        (10, "ease", {"lr_d": 0.005}),
        (30, "ease", {"lr_d": 0.0025}),
    ]
    records = trainer.interventions
    assert [(r.iteration, r.author, r.source) for r in records] == [
        (10, "rule", "rule"),
        (30, "rule", "rule"),
    ]
    assert all(r.reason.startswith("ease: loss_d ") for r in records)


def test_advice_changes_nothing() -> None:
    plain, advised = gw.GANTrainer("ring8"), gw.GANTrainer("ring8")
    pilot = advised.autopilot([EASE, *gw.built_in_rules()], "advise")
    assert pilot is not None
    plain.step(210)
    advised.step(210)
    assert len([f for f in pilot.firings if f.rule == "ease"]) == 2
    assert advised.interventions == []
    assert advised.state_hash() == plain.state_hash()


@settings(max_examples=6, deadline=None)
@given(parts=st.lists(st.integers(1, 23), min_size=1, max_size=5))
def test_a_run_with_rules_does_not_depend_on_how_it_is_stepped(parts: list[int]) -> None:
    one, other = (gw.GANTrainer("ring8", g_hidden=(4,), d_hidden=(4,), batch_size=8) for _ in range(2))
    for trainer in (one, other):
        trainer.autopilot(
            [EASE, gw.Rule("hold", when="loss_g > 0", then={"freeze_g": True}, hold=10, cooldown=30)]
        )
    for n in parts:
        one.step(n)
    other.step(sum(parts))
    assert one.state_hash() == other.state_hash()
    assert one.interventions == other.interventions


def test_continuous_writes_of_a_rule_are_one_record_and_undone_at_once() -> None:
    trainer = gw.GANTrainer("ring8", lr_d=0.01)
    trainer.autopilot(
        gw.Rule("regulate", when="loss_d < 9", then={"lr_d": "* 0.9"}, cooldown=10, continuous=True)
    )
    trainer.step(95)
    (record,) = trainer.interventions
    assert (record.author, record.source, record.iteration, record.old) == ("rule", "rule", 10, 0.01)
    assert record.new == trainer.settings.lr_d
    assert "9 times until iteration 90" in record.reason
    trainer.autopilot(mode="off")
    trainer.timeline.undo()
    assert (trainer.iteration, trainer.settings.lr_d) == (10, 0.01)


def test_a_held_value_is_restored() -> None:
    trainer = gw.GANTrainer("ring8")
    trainer.autopilot(gw.Rule("pause", when="loss_d > 0", then={"freeze_d": True}, hold=20, limit=1))
    trainer.step(50)
    changes = [(r.iteration, r.new) for r in trainer.interventions]
    assert changes == [(10, True), (30, False)]


def test_a_rule_recovers_from_a_divergence() -> None:
    wild = {"loss": "wasserstein", "optimizer_d": "sgd", "optimizer_g": "sgd", "lr_d": 10.0, "lr_g": 10.0}
    with pytest.raises(gw.DivergedError):
        gw.GANTrainer("ring8", **wild).step(300)
    trainer = gw.GANTrainer("ring8", **wild)
    trainer.autopilot(
        gw.Rule("back off", when="diverged", then={"lr_d": "* 0.01", "lr_g": "* 0.01"}, back=50, cooldown=0)
    )
    trainer.step(300)
    assert trainer.settings.lr_d <= 0.1
    assert any(r.reason.startswith("back off: ") for r in trainer.interventions)


def test_a_finding_fires_its_remedy() -> None:
    trainer = gw.GANTrainer("ring8", freeze_d=True, lr_g=1e-3)
    pilot = trainer.autopilot([rule for rule in gw.built_in_rules() if rule.name == "strengthen"])
    assert pilot is not None
    trainer.step(310)
    assert (pilot.firings[0].rule, pilot.firings[0].change) == ("strengthen", {"freeze_d": False})
    assert not trainer.settings.freeze_d


def test_a_replay_needs_no_rule_and_a_rehearsal_changes_nothing(tmp_path: Path) -> None:
    trainer = gw.GANTrainer("ring8", lr_d=0.01, run=tmp_path / "run")
    trainer.autopilot(EASE)
    trainer.step(60)
    before = trainer.state_hash(), trainer.interventions
    rehearsed = gw.rehearse(trainer, EASE)
    assert before == (trainer.state_hash(), trainer.interventions)
    assert [(f.iteration, f.change) for f in rehearsed] == [(10, {"lr_d": 0.005}), (30, {"lr_d": 0.0025})]
    trainer.save(tmp_path / "file")
    trainer.close()
    assert gw.replay(tmp_path / "run").verdict == "equal"
    assert gw.rehearse(tmp_path / "run", EASE) == rehearsed
    assert gw.rehearse(tmp_path / "file", EASE) == rehearsed


def test_findings_are_rehearsed_on_snapshots() -> None:
    trainer = gw.GANTrainer("ring8", freeze_d=True, lr_g=1e-3)
    trainer.step(410)
    rule = gw.Rule("strengthen", when="d_weak", then={"freeze_d": False}, limit=1)
    (firing,) = gw.rehearse(trainer, rule)
    assert 200 <= firing.iteration <= 400
    assert firing.evidence.startswith("d_weak since iteration ")


def test_a_condition_of_the_user_reads_signals() -> None:
    trainer = gw.GANTrainer("ring8")
    own = gw.Rule(
        "own", when=lambda seen: seen["loss_d"] > 0 and "late", then={"lr_d": lambda lr: lr / 4}, limit=1
    )
    trainer.autopilot(own)
    trainer.step(20)
    (record,) = trainer.interventions
    assert (record.iteration, record.new, record.reason) == (10, 0.0005, "own: late")


def test_a_comparison_may_be_a_tuple() -> None:
    assert gw.Rule("t", when=("loss_d", ">", 1), then={"lr_d": 0.1}).when == "loss_d > 1"


def test_a_rule_goes_back_to_the_onset_of_its_finding() -> None:
    trainer = gw.GANTrainer("ring8", freeze_d=True, lr_g=1e-3)
    pilot = trainer.autopilot(
        gw.Rule("release", when="d_weak", then="remedy", back="onset", limit=1, cooldown=0)
    )
    assert pilot is not None
    trainer.step(300)
    (firing,) = pilot.firings
    assert firing.back == 0  # weak from the beginning
    assert trainer.iteration == 300 - firing.iteration
    assert [(r.iteration, r.setting, r.new) for r in trainer.interventions] == [(0, "freeze_d", False)]


def test_bounds_do_not_revert_a_value_set_by_the_user() -> None:
    trainer = gw.GANTrainer("ring8", lr_d=0.01)
    trainer.autopilot(
        gw.Rule("hold", when="loss_d > 0", then={"lr_d": "* 0.9"}, bounds={"lr_d": (0.5, 2.0)}, cooldown=10)
    )
    trainer.change(lr_d=1e-3)
    trainer.step(20)
    assert trainer.settings.lr_d == 1e-3


@pytest.mark.parametrize("lr", [1e-6, 1e-3, 0.1])
@pytest.mark.parametrize("symptom", ["too_slow", "d_weak", "d_saturated", "oscillation"])
def test_no_remedy_leaves_the_usual_range_of_rates(symptom: str, lr: float) -> None:
    rules = {**gw.Settings().as_dict(), "lr_d": lr, "lr_g": lr}
    for remedy in remedies(symptom, rules, "points"):
        for name in {"lr_d", "lr_g"} & remedy.changes.keys():
            assert min(lr, 2e-4) <= remedy.changes[name] <= max(lr, 4e-3)


def test_augmentation_is_a_remedy_for_images_only() -> None:
    rules = gw.Settings().as_dict()
    found = [
        any("augment" in r.changes for r in remedies("overfitting", rules, kind))
        for kind in ("points", "images")
    ]
    assert found == [False, True]
