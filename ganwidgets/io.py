"""Runs that were kept in a folder: gone on with, and computed again."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from ganwidgets.games.game import Game
from ganwidgets.runs.state.user_parts import brought
from ganwidgets.stepping.devices import chosen_device
from ganwidgets.trainer.trainer import GANTrainer

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
    """Return the trainer of a run that was kept in a folder; it goes on where the run was left.

    With all its branches, its history and its interventions, and it is kept in that folder from then
    on. While another process does so, it can be looked at and gone on with, but what is done then is
    not stored, and a `RuntimeWarning` says who holds it. A snapshot that is damaged is left out, and a
    :class:`CheckpointWarning` says so: the newest before it takes its place, and the steps in between
    are computed again.

    Parameters
    ----------
    path
        The folder that was passed as ``GANTrainer(..., run=path)``.
    data
        What the run was trained on, where that is neither a preset nor a small array.
    generator, discriminator : nn.Module, optional
        Networks of the same architecture, where the run was trained with one's own.
    objective : Objective, optional
        The objective, where the run was trained with one's own.
    game : Game, optional
        The game, where the run is one of a game of one's own.
    device : str or torch.device
        Where to go on; results on another device are close, not exact.

    Raises
    ------
    CheckpointError
        If there is no run in the folder, it is damaged beyond repair or newer, or it does not match
        what is passed.

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
    """Compute a run that was kept in a folder again, and compare it with what was stored there.

    From its seed and its interventions, in memory, through all branches: each state that was stored,
    and the state before each intervention, is compared bit for bit. It takes as long as the training
    did; the folder is only read.

    Parameters
    ----------
    path, data, generator, discriminator, objective, game
        As for :func:`open_run`; the networks are trained in place.

    Returns
    -------
    ReplayReport
        True where everything is equal; else it says at which iteration what differs first, and what
        is different about the environment. As a string it is a sentence.

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
    from ganwidgets.runs.folder.replay import replayed

    own = brought(generator, discriminator, objective, game)
    return replayed(path, data, own)
