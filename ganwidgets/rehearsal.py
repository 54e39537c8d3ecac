"""Rules tried on runs that were recorded."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ganwidgets.diagnosis.rehearsing import rehearsed
from ganwidgets.diagnosis.rules import Firing, Rule, checked_rules
from ganwidgets.io import open_run
from ganwidgets.trainer.trainer import GANTrainer

__all__ = ["rehearse"]


def rehearse(run: GANTrainer | str | os.PathLike[str], rules: Rule | Sequence[Rule]) -> list[Firing]:
    """Return when rules would have fired on a recorded run, before anyone arms them.

    Recorded columns are read at every tenth iteration. Findings need networks of the past, so rules that read them are
    asked at every hundredth iteration, on the snapshots that the run has. The run itself does not obey and does not change.

    Parameters
    ----------
    run : GANTrainer or path
        The run up to where it stands; or the folder or file of one that needs no data or networks of the user's own.
    rules : Rule or sequence of Rule

    Returns
    -------
    list of Firing
        ``iteration rule evidence change`` of each, in the order of the iterations.

    Raises
    ------
    CheckpointError
        If there is no run at that path.

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
        return run._between_steps(lambda: rehearsed(run._session, chosen))
    if Path(run).is_dir():
        opened = open_run(run)
        try:
            return rehearsed(opened._session, chosen)
        finally:
            opened.close()
    return rehearsed(GANTrainer.load(run)._session, chosen)
