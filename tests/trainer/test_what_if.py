import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from traitlets import TraitError

import ganwidgets as gw
from ganwidgets.trainer.futures import conclusion_page

SMALL = {"g_hidden": (8,), "d_hidden": (8,), "batch_size": 16}


def trained(steps=12, **options):
    trainer = gw.GANTrainer(options.pop("data", "ring8"), **{**SMALL, **options})
    trainer.step(steps)
    return trainer


def everything(trainer):
    return (
        trainer.state_hash(),
        trainer.interventions,
        trainer.history.to_frame().to_csv(),
        trainer.timeline.branches,
        trainer.timeline.place,
        trainer.timeline.snapshots,
        trainer.settings.as_dict(),
        [flag.training for flag in trainer.generator.modules()],
    )


def own_networks():
    # `latent_dim` keeps its default, 2.
    generator = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 2))
    discriminator = nn.Sequential(nn.Linear(2, 8), nn.Dropout(0.3), nn.LeakyReLU(0.2), nn.Linear(8, 1))
    return {"generator": generator, "discriminator": discriminator}


def of_presets():
    return trained()


def of_own_networks():
    torch.manual_seed(0)
    trainer = trained(**own_networks(), latent_dim=2)
    trainer.generator[1].eval()
    return trainer


def of_labels():
    return trained(data="digits", conditional=True, steps=3)


def of_an_array():
    points = np.random.default_rng(0).normal(size=(64, 2)).astype(np.float32)
    return trained(data=points, ema_decay=0.9, optimizer_g="rmsprop")


def of_a_past():
    trainer = trained(20)
    trainer.timeline.goto(7)
    trainer.settings.lr_g = 1e-3  # requested, and not in force yet
    return trainer


MADE = [of_presets, of_own_networks, of_labels, of_an_array, of_a_past]


@pytest.mark.parametrize("make", MADE)
def test_the_unchanged_future_equals_the_run_and_dropping_it_leaves_no_trace(make):
    trainer = make()
    before, drawn = everything(trainer), torch.get_rng_state()
    both = trainer.what_if(steps=6, lr_d=3e-3)
    both.difference("loss_d"), both.difference("grad_norm_d"), both._repr_html_(), repr(both)
    both.drop()
    assert everything(trainer) == before
    assert torch.equal(torch.get_rng_state(), drawn)
    again = trainer.what_if(steps=6, lr_d=3e-3)
    trainer.step(6)
    assert again.unchanged.state_hash() == trainer.state_hash()
    assert again.changed.state_hash() != trainer.state_hash()


@pytest.mark.parametrize("make", MADE)
def test_the_changed_future_equals_a_run_with_the_change(make):
    trainer, twin = make(), make()
    both = trainer.what_if(steps=6, lr_d=3e-3)
    twin.change(lr_d=3e-3)
    twin.step(6)
    assert both.changed.state_hash() == twin.state_hash()
    assert np.array_equal(both.changed.history["loss_g"], twin.history["loss_g"])


@pytest.mark.parametrize("make", MADE)
def test_taking_a_future_adds_it_to_the_timeline(make):
    trainer, twin = make(), make()
    main = trainer.timeline.branch
    both = trainer.what_if(steps=6, lr_d=3e-3)
    expected, place = both.changed.state_hash(), trainer.iteration
    both.take()
    assert trainer.timeline.branch == "what if lr_d=0.003"
    assert trainer.state_hash() == expected
    assert trainer.settings.lr_d == 3e-3
    assert trainer.interventions[-1].setting == "lr_d"
    assert trainer.interventions[-1].reason == "what if"
    twin.change(lr_d=3e-3)
    twin.step(6 + 4)
    trainer.step(4)
    assert trainer.state_hash() == twin.state_hash()
    assert np.array_equal(trainer.history["loss_d"], twin.history["loss_d"])
    trainer.timeline.goto(place + 3)
    trainer.timeline.switch("what if lr_d=0.003")
    assert trainer.state_hash() == twin.state_hash()
    trainer.timeline.switch(main)
    with pytest.raises(ValueError, match="taken already"):
        both.take()


def test_a_future_is_taken_after_the_run_has_continued():
    trainer, twin = trained(), trained()
    both = trainer.what_if(steps=5, lr_g=1e-3, loss="hinge")
    trainer.step(9)
    both.changed.change(lr_d=1e-3)
    both.changed.step(3)
    both.changed.step_d(2)
    both.take()
    twin.change(lr_g=1e-3, loss="hinge")
    twin.step(5)
    twin.change(lr_d=1e-3)
    twin.step(3)
    twin.step_d(2)
    assert trainer.state_hash() == twin.state_hash()
    assert [(r.setting, r.new, r.iteration) for r in trainer.interventions] == [
        (r.setting, r.new, r.iteration) for r in twin.interventions
    ]
    trainer.timeline.switch("main")
    assert trainer.iteration == 21


@pytest.mark.parametrize("future", ["changed", "unchanged"])
def test_a_taken_future_replays_from_its_folder(tmp_path, future):
    trainer = trained(run=tmp_path / "run")
    both = trainer.what_if(steps=8, lr_d=1e-3)
    both.take(future)
    trainer.step(2)
    expected = trainer.state_hash()
    trainer.close()
    assert gw.replay(tmp_path / "run").verdict == "equal"
    again = gw.open_run(tmp_path / "run")
    assert again.state_hash() == expected
    # An opened run is compared too.
    before = everything(again)
    again.what_if(steps=3, lr_g=1e-4).drop()
    assert everything(again) == before
    again.close()


def test_noise_seeds_separate_a_difference_from_chance():
    trainer = trained(30)
    both = trainer.what_if(steps=20, seeds=4, lr_g=0.05)
    assert both.seeds == 4
    difference = both.difference("loss_g")
    assert len(difference.finals) == 4
    assert len(difference) == 20
    assert float(difference) == difference[-1] == difference.finals[0]
    assert difference.interval.paired
    same = trainer.what_if(steps=5, seeds=4)
    assert not same.difference("loss_g").more_than_chance
    assert np.array_equal(same.difference("loss_g"), np.zeros(5))
    quality = same.difference("sliced_wasserstein")
    assert float(quality) == 0


def test_a_future_that_diverges_is_a_result():
    trainer = trained()
    both = trainer.what_if(steps=30, lr_d=10.0, optimizer_d="sgd", loss="wasserstein")
    if not both.errors:
        both.changed.discriminator[0].weight.data.fill_(float("inf"))
        both.step(1)
    assert "changed" in both.errors
    assert both.unchanged.iteration >= 42
    assert np.isnan(both.difference("loss_d")[-1])


def test_a_game_is_compared_by_its_declared_metrics():
    images = np.random.default_rng(0).uniform(0, 1, (16, 1, 16, 16)).astype(np.float32)
    trainer = gw.GANTrainer((images, 1 - images), game="pix2pix", channels=4, batch_size=4)
    trainer.step(1)
    what_if = trainer.what_if(steps=1, l1_weight=0.0)
    assert np.isfinite(float(what_if.difference("l1")))
    assert "lower is better" in conclusion_page(what_if, "l1")
    assert "higher is better" in conclusion_page(what_if, "detail")
    assert "loss_g" in what_if._repr_html_(), "the last loss, if the user chooses no metric"
    what_if.drop()


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"lr_x": 1.0}, "what_if has no 'lr_x'"),
        ({"lr_d": -1.0}, "lr_d"),
        ({"latent_dim": 5}, "latent_dim takes effect at a fresh start"),
    ],
)
def test_invalid_changes_are_refused(asked, message):
    trainer = trained()
    before = everything(trainer)
    with pytest.raises(TraitError, match=message):
        trainer.what_if(steps=3, **asked)
    assert everything(trainer) == before


def test_counts_and_names_are_checked():
    trainer = trained()
    with pytest.raises(ValueError, match="whole number"):
        trainer.what_if(steps=1.5)
    with pytest.raises(ValueError, match="seeds cannot be 0"):
        trainer.what_if(steps=1, seeds=0)
    both = trainer.what_if(steps=2, lr_d=1e-3)
    with pytest.raises(ValueError, match="there is no 'nothing' to compare"):
        both.difference("nothing")
    with pytest.raises(ValueError, match="no future 'both'"):
        both.take("both")
    both.drop()
    with pytest.raises(ValueError, match="was dropped"):
        both.changed  # noqa: B018
    with pytest.raises(ValueError, match="was dropped"):
        both.take()


@settings(deadline=None, max_examples=8)
@given(
    steps=st.integers(0, 8),
    alone=st.sampled_from(["", "d", "g"]),
    back=st.booleans(),
    change=st.sampled_from(
        [{"lr_d": 1e-3}, {"batch_size": 7}, {"loss": "hinge"}, {"freeze_g": True}, {"optimizer_d": "sgd"}]
    ),
    seeds=st.integers(1, 2),
)
def test_no_what_if_changes_a_bit(steps, alone, back, change, seeds):
    trainer = trained(6)
    if alone:
        getattr(trainer, f"step_{alone}")(2)
    if back:
        trainer.timeline.goto(3)
    before = everything(trainer)
    both = trainer.what_if(steps=steps, seeds=seeds, **change)
    assert everything(trainer) == before
    both.drop()
    assert everything(trainer) == before
