"""Small JSON files with a checksum."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from ganwidgets.runs.state.json_values import parsed

__all__ = ["sealed", "unsealed"]


def sealed(values: Mapping[str, Any]) -> bytes:
    """Return `values` as JSON, including their SHA-256."""
    plain = json.loads(json.dumps(values))  # as they will be read: names that are numbers become text
    return json.dumps({**plain, "sha256": _sha256(plain)}).encode()


def unsealed(text: bytes) -> dict[str, Any] | None:
    """Inverse of :func:`sealed`; None if the checksum does not match."""
    try:
        values = parsed(text)
        seal = values.pop("sha256")
        return values if seal == _sha256(values) else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _sha256(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
