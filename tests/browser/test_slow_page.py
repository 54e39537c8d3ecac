"""A page on a slow processor: every part of a widget still receives the kernel's messages."""

from __future__ import annotations

from playwright.sync_api import expect

from trainer_view import show

SLOWER = 6
"""How many times slower than this processor the page computes; from 6 on, anywidget's 2 s were too short."""

CODE = """
import ganwidgets as gw
w = gw.GANTrainerWidget("ring8", g_hidden=(8,), d_hidden=(8,), locale="en")
w
"""


def test_scripts_of_all_parts_load_before_anywidget_gives_up(own_lab):
    """A model whose script came too late handles no message; the fixture fails for anywidget's error, too."""
    page = own_lab.page
    throttle = page.context.new_cdp_session(page)
    throttle.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    view = show(own_lab, CODE)
    own_lab.execute("w.chart_scales = {'curves': 'log', 'metrics': 'log'}; w.step(3); w.wait()")
    for chart in ("curves", "metrics"):
        expect(view.panel(chart).locator(".gw-chart-log")).to_have_attribute("aria-pressed", "true")
        expect(view.panel(chart).locator(".bqplot.figure")).to_have_count(1)
    own_lab.wait_until("w._pacer.watched")
    expect(view.panel("status")).to_contain_text("iteration 3")
