"""Saved runs: the contents of the file, the arguments that load() needs, and refusals without side effects."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

from ganwidgets import CheckpointError, GANTrainer
from ganwidgets.runs.files.checkpoint import read_checkpoint

pytestmark = pytest.mark.filterwarnings("ignore:.*with batch norm:ganwidgets.DataWarning")

SMALL = {"g_hidden": (8,), "d_hidden": (8,), "latent_dim": 2, "batch_size": 8}
NUMBERS = np.random.default_rng(0)
POINTS = NUMBERS.normal(size=(30, 2))


def small(data="ring8", **settings):
    return GANTrainer(data, **{**SMALL, **settings})


def go_on_alike(one, other):
    assert one.state_hash() == other.state_hash()
    for run in (one, other):
        run.step(3)
        run.reset()
        run.step(2)
    return one.state_hash() == other.state_hash()


@pytest.mark.parametrize(
    "data",
    [
        "ring8",
        "digits",
        POINTS,
        (POINTS, np.arange(30) % 3),
        NUMBERS.integers(0, 256, (20, 8, 8), dtype=np.uint8),
        NUMBERS.random((20, 3, 8, 8)),
        NUMBERS.random((20, 8, 8)) * 2 - 1,
        torch.tensor(POINTS / 3),
        np.full((10, 4, 4), 0.5),
    ],
    ids=["points", "images", "array", "with labels", "bytes", "floats", "signed floats", "tensor", "grey"],
)
def test_presets_and_small_arrays_are_loaded_from_the_file(tmp_path, data):
    trainer = small(data)
    trainer.step(12)
    trainer.save(tmp_path / "run")
    loaded = GANTrainer.load(tmp_path / "run")
    assert loaded.source.fingerprint == trainer.source.fingerprint
    assert loaded.source.name == trainer.source.name
    assert torch.equal(loaded.real(5, seed=1), trainer.real(5, seed=1))
    assert go_on_alike(trainer, loaded)


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        (np.zeros((2 * 2**20, 2), np.float32), True),
        (np.zeros((2 * 2**20 + 1, 2), np.float32), False),
        (NUMBERS.integers(0, 256, (2**14, 32, 32), dtype=np.uint8), True),
        (NUMBERS.integers(0, 256, (2**14 + 1, 32, 32), dtype=np.uint8), False),
    ],
    ids=["16 MB of floats", "more", "16 MB of bytes", "more bytes"],
)
def test_arrays_of_up_to_16_megabytes_are_stored_in_the_file(tmp_path, data, kept):
    trainer = small(data)
    trainer.save(tmp_path / "run")
    if kept:
        assert GANTrainer.load(tmp_path / "run").state_hash() == trainer.state_hash()
        return
    assert (tmp_path / "run").stat().st_size < 2**20
    with pytest.raises(CheckpointError, match=r"is not in the file; pass it as data="):
        GANTrainer.load(tmp_path / "run")
    assert GANTrainer.load(tmp_path / "run", data).state_hash() == trainer.state_hash()


def test_a_dataset_must_be_passed_to_load(tmp_path):
    data = TensorDataset(torch.tensor(POINTS).float())
    trainer = small(data)
    trainer.step(5)
    trainer.save(tmp_path / "run")
    with pytest.raises(CheckpointError, match="pass it as data="):
        GANTrainer.load(tmp_path / "run")
    other = TensorDataset(torch.tensor(POINTS).float() + 1)
    with pytest.raises(CheckpointError, match="other data"):
        GANTrainer.load(tmp_path / "run", other)
    assert go_on_alike(trainer, GANTrainer.load(tmp_path / "run", data))


def test_data_that_differs_from_the_runs_is_refused(tmp_path):
    small(POINTS).save(tmp_path / "array")
    small("ring8").save(tmp_path / "preset")
    with pytest.raises(CheckpointError, match="other data"):
        GANTrainer.load(tmp_path / "array", POINTS + 1)
    with pytest.raises(CheckpointError, match="other data"):
        GANTrainer.load(tmp_path / "array", "moons")
    with pytest.raises(CheckpointError, match=r"does not match what was passed.*neither a preset"):
        GANTrainer.load(tmp_path / "array", "moonz")
    with pytest.raises(CheckpointError, match="other data"):
        GANTrainer.load(tmp_path / "preset", POINTS)
    assert GANTrainer.load(tmp_path / "array", POINTS).state_hash() == small(POINTS).state_hash()


def pair(width=8, seed=0):
    torch.manual_seed(seed)
    return {
        "generator": nn.Sequential(
            nn.Linear(2, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Linear(width, 2)
        ),
        "discriminator": nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Linear(width, 1)),
    }


def test_networks_of_the_user_must_be_passed_to_load(tmp_path):
    trainer = small(**pair(), ema_decay=0.5)
    trainer.step(5)
    trainer.save(tmp_path / "run")
    again = pair(seed=9)
    loaded = GANTrainer.load(tmp_path / "run", **again)
    assert loaded.generator is again["generator"]
    assert go_on_alike(trainer, loaded), "a reset goes back to the weights that the run began with"


@pytest.mark.parametrize(
    ("passed", "what"),
    [
        ({}, "generator of its own"),
        ({"generator": pair()["generator"]}, "discriminator of its own"),
        (pair(width=9), r"does not fit the state: 0\.bias"),
        ({**pair(), "generator": nn.Linear(2, 2)}, "does not fit the state"),
        ({**pair(), "generator": nn.Linear(3, 2)}, "latent_dim is 2"),
        ({**pair(), "discriminator": nn.Linear(2, 2)}, "one logit for each"),
        (
            {**pair(), "discriminator": nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1)).half()},
            "discriminator",
        ),
    ],
)
def test_networks_that_do_not_fit_are_refused_and_unchanged(tmp_path, passed, what):
    trainer = small(**pair())
    trainer.step(2)
    trainer.save(tmp_path / "run")
    before = {name: [t.clone() for t in network.state_dict().values()] for name, network in passed.items()}
    with pytest.raises(CheckpointError, match=what):
        GANTrainer.load(tmp_path / "run", **passed)
    for name, network in passed.items():
        assert all(map(torch.equal, before[name], network.state_dict().values()))


def test_networks_passed_for_a_run_with_built_in_ones_are_refused(tmp_path):
    small().save(tmp_path / "run")
    with pytest.raises(CheckpointError, match="built-in generator; pass none"):
        GANTrainer.load(tmp_path / "run", generator=nn.Linear(2, 2))


@pytest.mark.parametrize("pending", [POINTS + 5, "moons", "digits"], ids=["array", "moons", "digits"])
@pytest.mark.parametrize("data", [POINTS, "ring8"], ids=["on an array", "on a preset"])
def test_pending_settings_are_saved_too(tmp_path, data, pending):
    trainer = small(data)
    trainer.step(3)
    trainer.change(data=pending, g_hidden=(4, 4), seed=8, optimizer_g="sgd", lr_d=0.25)
    trainer.save(tmp_path / "run")
    loaded = GANTrainer.load(tmp_path / "run")
    assert [(r.setting, r.iteration) for r in loaded.interventions] == [
        (r.setting, r.iteration) for r in trainer.interventions
    ]
    assert go_on_alike(trainer, loaded)
    assert loaded.source.fingerprint == small(pending).source.fingerprint


def test_pending_data_that_is_too_large_is_named_and_stays_pending(tmp_path):
    trainer = small()
    trainer.settings.data = np.zeros((2 * 2**20 + 1, 2), np.float32)
    trainer.save(tmp_path / "run")
    with pytest.raises(CheckpointError, match="is not in the file"):
        GANTrainer.load(tmp_path / "run")


def test_saving_does_not_change_the_run_and_replaces_the_file_atomically(tmp_path):
    path = tmp_path / "run"
    trainer = small()
    trainer.step(3)
    before = trainer.state_hash()
    trainer.save(path)
    trainer.save(str(path))
    assert trainer.state_hash() == before
    trainer.step(1)
    trainer.save(path)
    assert GANTrainer.load(path).iteration == 4
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(CheckpointError, match="cannot be written"):
        trainer.save(path / "below")
    assert GANTrainer.load(path).iteration == 4
    twin = small()
    twin.step(5)
    trainer.step(1)
    assert trainer.state_hash() == twin.state_hash()


def test_a_damaged_file_is_refused_or_has_no_effect(tmp_path):
    path = tmp_path / "run"
    trainer = small(POINTS, ema_decay=0.5)
    trainer.step(15)
    trainer.settings.lr_d = 0.125
    trainer.save(path)
    data, whole = path.read_bytes(), trainer.state_hash()
    chosen = random.Random(1)  # noqa: S311 - where the damage is
    header = 8 + int.from_bytes(data[:8], "little")
    for length in [
        0,
        7,
        8,
        header - 1,
        header,
        len(data) - 1,
        *(chosen.randrange(len(data)) for _ in range(20)),
    ]:
        path.write_bytes(data[:length])
        with pytest.raises(CheckpointError):
            GANTrainer.load(path)
    for limit in [header] * 60 + [len(data)] * 60:
        place = chosen.randrange(limit * 8)
        damaged = bytearray(data)
        damaged[place // 8] ^= 1 << place % 8
        path.write_bytes(damaged)
        try:
            loaded = GANTrainer.load(path)
        except CheckpointError:
            continue
        assert loaded.state_hash() == whole
        assert loaded.interventions == trainer.interventions


def test_the_file_contains_only_tensors_and_plain_values(tmp_path):
    trainer = small(POINTS)
    trainer.step(3)
    trainer.save(tmp_path / "run")
    tensors, document = read_checkpoint(tmp_path / "run")
    assert all(isinstance(tensor, torch.Tensor) for tensor in tensors.values())
    assert set(document) == {"state", "start", "log", "data", "torch"}
    assert b"torch._utils" not in (tmp_path / "run").read_bytes()


def test_a_subclass_is_loaded_by_its_own_load(tmp_path):
    class Mine(GANTrainer):
        pass

    small().save(tmp_path / "run")
    assert type(Mine.load(tmp_path / "run")) is Mine


def test_loading_does_not_change_the_global_generator(tmp_path):
    trainer = small()
    trainer.step(2)
    before = torch.get_rng_state()
    trainer.save(tmp_path / "run")
    GANTrainer.load(tmp_path / "run").step(2)
    assert torch.equal(before, torch.get_rng_state())
