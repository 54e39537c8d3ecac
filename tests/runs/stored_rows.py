"""Changes rows of a run folder and corrects all digests, so that only a check of the whole detects it."""

from __future__ import annotations

import json
import sqlite3

from ganwidgets.runs.store.checksummed_json import sealed, unsealed
from ganwidgets.runs.store.index import _sha256


def rewritten(path, table, change):
    """Replace the content of each row of a table by the result of `change`."""
    connection = sqlite3.connect(path / "run.sqlite", isolation_level=None)
    (text,) = connection.execute("SELECT content FROM head").fetchone()
    head = unsealed(text.encode())
    total = int(head["total"], 16)
    rows = connection.execute(f"SELECT id, content, data, sha256 FROM {table}").fetchall()  # noqa: S608
    for number, content, data, sha256 in rows:
        changed = json.dumps(change(json.loads(content)))
        now = _sha256(table, number, changed, data)
        total ^= int.from_bytes(sha256) ^ int.from_bytes(now)
        connection.execute(f"UPDATE {table} SET content = ?, sha256 = ? WHERE id = ?", (changed, now, number))  # noqa: S608
    head["total"] = f"{total:x}"
    connection.execute("UPDATE head SET content = ?", (sealed(head).decode(),))
    connection.close()
