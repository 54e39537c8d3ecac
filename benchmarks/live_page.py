"""JupyterLab in headless Chromium with one notebook, for the benchmarks of what is live.

It is the tests' own harness (``tests/browser``), without pytest.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "browser"))

from conftest import FLAGS
from notebook_page import Complaints, NotebookPage
from servers import Server

__all__ = [
    "Pace",
    "drawn_frames",
    "hide_tab",
    "hide_view",
    "open_notebook",
    "pace",
    "play_in_sight",
    "show_tab",
    "show_view",
]

# Counts the animation frames before which the plane or the gallery that can be seen was drawn anew.
DRAWN = """(() => {
  let waiting = false;
  window.drawnFrames = 0;
  const original = CanvasRenderingContext2D.prototype.clearRect;
  CanvasRenderingContext2D.prototype.clearRect = function (...box) {
    if (!waiting && this.canvas.isConnected && this.canvas.closest('.gw-points, .gw-pixels-generated')) {
      waiting = true;
      requestAnimationFrame(() => { waiting = false; window.drawnFrames += 1; });
    }
    return original.apply(this, box);
  };
})();"""

# A tab that can be hidden: then the page says so, and animation frames wait until it is shown again.
TAB = """(() => {
  const original = window.requestAnimationFrame.bind(window);
  let hidden = false;
  let waiting = [];
  window.requestAnimationFrame = call => (hidden ? waiting.push(call) : original(call));
  Object.defineProperty(document, 'visibilityState', { get: () => (hidden ? 'hidden' : 'visible') });
  Object.defineProperty(document, 'hidden', { get: () => hidden });
  window.setHidden = wanted => {
    hidden = wanted;
    document.dispatchEvent(new Event('visibilitychange'));
    if (!hidden) waiting.splice(0).forEach(call => original(call));
  };
})();"""

# A widget that takes no room is not on the screen, as if one had scrolled away from it.
DISPLAY = "shown => document.querySelector('.gw-root').style.display = shown ? '' : 'none'"

# What a run has done by now; its thread says itself how much of a processor's time it took.
NOW = """
import time
def now():
    return time.perf_counter(), w._runner.state.iteration, w._runner.look(time.thread_time)
"""


class Pace(NamedTuple):
    """How a run went on for a while."""

    steps: float
    """A second."""
    drawn: float
    """Frames a second."""
    busy: float
    """Seconds of a processor's time that the thread that trains took for each step."""


@contextmanager
def open_notebook() -> Iterator[NotebookPage]:
    """Open an empty notebook in JupyterLab; say at the end if the page complained."""
    executable = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if executable is None:
        raise SystemExit("this benchmark needs chromium, chromium-browser or google-chrome on the PATH")
    complaints = Complaints()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder))
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
                page = browser.new_context(viewport={"width": 1000, "height": 1000}).new_page()
                page.set_default_timeout(60_000)
                page.add_init_script(TAB + DRAWN)
                complaints.watch(page, server)
                yield NotebookPage(page, server, f"doc/tree/{server.write_notebook('benchmark.ipynb')}")
                page.evaluate("window.onbeforeunload = null")
                browser.close()
        finally:
            server.close()
    for complaint in complaints.page_errors:
        print("page error:", complaint.splitlines()[0], file=sys.stderr)


def drawn_frames(notebook: NotebookPage) -> int:
    """Return how many of the browser's animation frames showed a new picture so far."""
    return notebook.page.evaluate("window.drawnFrames")


def play_in_sight(notebook: NotebookPage, source: str, panel: str) -> None:
    """Run `source`, which makes a widget ``w`` and plays it; show it, and wait for one of its panels."""
    notebook.run(source + NOW)
    notebook.run("w")
    notebook.page.evaluate("document.querySelector('.gw-root').scrollIntoView()")
    notebook.widget(panel).first.wait_for()


def pace(notebook: NotebookPage, seconds: float) -> Pace:
    """Return how the run that is played goes on over the next so many seconds."""
    drawn = drawn_frames(notebook)
    began, first, busy = notebook.ask("now()")
    notebook.page.wait_for_timeout(1000 * seconds)
    ended, last, busy_then = notebook.ask("now()")
    drawn = drawn_frames(notebook) - drawn
    took, steps = ended - began, last - first
    return Pace(steps / took, drawn / took, (busy_then - busy) / max(1, steps))


def show_view(notebook: NotebookPage) -> None:
    """Let the widget be seen again, and wait until the kernel knows."""
    notebook.page.evaluate(DISPLAY, arg=True)
    notebook.until("w._pacer.watched")


def hide_view(notebook: NotebookPage) -> None:
    """Take the widget out of sight, and wait until the kernel knows."""
    notebook.page.evaluate(DISPLAY, arg=False)
    notebook.until("not w._pacer.watched")


def hide_tab(notebook: NotebookPage) -> None:
    """Hide the page as if another tab were in front of it."""
    notebook.page.evaluate("window.setHidden(true)")


def show_tab(notebook: NotebookPage) -> None:
    """Show the page again."""
    notebook.page.evaluate("window.setHidden(false)")
