"""Evaluate rules on recorded runs."""

from __future__ import annotations

import html
import os
from collections.abc import Iterable, Sequence

import numpy as np

from ganwidgets.diagnosis.rules.rehearsing import rehearsed
from ganwidgets.diagnosis.rules.rule import Firing, Rule, checked_rules
from ganwidgets.io import open_run
from ganwidgets.messages import Catalog, Message, N_, catalog
from ganwidgets.rendering.pictures.overlay import legend, overlay
from ganwidgets.trainer.trainer import GANTrainer
from ganwidgets.validation import checked_path

__all__ = ["Rehearsal", "rehearse"]

DRAWN = ("loss_d", "loss_g")


class Rehearsal(list[Firing]):
    """Firings that rules would have had; a notebook shows them on the losses of the run.

    Parameters
    ----------
    firings : iterable of Firing
    trainer : GANTrainer
        The run.
    """

    def __init__(self, firings: Iterable[Firing], trainer: GANTrainer) -> None:
        super().__init__(firings)
        history = trainer.history
        at = np.asarray(history["iteration"], np.float64)
        self._curves = {
            name: (at, np.asarray(history[name], np.float64)) for name in DRAWN if name in history
        }

    def page(self, t: Catalog | None = None, most: int = 20) -> str:
        """Return HTML with a mark on the losses at each firing, and the first `most` firings as text."""
        t = t or catalog()
        marks = [(firing.iteration, f"{firing.iteration}: {firing.rule}") for firing in self]
        chart = overlay(t(N_("losses")), self._curves, t(N_("iteration")), marks)
        lines = "".join(
            f"<li>{firing.iteration}: {html.escape(firing.rule)} "
            f"({html.escape(firing.evidence)}) {html.escape(_spelt(firing))}</li>"
            for firing in self[:most]
        )
        return f"<div>{chart}</div><div>{legend(self._curves)}</div><ul>{lines}</ul>"

    def _repr_html_(self) -> str:
        return self.page()


def _spelt(firing: Firing) -> str:
    changes = ", ".join(f"{name}={value}" for name, value in firing.change.items())
    return f"\N{RIGHTWARDS ARROW} {changes}" if changes else ""


def rehearse(run: GANTrainer | str | os.PathLike[str], rules: Rule | Sequence[Rule]) -> Rehearsal:
    """Return the firings that `rules` would have had on a recorded run.

    Rules on recorded columns are evaluated at every tenth iteration. Rules on findings need past networks, so they are
    evaluated at every hundredth iteration, from the run's snapshots. The run does not change.

    Parameters
    ----------
    run : GANTrainer or path
        A run up to its current iteration, or the folder or file of a run that needs no own data or networks.
    rules : Rule or sequence of Rule

    Returns
    -------
    Rehearsal
        A list of :class:`Firing` with ``iteration rule evidence change``, by iteration. A notebook draws them on the
        losses.

    Raises
    ------
    CheckpointError
        If there is no run at this path.
    TypeError
        If `run` is neither a trainer nor a path, or an element of `rules` is not a rule.

    Examples
    --------
    >>> trainer = GANTrainer("ring8", seed=0)
    >>> record = trainer.step(40)
    >>> firings = rehearse(trainer, Rule("ease", when="loss_d < 5", then={"lr_d": "* 0.5"}, cooldown=20))
    >>> [(firing.iteration, firing.rule, firing.change) for firing in firings]
    [(10, 'ease', {'lr_d': 0.001}), (30, 'ease', {'lr_d': 0.001})]
    """
    chosen = checked_rules(rules)
    if isinstance(run, GANTrainer):
        return run._between_steps(lambda: Rehearsal(rehearsed(run._session, chosen), run))
    if not isinstance(run, str | os.PathLike):
        raise TypeError(
            Message(
                "rules cannot be rehearsed on {value!r}; pass a GANTrainer, or the path of a run's folder or file",
                value=run,
            )
        )
    if not checked_path("run", run).is_dir():
        loaded = GANTrainer.load(run)
        return Rehearsal(rehearsed(loaded._session, chosen), loaded)
    opened = open_run(run)
    try:
        return Rehearsal(rehearsed(opened._session, chosen), opened)
    finally:
        opened.close()
