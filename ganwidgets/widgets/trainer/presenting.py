"""Shows the events, the state and the frames of a run in its widget.

All of it happens on the publisher's thread, except the functions that wake that thread. A trait gets the
value in force, unless a newer request for it is still queued.
"""

from __future__ import annotations

import math
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from traitlets import HasTraits

from ganwidgets.live.frames.frame import FrameRequest
from ganwidgets.runs.timeline.script import code_of

if TYPE_CHECKING:
    from ganwidgets.live import Event, Pacer, Runner, RunState
    from ganwidgets.messages import Catalog
    from ganwidgets.runs.record.interventions import Origin
    from ganwidgets.trainer.trainer import GANTrainer
    from ganwidgets.widgets.browser.kernel.displays import Displays
    from ganwidgets.widgets.trainer.actions import UserActions
    from ganwidgets.widgets.trainer.publisher import Publisher

__all__ = ["Presenting"]


class Presenting(HasTraits):
    """The methods of a widget that the publisher calls, and those that wake it."""

    _trainer: GANTrainer
    _runner: Runner
    _pacer: Pacer
    _camera: Any
    _dashboard: Any
    _hands: UserActions
    _publisher: Publisher
    _catalog: Catalog
    _displays: Displays
    _picture: Callable[[], bytes]
    data: Any
    _losses: tuple[str, ...] = ("loss_d", "loss_g")
    _refusal = ""

    def _begin_presenting(self) -> None:
        self._events: deque[Event] = deque()
        self._echoing = threading.local()
        self._writing = threading.RLock()
        self._unanswered: defaultdict[str, set[int]] = defaultdict(set)
        self._seen: tuple[Any, ...] | None = None
        self._again = self._measured = self._seq = 0
        self._classes: frozenset[Hashable] = frozenset()

    def _on_message(self, event: Event) -> None:
        self._events.append(event)
        self._publisher.wake()

    def _refresh(self) -> bool:
        if self._events:
            while self._events:
                self._handle_event(self._events.popleft())
            self._offer_starts()  # once for all changes
        state = self._runner.state
        self._show_state(state)
        self._dashboard.show_state(state)
        return state.status == "running"

    def _request_setting(self, name: str, value: Any, origin: Origin, *, urgent: bool) -> None:
        """Queue an assignment, and store its ticket; called by the assigning thread."""
        with self._writing:
            self._unanswered[name].add(self._runner.change({name: value}, origin, urgent=urgent))

    def _latest(self, event: Event, name: str) -> bool:
        """Return True if no setting of `name` is queued or was assigned since `event`; call while holding the lock."""
        return name not in event.waiting and not self._unanswered[name]

    def _handle_event(self, event: Event) -> None:
        with self._writing:
            for name in event.asked:
                self._unanswered[name].discard(event.ticket or 0)
        if event.kind == "change" and event.error is not None:
            self._refusal = self._catalog.error(event.error)
            for name in event.asked:
                self._put_back(event, name, event.error)
            return
        if event.kind == "walk":
            self._dashboard.walk.show_note("" if event.error is None else self._catalog.error(event.error))
            self._again += 1
            return
        refusal = ""
        if event.kind == "travel":
            refusal = "" if event.error is None else self._catalog.error(event.error)
            self._dashboard.timeline.arrived(event.ticket, refusal)
            self._again += 1
        if event.kind != "state":
            self._refusal = refusal if event.ticket == self._hands.starting else ""
        for name, (_, new) in event.changes.items():
            with self._writing:
                if self._latest(event, name):
                    self._put(name, new)
        if event.kind == "recover":
            self._dashboard.status.notify(event.notice)
        if event.kind in {"reset", "travel", "state", "recover"} and event.error is None:
            source = self._trainer.source
            self._dashboard.begin(source)
            self._pacer.max_rate = source.modality.frame_rate
        self._show_in_force()

    def _show_in_force(self) -> None:
        """Show the value in force at each control with another value."""
        in_force = {**self._trainer.settings.as_dict(), **self._trainer._session.built}
        self._dashboard.controls.show_in_force(in_force)

    def code(self) -> str:
        """Return Python source that makes this run again, in a widget; see :meth:`GANTrainer.code`."""
        return self._runner.look(lambda: code_of(self._trainer._session, "gw.GANTrainerWidget"))

    def _offer_starts(self) -> None:
        self._dashboard.starts.show(self.data, self.code())

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        """Set traits on this thread without sending requests to the run."""
        self._echoing.quiet = True
        try:
            yield
        finally:
            self._echoing.quiet = False

    def _put(self, name: str, value: Any) -> None:
        with self._writing, self._quietly():
            self.set_trait(name, value)
        self._dashboard.controls.controls[name].show(value)

    def _put_back(self, event: Event, name: str, error: BaseException) -> None:
        with self._writing, self._quietly():
            if not self._latest(event, name):
                return
            value = getattr(self._trainer.settings, name)
            self.set_trait(name, value)
            self._dashboard.controls.controls[name].refuse(error, value)

    def _show_state(self, state: RunState) -> None:
        self.set_trait("iteration", state.iteration)
        self.set_trait("playing", state.playing)
        self.set_trait("status", state.status)
        self.set_trait("steps_per_second", state.steps_per_second)
        for name in self._losses:
            self.set_trait(name, state.record.get(name, float("nan")))
        trouble = state.error or state.unstored
        self.set_trait("error", self._refusal if trouble is None else self._catalog.error(trouble))

    def _renew_displays(self) -> None:
        """Refresh the saved picture of each output if it is older than the last :meth:`wait`."""
        if self._displays.stale:
            self._displays.update(self._picture)

    def _publish(self, forced: bool) -> float:
        """Draw a frame if one is due; if a caller waits for it, renew the saved pictures too."""
        delay = self._draw(forced)
        if forced and not self._pacer.watched:
            self._renew_displays()
        return delay

    def _draw(self, forced: bool) -> float:
        state, again, dashboard = self._runner.state, self._again, self._dashboard
        class_alone = not forced and self._pacer.watched_only_by(self._classes)
        if dashboard.class_alone and not class_alone:
            self._seen = None  # panels that the class does not see are out of date
        seen = (state.moves, state.status, state.changes, self._measured, id(state.walk), again)
        if seen == self._seen and not forced:
            return math.inf
        if not (forced or self._pacer.may_send()):
            return self._pacer.delay()
        moving = state.status == "running"
        everything = forced or not moving or self._seen is None or self._seen[-1] != again
        dashboard.class_alone = class_alone
        due = dashboard.due(self._camera.costs, everything=everything)
        self._camera.request = FrameRequest(
            pictures=dashboard.pictures,
            wanted=dashboard.wanted,
            skipped=dashboard.skipped(due),
            focus=dashboard.focus,
            label=dashboard.label,
            compared=self._hands.compared,
        )
        try:
            frame = self._camera.take(complete=forced, picture_only=class_alone)
        except Exception as error:  # noqa: BLE001 - the page shows any exception of a network in eval mode
            self._seen = seen
            self._refusal = self._catalog.error(error)
            self.set_trait("error", self._refusal)
            return 1.0
        self._pacer.cost = self._camera.burden if moving else 0.0
        self._dashboard.draw(frame, due)
        self.set_trait("metrics", dict(frame.latest_metrics))
        self._seq += 1
        if self._pacer.to_ask():
            self._pacer.sent(self._seq)
            self._dashboard.heartbeat.beat(self._seq)
        else:
            self._pacer.passed()
        if moving or self._camera.postponed == math.inf:
            self._seen = seen
            return self._pacer.delay()
        self._seen = None  # draw this moment again, with its metrics
        return max(self._pacer.delay(), self._camera.postponed)

    def _wake(self) -> None:
        self._publisher.wake()

    def _measured_anew(self) -> None:
        """Draw new measurements even if the run no longer moves."""
        self._measured += 1
        self._publisher.wake()

    def _look_again(self) -> None:
        """Redraw the current state because a canvas appeared or the user changed a choice."""
        self._again += 1
        self._publisher.wake()
