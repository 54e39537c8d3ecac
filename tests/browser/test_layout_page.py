"""The projector layout at two screen sizes, keys of the presentation, and panels arranged by the user, on a page."""

from __future__ import annotations

import os
from pathlib import Path

from playwright.sync_api import Locator, expect

from notebook_page import NotebookPage
from trainer_view import MEASURED, SMALL

PROJECTOR = (
    f"import ganwidgets as gw; w = gw.GANTrainerWidget('ring8', layout_preset='projector', {SMALL}); w"
)

# True if the points are drawn in the colours of the dark theme.
PAINTED = """() => {
  const canvas = document.querySelector('canvas.gw-points');
  if (!canvas.width) return false;
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  for (let at = 0; at < data.length; at += 4) {
    const near = (channel, value) => Math.abs(data[at + channel] - value) < 20;
    if (near(0, 0) && near(1, 148) && near(2, 231) && data[at + 3] > 100) return true;
  }
  return false;
}"""


def test_the_projectors_layout_fits_and_its_keys_steer(lab: NotebookPage):
    lab.finish(lab.start(PROJECTOR))
    page, root = lab.page, lab.page.locator(".gw-root").first
    root.locator(".gw-points").wait_for()
    for width, height in ((1280, 720), (1024, 768)):
        page.set_viewport_size({"width": width, "height": height})
        root.evaluate("root => root.scrollIntoView()")
        page.wait_for_function("width => innerWidth === width", arg=width)
        found = root.evaluate(MEASURED)
        assert found["bottom"] <= height - 24, "above JupyterLab's status line"
        assert (found["wide"], found["small"], found["tick"]) == ([], [], "18px")
    charted(lab, root)
    root.get_by_role("button", name="Full screen").click()
    page.wait_for_function("document.fullscreenElement?.classList.contains('gw-root')")
    found = root.evaluate(MEASURED)
    assert found["bottom"] <= 768
    assert found["right"] <= 1024
    if folder := os.environ.get("GANWIDGETS_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / "presentation.png")
    for key in ("ArrowRight", "PageDown"):  # a clicker sends the second
        page.keyboard.press(key)
    lab.wait_until("w.iteration == 2")
    page.keyboard.press("ArrowLeft")
    lab.wait_until("w.iteration == 1")
    turn_pages_in_full_screen(root)
    assert lab.value_of("w.iteration") == 1, "the arrow keys turned the pages of the tour"
    page.keyboard.press("ArrowRight")
    lab.wait_until("w.iteration == 2")
    page.keyboard.press("f")
    page.wait_for_function("document.fullscreenElement === null")
    toured(root)
    root.get_by_role("button", name="Show, hide, move and size").click()
    rows = root.locator(".gw-layout-list li")
    rows.filter(has_text="Losses").get_by_role("checkbox").uncheck()
    root.locator(".gw-curves").wait_for(state="detached")
    assert "curves" not in lab.value_of("list(w.panels)")
    rows.filter(has_text="Status").get_by_role("button", name="larger").click()
    root.locator(".gw-part-status.gw-sized").wait_for()
    assert lab.value_of("list(w.panel_sizes)") == ["status"]
    lab.theme("Dark")  # JupyterLab hides everything briefly
    page.wait_for_function(PAINTED)


def turn_pages_in_full_screen(root: Locator) -> None:
    """Turn the pages of the guided tour by arrow keys, with the focus in its card or on no element."""
    page = root.page
    root.get_by_role("button", name="Guided tour").click()
    card = root.get_by_role("dialog", name="Guided tour")
    page.keyboard.press("ArrowRight")
    expect(card).to_contain_text("2 of 5")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("ArrowRight")
    expect(card).to_contain_text("3 of 5")
    page.keyboard.press("ArrowLeft")
    expect(card).to_contain_text("2 of 5")
    card.get_by_role("button", name="End the tour").click()


def charted(lab: NotebookPage, root: Locator) -> None:
    """Choose a logarithmic axis and another curve; the widget still fits the screen."""
    chart = root.locator(".gw-curves")
    chart.get_by_role("button", name="Logarithmic axis").click()
    lab.wait_until("w.chart_scales == {'curves': 'log'}")
    chart.locator("summary").click()
    chart.get_by_role("checkbox", name="D's accuracy on real").check()
    lab.wait_until("w.chart_curves == {'curves': ('loss_d', 'loss_g', 'accuracy_real')}")
    chart.get_by_text("D's accuracy on real").first.wait_for()
    if folder := os.environ.get("GANWIDGETS_SCREENSHOTS"):
        lab.page.screenshot(path=Path(folder) / "chart_menu.png")
    chart.locator("summary").press("Escape")
    ticks = [each for each in chart.locator(".bqplot .tick text").all_text_contents() if each]
    assert len(ticks) >= 2
    assert root.evaluate(MEASURED)["bottom"] <= 768 - 24


def test_a_widget_is_kept_in_view_while_the_notebook_scrolls(lab: NotebookPage):
    lab.finish(lab.start(f"import ganwidgets as gw; w = gw.GANTrainerWidget('ring8', {SMALL}); w"))
    page, root = lab.page, lab.page.locator(".gw-root").first
    page.set_viewport_size({"width": 1000, "height": 800})
    root.locator(".gw-points").wait_for()
    root.get_by_role("button", name="Keep in view").click()
    page.wait_for_function("document.querySelector('.gw-root').matches(':popover-open')")
    lab.finish(lab.start("print('\\n' * 400)"))
    last = lab.cell(lab.start("w.step(3); print('far below')"))
    last.scroll_into_view_if_needed()
    lab.wait_until("w.iteration == 3")
    page.wait_for_function("document.querySelector('.gw-status').textContent.includes('3')")
    box = root.bounding_box()
    assert box["y"] >= 0
    assert box["x"] + box["width"] <= 1000
    assert box["y"] + box["height"] <= 800, "in sight, far below its cell"
    assert root.locator(".gw-points").is_visible()
    assert root.locator(".gw-timeline").is_hidden()
    for theme in ("Light", "Dark"):
        lab.theme(theme)
        page.wait_for_function("document.querySelector('.gw-root').matches(':popover-open')")
        if folder := os.environ.get("GANWIDGETS_SCREENSHOTS"):
            page.wait_for_timeout(1500)
            page.screenshot(path=Path(folder) / f"kept_in_view_{theme}.png")
    root.get_by_role("button", name="Put the widget back").click()
    page.wait_for_function("!document.querySelector('.gw-root').matches(':popover-open')")
    assert root.evaluate("root => getComputedStyle(root).borderStyle") == "none", "as it was"


def toured(root: Locator) -> None:
    """Take the guided tour of a one-screen layout by keys alone; it visits only the visible parts."""
    page, start = root.page, root.get_by_role("button", name="Guided tour")
    start.press("Enter")
    card = root.get_by_role("dialog", name="Guided tour")
    assert "1 of 5" in card.inner_text()
    page.keyboard.press("ArrowRight")
    assert root.locator(".gw-toured").evaluate("each => each.classList.contains('gw-status')")
    page.keyboard.press("ArrowLeft")
    for _ in range(5):
        inside = card.evaluate(
            "({ offsetWidth, ownerDocument }) => offsetWidth > 0 && ownerDocument.activeElement.closest('.gw-tour') !== null"
        )
        assert inside, "the focus is in the card"
        page.keyboard.press("Enter")
    assert card.count() == root.locator(".gw-toured").count() == 0
    start.press("Enter")
    page.keyboard.press("Escape")
    assert start.evaluate("each => each === document.activeElement")
