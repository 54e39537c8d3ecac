"""`GANTrainer`: step, change, save and resume a GAN training run."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from traitlets import TraitError

from ganwidgets.data import DATA_OPTIONS, dataset
from ganwidgets.games import named, settings_of
from ganwidgets.games.game import Game
from ganwidgets.messages import Message, catalog
from ganwidgets.runs.files.session_file import load_session, save_session
from ganwidgets.runs.folder.autosaver import keep
from ganwidgets.runs.record.interventions import CODE
from ganwidgets.runs.session.full_state import refuse_other_data
from ganwidgets.runs.session.session import Session
from ganwidgets.runs.state.hashing import digest
from ganwidgets.runs.state.state_tree import copied
from ganwidgets.runs.state.user_parts import (
    brought,
    chosen_game,
    refuse_another_game,
)
from ganwidgets.runs.timeline.script import code_of
from ganwidgets.settings import check_names
from ganwidgets.settings.signatures import with_settings
from ganwidgets.settings.types import nearest
from ganwidgets.stepping.runtime.ambient import under_pinned_modes
from ganwidgets.stepping.runtime.devices import chosen_device
from ganwidgets.trainer.dispatch import on_training_thread
from ganwidgets.trainer.health import HealthMixin
from ganwidgets.trainer.inspection import InspectionMixin
from ganwidgets.trainer.steps import StepsMixin
from ganwidgets.trainer.understanding import UnderstandingMixin

if TYPE_CHECKING:
    from ganwidgets.objectives import Objective

__all__ = ["GANTrainer"]


@with_settings(dict.fromkeys(DATA_OPTIONS))
class GANTrainer(StepsMixin, HealthMixin, UnderstandingMixin, InspectionMixin):
    """Trains a GAN step by step, with settings that can change at any time.

    Parameters
    ----------
    data : str, array, tensor, (X, y), Dataset or path
        A preset's name, of `ganwidgets.data.POINT_PRESETS` or `ganwidgets.data.IMAGE_PRESETS`; points ``[N, F]``;
        images ``[N, H, W]`` or ``[N, C, H, W]``, uint8 or float; a pair with integer labels; a
        `torch.utils.data.Dataset`, or any object with ``__len__`` and ``__getitem__``; a list; a table such as a
        DataFrame; or a folder of images. Points are not scaled. Table columns train as z-scores if they are far from 0,
        very large or small, or of very different scales. Images train in [-1, 1].
    generator, discriminator : nn.Module, optional
        Own networks: ``generator(z)`` maps noise ``[n, latent_dim]`` to samples, ``discriminator(x)`` returns logits
        ``[n]``, ``[n, 1]`` or ``[n, 1, 1, 1]``. A network with a required second parameter gets labels, int64 ``[n]``.
        They are trained in place. If omitted, built-in networks follow the settings.
    kind, value_range, columns, labels, standardize : optional
        How `data` is read; see :func:`ganwidgets.dataset`. ``trainer.source`` shows the decision.
    objective : Objective, optional
        Own losses, chosen as ``loss="own"``; see :class:`ganwidgets.Objective`.
    game : str or Game
        The players and their losses: ``"gan"``, ``"pix2pix"`` on ``data=(inputs, targets)``,
        ``"cyclegan"`` on ``data=(a, b)``, ``"adversarial_training"`` on data with labels, or an instance of a subclass of
        :class:`ganwidgets.Game`. It determines settings, columns and steps, and cannot change later.
    seed : int
        Determines all randomness of the run.
    device : str or torch.device
        Device of the networks; ``"auto"`` is a CUDA GPU if there is one, otherwise the CPU.
    run : path, optional
        Folder to store the run in during training; :func:`ganwidgets.open_run` opens it again, also after a
        crash. It is saved every few seconds, for at most 2 % of the time.
    **settings
        Any setting by name; see :class:`ganwidgets.Settings`.

    Raises
    ------
    CheckpointError
        If the folder `run` is not empty, or is not writable.
    DataError
        If the data cannot be trained on, or if the networks do not fit it.
    traitlets.TraitError
        If a keyword is unknown, or a setting's value is not allowed.
    ValueError
        If PyTorch cannot use the device here.

    Examples
    --------
    >>> trainer = GANTrainer("ring8", seed=0, lr_d=1e-3)
    >>> record = trainer.step(10)
    >>> trainer.iteration, sorted(record)[:2]
    (10, ['accuracy_fake', 'accuracy_real'])
    """

    @under_pinned_modes
    def __init__(
        self,
        data: Any = "gaussians",
        *,
        generator: nn.Module | None = None,
        discriminator: nn.Module | None = None,
        objective: Objective | None = None,
        game: str | Game = "gan",
        seed: int = 0,
        device: str | torch.device = "cpu",
        run: str | os.PathLike[str] | None = None,
        **settings: Any,
    ) -> None:
        played = chosen_game(
            game, {"generator": generator, "discriminator": discriminator, "objective": objective}
        )
        check_names(
            settings,
            "GANTrainer",
            also=("generator", "discriminator", "objective", "game", "device", "run", *DATA_OPTIONS),
            definitions=settings_of(played),
        )
        options = {name: settings.pop(name) for name in DATA_OPTIONS if name in settings}
        if options:
            data = dataset(data, **options)
        own = {"generator": generator, "discriminator": discriminator, "objective": objective, "game": played}
        session = Session(data, own, chosen_device(device), {"seed": seed, **settings})
        if run is not None:
            keep(session, run)
        self._begin(session)

    @classmethod
    def _of(cls, session: Session) -> GANTrainer:
        trainer = cls.__new__(cls)
        trainer._begin(session)
        return trainer

    @on_training_thread
    def reset(self, seed: int | None = None, *, game: str | Game | None = None) -> None:
        """Start afresh with the current settings, including pending ones.

        A new branch begins, with its own history. The log of interventions keeps what led to the reset, and the reset
        itself.

        Parameters
        ----------
        seed : int, optional
            A new seed; if omitted, the run's own.
        game : str or Game, optional
            Only the run's own game, which determines settings, columns and networks.

        Raises
        ------
        DataError
            If the pending settings do not fit together; the run does not change.
        """
        if game is not None:
            refuse_another_game(self._session.own.game, game)
        self._session.reset(seed, CODE)

    # --- settings -------------------------------------------------------------------------------

    @property
    def settings(self) -> Any:
        """The settings; an assignment takes effect at the next update."""
        return self._session.settings

    def change(self, reason: str = "", **settings: Any) -> None:
        """Change several settings at once; on any error none of them changes.

        Parameters
        ----------
        reason : str
            Stored in the log of interventions.
        **settings
            The new values by name, in force at the next update.

        Raises
        ------
        traitlets.TraitError
            If a name is unknown or a value is not allowed; nothing changes.
        TypeError
            If `reason` is no string; nothing changes.
        """
        origin = replace(CODE, reason=reason)
        route = self.settings._route
        if route is None or not route(self.settings.checked(settings), reason):
            self._session.change(settings, origin)

    # --- the whole state ------------------------------------------------------------------------

    @on_training_thread
    def state_dict(self) -> dict[str, Any]:
        """Return the whole state: CPU copies of tensors, and plain values."""
        tree: dict[str, Any] = copied(self._session.tree())
        return tree

    @on_training_thread
    def state_hash(self) -> str:
        """Return the SHA-256 hash of the whole state, in hex.

        It covers networks with buffers, the moving average, optimizers, random generators, the data cursor and
        fingerprint, counters, and settings (also pending ones). It excludes history, interventions, clock, reasons and
        device. Two trainers with equal hashes continue alike.
        """
        return digest(self._session.tree())

    @on_training_thread
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore a state that :meth:`state_dict` returned.

        The state includes settings, seed and the sizes of built-in networks. The data must be the trainer's own.
        History is kept up to the state's iteration; missing rows are NaN.

        Raises
        ------
        CheckpointError
            If the state belongs to other data, other networks or another version of ganwidgets. The trainer then
            does not change.
        """
        refuse_other_data(self._session, state)
        self._session.load_tree(state, CODE)

    @on_training_thread
    def code(self) -> str:
        """Return Python source that repeats this run, including its seed; for a widget, the source makes a widget.

        If no setting changed and all steps were full, it is one line with all settings; else :meth:`Timeline.script`
        follows.

        Examples
        --------
        >>> GANTrainer("ring8", seed=3, lr_d=0.01).code()
        "gw.GANTrainer('ring8', lr_d=0.01, batch_size=150, seed=3)"
        """
        return code_of(self._session, "gw.GANTrainer")

    @on_training_thread
    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the run to one file: state, history, interventions, and data that is a small array.

        Nothing in the file can execute. It is written beside `path` and renamed, so that `path` holds the old file or
        the complete new one.

        Raises
        ------
        CheckpointError
            If the file cannot be written.
        """
        save_session(self._session, path)
        self._session.autosave.saved_elsewhere()

    def export(self, path: str | os.PathLike[str], *, locale: str | None = None) -> Path:
        """Write the run, or its generator, to a file in the format that its ending names.

        ===================  ==========================================================================
        ending               content
        ===================  ==========================================================================
        ``.png``             the current picture
        ``.gif .webp``       an animation of its past; also ``.apng`` and, with ``ganwidgets[video]``, ``.mp4``
        ``.html``            the whole run on one page, with a slider over its snapshots
        ``.csv .parquet``    the history, one row an iteration; Parquet needs ``ganwidgets[parquet]``
        ``.py .ipynb``       source that recomputes the run
        ``.pt2``             the generator as a program of `torch.export`
        ``.onnx``            the generator as ONNX; needs ``ganwidgets[onnx]``
        ``.safetensors``     the generator's tensors, with settings and a model card in the header; the card also as ``.md``
        ===================  ==========================================================================

        The generator's files load without ganwidgets: ``torch.export.load(path).module()(z)``, with a second argument
        ``y`` if it takes labels. It is exported in eval mode and returns samples in the units of training.

        Parameters
        ----------
        path
            The file; its ending selects the format.
        locale : str, optional
            The language, such as ``"fr"``; default: the system's.

        Raises
        ------
        ValueError
            If the ending or language is unknown, PyTorch cannot trace the generator, or no script can repeat the run.
        DataError
            If the game has no generator that maps noise.
        ImportError
            If an optional package of the format is not installed.
        OSError
            If the file cannot be written.
        """
        from ganwidgets.rendering.exports.export import export

        return export(self._session, self._between_steps, path, catalog(locale), self._evaluation.report)

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        data: Any = None,
        *,
        generator: nn.Module | None = None,
        discriminator: nn.Module | None = None,
        objective: Objective | None = None,
        game: str | Game | None = None,
        device: str | torch.device = "cpu",
    ) -> GANTrainer:
        """Return the trainer of a run that :meth:`save` wrote; training continues with the same bits.

        Parameters
        ----------
        path
            The file.
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
            If the file is missing, damaged, foreign or newer, or does not match the arguments.
        """
        own = brought(generator, discriminator, objective, game)
        return cls._of(load_session(path, data, own, chosen_device(device)))

    def close(self) -> None:
        """Store the run's latest state in its folder, and release the folder for other processes.

        The trainer stays usable, but no longer stores anything. When the trainer is garbage-collected or the
        interpreter exits, it is closed automatically. Without a folder this does nothing.

        Raises
        ------
        CheckpointError
            If the state cannot be stored, such as on a full disk. The folder stays open, so that a later call tries
            again. After :meth:`save` to another file it is closed without an error.
        """
        self._between_steps(self._session.autosave.close)

    def __del__(self) -> None:
        if "_session" in vars(self):  # absent if __init__ raised
            self._between_steps(self._session.autosave.abandon)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "features":
            object.__setattr__(self, name, value)
            return
        if hasattr(GANTrainer, name) or (type(self) is GANTrainer and not name.startswith("_")):
            known = [member for member in dir(GANTrainer) if not member.startswith("_")]
            raise TraitError(
                Message(
                    "GANTrainer has no {name!r} to set{hint}",
                    name=name,
                    hint=_hint(name, known, self._session.settings.definitions),
                )
            )
        super().__setattr__(name, value)

    def __reduce_ex__(self, _protocol: Any) -> Any:
        raise TypeError(
            Message(
                "a GANTrainer cannot be pickled; trainer.save(path) stores it, and gw.GANTrainer.load(path) loads it"
            )
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> GANTrainer:
        made = type(self).__new__(type(self))
        memo[id(self)] = made
        vars(made).update(copy.deepcopy(vars(self), memo))
        return made

    def __repr__(self) -> str:
        game = "".join(f" of {name}" for name in named(self.game).values())
        return f"<GANTrainer{game} on {self._session.run.source.name}, iteration {self.iteration}>"


def _hint(name: str, known: list[str], settings: Mapping[str, Any]) -> str:
    if name in settings:
        return Message("; it is a setting: trainer.settings.{name} = ...", name=name)
    return Message("; it can only be read") if name in known else nearest(name, known)
