"""Static HTML of an explanation."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import numpy as np

from ganwidgets.messages import Catalog, N_, catalog
from ganwidgets.rendering.drawing.colors import GENERATED, REAL
from ganwidgets.rendering.drawing.phrases import spell_count
from ganwidgets.rendering.pictures.overlay import PALETTE, legend, overlay
from ganwidgets.rendering.pictures.side_by_side import samples_side_by_side

if TYPE_CHECKING:
    from ganwidgets.explanation.explanation import Counterfactual, Explanation

__all__ = ["explanation_page"]

SHOWN = 64
"""Number of real samples shown."""


def explanation_page(why: Explanation, t: Catalog | None = None) -> str:
    """Return the sentences, the gradients by layer, the samples, and the counterfactual losses."""
    t = t or catalog()
    title = t(N_("Iteration {count}"), count=spell_count(why.iteration))
    items = "".join(f"<li>{html.escape(t(sentence))}</li>" for sentence in why.sentences())
    costly = why.costliest()
    samples = [
        (t(N_("real batch")), why.real, REAL),
        (t(N_("costliest real")), costly.get("real"), REAL),
        (t(N_("costliest generated")), costly.get("generated"), GENERATED),
    ]
    shown = {
        name: why.modality.picture(each[:SHOWN].numpy()) for name, each, _ in samples if each is not None
    }
    colors = {name: color for name, _, color in samples}
    others = [why.without_batch, *([] if why.without_intervention is None else [why.without_intervention])]
    return (
        f"<div><b>{html.escape(title)}</b><ul>{items}</ul>"
        f"<div>{samples_side_by_side(shown, colors=colors)}</div>{_gradients(why, t)}"
        f"<div>{''.join(_counterfactual(other, list(why.losses)[-1], t) for other in others)}</div></div>"
    )


def _gradients(why: Explanation, t: Catalog) -> str:
    """Return a bar for each layer, on one logarithmic axis: its usual range, and a mark at its norm."""
    norms = [
        value for each in why.layers for value in (each.norm, *each.usual) if np.isfinite(value) and value > 0
    ]
    if not norms:
        return ""
    low, high = np.log10(min(norms)), np.log10(max(norms))
    span = max(high - low, 1e-9)

    def x(value: float) -> float:
        return 4 + float((np.log10(max(value, 1e-30)) - low) / span) * 190

    rows = []
    for each in why.layers:
        known = np.isfinite(each.usual[0])
        first, last = (x(end) if end > 0 else 4 for end in each.usual)
        usually = f"{each.usual[0]:.3g} - {each.usual[1]:.3g}" if known else ""
        bar = (
            f'<line x1="{first:.1f}" x2="{max(last, first + 1):.1f}" y1="7" y2="7" stroke="currentColor" '
            f'stroke-opacity="0.35" stroke-width="6"/>'
        )
        color = PALETTE[1] if each.unusual else PALETTE[2]
        rows.append(
            f"<tr><td>{html.escape(each.network)}</td><td>{html.escape(each.layer)}</td>"
            f'<td><svg width="200" height="14">{bar if known else ""}<line x1="{x(each.norm):.1f}" '
            f'x2="{x(each.norm):.1f}" y1="0" y2="14" stroke="{color}" stroke-width="3"/></svg></td>'
            f"<td>{each.norm:.3g}</td><td>{usually}</td>"
            f"<td>{html.escape(t(N_('unusual'))) if each.unusual else ''}</td></tr>"
        )
    head = "".join(
        f"<th>{html.escape(t(text))}</th>"
        for text in (
            N_("network"),
            N_("layer"),
            N_("gradient norm, logarithmic"),
            N_("now"),
            N_("usually"),
            "",
        )
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _counterfactual(other: Counterfactual, loss: str, t: Catalog) -> str:
    places = other.iterations.astype(np.float64)
    title = t(
        N_("loss of {player} without {what}"), player=loss.removeprefix("loss_").upper(), what=other.without
    )
    curves = {
        t(N_("as it was")): (places, other.actual[loss]),
        t(N_("without it")): (places, other.otherwise[loss]),
    }
    return f"<div>{overlay(title, curves, t(N_('iteration')))}<div>{legend(curves)}</div></div>"
