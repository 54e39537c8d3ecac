"""Recommended settings and pretrained runs of each preset."""

import pytest

import ganwidgets as gw
from ganwidgets.data import IMAGE_PRESETS, POINT_PRESETS
from ganwidgets.recipes import RECOMMENDED, begin_pretrained
from ganwidgets.settings import Settings


def test_every_preset_has_a_recommendation():
    known = {name for name in (*POINT_PRESETS, *IMAGE_PRESETS) if name != "stacked_digits"}
    assert known <= set(RECOMMENDED)
    for name in RECOMMENDED:
        Settings(**gw.recommended(name))
    assert {name for name, about in RECOMMENDED.items() if about.steps} == set(POINT_PRESETS)


@pytest.mark.parametrize("preset", POINT_PRESETS)
def test_a_pretrained_start_is_the_recommended_run_and_is_good(preset):
    trainer = gw.pretrained(preset)
    about = RECOMMENDED[preset]
    assert trainer.iteration == about.steps
    assert trainer.timeline.branch == "pretrained"
    assert {name: getattr(trainer.settings, name) for name in about.settings} == dict(about.settings)
    assert trainer.settings.data == preset
    # Far better than before: an untrained generator with the same settings is at least three times as far away.
    far = gw.GANTrainer(preset, **gw.recommended(preset)).evaluate(1000)
    near = trainer.evaluate(1000)
    assert near["sliced_wasserstein"] < far["sliced_wasserstein"] / 3
    if "modes" in near:
        assert near["modes"] >= 0.9 * trainer.floors(1000)["modes"]


def test_a_pretrained_start_continues_like_the_run_that_was_trained():
    one, other = gw.pretrained("line"), gw.pretrained("line")
    assert one.state_hash() == other.state_hash()
    one.step(5)
    other.step(2)
    other.step(3)
    assert one.state_hash() == other.state_hash()
    assert one.iteration == RECOMMENDED["line"].steps + 5
    assert [record["reason"] for record in one.interventions] == ["line, trained before for 2000 steps"]


def test_the_run_before_a_pretrained_start_stays_reachable():
    trainer = gw.GANTrainer("ring8", g_hidden=(8,), d_hidden=(8,))
    trainer.step(3)
    before = trainer.state_hash()
    begin_pretrained(trainer, "line")
    assert trainer.source.name == "line"
    trainer.timeline.switch("main")
    assert trainer.state_hash() == before
    begin_pretrained(trainer, "line")
    assert len({branch.name for branch in trainer.timeline.branches.values()}) == 3


def test_unknown_names_are_refused_with_the_valid_ones():
    with pytest.raises(gw.DataError, match="nothing is recommended for 'ring9'; presets are line, gaussians"):
        gw.recommended("ring9")
    with pytest.raises(
        gw.DataError, match="nothing was trained for 'digits' before; there is a start for line"
    ):
        gw.pretrained("digits")


@pytest.mark.parametrize("maker", ["gw.GANTrainer", "gw.GANTrainerWidget"])
def test_the_line_of_code_makes_the_same_run(maker):
    asked = {
        "lr_d": 0.0125,
        "g_hidden": (8, 4),
        "d_hidden": (8,),
        "loss": "hinge",
        "seed": 7,
        "batch_size": 31,
    }
    trainer = gw.GANTrainer("moons", **asked)
    trainer.step(2)
    trainer.settings.penalty = "r1"
    line = trainer.code().replace("gw.GANTrainer", maker)
    assert "\n" not in line
    made = eval(line, {"gw": gw})  # noqa: S307 - that it can be run is what it is for
    again = made.trainer if maker.endswith("Widget") else made
    expected = gw.GANTrainer("moons", **asked, penalty="r1")
    assert again.state_hash() == expected.state_hash()
    if maker.endswith("Widget"):
        assert made.code() == line
        made.close()


def rebuilt(code, name):
    space = {}
    exec(code, space)  # noqa: S102 - that it can be run is what it is for
    return space[name]


@pytest.mark.parametrize("seed", [0, 4])
def test_the_code_of_a_changed_run_has_each_change_at_its_iteration(seed):
    w = gw.GANTrainerWidget("ring8", seed=seed, g_hidden=(8,), d_hidden=(8,))
    try:
        assert f"seed={seed}" in w.code()
        w.step(5)
        w.lr_d = 0.03
        w.step(5)
        w.step(2, "generator")
        w.freeze_g = True  # requested, and not in force yet
        w.wait()
        assert w.code() == w.trainer.timeline.script() + "w = gw.GANTrainerWidget(trainer)\n"
        assert w.trainer.code() == w.trainer.timeline.script()
        again = rebuilt(w.code(), "w")
        assert again.trainer.state_hash() == w.trainer.state_hash()
        assert again.iteration == 10
        again.close()
        assert "trainer.change(lr_d=0.03)" in w._dashboard.starts._code.value
    finally:
        w.close()


def test_the_code_of_a_run_from_a_loaded_state_reproduces_its_settings_only():
    trainer = gw.GANTrainer("ring8", g_hidden=(8,), d_hidden=(8,))
    trainer.step(3)
    other = gw.GANTrainer("ring8", g_hidden=(8,), d_hidden=(8,))
    other.load_state_dict(trainer.state_dict())
    other.settings.lr_d = 0.03
    other.step(2)
    code = other.code()
    assert code.endswith("# its settings; its first state was loaded")
    assert eval(code, {"gw": gw}).settings.as_dict() == other.settings.as_dict()  # noqa: S307 - that it can be run is what it is for
