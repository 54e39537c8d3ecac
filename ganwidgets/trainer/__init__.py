"""The trainer that users hold, and what it takes to run it from several threads."""

from __future__ import annotations

from ganwidgets.trainer.trainer import GANTrainer

__all__ = ["GANTrainer"]
