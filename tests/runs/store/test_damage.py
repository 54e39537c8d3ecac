"""Damaged files: the damage is reported or has no effect; no wrong value is loaded and nothing is executed."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pickle
import random
import shutil
import sqlite3
import struct
import warnings
from collections import Counter
from pathlib import Path

import pytest
from run_steps import DOCUMENT, advance, check, entry, expected, held
from safetensors.torch import save

from ganwidgets import CheckpointError
from ganwidgets.errors import CheckpointWarning
from ganwidgets.runs.state.hashing import digest
from ganwidgets.runs.store import RunFolder, SnapshotRow
from ganwidgets.runs.store.checksummed_json import sealed, unsealed
from ganwidgets.runs.store.index import _sha256

STEPS = 13


@pytest.fixture(scope="module")
def crashed(zygote, tmp_path_factory):
    """The files of a folder whose process was killed: the newest steps are only in the journal."""
    path = tmp_path_factory.mktemp("crashed") / "run"
    zygote.run("some", path, STEPS - 4, "close")
    zygote.run("some", path, 4, "kill")
    found = content(path)
    assert {"run.sqlite-wal", "run.sqlite-shm", "owner.json", "lock", "confirmed"} < set(found)
    return found


@pytest.fixture(scope="module")
def closed(zygote, tmp_path_factory):
    path = tmp_path_factory.mktemp("closed") / "run"
    zygote.run("some", path, STEPS, "close")
    return content(path)


@pytest.fixture
def run(tmp_path):
    """An open folder."""
    with RunFolder.create(tmp_path / "run", DOCUMENT) as folder:
        for _ in range(STEPS):
            advance(folder)
        yield folder


def content(path):
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def put(path, files):
    shutil.rmtree(path, ignore_errors=True)
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)


def outcome(path, writable):
    """Open a damaged folder and return the outcome; assert that no wrong value was returned."""
    with warnings.catch_warnings(record=True) as reports:
        warnings.simplefilter("always")
        try:
            folder = RunFolder.open(path, writable)
        except CheckpointError as error:
            assert str(path) in str(error)  # noqa: PT017
            return "refused"
    reports = [warning for warning in reports if issubclass(warning.category, CheckpointWarning)]
    with folder:
        found, should = held(folder.load()), expected(folder.commits)
        assert reports or folder.commits == STEPS, "losses are reported"
        rows = found.pop("snapshots")
        assert [row.place for row in rows] == [where for where, _ in should["snapshots"]]
        assert found == {name: value for name, value in should.items() if name != "snapshots"}
        assert folder.document == DOCUMENT
        result = "warned" if reports else "whole"
        for row, (_, known) in zip(rows, should["snapshots"], strict=True):
            try:
                assert digest(folder.read_snapshot(row)) == known
            except CheckpointError as error:
                assert row.file in str(error)  # noqa: PT017
                result = "snapshot refused"
        return result


def test_a_thousand_flipped_bits(crashed, closed, memory):
    path = memory / "run"
    chosen = random.Random(0)  # noqa: S311 - which bits are flipped
    outcomes = Counter()
    for flip in range(1000):
        files = dict(chosen.choice([crashed, closed]))
        # Choose each kind of file equally often, whatever its size.
        kinds = {}
        for name, data in files.items():
            if data:
                kinds.setdefault(name.partition("/")[0], []).append(name)
        kind = chosen.choice(sorted(kinds))
        name = chosen.choice(sorted(kinds[kind]))
        data = bytearray(files[name])
        # The journal and the database have more space allocated than they use.
        place = chosen.randrange(len(data) * 8)
        data[place // 8] ^= 1 << place % 8
        put(path, {**files, name: bytes(data)})
        outcomes[kind, outcome(path, writable=flip % 2 == 0)] += 1
    assert outcomes["snapshots", "whole"] == 0
    assert outcomes["run.sqlite", "refused"] > 20
    assert outcomes["run.sqlite-wal", "warned"] > 20
    assert not outcomes["confirmed", "whole"]
    assert {result for kind, result in outcomes if kind in {"run.sqlite-shm", "owner.json"}} == {"whole"}


def test_truncations(crashed, closed, memory):
    path = memory / "run"
    chosen = random.Random(1)  # noqa: S311 - where it is cut
    outcomes = Counter()
    for files in (crashed, closed):
        for name, data in files.items():
            for length in {
                0,
                len(data) - 1,
                len(data) // 2,
                *(chosen.randrange(len(data) or 1) for _ in "12345"),
            }:
                if 0 <= length < len(data):
                    put(path, {**files, name: data[:length]})
                    outcomes[name.partition("/")[0], outcome(path, writable=length % 2 == 0)] += 1
            if data and name != "run.sqlite":
                put(path, {other: kept for other, kept in files.items() if other != name})
                outcomes[name.partition("/")[0], outcome(path, writable=True)] += 1
    assert outcomes["snapshots", "whole"] == 0
    assert outcomes["run.sqlite", "refused"] > 8
    assert outcomes["run.sqlite-wal", "warned"] > 2


def test_a_run_that_lost_its_newest_steps_continues(crashed, tmp_path):
    path = tmp_path / "run"
    put(path, {name: data for name, data in crashed.items() if name != "run.sqlite-wal"})
    with pytest.warns(CheckpointWarning, match=r"its last 4 of 13 commits are lost") as caught:
        folder = RunFolder.open(path)
    assert caught[0].filename == __file__
    with folder:
        assert folder.commits == STEPS - 4
        folder.commit(entry(STEPS - 4))
    with RunFolder.open(path) as folder:  # and warns once
        assert folder.load().current == entry(STEPS - 4).current


@pytest.mark.parametrize("garbage", [b"", b"x" * 5000, b"{}", sealed({"commits": "many"}), None])
def test_a_damaged_count_is_warned_about_once(closed, tmp_path, garbage):
    path = tmp_path / "run"
    put(path, {**closed, "confirmed": garbage or b""})
    if garbage is None:
        (path / "confirmed").unlink()
    with (
        pytest.warns(CheckpointWarning, match=r"confirmed is missing or damaged"),
        RunFolder.open(path) as folder,
    ):
        check(folder)
    with RunFolder.open(path) as folder:
        check(folder)


def test_a_warning_turned_into_an_error_leaves_no_lock(closed, tmp_path):
    path = tmp_path / "run"
    put(path, {name: data for name, data in closed.items() if name != "confirmed"})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(CheckpointWarning):
            RunFolder.open(path)
    with RunFolder.open(path) as folder:
        assert folder.writable
        check(folder)


def test_swapped_snapshots_are_detected(run):
    one, other = run.load().snapshots[:2]
    folder = run.path / "snapshots"
    (folder / one.file).rename(folder / "kept")
    (folder / other.file).rename(folder / one.file)
    (folder / "kept").rename(folder / other.file)
    for row in (one, other):
        with pytest.raises(CheckpointError, match=r"SHA-256|bytes instead"):
            run.read_snapshot(row)


@pytest.fixture
def forged(run):
    """Write a file in place of a snapshot and a matching index row, like an attacker."""

    def forge(data, **changes):
        row = run.load().snapshots[0]
        (run.path / "snapshots" / row.file).write_bytes(data)
        now = {
            "place": row.place,
            "file": row.file,
            "size": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
        }
        with contextlib.closing(sqlite3.connect(run.path / "run.sqlite")) as database:
            put_row(database, row.id, {**now, **changes})
        return run.load().snapshots[0]

    return forge


def put_row(database, number, row):
    text = json.dumps(row)
    sha256 = _sha256("snapshots", number, text, b"")
    head = unsealed(database.execute("SELECT content FROM head").fetchone()[0].encode())
    old = database.execute("SELECT sha256 FROM snapshots WHERE id = ?", (number,)).fetchone()[0]
    total = int(head["total"], 16) ^ int.from_bytes(old) ^ int.from_bytes(sha256)
    database.execute("UPDATE snapshots SET content = ?, sha256 = ? WHERE id = ?", (text, sha256, number))
    database.execute("UPDATE head SET content = ?", (sealed({**head, "total": f"{total:x}"}).decode(),))
    database.commit()


class Malicious:
    def __reduce__(self):
        return os.mkdir, ("executed",)


def oversized(length):
    return struct.pack("<Q", length) + b"{}"


def claiming(size):
    header = {
        "__metadata__": {"document": '"<tensor>"'},
        "state": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]},
    }
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + b"12345678"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"short",
        pickle.dumps(Malicious()),
        oversized(2**63),
        oversized(10**7),
        oversized(2),
        claiming(2**40),
        claiming(2**62),
        claiming(7),
        struct.pack("<Q", 200_000) + b"[" * 200_000,
        save({}),
        save({}, {"document": "[" * 9}),
    ],
    ids=range(12),
)
def test_a_forged_snapshot_is_refused(forged, run, data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    row = forged(data)
    with pytest.raises(CheckpointError, match=row.file):
        run.read_snapshot(row)
    assert not Path("executed").exists()


def test_a_consistently_forged_snapshot_is_read(forged, run):
    data = claiming(8)
    assert bytes(run.read_snapshot(forged(data))) == b"12345678", "the other forgeries fail for what they are"


@pytest.mark.parametrize("size", [2**50, 0, -1, None, "9", 1.5])
def test_an_index_with_a_wrong_size_allocates_nothing(forged, run, size):
    with pytest.raises(CheckpointError, match=r"bytes instead of|is damaged"):
        run.read_snapshot(forged(claiming(8), size=size))


@pytest.mark.parametrize(
    "name",
    [
        "../../outside",
        "../run.sqlite",
        "/etc/passwd",
        "",
        ".",
        "a/b",
        "outside",
        "0" * 16 + ".safetensors\0",
        7,
    ],
)
def test_a_path_out_of_the_folder_is_refused(forged, run, name, tmp_path):
    (tmp_path / "outside").write_bytes(claiming(8))
    (run.path / "snapshots" / "outside").write_bytes(claiming(8))
    with pytest.raises(CheckpointError, match=r"\$\.file"):
        forged(claiming(8), file=name)
    with pytest.raises(CheckpointError, match="no name of a snapshot"):
        run.read_snapshot(SnapshotRow(1, {}, name, 8, "0" * 64))
    run._files.remove([str(name)])
    assert (tmp_path / "outside").exists()
    assert (run.path / "snapshots" / "outside").exists()
    assert (run.path / "run.sqlite").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs links and pipes")
def test_a_snapshot_that_is_not_a_file_is_refused(run, tmp_path):
    row = run.load().snapshots[0]
    path = run.path / "snapshots" / row.file
    path.rename(tmp_path / "outside")
    path.symlink_to(tmp_path / "outside")
    with pytest.raises(CheckpointError):
        run.read_snapshot(row)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(CheckpointError):
        run.read_snapshot(row)
    path.unlink()
    path.mkdir()
    with pytest.raises(CheckpointError):
        run.read_snapshot(row)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER INSERT ON history BEGIN DELETE FROM branches; END",
        "CREATE VIEW v AS SELECT 1",
        "DROP TABLE history",
        "ALTER TABLE branches ADD COLUMN more",
        "DELETE FROM interventions WHERE id = 3",
        "DELETE FROM head",
        "DELETE FROM document",
        "UPDATE branches SET content = replace(content, '0', '1')",
        "UPDATE history SET data = x'00'",
        "UPDATE interventions SET content = 7",
        "UPDATE interventions SET id = 99 WHERE id = 3",
        "UPDATE snapshots SET content = x'ff'",
        "INSERT INTO branches SELECT 99, content, data, sha256 FROM branches WHERE id = 1",
        "DELETE FROM schema",
        "UPDATE schema SET version = 0",
        "UPDATE schema SET version = 'x'",
        "PRAGMA application_id = 1",
        "PRAGMA journal_mode = DELETE",
    ],
)
@pytest.mark.parametrize("writable", [True, False])
def test_a_database_changed_by_others_is_refused(closed, tmp_path, statement, writable):
    path = tmp_path / "run"
    put(path, closed)
    with contextlib.closing(sqlite3.connect(path / "run.sqlite")) as database:
        database.execute(statement)
        database.commit()
    if "journal_mode" in statement and not writable:
        assert outcome(path, writable) == "whole"
    else:
        with pytest.raises(CheckpointError, match=r"damaged|not a run"):
            RunFolder.open(path, writable)


def test_a_place_without_a_row_in_the_index_is_refused(run):
    with pytest.raises(CheckpointError):
        run.read_snapshot(SnapshotRow(99, {}, "0" * 16 + ".safetensors", 10, "0" * 64))
