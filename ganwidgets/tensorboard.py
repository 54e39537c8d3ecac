"""Write a run to TensorBoard event files, during training and afterwards."""

from __future__ import annotations

import html
import importlib.util
import math
import numbers
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ganwidgets.messages import Message, catalog
from ganwidgets.rendering.exports.run_pictures import pictures_of
from ganwidgets.runs.record.columns import measured
from ganwidgets.runs.record.interventions import Intervention
from ganwidgets.trainer.trainer import GANTrainer
from ganwidgets.validation import checked_path

if TYPE_CHECKING:
    from tensorboardX import SummaryWriter

__all__ = ["TensorBoardLog", "log_to_tensorboard"]

LANGUAGE = "en"
"""Language of the texts in the files, which other programs also read."""


def log_to_tensorboard(
    trainer: GANTrainer, folder: str | os.PathLike[str], *, every: Any = 10, images_every: Any = 500
) -> TensorBoardLog:
    """Log a run to TensorBoard event files: its past at once, then each step until logging stops.

    The files hold the columns of `trainer.history` as scalars, the generated samples as images, each intervention as
    text, and the settings as hyperparameters. A branch that begins later is logged to a subfolder,
    ``branch-<id>``. The run's state does not change.

    Parameters
    ----------
    trainer : GANTrainer
        The run; for a widget, pass ``w.trainer``, which may be training.
    folder : path
        Created if it does not exist.
    every : int
        Number of iterations between logged scalars, counted from 0; at least 1.
    images_every : int
        Number of iterations between logged images; at least 1. Images are always logged at the beginning and end.

    Returns
    -------
    TensorBoardLog
        Call it or its `stop`, or leave its ``with`` block, to flush and close the files.

    Raises
    ------
    ImportError
        If tensorboardX is not installed.
    OSError
        If `folder` is not a folder, or if it cannot be created or written.
    TypeError
        If `trainer` is not a trainer.

    Examples
    --------
    >>> import tempfile
    >>> trainer = GANTrainer("ring8")
    >>> with log_to_tensorboard(trainer, tempfile.mkdtemp()) as log:
    ...     record = trainer.step(20)
    >>> log.stopped
    True
    """
    if not isinstance(trainer, GANTrainer):
        raise TypeError(
            Message(
                "log_to_tensorboard takes a GANTrainer, not {kind}; a widget's is w.trainer",
                kind=type(trainer).__name__,
            )
        )
    if importlib.util.find_spec("tensorboardX") is None:
        raise ImportError(
            Message(
                "TensorBoard's files need {package}, which is not installed; install it (pip install {extra})",
                package="tensorboardX",
                extra="'ganwidgets[tensorboard]'",
            )
        )
    target = checked_path("folder", folder)
    if target.exists() and not target.is_dir():
        raise NotADirectoryError(
            Message("{path!r} is not a folder; choose another name to log to", path=str(target))
        )
    target.mkdir(parents=True, exist_ok=True)
    for name, count in (("every", every), ("images_every", images_every)):
        if isinstance(count, bool) or not isinstance(count, numbers.Integral) or count < 1:
            raise ValueError(
                Message(
                    "{name} cannot be {value!r}: it must be a whole number from 1 on", name=name, value=count
                )
            )
    log = TensorBoardLog(trainer, target, int(every), int(images_every))
    trainer._between_steps(log._begin)
    return log


class TensorBoardLog:
    """The log that :func:`log_to_tensorboard` returns.

    Attributes
    ----------
    folder : Path
    stopped : bool
    """

    def __init__(self, trainer: GANTrainer, folder: Path, every: int, images_every: int) -> None:
        self.folder = folder
        self.stopped = False
        self._trainer = trainer
        self._every, self._images_every = every, images_every
        self._first = self._branch
        self._writer: SummaryWriter | None = None
        self._written_branch: int | None = None
        self._rows = 0
        """Number of history rows logged so far."""
        self._interventions = -1
        """Highest intervention number logged so far."""

    @property
    def _branch(self) -> int:
        return self._trainer._session.branches.current

    def stop(self) -> None:
        """Write what is not logged yet and close the files; a second call does nothing."""
        if not self.stopped:
            self.stopped = True
            self._remove()
            self._trainer._between_steps(self._finish)

    def __call__(self) -> None:
        self.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<TensorBoardLog in {self.folder}, {'stopped' if self.stopped else 'logging'}>"

    # --- on the training thread -----------------------------------------------------------------

    def _begin(self) -> None:
        self._catch_up()
        self._image()
        self._remove = self._trainer.on_step(self._stepped)

    def _stepped(self, record: Mapping[str, float]) -> None:
        iteration = int(record["iteration"])
        if iteration % self._every == 0 or self._branch != self._written_branch:
            self._catch_up()
        if iteration % self._images_every == 0:
            self._image()

    def _finish(self) -> None:
        self._catch_up()
        self._image()
        self._close()

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _catch_up(self) -> None:
        """Write the rows and interventions that are not logged yet."""
        from tensorboardX import SummaryWriter

        branch = self._branch
        if branch != self._written_branch:
            self._close()
            name = "" if branch == self._first else f"branch-{branch}"
            self._writer = SummaryWriter(str(self.folder / name))
            self._written_branch, self._rows = branch, 0
            self._hyperparameters()
        writer = self._open_writer()
        history = self._trainer.history
        every_row = range(self._rows + 1, history.rows + 1)
        measured_rows = [iteration for iteration in every_row if measured(iteration)]
        for name, values in history.since(self._rows).items():
            rows = every_row if len(values) == len(every_row) else measured_rows
            for iteration, value in zip(rows, values, strict=True):
                if iteration % self._every == 0 and math.isfinite(value):
                    writer.add_scalar(name, float(value), iteration)
        self._rows = history.rows
        for record in self._trainer.interventions:
            if record.seq > self._interventions:
                writer.add_text("interventions", _sentence(record), record.iteration)
                self._interventions = record.seq

    def _open_writer(self) -> SummaryWriter:
        assert self._writer is not None
        return self._writer

    def _hyperparameters(self) -> None:
        from tensorboardX.summary import hparams

        plain: dict[str, Any] = {}
        for name, value in vars(self._trainer._session.in_force()).items():
            if isinstance(value, (bool, int, float, str)):
                plain[name] = value
            elif isinstance(value, tuple):
                plain[name] = str(value)
        writer = self._open_writer().file_writer
        for summary in hparams(plain, dict.fromkeys(self._trainer.game.losses, 0.0)):
            writer.add_summary(summary)

    def _image(self) -> None:
        pictures = pictures_of(self._trainer._session, lambda read: read(), catalog(LANGUAGE))
        what, pixels, iteration = pictures.logged()
        self._open_writer().add_image(what, pixels, iteration, dataformats="HWC")


def _sentence(record: Intervention) -> str:
    """Return an intervention as escaped Markdown; reasons and authors are user input."""
    change = repr(record.new) if record.old is None else f"{record.old!r} -> {record.new!r}"
    why = f": {record.reason}" if record.reason else ""
    return html.escape(f"{record.setting} {change} by {record.author}{why}")
