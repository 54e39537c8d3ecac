"""The trainer that users hold: a GAN whose training can be stepped, changed, saved and resumed."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from traitlets import TraitError

from ganwidgets.data import DATA_OPTIONS, dataset
from ganwidgets.games.game import Game
from ganwidgets.messages import Message, catalog
from ganwidgets.runs.files.session_file import load_session, save_session
from ganwidgets.runs.folder.autosaver import keep
from ganwidgets.runs.inspect.walk import Walk
from ganwidgets.runs.record.interventions import CODE, Origin, is_update
from ganwidgets.runs.session.full_state import refuse_other_data
from ganwidgets.runs.session.session import Session
from ganwidgets.runs.session.step_record import Record
from ganwidgets.runs.state.hashing import digest
from ganwidgets.runs.state.state_tree import copied
from ganwidgets.runs.state.user_parts import (
    brought,
    chosen_game,
    definitions_of,
    refuse_another_game,
)
from ganwidgets.runs.timeline.script import code_of
from ganwidgets.settings import check_names
from ganwidgets.settings.signatures import with_settings
from ganwidgets.stepping.ambient import under_pinned_modes
from ganwidgets.stepping.devices import chosen_device
from ganwidgets.stepping.engine import ALL
from ganwidgets.trainer.dispatch import on_training_thread
from ganwidgets.trainer.health import HealthMixin
from ganwidgets.trainer.inspection import InspectionMixin
from ganwidgets.trainer.understanding import UnderstandingMixin
from ganwidgets.validation import checked_callable, checked_count

if TYPE_CHECKING:
    from ganwidgets.objectives import Objective

__all__ = ["GANTrainer"]


@with_settings(dict.fromkeys(DATA_OPTIONS))
class GANTrainer(HealthMixin, UnderstandingMixin, InspectionMixin):
    """Trains a generator against a discriminator, step by step, and obeys while it does.

    Parameters
    ----------
    data : str, array, tensor, (X, y), Dataset or path
        A preset's name, of `ganwidgets.data.POINT_PRESETS` or `ganwidgets.data.IMAGE_PRESETS`; points ``[N, F]``; images ``[N, H, W]`` or ``[N, C, H, W]``,
        uint8 or float; a pair with integer labels; a `torch.utils.data.Dataset`, or any object with
        ``__len__`` and ``__getitem__``; a list; a table such as a DataFrame; or a folder of images. Points pass unscaled, but tables whose columns are
        far from 0, very large or small, or of very different scales train as z-scores. Images train in [-1, 1].
    generator, discriminator : nn.Module, optional
        Networks of one's own: ``generator(z)`` maps noise ``[n, latent_dim]`` to samples,
        ``discriminator(x)`` returns logits ``[n]``, ``[n, 1]`` or ``[n, 1, 1, 1]``. One that needs a
        second argument is told labels, int64 ``[n]``. They are trained in place. Without them,
        built-in ones follow the settings.
    kind, value_range, columns, labels, standardize : optional
        How `data` is read; see :func:`ganwidgets.dataset`. ``trainer.source`` shows what was decided.
    objective : Objective, optional
        Losses of one's own, chosen as ``loss="own"``; see :class:`ganwidgets.Objective`.
    game : str or Game
        Which networks play against which losses: ``"gan"``, ``"pix2pix"`` on ``data=(inputs, targets)``,
        ``"cyclegan"`` on ``data=(a, b)``, ``"adversarial_training"`` on data with labels, or an instance of a subclass of
        :class:`ganwidgets.Game`. It never changes; settings, columns and steps follow from it.
    seed : int
        All randomness of the run follows from it.
    device : str or torch.device
        Where the networks compute; ``"auto"`` is a CUDA GPU where there is one, otherwise the CPU.
    run : path, optional
        A folder in which the run is kept while it goes on; :func:`ganwidgets.open_run` finds it
        again, after a crash too. It is saved at least every few seconds, at most 2 % of the time.
    **settings
        Any setting by name; see :class:`ganwidgets.Settings`.

    Raises
    ------
    CheckpointError
        If the folder `run` holds something already, or cannot be written to.
    DataError
        For data that cannot be trained on, or networks that do not fit it.
    traitlets.TraitError
        For an unknown keyword, or a setting that is not allowed.
    ValueError
        For a device that PyTorch cannot use here.

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
            definitions=definitions_of(played),
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
        """Start afresh with the settings as they stand, pending ones included.

        A branch of its own begins, and its history; what led to the reset stays in the log of
        interventions, and the reset is in it.

        Parameters
        ----------
        seed : int, optional
            A new seed; without one the run begins as it did before.
        game : str or Game, optional
            Only the run's own game: settings, columns and networks of the whole run follow from it. Another game needs
            another trainer.

        Raises
        ------
        DataError
            If the pending settings do not fit together; the run is then as it was.
        """
        if game is not None:
            refuse_another_game(self._session.own.game, game)
        self._session.reset(seed, CODE)

    # --- settings -------------------------------------------------------------------------------

    @property
    def settings(self) -> Any:
        """The settings: assign to an attribute and the next update obeys."""
        return self._session.settings

    def change(self, reason: str = "", **settings: Any) -> None:
        """Change several settings at once: all of them, or on any error none.

        Parameters
        ----------
        reason : str
            Why; kept in the log of interventions.
        **settings
            The new values by name, in force at the next update.

        Raises
        ------
        traitlets.TraitError
            For an unknown name or a value that is not allowed; nothing changes.
        """
        route = self.settings._route
        if route is None or not route(self.settings.checked(settings), reason):
            self._session.change(settings, replace(CODE, reason=reason))

    # --- steps ----------------------------------------------------------------------------------

    def step(self, n: int = 1) -> dict[str, float]:
        """Carry out `n` full steps: `d_steps` updates of D, then `g_steps` of G, in each.

        Returns
        -------
        dict
            The last record: ``iteration loss_d loss_g grad_norm_d grad_norm_g accuracy_real
            accuracy_fake``, of the last updates, before their optimizer steps, penalty included
            in ``loss_d``. A frozen or skipped network has no gradient: its norm is NaN.

        Raises
        ------
        DivergedError
            If a number is not finite; the trainer then stands at its last good state.
        """
        return self._train(ALL, checked_count(n))

    def step_d(self, n: int = 1) -> dict[str, float]:
        """Update the discriminator alone, `n` times; every bit of the generator stays."""
        return self._train(self._player_of("step_d"), checked_count(n))

    def step_g(self, n: int = 1) -> dict[str, float]:
        """Update the generator alone, `n` times; every bit of the discriminator stays."""
        return self._train(self._player_of("step_g"), checked_count(n))

    def step_player(self, name: str, n: int = 1) -> dict[str, float]:
        """Update one player alone, `n` times; every bit of the other players' networks stays.

        Parameters
        ----------
        name : str
            One of :attr:`players`.

        Raises
        ------
        ValueError
            If the game has no such player.
        """
        if name not in self.players:
            raise ValueError(
                Message(
                    "there is no player {name!r}; players are {known}",
                    name=name,
                    known=", ".join(self.players),
                )
            )
        return self._train(name, checked_count(n))

    def _player_of(self, action: str) -> str:
        """Return the player that ``step_<letter>`` updates."""
        game = self._session.state.game
        if action not in game.actions:
            raise AttributeError(
                Message(
                    "the game {game} has no {action}; it has {known}",
                    game=game.name,
                    action=action,
                    known=", ".join(game.actions),
                )
            )
        return game.actions[action]

    def __getattr__(self, name: str) -> Any:
        # The games' own steps, such as `step_c`.
        if is_update(name) and "_session" in vars(self):
            player = self._player_of(name)
            return lambda n=1: self._train(player, checked_count(n))
        if name in ("generator", "discriminator") and "_session" in vars(self):
            self._network(name)  # raises: the property has failed, and its message would be lost
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def walk(self, network: str = ALL) -> Walk:
        """Begin a walk through the next step, sub-step by sub-step, forward and back.

        Each ``walk.next()`` carries out one stage more of the update (draw noise, generate, classify,
        loss, gradients, update), shows what came out, and leaves the run as it was; the one after the
        last sub-step carries the step out, with the same bits as :meth:`step`, :meth:`step_d` or
        :meth:`step_g`.

        Parameters
        ----------
        network : {"both", "discriminator", "generator"}
            A full step, or an update of one network.

        Examples
        --------
        >>> trainer = GANTrainer("ring8", seed=0)
        >>> walk = trainer.walk("generator")
        >>> [walk.next().stage for _ in range(6)]
        ['noise', 'generate', 'classify', 'loss', 'gradients', 'update']
        >>> trainer.state_hash() == GANTrainer("ring8", seed=0).state_hash()
        True
        >>> walk.next() is None, walk.over
        (True, True)
        """
        return self._walk(network, CODE)

    def _walk(self, network: str, origin: Origin) -> Walk:
        walk = vars(self)["_walking"] = Walk(self._session, self._between_steps, network, origin)
        return walk

    def on_step(self, callback: Callable[[Mapping[str, float]], None]) -> Callable[[], None]:
        """Call `callback` with the record after each step, in the thread that trains.

        The record is read-only: `history` has fixed columns, so an entry that a callback adds could not be kept.

        Returns
        -------
        callable
            Removes the callback.

        Raises
        ------
        TypeError
            If `callback` is no function.
        """
        key = object()
        checked_callable("callback", callback)
        self._session.listeners[key] = lambda record: callback(Record(record))

        def remove() -> None:
            self._session.listeners.pop(key, None)

        return remove

    # --- the whole state ------------------------------------------------------------------------

    @on_training_thread
    def state_dict(self) -> dict[str, Any]:
        """Return the whole state: copies of tensors on the CPU, and plain values only."""
        tree: dict[str, Any] = copied(self._session.tree())
        return tree

    @on_training_thread
    def state_hash(self) -> str:
        """Return the SHA-256, in hex, of the whole state.

        Over networks with buffers, the average, optimizers, generators of random numbers, the
        data's cursor and fingerprint, counters and settings (pending ones too); not over history,
        interventions, clock, reasons or device. Two trainers with equal hashes go on alike.
        """
        return digest(self._session.tree())

    @on_training_thread
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state that :meth:`state_dict` returned.

        Settings, seed and the sizes of built-in networks come with the state; the data must be the trainer's own.
        History is kept up to the state's iteration, and filled with NaN where it has no such row.

        Raises
        ------
        CheckpointError
            If the state belongs to other data, other networks or another version of ganwidgets;
            the trainer is then as it was.
        """
        refuse_other_data(self._session, state)
        self._session.load_tree(state, CODE)

    @on_training_thread
    def code(self) -> str:
        """Return Python source that makes this run again, its seed included; the widget's makes a widget, too.

        It is one line with all settings until a change or a single update took force, then :meth:`Timeline.script`.

        Examples
        --------
        >>> GANTrainer("ring8", seed=3, lr_d=0.01).code()
        "gw.GANTrainer('ring8', lr_d=0.01, batch_size=150, seed=3)"
        """
        return code_of(self._session, "gw.GANTrainer")

    @on_training_thread
    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the run to one file: state, history, interventions, and data that is a small array.

        Nothing in the file can execute. It is written beside `path` and renamed, so that `path`
        holds the old file or the whole new one, never a part.

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
        ``.png``             what the run shows now
        ``.gif .webp``       its past as a film; also ``.apng`` and, with ``ganwidgets[video]``, ``.mp4``
        ``.html``            the whole run on one page, with a slider over its snapshots
        ``.csv .parquet``    the history, one row an iteration; Parquet needs ``ganwidgets[parquet]``
        ``.py .ipynb``       source that recomputes the run
        ``.pt2``             the generator as a program of `torch.export`
        ``.onnx``            the generator as ONNX; needs ``ganwidgets[onnx]``
        ``.safetensors``     the generator's tensors, with settings and a model card in the header; the card also as ``.md``
        ===================  ==========================================================================

        The generator's files load without ganwidgets: ``torch.export.load(path).module()(z)``, with a second
        argument ``y`` if it takes labels. It is exported in eval mode and returns samples in the units of
        training.

        Parameters
        ----------
        path
            The file; its ending names the format.
        locale : str, optional
            The language, such as ``"fr"``; the system's without it.

        Raises
        ------
        ValueError
            For another ending, an unknown language, a generator that PyTorch cannot trace, or a run that no
            script can recompute.
        DataError
            If the game has no generator of noise.
        ImportError
            If a format's optional package is not installed.
        OSError
            If the file cannot be written.
        """
        from ganwidgets.rendering.export import export

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
        """Return the trainer of a run that :meth:`save` wrote; it goes on as that one would have.

        Parameters
        ----------
        path
            The file.
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
            If the file is missing, damaged, foreign or newer, or does not match what is passed.
        """
        own = brought(generator, discriminator, objective, game)
        return cls._of(load_session(path, data, own, chosen_device(device)))

    def close(self) -> None:
        """Store what is new in the folder of the run, and let another process go on there.

        The trainer stays usable, but what it does from then on is not stored. It is closed by itself
        when nobody holds it any more and when the interpreter exits. Without a folder nothing happens.

        Raises
        ------
        CheckpointError
            If it cannot be stored, such as on a full disk. The folder stays open, so that a later call tries again;
            after :meth:`save` to another place it is closed without an error.
        """
        self._between_steps(self._session.autosave.close)

    def __del__(self) -> None:
        if "_session" in vars(self):  # not where it could not be made
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

    def __repr__(self) -> str:
        game = "" if self._session.own.game is None else f" of {self.game.name}"
        return f"<GANTrainer{game} on {self._session.run.source.name}, iteration {self.iteration}>"


def _hint(name: str, known: list[str], settings: Mapping[str, Any]) -> str:
    if name in settings:
        return Message("; it is a setting: trainer.settings.{name} = ...", name=name)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return Message("; did you mean {name}?", name=close[0]) if close else ""
