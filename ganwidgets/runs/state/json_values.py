"""Parsing of untrusted JSON: bounded before it is parsed, and converted to declared types.

Hashes in a run folder or a saved file have no key: they detect damage, not intent. Values are therefore
checked against declared types and bounds, with `msgspec`, before anything is made of them.
"""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["LONGEST", "MOST", "converted", "parsed"]

LONGEST = 2**28
"""Maximum length of one JSON text, in characters or bytes."""

DEEPEST = 64
"""Maximum nesting depth."""

MOST = 2**53
"""The largest integer that every JSON reader represents exactly."""

# Possessive, and without its end too, so that it takes linear time for any text.
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")


def parsed(text: str | bytes) -> Any:
    """Return the value of a JSON text.

    Raises
    ------
    ValueError
        If it is too long, nested too deeply, or no JSON.
    """
    if len(text) > LONGEST:
        raise ValueError(f"a JSON text has {len(text)} characters, more than {LONGEST}")
    if isinstance(text, bytes):
        text = text.decode()
    if not isinstance(text, str):
        raise TypeError(f"a JSON text is of type {type(text).__name__}")
    if text.count("[") + text.count("{") > DEEPEST and _depth(text) > DEEPEST:
        raise ValueError(f"a JSON text nests more than {DEEPEST} arrays and objects")
    return json.loads(text)


def _depth(text: str) -> int:
    depth = deepest = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def converted(value: Any, kind: Any) -> Any:
    """Return the JSON value `value` as the declared type `kind`.

    Raises
    ------
    ValueError
        If it is of another type or out of bounds; the message says where.
    """
    import msgspec  # only runs that are read need it

    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error
