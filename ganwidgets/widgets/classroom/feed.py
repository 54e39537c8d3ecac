"""The latest content of a view, merged from its messages, so that clients can join late or skip frames.

A view's message omits unchanged parts. A client that skipped messages would miss a part that changed meanwhile. So the
feed stores the latest version of each part, and sends each client the parts newer than its version.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["Feed"]


class Feed:
    """The latest frame of one view; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._version = 0
        self._content: dict[str, Any] = {}
        self._parts: dict[str, tuple[int, list[Any], bytes]] = {}

    def store(self, message: Mapping[str, Any], buffers: Sequence[Any]) -> None:
        """Store a message of the view, ``{"frame": {..., "parts": [...]}}`` with a buffer for each part."""
        frame = dict(message["frame"])
        parts, kept = frame.pop("parts"), frame.pop("keep", None)
        with self._lock:
            self._version += 1
            if kept is not None:
                self._parts = {name: part for name, part in self._parts.items() if name in kept}
            for part, buffer in zip(parts, buffers, strict=True):
                self._parts[part[0]] = (self._version, part, bytes(buffer))
            self._content = frame

    def packed(self, known: int, extra: Mapping[str, Any]) -> tuple[int, bytes]:
        """Return the version, and the binary message for a client with version `known`.

        The message is 4 bytes (little-endian) with the length of a JSON header, the header, and the buffers one after
        the other; ``lengths`` in the header contains their sizes in bytes.
        """
        with self._lock:
            version, content = self._version, self._content
            parts = dict(self._parts)
        new = [(part, buffer) for since, part, buffer in parts.values() if since > known]
        kept = [name for name, (since, _, _) in parts.items() if since <= known]
        frame = {**content, "parts": [part for part, _ in new], "keep": kept}
        header = json.dumps(
            {**extra, "frame": frame, "lengths": [len(buffer) for _, buffer in new]},
            allow_nan=False,
            default=str,
        ).encode()
        return version, b"".join([len(header).to_bytes(4, "little"), header, *(buffer for _, buffer in new)])
