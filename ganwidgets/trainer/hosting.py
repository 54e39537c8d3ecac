"""Internal methods that the live runner calls; without a runner the trainer executes them directly."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from ganwidgets.errors import DivergedError
from ganwidgets.runs.record.interventions import CODE, Origin
from ganwidgets.runs.session.edits import BY_HAND
from ganwidgets.runs.session.session import Session
from ganwidgets.stepping.runtime.ambient import under_pinned_modes
from ganwidgets.trainer.recovery import Recovery

__all__ = ["RunnerFacing"]

MOMENT = 0.05
"""Duration of a training slice on a live run; commands from other threads run between slices."""

T = TypeVar("T")


class RunnerFacing:
    """The internal side of a trainer; while a runner is attached, calls go through the runner's queue."""

    _session: Session
    _runner: Callable[[Callable[[], Any]], Any] | None
    _editor: int | None
    _recovery: Recovery

    def _begin(self, session: Session) -> None:
        self._runner = self._editor = None
        self._session = session
        self._recovery = Recovery(session)

    def _attach(
        self,
        dispatch: Callable[[Callable[[], Any]], Any] | None,
        route: Callable[[dict[str, Any], str], bool] | None,
    ) -> None:
        """Attach or detach a runner: calls and changes from other threads then go through its queue."""
        self._runner = dispatch
        self._session.settings.__dict__["_route"] = route

    @property
    def _dispatch(self) -> Callable[[Callable[[], Any]], Any] | None:
        """The executor of calls between two steps; None without a runner, or while it waits for this thread."""
        return None if self._editor == threading.get_ident() else self._runner

    @contextmanager
    def editing(self, reason: str = "") -> Iterator[None]:
        """Pause the run between two steps while the user edits the networks.

        The edit becomes one intervention, with a snapshot. Without this context, an edit of a paused run is noticed at
        the next step. While a widget plays, this context is required.

        Parameters
        ----------
        reason : str
            Stored in the log of interventions.

        Raises
        ------
        DataError
            If the networks have another structure afterwards.
        DivergedError
            If they hold numbers that are not finite afterwards; the edit is undone.
        RuntimeError
            In a callback, which is called in the middle of a step.

        Examples
        --------
        >>> import torch
        >>> from ganwidgets import GANTrainer
        >>> trainer = GANTrainer("ring8", seed=0)
        >>> with trainer.editing("a smaller first layer"), torch.no_grad():
        ...     _ = trainer.generator[0].weight.mul_(0.5)
        >>> record = trainer.interventions[-1]
        >>> record.author, record.setting, record.new
        ('user', 'edit', 'generator.0.weight')
        """
        origin = replace(BY_HAND, reason=reason)
        self._session.reentry.refuse_callback()
        with self._held():
            self._session.recover()
            try:
                yield
            finally:
                self._session.notice_edits(origin, trains=True)

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Block the training thread while this thread calls the trainer."""
        dispatch = self._dispatch
        if dispatch is None:
            yield
            return
        held, released = threading.Event(), threading.Event()

        def hold() -> None:
            held.set()
            released.wait()

        try:
            threading.Thread(target=dispatch, args=(hold,), name="ganwidgets-editing", daemon=True).start()
            held.wait()  # an interrupt here must not leave the training thread held
            self._editor = threading.get_ident()
            yield
        finally:
            self._editor = None
            released.set()

    def _between_steps(self, function: Callable[[], T]) -> T:
        function = under_pinned_modes(function)
        return function() if self._dispatch is None else self._dispatch(function)

    def _advance(
        self, network: str, n: int, interrupted: Callable[[], bool], origin: Origin
    ) -> dict[str, float]:
        """Carry out up to `n` full steps or updates of one network; all training goes through this method."""
        try:
            return self._session.updates.advance(network, n, interrupted, origin)
        except DivergedError:
            self._recovery.note_divergence()
            raise

    # --- training -------------------------------------------------------------------------------

    def _train(self, network: str, n: int) -> dict[str, float]:
        """Train at once; a live trainer trains in slices, so that commands and other cells run in between."""
        dispatch = self._dispatch
        if dispatch is None:
            last = self._advance(network, n, _never, CODE)
            self._session.autosave.pause()
            return last
        while True:
            taken, record = dispatch(functools.partial(self._train_for_a_moment, network, n))
            n -= taken
            if n == 0:
                return dict(record)

    def _train_for_a_moment(self, network: str, n: int) -> tuple[int, dict[str, float]]:
        """Return the number of the `n` steps carried out, at least one, and the last record."""
        end = time.monotonic() + MOMENT
        taken = 0

        def over() -> bool:
            nonlocal taken
            taken += 1
            return time.monotonic() >= end

        record = self._advance(network, n, over, CODE)
        if taken == n:
            self._session.autosave.pause()
        return taken, record


def _never() -> bool:
    return False
