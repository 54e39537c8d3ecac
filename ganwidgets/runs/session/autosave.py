"""Interface between a session and its storage."""

from __future__ import annotations

from pathlib import Path

from ganwidgets.errors import CheckpointError

__all__ = ["Autosave"]


class Autosave:
    """Called between two steps of a run; this base class stores nothing.

    Attributes
    ----------
    path : Path or None
        The run's folder.
    fault : CheckpointError or None
        Why the latest state cannot be stored; None after the next success.
    """

    path: Path | None = None
    fault: CheckpointError | None = None

    def stepped(self) -> None:
        """Handle the end of a training step; called after each one, during training."""

    def pause(self) -> None:
        """Handle the end of a call; called after the requested number of steps."""

    def save(self) -> None:
        """Store the latest state now."""

    def retry_in(self) -> float | None:
        """Return the seconds until the next retry; None if nothing failed."""
        return None

    def saved_elsewhere(self) -> None:
        """Handle a save; called after the whole run was saved outside the folder."""

    def close(self) -> None:
        """Store the latest state, and nothing afterwards.

        Raises
        ------
        CheckpointError
            If it cannot be stored, and was not saved elsewhere; a later call tries again.
        """

    def abandon(self) -> None:
        """Like :meth:`close`, but warn instead of raising, for moments when no caller could catch an error."""
