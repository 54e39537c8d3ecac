"""Text for stored pictures: Pillow's own font has no accented letters."""

from __future__ import annotations

import unicodedata

__all__ = ["writable"]


def writable(text: str) -> str:
    """Return `text` without accents, which Pillow's own font would show as boxes.

    >>> writable("générés, itération 5")
    'generes, iteration 5'
    """
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
