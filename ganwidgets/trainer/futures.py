"""Static HTML of a what-if: overlaid losses, samples side by side, and how the futures differ at their end."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import numpy as np

from ganwidgets.diagnosis.wording import findings_of_each
from ganwidgets.messages import Catalog, N_, catalog
from ganwidgets.rendering.pictures.overlay import legend, overlay
from ganwidgets.rendering.pictures.side_by_side import samples_side_by_side

if TYPE_CHECKING:
    from ganwidgets.trainer.trainer import GANTrainer
    from ganwidgets.trainer.what_if import WhatIf

__all__ = ["conclusion_page", "futures_page"]


def futures_page(what_if: WhatIf, t: Catalog | None = None) -> str:
    """Return HTML of both futures up to their current iterations."""
    t = t or catalog()
    futures = _by_name(what_if, t)
    first = what_if.start
    charts = "".join(
        overlay(
            t(label),
            {
                name: (future.history["iteration"][first:].astype(np.float64), future.history[column][first:])
                for name, future in futures.items()
            },
            t(N_("iteration")),
        )
        for column, label in what_if.unchanged.game.losses.items()
    )
    made = {
        name: future.source.modality.picture(samples.numpy())
        for name, future in futures.items()
        if (samples := future._samples_of_the_run(future.source.modality.beside)) is not None
    }
    real = what_if.unchanged.real(what_if.unchanged.source.modality.beside, seed=0).numpy()
    errors = "".join(f"<p>{html.escape(t.error(error))}</p>" for error in what_if.errors.values())
    return f"<div>{legend(futures)}</div>{errors}<div>{charts}</div><div>{samples_side_by_side(made, real)}</div>"


def _by_name(what_if: WhatIf, t: Catalog) -> dict[str, GANTrainer]:
    return {t(N_("unchanged")): what_if.unchanged, t(N_("changed")): what_if.changed}


def conclusion_page(what_if: WhatIf, metric: str, t: Catalog | None = None) -> str:
    """Return in what both futures differ at their end: one column or figure, and the findings on each.

    Parameters
    ----------
    what_if : WhatIf
    metric : str
        A column of the history, whose difference is also drawn over the iterations, or a figure of `evaluate`.
    t : Catalog, optional

    Raises
    ------
    ValueError
        If there is no such column or figure.
    """
    t = t or catalog()
    difference = what_if.difference(metric)
    trainer = what_if.unchanged
    known = trainer.game.metrics_of(trainer.source.modality).get(metric)
    better = {"lower": t(N_("lower is better")), "higher": t(N_("higher is better"))}
    kind = f" ({better[known.better]})" if known is not None else ""
    name = t(known.label) if known is not None else metric
    sentence = t(
        N_("{metric}{kind}, changed minus unchanged: {interval}."),
        metric=name,
        kind=kind,
        interval=difference.interval.sentence(),
    )
    drawn = (
        overlay(
            t(N_("{metric}, changed minus unchanged"), metric=name),
            {name: (difference.iterations.astype(np.float64), difference.values)},
            t(N_("iteration")),
        )
        if len(difference) > 1
        else ""
    )
    found = {name: future.diagnose() for name, future in _by_name(what_if, t).items()}
    return f"<p>{html.escape(sentence)}</p>{drawn}{findings_of_each(found, t)}"
