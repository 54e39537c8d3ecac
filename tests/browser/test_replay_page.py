"""The page of a recorded run, opened from a file: scrubbed, played, and drawn in both themes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

import ganwidgets as gw
from ganwidgets.messages import catalog
from ganwidgets.widgets.replay.recording import recorded, replay_page

NASTY = "</script><script>window.nasty = true</script>"

# Number of pixels of an element's canvases that are drawn.
DRAWN = """selector => [...document.querySelectorAll(selector)].map(canvas => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return data.filter((value, at) => at % 4 === 3 && value > 0).length;
}).reduce((sum, each) => sum + each, 0)"""

PIXELS = "() => document.querySelector('canvas.gw-points').toDataURL()"


@pytest.mark.parametrize("data", ["ring8", "digits"])
def test_a_recorded_run_is_scrubbed_from_the_disk(chromium: Browser, tmp_path: Path, data: str) -> None:
    widget = gw.GANTrainerWidget(data, g_hidden=(8,), d_hidden=(8,), batch_size=16, latent_dim=4, seed=0)
    recording = recorded(widget, [0, 5, 40])
    widget.close()
    assert len(recording["frames"]) == 3
    file = tmp_path / "demo.html"
    file.write_bytes(replay_page(recording, NASTY, catalog("fr")))
    context = chromium.new_context(color_scheme="dark", viewport={"width": 1024, "height": 768})
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    try:
        page.goto(file.as_uri())
        page.locator("html[data-ready=yes]").wait_for(state="attached")
        caption, slider = page.locator("output"), page.get_by_role("slider", name="Moment").first
        expect(caption).to_have_text("itération 0")
        slider.press("End")
        expect(caption).to_have_text("itération 40")
        page.wait_for_function(f"({DRAWN})('.gw-class-curves') > 100")
        if data == "ring8":
            page.wait_for_function(f"({DRAWN})('canvas.gw-points') > 100")
            last = page.evaluate(PIXELS)
            slider.press("ArrowLeft")
            expect(caption).to_have_text("itération 5")
            page.wait_for_function(f"last => ({PIXELS})() !== last", arg=last)
        linear = page.evaluate("() => document.querySelector('.gw-class-curves').toDataURL()")
        page.get_by_role("checkbox", name="log").first.check()
        page.wait_for_function(
            "linear => document.querySelector('.gw-class-curves').toDataURL() !== linear", arg=linear
        )
        slider.press("Home")
        page.get_by_role("button", name="Lancer").click()
        expect(caption).to_have_text("itération 40")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 22, 22)"
        page.emulate_media(color_scheme="light")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert page.evaluate("window.nasty") is None
        assert page.locator("h1").inner_text() == NASTY
        if folder := os.environ.get("GANWIDGETS_SCREENSHOTS"):
            page.screenshot(path=Path(folder) / f"replay_{data}.png")
    finally:
        context.close()
    assert errors == []
    assert [url for url in asked if not url.startswith(("file:", "blob:", "data:"))] == []
