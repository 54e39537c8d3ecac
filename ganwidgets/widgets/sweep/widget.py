"""The widget of a sweep."""

from __future__ import annotations

import contextlib
import html
import time
import weakref
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets
from traitlets import Float, Int, TraitError, Unicode

from ganwidgets.live.pacing import Pacer
from ganwidgets.messages import Message, N_, catalog
from ganwidgets.settings import SETTINGS
from ganwidgets.settings.types import nearest
from ganwidgets.sweeps.sweep import Sweep
from ganwidgets.sweeps.swept_runs import Mark
from ganwidgets.validation import checked_count, checked_timeout
from ganwidgets.widgets.browser.kernel.displays import Displayed, Displays
from ganwidgets.widgets.browser.kernel.models import models_of
from ganwidgets.widgets.browser.page.heartbeat import Heartbeat, gone_words
from ganwidgets.widgets.browser.style.shared_style import SharedStyle
from ganwidgets.widgets.sweep.frames import SweepFrames
from ganwidgets.widgets.sweep.poster import render_sweep
from ganwidgets.widgets.sweep.runner import SweepRunner
from ganwidgets.widgets.sweep.scene import (
    checked_metric,
    headline,
    is_crossed,
    parsed,
    refuse_mixed,
    scene_of,
    shown,
)
from ganwidgets.widgets.sweep.view import SweepView
from ganwidgets.widgets.trainer.widget import GANTrainerWidget

__all__ = ["SweepWidget"]

CLOSED = N_("This widget was closed; gw.SweepWidget(sweep) makes another.")

FAST, SLOW = 10.0, 4.0
"""Maximum frames per second, for up to 16 runs and for more."""


UNDONE = 20
"""Number of actions in the page that can be undone; the runs that they replaced are kept."""


class SweepWidget(Displayed, ipywidgets.VBox):
    """A sweep in a notebook: a grid of live miniatures. Users watch and steer it while it runs.

    A sweep has one widget, which may be displayed several times; a new one closes the one before.

    A click opens a copy of a run as a :class:`GANTrainerWidget`, while the sweep continues. A rectangle drawn
    over several runs selects them, to change a setting of all at once.

    Parameters
    ----------
    sweep : Sweep
        Stepped by a thread of the widget while it plays. Its own methods can be called meanwhile.
    metric : str, optional
        Colours the cells. Default: ``"sliced_wasserstein"`` for points, ``"frechet"`` for images.
    locale : str, optional
        Language of all texts, such as ``"fr"``. Default: the system's.

    Raises
    ------
    DataError
        If `metric` is omitted and the kind of data declares no metric, or the runs' data have different shapes.
    TraitError
        If there is no such metric.

    Attributes
    ----------
    metric : str
        A trait that can be assigned.
    status, iteration, steps_per_second, error
        Read-only traits. `status` is ``"idle"``, ``"running"``, ``"paused"``, ``"ended"`` or ``"error"``.

    Examples
    --------
    >>> w = SweepWidget(Sweep("ring8", lr_d=[1e-3, 2e-3]))
    >>> w.step(5)
    >>> w.wait()
    >>> w.sweep.iteration
    5
    >>> w.close()
    """

    _closed_words = CLOSED

    metric = Unicode()
    status = Unicode("idle", read_only=True)
    iteration = Int(0, read_only=True)
    steps_per_second = Float(0.0, read_only=True)
    error = Unicode("", read_only=True)

    def __init__(self, sweep: Sweep, *, metric: str | None = None, locale: str | None = None) -> None:
        if not isinstance(sweep, Sweep):
            raise TypeError(
                Message(
                    "SweepWidget shows a Sweep, not a {type}; pass gw.Sweep(...)", type=type(sweep).__name__
                )
            )
        refuse_mixed(sweep)
        self._complete = False
        self._runner_error = ""
        self._crossed = is_crossed(sweep)
        self._locale = locale
        self._catalog = catalog(locale)
        self._displays = Displays()
        self.sweep = sweep
        chosen = headline(sweep) if metric is None else checked_metric(metric, sweep)
        _close_other(sweep)
        self._frames = SweepFrames(sweep, chosen)
        self._opened: GANTrainerWidget | None = None
        self._undo: deque[tuple[list[Mark], Sequence[str]]] = deque(maxlen=UNDONE)
        self._pacer = Pacer(max_rate=FAST if len(sweep) <= 16 else SLOW)
        self._seq = -1
        look = SharedStyle()
        self._view = SweepView(self._catalog, self._on_act)
        self._detail = look.box((), "gw-sweep-detail")
        self._heartbeat = Heartbeat(
            _Waking(self), words=gone_words(self._catalog), stored=self._displays.stored
        )
        super().__init__(children=(self._heartbeat, self._view, self._detail), layout=look.layout)
        self.add_class("gw-root")
        self._models = models_of(*self.children, look.layout)
        self._runner = SweepRunner(sweep, self._pacer, self._draw, self._publish)
        sweep._shown_by = weakref.ref(self)
        self.metric = chosen
        self.observe(self._metric_chosen, names="metric")
        self._complete = True
        self._runner.call(self._lay_out)
        self._publish()

    # --- public methods -------------------------------------------------------------------------

    def play(self, until: int | None = None) -> None:
        """Step all runs until :meth:`pause`, or until an iteration; returns at once."""
        self._runner.play(None if until is None else checked_count(until))

    def pause(self) -> None:
        """Stop stepping; returns at once."""
        self._runner.pause()

    def step(self, n: int = 1) -> None:
        """Carry out `n` full steps in every run; returns at once."""
        self._runner.step(checked_count(n))

    def wait(self, iteration: int | None = None, timeout: float | None = None) -> None:
        """Wait until `iteration` is reached; by default, until nothing is queued or playing.

        Raises
        ------
        TimeoutError
            If that takes longer than `timeout` seconds.
        RuntimeError
            If an error stopped the runs.
        """
        try:
            self._runner.wait(
                None if iteration is None else checked_count(iteration), checked_timeout(timeout)
            )
        finally:
            self._displays.update(self._picture)  # a notebook saved now shows these runs

    def show_run(self, i: int) -> GANTrainerWidget:
        """Show a copy of a run below the grid in a new widget; return that widget."""
        if self._is_closed():
            raise RuntimeError(Message(CLOSED))
        number = self.sweep._index(i)
        trainer = self.sweep.take(number)
        self._close_opened()
        self._opened = GANTrainerWidget(trainer, locale=self._locale)
        text = self._catalog(
            N_(
                "A copy of run {i} ({settings}) from iteration {n}. What you do here changes nothing in the sweep."
            ),
            i=number,
            settings=", ".join(
                f"{name} {shown(getattr(trainer.settings, name))}" for name in (*self.sweep.varied, "seed")
            ),
            n=trainer.iteration,
        )
        look = SharedStyle()
        close = look.button(self._catalog(N_("Close this run")), self._close_opened, "gw-sweep-close")
        head = look.box((look.html(html.escape(text)), close), "gw-sweep-opened")
        self._detail.children = (head, self._opened)
        return self._opened

    def _close_opened(self) -> None:
        opened, self._opened = self._opened, None
        self._detail.children = ()
        if opened is not None:
            opened.close()

    # --- from the browser -----------------------------------------------------------------------

    def _on_act(self, content: Mapping[str, Any]) -> None:
        act = str(content["act"])
        runs = [int(i) for i in content.get("runs", ())]
        plain = {
            "play": self.play,
            "pause": self.pause,
            "step": self.step,
            "redraw": self._redraw,
        }
        if act in plain:
            plain[act]()
        elif act == "open":
            self._try(lambda: self.show_run(runs[0]))
        elif act == "metric":
            self.metric = str(content["metric"])
        elif act == "change":
            name = str(content["setting"])
            self._post(lambda: self._change(runs, name, content["value"]), runs, [name])
        elif act == "kill":
            self._post(lambda: [self.sweep.kill(i) for i in runs], runs)
        elif act == "respawn":
            self._post(lambda: self._respawn(runs, content), runs)
        elif act == "undo" and self._undo:
            self._post(lambda: self.sweep._put_back(*self._undo.pop()))

    def _redraw(self) -> None:
        self._frames.forget()
        self._runner.stale()

    def _change(self, runs: list[int], name: str, text: Any) -> None:
        self.sweep.change(runs, **{name: parsed(name, str(text))})

    def _respawn(self, runs: list[int], content: Mapping[str, Any]) -> None:
        source = content.get("source")
        number = self._best() if source is None else int(source)
        for i in runs:
            if i != number or not self.sweep._lanes[i].alive:
                self.sweep.respawn(i, source=number, warm=bool(content.get("warm", True)))

    def _best(self) -> int:
        for index in range(len(self.sweep)):
            self._frames.measure_now(index)
        return self._frames.best()

    def _post(self, function: Any, runs: Sequence[int] = (), names: Sequence[str] = ()) -> None:
        """Carry out an action between two steps; one on `runs` can be undone, with their settings `names`."""

        def act() -> None:
            marks = self.sweep._marked(runs)
            if self._try(function) and marks:
                self._undo.append((marks, names))
            self._lay_out()
            self._publish()

        self._runner.post(act)

    def _try(self, function: Any) -> bool:
        """Call `function`; return False if it raised, which the page shows."""
        try:
            function()
            self.set_trait("error", "")
        except Exception as error:  # noqa: BLE001 - the page shows it
            self.set_trait("error", str(error.args[0]) if error.args else type(error).__name__)
        self._view.state = {**self._view.state, "error": self._said(self.error)}
        return not self.error

    def _said(self, text: str) -> str:
        return self._catalog(text) if text else ""

    # --- display --------------------------------------------------------------------------------

    def _metric_chosen(self, change: Any) -> None:
        try:
            self._frames.metric = checked_metric(change["new"], self.sweep)
        except TraitError:
            self.metric = change["old"]
            raise
        if self._complete:
            self._runner.post(self._lay_out)

    def _lay_out(self) -> None:
        """Send the scene, after a change of the runs or of the metric."""
        self._view.scene = scene_of(self.sweep, self._frames, self._catalog, crossed=self._crossed)

    def _publish(self) -> None:
        self._tell()
        self._view.state = {**self._moment(), **self._standing()}

    def _tell(self) -> None:
        """Set the traits."""
        runner = self._runner
        with self.hold_trait_notifications():
            self.set_trait("status", runner.status)
            self.set_trait("iteration", runner.iteration)
            self.set_trait("steps_per_second", round(runner.steps_per_second, 1))
            if runner.error != self._runner_error:
                self._runner_error = runner.error
                self.set_trait("error", runner.error)

    def _moment(self) -> dict[str, Any]:
        """Return the values that change with each step."""
        return {"iteration": self._runner.iteration, "rate": round(self._runner.steps_per_second, 1)}

    def _standing(self) -> dict[str, Any]:
        """Return the values of `state` that change rarely."""
        lanes = self.sweep._lanes
        return {
            "status": self._runner.status,
            "error": self._said(self.error),
            "statuses": [lane.status for lane in lanes],
            "errors": [self._said(lane.error) for lane in lanes],
            "undo": len(self._undo),
        }

    def _draw(self) -> None:
        began = time.perf_counter()
        frames = self._frames
        frames.measure(training=self._runner.status == "running")
        self._tell()
        now = self._standing()
        if any(self._view.state.get(name) != value for name, value in now.items()):
            # Assigning the trait sends a message, so only if it differs; the frame contains the rest.
            self._view.state = {**self._moment(), **now}
        curves = frames.curves(exact=self._runner.status != "running")
        self._view.draw({"samples": frames.samples(), "values": frames.values(), **curves}, self._moment())
        if self._pacer.to_ask():
            self._seq += 1
            self._pacer.sent(self._seq)
            self._heartbeat.beat(self._seq)
        else:
            self._pacer.passed()
        self._pacer.cost = time.perf_counter() - began - frames.spent
        if not frames.measured:
            self._runner.stale()

    def _picture(self) -> bytes:
        return self._runner.call(self._rendered)

    def _rendered(self) -> bytes:
        return render_sweep(self._frames, self.sweep, self._view.words)

    def close(self) -> None:
        """End the widget's thread, and remove the widget from the page; the sweep stays usable."""
        runner = vars(self).get("_runner")
        if runner is not None:
            if not self._is_closed():
                with contextlib.suppress(Exception):  # a network that raises must not prevent closing
                    self._displays.update(self._picture)
            runner.close()
        if vars(self).get("_opened") is not None:
            with contextlib.suppress(RuntimeError):
                self._close_opened()
        super().close()

    def __setattr__(self, name: str, value: Any) -> None:
        if vars(self).get("_complete") and not name.startswith("_") and not hasattr(type(self), name):
            known = [member for member in self.trait_names() if not member.startswith("_")]
            hint: str = Message("; it can only be read") if name in vars(self) else nearest(name, known)
            if name in SETTINGS:
                hint = Message(
                    "; it is a setting: w.sweep.change({name}=...) changes it in every run", name=name
                )
            raise TraitError(Message("SweepWidget has no {name!r} to set{hint}", name=name, hint=hint))
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        return f"<SweepWidget of {self.sweep!r}>"


def _close_other(sweep: Sweep) -> None:
    """Close the widget that shows `sweep`, because one thread steps it: a cell that is run again makes another widget."""
    other = None if sweep._shown_by is None else sweep._shown_by()
    if other is not None:
        other.close()


class _Waking:
    """Counts views, and wakes the drawing thread."""

    def __init__(self, widget: SweepWidget) -> None:
        self._widget = widget

    def hello(self, view: str) -> None:
        self._widget._pacer.hello(view)
        self._widget._frames.forget()
        self._widget._runner.stale()

    def bye(self, view: str) -> None:
        self._widget._pacer.bye(view)

    def acknowledge(self, view: str, seq: int) -> None:
        self._widget._pacer.acknowledge(view, seq)
        self._widget._runner.wake()

    def opened(self, view: str) -> None: ...

    def closed(self, view: str) -> None:
        self._widget._pacer.bye(view)
