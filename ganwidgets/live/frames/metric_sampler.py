"""Periodic metrics of a live run, measured from copies in another thread."""

from __future__ import annotations

import atexit
import logging
import math
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from ganwidgets.errors import DataError
from ganwidgets.live.pacing import Clock

__all__ = ["SAMPLES", "SEED", "Curve", "Measured", "MetricSampler", "Series", "measured_of"]

Floats = npt.NDArray[np.float32]
Curve = tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]
"""A metric over time: iterations and values, of equal length."""

SAMPLES, SEED = 2500, 0
"""Metrics of :meth:`GANTrainer.evaluate`, so that a panel and a cell show the same figure."""

SHARE, SHARE_ASIDE = 0.05, 0.1
"""Maximum shares of time for measurements: of the training thread, and of the measuring thread."""

SELDOM = 10.0
"""Factor between two measurements while no viewer shows metrics; their curves go on for a later one."""

AFTER_FAILURE = 10.0
"""Minimum seconds before a failed measurement is retried."""

EXIT_PATIENCE = 5.0
"""Seconds that the interpreter's exit waits for a measurement."""

logger = logging.getLogger("ganwidgets")


class Series:
    """Values over time of any number of metrics, thinned evenly to at most `points`."""

    def __init__(self, points: int = 400) -> None:
        self._points = points
        self._stride = 1
        self._seen = 0
        self._kept: list[tuple[int, Mapping[str, float]]] = []
        self._last: tuple[int, Mapping[str, float]] | None = None

    @property
    def latest(self) -> Mapping[str, float]:
        """The latest values by name; empty before the first."""
        return self._last[1] if self._last is not None else {}

    @property
    def reached(self) -> int:
        """The latest iteration; -1 before the first."""
        return -1 if self._last is None else self._last[0]

    def append(self, iteration: int, values: Mapping[str, float]) -> None:
        """Add the values at `iteration`; discard values from there on first."""
        self.forget_from(iteration)
        self._last = iteration, dict(values)
        if self._seen % self._stride == 0:
            self._kept.append(self._last)
            if len(self._kept) >= self._points:
                self._kept = self._kept[::2]
                self._stride *= 2
        self._seen += 1

    def forget_from(self, iteration: int) -> None:
        """Discard values at `iteration` or later, because the run has gone back."""
        if self._last is None or self._last[0] < iteration:
            return
        self._kept = [entry for entry in self._kept if entry[0] < iteration]
        self._last = self._kept[-1] if self._kept else None

    def curves(self) -> dict[str, Curve]:
        """Return a curve of at most `points` values for each metric, including the latest value."""
        entries = list(self._kept)
        if self._last is not None and self._last[0] > (entries[-1][0] if entries else -1):
            entries.append(self._last)
        names = dict.fromkeys(name for _, values in entries for name in values)
        return {
            name: (
                np.array([at for at, values in entries if name in values], dtype=np.int64),
                np.array([values[name] for _, values in entries if name in values], dtype=np.float64),
            )
            for name in names
        }


class Measured:
    """Measurements of one run, shared by all widgets that show it; thread-safe.

    Parameters
    ----------
    floors : mapping of str to float
        The scores of perfect samples, if known.

    Attributes
    ----------
    curves : mapping of str to Curve
    floors : mapping of str to float
    """

    def __init__(self, floors: Mapping[str, float] = MappingProxyType({})) -> None:
        self._lock = threading.Lock()
        self._series = Series()
        self.curves: Mapping[str, Curve] = MappingProxyType({})
        self.floors = floors

    @property
    def latest(self) -> Mapping[str, float]:
        """The latest values by name."""
        with self._lock:
            return MappingProxyType(dict(self._series.latest))

    def append(self, iteration: int, values: Mapping[str, float]) -> None:
        """Add the values of an iteration, unless a later one was measured meanwhile."""
        with self._lock:
            if self._series.reached <= iteration:
                self._series.append(iteration, values)
                self.curves = MappingProxyType(self._series.curves())

    def forget_from(self, iteration: int) -> bool:
        """Discard values at `iteration` or later; return True if there were any."""
        with self._lock:
            latest = self._series.latest
            self._series.forget_from(iteration)
            changed = self._series.latest is not latest
            if changed:
                self.curves = MappingProxyType(self._series.curves())
            return changed


_MEASURED: weakref.WeakKeyDictionary[object, tuple[object, Measured]] = weakref.WeakKeyDictionary()
_MEASURED_LOCK = threading.Lock()


def measured_of(run: object, by: object, floors: Mapping[str, float]) -> Measured:
    """Return the measurements of a run: the same object for every caller, until `by` changes.

    Parameters
    ----------
    run : object
        Identifies the run; weakly referenced.
    by : object
        The choice of features. Metrics of another choice are not comparable, and are discarded.
    floors : mapping of str to float
        Used if nothing was measured so far.
    """
    with _MEASURED_LOCK:
        known = _MEASURED.get(run)
        if known is None or known[0] is not by:
            known = _MEASURED[run] = by, Measured(floors)
        return known[1]


class MetricSampler:
    """Measures a run about once a second, each time in a thread.

    Parameters
    ----------
    interval : float
        Minimum seconds between two measurements.
    clock : callable
        Returns the time in seconds.
    effort : callable
        Returns the current thread's processor time in seconds; waiting for a processor does not count.
    measured : callable
        Called, on the measuring thread, when there are new values or floors.
    watched : callable
        Returns True while a viewer is open; afterwards failures are not reported.
    room : callable
        Returns the training's share of a processor; below one, measurements take less too.

    Attributes
    ----------
    postponed : float
        Seconds until the measurement that :meth:`due` refused may be tried again; infinite if the last call refused none.
    """

    def __init__(
        self,
        interval: float = 1.0,
        clock: Clock = time.monotonic,
        effort: Clock = time.thread_time,
        measured: Callable[[], None] = lambda: None,
        watched: Callable[[], bool] = lambda: True,
        room: Callable[[], float] = lambda: 1.0,
    ) -> None:
        self._room = room
        self._notify = measured
        self._watched = watched
        self._trouble = ""
        self._least = self._interval = interval
        self._clock = clock
        self._effort = effort
        self._lock = threading.Lock()
        self._under_way: threading.Thread | None = None
        self._began = -np.inf
        self._measured: tuple[int, Floats] | None = None
        self.postponed = math.inf
        self.begin(Measured())

    def begin(self, kept: Measured) -> None:
        """Switch to another run or another choice of features, with measurements in `kept`."""
        with self._lock:
            self._kept = kept
            self._measured = None
            self._began = -np.inf
            self._interval = self._least
            self._trouble = ""

    def due(
        self,
        iteration: int,
        generated: Floats,
        *,
        at_once: bool = False,
        at_rest: bool = False,
        seldom: bool = False,
    ) -> bool:
        """Return True if a measurement is due.

        Parameters
        ----------
        iteration : int
            The current iteration.
        generated : float32 array [M, F]
            Samples from fixed latents, to detect whether the generator has changed.
        at_once : bool
            Wait neither for the interval nor for a measurement in progress.
        at_rest : bool
            The run does not train: the interval need not grow with the cost of a measurement.
        seldom : bool
            Wait ten times as long while the run trains, because no viewer shows metrics.
        """
        with self._lock:
            self.postponed = math.inf
            if self._measured is not None:
                at, samples = self._measured
                if at == iteration and np.array_equal(samples, generated, equal_nan=True):
                    return False
            if at_once:
                return True
            if self.busy:
                self.postponed = self._least
                return False
            interval = self._interval * (SELDOM if seldom else 1)
            if at_rest:
                interval = self._interval if self._trouble else self._least
            wait = self._began + interval - self._clock()
            if wait > 0:
                self.postponed = wait
            return wait <= 0

    def measure(
        self,
        iteration: int,
        generated: Floats,
        figures: Callable[[], Mapping[str, float]],
        floors: Callable[[], Mapping[str, float]],
        cost: float,
    ) -> None:
        """Measure in another thread.

        Parameters
        ----------
        iteration, generated
            As for :meth:`due`.
        figures : callable
            Returns the values at this iteration, from copies; called on the measuring thread.
        floors : callable
            Returns the scores of perfect samples; called once for each run's data, on that thread too.
        cost : float
            Seconds that the training thread spent on the copies.
        """
        with self._lock:
            self._measured = iteration, generated
            self._began = self._clock()
            self._interval = max(self._least, cost / SHARE)
            self._under_way = threading.Thread(
                target=self._work,
                args=(self._under_way, self._kept, iteration, figures, floors),
                name="ganwidgets-metrics",
                daemon=True,
            )
            _UNDER_WAY.add(self._under_way)
            self._under_way.start()

    def _work(
        self,
        before: threading.Thread | None,
        kept: Measured,
        iteration: int,
        figures: Callable[[], Mapping[str, float]],
        floors: Callable[[], Mapping[str, float]],
    ) -> None:
        if before is not None:
            before.join()
        began = self._effort()
        try:
            values = figures()
            with self._lock:
                if kept.floors:  # the first time, imports and classifier training dominate
                    share = SHARE_ASIDE * self._room()
                    self._interval = max(self._interval, (self._effort() - began) / share)
                kept.append(iteration, values)
                if kept is self._kept:
                    self._trouble = ""
            self._notify()
            if not kept.floors:
                kept.floors = MappingProxyType(dict(floors()))
                self._notify()
        except Exception as error:  # noqa: BLE001 - a user's features may raise anything; the error is reported
            # Metrics of an exiting process are not needed, and imports fail there.
            if threading.main_thread().is_alive() and self._watched():
                self._note(kept, iteration, error)

    def _note(self, kept: Measured, iteration: int, error: Exception) -> None:
        """Store the reason of a failed measurement, and retry less often."""
        reason = error.args[0] if isinstance(error, DataError) else f"{type(error).__name__}: {error}"
        with self._lock:
            if kept is not self._kept:
                return
            again = reason == self._trouble
            self._trouble = reason
            self._interval = max(self._interval, AFTER_FAILURE)
        if not again:
            logger.error("the metrics at iteration %d could not be measured", iteration, exc_info=error)
            self._notify()

    @property
    def busy(self) -> bool:
        """True if a measurement is in progress."""
        return self._under_way is not None and self._under_way.is_alive()

    def settle(self, patience: float | None = None) -> None:
        """Wait for the measurement in progress, at most `patience` seconds."""
        if self._under_way is not None:
            self._under_way.join(patience)

    def forget_from(self, iteration: int) -> None:
        """Discard values at `iteration` or later."""
        with self._lock:
            if self._kept.forget_from(iteration):
                self._measured = None

    @property
    def curves(self) -> Mapping[str, Curve]:
        """Each metric over time."""
        return self._kept.curves

    @property
    def latest(self) -> Mapping[str, float]:
        """The latest values by name."""
        return self._kept.latest

    @property
    def floors(self) -> Mapping[str, float]:
        """Scores of perfect samples; empty until known."""
        return self._kept.floors

    @property
    def trouble(self) -> str:
        """Why nothing can be measured; empty otherwise."""
        return self._trouble


_UNDER_WAY: weakref.WeakSet[threading.Thread] = weakref.WeakSet()


@atexit.register
def _settle_all() -> None:
    """Wait for measurements before the interpreter unloads NumPy."""
    end = time.monotonic() + EXIT_PATIENCE
    for thread in list(_UNDER_WAY):
        thread.join(max(0.0, end - time.monotonic()))
