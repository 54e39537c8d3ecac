"""Texts that a screen reader reads aloud when they change."""

from __future__ import annotations

import html

__all__ = ["announced"]


def announced(text: str) -> str:
    """Return the HTML of a text that a screen reader reads aloud when it appears; empty for an empty text."""
    return f'<span role="status">{html.escape(text)}</span>' if text else ""
