"""Static HTML of a comparison: a table of differences, and the losses."""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING, Any

from ganwidgets.messages import Catalog, N_, catalog
from ganwidgets.rendering.drawing.phrases import spell_count
from ganwidgets.rendering.pictures.overlay import DASHES, PALETTE, overlay

if TYPE_CHECKING:
    from ganwidgets.comparison.comparison import Comparison

__all__ = ["overview", "spelled"]

LOSS = "loss_"
"""Prefix of each player's loss column."""

MOST = 40
"""Maximum number of runs in the static table; the widget shows all."""


def overview(comparison: Comparison, t: Catalog | None = None) -> str:
    """Return a table of differences, and an overlay of each loss."""
    t = t or catalog()
    runs = dict(list(comparison.runs.items())[:MOST])
    frame = comparison.to_frame().loc[list(runs)]
    names = ["iteration", *(name for name in comparison.settings().columns)]
    losses = list(
        dict.fromkeys(name for record in runs.values() for name in record.columns if name.startswith(LOSS))
    )
    names += [name for name in losses if name not in names]
    head = "".join(f"<th>{html.escape(name)}</th>" for name in ["", t(N_("run")), *names])
    rows = "".join(
        f"<tr><td>{_swatch(number)}</td><td>{html.escape(name)}</td>"
        + "".join(
            f'<td style="overflow-wrap:anywhere">{html.escape(spelled(frame[each][name]))}</td>'
            for each in names
        )
        + "</tr>"
        for number, name in enumerate(runs)
    )
    curves = "".join(
        overlay(
            t(N_("loss of {player}"), player=column.removeprefix(LOSS).upper()),
            {
                name: (record.progress("iteration"), record.column(column))
                for name, record in runs.items()
                if column in record.columns
            },
            t(N_("iteration")),
        )
        for column in losses
    )
    return (
        f'<div class="gw-comparison-static"><div>{curves}</div>'
        f'<div style="overflow-x:auto"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></div>'
    )


def _swatch(number: int) -> str:
    color = PALETTE[number % len(PALETTE)]
    dash = DASHES[number // len(PALETTE) % len(DASHES)]
    return (
        f'<svg width="24" height="8" aria-hidden="true"><line x2="24" y1="4" y2="4" stroke="{color}" stroke-width="2.5" '
        f'stroke-dasharray="{dash}"/></svg>'
    )


def spelled(value: Any) -> str:
    """Return a cell of the table as text.

    >>> spelled(None), spelled(0.0002), spelled(10000).split(), spelled((16, 16))
    ('', '0.0002', ['10', '000'], '16, 16')
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    number = float(value)
    return spell_count(int(number)) if number.is_integer() and abs(number) >= 1 else f"{number:.4g}"
