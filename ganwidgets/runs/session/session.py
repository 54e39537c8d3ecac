"""`Session`: settings, state, history and branches of one run.

It implements :class:`GANTrainer`. A session has no locks: its caller makes one call at a time.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import torch
from traitlets import TraitError

from ganwidgets.data import Source
from ganwidgets.data.two_sources import split_parts
from ganwidgets.games import settings_of
from ganwidgets.metrics.features import Features
from ganwidgets.objectives import Loss, loss_named
from ganwidgets.runs.record.branches import Branches, BranchStart, RunPoint
from ganwidgets.runs.record.columns import columns_of
from ganwidgets.runs.record.history import History
from ganwidgets.runs.record.interventions import CODE, InterventionLog, LogMark, Origin
from ganwidgets.runs.record.notes import Note
from ganwidgets.runs.record.places import Position
from ganwidgets.runs.record.snapshots import Snapshot, Snapshots, TemporaryShelf
from ganwidgets.runs.session.autosave import Autosave
from ganwidgets.runs.session.branching import begin_branch, branch_start
from ganwidgets.runs.session.edits import BY_HAND, EditSnapshots, take_edits, undo_not_finite
from ganwidgets.runs.session.full_state import described, restored
from ganwidgets.runs.session.reentry import ReentryGuard
from ganwidgets.runs.session.sources import KnownSource, Sources
from ganwidgets.runs.session.trial import refuse_change, try_fresh_run
from ganwidgets.runs.session.updates import Updates
from ganwidgets.runs.state.hashing import digest
from ganwidgets.runs.state.state_tree import copied, put_tree, state_tree
from ganwidgets.runs.state.user_parts import UserParts
from ganwidgets.settings import AnySettings, with_definitions
from ganwidgets.stepping.assembly import Assembled, check_fit, fitting_batch
from ganwidgets.stepping.game_assembly import assembled
from ganwidgets.stepping.runtime.ambient import pinned, under_pinned_modes
from ganwidgets.stepping.state import TrainingState

__all__ = ["CODE", "Origin", "Session"]


class Session:
    """One run.

    Parameters
    ----------
    data
        Anything that :func:`ganwidgets.data.load_data` takes.
    own : mapping
        ``"generator"``, ``"discriminator"`` and ``"objective"``: of the user's own, or None; and ``"game"``.
    device : torch.device
        Where to compute.
    settings : mapping
        Settings that differ from their defaults, by name.
    sources : iterable of (data, Source)
        Data and sources of another run, which need not be read again.

    Attributes
    ----------
    own : UserParts
        The user's own parts: networks, objective, game.
    device : torch.device
    updates : Updates
        Carries out training steps.
    reentry : ReentryGuard
        Refuses calls in the middle of a step.
    way_back : callable or None
        Restores the last consistent state while a step, a rehearsal or a transaction is incomplete.
    settings : AnySettings
        Requested values; :meth:`in_force` returns those for the next update.
    run : Assembled
        The parts made at the last fresh start.
    built : dict
        Values of the settings of this fresh start.
    history : History
    log : InterventionLog
    branches : Branches
        The branches of the run.
    snapshots : Snapshots
        Copies of the state, from which :mod:`~ganwidgets.runs.timeline.travel` reaches any place.
    roots_kept : set of int
        Branches whose first state is among the snapshots.
    own_start : dict
        Initial content of the user's own networks; a reset restores it.
    autosave : Autosave
        Stores the run during training.
    notes : list of Note
        The user's notes on iterations; not part of the state.
    layout : mapping of str to anything
        How a widget shows the run, as JSON values; empty if no user changed it. Not part of the state.
    listeners : dict
        Functions that are called with the record after each step, by any key.
    features : str, Path or nn.Module
        On what generated images are judged; see :func:`ganwidgets.runs.quality.image_judge.chosen_features`. No part
        of the run: judging changes nothing.
    features_made : tuple or None
        Arguments of the last made features (source, choice), and these features.
    """

    @under_pinned_modes
    def __init__(
        self,
        data: Any,
        own: Mapping[str, Any],
        device: torch.device,
        settings: Mapping[str, Any],
        sources: Iterable[KnownSource] = (),
    ) -> None:
        self.own = UserParts(own)
        self.device = device
        self.reentry = ReentryGuard()
        self._origin: Origin | None = None
        self.way_back: Callable[[], None] | None = None
        self.roots_kept: set[int] = set()
        self._edited = EditSnapshots()
        self.autosave = Autosave()
        self.updates = Updates(self)
        self.branches = Branches()
        self.snapshots = Snapshots(TemporaryShelf())
        self.sources = Sources(self.own.game, self._branch_starts, sources)
        self.notes: list[Note] = []
        self.layout: Mapping[str, Any] = {}
        self.listeners: dict[object, Callable[[Mapping[str, float]], None]] = {}
        self.features: Any = "auto"
        self.features_made: tuple[Source, Any, Features] | None = None
        source = self.sources.of(data)
        settings = {**self.own.chosen(), **settings}
        make = with_definitions(settings_of(self.own.game))
        self.settings: AnySettings = make(data=data, **settings)
        if "batch_size" not in settings:
            trained, _ = split_parts(source, self.settings.holdout)
            most = self.settings.definitions["batch_size"].initial
            fitting = fitting_batch(trained, self.settings.as_dict().get("packing", 1), most)
            self.settings = make(data=data, **{**settings, "batch_size": fitting})
        asked = self.settings.as_dict()
        self.own.admit(asked)
        run = self.assembled(asked, source)
        self.own.begin_training()
        self.own_start = self.own.content()
        self.log = InterventionLog(asked)
        self._adopt(run, asked, History(columns_of(self.own.game)))
        self.branches.grow("main", "start", None, {}, branch_start(self))
        self.settings._context_validator = self._validate_in_context
        self.settings._trial = self._try
        self.settings.observe(self._on_setting, names=list(self.settings.definitions))

    def _branch_starts(self) -> Iterable[BranchStart]:
        return self.branches.roots.values()

    # --- a fresh start --------------------------------------------------------------------------

    def assembled(self, settings: Mapping[str, Any], source: Source) -> Assembled:
        """Return the parts of a fresh start with `settings` on the data of `source`."""
        with pinned(device=self.device):
            rules, own = SimpleNamespace(**settings), self.own
            own.put_gradient_flags()
            run = assembled(rules, source, own, self.device)
            with pinned(run.threads, self.device):
                run.state.edits.note()  # what the trial changes, such as a counter of calls, is no change by hand
                try_fresh_run(run, rules)
            return run

    def _adopt(self, run: Assembled, built: Mapping[str, Any], history: History) -> None:
        """Continue as `run`."""
        self.run = run
        self.built = {
            name: built[name] for name, s in self.settings.definitions.items() if s.effect == "fresh start"
        }
        self.history = history
        self.updates.begin(run.engine)
        run.state.edits.note()

    def reset(self, seed: int | None, origin: Origin) -> None:
        """Start afresh with the current settings, and another seed if given."""
        self.recover()
        asked = self.settings.as_dict()
        if seed is not None:
            asked["seed"] = self.settings.checked({"seed": seed})["seed"]
        with self.transaction() as here:
            run = self.assembled(asked, self.sources.of(asked["data"]))
            self.own.put(self.own_start)
            self._adopt(run, asked, History(self.history.columns))
            self.change({"seed": asked["seed"]}, origin)
            begin_branch(self, "reset", here, asked["seed"], origin)
        self.autosave.save()

    @property
    def loss(self) -> Loss:
        """The loss selected by the settings."""
        return loss_named(self.settings.as_dict()["loss"], self.own.objective)

    def pinned(self) -> AbstractContextManager[object]:
        """Context in which the run computes; see :func:`~ganwidgets.stepping.runtime.ambient.pinned`."""
        return pinned(self.run.threads, self.device)

    @property
    def state(self) -> TrainingState:
        """The training state."""
        return self.run.state

    # --- branches -------------------------------------------------------------------------------

    @property
    def place(self) -> Position:
        """The current place."""
        return Position(self.branches.current, self.state.iteration, self.log.next_seq)

    def capture(self) -> RunPoint:
        """Return a copy of everything that :meth:`restore` restores, with the state."""
        here = self.snapshot_of(copied(state_tree(self.state)), asked=self.log.asked)
        return RunPoint(
            self.run,
            self.built,
            here,
            self.log.lineage,
            self.history,
            self.branches.current,
            self.branches.tips,
        )

    def restore(self, point: RunPoint) -> None:
        """Continue at `point`; the state of `point.run` must have been restored already."""
        snapshot = point.snapshot
        self._adopt(point.run, point.built, point.history)
        wanted = {**snapshot.settings, **{name: value for name, (_, value) in snapshot.asked.items()}}
        now = self.settings.as_dict()
        self.change({name: value for name, value in wanted.items() if value is not now[name]}, CODE)
        vars(self.branches).update(current=point.branch, tips=point.tips)
        self.log.move_to(point.branch, point.lineage, snapshot.settings, snapshot.asked)
        self.run.engine.record.update(point.history.record())

    @contextmanager
    def transaction(self) -> Iterator[RunPoint]:
        """Context: move the run elsewhere; on any error it stays where it was."""
        here = self.capture()
        self.way_back = partial(self._return_to, here, self.log.mark())
        try:
            self.reentry.begin(sys._getframe(2))
            yield here
            self.way_back = None
        except BaseException:
            self.reentry.end()
            self.roll_back()
            raise
        finally:
            self.reentry.end()

    def _return_to(self, here: RunPoint, mark: LogMark) -> None:
        """Undo a transaction that began at `here`."""
        assert here.snapshot.tree is not None
        rules = SimpleNamespace(**{**here.snapshot.settings, **here.built})
        put_tree(here.run.state, here.snapshot.tree, rules)
        self.log.rewind(mark)
        self.restore(here)
        self.snapshots.discard(here.snapshot)

    def snapshot_of(self, tree: dict[str, Any], asked: Mapping[str, tuple[Origin, Any]]) -> Snapshot:
        place = self.branches.owned(self.place)
        return Snapshot(place, self.log.repeated, self.log.in_force, asked, tree)

    def keep(self, tree: dict[str, Any]) -> None:
        """Take a snapshot between two updates; pin that before the first update of a fresh start."""
        snapshot = self.snapshot_of(tree, asked={})
        number = self.branches.root_of(self.branches.current)
        if number not in self.roots_kept:
            root = self.branches.roots[number]
            self.snapshots.add(Snapshot(root.first, 0, root.settings, {}, tree, pinned=True))
            self.roots_kept.add(number)
        if snapshot.place != self.branches.roots[number].first:
            self.snapshots.add(snapshot)

    def begin_root(self, tree: Mapping[str, Any] | None = None) -> None:
        """Keep the first state of a fresh start, once: `tree`, by default the current state."""
        if self.branches.root_of(self.branches.current) not in self.roots_kept:
            self.keep(copied(state_tree(self.state) if tree is None else tree))

    def keep_edit(self) -> None:
        """Keep the state after an edit, also as the last good state."""
        self.updates.rollback.take()
        self._edited.pin(self, self.branches.owned(self.place))
        self.updates.configured = False

    def notice_edits(self, origin: Origin = BY_HAND, *, trains: bool = False) -> None:
        """Record the user's edits of networks; see :func:`~.edits.take_edits`."""
        self.roll_back()
        if not self.reentry.under_way:
            with self.pinned():
                take_edits(self, origin, trains=trains)

    # --- settings -------------------------------------------------------------------------------

    def change(self, values: Mapping[str, Any], origin: Origin) -> None:
        """Change several settings at once; on any error none changes."""
        self._origin = replace(origin, change=self.log.next_change())
        try:
            self.settings.update(values)
        finally:
            self._origin = None

    def _on_setting(self, change: Any) -> None:
        origin = self._origin or replace(CODE, change=self.log.next_change())
        self.log.ask(change["name"], change["new"], origin)

    def _validate_in_context(self, setting: str, value: Any) -> None:
        wrong = check_fit(setting, value, self.run.training, self.built.get("packing", 1))
        if wrong is not None:
            raise TraitError(wrong)
        if setting == "data":
            self.sources.of(value)
        self.own.admit({setting: value})

    def _try(self, values: Mapping[str, Any]) -> None:
        # A restored state has run under its settings. A callback in the middle of a step cannot try another.
        if not self.reentry.under_way:
            refuse_change(self, values)

    def in_force(self) -> SimpleNamespace:
        """Return every setting's value for the next update."""
        return SimpleNamespace(**{**self.settings.as_dict(), **self.built})

    def hash_before(self) -> str:
        """Return the hash of the state before a record of the log; empty if none is due."""
        due = self.log.hash_due(self.state.iteration, self.state.samples_seen)
        return self.hash_in_force() if due else ""

    def hash_in_force(self) -> str:
        """Return the hash of the whole state, without pending settings."""
        return digest(described(self, self.log.in_force, self.run, self.built, state_tree(self.state)))

    def record(self) -> dict[str, float]:
        """Return the record of the last updates, without columns that only the history has."""
        numbers = self.run.engine.record
        return {
            "iteration": self.state.iteration,
            **{name: numbers[name] for name in self.history.columns.listed},
        }

    def roll_back(self) -> None:
        """Restore the last consistent state if a step, a rehearsal or a transaction was interrupted."""
        if self.way_back is None or self.reentry.under_way:
            return
        self.reentry.begin(sys._getframe())
        try:
            with self.pinned():
                self.way_back()
            self.way_back = None
        finally:
            self.reentry.end()

    def recover(self) -> None:
        """Restore the last good state, keeping settings. A failed step has done so already."""
        self.reentry.refuse_reentry()
        self.roll_back()
        self.updates.undo_if_not_finite()
        undo_not_finite(self)
        self.notice_edits()

    # --- the whole state ------------------------------------------------------------------------

    def tree(self) -> dict[str, Any]:
        """Return the whole state as nested dictionaries of tensors, not copied, and plain values."""
        self.roll_back()
        settings = self.settings.as_dict()
        return described(self, settings, self.run, self.built, state_tree(self.state))

    def load_tree(self, tree: Mapping[str, Any], origin: Origin, branch: str = "") -> None:
        """Restore a state that :meth:`tree` returned; on an error nothing changes.

        Parameters
        ----------
        branch : str
            What to call the branch that begins, unless another one has that name.

        Raises
        ------
        CheckpointError
            If it belongs to other data or networks, or is not what :meth:`tree` returned.
        """
        self.recover()
        with self.transaction() as here:
            with pinned(device=self.device):
                run, built, settings = restored(self, tree)
            self._adopt(run, built, self.history.until(run.state.iteration))
            self.change(settings, origin)
            begin_branch(self, "load", here, run.state.iteration, origin, branch)
        self.autosave.save()
