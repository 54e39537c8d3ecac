"""Watch a GAN train in a notebook cell, and steer it while it trains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ganwidgets.comparison import Comparison, compare
from ganwidgets.data import dataset
from ganwidgets.data.images.folder import image_folder
from ganwidgets.data.points.files import read_points
from ganwidgets.diagnosis import Finding
from ganwidgets.diagnosis.rules.built_in import built_in_rules
from ganwidgets.diagnosis.rules.learned import learned_rules
from ganwidgets.diagnosis.rules.rule import Rule
from ganwidgets.dirac import DiracGAN
from ganwidgets.errors import (
    CheckpointError,
    CheckpointWarning,
    ClusterError,
    CompilerError,
    CompilerWarning,
    DataError,
    DataWarning,
    DivergedError,
)
from ganwidgets.games.game import Game
from ganwidgets.io import open_run, replay
from ganwidgets.lessons import Lesson
from ganwidgets.metrics import register_metric
from ganwidgets.modality import Modality, register_modality
from ganwidgets.networks import register_architecture
from ganwidgets.objectives import Objective
from ganwidgets.optimizers import register_optimizer
from ganwidgets.recipes import pretrained, recommended
from ganwidgets.rehearsal import rehearse
from ganwidgets.runs.folder.replay_report import ReplayReport
from ganwidgets.settings import Settings, register_schedule
from ganwidgets.sweeps.search.configurations import between
from ganwidgets.sweeps.sweep import Sweep
from ganwidgets.trainer.trainer import GANTrainer

if TYPE_CHECKING:
    from ganwidgets.live.worker.running import running
    from ganwidgets.networks.stylegan3 import load_stylegan
    from ganwidgets.tensorboard import log_to_tensorboard
    from ganwidgets.widgets import (
        ComparisonWidget,
        DiracWidget,
        GANTrainerWidget,
        LatentExplorer,
        LessonWidget,
        SweepWidget,
        register_panel,
    )
    from ganwidgets.widgets.classroom import Classroom

__version__ = "0.1.0"

__all__ = [
    "CheckpointError",
    "CheckpointWarning",
    "Classroom",
    "ClusterError",
    "Comparison",
    "ComparisonWidget",
    "CompilerError",
    "CompilerWarning",
    "DataError",
    "DataWarning",
    "DiracGAN",
    "DiracWidget",
    "DivergedError",
    "Finding",
    "GANTrainer",
    "GANTrainerWidget",
    "Game",
    "LatentExplorer",
    "Lesson",
    "LessonWidget",
    "Modality",
    "Objective",
    "ReplayReport",
    "Rule",
    "Settings",
    "Sweep",
    "SweepWidget",
    "__version__",
    "between",
    "built_in_rules",
    "compare",
    "dataset",
    "image_folder",
    "learned_rules",
    "load_stylegan",
    "log_to_tensorboard",
    "open_run",
    "pretrained",
    "read_points",
    "recommended",
    "register_architecture",
    "register_metric",
    "register_modality",
    "register_optimizer",
    "register_panel",
    "register_schedule",
    "rehearse",
    "replay",
    "running",
]


def _interactive(comparison: Comparison) -> ComparisonWidget:
    from ganwidgets.widgets import ComparisonWidget

    return ComparisonWidget(comparison)


# Here, because only the package's root knows both the headless rooms and Jupyter's.
Comparison.interactive = staticmethod(_interactive)


def __getattr__(name: str) -> Any:
    # The headless trainer needs no Jupyter package and no thread, so these are imported when first asked for.
    if name == "running":
        from ganwidgets.live.worker.running import running

        return running
    if name == "load_stylegan":
        from ganwidgets.networks.stylegan3 import load_stylegan

        return load_stylegan
    if name == "Classroom":
        from ganwidgets.widgets.classroom import Classroom

        return Classroom
    if name == "log_to_tensorboard":
        from ganwidgets.tensorboard import log_to_tensorboard

        return log_to_tensorboard
    if name in {
        "ComparisonWidget",
        "DiracWidget",
        "GANTrainerWidget",
        "LatentExplorer",
        "LessonWidget",
        "SweepWidget",
        "register_panel",
    }:
        from ganwidgets import widgets

        return getattr(widgets, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
