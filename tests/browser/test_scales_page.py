"""Growing networks on a page: the stack of resolutions, the button, the slider, and marks on the timeline."""

from __future__ import annotations

from playwright.sync_api import expect

from trainer_view import show

CODE = """
import numpy as np, ganwidgets as gw
images = np.random.default_rng(0).random((40, 16, 16), np.float32)
w = gw.GANTrainerWidget(images, architecture="progressive", channels=4, latent_dim=6, batch_size=4, growth_samples=100, locale="en")
w
"""


def test_a_resolution_is_unlocked_by_the_button_and_faded_by_the_slider(lab):
    view = show(lab, CODE)
    lab.execute("w.step(10); w.wait()")
    scales = view.panel("stacks")
    expect(scales.locator(".gw-stack-g .gw-stack-active")).to_have_count(1)
    view.button("unlock").click()
    lab.wait_until("w.growth_level == 1.0")
    lab.execute("w.step(10); w.wait()")
    expect(scales.locator(".gw-stack-d .gw-stack-active")).to_have_count(2)
    expect(view.panel("timeline").locator(".gw-unlocked")).to_have_text("8²")
    view.handle("alpha").press("ArrowRight")
    lab.wait_until("w.growth_samples == 0 and abs(w.growth_level - 1.01) < 1e-9")
    lab.execute("w.step(1); w.wait()")
    expect(scales.locator(".gw-stack-fading")).to_have_count(2)
    expect(scales.get_by_role("status")).to_have_text("8x8, and 16x16 fades in: alpha 0.01")
