"""What is shown in a notebook."""

from .dirac_widget import DiracWidget
from .lesson_widget import LessonWidget
from .trainer_widget import GANTrainerWidget

__all__ = ["DiracWidget", "GANTrainerWidget", "LessonWidget"]
