"""Read access to one run of a sweep."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from torch import Tensor

from ganwidgets.messages import Message
from ganwidgets.sweeps.lanes.lane import Lane
from ganwidgets.trainer.trainer import GANTrainer

if TYPE_CHECKING:
    from ganwidgets.data import Source
    from ganwidgets.diagnosis import Finding
    from ganwidgets.runs.record.history import History
    from ganwidgets.runs.record.interventions import Intervention
    from ganwidgets.settings import Settings

__all__ = ["SweepRun"]

T = TypeVar("T")


class SweepRun:
    """One run of a sweep, with the read interface of :class:`~ganwidgets.GANTrainer`.

    The sweep steps it. Assigning to a setting of :attr:`settings` changes this run alone. :meth:`Sweep.take`
    returns it as a trainer.

    Parameters
    ----------
    index : int
        Its number in the sweep.
    read : callable
        Calls a function with the lane, between two steps, with an up-to-date state.
    iteration : callable
        Returns the run's full steps.
    sweep : object
        The sweep; its methods accept this run instead of its number.
    """

    def __init__(
        self,
        index: int,
        read: Callable[[Callable[[Lane], Any]], Any],
        iteration: Callable[[], int],
        sweep: object,
    ) -> None:
        self.index = index
        self._sweep = sweep
        self._read = read
        self._iteration = iteration

    @property
    def status(self) -> str:
        """``"new"``, ``"running"``, ``"stopped"`` by the user, ``"diverged"``, or ``"failed"`` by an error of user code."""
        status: str = self._read(lambda lane: lane.status)
        return status

    @property
    def error(self) -> str:
        """Why a run diverged or failed; otherwise empty."""
        error: str = self._read(lambda lane: lane.error)
        return error

    @property
    def settings(self) -> Settings:
        """The settings of this run; an assignment takes effect at the sweep's next step."""
        settings: Settings = self._read(lambda lane: lane.trainer.settings)
        return settings

    @property
    def history(self) -> History:
        """See :attr:`GANTrainer.history`."""
        history: History = self._read(lambda lane: lane.session.history)
        return history

    @property
    def interventions(self) -> list[Intervention]:
        """See :attr:`GANTrainer.interventions`."""
        records: list[Intervention] = self._read(lambda lane: lane.trainer.interventions)
        return records

    @property
    def iteration(self) -> int:
        """Full steps carried out."""
        return self._iteration()

    @property
    def samples_seen(self) -> int:
        """Real samples drawn."""
        seen: int = self._read(lambda lane: lane.session.state.samples_seen)
        return seen

    @property
    def source(self) -> Source:
        """See :attr:`GANTrainer.source`."""
        source: Source = self._read(lambda lane: lane.trainer.source)
        return source

    @property
    def exact(self) -> bool:
        """See :attr:`GANTrainer.exact`."""
        exact: bool = self._read(lambda lane: lane.trainer.exact)
        return exact

    def _samples_of_the_run(self, n: int, seed: int = 0) -> Tensor | None:
        """Return `n` samples of the run for a comparison."""
        return self.sample(n, seed)

    def sample(self, n: int, seed: int | None = None, labels: Any = None, ema: bool = False) -> Tensor:
        """See :meth:`GANTrainer.sample`."""
        samples: Tensor = self._read(lambda lane: lane.trainer.sample(n, seed, labels, ema))
        return samples

    def real(self, n: int, seed: int | None = None) -> Tensor:
        """See :meth:`GANTrainer.real`."""
        samples: Tensor = self._read(lambda lane: lane.trainer.real(n, seed))
        return samples

    def evaluate(self, n: int = 2500, seed: int = 0, features: Any = None) -> dict[str, float]:
        """See :meth:`GANTrainer.evaluate`."""
        figures: dict[str, float] = self._read(lambda lane: lane.trainer.evaluate(n, seed, features))
        return figures

    def floors(self, n: int = 2500, seed: int = 0, features: Any = None) -> dict[str, float]:
        """See :meth:`GANTrainer.floors`."""
        figures: dict[str, float] = self._read(lambda lane: lane.trainer.floors(n, seed, features))
        return figures

    def diagnose(self) -> tuple[Finding, ...]:
        """See :meth:`GANTrainer.diagnose`."""
        found: tuple[Finding, ...] = self._read(lambda lane: lane.trainer.diagnose())
        return found

    def state_dict(self) -> dict[str, Any]:
        """See :meth:`GANTrainer.state_dict`."""
        state: dict[str, Any] = self._read(lambda lane: lane.trainer.state_dict())
        return state

    def state_hash(self) -> str:
        """See :meth:`GANTrainer.state_hash`."""
        found: str = self._read(lambda lane: lane.trainer.state_hash())
        return found

    def code(self) -> str:
        """See :meth:`GANTrainer.code`."""
        code: str = self._read(lambda lane: lane.trainer.code())
        return code

    def __getattr__(self, name: str) -> NoReturn:
        if not name.startswith("_") and hasattr(GANTrainer, name):
            raise AttributeError(
                Message(
                    "a run of a sweep has no {name!r}: the sweep steps it; sweep.take({index}) returns the run as a "
                    "GANTrainer",
                    name=name,
                    index=self.index,
                )
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __repr__(self) -> str:
        return f"<run {self.index} of a sweep: iteration {self.iteration}, {self.status}>"
