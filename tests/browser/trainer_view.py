"""The trainer's widget on a page: its panels and controls, found by their CSS classes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from playwright.sync_api import Locator
from playwright.sync_api import TimeoutError as NotInTime

from notebook_page import NotebookPage

SMALL = "batch_size=16, g_hidden=(8,), d_hidden=(8,), seed=1"

# The lowest edge of all panels, and every text smaller than 18 pixels; the plane's canvas draws its own text.
MEASURED = """root => {
  const parts = [...root.querySelectorAll('.gw-part')].filter(each => each.offsetWidth);
  const own = each => [...each.childNodes].some(node => node.nodeType === 3 && node.data.trim());
  const small = [...root.querySelectorAll('*')].filter(each => each.getClientRects().length && own(each)
    && parseFloat(getComputedStyle(each).fontSize) < 18);
  return {
    bottom: Math.max(...parts.map(each => each.getBoundingClientRect().bottom)),
    right: Math.max(...parts.map(each => each.getBoundingClientRect().right)),
    wide: parts.filter(each => each.scrollWidth > each.clientWidth + 1).map(each => each.className),
    small: small.map(each => each.textContent),
    tick: getComputedStyle(root).getPropertyValue('--gw-tick').trim(),
  };
}"""
POINTS = f"import ganwidgets as gw; w = gw.GANTrainerWidget('ring8', {SMALL}); w"

# Content of all canvases and images in an element, as one string.
PIXELS = (
    "panel => [...panel.querySelectorAll('canvas, img')].map(each => each.src ?? each.toDataURL()).join()"
)


class TrainerView:
    """One display of a `GANTrainerWidget`.

    Parameters
    ----------
    root : Locator
        An element that contains this display and no other.
    """

    def __init__(self, root: Locator) -> None:
        self.root = root
        self.page = root.page

    def panel(self, name: str) -> Locator:
        return self.root.locator(f".gw-{name}")

    def button(self, action: str) -> Locator:
        return self.root.locator(f"button.gw-{action}, .gw-{action} button")

    def number(self, setting: str) -> Locator:
        """The text box of a setting's number."""
        return self.root.locator(f".gw-{setting} input[type=number], .gw-{setting} input[type=text]").first

    def handle(self, setting: str) -> Locator:
        """The handle of a setting's slider."""
        return self.root.locator(f".gw-{setting} [role=slider]")

    def wait_for_iteration_after(self, iteration: int) -> None:
        """Wait until the status line shows a later iteration."""
        self.panel("status").first.wait_for()
        self.page.wait_for_function(
            """([panel, least]) => {
                const shown = panel.querySelector('.gw-mark-iteration .gw-cell-value')?.innerText ?? '';
                return Number(shown.replace(/\\D/g, '')) > least;
            }""",
            arg=[self.panel("status").first.element_handle(), iteration],
        )

    @contextlib.contextmanager
    def repainted(self, panel: str) -> Iterator[None]:
        """Wait after the block until a panel's canvases differ from before it."""
        element = self.panel(panel).first.element_handle()
        before = element.evaluate(PIXELS)
        yield
        self.page.wait_for_function(
            f"([panel, before]) => ({PIXELS})(panel) !== before", arg=[element, before]
        )

    def wait_for_repaint(self, panel: str) -> None:
        """Wait until a panel's canvases change."""
        with self.repainted(panel):
            pass


def show(notebook: NotebookPage, source: str = POINTS) -> TrainerView:
    """Run a cell that displays a trainer's widget; return its view."""
    index = notebook.start(source)
    notebook.finish(index)
    view = TrainerView(notebook.cell(index).first)  # the second output is the stored picture
    try:
        view.panel("status").first.wait_for()
    except NotInTime as error:
        outputs = notebook.page.evaluate("index => harness.outputs(index)", index)
        error.add_note(f"the cell has put out {str(outputs)[:2000]}\n{notebook.messages()}")
        raise
    return view
