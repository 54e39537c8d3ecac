"""The overview of a game: its parts and the data between them, drawn from its declared diagram."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from ganwidgets.games.game import Diagram, Flow, Game
from ganwidgets.messages import Catalog
from ganwidgets.rendering.drawing.phrases import spell_loss
from ganwidgets.rendering.drawing.tones import column_tones, network_tones
from ganwidgets.widgets.browser.style.colors import css
from ganwidgets.widgets.browser.style.shared_style import SharedStyle

if TYPE_CHECKING:
    from ganwidgets.live.frames.game_camera import GameFrame

__all__ = ["DiagramPanel", "columns_of", "drawn"]

NO_TONES: Mapping[str, str] = MappingProxyType({})

WIDTH, HEIGHT, GAP_X, GAP_Y = 132, 38, 46, 20
"""Size of a box and gaps between boxes, in pixels."""

CLEARANCE = 8
"""Pixels between a box and a line that passes it."""


def columns_of(diagram: Diagram) -> dict[str, int]:
    """Return the column of each node: one more than that of its farthest predecessor, ignoring backward arrows.

    Two nodes with arrows both ways are in one column if something else leads to the second one.

    >>> from ganwidgets.games.game import Node
    >>> nodes = tuple(Node(name, name, "network") for name in "abc")
    >>> columns_of(Diagram(nodes, (Flow("a", "b"), Flow("b", "c"), Flow("c", "b"))))
    {'a': 0, 'b': 1, 'c': 2}
    """
    order = {node.name: number for number, node in enumerate(diagram.nodes)}
    forward = [flow for flow in diagram.flows if order[flow.source] < order[flow.target]]
    both_ways = {(flow.target, flow.source) for flow in diagram.flows}
    led_to = {flow.target for flow in forward if (flow.source, flow.target) not in both_ways}
    forward = [
        flow for flow in forward if (flow.source, flow.target) not in both_ways or flow.target not in led_to
    ]
    columns = dict.fromkeys(order, 0)
    for node in diagram.nodes:  # sources come before their targets
        before = [columns[flow.source] + 1 for flow in forward if flow.target == node.name]
        columns[node.name] = max(before, default=0)
    return columns


def drawn(
    diagram: Diagram, catalog: Catalog, numbers: Mapping[str, str], tones: Mapping[str, str] = NO_TONES
) -> str:
    """Return the diagram as SVG.

    Parameters
    ----------
    tones : mapping of str to str
        Tones of nodes that have one, by name; see :mod:`ganwidgets.rendering.drawing.tones`.
    numbers : mapping of str to str
        Text below the label of a node, by its name.
    """
    columns = columns_of(diagram)
    members: dict[int, list[str]] = {}
    for name, column in columns.items():
        members.setdefault(column, []).append(name)
    tallest = max(map(len, members.values()))
    height = tallest * (HEIGHT + GAP_Y) + GAP_Y
    width = len(members) * (WIDTH + GAP_X)
    places = {}
    for column, names in members.items():
        free = height - len(names) * HEIGHT
        for row, name in enumerate(names):
            places[name] = (
                GAP_X / 2 + column * (WIDTH + GAP_X),
                free * (row + 1) / (len(names) + 1) + row * HEIGHT,
            )
    arrows = "".join(_arrow(places, flow) for flow in diagram.flows)
    boxes = "".join(
        f'<g class="gw-node gw-node-{node.kind}"{_stroke(tones.get(node.name))}><rect x="{places[node.name][0]:.0f}" '
        f'y="{places[node.name][1]:.0f}" width="{WIDTH}" height="{HEIGHT}" rx="6"/>'
        f"{_text(places[node.name], catalog(node.label), numbers.get(node.name, ''))}</g>"
        for node in diagram.nodes
    )
    return (
        f'<svg class="gw-diagram-drawing" viewBox="0 0 {width} {height}" role="img" '
        f'style="max-width:{width}px"><defs><marker id="gw-arrow" viewBox="0 0 8 8" refX="7" refY="4" '
        'markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0 0L8 4L0 8z"/></marker></defs>'
        f"{arrows}{boxes}</svg>"
    )


def _stroke(tone: str | None) -> str:
    return "" if tone is None else f' style="--gw-node:{css(tone)}"'


def _text(place: tuple[float, float], label: str, number: str) -> str:
    x, y = place[0] + WIDTH / 2, place[1] + HEIGHT / 2
    if not number:
        return f'<text x="{x:.0f}" y="{y:.0f}">{html.escape(label)}</text>'
    return (
        f'<text x="{x:.0f}" y="{y - 7:.0f}">{html.escape(label)}</text>'
        f'<text class="gw-node-number" x="{x:.0f}" y="{y + 9:.0f}">{html.escape(number)}</text>'
    )


def _curve(x0: float, y0: float, x1: float, y1: float) -> str:
    """Return a curve from one place to another that begins and ends horizontally."""
    middle = (x0 + x1) / 2
    return f"C{middle:.0f} {y0:.0f} {middle:.0f} {y1:.0f} {x1:.0f} {y1:.0f}"


def _lane(tops: Sequence[float], wanted: float) -> float:
    """Return the height nearest to `wanted` at which a line passes boxes with these upper edges.

    Of two that are equally near, it is the one farther from the middle, where more lines pass.
    """
    middle = (min(tops) + max(tops) + HEIGHT) / 2
    ends = [end for top in tops for end in (top - CLEARANCE, top + HEIGHT + CLEARANCE)]
    free = [
        y for y in (wanted, *ends) if not any(top - CLEARANCE < y < top + HEIGHT + CLEARANCE for top in tops)
    ]
    return min(free, key=lambda y: (abs(y - wanted), -abs(y - middle)))


def _arrow(places: Mapping[str, tuple[float, float]], flow: Flow) -> str:
    (x0, y0), (x1, y1) = places[flow.source], places[flow.target]
    y0, y1 = y0 + HEIGHT / 2, y1 + HEIGHT / 2
    if x1 == x0:  # one below the other: down on the left, up on the right
        down = y1 > y0
        x = x0 + WIDTH * (0.35 if down else 0.65)
        edge = HEIGHT / 2 if down else -HEIGHT / 2
        path = f"M{x:.0f} {y0 + edge:.0f}L{x:.0f} {y1 - edge:.0f}"
    elif x1 > x0:
        x0 += WIDTH
        between = [(x, y) for x, y in places.values() if x0 < x < x1]
        path = f"M{x0:.0f} {y0:.0f}"
        if between:
            first, last = min(x for x, _ in between), max(x for x, _ in between) + WIDTH
            lane = _lane([y for _, y in between], (y0 + y1) / 2)
            path += f"{_curve(x0, y0, first, lane)}H{last:.0f}"
            x0, y0 = last, lane
        path += _curve(x0, y0, x1 - 2, y1)
    else:  # back: below the boxes
        low = max(y0, y1) + HEIGHT / 2 + GAP_Y * 0.8
        x0, x1 = x0 + WIDTH * 0.4, x1 + WIDTH * 0.6
        path = (
            f"M{x0:.0f} {y0 + HEIGHT / 2:.0f}C{x0:.0f} {low:.0f} {x1:.0f} {low:.0f} "
            f"{x1:.0f} {y1 + HEIGHT / 2 + 2:.0f}"
        )
    return f'<path class="gw-flow" d="{path}" marker-end="url(#gw-arrow)"/>'


class DiagramPanel:
    """The diagram of a game, with the latest losses in their boxes.

    Parameters
    ----------
    catalog : Catalog
        The reader's language.
    game : Game
        A game without a diagram shows nothing.
    look : SharedStyle
        Layout and styles shared with the rest of one widget.
    """

    name = "graph"
    interval = 0.5

    def __init__(self, catalog: Catalog, game: Game, look: SharedStyle) -> None:
        self._catalog, self._diagram = catalog, game.diagram
        roles = {e.name: e.role for e in game.exhibits if e.role is not None}
        self._tones = {**column_tones(game), **roles, **network_tones(game)}
        first = "" if game.diagram is None else drawn(game.diagram, catalog, {}, self._tones)
        self._drawing = look.html(first)
        self.widget = look.box([self._drawing], "gw-diagram")

    def draw(self, frame: GameFrame) -> None:
        """Show the losses of `frame` in their boxes."""
        if self._diagram is None:
            return
        numbers = {node.name: frame.record.get(node.name) for node in self._diagram.nodes}
        losses = {name: spell_loss(value) for name, value in numbers.items() if value is not None}
        self._drawing.value = drawn(self._diagram, self._catalog, losses, self._tones)
