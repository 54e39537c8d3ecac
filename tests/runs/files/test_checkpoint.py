"""Checkpoint files: written whole or not at all, free of executable content, and every damage is detected."""

from __future__ import annotations

import json
import os
import pickle
import pickletools
import random

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save

from ganwidgets import CheckpointError
from ganwidgets.runs.files import checkpoint
from ganwidgets.runs.files.checkpoint import read_checkpoint, write_checkpoint
from ganwidgets.runs.state.hashing import digest

TENSORS = {
    "weights": torch.arange(60, dtype=torch.float32).reshape(5, 12),
    "a/b.c": torch.tensor(3.5, dtype=torch.float64),
    "empty": torch.zeros(0, 3),
    "odd": torch.tensor([float("nan"), -0.0, float("inf")]),
    "bytes": torch.arange(256, dtype=torch.uint8),
    "flags": torch.tensor([True, False]),
    "transposed": torch.arange(6).reshape(2, 3).T,
}
DOCUMENT = {"settings": {"lr": 0.1, "é": [1, 2]}, "none": None, "text": "x" * 500}


@pytest.fixture
def path(tmp_path):
    found = tmp_path / "run.gan"
    write_checkpoint(found, TENSORS, DOCUMENT)
    return found


def content(path):
    tensors, document = read_checkpoint(path)
    return digest({"tensors": tensors, "document": document})


WHOLE = digest({"tensors": TENSORS, "document": DOCUMENT})


def test_written_content_is_read_back(path):
    assert content(path) == WHOLE
    assert content(str(path)) == WHOLE
    tensors, _ = read_checkpoint(path)
    path.unlink()
    assert tensors["weights"].sum() == 1770, "it does not need the file any more"


def test_a_checkpoint_contains_no_pickle(path):
    data = path.read_bytes()
    with pytest.raises(Exception, match=r".*"):
        pickle.loads(data)  # noqa: S301 - it must not be one
    assert not data.startswith(b"PK"), "a zip archive, as torch writes it, may hold one"
    with pytest.raises(ValueError, match=r".*"):
        list(pickletools.genops(data))
    with safe_open(path, "pt") as file:
        json.loads(file.metadata()["document"])


def test_every_truncation_is_detected(path):
    data = path.read_bytes()
    for length in sorted({*range(0, len(data), 37), *range(20), len(data) - 1}):
        path.write_bytes(data[:length])
        with pytest.raises(CheckpointError, match=r"run\.gan"):
            read_checkpoint(path)
    path.write_bytes(data + b"\0")
    with pytest.raises(CheckpointError):
        read_checkpoint(path)


def test_a_flipped_bit_is_detected_or_has_no_effect(path):
    data = path.read_bytes()
    header = 8 + int.from_bytes(data[:8], "little")
    chosen = random.Random(0)  # noqa: S311 - which bits are flipped
    places = [
        *range(64),
        *(chosen.randrange(header * 8) for _ in range(300)),
        *(chosen.randrange(len(data) * 8) for _ in range(300)),
    ]
    harmless = 0
    for place in places:
        damaged = bytearray(data)
        damaged[place // 8] ^= 1 << place % 8
        path.write_bytes(damaged)
        try:
            assert content(path) == WHOLE
            harmless += 1
        except CheckpointError:
            pass
    assert harmless < 30, "only white space and the like may be harmless"


@pytest.mark.parametrize(
    "foreign",
    [
        b"",
        b"hello",
        b"\x80\x04K\x01.",
        b"PK\x03\x04" + b"\0" * 60,
        save({"x": torch.ones(3)}),
        save({"x": torch.ones(3)}, {"format": "pt"}),
        save({"x": torch.ones(3)}, {"ganwidgets": "1"}),
        save({"x": torch.ones(3)}, {"ganwidgets": "x", "document": "{}", "sha256": "0"}),
        (2**63).to_bytes(8, "little") + b"{}",
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path, foreign):
    path = tmp_path / "foreign"
    path.write_bytes(foreign)
    with pytest.raises(CheckpointError, match="foreign"):
        read_checkpoint(path)


def test_a_newer_format_is_named(path, monkeypatch):
    monkeypatch.setattr(checkpoint, "FORMAT", 2)
    write_checkpoint(path, TENSORS, DOCUMENT)
    assert content(path) == WHOLE
    monkeypatch.setattr(checkpoint, "FORMAT", 1)
    with pytest.raises(CheckpointError, match=r"format 2, this one reads up to 1.*upgrade"):
        read_checkpoint(path)


@pytest.mark.parametrize("where", ["missing", "missing/run", "", ".", "a\0b", "x" * 300])
def test_an_unreadable_path_is_named(tmp_path, where):
    with pytest.raises(CheckpointError, match=r"cannot be read|damaged"):
        read_checkpoint(tmp_path / where)


def test_an_unwritable_path_leaves_no_trace(tmp_path):
    (tmp_path / "file").write_text("precious")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "inside").write_text("precious")
    before = sorted(tmp_path.rglob("*"))
    for where in ("file/run", "missing/run", "folder", "a\0b", "x" * 300, ".."):
        with pytest.raises(CheckpointError, match="cannot be written"):
            write_checkpoint(tmp_path / where, TENSORS, DOCUMENT)
    with pytest.raises(CheckpointError, match="cannot be written"):
        write_checkpoint("", TENSORS, DOCUMENT)
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "file").read_text() == "precious"


@pytest.mark.parametrize("stage", ["write", "flush", "fsync", "replace"])
@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failing_write_keeps_the_old_file_and_leaves_no_other(path, monkeypatch, stage, failure):
    real_open = type(path).open

    class Failing:
        def __init__(self, file):
            self.file = file

        def __enter__(self):
            return self

        def __exit__(self, *error):
            self.file.close()

        def __getattr__(self, name):
            if name == stage:
                self.file.write(b"half")
                raise failure
            return getattr(self.file, name)

    def fail(*_arguments):
        raise failure

    if stage == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    elif stage == "replace":
        monkeypatch.setattr(type(path), "replace", fail)
    else:
        monkeypatch.setattr(
            type(path),
            "open",
            lambda self, mode: Failing(real_open(self, mode)) if "x" in mode else real_open(self, mode),
        )
    with pytest.raises((CheckpointError, KeyboardInterrupt)) as caught:
        write_checkpoint(path, {"other": torch.ones(3)}, {})
    assert isinstance(caught.value, CheckpointError) == isinstance(failure, OSError)
    monkeypatch.undo()
    assert content(path) == WHOLE
    assert list(path.parent.iterdir()) == [path]


def test_tensors_that_share_memory_are_stored_separately(tmp_path):
    base = torch.arange(12.0)
    write_checkpoint(tmp_path / "run", {"one": base[:6], "other": base[3:9], "all": base}, {})
    tensors, _ = read_checkpoint(tmp_path / "run")
    assert tensors["other"].tolist() == base[3:9].tolist()


# --- the hash ---------------------------------------------------------------------------------------


def test_the_hash_covers_names_types_shapes_and_bits():
    tree = {"a": torch.zeros(4), "b": {"c": 1, "d": (1, 2)}}
    same = {"b": {"d": (1, 2), "c": 1}, "a": torch.zeros(8)[::2]}
    assert digest(tree) == digest(same)
    others = [
        {**tree, "a": torch.zeros(2, 2)},
        {**tree, "a": torch.zeros(4, dtype=torch.int32)},
        {**tree, "a": -torch.zeros(4)},
        {**tree, "b": {"c": 1.0, "d": (1, 2)}},
        {**tree, "b": {"c": True, "d": (1, 2)}},
        {**tree, "b": {"c": "1", "d": (1, 2)}},
        {**tree, "b": {"c": 1, "d": (1, 2), "e": {}}},
        {"a": torch.zeros(4), "b/c": 1, "b/d": (1, 2)},
        {"a": torch.zeros(4)},
    ]
    assert len({digest(tree), *map(digest, others)}) == len(others) + 1
