"""Static HTML of a what-if: overlaid losses, and samples side by side."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ganwidgets.messages import Catalog, N_, catalog
from ganwidgets.rendering.overlay import PALETTE, overlay
from ganwidgets.rendering.side_by_side import samples_side_by_side

if TYPE_CHECKING:
    from ganwidgets.trainer.what_if import WhatIf

__all__ = ["futures_page"]

SHOWN: Mapping[str, int] = {"points": 300, "images": 25}
"""Number of samples of each future."""


def futures_page(what_if: WhatIf, t: Catalog | None = None) -> str:
    """Return HTML of both futures up to their current iterations."""
    t = t or catalog()
    futures = {t(N_("unchanged")): what_if.unchanged, t(N_("changed")): what_if.changed}
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
        name: samples.numpy()
        for name, future in futures.items()
        if (samples := future._samples_of_the_run(SHOWN[future.source.kind])) is not None
    }
    real = what_if.unchanged.real(SHOWN["points"], seed=0).numpy()
    key = "".join(
        f'<span style="margin-right:16px"><span style="color:{PALETTE[place]}">&#9644;</span> {html.escape(name)}</span>'
        for place, name in enumerate(futures)
    )
    errors = "".join(f"<p>{html.escape(t.error(error))}</p>" for error in what_if.errors.values())
    return f"<div>{key}</div>{errors}<div>{charts}</div><div>{samples_side_by_side(made, real)}</div>"
