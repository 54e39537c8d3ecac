"""The widget of another game in a page: it plays, obeys the game's own slider, freezes, goes back, and shows an update."""

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


def test_a_cyclegan_is_played_steered_frozen_gone_back_in_and_looked_into(lab) -> None:
    view = show(lab, CYCLEGAN)
    view.button("play").click()
    view.until_iteration_passes(3)
    view.button("pause").click()
    lab.execute("w.pause(); w.wait()")

    fits_one_screen(lab, view)

    # The game's own slider, a freeze and a step of one player.
    view.number("cycle_weight").fill("3")
    view.number("cycle_weight").press("Enter")
    view.panel("freeze_g").locator("input, button").first.click()
    lab.until("w.trainer.settings.cycle_weight == 3.0 and w.trainer.settings.freeze_g")
    at = lab.ask("w.iteration")
    before = lab.ask("w.trainer.state_hash()")
    assert lab.ask("w.status") == "paused"

    # Inside the next step of the discriminators.
    walk = view.panel("walk").locator(".gw-walk-view")
    walk.locator(".gw-walk-which").select_option("discriminators")
    walk.locator(".gw-walk-begin").click()
    for stage in ("draw", "generate", "classify", "loss"):
        expect(walk).to_have_attribute("data-stage", stage)
        if stage != "loss":
            walk.locator(".gw-walk-next").click()
    expect(walk.locator(".gw-walk-said")).to_contain_text("What Discriminators minimises is")
    expect(view.panel("walk-images").locator("img")).to_have_count(1)
    walk.press("Escape")
    expect(walk).to_have_attribute("data-stage", "")
    assert lab.ask("w.trainer.state_hash()") == before

    # A mark on the timeline leads back.
    view.button("step").click()
    view.until_iteration_passes(at)
    lab.execute("w.trainer.timeline.goto(1)")
    lab.until("w.iteration == 1")
    expect(view.root.locator(".gw-card-discriminator .gw-lr_d")).to_have_count(1)
    expect(view.root.locator(".gw-card-generator .gw-lr_g")).to_have_count(1)
    expect(view.panel("health").first).to_be_visible()


def fits_one_screen(lab, view) -> None:
    """Show the one-screen layouts on two screens: nothing is below the screen or cut off, and the projector's text is large."""
    page = lab.page
    for preset in ("projector", "compact"):
        lab.execute(f"w.layout_preset = {preset!r}")
        expect(view.root.locator(".gw-part-controls")).to_be_visible()
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
