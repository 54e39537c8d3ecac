"""Forged values with correct hashes are refused with one kind of error in bounded time, or are harmless."""

from __future__ import annotations

import ast
import os
import shutil
import warnings
from collections import Counter
from functools import partial

import numpy as np
import pytest
import torch
from forger import HOSTILE, Deep, Rows, paths, put_saved, put_snapshot, replaced, snapshot_tree
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ganwidgets as gw
from ganwidgets.data import DATA_OPTIONS
from ganwidgets.runs.files.checkpoint import read_checkpoint
from ganwidgets.runs.state.flatten import flatten
from ganwidgets.runs.state.hashing import digest
from ganwidgets.settings import SETTINGS

pytestmark = pytest.mark.timeout(60)

SMALL = {"g_hidden": (8,), "d_hidden": (8,), "latent_dim": 2, "batch_size": 8}
POINTS = np.random.default_rng(0).normal(size=(30, 2))
WHOLE = settings(
    max_examples=60,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


OF_ANOTHER_RUN = {
    ("built", "holdout"),
    ("built", "seed"),
    ("state", "cursor"),
    ("state", "d_updates"),
    ("state", "optimizers"),
    ("discriminator", "memory"),
    ("generator", "memory"),
}
"""Where a saved file with right hashes may hold another valid value: it is then the file of another run.

Found by trying every hostile value in every place.
"""


class Original:
    """A run with every kind of stored value, in a folder and in a file beside it."""

    def __init__(self, root):
        self.root = root
        self.folder, self.file = root / "original", root / "original.gan"
        trainer = gw.GANTrainer(POINTS, **SMALL, ema_decay=0.9, run=self.folder)
        trainer.step(5)
        trainer.change("why", lr_d=1e-3, g_hidden=(4,))
        trainer.step(3)
        trainer.step_d(2)
        trainer.step(2)
        trainer.timeline.goto(6)
        trainer.timeline.fork("side")
        trainer.change(loss="hinge", g_hidden=(8,))
        trainer.step(2)
        trainer.reset(3)
        trainer.step(4)
        trainer.change(lr_g=0.01)
        trainer.save(self.file)
        self.hash = trainer.state_hash()
        trainer.close()
        self.trainer = gw.open_run(self.folder)
        self.trainer.close()
        self.rows = Rows(self.folder).read()
        self.tensors, self.document = read_checkpoint(self.file)
        self.snapshots = {number: row for (table, number), row in self.rows.items() if table == "snapshots"}
        self.trees = {number: snapshot_tree(self.folder, row) for number, row in self.snapshots.items()}

    def copy(self):
        """Return a copy of the run folder, alone in a new parent folder."""
        shutil.rmtree(self.root / "beside", ignore_errors=True)
        return shutil.copytree(self.folder, self.root / "beside" / "run")

    def beside(self):
        """Return the files beside the copy."""
        return sorted(path.name for path in (self.root / "beside").iterdir()) if self.root.exists() else []


@pytest.fixture(scope="session")
def original(memory_factory):
    return Original(memory_factory())


def shape(path):
    return tuple("#" if isinstance(name, int) else name for name in path)


def distinct(documents):
    """Return the paths into `documents`, at most two of each kind."""
    seen, found = Counter(), []
    for key, document in documents.items():
        for path in paths(document):
            kind = key[0], shape(path)
            seen[kind] += 1
            if seen[kind] <= 2:
                found.append((key, path))
    return found


def survived(action):
    """Return the result of `action`, or None if it raised the one error allowed for forged values."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return action()
        except gw.CheckpointError:
            return None


def used(trainer):
    """Use everything that was stored, and return the hash of the state."""
    before = trainer.state_hash()
    for interventions in (trainer.interventions, trainer.timeline.interventions):
        assert all(
            record.setting in {*SETTINGS, "reset", "load", "step_d", "step_g"} for record in interventions
        )
    repr(trainer), repr(trainer.timeline), trainer.history.to_frame()
    check_script(trainer.code())
    try:
        check_script(trainer.timeline.script())
    except ValueError as error:
        assert "no script" in str(error)  # noqa: PT017
    trainer.step(2)
    trainer.close()
    return before


def check_script(text):
    """Assert that a script contains only the calls of generated scripts, and no text from the forged values."""
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    calls = [ast.unparse(node.func) for node in nodes]
    for node, call in zip(nodes, calls, strict=True):
        if call == "gw.dataset":  # a placeholder for the user's data and its options
            assert [ast.literal_eval(argument) for argument in node.args] == [...]
            assert {keyword.arg for keyword in node.keywords} <= set(DATA_OPTIONS)
            assert all(ast.literal_eval(keyword.value) is not None for keyword in node.keywords)
    known = {"GANTrainer", "dataset", "step", "change", "step_d", "step_g", "reset"}
    assert {call.rpartition(".")[2] for call in calls} <= known
    assert {call.partition(".")[0] for call in calls} <= {"gw", "trainer"}


# --- folders --------------------------------------------------------------------------------------


@WHOLE
@given(data=st.data())
def test_every_forged_value_in_the_rows_of_a_folder(original, data):
    key, path = data.draw(st.sampled_from(distinct(original.rows)))
    value = data.draw(st.sampled_from(HOSTILE if key[0] == "head" else [*HOSTILE, Deep()]))
    run = original.copy()
    Rows(run).write(*key, replaced(original.rows[key], path, value))
    found = survived(lambda: used(gw.open_run(run)))
    # Only requested settings may differ, since a user may choose them.
    assert found in {None, original.hash} or "asked" in path or "new" in path
    survived(lambda: gw.replay(run))
    assert original.beside() == ["run"]


def bad_tensors(tensor):
    """Return tensors whose shape, type or values differ from those of `tensor`; some are valid."""
    return [
        torch.zeros(0),
        torch.zeros(()),
        torch.zeros(1, 1, 1, 1, 1),
        torch.zeros(0, 2**40),
        tensor.reshape(-1)[:1].clone(),
        tensor.to(torch.int64),
        tensor.double() if tensor.dtype != torch.float64 else tensor.float(),
        torch.full_like(tensor, 255 if tensor.dtype == torch.uint8 else -1),
    ]


@WHOLE
@given(data=st.data())
def test_every_forged_value_in_a_snapshot(original, data):
    number = data.draw(st.sampled_from(sorted(original.trees)))
    tree, tensors = original.trees[number], {}
    document = flatten(tree, "", tensors)
    path = data.draw(st.sampled_from(list(paths(document))))
    value = data.draw(st.sampled_from(HOSTILE))
    name = "".join(f"/{part}" for part in path)
    if name in tensors:
        value = data.draw(st.sampled_from([value, *bad_tensors(tensors[name])]))
    run = original.copy()
    try:
        put_snapshot(run, number, original.snapshots[number], replaced(tree, path, value), original.trainer)
    except (TypeError, AttributeError, KeyError, ValueError):
        return  # no such state exists
    survived(partial(journey, run))
    assert original.beside() == ["run"]


def journey(run):
    trainer = gw.open_run(run)
    try:
        trainer.timeline.switch("main")
        trainer.timeline.goto(2)
        trainer.step(2)
        trainer.reset()
        trainer.close()
        gw.replay(run)
    except gw.DivergedError:  # weights that are numbers, but far from useful
        trainer.close()


def test_an_unchanged_copy_is_the_same_run(original):
    run = original.copy()
    for key, row in original.rows.items():
        if key[0] != "head":
            Rows(run).write(*key, row)
    for number, tree in original.trees.items():
        put_snapshot(run, number, original.snapshots[number], tree, original.trainer)
    assert gw.replay(run)
    assert used(gw.open_run(run)) == original.hash


def rows_of(original, table, wanted=lambda _row: True):
    return [(key, row) for key, row in original.rows.items() if key[0] == table and wanted(row)]


BY_HAND = {
    "iteration of a place": ("snapshots", ("place", "place", 1)),
    "iteration of an intervention": ("interventions", ("iteration",)),
    "branch of an intervention": ("interventions", ("branch",)),
    "number of an intervention": ("interventions", ("seq",)),
    "threads": ("branches", ("root", "threads")),
    "first of a branch": ("branches", ("root", "first", 1)),
    "where a branch begins": ("branches", ("start", 0)),
    "number of a branch": ("branches", ("id",)),
    "the place of the run": ("head", ("current", "place", 1)),
    "how many interventions": ("head", ("current", "interventions")),
    "a row of the history": ("history", ("first",)),
    "length of a column": ("history", ("columns", "loss_d")),
}


@pytest.mark.parametrize("value", [-5, -1, 10**12, 10**15, 2**63, 2**70, 1.5, "1", None, True])
@pytest.mark.parametrize("what", BY_HAND)
def test_a_number_out_of_bounds_is_refused(original, what, value):
    table, path = BY_HAND[what]
    key, row = next(
        (key, row)
        for key, row in rows_of(original, table)
        if path in set(paths(row)) and at(row, path) is not None
    )
    run = original.copy()
    Rows(run).write(*key, replaced(row, path, value))
    with pytest.raises(gw.CheckpointError, match="run"):
        gw.open_run(run)
    with pytest.raises(gw.CheckpointError, match="run"):
        gw.replay(run)


def at(value, path):
    for name in path:
        value = value[name]
    return value


@pytest.mark.parametrize("device", ["nosuch", "cuda:99", "meta", "cpu:7", "", "x" * 1000])
def test_an_absent_device_is_refused_or_replaced(original, device):
    run = original.copy()
    ((key, row),) = rows_of(original, "document")
    Rows(run).write(*key, {**row, "device": device})
    report = survived(lambda: gw.replay(run))
    assert report is None or report.verdict in {"equal", "close"}


@pytest.mark.parametrize("table", ["document", "branches", "interventions", "snapshots", "history", "head"])
def test_deeply_nested_json_is_refused(original, table):
    run = original.copy()
    key, _ = rows_of(original, table)[0]
    Rows(run).write(*key, Deep())
    for action in (gw.open_run, gw.replay):
        with pytest.raises(gw.CheckpointError, match="damaged"):
            action(run)


INJECTED = "lr_d=0) or __import__('os').mkdir('executed') or dict(x"


@pytest.mark.parametrize(
    "change",
    [
        {"setting": INJECTED},
        {"setting": "step_d", "old": None, "new": INJECTED},
        {"setting": "step_d); evil(", "old": None, "new": 1},
        {"setting": "close", "old": None, "new": 1},
        {"setting": "__class__", "old": 1, "new": 1},
        {"setting": "loss", "old": "hinge", "new": INJECTED},
        {"setting": "g_hidden", "old": [8], "new": [INJECTED]},
        {"setting": "seed", "old": 1, "new": INJECTED},
        {"setting": "data", "old": "ring8", "new": "ring8", "data": INJECTED},
        {"setting": "data", "old": "ring8", "new": "ring8"},
        {"old": INJECTED},
    ],
)
def test_settings_and_actions_are_not_pasted_into_a_script(original, change):
    run = original.copy()
    key, row = rows_of(original, "interventions", lambda row: row["setting"] == "lr_d")[0]
    Rows(run).write(*key, {**row, **change})
    with pytest.raises(gw.CheckpointError):
        gw.open_run(run)


def test_a_reason_is_quoted_in_a_script(original, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = original.copy()
    for key, row in rows_of(original, "interventions"):
        Rows(run).write(*key, {**row, "reason": f"\n'''\n\"{INJECTED}\n# \u202e", "author": INJECTED})
    trainer = gw.open_run(run)
    trainer.timeline.switch("main")
    text = trainer.timeline.script()
    check_script(text)
    assert "\u202e" not in text
    trainer.close()
    assert not list(tmp_path.iterdir())


# --- saved files ----------------------------------------------------------------------------------


@WHOLE
@given(data=st.data())
def test_every_forged_value_in_a_saved_file(original, data):
    ways = distinct({("document",): original.document})
    (_, path) = data.draw(st.sampled_from(ways))
    value = data.draw(st.sampled_from([*HOSTILE, Deep()]))
    target = original.root / "forged.gan"
    put_saved(target, original.tensors, replaced(original.document, path, value))
    found = survived(lambda: used(gw.GANTrainer.load(target)))
    assert found in {None, original.hash} or {"settings", "log"} & set(path) or path[-2:] in OF_ANOTHER_RUN


@WHOLE
@given(data=st.data())
def test_every_forged_tensor_in_a_saved_file(original, data):
    name = data.draw(st.sampled_from(sorted(original.tensors)))
    others = {other: tensor for other, tensor in original.tensors.items() if other != name}
    forged = data.draw(st.sampled_from([None, *bad_tensors(original.tensors[name])]))
    target = original.root / "forged.gan"
    put_saved(target, others if forged is None else {**others, name: forged}, original.document)
    try:
        survived(lambda: used(gw.GANTrainer.load(target)))
    except gw.DivergedError:
        assert forged is not None


@pytest.mark.parametrize("version", ["0", "-1", "x", "1.0", "01", "9" * 5000, "\u0661"])
def test_an_unknown_format_is_refused(original, version):
    tensors = {"x": torch.ones(2)}
    from ganwidgets.runs.state.tensor_file import pieces

    sha256 = digest({"format": version, "document": "{}", "tensors": tensors})
    content = pieces(tensors, {"ganwidgets": version, "document": "{}", "sha256": sha256})
    target = original.root / "format.gan"
    target.write_bytes(b"".join(map(bytes, content)))
    with pytest.raises(gw.CheckpointError):
        gw.GANTrainer.load(target)


# --- states ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            (name, value)
            for name in ("iteration", "cursor", "d_updates")
            for value in (-5, 10**16, True, "3", None)
        ),
        *(("threads", value) for value in (-1, 0, 1_000_000, 2**70, "1", 1.0, True)),
        ("iteration", 10**9),
        ("optimizers", {"generator": {"name": "nosuch", "memory": {}}}),
        ("optimizers", {"generator": {"name": "adam", "memory": {"0.step": torch.tensor(1.0)}}}),
        ("optimizers", {"generator": {"name": "adam", "memory": {"-1.step": torch.tensor(1.0)}}}),
        ("randomness", {"noise": torch.zeros(3, dtype=torch.uint8)}),
    ],
)
def test_a_state_with_a_forged_value_is_refused_and_nothing_changes(name, value):
    trainer = gw.GANTrainer("ring8", **SMALL)
    trainer.step(3)
    before = trainer.state_hash()
    with pytest.raises(gw.CheckpointError):
        trainer.load_state_dict({**trainer.state_dict(), name: value})
    assert trainer.state_hash() == before
    trainer.step()


def test_a_data_name_cannot_end_its_comment_in_a_script():
    named = type("a\nevil()\r\u2028evil()\u202eevil()\x07", (torch.utils.data.TensorDataset,), {})
    trainer = gw.GANTrainer(named(torch.tensor(POINTS)), **SMALL)
    trainer.step()
    for text in (trainer.code(), trainer.timeline.script()):
        check_script(text)
        assert all(line.isprintable() for line in text.split("\n"))
    assert "evil() evil()" in trainer.timeline.script()


# --- a folder in place of a file, and the reverse -------------------------------------------------


def test_load_of_a_folder_and_open_of_a_file_name_each_other(original):
    with pytest.raises(gw.CheckpointError, match=r"is the folder of a run; gw\.open_run\('"):
        gw.GANTrainer.load(original.folder)
    with pytest.raises(gw.CheckpointError, match=r"but a file; gw\.GANTrainer\.load\('"):
        gw.open_run(original.file)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_pipe_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for action in (gw.GANTrainer.load, gw.open_run):
        with pytest.raises(gw.CheckpointError):
            action(tmp_path / "pipe")


def test_a_link_to_a_saved_file_is_followed(original, tmp_path):
    (tmp_path / "link").symlink_to(original.file)
    assert gw.GANTrainer.load(tmp_path / "link").state_hash() == original.hash
