"""Runs that were kept before some of the settings existed.

``older.zip`` holds what ganwidgets wrote on 21 November 2026 (commit 7e14114): a run in a folder and a
saved file, both with five steps and one change; and the losses of the four steps that came next. And of
25 November (commit f9eb6d1) a run with a lazy penalty, which then counted all updates of D.
"""

from __future__ import annotations

import json
import warnings
import zipfile
from pathlib import Path

import pytest
import torch

import ganwidgets as gw
from ganwidgets.errors import CheckpointError
from ganwidgets.runs.state.hashing import digest
from ganwidgets.runs.state.migrations import MIGRATIONS, completed_settings, is_hash_of
from ganwidgets.settings import SETTINGS

ADDED_SETTINGS = {name: value for addition in MIGRATIONS for name, value in addition.settings.items()}


@pytest.fixture
def older(tmp_path):
    with zipfile.ZipFile(Path(__file__).with_name("older.zip")) as archive:
        archive.extractall(tmp_path)
    return tmp_path


def reopened(path):
    """Open or load the run; every warning is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return gw.GANTrainer.load(path) if path.suffix else gw.open_run(path)


@pytest.mark.parametrize("name", ["kept", "saved.gan"])
def test_an_older_run_continues_like_in_its_version(older, name):
    trainer = reopened(older / name)
    assert {name: getattr(trainer.settings, name) for name in ADDED_SETTINGS} == ADDED_SETTINGS
    assert (trainer.iteration, trainer.settings.lr_d) == (5, 1e-3)
    trainer.step(4)
    then = torch.tensor(json.loads((older / "then.json").read_text())["losses_of_the_next_steps"])
    now = torch.stack([torch.from_numpy(trainer.history[loss][-4:]) for loss in ("loss_d", "loss_g")], dim=1)
    # The bits are those of the processor that computed them; others add in another order.
    torch.testing.assert_close(now.double(), then.double(), rtol=1e-4, atol=1e-5)


def test_an_older_run_can_be_travelled_changed_and_replayed(older):
    path = older / "kept"
    assert gw.replay(path).verdict in {"equal", "close"}
    trainer = reopened(path)
    at_tip = trainer.state_hash()
    trainer.timeline.goto(2)
    trainer.change("lazier", penalty="r1", penalty_interval=3)
    trainer.step(4)
    trainer.timeline.switch("main")
    assert trainer.state_hash() == at_tip
    trainer.timeline.switch("branch 2")
    trainer.step(1)
    ended = trainer.state_hash()
    del trainer
    assert gw.replay(path).verdict in {"equal", "close"}
    again = reopened(path)
    assert again.state_hash() == ended


def test_a_run_that_counted_all_updates_of_d_replays_and_continues(older):
    path = older / "lazy"
    assert gw.replay(path).verdict in {"equal", "close"}
    trainer = reopened(path)
    assert trainer.state_dict()["d_updates"] == 9
    trainer.step(2)
    assert trainer.state_dict()["d_updates"] == 13 % 3
    trainer.timeline.goto(2)
    trainer.step(2)
    trainer.close()
    assert gw.replay(path).verdict in {"equal", "close"}


def test_hashes_of_older_states_do_not_depend_on_the_path_to_them(older):
    """Counters that an older version lacked must not depend on where counting began."""
    kept, saved = reopened(older / "kept"), reopened(older / "saved.gan")
    kept.timeline.goto(0)
    kept.timeline.goto(5)
    kept.change(penalty="r1", penalty_interval=3)
    saved.change(penalty="r1", penalty_interval=3)
    for trainer in (kept, saved):
        trainer.step(3)
    one, other = kept.state_dict(), saved.state_dict()
    assert one["d_updates"] == other["d_updates"] == 0
    assert digest(one["networks"]) == digest(other["networks"])


def test_pretrained_runs_of_an_older_version_are_read():
    assert gw.pretrained("ring8").settings.precision == "float32"


def test_an_older_hash_omits_only_values_without_effect():
    trainer = gw.GANTrainer("ring8", g_hidden=(2,), d_hidden=(2,))
    tree = trainer.state_dict()
    older = {name: value for name, value in tree.items() if name != "d_updates"}
    for part in ("settings", "built"):
        older[part] = {name: value for name, value in tree[part].items() if name not in ADDED_SETTINGS}
    assert is_hash_of(tree, digest(tree))
    assert is_hash_of(tree, digest(older))
    for name, value in {"packing": 2, "precision": "bfloat16", "holdout": 0.1, "lr_d": 0.5}.items():
        other = {**tree, "settings": {**tree["settings"], name: value}}
        assert not is_hash_of(other, digest(older)), name


def test_every_setting_is_in_the_first_version_or_in_a_migration(older):
    """A new setting needs a value for older runs; see `ganwidgets.runs.state.migrations`."""
    first = trainer_document(older / "saved.gan")["state"]["settings"]
    assert first.keys() | ADDED_SETTINGS.keys() == SETTINGS.keys()
    assert not first.keys() & ADDED_SETTINGS.keys()


def test_unknown_and_missing_settings_are_named():
    stored = gw.GANTrainer("ring8").settings.as_dict()
    assert completed_settings(stored) == stored
    with pytest.raises(CheckpointError, match=r"does not know \(warmth\).*upgrade ganwidgets"):
        completed_settings({**stored, "warmth": 1})
    with pytest.raises(CheckpointError, match=r"no value for settings .*\(beta1, lr_d\)"):
        completed_settings({n: v for n, v in stored.items() if n not in {"beta1", "lr_d"}})


def trainer_document(path):
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        return json.loads(file.metadata()["document"])
