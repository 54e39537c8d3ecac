"""Notes of the user about iterations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ganwidgets.messages import Message
from ganwidgets.runs.record.branches import Branches

__all__ = ["LONGEST_NOTE", "Note", "checked_text", "notes_on"]

LONGEST_NOTE = 2000
"""Maximum number of letters in a note."""


@dataclass(frozen=True)
class Note:
    """A text at an iteration of a branch. It is not part of the state.

    Attributes
    ----------
    branch : int
        The `id` of the branch.
    iteration : int
    text : str
    """

    branch: int
    iteration: int
    text: str


def checked_text(text: object) -> str:
    """Return `text` stripped, if it is a valid note.

    Raises
    ------
    ValueError
        If it is empty, too long or no string.
    """
    if not isinstance(text, str) or not text.strip() or len(text) > LONGEST_NOTE:
        shown = repr(text)
        raise ValueError(
            Message(
                "{text} cannot be noted; pass a text of 1 to {longest} letters",
                text=shown if len(shown) <= 60 else f"{shown[:60]}...",
                longest=LONGEST_NOTE,
            )
        )
    return text.strip()


def notes_on(notes: Iterable[Note], branches: Branches, branch: int, last: int) -> list[Note]:
    """Return the notes on the line of `branch` up to iteration `last`, by iteration."""
    found = [
        note
        for note in notes
        if note.iteration <= last and branches.owner(branch, note.iteration) == note.branch
    ]
    return sorted(found, key=lambda note: note.iteration)
