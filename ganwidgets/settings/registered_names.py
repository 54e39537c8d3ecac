"""Names of user-registered parts."""

from __future__ import annotations

import re
from collections.abc import Container
from typing import Any

from ganwidgets.messages import Message

__all__ = ["checked_name"]

_WORD = re.compile(r"[a-z][a-z0-9_]{0,39}")


def checked_name(name: Any, what: str, built_in: Container[str]) -> str:
    """Return `name` if it is a valid name for a user's part.

    Raises
    ------
    ValueError
        If it is not an identifier, or is the name of a built-in part.
    """
    if not isinstance(name, str) or _WORD.fullmatch(name) is None:
        raise ValueError(
            Message(
                "{name!r} is no name for a {what}; pass a word of small letters, digits and underscores",
                name=name,
                what=Message(what),
            )
        )
    if name in built_in:
        raise ValueError(
            Message("there is a {what} {name!r} already; choose another name", what=Message(what), name=name)
        )
    return name
