"""The branches of a run as a small tree: a line for each, a mark for each change, and the current place.

It is HTML, positioned in percent of its width, so that it matches the slider above it at any page width.
Clickable elements have ``data-gw-go``; the heartbeat's script sends their clicks to the kernel.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from ganwidgets.messages import Catalog, N_
from ganwidgets.rendering.drawing.axis_ticks import nice_ticks
from ganwidgets.rendering.drawing.phrases import described, spell_count

if TYPE_CHECKING:
    from ganwidgets.runs.record.interventions import Intervention
    from ganwidgets.runs.timeline.branch_view import BranchView, TimelineView

__all__ = ["LIMBS", "MARKS", "scale_of", "tree"]

LIMBS = 12
"""Maximum number of displayed branches: those that led to the current state, and the latest ones."""

MARKS = 200
"""Maximum number of displayed marks, the latest ones."""

ROW = 24
"""Height of each branch, in pixels."""

SHORTEST = 100
"""Minimum number of iterations on the scale."""


def scale_of(last: int) -> int:
    """Return a round number of iterations of at least `last`, which changes rarely during training.

    >>> scale_of(30), scale_of(430), scale_of(1234)
    (100, 500, 1500)
    """
    least = max(last, SHORTEST)
    unit = 10 ** math.floor(math.log10(least))
    return next(int(unit * part) for part in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if unit * part >= least)


def tree(past: TimelineView, catalog: Catalog) -> str:
    """Return the tree as HTML; user input in it is escaped.

    Parameters
    ----------
    past : TimelineView
    catalog : Catalog
        The reader's language.
    """
    scale = scale_of(past.last)

    def across(iteration: int) -> str:
        return f"{100 * iteration / scale:.2f}%"

    branches = _shown(past)
    rows = {branch_view.id: row for row, branch_view in enumerate(branches)}
    parts = [
        f'<b class="gw-tree-tick" style="left:{across(int(value))}">{spell_count(int(value))}</b>'
        for value in nice_ticks(0, scale, 6)
    ]
    for branch_view in branches:
        parts += _limb(past, branch_view, rows, across, catalog)
    parts += _unlocked(past, rows, across, catalog)
    parts += _marks(past, rows, across, catalog)
    here = rows[past.branch] * ROW
    parts.append(f'<i class="gw-here" style="left:{across(past.iteration)};top:{here}px"></i>')
    height = len(branches) * ROW
    return f'<div class="gw-tree" style="height:{height + 18}px">{"".join(parts)}</div>'


def _shown(past: TimelineView) -> list[BranchView]:
    """Return the displayed branches in order of creation; those that led to the current state have priority."""
    led = [branch_view for branch_view in past.branches if branch_view.id in past.lineage][-LIMBS:]
    others = [branch_view for branch_view in past.branches if branch_view.id not in past.lineage]
    room = LIMBS - len(led)
    return sorted(
        [*led, *others[len(others) - min(room, len(others)) :]], key=lambda branch_view: branch_view.id
    )


def _limb(
    past: TimelineView,
    branch_view: BranchView,
    rows: dict[int, int],
    across: Callable[[int], str],
    catalog: Catalog,
) -> list[str]:
    top = rows[branch_view.id] * ROW
    current = branch_view.id == past.branch
    name = html.escape(branch_view.name)
    tone = "gw-current" if current else f"gw-tone-{branch_view.id % 4}"
    wide = across(branch_view.last - branch_view.first)
    place = f"left:{across(branch_view.first)};top:{top}px"
    title = html.escape(
        catalog(
            N_("{name}, iterations {first} to {last}. Click to switch to it."),
            name=branch_view.name,
            first=spell_count(branch_view.first),
            last=spell_count(branch_view.last),
        )
    )
    parts = []
    if branch_view.parent in rows:
        above = rows[branch_view.parent] * ROW
        parts.append(
            f'<i class="gw-stem {tone}" style="left:{across(branch_view.first)};top:{above + 16}px;height:{top - above}px"></i>'
        )
    go = html.escape(f"switch:{branch_view.name}")
    parts.append(
        f'<button class="gw-limb {tone}" style="{place};width:{wide}" data-gw-go="{go}" title="{title}" '
        f'aria-label="{title}"></button>'
    )
    # Names near the right edge grow to the left.
    right = branch_view.first > 0.8 * scale_of(past.last)
    parts.append(f'<span class="gw-limb-name{" gw-left" if right else ""}" style="{place}">{name}</span>')
    return parts


def _unlocked(
    past: TimelineView, rows: dict[int, int], across: Callable[[int], str], catalog: Catalog
) -> list[str]:
    """Return a label for each resolution that joined before the present, on its branch."""
    led = [past.branches[branch] for branch in sorted(past.lineage) if branch in rows]
    parts = []
    for iteration, side in past.unlocked:
        begun = [view for view in led if view.first <= iteration] or led[:1]
        tooltip = html.escape(
            catalog(
                N_("{side}x{side} takes part from iteration {iteration} on"), side=side, iteration=iteration
            )
        )
        parts.append(
            f'<span class="gw-unlocked" style="left:{across(iteration)};top:{rows[begun[-1].id] * ROW}px" '
            f'title="{tooltip}">{side}\N{SUPERSCRIPT TWO}</span>'
        )
    return parts


def _marks(
    past: TimelineView, rows: dict[int, int], across: Callable[[int], str], catalog: Catalog
) -> list[str]:
    places: dict[tuple[int, int], list[Intervention]] = {}
    for record in past.interventions[-MARKS:]:
        if record.branch in rows:
            places.setdefault((record.branch, record.iteration), []).append(record)
    parts = []
    for (branch, iteration), records in places.items():
        lines = [described(record, catalog, past.definitions) for record in records]
        lines.append(catalog(N_("Click: go back to just before.")))
        title = html.escape("\n".join(lines))
        parts.append(
            f'<button class="gw-mark" style="left:{across(iteration)};top:{rows[branch] * ROW}px" '
            f'data-gw-go="undo:{records[0].seq}" title="{title}" aria-label="{title}"></button>'
        )
    return parts
