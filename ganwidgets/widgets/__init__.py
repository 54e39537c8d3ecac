"""Widgets for notebooks."""

from ganwidgets.widgets.comparison.widget import ComparisonWidget
from ganwidgets.widgets.dirac.widget import DiracWidget
from ganwidgets.widgets.latents.explorer import LatentExplorer
from ganwidgets.widgets.lesson import LessonWidget
from ganwidgets.widgets.panels.own_panels import register_panel
from ganwidgets.widgets.sweep.widget import SweepWidget
from ganwidgets.widgets.trainer.widget import GANTrainerWidget

__all__ = [
    "ComparisonWidget",
    "DiracWidget",
    "GANTrainerWidget",
    "LatentExplorer",
    "LessonWidget",
    "SweepWidget",
    "register_panel",
]
