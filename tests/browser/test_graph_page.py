"""The overview graph on a page: its parts, their descriptions, large views, the morph, and the flow."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from trainer_view import SMALL, TrainerView, show

SOURCE = f"import ganwidgets as gw; w = gw.GANTrainerWidget({{data!r}}, {SMALL}); w"

CHANGED = "([canvas, before]) => canvas.toDataURL() !== before"


def picture(view: TrainerView, css_class: str) -> str:
    return view.panel(css_class).evaluate("canvas => canvas.toDataURL()")


def wait_for_change(view: TrainerView, css_class: str, before: str) -> None:
    view.page.wait_for_function(CHANGED, arg=[view.panel(css_class).element_handle(), before])


@pytest.fixture
def graph(lab) -> TrainerView:
    view = show(lab, SOURCE.format(data="gaussians"))
    lab.execute("w.step(30); w.wait()")
    expect(view.panel("node-loss_d").locator("b")).not_to_be_empty()
    return view


def test_parts_show_descriptions_and_large_views(lab, graph):
    check_parts(lab, graph)
    check_large(lab, graph)
    check_morph(graph)
    check_flow(lab, graph)
    check_loop_and_fold(lab, graph)


def check_parts(lab, graph):
    """Each part has an accessible name; hovering or focusing it shows its description and value."""
    nodes = graph.panel("graph").locator("button.gw-node")
    expect(nodes).to_have_count(11)
    for name in ("Noise", "Generator", "Discriminator", "Loss of D", "Gradient of G"):
        expect(graph.panel("graph").get_by_role("button", name=name, exact=True)).to_have_count(1)
    tell = graph.panel("graph-description")
    graph.panel("node-loss_d").hover()
    expect(tell).to_contain_text(f"now {lab.value_of('w.loss_d'):.3f}")
    graph.panel("node-noise").focus()
    expect(tell).to_contain_text("random numbers")
    expect(graph.panel("at-noise").locator(".gw-latent_dim")).to_be_visible()
    expect(graph.panel("at-losses").locator(".gw-loss select")).to_be_visible()
    expect(graph.panel("graph").locator(".gw-card")).to_have_count(2)


def check_large(lab, graph):
    """Enter opens the large view, which is updated; Escape closes it."""
    graph.panel("node-discriminator").press("Enter")
    large = graph.panel("graph-large")
    expect(large).to_be_visible()
    expect(large).to_contain_text("for every place")
    before = picture(graph, "graph-picture")
    lab.execute("w.step(20); w.wait()")
    wait_for_change(graph, "graph-picture", before)
    graph.page.keyboard.press("Escape")
    expect(large).to_be_hidden()
    expect(graph.panel("node-discriminator")).to_be_focused()


def check_morph(graph):
    """The noise grid morphs into the manifold, animated or by a slider; with reduced motion, only by the slider."""
    graph.panel("node-generator").click()
    graph.panel("graph-large").locator("input[type=range]").press("Home")
    regular = picture(graph, "graph-canvas")
    graph.panel("graph-large").locator("input[type=range]").press("End")
    wait_for_change(graph, "graph-canvas", regular)
    graph.panel("graph-close").click()
    warped = picture(graph, "graph-canvas")
    graph.panel("morph").click()
    wait_for_change(graph, "graph-canvas", warped)
    graph.page.wait_for_function(
        "([canvas, end]) => canvas.toDataURL() === end",
        arg=[graph.panel("graph-canvas").element_handle(), warped],
    )
    graph.page.emulate_media(reduced_motion="reduce")
    graph.panel("morph").click()
    expect(graph.panel("graph-large").locator("input[type=range]")).to_be_visible()
    expect(graph.panel("morph-large")).to_be_hidden()
    graph.page.keyboard.press("Escape")


def check_flow(lab, graph):
    """Data flows along the edges during training, unless reduced motion is set."""
    stage = graph.panel("graph-stage")
    lab.execute("w.play()")
    graph.wait_for_repaint("graph-stage")
    expect(stage).not_to_have_class("gw-graph-stage gw-flows")
    graph.page.emulate_media(reduced_motion="no-preference")
    expect(stage).to_have_class("gw-graph-stage gw-flows")
    flow = "stage => stage.querySelector('svg').style.getPropertyValue('--gw-flow')"
    before = stage.evaluate(flow)
    graph.page.wait_for_function(
        f"([stage, before]) => ({flow})(stage) !== before", arg=[stage.element_handle(), before]
    )
    lab.execute("w.pause(); w.wait()")
    expect(stage).to_have_class("gw-graph-stage")


def check_loop_and_fold(lab, graph):
    """The feedback loop is highlighted; the folded graph requests no data."""
    stage = graph.panel("graph-stage")
    lab.execute("w.step(1, 'discriminator'); w.wait()")
    expect(stage).to_have_class("gw-graph-stage gw-idle-g")
    in_status = graph.panel("status").locator(".gw-mark-d")
    expect(in_status).to_be_hidden()
    graph.panel("graph-fold").click()
    expect(stage).to_be_hidden()
    expect(in_status).to_be_visible()
    expect(graph.panel("graph").locator(".gw-lr_d")).to_be_visible()
    lab.wait_until("w._camera.request.wanted == {'latents', 'scores', 'verdict'}")


def test_images_are_shown_as_strips(lab):
    view = show(lab, SOURCE.format(data="digits"))
    lab.execute("w.step(2); w.wait()")
    expect(view.panel("node-loss_d").locator("b")).not_to_be_empty()
    before = picture(view, "graph-canvas")
    lab.execute("w.step(20); w.wait()")
    wait_for_change(view, "graph-canvas", before)
    expect(view.panel("morph")).to_be_hidden()
    view.panel("node-generator").hover()
    expect(view.panel("graph-description")).to_contain_text("a plane through the noise")
