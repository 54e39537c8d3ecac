"""The presets that fit one screen, measured in a page."""

from __future__ import annotations

import pytest

from notebook_page import NotebookPage
from trainer_view import SMALL, show

SOURCE = (
    f"import ganwidgets as gw; w = gw.GANTrainerWidget('gaussians', layout_preset='projector', {SMALL}); w"
)

LEAST_FONT = """root => Math.min(...[...root.querySelectorAll('*')]
  .filter(e => e.checkVisibility({visibilityProperty: true})
    && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())
    && !e.closest('style, script, .gw-heartbeat'))
  .map(e => parseFloat(getComputedStyle(e).fontSize)))"""

PARTS = ("gw-play", "gw-step", "gw-status", "gw-plane", "gw-curves", "gw-lr_d", "gw-batch_size")


@pytest.mark.parametrize("size", [(1280, 720), (1024, 768)])
def test_everything_is_on_one_screen(lab: NotebookPage, size):
    lab.page.set_viewport_size({"width": size[0], "height": size[1]})
    view = show(lab, SOURCE)
    lab.execute("w.play(until=60); w.wait()")
    for preset in ("compact", "projector"):
        lab.execute(f"w.layout_preset = {preset!r}")
        view.root.locator(".gw-curves").wait_for()
        tops, bottoms = [], []
        for part in PARTS:
            box = view.root.locator(f".{part}").first.bounding_box()
            tops.append(box["y"])
            bottoms.append(box["y"] + box["height"])
        assert max(bottoms) - min(tops) <= size[1] - 130, preset
    assert view.root.evaluate(LEAST_FONT) >= 18
