"""The trainer's widget in a page: its panels and controls, found by the classes that they carry."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from playwright.sync_api import Locator
from playwright.sync_api import TimeoutError as NotInTime

from notebook_page import NotebookPage

SMALL = "batch_size=16, g_hidden=(8,), d_hidden=(8,), seed=1"

# The lowest edge of all panels, and every text that is smaller than 18 pixels; the canvas of the plane has its own.
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

# What every canvas and every image within an element shows, as one string.
PIXELS = (
    "panel => [...panel.querySelectorAll('canvas, img')].map(each => each.src ?? each.toDataURL()).join()"
)


class TrainerView:
    """One display of a `GANTrainerWidget`.

    Parameters
    ----------
    root : Locator
        An element that holds this display and no other.
    """

    def __init__(self, root: Locator) -> None:
        self.root = root
        self.page = root.page

    def panel(self, name: str) -> Locator:
        return self.root.locator(f".gw-{name}")

    def button(self, action: str) -> Locator:
        return self.root.locator(f"button.gw-{action}, .gw-{action} button")

    def number(self, setting: str) -> Locator:
        """The box in which a setting's number can be typed."""
        return self.root.locator(f".gw-{setting} input[type=number], .gw-{setting} input[type=text]").first

    def handle(self, setting: str) -> Locator:
        """What is dragged on a setting's slider."""
        return self.root.locator(f".gw-{setting} [role=slider]")

    def until_iteration_passes(self, iteration: int) -> None:
        """Wait until the status line shows an iteration above this one."""
        self.panel("status").first.wait_for()
        self.page.wait_for_function(
            """([panel, least]) => {
                const shown = panel.querySelector('.gw-mark-iteration .gw-cell-value')?.innerText ?? '';
                return Number(shown.replace(/\\D/g, '')) > least;
            }""",
            arg=[self.panel("status").first.element_handle(), iteration],
        )

    @contextlib.contextmanager
    def drawn_anew(self, panel: str) -> Iterator[None]:
        """Wait, after the block, until a panel's canvases show another picture than before it."""
        element = self.panel(panel).first.element_handle()
        before = element.evaluate(PIXELS)
        yield
        self.page.wait_for_function(
            f"([panel, before]) => ({PIXELS})(panel) !== before", arg=[element, before]
        )

    def until_drawn_anew(self, panel: str) -> None:
        """Wait until a panel that moves shows another picture than now."""
        with self.drawn_anew(panel):
            pass


def show(notebook: NotebookPage, source: str = POINTS) -> TrainerView:
    """Run a cell whose last value is a trainer's widget; return what the page shows of it."""
    index = notebook.start(source)
    notebook.finish(index)
    view = TrainerView(notebook.cell(index).first)  # below it is the stored picture
    try:
        view.panel("status").first.wait_for()
    except NotInTime as error:
        outputs = notebook.page.evaluate("index => harness.outputs(index)", index)
        error.add_note(f"the cell has put out {str(outputs)[:2000]}\n{notebook.messages()}")
        raise
    return view
