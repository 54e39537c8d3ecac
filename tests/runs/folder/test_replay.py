"""Replay: a stored run is recomputed and compared; the first difference is named."""

from __future__ import annotations

import pytest
import torch
from keeping_children import SMALL
from stored_rows import rewritten
from torch import nn

import ganwidgets as gw
from ganwidgets.runs.folder import autosaver as keeping
from ganwidgets.runs.state.hashing import digest
from ganwidgets.runs.store import RunFolder
from ganwidgets.runs.store.snapshot_files import SnapshotFiles


@pytest.fixture
def path(memory_factory, monkeypatch):
    """A run with a state stored at each step."""
    monkeypatch.setattr(keeping, "SPACING", 0)
    monkeypatch.setattr(keeping, "SHARE", 0)
    monkeypatch.setattr(keeping, "SHARE_AT_ONCE", 0)
    path = memory_factory() / "run"
    trainer = gw.GANTrainer("ring8", **SMALL, run=path)
    trainer.step(6)
    trainer.change("calmer", lr_d=1e-4, optimizer_g="rmsprop")
    trainer.step(3)
    trainer.step_d(3)
    trainer.step(3)
    trainer.timeline.goto(5)
    trainer.step(3)
    trainer.reset(3)
    trainer.step_g(2)
    trainer.step(3)
    trainer.load_state_dict(trainer.state_dict())
    trainer.settings.ema_decay = 0.9
    trainer.step(3)
    trainer.timeline.switch("branch 2")
    trainer.settings.d_steps = 2
    trainer.close()
    return path


def row_of(path, branch, iteration):
    with RunFolder.open(path, writable=False) as folder:
        rows = [r for r in folder.load().snapshots if r.place.get("place", [])[:2] == [branch, iteration]]
        return rows[-1]


def tampered(path, row, change):
    """Change a stored state and make all its digests right again."""
    name = path / "snapshots" / row.file
    with RunFolder.open(path) as folder:
        tree = folder.read_snapshot(row)
    change(tree)
    files = SnapshotFiles(path)
    file, size, sha256 = files.write(tree)
    name.unlink()
    trainer = gw.GANTrainer("ring8", **SMALL)
    session = trainer._session

    def rewrite(content):
        if content["file"] != row.file:
            return content
        place = content["place"]
        full = keeping.described(session, place["settings"], session.run, session.built, tree)
        return {"file": file, "size": size, "sha256": sha256, "place": place | {"state_hash": digest(full)}}

    rewritten(path, "snapshots", rewrite)


def test_an_unchanged_run_replays_as_equal(path):
    report = gw.replay(path)
    assert report
    assert report.equal
    assert (report.verdict, report.first_difference, dict(report.environment)) == ("equal", None, {})
    assert report.states > 25
    assert str(report).startswith(f"equal: {report.states} states")
    with RunFolder.open(path) as folder:
        assert folder.writable, "it was only read"


def test_a_changed_weight_is_named(path):
    def change(tree):
        tree["networks"]["generator"]["0.weight"][0, 0] += 1e-7

    tampered(path, row_of(path, 0, 8), change)
    opened = gw.open_run(path)
    opened.timeline.goto(8, "main")  # Only a replay can detect it.
    opened.close()
    report = gw.replay(path)
    assert not report
    assert report.verdict == "differs"
    found = report.first_difference
    assert (found.branch, found.iteration, found.what) == ("main", 8, ("networks/generator/0.weight",))
    assert str(report) == "differs from iteration 8 of branch 'main' on (networks/generator/0.weight)"


def test_changed_counters_and_settings_are_named(path):
    def change(tree):
        tree["cursor"] += 1

    tampered(path, row_of(path, 1, 7), change)
    assert gw.replay(path).first_difference.what == ("cursor",)
    assert gw.replay(path).first_difference.branch == "branch 2"


def test_a_changed_intervention_is_detected(path):
    rewritten(path, "interventions", lambda row: row | {"new": 0.1} if row["setting"] == "lr_d" else row)
    found = gw.replay(path).first_difference
    assert (found.branch, found.iteration) == ("main", 7)
    assert "lr_d" in found.what
    rewritten(
        path,
        "interventions",
        lambda row: row | {"hash_before": 64 * "0"} if row["setting"] == "step_g" else row,
    )
    rewritten(path, "interventions", lambda row: row | {"new": 1e-4} if row["setting"] == "lr_d" else row)
    found = gw.replay(path).first_difference
    assert (found.branch, found.iteration) == ("branch 3", 0)
    assert found.what[0].startswith("the state before intervention")


def test_another_environment_is_named_and_small_differences_are_close(path, monkeypatch):
    monkeypatch.setattr(torch, "__version__", "99.0")
    report = gw.replay(path)
    assert report.equal, "equal is equal"
    assert report.environment["torch"][1] == "99.0"

    def change(tree):
        tree["networks"]["generator"]["0.weight"] += 1e-7

    tampered(path, row_of(path, 0, 4), change)
    report = gw.replay(path)
    assert (report.verdict, bool(report)) == ("close", False)
    assert "99.0" in str(report)

    def worse(tree):
        tree["networks"]["generator"]["0.weight"] += 1

    tampered(path, row_of(path, 0, 4), worse)
    report = gw.replay(path)
    assert report.verdict == "differs"
    assert "99.0" in str(report)


class Drawing(nn.Module):
    """Draws from its own generator, which the run does not know."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2, 2)
        self.seed = 0

    def forward(self, x):
        if self.training:
            self.seed += 1
            x = x + torch.randn(x.shape, generator=torch.Generator().manual_seed(self.seed))
        return self.linear(x)


def test_a_run_with_unknown_randomness_is_not_exact(memory_factory):
    path = memory_factory() / "run"
    trainer = gw.GANTrainer("ring8", generator=Drawing(), latent_dim=2, d_hidden=(4,), run=path)
    assert not trainer.exact
    trainer.step(5)
    trainer.close()
    drawing = Drawing()
    drawing.seed = 12
    report = gw.replay(path, generator=drawing)
    assert report.verdict == "not exact"
    assert str(report).startswith("not exact")


def test_a_damaged_snapshot_is_reported_and_the_others_are_compared(path):
    row = row_of(path, 0, 8)
    (path / "snapshots" / row.file).write_bytes(b"")
    with pytest.warns(gw.CheckpointWarning, match=row.file):
        assert gw.replay(path)
