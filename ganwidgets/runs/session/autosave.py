"""What a session tells whoever stores it."""

from __future__ import annotations

from pathlib import Path

from ganwidgets.errors import CheckpointError

__all__ = ["Autosave"]


class Autosave:
    """Hears how a run goes on, always between two steps; this one stores nothing.

    Attributes
    ----------
    path : Path or None
        The folder in which the run is kept.
    fault : CheckpointError or None
        Why what is new cannot be stored; None as soon as it was stored.
    """

    path: Path | None = None
    fault: CheckpointError | None = None

    def stepped(self) -> None:
        """Note that a step is complete; called in the midst of training."""

    def pause(self) -> None:
        """Note that steps that were asked for are complete; more may follow at once."""

    def save(self) -> None:
        """Store what is new, now."""

    def retry_in(self) -> float | None:
        """Return in how many seconds storing is to be tried again; None where nothing failed."""
        return None

    def saved_elsewhere(self) -> None:
        """Note that the whole run, as it is now, was saved outside the folder."""

    def close(self) -> None:
        """Store what is new, and nothing afterwards.

        Raises
        ------
        CheckpointError
            If it cannot be stored, and was not saved elsewhere; a later call tries again.
        """

    def abandon(self) -> None:
        """As :meth:`close`, at a moment when nobody could catch an error: warn instead."""
