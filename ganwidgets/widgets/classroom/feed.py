"""The latest content of a view, merged from its messages, so that clients can join late or skip frames.

A view's message omits unchanged parts. A client that skipped messages would miss a part that changed meanwhile. So the
feed stores the latest version of each part, and sends each client the parts newer than its version. The same holds for
the rows of the curves.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["Feed"]

MOST_ROWS = 600
"""Of the curves; every second one is dropped above it."""


class Feed:
    """The latest frame of one view, and the curves beside it; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._version = 0
        self._content: dict[str, Any] = {}
        self._parts: dict[str, tuple[int, list[Any], bytes]] = {}
        self._rows: list[tuple[int, list[float | None]]] = []
        self._rewritten = 0
        self._curves: list[list[str]] = []

    def store(self, message: Mapping[str, Any], buffers: Sequence[Any], row: list[float | None]) -> None:
        """Store a message of the view and the values of the curves.

        Parameters
        ----------
        message : mapping
            ``{"frame": {..., "parts": [...]}}``
        buffers : sequence of bytes-like
            One for each part.
        row : list
            The iteration, and the value of each curve; None is a gap. Rows from that iteration on are dropped first.
        """
        frame = dict(message["frame"])
        parts, kept = frame.pop("parts"), frame.pop("keep", None)
        with self._lock:
            self._version += 1
            if kept is not None:
                self._parts = {name: part for name, part in self._parts.items() if name in kept}
            for part, buffer in zip(parts, buffers, strict=True):
                self._parts[part[0]] = (self._version, part, bytes(buffer))
            self._content = frame
            self._append(row)

    def restart(self, curves: list[list[str]], rows: Sequence[list[float | None]]) -> None:
        """Replace the curves: column and tone of each, and their rows."""
        with self._lock:
            self._version += bool(self._version)  # it stays 0 before the first frame
            self._rewritten = max(1, self._version)
            self._curves = curves
            self._rows = [(self._rewritten, row) for row in rows]

    def _append(self, row: list[float | None]) -> None:
        rows = self._rows
        if rows and rows[-1][1] == row:
            return
        while rows and _iteration(rows[-1][1]) >= _iteration(row):
            rows.pop()
            self._rewritten = self._version
        rows.append((self._version, row))
        if len(rows) > MOST_ROWS:
            del rows[1::2]
            self._rewritten = self._version

    def packed(self, known: int, extra: Mapping[str, Any]) -> tuple[int, bytes]:
        """Return the version, and the binary message for a client with version `known`.

        The message is 4 bytes (little-endian) with the length of a JSON header, the header, and the buffers one after
        the other. In the header, ``lengths`` contains their sizes in bytes, and ``rows`` the rows of the curves that the
        client lacks; if ``anew`` is true, they replace all rows of the client. ``curves`` names the columns of the rows.
        """
        with self._lock:
            version, content = self._version, self._content
            parts = dict(self._parts)
            anew, curves = known < self._rewritten, self._curves
            rows = [row for since, row in self._rows if anew or since > known]
        new = [(part, buffer) for since, part, buffer in parts.values() if since > known]
        kept = [name for name, (since, _, _) in parts.items() if since <= known]
        frame = {**content, "parts": [part for part, _ in new], "keep": kept}
        header = json.dumps(
            {
                **extra,
                "frame": frame,
                "lengths": [len(buffer) for _, buffer in new],
                "curves": curves,
                "rows": rows,
                "anew": anew,
            },
            allow_nan=False,
            default=str,
        ).encode()
        return version, b"".join([len(header).to_bytes(4, "little"), header, *(buffer for _, buffer in new)])


def _iteration(row: list[float | None]) -> float:
    return row[0] or 0
