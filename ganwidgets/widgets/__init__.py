"""What is shown in a notebook."""

from .dirac_widget import DiracWidget
from .trainer_widget import GANTrainerWidget

__all__ = ["DiracWidget", "GANTrainerWidget"]
