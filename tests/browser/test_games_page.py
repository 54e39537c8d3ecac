"""The widget of another game on a page: play, the game's own slider, freezing, time travel, and sub-steps."""

from __future__ import annotations

from playwright.sync_api import expect

from trainer_view import MEASURED, show

CYCLEGAN = """
import numpy as np, ganwidgets as gw
from sklearn.datasets import load_digits
x = (load_digits().images[:80] / 16).astype(np.float32)
w = gw.GANTrainerWidget((x[:40], 1 - x[40:]), game="cyclegan", channels=4, batch_size=4, pool_size=6, locale="en")
w
"""


def test_cyclegan_plays_and_its_slider_freeze_timeline_and_substeps_work(lab) -> None:
    view = show(lab, CYCLEGAN)
    view.button("play").click()
    view.wait_for_iteration_after(3)
    view.button("pause").click()
    lab.execute("w.pause(); w.wait()")

    fits_one_screen(lab, view)

    # Each number once: losses in the diagram, the iteration in the status line.
    losses, place = (
        view.panel("status").locator(".gw-in-overview"),
        view.panel("timeline").locator(".gw-at-tip"),
    )
    expect(losses).to_have_count(2)
    expect(losses.first).to_be_hidden()
    expect(view.root.locator(".gw-node-number")).to_have_count(2)
    expect(place).to_be_hidden()

    # The game's own slider, a frozen player, and a step of one player.
    view.number("cycle_weight").fill("3")
    view.number("cycle_weight").press("Enter")
    view.panel("freeze_g").locator("input, button").first.click()
    lab.wait_until("w.trainer.settings.cycle_weight == 3.0 and w.trainer.settings.freeze_g")
    at = lab.value_of("w.iteration")
    before = lab.value_of("w.trainer.state_hash()")
    assert lab.value_of("w.status") == "paused"

    # Sub-steps of the discriminators' next update.
    walk = view.panel("walk").locator(".gw-walk-view")
    walk.locator(".gw-walk-which").select_option("discriminators")
    walk.locator(".gw-walk-begin").click()
    for stage in ("draw", "generate", "classify", "loss"):
        expect(walk).to_have_attribute("data-stage", stage)
        if stage != "loss":
            walk.locator(".gw-walk-next").click()
    expect(walk.locator(".gw-walk-sentence")).to_contain_text("What Discriminators minimises is")
    expect(view.panel("walk-images").locator("img")).to_have_count(1)
    walk.press("Escape")
    expect(walk).to_have_attribute("data-stage", "")
    assert lab.value_of("w.trainer.state_hash()") == before

    # A click on a mark of the timeline travels back.
    view.button("step").click()
    view.wait_for_iteration_after(at)
    lab.execute("w.trainer.timeline.goto(1)")
    lab.wait_until("w.iteration == 1")
    expect(view.root.locator(".gw-card-discriminator .gw-lr_d")).to_have_count(1)
    expect(view.root.locator(".gw-card-generator .gw-lr_g")).to_have_count(1)
    expect(view.panel("health").first).to_be_visible()


def fits_one_screen(lab, view) -> None:
    """Check one-screen layouts at two screen sizes: all is visible, nothing is cut off, the projector's text is large."""
    page = lab.page
    for preset in ("projector", "compact"):
        lab.execute(f"w.layout_preset = {preset!r}")
        expect(view.root.locator(".gw-part-controls")).to_be_visible()
        expect(view.root.locator(".gw-status .gw-in-overview").first).to_be_visible()
        for width, height in ((1280, 720), (1024, 768)):
            page.set_viewport_size({"width": width, "height": height})
            view.root.evaluate("root => root.scrollIntoView()")
            page.wait_for_function("width => innerWidth === width", arg=width)
            found = view.root.evaluate(MEASURED)
            assert found["bottom"] <= height - 24, f"above JupyterLab's status line: {preset}, {width}"
            assert found["wide"] == []
            if preset == "projector":
                assert found["small"] == []
    lab.execute("w.layout_preset = 'full'")
    expect(view.root.locator(".gw-part-timeline")).to_be_visible()
