"""JupyterLab in headless Chromium with one notebook, for the benchmarks of what is live.

It is the tests' own harness (``tests/browser``), without pytest.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Page, Playwright, sync_playwright
from websocket import WebSocket, create_connection

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "browser"))

from conftest import FLAGS
from notebook_page import NotebookPage, PageErrors
from servers import Server

__all__ = [
    "Pace",
    "drawn_frames",
    "hide_tab",
    "hide_view",
    "leave_alone",
    "open_notebook",
    "pace",
    "play_in_sight",
    "show_tab",
    "show_view",
    "show_widget",
]

# Counts the animation frames before which a plane, a gallery or a miniature that can be seen was drawn anew.
DRAWN = """(() => {
  let waiting = false;
  window.drawnFrames = 0;
  const original = CanvasRenderingContext2D.prototype.clearRect;
  CanvasRenderingContext2D.prototype.clearRect = function (...box) {
    if (!waiting && this.canvas.isConnected && this.canvas.closest('.gw-points, .gw-pixels-generated, .gw-sweep-picture')) {
      waiting = true;
      requestAnimationFrame(() => { waiting = false; window.drawnFrames += 1; });
    }
    return original.apply(this, box);
  };
})();"""

# What goes wrong in the page without a listener; what a resize leaves for the next frame is no error.
ERRORS = """
window.pageErrors = [];
window.addEventListener('error', event => {
  if (!event.message.startsWith('ResizeObserver loop')) window.pageErrors.push(event.message);
});
window.addEventListener('unhandledrejection', event => window.pageErrors.push(String(event.reason)));
"""

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


class QuietPage:
    """A page that is asked things, but not listened to.

    Playwright records all events in a page, each WebSocket message with its content; five galleries a
    second keep it and the browser's side of it busy for a tenth of a processor, unlike a user's browser.

    Parameters
    ----------
    address : str
        Of the page, for the protocol of Chromium's developer tools.
    """

    def __init__(self, address: str) -> None:
        self._socket: WebSocket = create_connection(address, timeout=120, suppress_origin=True)
        self._asked = 0

    def evaluate(self, script: str, arg: Any = None) -> Any:
        """Return the value of an expression, or what a function returns for an argument; promises are awaited."""
        self._asked += 1
        expression = script if arg is None else f"({script})({json.dumps(arg)})"
        parameters = {"expression": expression, "awaitPromise": True, "returnByValue": True}
        self._socket.send(json.dumps({"id": self._asked, "method": "Runtime.evaluate", "params": parameters}))
        while (answer := json.loads(self._socket.recv())).get("id") != self._asked:
            pass
        found = answer["result"]
        if "exceptionDetails" in found:
            raise RuntimeError(found["exceptionDetails"])
        return found["result"].get("value")

    def wait_for_timeout(self, milliseconds: float) -> None:
        """Wait."""
        time.sleep(milliseconds / 1000)


class Chromium:
    """A headless Chromium of its own process, which stays when Playwright leaves.

    Parameters
    ----------
    folder : Path
        For its files.
    """

    def __init__(self, folder: Path) -> None:
        names = ("chromium", "chromium-browser", "google-chrome")
        executable = next(filter(None, map(shutil.which, names)), None)
        if executable is None:
            raise SystemExit("this benchmark needs chromium, chromium-browser or google-chrome on the PATH")
        own = [
            "--headless",
            "--remote-debugging-port=0",
            "--window-size=1000,1000",
            f"--user-data-dir={folder}",
        ]
        self._process = subprocess.Popen(  # noqa: S603 - found on the PATH, with flags of our own
            [executable, *FLAGS, *own, "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        told = folder / "DevToolsActivePort"
        while not (told.exists() and told.read_text().count("\n")):
            if self._process.poll() is not None:
                raise SystemExit(f"{executable} ended at once")
            time.sleep(0.05)
        self.url = f"http://127.0.0.1:{told.read_text().splitlines()[0]}"

    def page_address(self, path: str) -> str:
        """Return the address, for :class:`QuietPage`, of the page whose URL holds `path`."""
        with urllib.request.urlopen(f"{self.url}/json/list") as answer:  # noqa: S310 - this machine's own
            return next(page["webSocketDebuggerUrl"] for page in json.load(answer) if path in page["url"])

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()


class BenchmarkPage(NotebookPage):
    """A notebook page that can be left alone: see :func:`leave_alone`."""

    def __init__(
        self, page: Page, server: Server, path: str, chromium: Chromium, playwright: Playwright
    ) -> None:
        super().__init__(page, server, path)
        self.chromium = chromium
        self.playwright: Playwright | None = playwright


@contextmanager
def open_notebook() -> Iterator[BenchmarkPage]:
    """Open an empty notebook in JupyterLab; say at the end if the page complained."""
    page_errors = PageErrors()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as profile:
        server, chromium = Server(Path(folder)), Chromium(Path(profile))
        playwright = sync_playwright().start()
        notebook = None
        try:
            page = playwright.chromium.connect_over_cdp(chromium.url).contexts[0].pages[0]
            page.set_default_timeout(60_000)
            page.add_init_script(TAB + DRAWN + ERRORS)
            page_errors.watch(page, server)
            path = f"doc/tree/{server.write_notebook('benchmark.ipynb')}"
            notebook = BenchmarkPage(page, server, path, chromium, playwright)
            yield notebook
            page_errors.exceptions += notebook.page.evaluate("window.pageErrors")
        finally:
            if notebook is None or notebook.playwright is not None:
                playwright.stop()
            chromium.close()
            server.close()
    for error in page_errors.exceptions:
        print("page error:", error.splitlines()[0], file=sys.stderr)


def leave_alone(notebook: BenchmarkPage) -> None:
    """Let Playwright go, so that the page is on its own but for what it is asked; it cannot be clicked any more."""
    address = notebook.chromium.page_address("benchmark.ipynb")
    assert notebook.playwright is not None
    notebook.playwright.stop()
    notebook.playwright = None
    notebook.page = QuietPage(address)


def drawn_frames(notebook: NotebookPage) -> int:
    """Return how many of the browser's animation frames showed a new picture so far."""
    return notebook.page.evaluate("window.drawnFrames")


def show_widget(notebook: BenchmarkPage, part: str) -> None:
    """Display the widget ``w`` and scroll to it, once the page shows the element with the CSS class `part`.

    The views are created after the cell's execution ends: their scripts are loaded first.
    """
    notebook.run("w")
    notebook.widget(part).first.wait_for()
    notebook.page.evaluate("document.querySelector('.gw-root').scrollIntoView()")


def play_in_sight(notebook: BenchmarkPage, source: str, panel: str) -> None:
    """Run `source`, which makes a widget ``w`` and plays it; show it with one of its panels, and leave it alone."""
    notebook.run(source + NOW)
    show_widget(notebook, panel)
    leave_alone(notebook)


def pace(notebook: NotebookPage, seconds: float) -> Pace:
    """Return how the run that is played goes on over the next so many seconds."""
    drawn = drawn_frames(notebook)
    began, first, busy = notebook.value_of("now()")
    notebook.page.wait_for_timeout(1000 * seconds)
    ended, last, busy_then = notebook.value_of("now()")
    drawn = drawn_frames(notebook) - drawn
    took, steps = ended - began, last - first
    return Pace(steps / took, drawn / took, (busy_then - busy) / max(1, steps))


def show_view(notebook: NotebookPage) -> None:
    """Let the widget be seen again, and wait until the kernel knows."""
    notebook.page.evaluate(DISPLAY, arg=True)
    notebook.wait_until("w._pacer.watched")


def hide_view(notebook: NotebookPage) -> None:
    """Take the widget out of sight, and wait until the kernel knows."""
    notebook.page.evaluate(DISPLAY, arg=False)
    notebook.wait_until("not w._pacer.watched")


def hide_tab(notebook: NotebookPage) -> None:
    """Hide the page as if another tab were in front of it."""
    notebook.page.evaluate("window.setHidden(true)")


def show_tab(notebook: NotebookPage) -> None:
    """Show the page again."""
    notebook.page.evaluate("window.setHidden(false)")
