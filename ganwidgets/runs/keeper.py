"""What a session tells whoever stores it."""

from __future__ import annotations

from pathlib import Path

__all__ = ["Keeper"]


class Keeper:
    """Hears how a run goes on, always between two steps; this one stores nothing.

    Attributes
    ----------
    path : Path or None
        The folder in which the run is kept.
    """

    path: Path | None = None

    def stepped(self) -> None:
        """Be told, in the midst of training, that a step is complete."""

    def pause(self) -> None:
        """Be told that steps that were asked for are complete; more may follow at once."""

    def save(self) -> None:
        """Store what is new, now."""

    def close(self) -> None:
        """Store what is new, and nothing afterwards."""
