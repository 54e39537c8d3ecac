"""`GANTrainer`, and the dispatch of its calls to the training thread."""

from __future__ import annotations

from ganwidgets.trainer.trainer import GANTrainer

__all__ = ["GANTrainer"]
