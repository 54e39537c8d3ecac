"""Hidden widgets: in a closed tab of the notebook, behind another notebook, in a background tab of the browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from notebook_page import NotebookPage
from trainer_view import SMALL, TrainerView, show

IN_TAB = f"""
import ganwidgets as gw, ipywidgets
w = gw.GANTrainerWidget('ring8', {SMALL})
w.step(40); w.wait()
ipywidgets.Tab([ipywidgets.HTML('nothing yet'), ipywidgets.VBox([w])], titles=['first', 'second'])
"""

HIDDEN = f"""
import ganwidgets as gw, ipywidgets
w = gw.GANTrainerWidget('ring8', {SMALL})
w.step(40); w.wait()
box = ipywidgets.VBox([w], layout=dict(display='none')); box
"""

DRAWN = """figures => figures.length === 2 && figures.every(figure =>
    getComputedStyle(figure).visibility === 'visible'
    && figure.querySelector('.plotarea_background')?.getAttribute('width') > 100)"""
"""True if both charts are on the page, visible and not empty, even outside the viewport."""


def wait_until_drawn(root: Locator) -> None:
    root.page.wait_for_function(
        f"root => ({DRAWN})([...root.querySelectorAll('.bqplot.figure')])", arg=root.element_handle()
    )


def check_curves(view: TrainerView) -> None:
    """Check that the curve of D's loss is drawn in the middle of the chart."""
    path = view.panel("curves").locator("path.line").last
    expect(path).to_be_visible()
    assert path.evaluate("path => path.getBoundingClientRect().width") > 100


@pytest.mark.parametrize("how", ["tab", "display"])
def test_charts_are_drawn_once_their_tab_is_opened(lab: NotebookPage, page_errors, how):
    index = lab.start(IN_TAB if how == "tab" else HIDDEN)
    lab.finish(index)
    view = TrainerView(lab.cell(index))
    view.panel("curves").first.wait_for(state="attached")
    # The picture is drawn as soon as it is on the page, even if hidden, and later than the charts would be.
    view.panel("plane").locator("canvas").first.wait_for(state="attached")
    assert view.root.locator(".bqplot.figure").count() == 0
    if how == "tab":
        lab.page.get_by_role("tab", name="second").click()
    else:
        lab.execute("box.layout.display = ''")
    wait_until_drawn(view.root)
    check_curves(view)
    assert page_errors.console_errors == []


def test_charts_are_updated_while_their_tab_is_closed(lab: NotebookPage, page_errors):
    index = lab.start(IN_TAB)
    lab.finish(index)
    view = TrainerView(lab.cell(index))
    first, second = (lab.page.get_by_role("tab", name=name) for name in ("first", "second"))
    second.click()
    wait_until_drawn(view.root)
    first.click()
    expect(view.panel("curves").first).to_be_hidden()
    lab.execute("w.step(20); w.wait()")
    second.click()
    view.panel("curves").first.scroll_into_view_if_needed()
    wait_until_drawn(view.root)
    check_curves(view)
    assert page_errors.console_errors == []


def test_a_hidden_tab_receives_almost_no_messages(own_lab: NotebookPage):
    lab, view = own_lab, show(own_lab)
    view.button("play").click()
    view.wait_for_repaint("plane")

    def messages_in_three_seconds() -> int:
        lab.execute("import time; since = time.monotonic()")
        before = lab.comm_messages
        lab.wait_until("time.monotonic() > since + 3")
        return lab.comm_messages - before

    visible = messages_in_three_seconds()
    # As in a background tab of a browser: animation frames never come.
    lab.page.evaluate("window.requestAnimationFrame = () => 0")
    # Frames to a page that does not reply (leases) become rarer.
    for _ in range(3):
        messages_in_three_seconds()
    hidden = messages_in_three_seconds()
    seen = lab.value_of("w.iteration")
    lab.wait_until(f"w.iteration > {seen}")
    assert hidden < visible / 4
