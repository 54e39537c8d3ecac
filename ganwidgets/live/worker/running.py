"""List of the runs that train now, for users who lost their widget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ganwidgets.live.worker.runner import Runner, runners

if TYPE_CHECKING:
    from ganwidgets.trainer.trainer import GANTrainer

__all__ = ["Training", "runners", "running"]


class Training:
    """A run that trains now.

    Attributes
    ----------
    trainer : GANTrainer
    widgets : tuple
        The widgets that show it.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self.trainer: GANTrainer = runner.trainer
        self.widgets: tuple[Any, ...] = tuple(runner.shown_by)

    @property
    def iteration(self) -> int:
        """Number of full steps."""
        return self._runner.state.iteration

    @property
    def data(self) -> str:
        """Name of its data."""
        return str(self.trainer.source.name)

    @property
    def steps_per_second(self) -> float:
        """Steps per second, over about the last second."""
        return self._runner.state.steps_per_second

    def stop(self) -> None:
        """Pause after the current step; `widgets` and `trainer` can continue it."""
        self._runner.pause()

    def close(self) -> None:
        """End its thread and close its widgets; `trainer` stays usable."""
        for widget in self.widgets:
            widget.close()
        self._runner.close()

    def __repr__(self) -> str:
        return f"<Training on {self.data}, iteration {self.iteration}, {self.steps_per_second:.3g} steps/s>"


def running() -> list[Training]:
    """Return the runs that train now, in all widgets of this process; each can be stopped or closed.

    Examples
    --------
    >>> import ganwidgets as gw
    >>> w = gw.GANTrainerWidget("ring8")
    >>> w.play()
    >>> w.wait(iteration=1)
    >>> [training.data for training in gw.running()]
    ['ring8']
    >>> for training in gw.running():
    ...     training.stop()
    >>> w.wait()
    >>> gw.running()
    []
    >>> w.close()
    """
    return [Training(runner) for runner in runners() if runner.active]
