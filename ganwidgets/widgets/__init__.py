"""What is shown in a notebook."""

from ganwidgets.widgets.dirac.widget import DiracWidget
from ganwidgets.widgets.lesson import LessonWidget
from ganwidgets.widgets.trainer.widget import GANTrainerWidget

__all__ = ["DiracWidget", "GANTrainerWidget", "LessonWidget"]
