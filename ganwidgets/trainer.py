"""The trainer that users hold: a GAN whose training can be stepped, changed, saved and resumed."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import numbers
import os
import secrets
import threading
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from traitlets import TraitError

from .data import Source, load_data
from .errors import CheckpointError, DataError, DivergedError
from .messages import Message
from .metrics import evaluate_points
from .objectives import LOSSES
from .runs.checkpoint import read_checkpoint, write_checkpoint
from .runs.hashing import digest
from .runs.history import History, measured
from .runs.interventions import Intervention, InterventionLog
from .runs.last_good import LastGood, interval_for
from .runs.saved import STATE_FORMAT, SavedRun, check_origin, data_name, find_source, is_preset
from .runs.state_tree import check_fits, copied, put_tree, state_tree
from .seeds import derive, seeded
from .settings import SETTINGS, Settings, refuse_unknown
from .stepping.eager import NonFiniteError, draw_noise
from .stepping.run import Run, assemble, batch_too_large
from .stepping.state import put_tensors, tensors_of
from .stepping.threads import computing_with

if TYPE_CHECKING:
    from .data import Modes

__all__ = ["GANTrainer"]

Network = Literal["both", "generator", "discriminator"]

P = ParamSpec("P")
T = TypeVar("T")


def between_steps(
    method: Callable[Concatenate[GANTrainer, P], T],
) -> Callable[Concatenate[GANTrainer, P], T]:
    """Let a method of a live trainer be carried out by the thread that trains, between two steps."""

    @functools.wraps(method)
    def call(self: GANTrainer, *args: P.args, **kwargs: P.kwargs) -> T:
        if self._dispatch is None:
            return method(self, *args, **kwargs)
        return self._dispatch(functools.partial(method, self, *args, **kwargs))

    return call


class GANTrainer:
    """Trains a generator against a discriminator, step by step, and obeys while it does.

    Parameters
    ----------
    data : str, array, tensor, (X, y), Dataset or path
        A preset's name (``line gaussians ring disjoint ring8 grid25 spiral moons digits mnist
        fashion_mnist cifar10``); points ``[N, F]``; images ``[N, H, W]`` or ``[N, C, H, W]``,
        uint8 or float; a pair with integer labels; a `torch.utils.data.Dataset`; or a folder of
        images. Points pass unscaled; images train in [-1, 1].
    generator, discriminator : nn.Module, optional
        Networks of one's own: ``generator(z)`` maps noise ``[n, latent_dim]`` to samples,
        ``discriminator(x)`` returns logits ``[n]``, ``[n, 1]`` or ``[n, 1, 1, 1]``. They are trained
        in place. Without them, built-in ones follow the settings.
    seed : int
        All randomness of the run follows from it.
    device : str or torch.device
        Where the networks compute.
    **settings
        Any setting by name; see :class:`ganwidgets.Settings`.

    Raises
    ------
    DataError
        For data that cannot be trained on, or networks that do not fit it.
    traitlets.TraitError
        For an unknown keyword, or a setting that is not allowed.

    Examples
    --------
    >>> trainer = GANTrainer("ring8", seed=0, lr_d=1e-3)
    >>> record = trainer.step(10)
    >>> trainer.iteration, sorted(record)[:2]
    (10, ['accuracy_fake', 'accuracy_real'])
    """

    def __init__(
        self,
        data: Any = "gaussians",
        *,
        generator: nn.Module | None = None,
        discriminator: nn.Module | None = None,
        seed: int = 0,
        device: str | torch.device = "cpu",
        **settings: Any,
    ) -> None:
        refuse_unknown(settings, "GANTrainer", also=("generator", "discriminator", "device"))
        self._dispatch: Callable[[Callable[[], Any]], Any] | None = None
        self._busy = threading.RLock()
        self._device = torch.device(device)
        self._own = {"generator": generator, "discriminator": discriminator}
        self._own_start = {
            name: {key: t.detach().clone() for key, t in tensors_of(network).items()}
            for name, network in self._own.items()
            if network is not None
        }
        self._listeners: dict[object, Callable[[Mapping[str, float]], None]] = {}
        self._stepping = False
        self._pending_source: tuple[Any, Source] | None = None
        self._provenance = ("cell", "code", "")
        source = self._load(data)
        if "batch_size" not in settings and source.size is not None:
            settings["batch_size"] = min(SETTINGS["batch_size"].initial, source.size)
        self._settings = Settings(data=data, seed=seed, **settings)
        self._begin(source)
        self._log = InterventionLog(self._settings.as_dict())
        self._settings._admission = self._admit
        self._settings.observe(self._on_setting, names=list(SETTINGS))

    # --- a fresh start --------------------------------------------------------------------------

    def _load(self, data: Any) -> Source:
        """Return the source for `data`; the one asked for last is kept."""
        if self._pending_source is None or self._pending_source[0] is not data:
            self._pending_source = data, load_data(data)
        return self._pending_source[1]

    def _adopt(self, run: Run, built: Mapping[str, Any]) -> None:
        """Go on as `run`, from its beginning."""
        for name, network in self._own.items():
            if network is not None:
                put_tensors(network, self._own_start[name])
        self._run = run
        self._built = {n: built[n] for n, s in SETTINGS.items() if s.effect == "fresh start"}
        self._state = run.state
        self._stepper = run.stepper
        self._history = History()
        self._last_good = LastGood(run.state, interval_for(run.state.generator, run.state.discriminator))
        self._configured = False

    def _begin(self, source: Source) -> None:
        """Start afresh with `source` and the settings as they stand; on an error nothing changes."""
        asked = self._settings.as_dict()
        run = assemble(SimpleNamespace(**asked), source, self._own, self._device)
        self._adopt(run, asked)

    @between_steps
    def reset(self, seed: int | None = None) -> None:
        """Start afresh with the settings as they stand, pending ones included.

        History begins anew; the log of interventions goes on, and the reset is in it.

        Parameters
        ----------
        seed : int, optional
            A new seed; without one the run begins as it did before.

        Raises
        ------
        DataError
            If the pending settings do not fit together; the run is then as it was.
        """
        self._reset(seed, author="cell", source="code")

    def _reset(self, seed: int | None, *, author: str, source: str) -> None:
        self._refuse_reentry()
        if seed is not None:
            self._put({"seed": seed}, author=author, source=source, reason="")
        at = self.iteration
        self._begin(self._load(self._settings.data))
        self._log.act(at, "reset", self._settings.seed, author=author, source=source)

    # --- settings -------------------------------------------------------------------------------

    @property
    def settings(self) -> Settings:
        """The settings: assign to an attribute and the next update obeys."""
        return self._settings

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
        values = self._settings.checked(settings)
        if self._settings._route is not None and self._settings._route(values, reason):
            return
        self._put(values, author="cell", source="code", reason=reason)

    def _put(
        self, values: Mapping[str, Any], *, author: str, source: str, reason: str
    ) -> None:
        before = self._provenance
        self._provenance = author, source, reason
        route, self._settings.__dict__["_route"] = self._settings._route, None
        try:
            self._settings.update(values)
        finally:
            self._provenance = before
            self._settings.__dict__["_route"] = route

    def _on_setting(self, change: Any) -> None:
        author, source, reason = self._provenance
        self._log.ask(change["name"], change["new"], author=author, source=source, reason=reason)

    def _admit(self, setting: str, value: Any) -> None:
        if setting == "batch_size":
            size = self._run.source.size
            if size is not None and value > size:
                raise TraitError(batch_too_large(value, size))
        elif setting == "data":
            self._load(value)

    def _in_force(self) -> SimpleNamespace:
        """Return every setting's value for the next update."""
        return SimpleNamespace(**{**self._settings.as_dict(), **self._built})

    def _prepare(self) -> None:
        """Put changed settings in force, and make sure that there is a state to go back to."""
        if self._log.commit(self.iteration) or not self._configured:
            self._stepper.configure(self._in_force())
            self._configured = True
            self._last_good.take()

    # --- steps ----------------------------------------------------------------------------------

    @between_steps
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
        return self._advance("both", _count(n), _never)

    @between_steps
    def step_d(self, n: int = 1) -> dict[str, float]:
        """Update the discriminator alone, `n` times; every bit of the generator stays."""
        return self._advance("discriminator", _count(n), _never)

    @between_steps
    def step_g(self, n: int = 1) -> dict[str, float]:
        """Update the generator alone, `n` times; every bit of the discriminator stays."""
        return self._advance("generator", _count(n), _never)

    def _advance(
        self,
        network: Network,
        n: int,
        interrupted: Callable[[], bool],
        *,
        author: str = "cell",
        source: str = "code",
    ) -> dict[str, float]:
        self._refuse_reentry()
        self._stepping = True
        try:
            with computing_with(self._run.threads):
                for index in range(n):
                    self._one(network, last=index == n - 1, author=author, source=source)
                    if interrupted():
                        break
        finally:
            self._stepping = False
        return self._record()

    def _one(self, network: Network, *, last: bool, author: str, source: str) -> None:
        self._prepare()
        try:
            if network == "both":
                upcoming = self._state.iteration + 1
                listened = bool(self._listeners)
                self._stepper.full_step(measure=last or listened or measured(upcoming))
                self._history.append(self._stepper.record)
            else:
                self._repeat(network)
            self._last_good.note(network)
        except NonFiniteError as error:
            raise self._diverged(error) from None
        except BaseException as error:
            self._go_back()
            error.add_note(f"The trainer stands at its last good state, iteration {self.iteration}.")
            raise
        if network != "both":
            action = "step_d" if network == "discriminator" else "step_g"
            self._log.act(self.iteration, action, 1, author=author, source=source)
        for listener in list(self._listeners.values()):
            listener(self._record())

    def _repeat(self, network: str) -> None:
        """Carry out one update, or one full step, that the history does not record."""
        if network == "both":
            self._stepper.full_step(measure=False)
        elif network == "discriminator":
            self._stepper.update_discriminator(1, measure=True)
        else:
            self._stepper.update_generator(1, measure=True)

    def _record(self) -> dict[str, float]:
        return {"iteration": self._state.iteration, **self._stepper.record}

    def _refuse_reentry(self) -> None:
        if self._stepping:
            raise RuntimeError(
                Message("the trainer is in the middle of a step; a callback cannot step or reset it")
            )

    def _diverged(self, error: NonFiniteError) -> DivergedError:
        failed = self._state.iteration + 1
        rules = self._stepper.rules
        self._go_back()
        return DivergedError(
            Message(
                "{quantity} became {value} in iteration {failed}; the run stands at iteration "
                "{iteration}, before it happened. Lower lr_d (now {lr_d:g}) or lr_g (now {lr_g:g}), "
                "set grad_clip, or reset",
                quantity=error.quantity,
                value=str(error.value),
                failed=failed,
                iteration=self.iteration,
                lr_d=rules.lr_d,
                lr_g=rules.lr_g,
            ),
            self.iteration,
        )

    def _go_back(self) -> None:
        self._last_good.go_back(self._in_force(), self._repeat)
        self._history.resize(self._state.iteration)

    def _recover(self) -> None:
        """Stand at the last good state, settings kept; a failed step has already gone back to it."""
        self._refuse_reentry()
        if not self._state.finite():
            self._go_back()

    # --- what can be seen -----------------------------------------------------------------------

    @property
    def iteration(self) -> int:
        """Full steps carried out since the start of the run."""
        return self._state.iteration

    @property
    def samples_seen(self) -> int:
        """Real samples drawn since the start of the run."""
        return self._state.cursor

    @property
    def generator(self) -> nn.Module:
        """The generator; do not call it while a widget trains it: use :meth:`sample`."""
        return self._state.generator

    @property
    def discriminator(self) -> nn.Module:
        """The discriminator; returns logits."""
        return self._state.discriminator

    @property
    def source(self) -> Source:
        """Where the real samples come from."""
        return self._run.source

    @property
    def history(self) -> History:
        """The numbers of every iteration, by column."""
        return self._history

    @property
    def interventions(self) -> list[Intervention]:
        """Everything that was changed in this run: who, after which iteration, what, and why."""
        return self._log.records(self.iteration)

    @property
    def exact(self) -> bool:
        """Whether the run repeats bit for bit on the same torch version, device and thread count.

        False, "close, not exact", where a Dataset or a network draws random numbers that cannot
        be routed to the run's own generators.
        """
        return self._run.exact

    @between_steps
    def sample(
        self, n: int, seed: int | None = None, labels: Any = None, ema: bool = False
    ) -> Tensor:
        """Return `n` generated samples; the run's state is untouched.

        Parameters
        ----------
        n : int
            How many.
        seed : int, optional
            The same seed gives the same latents every time; without one they differ each call.
        labels
            Only for networks that take labels; the built-in ones do not yet.
        ema : bool
            Use the moving average of the generator; the setting `ema_decay` must be above 0.

        Returns
        -------
        Tensor
            float32 on the CPU, ``[n, F]`` points or ``[n, C, H, W]`` images in [0, 1].
        """
        if labels is not None:
            raise ValueError(
                Message(
                    "labels were given ({labels!r}), but this generator takes none; leave them out",
                    labels=labels,
                )
            )
        network = self._state.generator
        if ema:
            if self._settings.ema_decay == 0:
                raise ValueError(
                    Message("there is no average of the generator; set ema_decay above 0 first")
                )
            network = self._state.ema or network
        aside = seeded(secrets.randbits(63) if seed is None else _seed(seed), "sample")
        latents = draw_noise(
            self._settings.noise, _count(n), self._stepper.latent_dim, aside
        )
        inside = derive(aside.initial_seed(), "inside")
        return self._run.shown(self._run.observe(network, latents, inside))

    @between_steps
    def real(self, n: int, seed: int | None = None) -> Tensor:
        """Return `n` real samples, as :meth:`sample` does; the run's state is untouched."""
        aside = seeded(secrets.randbits(63) if seed is None else _seed(seed), "real")
        return self._run.shown(self._run.source.draw(_count(n), aside))

    @between_steps
    def _look(self, samples: Tensor) -> Tensor:
        """Return the discriminator's logits ``[n]`` for `samples` in the units of training."""
        return self._run.observe(self._state.discriminator, samples, seed=0).reshape(-1)

    @between_steps
    def evaluate(self, n: int = 2500, seed: int = 0) -> dict[str, float]:
        """Return how good the generated samples are, by name; see :mod:`ganwidgets.metrics`.

        For points: ``modes high_quality reverse_kl`` where the data knows its centres,
        ``jensen_shannon`` for two dimensions, ``sliced_wasserstein``. For images: the share of real
        and of generated samples that the discriminator judges rightly.

        Parameters
        ----------
        n : int
            How many generated samples are compared with as many real ones.
        seed : int
            Of the samples; the same seed, the same figures.
        """
        if self._run.source.kind == "images":
            return self._accuracy(self.real(n, seed), self.sample(n, seed))
        samples, reference, modes = self._evaluation_inputs(n, seed)
        return evaluate_points(samples, reference, modes, seed)

    @between_steps
    def floors(self, n: int = 2500, seed: int = 0) -> dict[str, float]:
        """Return what a perfect generator scores at :meth:`evaluate`: real samples in its place."""
        perfect = self._run.shown(self._run.source.draw(_count(n), seeded(_seed(seed), "perfect")))
        if self._run.source.kind == "images":
            return self._accuracy(self.real(n, seed), perfect)
        return evaluate_points(
            perfect.numpy(), self.real(n, seed).numpy(), self._run.source.modes, seed
        )

    @between_steps
    def _evaluation_inputs(
        self, n: int, seed: int
    ) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], Modes | None]:
        return self.sample(n, seed).numpy(), self.real(n, seed).numpy(), self._run.source.modes

    def _accuracy(self, real: Tensor, fake: Tensor) -> dict[str, float]:
        real_logits, fake_logits = self._look(real * 2 - 1), self._look(fake * 2 - 1)
        threshold = LOSSES[self._settings.loss].threshold(real_logits, fake_logits)
        return {
            "accuracy_real": (real_logits > threshold).float().mean().item(),
            "accuracy_fake": (fake_logits <= threshold).float().mean().item(),
        }

    def on_step(self, callback: Callable[[Mapping[str, float]], None]) -> Callable[[], None]:
        """Call `callback` with the record after each step, in the thread that trains.

        Returns
        -------
        callable
            Removes the callback.
        """
        key = object()
        self._listeners[key] = callback

        def remove() -> None:
            self._listeners.pop(key, None)

        return remove

    # --- the whole state ------------------------------------------------------------------------

    def _tree(self) -> dict[str, Any]:
        """Return the whole state as nested dictionaries of tensors, not copied, and plain values."""
        run = self._run
        return {
            "format": STATE_FORMAT,
            "data": run.source.fingerprint,
            "own": {name: network is not None for name, network in self._own.items()},
            "built": {**self._built, "data": data_name(run.source)},
            "settings": {
                **self._settings.as_dict(),
                "data": data_name(self._load(self._settings.data)),
            },
            "stepper": "eager",
            "threads": run.threads,
            **state_tree(self._state),
        }

    @between_steps
    def state_dict(self) -> dict[str, Any]:
        """Return the whole state: copies of tensors on the CPU, and plain values only."""
        tree: dict[str, Any] = copied(self._tree())
        return tree

    @between_steps
    def state_hash(self) -> str:
        """Return the SHA-256, in hex, of the whole state.

        Over networks with buffers, the average, optimizers, generators of random numbers, the
        data's cursor and fingerprint, counters and settings (pending ones too); not over history,
        interventions, clock, reasons or device. Two trainers with equal hashes go on alike.
        """
        return digest(self._tree())

    @between_steps
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state that :meth:`state_dict` returned.

        History is kept up to the state's iteration, and filled with NaN where it has no such row.

        Raises
        ------
        CheckpointError
            If the state belongs to other data, other networks or another version of ganwidgets;
            the trainer is then as it was.
        """
        self._refuse_reentry()
        check_origin(state, self._own)
        source = find_source(state, [self._run.source, self._load(self._settings.data)])
        data = self._settings.data if source is self._load(self._settings.data) else source.preset
        if data is None:
            data = self._built["data"]
        built = {**state["built"], "data": data}
        values = {**state["settings"], **built}
        run = assemble(SimpleNamespace(**values), source, self._own, self._device)
        check_fits(run.state, state)
        pending = state["settings"]["data"]
        settings = {**state["settings"], "data": pending if is_preset(pending) else data}
        history = self._history
        self._adopt(dataclasses.replace(run, threads=state["threads"]), values)
        self._history = history
        self._history.resize(state["iteration"])
        put_tree(self._state, state, SimpleNamespace(**settings))
        self._put(settings, author="cell", source="code", reason="load_state_dict")
        self._log.restore(self._log.records(self.iteration), self._settings.as_dict())

    @between_steps
    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the run to one file: state, history, interventions, and data that is a small array.

        Nothing in the file can execute. It is written beside `path` and renamed, so that `path`
        holds the old file or the whole new one, never a part.

        Raises
        ------
        CheckpointError
            If the file cannot be written.
        """
        source = self._run.source
        stored = source.stored()
        if stored is not None and stored.numel() * stored.element_size() > LARGEST_STORED_DATA:
            stored = None
        saved = SavedRun(
            state=self._tree(),
            history=self._history,
            interventions=self.interventions,
            data=stored,
            labels=None if stored is None else source.labels,
            origin={"data": source.name, "kind": source.kind, "torch": torch.__version__},
        )
        write_checkpoint(path, *saved.packed())

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        data: Any = None,
        *,
        generator: nn.Module | None = None,
        discriminator: nn.Module | None = None,
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
        device : str or torch.device
            Where to go on; results on another device are close, not exact.

        Raises
        ------
        CheckpointError
            If the file is missing, damaged, foreign or newer, or does not match what is passed.
        """
        saved = SavedRun.unpacked(*read_checkpoint(path))
        state = saved.state
        if data is None:
            data = saved.own_data()
        try:
            trainer = cls(
                data,
                generator=generator,
                discriminator=discriminator,
                device=device,
                **{name: value for name, value in state["built"].items() if name != "data"},
                batch_size=state["settings"]["batch_size"],
            )
        except (DataError, TraitError) as error:
            raise CheckpointError(
                Message("{path} does not match what was passed: {error}", path=str(path), error=error)
            ) from error
        trainer.load_state_dict(state)
        trainer._history = saved.history
        trainer._log.restore(saved.interventions, trainer._settings.as_dict())
        return trainer

    # --- being live -----------------------------------------------------------------------------

    def _attach(
        self,
        dispatch: Callable[[Callable[[], Any]], Any] | None,
        route: Callable[[dict[str, Any], str], bool] | None,
    ) -> None:
        """Let calls and changes from other threads go through a runner's queue, or no longer."""
        self._dispatch = dispatch
        self._settings.__dict__["_route"] = route

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_") and name not in vars(type(self)):
            known = [member for member in vars(type(self)) if not member.startswith("_")]
            raise TraitError(
                Message(
                    "GANTrainer has no {name!r} to set{hint}",
                    name=name,
                    hint=_hint(name, known),
                )
            )
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        return f"<GANTrainer on {self._run.source.name}, iteration {self.iteration}>"


LARGEST_STORED_DATA = 16 * 2**20
"""Bytes of data that a saved run takes along."""


def _hint(name: str, known: list[str]) -> str:
    if name in SETTINGS:
        return Message("; it is a setting: trainer.settings.{name} = ...", name=name)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return Message("; did you mean {name}?", name=close[0]) if close else ""


def _never() -> bool:
    return False


def _count(n: Any) -> int:
    if isinstance(n, bool) or not isinstance(n, numbers.Integral) or n < 0:
        raise ValueError(Message("n cannot be {n!r}: it must be a whole number from 0 on", n=n))
    return int(n)


def _seed(seed: Any) -> int:
    if isinstance(seed, bool) or not isinstance(seed, numbers.Integral):
        raise ValueError(Message("seed cannot be {seed!r}: it must be a whole number", seed=seed))
    return int(seed)
