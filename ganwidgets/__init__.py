"""Watch a GAN train in a notebook cell, and steer it while it trains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .data import dataset
from .data.folder import image_folder
from .data.reading import read_points
from .dirac import DiracGAN
from .errors import CheckpointError, CheckpointWarning, DataError, DataWarning, DivergedError
from .lessons import Lesson
from .objectives import Objective
from .runs.report import ReplayReport
from .settings import Settings
from .starts import pretrained, recommended
from .stored import open_run, replay
from .trainer import GANTrainer

if TYPE_CHECKING:
    from ganwidgets.networks.stylegan3 import load_stylegan

    from .live.running import running
    from .widgets import DiracWidget, GANTrainerWidget, LessonWidget

__version__ = "0.1.0"

__all__ = [
    "CheckpointError",
    "CheckpointWarning",
    "DataError",
    "DataWarning",
    "DiracGAN",
    "DiracWidget",
    "DivergedError",
    "GANTrainer",
    "GANTrainerWidget",
    "Lesson",
    "LessonWidget",
    "Objective",
    "ReplayReport",
    "Settings",
    "__version__",
    "dataset",
    "image_folder",
    "load_stylegan",
    "open_run",
    "pretrained",
    "read_points",
    "recommended",
    "replay",
    "running",
]


def __getattr__(name: str) -> Any:
    # The headless trainer needs no Jupyter package and no thread, so these are imported when first asked for.
    if name == "running":
        from .live.running import running

        return running
    if name == "load_stylegan":
        from ganwidgets.networks.stylegan3 import load_stylegan

        return load_stylegan
    if name in {"DiracWidget", "GANTrainerWidget", "LessonWidget"}:
        from . import widgets

        return getattr(widgets, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
