"""Open and replay runs that are stored in a folder."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from ganwidgets.errors import CheckpointError
from ganwidgets.games.game import Game
from ganwidgets.messages import Message
from ganwidgets.runs.state.user_parts import brought
from ganwidgets.stepping.runtime.devices import chosen_device
from ganwidgets.sweeps.storage import FILE
from ganwidgets.trainer.trainer import GANTrainer
from ganwidgets.validation import checked_path

if TYPE_CHECKING:
    from ganwidgets.objectives import Objective
    from ganwidgets.runs.folder.replay_report import ReplayReport

__all__ = ["open_run", "replay"]


def open_run(
    path: str | os.PathLike[str],
    data: Any = None,
    *,
    generator: nn.Module | None = None,
    discriminator: nn.Module | None = None,
    objective: Objective | None = None,
    game: str | Game | None = None,
    device: str | torch.device = "cpu",
) -> GANTrainer:
    """Return the trainer of a run stored in a folder; training continues where it stopped.

    Its branches, history and interventions are restored, and the trainer stores its progress in that folder.
    While another process holds the folder, the trainer works but does not store anything. A `RuntimeWarning` names
    that process. A damaged snapshot is left out with a :class:`CheckpointWarning`: the newest earlier snapshot takes
    its place, and the steps in between are recomputed.

    Parameters
    ----------
    path
        The folder that was passed as ``GANTrainer(..., run=path)``.
    data
        The training data, if it is neither a preset nor a small array.
    generator, discriminator : nn.Module, optional
        Networks of the same architecture, if the run used own networks.
    objective : Objective, optional
        The objective, if the run used its own.
    game : Game, optional
        The game, if the run used its own.
    device : str or torch.device
        Device to train on; results on another device are close, not exact.

    Raises
    ------
    CheckpointError
        If the folder holds no run, or one that is damaged beyond repair, newer, or does not match
        the arguments.

    Examples
    --------
    >>> import tempfile, ganwidgets as gw
    >>> folder = tempfile.mkdtemp()
    >>> trainer = gw.GANTrainer("ring8", g_hidden=(8,), d_hidden=(8,), run=f"{folder}/ring-17")
    >>> record = trainer.step(20)
    >>> trainer.close()
    >>> gw.open_run(f"{folder}/ring-17").iteration
    20
    """
    _refuse_sweep(path)
    # What stores runs is slow to import.
    from ganwidgets.runs.folder.opening import open_session

    own = brought(generator, discriminator, objective, game)
    return GANTrainer._of(open_session(path, data, own, chosen_device(device)))


def replay(
    path: str | os.PathLike[str],
    data: Any = None,
    *,
    generator: nn.Module | None = None,
    discriminator: nn.Module | None = None,
    objective: Objective | None = None,
    game: str | Game | None = None,
) -> ReplayReport:
    """Recompute a run that is stored in a folder, and compare it with the stored states.

    The run is recomputed in memory from its seed and interventions, through all branches. Each stored state, and the
    state before each intervention, is compared bit for bit. This takes as long as the training did. The folder is
    only read.

    Parameters
    ----------
    path, data, generator, discriminator, objective, game
        As for :func:`open_run`; the networks are trained in place.

    Returns
    -------
    ReplayReport
        Truthy if everything is equal. Otherwise it names the first iteration and value that differ, and the
        differences of the environment. ``str(report)`` is a sentence.

    Raises
    ------
    CheckpointError
        As for :func:`open_run`.

    Examples
    --------
    >>> import tempfile, ganwidgets as gw
    >>> folder = tempfile.mkdtemp()
    >>> trainer = gw.GANTrainer("ring8", g_hidden=(8,), d_hidden=(8,), run=f"{folder}/ring-17")
    >>> record = trainer.step(20)
    >>> trainer.close()
    >>> gw.replay(f"{folder}/ring-17").verdict
    'equal'
    """
    _refuse_sweep(path)
    from ganwidgets.runs.folder.replay import replayed

    own = brought(generator, discriminator, objective, game)
    return replayed(path, data, own)


def _refuse_sweep(path: Any) -> None:
    """Raise `CheckpointError` if `path` is the folder of a sweep."""
    folder = checked_path("path", path)
    if (folder / FILE).is_file():
        raise CheckpointError(
            Message(
                "{path} is the folder of a sweep and not of one run; gw.Sweep.load({path!r}) opens it, and "
                "sweep.take(i) returns a run",
                path=str(folder),
            )
        )
