"""Tables of a run's database, and migrations from older versions."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping

__all__ = ["APPLICATION", "MIGRATIONS", "TABLES", "VERSION", "build", "is_sound", "migrate", "version_of"]

APPLICATION = 0x67616E77
"""SQLite application id of a run's database: "ganw"."""

VERSION = 1
"""Version of the written schema, and the newest readable one."""

TABLES = ("document", "branches", "interventions", "history", "snapshots")
"""Tables of rows. All have the same columns; `content` is JSON, `data` is binary."""

MIGRATIONS: Mapping[int, Callable[[sqlite3.Connection], None]] = {}
"""Statements that migrate each older version to the next one, within a transaction."""

_ROWS = """CREATE TABLE {table} (
    id INTEGER PRIMARY KEY,
    content TEXT NOT NULL,
    data BLOB NOT NULL,
    sha256 BLOB NOT NULL
)"""

_STATEMENTS = (
    "CREATE TABLE schema (version INTEGER NOT NULL)",
    # One row: how many commits there are, and what all the other rows come to.
    "CREATE TABLE head (id INTEGER PRIMARY KEY CHECK (id = 1), content TEXT NOT NULL)",
    *(_ROWS.format(table=table) for table in TABLES),
)


def build(connection: sqlite3.Connection) -> None:
    """Create the tables in an empty database."""
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    for statement in _STATEMENTS:
        connection.execute(statement)
    connection.execute("INSERT INTO schema VALUES (?)", (VERSION,))


def version_of(connection: sqlite3.Connection) -> int | None:
    """Return the version of a run's database, or None for another database."""
    if connection.execute("PRAGMA application_id").fetchone() != (APPLICATION,):
        return None
    found = connection.execute("SELECT version FROM schema").fetchall()
    return int(found[0][0]) if len(found) == 1 and isinstance(found[0][0], int) else None


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Migrate a database of an older version, in the current transaction."""
    for older in range(version, VERSION):
        MIGRATIONS[older](connection)
    connection.execute("UPDATE schema SET version = ?", (VERSION,))


def is_sound(connection: sqlite3.Connection) -> bool:
    """Return True if the database has only our tables, without triggers and views."""
    expected = sqlite3.connect(":memory:")
    try:
        build(expected)
        return _described(connection) == _described(expected)
    finally:
        expected.close()


def _described(connection: sqlite3.Connection) -> list[tuple[str, str, str]]:
    return connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall()
