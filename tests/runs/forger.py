"""Changes stored runs and saved files and makes every hash right again, like an attacker."""

from __future__ import annotations

import copy
import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing

from safetensors import safe_open

from ganwidgets.runs.folder.autosaver import whole_at
from ganwidgets.runs.state.flatten import flatten, unflatten
from ganwidgets.runs.state.hashing import digest
from ganwidgets.runs.state.tensor_file import pieces
from ganwidgets.runs.store.checksummed_json import sealed, unsealed
from ganwidgets.runs.store.index import _sha256

HOSTILE = [
    None,
    True,
    -5,
    0,
    10**6,
    10**15,
    2**70,
    0.5,
    -1e308,
    float("nan"),
    float("inf"),
    "",
    "nosuch",
    "cuda:99",
    "x\n__import__('os').mkdir('executed')",
    "../../outside",
    "9" * 5000,
    [],
    {},
    [1, 2, 3, 4],
    {"step_d": 1},
    [[[[[[0]]]]]],
]
"""Values of every type; most are invalid at every place."""


class Deep:
    """Represents JSON that is nested so deeply that a parser may overflow."""


def paths(value, path=()) -> Iterator[tuple]:
    """Yield the path to every value inside `value`, including `value` itself."""
    yield path
    if isinstance(value, dict):
        for name, entry in value.items():
            yield from paths(entry, (*path, name))
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            yield from paths(entry, (*path, index))


def replaced(value, path, new):
    """Return a copy of `value` with `new` at `path`; :class:`Deep` becomes a JSON text."""
    if not path:
        return new
    value = copy.deepcopy(value)
    inner = value
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = new
    return value


def text_of(value):
    """Return JSON, where :class:`Deep` becomes 200,000 nested arrays."""
    marker = "<deep>"
    text = json.dumps(value, default=lambda _deep: marker)
    return text.replace(json.dumps(marker), "[" * 200_000 + "]" * 200_000)


class Rows:
    """The rows of a run folder's database."""

    def __init__(self, run):
        self.path = run / "run.sqlite"

    def read(self):
        """Return the JSON of each row by table and number, and that of the head."""
        from ganwidgets.runs.store.schema import TABLES

        with closing(sqlite3.connect(self.path)) as database:
            found = {
                (table, number): json.loads(content)
                for table in TABLES
                for number, content in database.execute(f"SELECT id, content FROM {table}")  # noqa: S608
            }
            (head,) = database.execute("SELECT content FROM head").fetchone()
            return {**found, ("head", 1): unsealed(head.encode())}

    def write(self, table, number, content, data=None):
        """Replace a row."""
        with closing(sqlite3.connect(self.path)) as database:
            head = unsealed(database.execute("SELECT content FROM head").fetchone()[0].encode())
            if table == "head":
                text = sealed(content).decode() if isinstance(content, dict) else text_of(content)
            else:
                text = text_of(content)
                old_data, old = database.execute(
                    f"SELECT data, sha256 FROM {table} WHERE id = ?",  # noqa: S608
                    (number,),
                ).fetchone()
                data = old_data if data is None else data
                now = _sha256(table, number, text, data)
                database.execute(
                    f"UPDATE {table} SET content = ?, data = ?, sha256 = ? WHERE id = ?",  # noqa: S608
                    (text, data, now, number),
                )
                total = int(head["total"], 16) ^ int.from_bytes(old) ^ int.from_bytes(now)
                text = sealed({**head, "total": f"{total:x}"}).decode()
            database.execute("UPDATE head SET content = ?", (text,))
            database.commit()


def snapshot_tree(run, row):
    """Return the tree in the file of a snapshot."""
    with safe_open(run / "snapshots" / row["file"], framework="pt") as file:
        tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
        return unflatten(json.loads(file.metadata()["document"]), "state", tensors)


def put_snapshot(run, number, row, tree, trainer):
    """Write `tree` as the file of a snapshot, with right hashes of the file, of the state and of the row.

    Parameters
    ----------
    trainer : GANTrainer
        The run as it was before.
    """
    tensors = {}
    content = b"".join(bytes(part) for part in _parts(flatten(tree, "state", tensors), tensors))
    (run / "snapshots" / row["file"]).write_bytes(content)
    place = row["place"]
    if place["kind"] == "state":
        session = trainer._session
        shelf = session.snapshots._shelf
        snapshot = next(s for s, known in shelf.rows.items() if known.id == number)
        place = {**place, "state_hash": digest(whole_at(session, snapshot, tree))}
    now = {**row, "size": len(content), "sha256": hashlib.sha256(content).hexdigest(), "place": place}
    Rows(run).write("snapshots", number, now)


def _parts(document, tensors):
    return pieces(tensors, {"document": text_of(document)})


def put_saved(path, tensors, document):
    """Write what :func:`read_checkpoint` returns as a saved file with a right hash."""
    text = text_of(document)
    sha256 = digest({"format": "1", "document": text, "tensors": tensors})
    parts = pieces(tensors, {"ganwidgets": "1", "document": text, "sha256": sha256})
    path.write_bytes(b"".join(map(bytes, parts)))
