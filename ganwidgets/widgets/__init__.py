"""The part of ganwidgets that people see."""

from .trainer_widget import GANTrainerWidget

__all__ = ["GANTrainerWidget"]
