"""An opened run has the bits of a run that was never closed, in any process; damage is reported or repaired."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from keeping_children import SMALL
from stored_rows import rewritten
from test_exactness import KINDS, VALUES, few
from torch import nn
from torch.utils.data import Dataset

import ganwidgets as gw
from ganwidgets.runs.folder import autosaver as keeping

pytestmark = pytest.mark.filterwarnings("ignore:.*with batch norm:ganwidgets.DataWarning")

HERE = Path(__file__).parents[1]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ring-17"


def start(path, **settings):
    return gw.GANTrainer("ring8", **{**SMALL, **settings}, run=path)


# --- closed and opened in between -------------------------------------------------------------------


class Pair:
    """Plays the same moves on a run that is stored, closed and reopened, and on a run in memory."""

    def __init__(self, kind, path):
        self.kind = kind
        self.path = path
        self.made = KINDS[kind]()
        self.kept = gw.GANTrainer(**self.made, batch_size=8, run=path)
        self.free = gw.GANTrainer(**{**KINDS[kind](), "data": self.made["data"]}, batch_size=8)

    def own(self):
        return {name: KINDS[self.kind]().get(name) for name in ("generator", "discriminator", "objective")}

    def data(self):
        return self.made["data"] if isinstance(self.made["data"], Dataset) else None

    def reopen(self):
        self.kept.close()
        self.kept = gw.open_run(self.path, self.data(), **self.own())
        self.free._session.log.seal()  # Reopening restarts the count of updates of one network.

    def play(self, moves):
        for what, *arguments in moves:
            if what == "reopen":
                self.reopen()
            else:
                for trainer in (self.kept, self.free):
                    move(trainer, what, *arguments)
            assert self.kept.state_hash() == self.free.state_hash(), what

    def check(self):
        self.reopen()
        kept, free = self.kept, self.free
        assert kept.state_hash() == free.state_hash()
        assert kept.timeline.interventions == free.timeline.interventions
        assert kept.interventions == free.interventions
        assert kept.timeline.branches == free.timeline.branches
        assert (kept.timeline.place, kept.timeline.at_tip) == (free.timeline.place, free.timeline.at_tip)
        for name in free.timeline.branches:
            for column in free.history:
                np.testing.assert_array_equal(
                    kept.timeline.history(name)[column], free.timeline.history(name)[column]
                )
                np.testing.assert_array_equal(kept.history[column], free.history[column])
        for name in free.timeline.branches:
            for trainer in (kept, free):
                trainer.timeline.switch(name)
            assert kept.state_hash() == free.state_hash()
        kept.close()
        assert gw.replay(self.path, self.data(), **self.own())


def move(trainer, what, *arguments):
    timeline = trainer.timeline
    names = list(timeline.branches)
    match what:
        case "step" | "step_d" | "step_g" | "reset":
            getattr(trainer, what)(*arguments)
        case "change" if possible(trainer, *arguments):
            setattr(trainer.settings, *arguments)
        case "goto":
            first = timeline.first()
            timeline.goto(first + int(arguments[0] * (timeline.tip() - first + 1)))
        case "switch":
            timeline.switch(names[int(arguments[0] * len(names))])
        case "fork":
            timeline.fork(f"fork {len(names)}")
        case "undo" if trainer.interventions and timeline.interventions:
            timeline.undo()
        case "load":
            trainer.load_state_dict(trainer.state_dict())


def possible(trainer, name, value):
    """Return True if this run can have that setting, whose value is in bounds."""
    match name:
        case "augment":
            return trainer.source.kind == "images"
        case "unroll_steps":  # Batch norm has no third derivative, which a penalty needs.
            return not any(isinstance(module, nn.BatchNorm2d) for module in trainer.discriminator.modules())
        case "batch_size":
            return value % trainer.settings.packing == 0
    return True


share = st.floats(0, 1, exclude_max=True)
moves = st.one_of(
    st.tuples(st.sampled_from(["step", "step_d", "step_g"]), few),
    st.sampled_from(sorted(VALUES)).flatmap(
        lambda name: st.tuples(st.just("change"), st.just(name), st.sampled_from(VALUES[name]))
    ),
    st.tuples(st.just("reset"), st.sampled_from([None, 5])),
    st.tuples(st.sampled_from(["goto", "switch"]), share),
    st.sampled_from([("fork",), ("undo",), ("load",), ("reopen",), ("reopen",), ("reopen",)]),
)


@pytest.mark.parametrize("kind", KINDS)
@given(played=st.lists(moves, min_size=4, max_size=14))
@settings(max_examples=8)
def test_a_reopened_run_equals_a_run_that_was_never_closed(memory_factory, kind, played):
    pair = Pair(kind, memory_factory() / "run")
    pair.play([("step", 3), *played, ("step", 1)])
    pair.check()


def test_changed_and_pending_data_are_restored(path):
    noise = torch.Generator().manual_seed(0)
    first, second = (torch.randn(30, 2, generator=noise).numpy() for _ in range(2))
    made = {"g_hidden": (4,), "d_hidden": (4,), "batch_size": 4}
    kept, free = gw.GANTrainer(first, **made, run=path), gw.GANTrainer(first, **made)
    for trainer in (kept, free):
        trainer.step(2)
        trainer.settings.data = second
        trainer.step(2)
        trainer.reset()
        trainer.step(2)
        trainer.settings.data = "moons"
    kept.close()
    kept = gw.open_run(path)
    assert kept.state_hash() == free.state_hash()
    for trainer in (kept, free):
        trainer.reset()
        trainer.step(2)
        trainer.timeline.switch("main")
        trainer.reset()
        trainer.step(1)
    assert kept.state_hash() == free.state_hash()
    kept.close()
    assert gw.replay(path)
    with pytest.raises(gw.CheckpointError, match="other data"):
        gw.open_run(path, "spiral")


def test_missing_objects_of_the_user_are_requested(path, tmp_path):
    large = np.random.default_rng(0).normal(size=(2_200_000, 2)).astype(np.float32)
    trainer = gw.GANTrainer(large, g_hidden=(4,), d_hidden=(4,), run=path)
    trainer.step(2)
    trainer.close()
    assert sum(file.stat().st_size for file in path.rglob("*")) < 1_000_000
    with pytest.raises(gw.CheckpointError, match="pass it as data"):
        gw.open_run(path)
    with pytest.raises(gw.CheckpointError, match="other data"):
        gw.open_run(path, large[:-1])
    assert gw.open_run(path, large).state_hash() == trainer.state_hash()
    network = torch.nn.Linear(2, 2)
    trainer = gw.GANTrainer("ring8", generator=network, latent_dim=2, run=tmp_path / "own")
    trainer.close()
    with pytest.raises(gw.CheckpointError, match="generator of its own"):
        gw.open_run(tmp_path / "own")
    with pytest.raises(gw.CheckpointError, match="does not fit"):
        gw.open_run(
            tmp_path / "own", generator=torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Linear(3, 2))
        )
    with pytest.raises(gw.CheckpointError, match="already holds a run"):
        start(path)
    with pytest.raises(gw.CheckpointError, match="not the folder of a run"):
        gw.open_run(tmp_path / "nowhere")


OPEN = """
import sys, torch, ganwidgets as gw
from ganwidgets.runs.folder import autosaver
torch.set_num_threads(1)
autosaver.SHARE_AT_ONCE = 0
trainer = gw.open_run(sys.argv[1])
print(trainer.state_hash())
trainer.timeline.goto(3)
print(trainer.state_hash())
trainer.step(4)
print(trainer.state_hash(), flush=True)
sys.stdin.read()
"""


def child(path):
    return subprocess.Popen(
        [sys.executable, "-c", OPEN, str(path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_another_process_trains_while_this_one_reads(path):
    trainer, free = start(path), gw.GANTrainer("ring8", **SMALL)
    for t in (trainer, free):
        t.step(5)
        t.settings.lr_d = 0.01
        t.step(2)
    trainer.close()
    other = child(path)
    assert other.stdout.readline().strip() == free.state_hash()
    free.timeline.goto(3)
    assert other.stdout.readline().strip() == free.state_hash()
    free.step(4)
    assert other.stdout.readline().strip() == free.state_hash()
    with pytest.warns(RuntimeWarning, match=f"process {other.pid} of .* not stored") as caught:
        looking = gw.open_run(path)
    assert len(caught) == 1
    assert looking.timeline.branches["branch 2"]
    looking.step(10)
    looking.timeline.switch("main")
    looking.reset()
    other.communicate()
    opened = gw.open_run(path)
    assert opened.state_hash() == free.state_hash()
    assert list(opened.timeline.branches) == ["main", "branch 2"]


# --- damage -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """The files of a killed run, and the hashes of all its states."""
    path = tmp_path_factory.mktemp("known") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keeping, "SHARE_AT_ONCE", 0)
        trainer = start(path)
        for iteration in range(12):
            trainer.step()
            if iteration in {3, 7}:
                trainer.settings.lr_d = 0.01 * iteration
        trainer.timeline.goto(6)
        trainer.step(3)
        trainer.timeline.fork("other")
        trainer.step(3)
    hashes = {}
    keep = trainer._session.autosave
    keep.save()
    files = {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}
    for name in list(trainer.timeline.branches):
        for iteration in range(trainer.timeline.tip(name) + 1):
            trainer.timeline.goto(iteration, name)
            hashes[name, iteration] = trainer.state_hash()
    trainer.close()
    return files, hashes


def put(files, path):
    for name, content in files.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def look_everywhere(path, hashes):
    """Open a run and compare all of it; return its warnings, or the error that refused it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            trainer = gw.open_run(path)
        except gw.CheckpointError as error:
            return str(error)
        try:
            assert trainer.state_hash() == hashes[trainer.timeline.branch, trainer.iteration]
            for name in trainer.timeline.branches:
                for iteration in {0, 5, trainer.timeline.tip(name)}:
                    try:
                        trainer.timeline.goto(iteration, name)
                    except gw.CheckpointError:
                        continue
                    assert trainer.state_hash() == hashes[name, iteration]
        finally:
            trainer.close()
    assert all(issubclass(warning.category, gw.CheckpointWarning) for warning in caught)
    return [str(warning.message) for warning in caught]


def test_no_damage_of_a_file_leads_to_a_wrong_state(known, memory_factory):
    files, hashes = known
    path = memory_factory() / "run"
    put(files, path)
    assert look_everywhere(path, hashes) == []
    shutil.rmtree(path)
    chosen = random.Random(0)  # noqa: S311 - where it is damaged
    snapshots = [name for name in files if name.startswith("snapshots")]
    pickled = b"\x80\x04cos\nsystem\n(S'touch " + str(path.parent / "executed").encode() + b"'\ntR."
    noticed = 0
    for name in ["run.sqlite", "run.sqlite-wal", "confirmed", "owner.json", *snapshots]:
        content = files[name]
        flipped = bytearray(content)
        flipped[chosen.randrange(len(content))] ^= 1 << chosen.randrange(8)
        swapped = files[chosen.choice([other for other in snapshots if other != name])]
        for damaged in (bytes(flipped), content[: chosen.randrange(len(content))], b"", swapped, pickled):
            put({**files, name: damaged}, path)
            reports = look_everywhere(path, hashes)
            if name in snapshots and damaged != content:
                noticed += bool(reports)
            shutil.rmtree(path)
        put({other: c for other, c in files.items() if other != name}, path)
        look_everywhere(path, hashes)
        shutil.rmtree(path)
    assert noticed > 3 * len(snapshots)
    assert not (path.parent / "executed").exists()


def test_a_damaged_state_is_recomputed_from_the_one_before(known, memory_factory):
    files, hashes = known
    path = memory_factory() / "run"
    put(files, path)
    with gw.runs.store.RunFolder.open(path) as folder:
        stored = folder.load()
    here = next(row for row in stored.snapshots if row.place.get("key") == stored.current["here"])
    (path / "snapshots" / here.file).write_bytes(b"")
    with pytest.warns(gw.CheckpointWarning, match="iteration 12 is lost") as caught:
        trainer = gw.open_run(path)
    assert len(caught) == 1
    assert trainer.state_hash() == hashes["other", 12]
    trainer.step()
    trainer.close()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert gw.open_run(path).iteration == 13


@pytest.mark.parametrize("name", ["../../passwd", "/etc/passwd", "..\\x.safetensors", "lock"])
def test_a_path_out_of_the_folder_is_not_followed(known, memory_factory, name):
    files, hashes = known
    path = memory_factory() / "run"
    put(files, path)
    rewritten(path, "snapshots", lambda row: row | {"file": name})
    assert isinstance(look_everywhere(path, hashes), str)


def test_inconsistent_branches_and_interventions_are_refused(known, memory_factory):
    files, hashes = known
    path = memory_factory() / "run"
    for table, change in [
        ("branches", lambda row: row | {"origin": "fork"}),
        ("branches", lambda row: row | {"id": 7}),
        ("interventions", lambda row: row | {"seq": 5}),
        ("interventions", lambda row: row | {"more": 5}),
        (
            "snapshots",
            lambda row: (
                row | {"place": row["place"] | {"settings": {}}} if "settings" in row["place"] else row
            ),
        ),
        (
            "snapshots",
            lambda row: (
                row | {"place": row["place"] | {"place": [9, 9, 9]}} if "settings" in row["place"] else row
            ),
        ),
    ]:
        put(files, path)
        rewritten(path, table, change)
        assert isinstance(look_everywhere(path, hashes), str), table
        shutil.rmtree(path)
