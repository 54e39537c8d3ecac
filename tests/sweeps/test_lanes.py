"""A lane is the run that a trainer makes alone."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ganwidgets import GANTrainer, Sweep

SMALL = {"g_hidden": (8,), "d_hidden": (8,), "batch_size": 20}

KINDS = {
    "plain": {},
    "relativistic": {"loss": "relativistic", "penalty": "r1_r2", "d_steps": 2},
    "wasserstein": {
        "loss": "wasserstein",
        "penalty": "gradient_penalty",
        "optimizer_d": "rmsprop",
        "optimizer_g": "momentum",
    },
    "lazy": {"penalty": "r1", "penalty_interval": 4, "noise": "uniform", "g_steps": 2},
    "limits": {
        "packing": 2,
        "ema_decay": 0.9,
        "grad_clip": 0.5,
        "weight_clip": 0.1,
        "lr_schedule": "cosine",
        "schedule_steps": 40,
        "optimizer_g": "adamw",
        "weight_decay": 0.01,
        "optimizer_d": "sgd",
    },
    "schedules": {
        "penalty": "r1",
        "lr_schedule": "linear",
        "schedule_steps": 20,
        "penalty_end": 0.1,
        "ema_decay": 0.99,
        "ema_rampup": 0.3,
    },
    "conditional": {"conditional": True, "d_steps": 2, "g_steps": 2},
    "conditional relativistic": {
        "conditional": True,
        "loss": "relativistic",
        "penalty": "r1_r2",
        "ema_decay": 0.9,
    },
    "conditional wasserstein": {"conditional": True, "loss": "wasserstein", "penalty": "gradient_penalty"},
}

POINTS = np.random.default_rng(0).normal(size=(90, 2)).astype(np.float32)
CLASSES = np.arange(90) % 3


def data_for(kind):
    return (POINTS + CLASSES[:, None], CLASSES) if "conditional" in kind else "ring8"


@pytest.mark.parametrize("kind", KINDS)
def test_a_lane_follows_the_trainer(kind):
    asked = {**SMALL, **KINDS[kind]}
    sweep = Sweep(data_for(kind), lr_d=[1e-3, 4e-3], seeds=[3, 5], **asked)
    sweep.step(13)
    sweep.step(12)
    assert [why for _, why in sweep.groups] == [""]
    for run in sweep.runs:
        alone = GANTrainer(data_for(kind), seed=run.settings.seed, lr_d=run.settings.lr_d, **asked)
        alone.step(13)
        alone.step(12)
        check_follows(sweep.take(run.index), alone)


def check_follows(lane, alone):
    """Compare the copy of a lane with the trainer of the same settings; both take three steps more."""
    # What is drawn is equal bit for bit.
    assert (lane.iteration, lane.samples_seen) == (alone.iteration, alone.samples_seen)
    random = lane.state_dict()["randomness"]
    for purpose, state in alone.state_dict()["randomness"].items():
        assert torch.equal(random[purpose], state)
    networks = lane.state_dict()["networks"]  # the moving average of G too
    for name, network in alone.state_dict()["networks"].items():
        for key, its in network.items():
            torch.testing.assert_close(networks[name][key], its, rtol=1e-4, atol=1e-5)
    for column in set(alone.history) - {"seconds"}:
        np.testing.assert_allclose(lane.history[column], alone.history[column], rtol=1e-3, atol=1e-5)
    # Both go on alike, with the optimizer's memory.
    lane.step(3)
    alone.step(3)
    np.testing.assert_allclose(lane.history["loss_d"][-3:], alone.history["loss_d"][-3:], rtol=1e-3)


DIFFERING = {
    "schedules": (
        {"penalty": "r1", "penalty_interval": 2, "lr_schedule": "linear", "schedule_steps": 20},
        [{"penalty_end": 0.1}, {"penalty_end": 1.0}, {"penalty_end": 0.5, "lr_schedule": "constant"}],
    ),
    "averages": (
        {"ema_decay": 0.99},
        [{"ema_rampup": 0.0}, {"ema_rampup": 0.05}, {"ema_rampup": 1.0, "ema_decay": 0.6}],
    ),
    "frozen": (
        {"penalty": "r1", "penalty_interval": 3, "ema_decay": 0.9, "weight_clip": 0.3, "d_steps": 2},
        [{}, {"freeze_g": True}, {"freeze_d": True}, {"freeze_g": True, "freeze_d": True}],
    ),
    "frozen relativistic": (
        {"loss": "relativistic", "penalty": "r1_r2", "noise": "uniform", "g_steps": 2, "packing": 2},
        [{"freeze_d": True}, {"freeze_g": True}, {}],
    ),
    "frozen wasserstein": (
        {"loss": "wasserstein", "penalty": "gradient_penalty", "optimizer_d": "rmsprop", "grad_clip": 0.5},
        [{"freeze_g": True}, {}, {"freeze_d": True}],
    ),
    "all frozen": (
        {"optimizer_g": "momentum", "lr_schedule": "linear", "schedule_steps": 20},
        [{"freeze_g": True, "lr_d": 1e-3}, {"freeze_g": True}, {"freeze_g": True, "lr_d": 1e-2}],
    ),
    "ratios": (
        {"penalty": "r1", "penalty_interval": 2, "ema_decay": 0.9, "weight_clip": 0.3},
        [{"d_steps": 5}, {"d_steps": 1, "g_steps": 3}, {"d_steps": 2}],
    ),
    "ratios of all kinds": (
        {"loss": "relativistic", "penalty": "gradient_penalty", "packing": 2, "optimizer_d": "rmsprop"},
        [{"g_steps": 2}, {"d_steps": 3, "g_steps": 2}, {"d_steps": 4, "freeze_g": True}],
    ),
    "conditional ratios": (
        {"conditional": True, "grad_clip": 0.5, "optimizer_g": "momentum"},
        [{"d_steps": 3}, {"g_steps": 2}, {"d_steps": 2, "g_steps": 4}],
    ),
    "conditional frozen": (
        {"conditional": True, "penalty": "r2", "optimizer_g": "sgd"},
        [{"freeze_d": True}, {}, {"freeze_g": True}],
    ),
}


@pytest.mark.parametrize("kind", DIFFERING)
def test_lanes_that_differ_follow_their_trainers_in_one_batch(kind, tmp_path):
    asked, configurations = DIFFERING[kind]
    asked = {**SMALL, **asked}
    sweep = Sweep(data_for(kind), configurations=configurations, seeds=2, **asked)
    sweep.step(13)
    sweep.save(tmp_path / "sweep")
    loaded = Sweep.load(tmp_path / "sweep")
    for each in (sweep, loaded):
        each.step(12)
    assert [run.state_hash() for run in loaded.runs] == [run.state_hash() for run in sweep.runs]
    assert [(len(runs), why) for runs, why in sweep.groups] == [(2 * len(configurations), "")]
    for run in sweep.runs:
        own = {**asked, **configurations[run.index // 2], "seed": run.settings.seed}
        alone = GANTrainer(data_for(kind), **own)
        alone.step(25)
        check_follows(sweep.take(run.index), alone)
    # A copy of one lane in the place of another goes on as its source.
    sweep.respawn(4, source=1)
    sweep.step(7)
    assert sweep.runs[4].state_hash() == sweep.runs[1].state_hash()


def test_a_player_frozen_in_mid_run_stays_in_the_batch():
    asked = {**SMALL, "penalty": "gradient_penalty", "penalty_interval": 3}
    sweep = Sweep("ring8", lr_d=[1e-3, 4e-3, 1e-2], **asked)
    alone = [GANTrainer("ring8", lr_d=run.settings.lr_d, **asked) for run in sweep.runs]

    def carry_out(steps, index=None, **changes):
        if index is not None:
            sweep.change(index, **changes)
            alone[index].change(**changes)
        sweep.step(steps)
        assert [(len(runs), why) for runs, why in sweep.groups] == [(3, "")]
        for trainer in alone:
            trainer.step(steps)

    carry_out(7)
    before = sweep.runs[1].state_dict()
    carry_out(8, 1, freeze_d=True)
    frozen = sweep.runs[1].state_dict()
    kept = before["networks"]["discriminator"], frozen["networks"]["discriminator"]
    assert all(torch.equal(kept[0][key], kept[1][key]) for key in kept[0])
    assert str(before["optimizers"]["discriminator"]) == str(frozen["optimizers"]["discriminator"])
    assert (frozen["d_updates"], frozen["cursor"]) == (before["d_updates"], before["cursor"])
    assert np.isnan(sweep.runs[1].history["grad_norm_d"][-1])
    # The count of its lazy penalty now differs from that of the others.
    carry_out(7, 1, freeze_d=False)
    carry_out(5, 0, freeze_g=True)
    for run in sweep.runs:
        check_follows(sweep.take(run.index), alone[run.index])


def test_a_frozen_lane_that_diverges_is_stopped():
    asked = {**SMALL, "optimizer_d": "sgd", "loss": "least_squares"}
    settings_of_lanes = [{"lr_d": 1e-3}, {"freeze_g": True, "lr_d": 10.0}, {"freeze_d": True}]
    sweep = Sweep("ring8", configurations=settings_of_lanes, **asked)
    sweep.step(40)
    assert [run.status for run in sweep.runs] == ["running", "diverged", "running"]
    ended = sweep.runs[1]
    assert 0 < ended.iteration == len(ended.history["loss_g"]) < 40
    assert np.isfinite(ended.history["loss_g"]).all()
    calm = Sweep("ring8", configurations=[settings_of_lanes[0], settings_of_lanes[2]], **asked)
    calm.step(40)
    assert [run.state_hash() for run in calm.runs] == [sweep.runs[i].state_hash() for i in (0, 2)]


@settings(max_examples=12, deadline=None)
@given(
    others=st.lists(
        st.tuples(st.booleans(), st.booleans(), st.integers(1, 3), st.booleans(), st.integers(0, 9)),
        min_size=1,
        max_size=4,
    ),
    mine=st.tuples(st.booleans(), st.booleans(), st.integers(1, 3)),
    place=st.integers(0, 4),
    penalty=st.sampled_from(["none", "gradient_penalty"]),
    kind=st.sampled_from(["plain", "conditional"]),
)
def test_a_lanes_bits_are_its_own_whichever_updates_the_others_have(others, mine, place, penalty, kind):
    """Lanes are frozen at the start or in mid-run, so that counts, cursors and penalties differ."""
    asked = {**SMALL, "penalty": penalty, "penalty_interval": 2, "conditional": kind == "conditional"}

    def stepped(others):
        own = {"freeze_g": mine[0], "freeze_d": mine[1], "d_steps": mine[2], "lr_d": 2e-3}
        rest = [
            {"freeze_g": g, "freeze_d": d, "d_steps": n, "lr_d": 1e-3 + i / 1e4}
            for i, (g, d, n, _, _) in enumerate(others)
        ]
        at = min(place, len(rest))
        sweep = Sweep(data_for(kind), configurations=[*rest[:at], own, *rest[at:]], **asked)
        numbers = [i for i in range(len(sweep)) if i != at]
        for step in range(10):
            for number, (_, _, _, turned, when) in zip(numbers, others, strict=True):
                if turned and when == step:
                    sweep.change(number, freeze_d=not sweep.runs[number].settings.freeze_d)
            sweep.step(1)
        assert len(sweep.groups) == 1
        return sweep.runs[at].state_hash()

    assert stepped(others) == stepped([])


@settings(max_examples=8, deadline=None)
@given(
    rates=st.lists(st.sampled_from([1e-4, 1e-3, 5e-3, 0.1]), min_size=1, max_size=5),
    place=st.integers(0, 5),
    cut=st.integers(0, 9),
    batch=st.sampled_from([4, 20, 72]),
    kind=st.sampled_from(["plain", "conditional"]),
)
@pytest.mark.filterwarnings("ignore:configurations .* are equal")
def test_a_lanes_bits_are_its_own(rates, place, cut, batch, kind):
    mine = {"lr_d": 2e-3, "conditional": kind == "conditional"}
    small = {**SMALL, "batch_size": batch, "activation": "tanh", "loss": "non_saturating"}
    others = [{**mine, "lr_d": rate} for rate in rates]
    place = min(place, len(others))
    sweep = Sweep(data_for(kind), configurations=[*others[:place], mine, *others[place:]], **small)
    sweep.step(cut)
    sweep.step(9 - cut)
    alone = Sweep(data_for(kind), configurations=[mine], **small)
    alone.step(9)
    assert sweep.runs[place].state_hash() == alone.runs[0].state_hash()


def test_a_lane_that_diverges_stops_at_its_last_good_state_and_leaves_the_others_alone():
    asked = {**SMALL, "optimizer_d": "sgd", "loss": "least_squares"}
    rates = [1e-3, 2e-3, 10.0]
    sweep = Sweep("ring8", configurations=[{"lr_d": rate} for rate in rates], **asked)
    sweep.step(60)
    calm = Sweep("ring8", configurations=[{"lr_d": rate} for rate in rates[:2]], **asked)
    calm.step(60)
    assert [run.status for run in sweep.runs] == ["running", "running", "diverged"]
    assert [run.state_hash() for run in sweep.runs[:2]] == [run.state_hash() for run in calm.runs]
    ended = sweep.runs[2]
    assert 0 < ended.iteration < 60
    assert len(ended.history["loss_d"]) == ended.iteration
    assert np.isfinite(ended.history["loss_d"]).all()
    assert ended.sample(20, seed=0).isfinite().all()
    assert "lr_d" in ended.error
    assert [act.action for act in sweep.acts] == ["diverged"]
    before = ended.state_hash()
    sweep.step(3)
    assert ended.state_hash() == before


class Scaled(nn.Module):
    def __init__(self, layers, scale=1.0):
        super().__init__()
        self.layers, self.scale = layers, nn.Parameter(torch.tensor(scale))

    def forward(self, x):
        return self.layers(x) * self.scale


class Branching(Scaled):
    def forward(self, x):
        return super().forward(x) if x.sum() > 0 else self.layers(x)


def layers(inputs, outputs):
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(inputs, 8), nn.LayerNorm(8), nn.SiLU(), nn.Linear(8, outputs))


def test_networks_of_ones_own_are_computed_together():
    made = {"generator": Scaled(layers(2, 2)), "discriminator": Scaled(layers(2, 1))}
    sweep = Sweep("ring8", lr_d=[1e-3, 3e-3], latent_dim=2, batch_size=20, penalty="r1", **made)
    assert [why for _, why in sweep.groups] == [""]
    sweep.step(10)
    alone = GANTrainer(
        "ring8",
        lr_d=3e-3,
        latent_dim=2,
        batch_size=20,
        penalty="r1",
        generator=Scaled(layers(2, 2)),
        discriminator=Scaled(layers(2, 1)),
    )
    alone.step(10)
    np.testing.assert_allclose(sweep.runs[1].history["loss_d"], alone.history["loss_d"], rtol=1e-3)


def normed(inputs, outputs):
    """Return a network with running statistics; no gradient in it is zero up to rounding."""
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(inputs, 8), nn.Tanh(), nn.BatchNorm1d(8), nn.Linear(8, outputs))


def test_running_statistics_follow_the_updates_of_their_lane():
    configurations = [{"freeze_g": True}, {"d_steps": 3, "g_steps": 2}, {"freeze_d": True}, {}]
    asked = {"latent_dim": 2, "batch_size": 20}
    own = {"generator": lambda: normed(2, 2), "discriminator": lambda: normed(2, 1)}
    sweep = Sweep("ring8", configurations=configurations, **own, **asked)
    sweep.step(11)
    assert [(len(runs), why) for runs, why in sweep.groups] == [(4, "")]
    for run, each in zip(sweep.runs, configurations, strict=True):
        alone = GANTrainer("ring8", **{name: make() for name, make in own.items()}, **asked, **each)
        alone.step(11)
        check_follows(sweep.take(run.index), alone)


class Told(nn.Module):
    """A network of one's own that takes labels, as numbers or as rows with a 1 each."""

    def __init__(self, inputs, outputs, *, one_hot):
        super().__init__()
        torch.manual_seed(1)
        self.vectors = nn.Linear(3, 4) if one_hot else nn.Embedding(3, 4)
        self.layers = layers(inputs + 4, outputs)

    def forward(self, x, labels):
        return self.layers(torch.cat([x, self.vectors(labels)], 1))


@pytest.mark.parametrize("one_hot", [False, True])
def test_networks_of_ones_own_with_labels_are_computed_together(one_hot):
    def parts():
        return {
            "generator": Told(2, 2, one_hot=one_hot),
            "discriminator": Told(2, 1, one_hot=one_hot),
            "latent_dim": 2,
            "batch_size": 20,
            "penalty": "r1",
        }

    data = data_for("conditional")
    sweep = Sweep(data, lr_d=[1e-3, 3e-3], **parts())
    sweep.step(10)
    assert [why for _, why in sweep.groups] == [""]
    alone = GANTrainer(data, lr_d=3e-3, **parts())
    alone.step(10)
    check_follows(sweep.take(1), alone)


def test_miniatures_of_labelled_lanes_are_those_of_each_run():
    sweep = Sweep(data_for("conditional"), lr_d=[1e-3, 0.1], seeds=[3, 5], conditional=True, **SMALL)
    fresh = sweep._samples(30, seed=7)
    sweep.step(20)
    together = sweep._samples(30, seed=7)
    for before, run, made in zip(fresh, sweep.runs, together, strict=True):
        its = run.sample(30, seed=7)
        torch.testing.assert_close(run.source.in_own_units(made), its, rtol=1e-4, atol=1e-5)
        assert not torch.allclose(before, made, atol=1e-3)


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"discriminator": Branching(layers(2, 1)), "latent_dim": 2}, "data-dependent"),
        ({"freeze_layers_d": 1}, "frozen"),
        ({"skip_d_below": 0.1}, "skip_d_below"),
        ({"unroll_steps": 1}, "unroll_steps"),
    ],
)
def test_what_cannot_be_batched_runs_lane_after_lane_and_says_why(asked, why):
    sweep = Sweep("ring8", lr_d=[1e-3, 3e-3], seeds=[4], batch_size=20, **asked)
    ((_, said),) = sweep.groups
    assert why in said
    assert "\n" not in said
    assert "please" not in said
    sweep.step(3)
    if "discriminator" in asked:
        asked = {**asked, "discriminator": Branching(layers(2, 1))}
    alone = GANTrainer("ring8", lr_d=3e-3, seed=4, batch_size=20, **asked)
    alone.step(3)
    assert sweep.runs[1].state_hash() == alone.state_hash()
