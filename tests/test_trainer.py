"""The public API of the trainer."""

from __future__ import annotations

import copy
import math
import threading

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from traitlets import TraitError

import ganwidgets as gw
from ganwidgets import DataError, GANTrainer

pytestmark = pytest.mark.filterwarnings("ignore:.*with batch norm:ganwidgets.DataWarning")

SMALL = {"g_hidden": (8, 8), "d_hidden": (8, 8), "latent_dim": 2, "batch_size": 16}
RECORD = ["iteration", "loss_d", "loss_g", "grad_norm_d", "grad_norm_g", "accuracy_real", "accuracy_fake"]


def small(data="ring8", **settings):
    return GANTrainer(data, **{**SMALL, **settings})


def networks_of(trainer):
    return copy.deepcopy(trainer.state_dict()["networks"])


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def memory(trainer, network):
    return copy.deepcopy(trainer.state_dict()["optimizers"][network]["memory"])


@pytest.fixture
def unmoved_global_generator():
    """Assert that torch's, NumPy's and Python's global generators are unchanged after the test."""
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002 - looked at
    yield
    assert torch.equal(before[0], torch.get_rng_state())
    assert (before[1] == np.random.get_state()[1]).all()  # noqa: NPY002


# --- construction -----------------------------------------------------------------------------------


def test_the_constructor_needs_no_argument():
    trainer = GANTrainer()
    assert trainer.source.name == "gaussians"
    assert trainer.settings.loss == "non_saturating"
    assert trainer.exact
    assert (trainer.iteration, trainer.samples_seen) == (0, 0)
    assert repr(trainer) == "<GANTrainer on gaussians, iteration 0>"


@pytest.mark.parametrize(
    "wrong", [{"lrd": 1}, {"generater": None}, {"lr_d": -1}, {"lr_d": True}, {"seed": -1}, {"batch_size": 0}]
)
def test_keywords_are_settings_or_refused(wrong):
    with pytest.raises(TraitError, match=next(iter(wrong))):
        GANTrainer("ring8", **wrong)


@pytest.mark.parametrize("data", ["ring", "ring8", "moons", "digits"])
def test_every_preset_trains(data):
    trainer = GANTrainer(data, g_hidden=(8,), d_hidden=(8,), batch_size=8)
    trainer.step(2)
    assert trainer.sample(3).shape == trainer.real(3).shape == (3, *trainer.source.shape)


def test_arrays_and_datasets_of_the_user_train():
    points = np.random.default_rng(0).normal(size=(40, 3))
    trainer = small(points)
    trainer.step(4)
    assert trainer.samples_seen == 64, "batches run across the ends of epochs"
    assert trainer.sample(5).shape == (5, 3)
    assert small((points, np.arange(40) % 2)).source.labels is not None
    assert small(trainer.source).source is trainer.source
    with pytest.raises(DataError, match=r"rings8.*did you mean ring8"):
        GANTrainer("rings8")


def test_the_default_batch_size_fits_small_data_and_a_given_one_is_kept():
    points = torch.zeros(20, 2).normal_(generator=torch.Generator())
    assert GANTrainer(points).settings.batch_size == 20
    with pytest.raises(DataError, match="batch_size cannot be 30: the data has only 20"):
        GANTrainer(points, batch_size=30)
    trainer = GANTrainer(points, batch_size=10)
    with pytest.raises(TraitError, match="batch_size cannot be 21"):
        trainer.settings.batch_size = 21
    assert trainer.settings.batch_size == 10


# --- steps and records ------------------------------------------------------------------------------


def test_a_step_returns_its_record():
    trainer = small()
    record = trainer.step(3)
    assert list(record) == RECORD
    assert record["iteration"] == trainer.iteration == 3
    assert all(isinstance(value, float) and math.isfinite(value) for value in list(record.values())[1:])
    assert 0 <= record["accuracy_real"] <= 1
    assert 0 <= record["accuracy_fake"] <= 1
    assert trainer.step(0) == record


@pytest.mark.parametrize("n", [-1, 1.5, True, "2", None])
def test_the_number_of_steps_must_be_an_integer(n):
    trainer = small()
    for method in (trainer.step, trainer.step_d, trainer.step_g, trainer.sample, trainer.real):
        with pytest.raises(ValueError, match="n cannot be"):
            method(n)
    assert trainer.iteration == 0


def test_numpy_numbers_are_accepted():
    trainer = small(seed=np.int64(3))
    trainer.step(np.int32(2))
    assert trainer.iteration == 2
    assert trainer.sample(np.int64(3), seed=np.uint8(4)).shape == (3, 2)


@pytest.mark.usefixtures("unmoved_global_generator")
def test_single_steps_equal_one_call():
    one, many, seen = small(), small(), small()
    seen.on_step(lambda record: None)
    for _ in range(25):
        last = one.step()
    assert many.step(25) == last == seen.step(25)
    assert one.state_hash() == many.state_hash() == seen.state_hash()
    for column in one.history:
        assert np.array_equal(one.history[column], many.history[column], equal_nan=True), column


@pytest.mark.usefixtures("unmoved_global_generator")
def test_equal_seeds_give_equal_runs_and_other_seeds_others():
    runs = [small(seed=seed) for seed in (3, 3, 4)]
    hashes = [(run.step(5), run.state_hash())[1] for run in runs]
    assert hashes[0] == hashes[1] != hashes[2]
    assert runs[0].settings.seed == 3


def pair_with_buffers():
    torch.manual_seed(0)

    def network(out):
        return nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.LeakyReLU(), nn.Linear(8, out))

    return {"generator": network(2), "discriminator": network(1)}


@pytest.mark.parametrize("own", [dict, pair_with_buffers])
@pytest.mark.parametrize("loss", ["hinge", "relativistic"])
def test_updates_of_one_network_change_no_bit_of_the_other(own, loss):
    trainer = small(**own(), loss=loss, penalty="r1_r2")
    trainer.step(2)
    for step, moved, still in (
        (trainer.step_d, "discriminator", "generator"),
        (trainer.step_g, "generator", "discriminator"),
    ):
        before, remembered = networks_of(trainer), memory(trainer, still)
        record = step(3)
        after = networks_of(trainer)
        assert same(before[still], after[still])
        assert same(remembered, memory(trainer, still))
        assert not same(before[moved], after[moved])
        assert record["iteration"] == trainer.iteration == 2
    assert len(trainer.history["loss_d"]) == 2
    assert [(r.setting, r.new) for r in trainer.interventions] == [("step_d", 3), ("step_g", 3)]


def test_steps_work_under_every_torch_mode_of_the_caller():
    plain, odd = small(), small()
    plain.step(4)
    with torch.no_grad():
        odd.step()
    with torch.inference_mode():
        odd.step()
        state = odd.state_dict()
        odd.load_state_dict(state)
        built_inside = small()
    torch.set_default_dtype(torch.float64)
    try:
        odd.step()
    finally:
        torch.set_default_dtype(torch.float32)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        odd.step()
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    built_inside.step(4)
    assert plain.state_hash() == odd.state_hash() == built_inside.state_hash()


# --- callbacks --------------------------------------------------------------------------------------


def test_callbacks_receive_each_step_and_can_be_removed():
    trainer, records, threads = small(), [], set()
    remove = trainer.on_step(lambda record: (records.append(record), threads.add(threading.current_thread())))
    trainer.step(2)
    trainer.step_d()
    remove()
    remove()
    trainer.step()
    assert [record["iteration"] for record in records] == [1, 2, 2]
    assert all(math.isfinite(value) for record in records for value in record.values())
    assert threads == {threading.current_thread()}


def test_a_callback_may_change_settings_and_save_but_not_step(tmp_path):
    trainer = small()

    def listen(_record):
        trainer.settings.lr_d = 0.01
        trainer.save(tmp_path / "run")
        for forbidden in (
            trainer.step,
            trainer.step_d,
            trainer.reset,
            lambda: trainer.load_state_dict(trainer.state_dict()),
        ):
            with pytest.raises(RuntimeError, match="in the middle of a step"):
                forbidden()

    remove = trainer.on_step(listen)
    trainer.step(2)
    remove()
    assert GANTrainer.load(tmp_path / "run").state_hash() == trainer.state_hash()
    assert [(r.setting, r.iteration) for r in trainer.interventions] == [("lr_d", 1)]


def test_a_callback_that_raises_ends_the_call_after_a_complete_step():
    trainer, twin = small(), small()

    def fail(_record):
        raise ZeroDivisionError

    remove = trainer.on_step(fail)
    with pytest.raises(ZeroDivisionError):
        trainer.step(3)
    remove()
    twin.step(1)
    assert trainer.state_hash() == twin.state_hash()


# --- settings in force ------------------------------------------------------------------------------


def test_an_assignment_applies_at_the_next_update():
    trainer, twin = small(optimizer_g="sgd", optimizer_d="sgd"), small(optimizer_g="sgd", optimizer_d="sgd")
    trainer.step(2)
    twin.step(2)
    before = networks_of(trainer)["discriminator"]
    trainer.settings.lr_d = twin.settings.lr_d * 2
    trainer.step()
    twin.step()
    for name, old in before.items():
        moved, twin_moved = (networks_of(t)["discriminator"][name] - old for t in (trainer, twin))
        torch.testing.assert_close(moved, 2 * twin_moved, rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("wrong", [{"lr_dd": 1}, {"loss": "hing"}, {"lr_g": math.nan}, {"batch_size": 2.0}])
def test_several_changes_are_applied_all_or_none(wrong):
    trainer = small()
    trainer.step()
    before, settings = trainer.state_hash(), trainer.settings.as_dict()
    with pytest.raises(TraitError, match=next(iter(wrong))):
        trainer.change("why not", lr_d=0.5, **wrong)
    assert trainer.settings.as_dict() == settings
    assert trainer.state_hash() == before
    assert trainer.interventions == []


@pytest.mark.parametrize("name", ["lr_d", "iterations", "iteration", "generator", "step", "seed"])
def test_assigning_an_unknown_attribute_of_the_trainer_raises(name):
    with pytest.raises(TraitError, match=name):
        setattr(small(), name, 1)


def test_assigning_a_setting_on_the_trainer_raises_with_the_right_place():
    with pytest.raises(TraitError, match=r"trainer\.settings\.lr_d"):
        small().lr_d = 1
    with pytest.raises(TraitError, match="did you mean evaluate"):
        small().evaluat = 1
    with pytest.raises(TraitError, match="has no 'game' to set; it can only be read"):
        small().game = "pix2pix"


def test_subclasses_may_have_their_own_attributes():
    class Mine(GANTrainer):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.remark = "mine"

    trainer = Mine("ring8", **SMALL)
    trainer.step()
    assert trainer.remark == "mine"
    with pytest.raises(TraitError):
        trainer.iteration = 4


def test_a_learning_rate_change_keeps_the_moments():
    """GAN Lab resets them at every move of the slider."""
    trainer = small()
    trainer.step(5)
    before = memory(trainer, "discriminator")
    assert before["0.step"] == 5
    trainer.change(lr_d=0.5, lr_g=0.25, beta1=0.25, weight_decay=0.1)
    assert same(before, memory(trainer, "discriminator"))
    trainer.step()
    assert memory(trainer, "discriminator")["0.step"] == memory(trainer, "generator")["0.step"] == 6


def test_a_new_optimizer_class_resets_the_state_of_that_network_only():
    trainer = small()
    trainer.step(5)
    trainer.settings.optimizer_d = "adamw"
    trainer.step()
    assert memory(trainer, "discriminator")["0.step"] == 1
    assert memory(trainer, "generator")["0.step"] == 6
    trainer.settings.optimizer_d = "sgd"
    trainer.settings.optimizer_d = "adamw"
    trainer.step()
    assert memory(trainer, "discriminator")["0.step"] == 2, "set and set back between two updates"


def test_a_reset_keeps_the_loss():
    """GAN Lab loses it at every rebuild and continues with the log loss under the old label."""
    trainer = small()
    trainer.settings.loss = "least_squares"
    trainer.step()
    trainer.reset()
    assert trainer.settings.loss == "least_squares"
    first = small(loss="least_squares")
    assert trainer.step() == first.step()


def test_every_sample_counts_in_the_histograms():
    """GAN Lab's histograms omit all samples outside the plane and count a third of the others."""
    trainer = small("gaussians")
    everywhere = trainer.evaluate(500)["jensen_shannon"]
    with torch.no_grad():
        trainer.generator[-1].bias.fill_(1000)
        trainer.generator[-1].weight.zero_()
    assert trainer.evaluate(500)["jensen_shannon"] == pytest.approx(1, abs=0.01)
    assert everywhere < 1


# --- freezing ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("own", [dict, pair_with_buffers])
@pytest.mark.parametrize(
    ("switch", "network", "loss"),
    [("freeze_d", "discriminator", "loss_d"), ("freeze_g", "generator", "loss_g")],
)
@pytest.mark.parametrize("game", ["non_saturating", "relativistic"])
@pytest.mark.parametrize("penalty", ["none", "r1"])
def test_a_frozen_network_changes_no_bit(own, switch, network, loss, game, penalty):
    trainer = small(**own(), loss=game, penalty=penalty, ema_decay=0.5)
    trainer.step(3)
    before, remembered, seen = networks_of(trainer), memory(trainer, network), trainer.samples_seen
    setattr(trainer.settings, switch, True)
    record = trainer.step(4)
    after = networks_of(trainer)
    other = "generator" if network == "discriminator" else "discriminator"
    assert same(before[network], after[network]), "weights, statistics and buffers"
    assert same(remembered, memory(trainer, network))
    assert all(p.grad is None for p in getattr(trainer, network).parameters())
    assert not same(before[other], after[other])
    if network == "generator":
        assert same(before["ema"], after["ema"])
    assert math.isfinite(record[loss]), "its curve continues"
    assert math.isnan(record[f"grad_norm_{loss[-1]}"])
    drawn = {
        ("discriminator", "relativistic"): 4,
        ("generator", "relativistic"): 4,
        ("discriminator", "non_saturating"): 0,
    }
    assert trainer.samples_seen - seen == 16 * drawn.get((network, game), 4)
    setattr(trainer.settings, switch, False)
    trainer.step()
    assert memory(trainer, network)["0.step"] == remembered["0.step"] + 1, "thawing keeps the moments"


def test_a_run_with_both_networks_frozen_does_not_change():
    trainer = small(freeze_d=True, freeze_g=True)
    before = networks_of(trainer)
    trainer.step(3)
    assert (trainer.iteration, trainer.samples_seen) == (3, 0)
    assert all(same(before[name], after) for name, after in networks_of(trainer).items())


def test_measurements_with_a_frozen_network_do_not_change_the_run():
    trainer, twin = small(), small()
    for run in (trainer, twin):
        run.settings.freeze_d = True
    trainer.step(4)
    for _ in range(4):
        twin.step_g()
    for name, network in networks_of(trainer).items():
        assert same(network, networks_of(twin)[name])


# --- interventions ----------------------------------------------------------------------------------


def test_an_intervention_records_author_iteration_values_and_reason():
    trainer = small()
    trainer.step(3)
    before = trainer.state_hash()
    trainer.change("D wins", lr_d=0.5)
    trainer.settings.loss = "hinge"
    trainer.step()
    first, second = trainer.interventions
    assert first.as_dict() == {
        "seq": 0,
        "iteration": 3,
        "author": "cell",
        "source": "code",
        "setting": "lr_d",
        "old": gw.Settings().lr_d,
        "new": 0.5,
        "reason": "D wins",
        "branch": 0,
        "samples_seen": trainer.samples_seen * 3 // 4,
        "hash_before": before,
    }
    assert dict(second) == second.as_dict()
    assert (second["setting"], second["old"], second["new"]) == ("loss", "non_saturating", "hinge")
    assert pd.DataFrame(trainer.interventions).shape == (2, 11)


def test_changes_without_an_update_between_them_become_one_record():
    trainer = small(lr_d=0.5)
    for value in (0.1, 0.2, 0.3):
        trainer.settings.lr_d = value
        assert [(r.old, r.new) for r in trainer.interventions] == [(0.5, value)]
    trainer.step_d()
    trainer.settings.lr_d = 0.4
    trainer.step()
    assert [(r.setting, r.old, r.new) for r in trainer.interventions] == [
        ("lr_d", 0.5, 0.3),
        ("step_d", None, 1),
        ("lr_d", 0.3, 0.4),
    ]


def test_set_and_set_back_is_no_record_and_keeps_the_hash():
    trainer, twin = small(), small()
    trainer.step(2)
    twin.step(2)
    before = trainer.state_hash()
    for name, value in {
        "lr_d": 0.5,
        "optimizer_g": "sgd",
        "ema_decay": 0.5,
        "g_hidden": (3,),
        "data": "moons",
        "seed": 9,
    }.items():
        old = getattr(trainer.settings, name)
        setattr(trainer.settings, name, value)
        assert trainer.state_hash() != before
        setattr(trainer.settings, name, old)
        assert trainer.state_hash() == before
    assert trainer.interventions == []
    trainer.step(2)
    twin.step(2)
    assert trainer.state_hash() == twin.state_hash()


def test_reasons_are_not_part_of_the_hash():
    one, other = small(), small()
    one.change("because", lr_d=0.5)
    other.settings.lr_d = 0.5
    one.step()
    other.step()
    assert one.state_hash() == other.state_hash()


# --- resets -----------------------------------------------------------------------------------------


def test_settings_that_build_the_run_are_pending_until_the_reset():
    trainer, twin = small(), small()
    trainer.change(g_hidden=(4,), latent_dim=3, data="moons", activation="tanh")
    trainer.step(2)
    twin.step(2)
    assert networks_of(trainer).keys() == networks_of(twin).keys()
    assert all(same(network, networks_of(twin)[name]) for name, network in networks_of(trainer).items())
    assert trainer.state_hash() != twin.state_hash(), "what is pending is part of the state"
    trainer.reset()
    assert (trainer.iteration, trainer.samples_seen, trainer.source.name) == (0, 0, "moons")
    fresh = small("moons", g_hidden=(4,), latent_dim=3, activation="tanh")
    assert trainer.state_hash() == fresh.state_hash()
    trainer.step(3)
    fresh.step(3)
    assert trainer.state_hash() == fresh.state_hash()
    assert len(trainer.history["loss_d"]) == 3
    assert trainer.interventions[-1].setting == "reset"


@pytest.mark.parametrize("own", [dict, pair_with_buffers])
def test_a_reset_with_the_same_seed_repeats_the_run(own):
    trainer = small(**own(), ema_decay=0.5)
    start = trainer.state_hash()
    trainer.step(4)
    end = trainer.state_hash()
    trainer.reset()
    assert trainer.state_hash() == start
    trainer.step(4)
    assert trainer.state_hash() == end
    trainer.reset(seed=5)
    assert trainer.settings.seed == 5
    trainer.step(4)
    assert trainer.state_hash() != end


def test_a_reset_that_fails_leaves_the_run_unchanged():
    trainer = small(**pair_with_buffers())
    trainer.step(3)
    trainer.settings.latent_dim = 5
    before, history = trainer.state_hash(), trainer.history
    with pytest.raises(DataError, match="latent_dim is 5"):
        trainer.reset(seed=7)
    assert trainer.state_hash() == before
    assert trainer.settings.seed == 0
    assert trainer.history is history
    with pytest.raises(TraitError, match="seed"):
        trainer.reset(seed=-1)
    trainer.step()
    assert trainer.iteration == 4


def test_pending_data_too_small_for_the_batch_is_refused_at_the_reset():
    trainer = small()
    trainer.settings.data = torch.zeros(8, 2)
    with pytest.raises(DataError, match="choose at most 8"):
        trainer.reset()
    assert trainer.source.name == "ring8"
    trainer.settings.batch_size = 8
    trainer.reset()
    assert trainer.source.size == 8


# --- samples and evaluation -------------------------------------------------------------------------


def watch(trainer):
    trainer.sample(7)
    trainer.sample(7, seed=1)
    trainer.real(7)
    trainer.real(7, seed=1)
    trainer.evaluate(200)
    trainer.floors(200)
    trainer.state_dict()
    trainer._look(trainer.real(5))
    trainer.history.to_frame()
    trainer.history.envelope("loss_d", 20)
    _ = trainer.interventions, trainer.exact, repr(trainer), trainer.iteration


@pytest.mark.usefixtures("unmoved_global_generator")
@pytest.mark.parametrize("own", [dict, pair_with_buffers])
def test_watching_does_not_change_the_run(own, tmp_path):
    state = torch.get_rng_state()
    first, second = own(), own()
    torch.set_rng_state(state)
    watched, alone = small(**first, ema_decay=0.5), small(**second, ema_decay=0.5)
    for run in (watched, alone):
        run.step(3)
    before = watched.state_hash()
    watch(watched)
    watched.sample(3, ema=True)
    watched.save(tmp_path / "run")
    assert watched.state_hash() == before
    for run in (watched, alone):
        run.step(3)
    assert watched.state_hash() == alone.state_hash()
    assert all(module.training for module in watched.generator.modules())


def test_draws_of_the_caller_do_not_change_the_run():
    disturbed, alone = small(), small()
    for _ in range(5):
        torch.manual_seed(1)
        torch.randn(10)
        np.random.rand(3)  # noqa: NPY002 - what a cell may do
        disturbed.step()
    alone.step(5)
    assert disturbed.state_hash() == alone.state_hash()


def test_samples_are_repeatable_by_seed_and_differ_without():
    trainer = small()
    assert torch.equal(trainer.sample(9, seed=4), trainer.sample(9, seed=4))
    assert not torch.equal(trainer.sample(9, seed=4), trainer.sample(9, seed=5))
    assert not torch.equal(trainer.sample(9), trainer.sample(9))
    assert torch.equal(trainer.real(9, seed=4), trainer.real(9, seed=4))
    assert not torch.equal(trainer.real(9), trainer.real(9))
    before = trainer.sample(9, seed=4)
    trainer.step(5)
    assert not torch.equal(trainer.sample(9, seed=4), before), "the same latents, another generator"
    for made in (trainer.sample(9), trainer.real(9)):
        assert made.dtype == torch.float32
        assert made.device.type == "cpu"
        assert not made.requires_grad
    assert trainer.sample(0).shape == (0, 2)
    assert trainer.sample(3000).shape == (3000, 2)


@pytest.mark.parametrize("seed", [True, 1.5, "1"])
def test_a_seed_of_samples_must_be_an_integer(seed):
    for look in (small().sample, small().real):
        with pytest.raises(ValueError, match="seed cannot be"):
            look(3, seed=seed)


def test_labels_and_averages_that_do_not_exist_are_refused():
    with pytest.raises(ValueError, match="takes none"):
        small().sample(3, labels=[1, 2, 3])
    with pytest.raises(ValueError, match="ema_decay"):
        small().sample(3, ema=True)
    fresh = small(ema_decay=0.5)
    assert torch.equal(fresh.sample(3, seed=1, ema=True), fresh.sample(3, seed=1))


def test_images_are_returned_between_0_and_1():
    trainer = GANTrainer("digits", g_hidden=(16,), d_hidden=(16,), latent_dim=4, batch_size=20)
    trainer.step(3)
    for made in (trainer.sample(30), trainer.real(30)):
        assert made.shape == (30, 1, 8, 8)
        assert 0 <= made.min() <= made.max() <= 1
    assert trainer.real(30).max() == 1


def test_sampling_does_not_change_a_network_with_a_counter_in_eval_mode():
    class Counting(nn.Linear):
        def __init__(self):
            super().__init__(2, 2)
            self.register_buffer("calls", torch.zeros(()))

        def forward(self, z):
            self.calls += 1
            return super().forward(z)

    trainer = small(generator=Counting())
    trainer.sample(3)
    assert trainer.generator.calls == 0
    trainer.step()
    assert trainer.generator.calls == 1


def test_evaluation_is_repeatable_and_returns_its_floor():
    trainer = small()
    names = {"modes", "high_quality", "reverse_kl", "jensen_shannon", "sliced_wasserstein"}
    figures, floors = trainer.evaluate(500), trainer.floors(500)
    assert set(figures) == set(floors) == names
    assert figures == trainer.evaluate(500)
    assert floors == trainer.floors(500)
    assert floors["modes"] == 8
    assert floors["high_quality"] > 0.96
    assert floors["jensen_shannon"] < figures["jensen_shannon"]
    assert set(small("moons").evaluate(100)) == {"jensen_shannon", "sliced_wasserstein"}
    assert set(small(torch.rand(30, 3)).evaluate(100)) == {"sliced_wasserstein"}


# --- histories --------------------------------------------------------------------------------------


def test_history_has_a_row_for_each_iteration():
    trainer, seen = small(), []
    trainer.on_step(lambda record: seen.append(dict(record)))
    trainer.step(7)
    trainer.step_d(2)
    trainer.step(16)
    rows = [seen[i] for i in (*range(7), *range(9, 25))]
    assert list(trainer.history) == [*RECORD, "penalty_d"]
    assert trainer.history["iteration"].tolist() == list(range(1, 24))
    for column in ("loss_d", "loss_g"):
        assert trainer.history[column].tolist() == [row[column] for row in rows]
    for column in RECORD[3:]:
        values = trainer.history[column]
        assert np.flatnonzero(np.isfinite(values)).tolist() == [0, 9, 19]
        assert values[[0, 9, 19]].tolist() == [rows[i][column] for i in (0, 9, 19)]
    frame = trainer.history.to_frame()
    assert frame.index.tolist() == list(range(1, 24))
    assert list(frame.columns) == [*RECORD[1:], "penalty_d"]
    with pytest.raises(KeyError, match="loss_x"):
        trainer.history["loss_x"]


# --- state_dict -------------------------------------------------------------------------------------


def plain_values(tree):
    if isinstance(tree, dict):
        return all(isinstance(name, str) for name in tree) and all(map(plain_values, tree.values()))
    if isinstance(tree, torch.Tensor):
        return tree.device.type == "cpu" and not tree.requires_grad
    return isinstance(tree, str | int | float | bool | tuple)


def test_state_dict_contains_copies_and_plain_values():
    trainer = small(ema_decay=0.5, data="digits")
    trainer.step(2)
    state = trainer.state_dict()
    assert plain_values(state)
    before = trainer.state_hash()
    for network in state["networks"].values():
        for tensor in network.values():
            tensor.fill_(7)
    assert trainer.state_hash() == before


def test_the_hash_covers_every_part_of_the_state():
    trainer = small(ema_decay=0.5, **pair_with_buffers())
    trainer.step(2)
    seen = {trainer.state_hash()}

    def touch(tree):
        for name, value in tree.items():
            if isinstance(value, dict):
                yield from touch(value)
            elif isinstance(value, torch.Tensor):
                flat = value.reshape(-1).view(torch.uint8)
                flat[0] ^= 1
                yield name
                flat[0] ^= 1

    tree = trainer._session.tree()
    with torch.no_grad():
        parts = ("networks", "optimizers")
        names = [
            name for part in parts for name in touch(tree[part]) if seen.add(trainer.state_hash()) is None
        ]
    assert len(names) > 40
    assert len(seen) == len(names) + 1
    for name, value in {"lr_d": 0.5, "latent_dim": 4, "data": "moons", "seed": 4}.items():
        setattr(trainer.settings, name, value)
        seen.add(trainer.state_hash())
    trainer.step()
    assert len(seen) == len(names) + 5


def test_a_loaded_state_dict_continues_like_its_origin():
    one, other = small(ema_decay=0.5), small(ema_decay=0.5, lr_d=0.3, seed=4, g_hidden=(4,))
    one.step(3)
    one.settings.latent_dim = 7
    one.settings.optimizer_d = "sgd"
    other.step(5)
    other.load_state_dict(one.state_dict())
    assert other.state_hash() == one.state_hash()
    assert other.settings.as_dict() == one.settings.as_dict()
    assert len(other.history["loss_d"]) == 3
    for run in (one, other):
        run.step(4)
        run.reset()
        run.step(2)
    assert other.state_hash() == one.state_hash()


POINTS = np.random.default_rng(0).normal(size=(40, 2)).astype("float32")
CLASSES = np.arange(40) % 2


@pytest.mark.parametrize(
    ("theirs", "ours", "named"),
    [
        ("grid25", "ring8", "'grid25', and this trainer has ring8"),
        ("ring8", POINTS, "'ring8', and this trainer has array of 40 points"),
        (POINTS, "ring8", "data with the SHA-256 [0-9a-f]{12}, and this trainer has ring8"),
        (POINTS, POINTS + 1, "SHA-256"),
        (POINTS, POINTS.copy(), ""),
        ((POINTS, CLASSES), (POINTS, 1 - CLASSES), "SHA-256"),
        ("digits", POINTS, "'digits'"),
    ],
)
def test_a_state_of_a_run_on_other_data_is_refused_with_both_names(theirs, ours, named):
    one, other = small(data=theirs), small(data=ours)
    one.step(2)
    other.step(3)
    before, settings = other.state_hash(), other.settings.as_dict()
    if not named:
        other.load_state_dict(one.state_dict())
        assert other.iteration == 2
        return
    with pytest.raises(gw.CheckpointError, match=f"trained on .*{named}.* made with the data of that run"):
        other.load_state_dict(one.state_dict())
    assert (other.state_hash(), other.settings.as_dict()) == (before, settings)
    assert len(other.interventions) == 0


def test_a_state_on_earlier_data_of_the_run_restores_that_data():
    trainer = small()
    trainer.step(2)
    state, before = trainer.state_dict(), trainer.state_hash()
    trainer.settings.data = "grid25"
    trainer.reset()
    trainer.step()
    trainer.load_state_dict(state)
    assert trainer.source.name == "ring8"
    assert trainer.state_hash() == before


def test_history_is_padded_if_a_loaded_state_is_ahead():
    one, other = small(), small()
    one.step(12)
    other.step(2)
    kept = other.history["loss_d"]
    other.load_state_dict(one.state_dict())
    other.step(2)
    losses = other.history["loss_d"]
    assert losses[:2].tolist() == kept.tolist()
    assert np.isnan(losses[2:12]).all()
    assert np.isfinite(losses[12:]).all()
    assert other.interventions[0].setting == "load"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda s: s.clear(),
        lambda s: s.update(format=99),
        lambda s: s.update(data="0" * 64),
        lambda s: s.pop("cursor"),
        lambda s: s.update(iteration="3"),
        lambda s: s["networks"].pop("generator"),
        lambda s: s["networks"]["generator"].pop("0.weight"),
        lambda s: s["networks"]["discriminator"].update({"0.weight": torch.zeros(3)}),
        lambda s: s["optimizers"]["generator"]["memory"].update({"0.exp_avg": torch.zeros(3)}),
        lambda s: s["optimizers"]["generator"].update(name="adamant"),
        lambda s: s["randomness"].update(noise=torch.zeros(4, dtype=torch.uint8)),
        lambda s: s["randomness"].pop("network"),
        lambda s: s["settings"].update(lr_d=-1),
        lambda s: s["settings"].update(lr_q=1),
        lambda s: s["settings"].update(data="sha256:0"),
        lambda s: s["built"].update(data="nowhere"),
        lambda s: s["own"].update(generator=False),
        lambda s: s.update(networks=3),
    ],
)
def test_a_state_that_does_not_fit_is_refused_and_nothing_changes(spoil):
    trainer = small(**pair_with_buffers(), ema_decay=0.5)
    trainer.step(3)
    state = trainer.state_dict()
    trainer.step(2)
    before, settings = trainer.state_hash(), trainer.settings.as_dict()
    spoil(state)
    with pytest.raises(gw.CheckpointError):
        trainer.load_state_dict(state)
    assert trainer.state_hash() == before
    assert trainer.settings.as_dict() == settings
    assert len(trainer.history["loss_d"]) == 5
    twin = small(**pair_with_buffers(), ema_decay=0.5)
    twin.step(5)
    twin.step(2)
    trainer.step(2)
    assert trainer.state_hash() == twin.state_hash()


@pytest.mark.parametrize("penalty", ["none", "r1", "gradient_penalty"])
def test_the_penalty_is_recorded_apart_from_the_adversarial_loss(penalty):
    trainer = small("ring8", penalty=penalty, penalty_weight=2.0)
    trainer.step(9)
    walk = trainer.walk("discriminator")
    for _ in range(4):
        here = walk.next()
    walk.leave()
    record = trainer.step()
    adversarial = (
        torch.nn.functional.softplus(-here.real_logits).mean()
        + torch.nn.functional.softplus(here.fake_logits).mean()
    )
    column = trainer.history["penalty_d"]
    assert record["loss_d"] - column[9] == pytest.approx(adversarial.item(), abs=1e-6)
    assert (column[9] > 0) == (penalty != "none")
    assert np.isnan(column[1:9]).all()
    assert "penalty_d" in list(trainer.history)
    assert "penalty_d" in trainer.history.to_frame()
    assert len(trainer.history) == len(list(trainer.history)) == trainer.history.to_frame().shape[1] + 1
    assert "penalty_d" not in record, "a record has the keys that it always had"


def test_a_lazy_penalty_is_zero_in_the_updates_without_it():
    trainer = small("ring8", penalty="r1", penalty_interval=3)
    trainer.step(10)
    assert trainer.history["penalty_d"][0] > 0
    trainer.step(10)
    assert trainer.history["penalty_d"][19] == 0
