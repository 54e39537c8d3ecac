"""The branches of a run as a small tree: a line for each, a mark for each change, and where the run stands.

It is HTML placed in percent of its width, so that it lies exactly under the slider with which one
travels, whatever the page's width. What can be clicked carries ``data-gw-go``; the heartbeat's script
tells the kernel of it.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from ganwidgets.messages import Catalog, N_
from ganwidgets.rendering.axis_ticks import nice_ticks
from ganwidgets.rendering.phrases import described, spell_count

if TYPE_CHECKING:
    from ganwidgets.runs.record.interventions import Intervention
    from ganwidgets.runs.timeline.branch_view import Limb, Past

__all__ = ["LIMBS", "MARKS", "scale_of", "tree"]

LIMBS = 12
"""Branches shown at most: those that led here, and the newest ones."""

MARKS = 200
"""Marks shown at most, the newest ones."""

ROW = 24
"""Pixels of height for each branch."""

SHORTEST = 100
"""Iterations that fit in any case."""


def scale_of(last: int) -> int:
    """Return a round number of iterations that holds `last`, and stays the same while a run goes on a little.

    >>> scale_of(30), scale_of(430), scale_of(1234)
    (100, 500, 1500)
    """
    least = max(last, SHORTEST)
    unit = 10 ** math.floor(math.log10(least))
    return next(int(unit * part) for part in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if unit * part >= least)


def tree(past: Past, catalog: Catalog) -> str:
    """Return the tree as HTML; everything in it that people supplied is escaped.

    Parameters
    ----------
    past : Past
    catalog : Catalog
        The reader's language.
    """
    scale = scale_of(past.last)

    def across(iteration: int) -> str:
        return f"{100 * iteration / scale:.2f}%"

    limbs = _shown(past)
    rows = {limb.id: row for row, limb in enumerate(limbs)}
    parts = [
        f'<b class="gw-tree-tick" style="left:{across(int(value))}">{spell_count(int(value))}</b>'
        for value in nice_ticks(0, scale, 6)
    ]
    for limb in limbs:
        parts += _limb(past, limb, rows, across, catalog)
    parts += _marks(past, rows, across, catalog)
    here = rows[past.branch] * ROW
    parts.append(f'<i class="gw-here" style="left:{across(past.iteration)};top:{here}px"></i>')
    height = len(limbs) * ROW
    return f'<div class="gw-tree" style="height:{height + 18}px">{"".join(parts)}</div>'


def _shown(past: Past) -> list[Limb]:
    """Return the branches that have room, those that led here first of all, in order of creation."""
    led = [limb for limb in past.limbs if limb.id in past.lineage][-LIMBS:]
    others = [limb for limb in past.limbs if limb.id not in past.lineage]
    room = LIMBS - len(led)
    return sorted([*led, *others[len(others) - min(room, len(others)) :]], key=lambda limb: limb.id)


def _limb(
    past: Past, limb: Limb, rows: dict[int, int], across: Callable[[int], str], catalog: Catalog
) -> list[str]:
    top = rows[limb.id] * ROW
    current = limb.id == past.branch
    name = html.escape(limb.name)
    tone = "gw-current" if current else f"gw-tone-{limb.id % 4}"
    wide = across(limb.last - limb.first)
    place = f"left:{across(limb.first)};top:{top}px"
    title = html.escape(
        catalog(
            N_("{name}, iterations {first} to {last}. Click: stand where it was left."),
            name=limb.name,
            first=spell_count(limb.first),
            last=spell_count(limb.last),
        )
    )
    parts = []
    if limb.parent in rows:
        above = rows[limb.parent] * ROW
        parts.append(
            f'<i class="gw-stem {tone}" style="left:{across(limb.first)};top:{above + 16}px;height:{top - above}px"></i>'
        )
    go = html.escape(f"switch:{limb.name}")
    parts.append(
        f'<button class="gw-limb {tone}" style="{place};width:{wide}" data-gw-go="{go}" title="{title}" '
        f'aria-label="{title}"></button>'
    )
    # Names near the right edge grow to the left.
    right = limb.first > 0.8 * scale_of(past.last)
    parts.append(f'<span class="gw-limb-name{" gw-left" if right else ""}" style="{place}">{name}</span>')
    return parts


def _marks(past: Past, rows: dict[int, int], across: Callable[[int], str], catalog: Catalog) -> list[str]:
    places: dict[tuple[int, int], list[Intervention]] = {}
    for record in past.interventions[-MARKS:]:
        if record.branch in rows:
            places.setdefault((record.branch, record.iteration), []).append(record)
    parts = []
    for (branch, iteration), records in places.items():
        said = [described(record, catalog) for record in records]
        said.append(catalog(N_("Click: go back to just before.")))
        title = html.escape("\n".join(said))
        parts.append(
            f'<button class="gw-mark" style="left:{across(iteration)};top:{rows[branch] * ROW}px" '
            f'data-gw-go="undo:{records[0].seq}" title="{title}" aria-label="{title}"></button>'
        )
    return parts
