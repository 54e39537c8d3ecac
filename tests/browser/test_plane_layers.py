"""The plane on a page: layers, zoom, pan, and details of points, by mouse and by keyboard."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from notebook_page import NotebookPage
from trainer_view import SMALL, TrainerView, show

SOURCE = f"import ganwidgets as gw; w = gw.GANTrainerWidget('gaussians', {SMALL}); w"

# The visible part of the plane.
WINDOW = "canvas => canvas.dataset.window"

# Position of a point on the page. The axes begin 36 pixels right of the canvas' left side and 4 below its top, and end 8
# left of its right side.
AT = """(canvas, [point, extent]) => {
  const box = canvas.getBoundingClientRect();
  const side = box.width - 44;
  return [
    box.left + 36 + ((point[0] - extent[0]) / (extent[1] - extent[0])) * side,
    box.top + 4 + ((extent[3] - point[1]) / (extent[3] - extent[2])) * side,
  ];
}"""

LOOK = """(lambda f: (f.generated[0].tolist(), list(f.extent), float(f.seen['scores'].generated[0])))(
    w._camera.take()
)"""


class PlaneOnPage:
    """The plane of one widget, operated by mouse and keyboard."""

    def __init__(self, view: TrainerView) -> None:
        self.view = view
        self.page = view.page
        self.canvas = view.panel("plane").locator("canvas.gw-points")
        self.heat = view.panel("plane").locator("canvas.gw-heat")
        self.canvas.scroll_into_view_if_needed()

    def picture(self) -> str:
        return self.canvas.evaluate("canvas => canvas.toDataURL()")

    def changed(self, before: str) -> str:
        """Wait until the picture has changed; return it."""
        canvas = self.canvas.element_handle()
        self.page.wait_for_function(
            "([canvas, before]) => canvas.toDataURL() !== before", arg=[canvas, before]
        )
        return self.picture()

    def window(self) -> str:
        return self.canvas.evaluate(WINDOW)

    def wait_for_window(self, wanted: str, *, same: bool = True) -> None:
        """Wait until the window equals `wanted`, or until it has changed."""
        sign = "===" if same else "!=="
        self.page.wait_for_function(
            f"([canvas, wanted]) => ({WINDOW})(canvas) {sign} wanted",
            arg=[self.canvas.element_handle(), wanted],
        )

    def middle(self) -> tuple[float, float]:
        box = self.canvas.bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def leave(self) -> None:
        box = self.canvas.bounding_box()
        self.page.mouse.move(box["x"] - 30, box["y"])


@pytest.fixture
def plane(lab: NotebookPage) -> PlaneOnPage:
    view = show(lab, SOURCE)
    # The graph above it requests observations too.
    view.panel("graph-fold").click()
    lab.wait_until("not w._dashboard.graph.needs")
    lab.execute("w.step(40); w.wait()")
    return PlaneOnPage(view)


def test_layers_zoom_and_read_out(lab, plane):
    check_layers(lab, plane)
    check_wheel_and_drag(lab, plane)
    check_fingers(plane)
    check_pointing(lab, plane)
    check_keys(plane)


def check_layers(lab, plane):
    """Check that each layer changes the picture, and that only visible layers are requested from the camera."""
    seen = plane.picture()
    for layer in ("real", "generated", "gradients", "manifold"):
        plane.view.panel(f"layer-{layer}").click()
        seen = plane.changed(seen)
    lab.wait_until("w._camera.request.wanted == {'latents', 'scores', 'verdict', 'gradients', 'manifold'}")
    plane.view.panel("layer-generated").click()
    seen = plane.changed(seen)
    plane.page.locator("select.gw-arrows").select_option("slope")
    plane.changed(seen)
    plane.view.panel("layer-trails").locator("input").focus()
    plane.page.keyboard.press("Space")
    lab.wait_until("'trails' in w._camera.request.wanted")
    lab.execute("w.step(); w.wait()")
    expect(plane.view.panel("plane-note")).to_contain_text("since iteration 40, 1 steps ago")
    lab.execute("w.step(3); w.wait(); w.step(); w.wait()")
    expect(plane.view.panel("plane-note")).to_contain_text("since iteration 40, 5 steps ago")
    plane.view.panel("trail").locator("input").fill("1")
    plane.view.panel("trail").locator("input").press("Enter")
    expect(plane.view.panel("plane-note")).to_contain_text("since iteration 44, 1 steps ago")
    plane.view.panel("layer-verdict").click()
    expect(plane.heat).to_have_css("visibility", "hidden")
    lab.wait_until("'verdict' not in w._camera.request.wanted")
    for layer in ("verdict", "gradients", "manifold", "trails", "real"):
        plane.view.panel(f"layer-{layer}").click()
    expect(plane.heat).to_have_css("visibility", "visible")
    lab.wait_until("w._camera.request.wanted == {'latents', 'scores', 'verdict'}")


def check_wheel_and_drag(lab, plane):
    """Check that the wheel zooms after the pointer has moved, dragging pans, and a double click shows everything."""
    home, window = plane.picture(), plane.window()
    x, y = plane.middle()
    mouse = plane.page.mouse
    mouse.move(x - 3, y)
    mouse.move(x, y)
    where = plane.canvas.bounding_box()
    mouse.wheel(0, -240)
    zoomed = plane.changed(home)
    plane.wait_for_window(window, same=False)
    assert plane.canvas.bounding_box() == where, "the page must not scroll too"
    # The map of the verdict covers exactly the visible part.
    lab.wait_until("w._camera.request.wanted == {'latents', 'scores', 'close_up'}")
    expect(plane.heat).to_have_attribute("style", re.compile(r"left: 0%; top: 0%; width: 100%; height: 100%"))
    seen = [float(side) for side in plane.window().split(",")]
    assert lab.value_of("list(w._camera.request.focus.window)") == pytest.approx(seen, abs=1e-4)
    mouse.down()
    mouse.move(x + 40, y + 30, steps=4)
    mouse.up()
    plane.changed(zoomed)
    mouse.dblclick(x, y)
    plane.wait_for_window(window)
    lab.wait_until("w._camera.request.wanted == {'latents', 'scores', 'verdict'}")
    plane.view.panel("zoom-in").click()
    plane.wait_for_window(window, same=False)
    plane.view.panel("zoom-home").click()
    plane.wait_for_window(window)
    plane.leave()


def check_fingers(plane):
    """Check that two fingers zoom; afterwards one finger pans, which scrolled the page before."""
    window, (x, y) = plane.window(), plane.middle()
    wire = plane.page.context.new_cdp_session(plane.page)

    def touch(kind, *places):
        points = [{"x": across, "y": down, "id": finger} for finger, (across, down) in enumerate(places)]
        wire.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    expect(plane.canvas).to_have_css("touch-action", "pan-y")
    touch("touchStart", (x - 30, y), (x + 30, y))
    for way in range(10, 60, 10):
        touch("touchMove", (x - 30 - way, y), (x + 30 + way, y))
    touch("touchEnd")
    plane.wait_for_window(window, same=False)
    expect(plane.canvas).to_have_css("touch-action", "none")
    zoomed = plane.window()
    touch("touchStart", (x, y))
    for way in range(10, 60, 10):
        touch("touchMove", (x + way, y))
    touch("touchEnd")
    plane.wait_for_window(zoomed, same=False)
    plane.view.panel("zoom-home").click()
    plane.wait_for_window(window)
    plane.leave()


def check_pointing(lab, plane):
    """Check that hovering over a point shows its position, D's verdict, and its noise."""
    tip = plane.view.panel("readout")
    point, extent, score = lab.value_of(LOOK)
    plane.page.mouse.move(*plane.canvas.evaluate(AT, [point, extent]))
    expect(tip).to_contain_text("generated")
    expect(tip).to_contain_text(f"{point[0]:.3f}".replace("-", "\N{MINUS SIGN}"))
    expect(tip).to_contain_text(f"D says {score:.3f}")
    expect(tip).to_contain_text("noise")
    plane.leave()
    expect(tip).to_be_hidden()


def check_keys(plane):
    """Check focus, moves from point to point, zoom, and leaving, by keyboard."""
    tip, window, keyboard = plane.view.panel("readout"), plane.window(), plane.page.keyboard
    plane.canvas.focus()
    keyboard.press("ArrowRight")
    expect(tip).to_be_visible()
    first = tip.inner_text()
    keyboard.press("ArrowRight")
    expect(tip).not_to_have_text(first)
    expect(plane.view.panel("spoken")).to_contain_text("D says")
    keyboard.press("+")
    plane.wait_for_window(window, same=False)
    keyboard.press("0")
    plane.wait_for_window(window)
    keyboard.press("Escape")
    expect(tip).to_be_hidden()
    keyboard.press("Tab")
    expect(plane.canvas).not_to_be_focused()
