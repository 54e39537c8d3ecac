"""The latent explorer in JupyterLab."""

from __future__ import annotations

CODE = """
import torch, ganwidgets as gw
from ganwidgets.networks.stylegan3 import Generator, StyleGAN2Generator, initialize
made = [kind(16, 0, 16, 32, 3, channel_base=512, channel_max=16).eval() for kind in (Generator, StyleGAN2Generator)]
for network in made:
    initialize(network, torch.Generator().manual_seed(2))
w = gw.LatentExplorer(made[0], beside=made[1], locale='en', tx=0.1, layer='L3_36_16')
w.wait()
None
"""


def test_dragging_pans_and_a_style_and_a_layer_are_chosen(lab):
    lab.run(CODE)
    lab.run("w")
    page = lab.page
    image = page.locator(".gw-latents-image img")
    image.wait_for()
    page.locator(".gw-latents-spectrum img").wait_for()
    assert "follows its input" in page.locator(".gw-latents-image figcaption").inner_text()
    image.scroll_into_view_if_needed()
    box = image.bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] - box["width"] / 4, middle[1], steps=4)
    page.mouse.up()
    lab.wait_until("abs(w.x - 0.5) < 0.05 and w.y == 0")
    page.locator(".gw-latents-move").click()
    image.press("ArrowDown")
    lab.wait_until("abs(w.ty - 0.1) < 1e-6")
    page.locator(".gw-mix").nth(3).click()
    lab.wait_until("w.mixed == [3]")
    page.locator(".gw-layer select").select_option("L5_52_16")
    lab.wait_until("w.layer == 'L5_52_16'")
    before = page.locator(".gw-latents-activation img").get_attribute("src")
    page.locator(".gw-channel input").fill("1")
    page.locator(".gw-channel input").press("Enter")
    lab.wait_until("w.channel == 1")
    page.wait_for_function(
        "before => document.querySelector('.gw-latents-activation img').src !== before", arg=before
    )

    page.locator(".gw-walk-add").click()
    page.locator(".gw-walk-stops").get_by_text("Places: 1").wait_for()
    page.locator(".gw-walk-play").click()
    caption = page.locator(".gw-latents-image figcaption")
    caption.get_by_text("walk", exact=True).wait_for()
    page.locator(".gw-cancel").click()
    caption.get_by_text("follows its input").wait_for()
    page.locator(".gw-walk-save").click()
    page.locator(".gw-latents-state").get_by_text("of 80").wait_for()
    page.locator(".gw-cancel").click()
    page.locator(".gw-latents-state").get_by_text("cancelled").wait_for()
