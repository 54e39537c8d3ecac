"""A run in progress: its settings, its state, what happened in it, and what happens next.

:class:`GANTrainer` is the door that users know; this is the room behind it. A session knows no
threads: whoever calls it does so one call at a time.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, Literal

import torch
from torch import nn
from traitlets import TraitError

from ..data import Source, load_data
from ..errors import DivergedError
from ..messages import Message
from ..settings import SETTINGS, Settings
from ..stepping.eager import NonFiniteError
from ..stepping.run import Run, assemble, batch_too_large
from ..stepping.state import put_tensors, tensors_of
from ..stepping.threads import computing_with
from .history import History, measured
from .interventions import InterventionLog
from .last_good import LastGood, interval_for
from .saved import STATE_FORMAT, check_origin, data_name, find_source, is_preset
from .state_tree import check_fits, put_tree, state_tree

__all__ = ["CODE", "Network", "Origin", "Session"]

Network = Literal["both", "generator", "discriminator"]


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where a change comes from; see :class:`Intervention` for the words."""

    author: str
    source: str
    reason: str = ""


CODE = Origin("cell", "code")


class Session:
    """One run in progress.

    Parameters
    ----------
    data
        Anything that :func:`ganwidgets.data.load_data` takes.
    own : mapping
        ``"generator"`` and ``"discriminator"``: a network of the user's own, or None.
    device : torch.device
        Where to compute.
    settings : mapping
        Settings that differ from their defaults, by name.
    """

    def __init__(
        self,
        data: Any,
        own: Mapping[str, nn.Module | None],
        device: torch.device,
        settings: Mapping[str, Any],
    ) -> None:
        self._own = dict(own)
        self._own_start = {
            name: {key: t.detach().clone() for key, t in tensors_of(network).items()}
            for name, network in own.items()
            if network is not None
        }
        self._device = device
        self._stepping = False
        self._origin = CODE
        self._sources: list[tuple[Any, Source]] = []
        self.listeners: dict[object, Callable[[Mapping[str, float]], None]] = {}
        source = self._load(data)
        if "batch_size" not in settings and source.size is not None:
            fitting = min(SETTINGS["batch_size"].initial, source.size)
            settings = {**settings, "batch_size": fitting}
        self.settings = Settings(data=data, **settings)
        self._begin(source)
        self.log = InterventionLog(self.settings.as_dict())
        self.settings._admission = self._admit
        self.settings.observe(self._on_setting, names=list(SETTINGS))

    # --- a fresh start --------------------------------------------------------------------------

    def _load(self, data: Any) -> Source:
        """Return the source for `data`; that of the run and the one asked for last are kept."""
        for known, source in self._sources:
            if known is data:
                return source
        source = load_data(data)
        self._sources = [*self._sources[:1], (data, source)]
        return source

    def _begin(self, source: Source) -> None:
        """Start afresh with `source` and the settings as they stand; on an error nothing changes."""
        asked = self.settings.as_dict()
        self._adopt(assemble(SimpleNamespace(**asked), source, self._own, self._device), asked)

    def _adopt(self, run: Run, built: Mapping[str, Any]) -> None:
        """Go on as `run`, from its beginning."""
        for name, network in self._own.items():
            if network is not None:
                put_tensors(network, self._own_start[name])
        self.run = run
        self.state = run.state
        self.built = {n: built[n] for n, s in SETTINGS.items() if s.effect == "fresh start"}
        self.history = History()
        self._sources = [(self.built["data"], run.source)]
        self._last_good = LastGood(
            run.state, interval_for(run.state.generator, run.state.discriminator)
        )
        self._configured = False

    def reset(self, seed: int | None, origin: Origin) -> None:
        """Start afresh with the settings as they stand, and with another seed where one is given."""
        self._refuse_reentry()
        before = self.settings.seed
        if seed is not None:
            self.change({"seed": seed}, origin)
        at = self.state.iteration
        try:
            self._begin(self._load(self.settings.data))
        except Exception:
            self.change({"seed": before}, origin)
            raise
        self.log.act(at, "reset", self.settings.seed, origin.author, origin.source, origin.reason)

    # --- settings -------------------------------------------------------------------------------

    def change(self, values: Mapping[str, Any], origin: Origin) -> None:
        """Change several settings at once: all of them, or on any error none."""
        self._origin = origin
        try:
            self.settings.update(values)
        finally:
            self._origin = CODE

    def _on_setting(self, change: Any) -> None:
        origin = self._origin
        self.log.ask(change["name"], change["new"], origin.author, origin.source, origin.reason)

    def _admit(self, setting: str, value: Any) -> None:
        if setting == "batch_size":
            size = self.run.source.size
            if size is not None and value > size:
                raise TraitError(batch_too_large(value, size))
        elif setting == "data":
            self._load(value)

    def in_force(self) -> SimpleNamespace:
        """Return every setting's value for the next update."""
        return SimpleNamespace(**{**self.settings.as_dict(), **self.built})

    def _prepare(self) -> None:
        """Put changed settings in force, and make sure that there is a state to go back to."""
        if self.log.commit(self.state.iteration) or not self._configured:
            self.run.stepper.configure(self.in_force())
            self._configured = True
            self._last_good.take()

    # --- steps ----------------------------------------------------------------------------------

    def advance(
        self, network: Network, n: int, interrupted: Callable[[], bool], origin: Origin
    ) -> dict[str, float]:
        """Carry out up to `n` full steps, or updates of one network, and return the last record.

        Parameters
        ----------
        interrupted : callable
            Asked after each step; where it says True the rest is left out.

        Raises
        ------
        DivergedError
            If a number is not finite.
        Exception
            Whatever a network or the data raises. After any of them the session stands at its
            last good state.
        """
        self._refuse_reentry()
        self._stepping = True
        try:
            with computing_with(self.run.threads):
                for index in range(n):
                    self._one(network, origin, last=index == n - 1)
                    if interrupted():
                        break
        finally:
            self._stepping = False
        return self.record()

    def _one(self, network: Network, origin: Origin, *, last: bool) -> None:
        self._prepare()
        try:
            if network == "both":
                measure = last or bool(self.listeners) or measured(self.state.iteration + 1)
                self.run.stepper.full_step(measure=measure)
                self.history.append(self.run.stepper.record)
            else:
                self._repeat(network)
            self._last_good.note(network)
        except NonFiniteError as error:
            raise self._diverged(error) from None
        except BaseException as error:
            self._go_back()
            error.add_note(f"The run stands at its last good state, iteration {self.state.iteration}.")
            raise
        if network != "both":
            action = "step_d" if network == "discriminator" else "step_g"
            self.log.act(self.state.iteration, action, 1, origin.author, origin.source, origin.reason)
        if self.listeners:
            record = self.record()
            for listener in list(self.listeners.values()):
                listener(record)

    def _repeat(self, network: str) -> None:
        """Carry out one update, or one full step, that the history does not record."""
        stepper = self.run.stepper
        if network == "both":
            stepper.full_step(measure=False)
        elif network == "discriminator":
            stepper.update_discriminator(1, measure=True)
        else:
            stepper.update_generator(1, measure=True)

    def record(self) -> dict[str, float]:
        """Return the numbers of the last updates."""
        return {"iteration": self.state.iteration, **self.run.stepper.record}

    def _refuse_reentry(self) -> None:
        if self._stepping:
            raise RuntimeError(
                Message("the trainer is in the middle of a step; a callback cannot step or reset it")
            )

    def _diverged(self, error: NonFiniteError) -> DivergedError:
        failed = self.state.iteration + 1
        rules = self.run.stepper.rules
        self._go_back()
        return DivergedError(
            Message(
                "{quantity} became {value} in iteration {failed}; the run stands at iteration "
                "{iteration}, before it happened. Lower lr_d (now {lr_d:g}) or lr_g (now {lr_g:g}), "
                "set grad_clip, or reset",
                quantity=error.quantity,
                value=str(error.value),
                failed=failed,
                iteration=self.state.iteration,
                lr_d=rules.lr_d,
                lr_g=rules.lr_g,
            ),
            self.state.iteration,
        )

    def recover(self) -> None:
        """Stand at the last good state, settings kept; a failed step has already gone back to it."""
        self._refuse_reentry()
        if not self.state.finite():
            self._go_back()

    def _go_back(self) -> None:
        self._last_good.go_back(self.in_force(), self._repeat)
        self.history.resize(self.state.iteration)

    # --- the whole state ------------------------------------------------------------------------

    def tree(self) -> dict[str, Any]:
        """Return the whole state as nested dictionaries of tensors, not copied, and plain values."""
        pending = data_name(self._load(self.settings.data))
        return {
            "format": STATE_FORMAT,
            "data": self.run.source.fingerprint,
            "own": {name: network is not None for name, network in self._own.items()},
            "built": {**self.built, "data": data_name(self.run.source)},
            "settings": {**self.settings.as_dict(), "data": pending},
            "stepper": "eager",
            "threads": self.run.threads,
            **state_tree(self.state),
        }

    def load_tree(self, state: Mapping[str, Any]) -> None:
        """Go on from what :meth:`tree` returned; on an error nothing changes."""
        self._refuse_reentry()
        check_origin(state, self._own)
        source = find_source(state, [self.run.source, self._load(self.settings.data)])
        data = next((known for known, found in self._sources if found is source), source.preset)
        values = {**state["settings"], **state["built"], "data": data}
        run = assemble(SimpleNamespace(**values), source, self._own, self._device)
        check_fits(run.state, state)
        pending = state["settings"]["data"]
        settings = {**state["settings"], "data": pending if is_preset(pending) else data}
        self.settings.checked({n: v for n, v in settings.items() if n != "batch_size"})
        history = self.history
        self._adopt(dataclasses.replace(run, threads=state["threads"]), values)
        self.history = history
        history.resize(state["iteration"])
        put_tree(self.state, state, SimpleNamespace(**settings))
        self.change(settings, Origin("cell", "code", "load_state_dict"))
        self.log.commit(state["iteration"])
