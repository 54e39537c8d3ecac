"""The widget of a sweep."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from typing import Any

import ipywidgets
from traitlets import Float, Int, TraitError, Unicode

from ganwidgets.errors import DataError
from ganwidgets.live.pacing import Pacer
from ganwidgets.messages import Message, N_, catalog
from ganwidgets.metrics import METRICS
from ganwidgets.settings import SETTINGS
from ganwidgets.settings.types import BoolSetting, ChoiceSetting, NumberSetting
from ganwidgets.sweeps.sweep import Sweep
from ganwidgets.validation import checked_count, checked_timeout
from ganwidgets.widgets.browser.kernel.displays import Displayed, Displays
from ganwidgets.widgets.browser.kernel.models import models_of
from ganwidgets.widgets.browser.page.heartbeat import Heartbeat, gone_words
from ganwidgets.widgets.browser.style.shared_style import SharedStyle
from ganwidgets.widgets.sweep.frames import SweepFrames
from ganwidgets.widgets.sweep.poster import render_sweep
from ganwidgets.widgets.sweep.runner import SweepRunner
from ganwidgets.widgets.sweep.view import SweepView
from ganwidgets.widgets.trainer.widget import GANTrainerWidget

__all__ = ["SweepWidget"]

CLOSED = N_("This widget was closed; gw.SweepWidget(sweep) makes another.")

FAST, SLOW = 10.0, 4.0
"""Maximum frames per second, for up to 16 runs and for more."""


class SweepWidget(Displayed, ipywidgets.VBox):
    """A sweep in a notebook: a grid of live miniatures. Users watch and steer it while it runs.

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
        If `metric` is omitted and the kind of data declares no metric.
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
        self._complete = False
        self._locale = locale
        self._catalog = catalog(locale)
        self._displays = Displays()
        self.sweep = sweep
        chosen = metric or _headline(sweep)
        self._frames = SweepFrames(sweep, chosen)
        self._opened: GANTrainerWidget | None = None
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
        try:
            self.metric = chosen
        except BaseException:
            self.close()
            raise
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
        count = checked_count(n)
        self._runner.post(lambda: self._stepped(count))

    def _stepped(self, n: int) -> None:
        self.sweep.step(n)
        self._runner.iteration = self.sweep.iteration
        self._publish()

    def wait(self, iteration: int | None = None, timeout: float | None = None) -> None:
        """Wait until `iteration` is reached; by default, until nothing is queued or playing.

        Raises
        ------
        TimeoutError
            If that takes longer than `timeout` seconds.
        RuntimeError
            If an error stopped the runs.
        """
        self._runner.wait(None if iteration is None else checked_count(iteration), checked_timeout(timeout))

    def show_run(self, i: int) -> GANTrainerWidget:
        """Show a copy of a run below the grid in a new widget; return that widget."""
        number = self.sweep._index(i)
        trainer = self.sweep.take(number)
        self._close_opened()
        self._opened = GANTrainerWidget(trainer, locale=self._locale)
        text = self._catalog(
            N_("A copy of run {i} from iteration {n}; what is done here changes nothing in the sweep."),
            i=number,
            n=trainer.iteration,
        )
        self._detail.children = (SharedStyle().html(f"<p>{text}</p>"), self._opened)
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
            self._post(lambda: self._change(runs, str(content["setting"]), content["value"]))
        elif act == "kill":
            self._post(lambda: [self.sweep.kill(i) for i in runs])
        elif act == "respawn":
            self._post(lambda: self._respawn(runs, content))

    def _redraw(self) -> None:
        self._frames.forget()
        self._runner.stale()

    def _change(self, runs: list[int], name: str, text: Any) -> None:
        self.sweep.change(runs, **{name: _parsed(name, str(text))})

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

    def _post(self, function: Any) -> None:
        def act() -> None:
            self._try(function)
            self._lay_out()
            self._publish()

        self._runner.post(act)

    def _try(self, function: Any) -> None:
        try:
            function()
            self.set_trait("error", "")
        except Exception as error:  # noqa: BLE001 - the page shows it
            self.set_trait("error", str(error.args[0]) if error.args else type(error).__name__)
        self._view.state = {**self._view.state, "error": self._said(self.error)}

    def _said(self, text: str) -> str:
        return self._catalog(text) if text else ""

    # --- display --------------------------------------------------------------------------------

    def _metric_chosen(self, change: Any) -> None:
        known = METRICS[self._frames.modality.name]
        if change["new"] not in known:
            self.metric = change["old"]
            raise TraitError(
                Message(
                    "metric cannot be {value!r}; choose one of {known}",
                    value=change["new"],
                    known=", ".join(known),
                )
            )
        self._frames.metric = change["new"]
        if self._complete:
            self._runner.post(self._lay_out)

    def _lay_out(self) -> None:
        """Send the scene: runs, axes, settings, and texts of the metric."""
        sweep, t = self.sweep, self._catalog
        varied = list(sweep.varied)
        about = METRICS[self._frames.modality.name]
        cells: list[dict[str, Any]] = []
        first: dict[tuple[Any, ...], int] = {}
        for index, lane in enumerate(sweep._lanes):
            settings = lane.session.settings.as_dict()
            exact = tuple(settings[name] for name in varied)
            cells.append(
                {
                    "configuration": first.setdefault(exact, index),
                    "settings": {name: _shown(settings[name]) for name in varied},
                    "numbers": {
                        name: settings[name]
                        for name in varied
                        if isinstance(settings[name], int | float) and not isinstance(settings[name], bool)
                    },
                    "seed": settings["seed"],
                    "index": index,
                }
            )
        offered = [
            name for name, setting in SETTINGS.items() if setting.effect != "fresh start" and name != "data"
        ]
        self._view.scene = {
            "runs": cells,
            "varied": [[name, t(SETTINGS[name].label)] for name in varied],
            "log": [
                name
                for name in varied
                if isinstance(SETTINGS[name], NumberSetting) and SETTINGS[name].scale == "logarithmic"
            ],
            "settings": [[name, t(SETTINGS[name].label)] for name in offered],
            "metric": self._frames.metric,
            "metrics": [[name, t(about[name].label)] for name in self._frames.metrics() if name in about],
            "scale": self._frames.scale(),
            "view": self._frames.modality.view,
            "real": self._frames.real().tolist() if self._frames.modality.on_plane else [],
        }

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
            if runner.error:
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
        }

    def _draw(self) -> None:
        began = time.perf_counter()
        frames = self._frames
        frames.measure()
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
        return render_sweep(self._frames, self.sweep)

    def close(self) -> None:
        """End the widget's thread, and remove the widget from the page; the sweep stays usable."""
        runner = vars(self).get("_runner")
        if runner is not None:
            runner.close()
        if vars(self).get("_opened") is not None:
            with contextlib.suppress(RuntimeError):
                self._close_opened()
        super().close()

    def __repr__(self) -> str:
        return f"<SweepWidget of {self.sweep!r}>"


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


def _headline(sweep: Sweep) -> str:
    """Return the metric that colours cells if the user chooses none.

    Raises
    ------
    DataError
        If the kind of data declares none.
    """
    modality = sweep._lanes[0].session.run.source.modality
    declared = [name for name in METRICS[modality.name] if name != "overfitting"]
    if not declared:
        raise DataError(
            Message(
                "data of kind {kind} declare no metric to colour runs by; pass metrics= and evaluate= to gw.Modality, or "
                "call gw.register_metric(name, function, kind={kind!r})",
                kind=modality.name,
            )
        )
    return modality.headline or declared[0]


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _parsed(name: str, text: str) -> Any:
    """Return the value of a setting that a user typed; the setting refuses other texts."""
    setting = SETTINGS[name]
    if isinstance(setting, BoolSetting):
        return {"true": True, "false": False}.get(text.strip().lower(), text)
    if isinstance(setting, ChoiceSetting):
        return text.strip()
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        return text
    return int(number) if isinstance(setting.initial, int) and number == int(number) else number
