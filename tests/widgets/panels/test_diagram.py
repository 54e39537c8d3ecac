"""The diagram of a game: arrows avoid the boxes between their ends, and each loss is shown once."""

from __future__ import annotations

import re

import numpy as np
import pytest

import ganwidgets as gw
from ganwidgets.games import GAMES
from ganwidgets.widgets.panels.exhibits.diagram import HEIGHT, WIDTH, drawn

DRAWN = [name for name, game in GAMES.items() if game.diagram is not None]


@pytest.mark.parametrize("name", DRAWN)
def test_no_arrow_crosses_a_box(name, english):
    svg = drawn(GAMES[name].diagram, english, {})
    boxes = [(float(x), float(y)) for x, y in re.findall(r'<rect x="(\d+)" y="(\d+)"', svg)]
    assert boxes
    for path in re.findall(r'class="gw-flow" d="([^"]+)"', svg):
        for x0, y, x1 in re.findall(r"([\d.]+) ([\d.]+)H([\d.]+)", path):
            crossed = [
                (left, top)
                for left, top in boxes
                if left < float(x1) and left + WIDTH > float(x0) and top <= float(y) <= top + HEIGHT
            ]
            assert not crossed, path
        if "H" not in path:
            numbers = [float(number) for number in re.findall(r"-?[\d.]+", path)]
            x0, x1 = numbers[0], numbers[-2]
            assert not any(x0 < left < left + WIDTH < x1 for left, _ in boxes), path


def test_a_loss_in_the_diagram_is_marked_in_the_status_line():
    images = np.random.default_rng(0).random((12, 1, 8, 8), dtype=np.float32)
    w = gw.GANTrainerWidget((images, images), game="pix2pix", channels=4, batch_size=4, locale="fr")
    w.step(1)
    w.wait(timeout=60)
    line, diagram = w._dashboard.status._line.value, w._dashboard.graph._drawing.value
    entries = re.findall(r'gw-mark-([dg]) gw-in-overview"><span class="gw-cell-label">([^<]+)</span> ', line)
    assert [mark for mark, _ in entries] == ["d", "g"]
    assert all(label.startswith("perte de ") for _, label in entries)
    for value in re.findall(r'gw-in-overview".*?gw-cell-value">([^<]+)<', line):
        assert '<text class="gw-node-number"' in diagram
        assert f">{value}</text>" in diagram
    w.close()
