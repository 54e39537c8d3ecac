"""The gallery on a page: sharp pixels, details of samples, walks, directions, past samples, and saved files."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from notebook_page import NotebookPage
from trainer_view import SMALL, TrainerView, show

SOURCE = f"import ganwidgets as gw; w = gw.GANTrainerWidget('digits', latent_dim=4, {SMALL}); w"

# Red values [rows, columns] of one image on a canvas, one for each pixel of the image; null where the pixel's square on
# the canvas has several colours.
IMAGE = """(canvas, [place, columns, wide]) => {
  const side = Math.round((canvas.width - 2 * devicePixelRatio * (columns - 1)) / columns);
  const step = side + 2 * devicePixelRatio;
  const left = (place % columns) * step;
  const top = Math.floor(place / columns) * step;
  const scale = side / wide;
  const { data } = canvas.getContext('2d').getImageData(left, top, side, side);
  const at = (x, y) => data[4 * (y * side + x)];
  return Array.from({ length: wide }, (_, row) => Array.from({ length: wide }, (_, column) => {
    const values = new Set();
    for (let y = Math.ceil(row * scale); y + 1 <= (row + 1) * scale; y += 1) {
      for (let x = Math.ceil(column * scale); x + 1 <= (column + 1) * scale; x += 1) values.add(at(x, y));
    }
    return values.size === 1 ? [...values][0] : null;
  }));
}"""

SAMPLE = "w._camera.take().generated[{place}, 0]"
BYTES = f"__import__('numpy').rint({SAMPLE} * 255).astype(int).tolist()"


class GalleryOnPage:
    """The gallery of one widget, operated by mouse and keyboard."""

    def __init__(self, notebook: NotebookPage, view: TrainerView) -> None:
        self.notebook = notebook
        self.page = view.page
        self.panel = view.panel("samples").first
        self.canvas = self.panel.locator("canvas.gw-pixels-generated")
        self.samples = self.panel.locator("button.gw-sample")

    def picture(self, place: int, columns: int = 5) -> list[list[int | None]]:
        return self.canvas.evaluate(IMAGE, [place, columns, 8])

    def row(self, part: str) -> str:
        return self.panel.locator(f".{part} canvas.gw-strip").evaluate("canvas => canvas.toDataURL()")

    def wait_for_new_strip(self, part: str, before: str) -> None:
        self.page.wait_for_function(
            "([canvas, before]) => canvas.toDataURL() !== before",
            arg=[self.panel.locator(f".{part} canvas.gw-strip").element_handle(), before],
        )


@pytest.fixture
def gallery(lab: NotebookPage) -> GalleryOnPage:
    view = show(lab, SOURCE)
    lab.run("w.step(150); w.wait()")
    gallery = GalleryOnPage(lab, view)
    expect(gallery.samples).to_have_count(25)
    return gallery


def test_the_gallery(lab, gallery):
    # Every pixel is a square of one colour, at any zoom.
    expected = lab.value_of(BYTES.format(place=7))
    assert gallery.picture(7) == expected
    widths = [gallery.canvas.evaluate("canvas => canvas.width")]
    for _ in range(2):
        gallery.panel.locator(".gw-zoom-in").click()
        gallery.page.wait_for_function(
            "([canvas, before]) => canvas.width !== before",
            arg=[gallery.canvas.element_handle(), widths[-1]],
        )
        widths.append(gallery.canvas.evaluate("canvas => canvas.width"))
        assert gallery.picture(7) == expected
    assert widths == sorted(widths)
    gallery.panel.locator(".gw-zoom-fit").click()

    # Hovering over a sample shows its details; the nearest real image is found on request.
    gallery.samples.nth(7).hover()
    caption = gallery.panel.locator(".gw-gallery-caption")
    expect(caption).to_have_text(re.compile(r"Sample 8 · D: \d+\s%"))
    gallery.samples.nth(7).focus()
    gallery.samples.nth(7).press("ArrowDown")
    expect(gallery.samples.nth(12)).to_be_focused()
    expect(caption).to_contain_text("Sample 13")

    gallery.panel.locator("button.gw-neighbor").click()
    expect(gallery.panel.locator("canvas.gw-near")).to_be_visible()

    # Two samples are selected by keyboard and mouse: a walk, and the past of the first one.
    gallery.samples.nth(12).press("Enter")
    expect(gallery.samples.nth(12)).to_have_attribute("aria-pressed", "true")
    gallery.samples.nth(3).click()
    lab.wait_until("list(w._dashboard._samples.view.chosen) == [12, 3]")
    words = gallery.panel.locator(".gw-walk .gw-strip-words span")
    expect(words).to_have_count(9)
    expect(gallery.panel.locator(".gw-through .gw-strip-words")).to_contain_text("100")
    expect(gallery.panel.locator(".gw-through .gw-strip-words span").last).to_have_text("now")

    # Dragging along a direction changes the picture.
    gallery.panel.locator("select.gw-direction").select_option("strongest 0")
    moved = gallery.panel.locator("canvas.gw-moved")
    expect(moved).to_be_visible()
    before = moved.evaluate("canvas => canvas.toDataURL()")
    gallery.panel.locator("input.gw-amount").press("End")
    gallery.page.wait_for_function(
        "([canvas, before]) => canvas.toDataURL() !== before", arg=[moved.element_handle(), before]
    )
    lab.wait_until("w._dashboard._samples.view.amount == 3")

    # All parts follow the training.
    walk = gallery.row("gw-walk")
    lab.run("w.step(30); w.wait()")
    gallery.wait_for_new_strip("gw-walk", walk)

    # More samples, without the real ones.
    gallery.panel.locator(".gw-gallery-count select").select_option("64")
    expect(gallery.samples).to_have_count(64)
    gallery.panel.get_by_role("checkbox").uncheck()
    expect(gallery.panel.locator("canvas.gw-pixels-real")).to_be_hidden()

    # Every control has an accessible name.
    nameless = re.findall(
        r"- (?:button|combobox|checkbox|slider)(?:: .*)?$", gallery.panel.aria_snapshot(), re.MULTILINE
    )
    assert nameless == []

    # Saved files are in the notebook's folder.
    gallery.page.locator(".gw-save-png").first.click()
    expect(gallery.page.locator(".gw-saving-message").first).to_contain_text("digits-180.png")
    assert lab.value_of("__import__('os').path.exists('digits-180.png')")


def test_a_gallery_that_is_displayed_again_is_complete(lab, gallery):
    gallery.samples.nth(2).click()
    view = show(lab, "w")
    again = GalleryOnPage(lab, view)
    expect(again.samples).to_have_count(25)
    assert again.picture(7) == lab.value_of(BYTES.format(place=7))
    expect(again.samples.nth(2)).to_have_attribute("aria-pressed", "true")
    expect(again.panel.locator(".gw-through .gw-strip-words span").last).to_have_text("now")
