"""Real front ends in headless Chromium; skipped where there is none, unless it is required."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from notebook_page import VIEWPORT, Complaints, NotebookPage
from servers import Server

FLAGS = [
    "--no-sandbox",  # Chromium refuses its sandbox to root, as in containers
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # everything comes from this machine
]
TIMEOUT = 120_000  # milliseconds; a bound against waiting for ever

expect.set_options(timeout=TIMEOUT)

numbers = count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    executable = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if executable is None:
        reason = "there is no chromium, chromium-browser or google-chrome on the PATH"
        if os.environ.get("GANWIDGETS_REQUIRE_BROWSER") == "1":
            pytest.fail(f"{reason}, and GANWIDGETS_REQUIRE_BROWSER is 1", pytrace=False)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("server"))
    yield server
    server.close()


@pytest.fixture(scope="session")
def all_complaints() -> Complaints:
    return Complaints()


@pytest.fixture
def complaints(all_complaints: Complaints, request: pytest.FixtureRequest) -> Iterator[Complaints]:
    """What the pages of this test complained about; a test that expects complaints may clear them."""
    all_complaints.clear()
    yield all_complaints
    all_complaints.check(getattr(request.module, "ALLOWED_OUTSIDE", ()))


@pytest.fixture(scope="session")
def jupyterlab(chromium: Browser, server: Server, all_complaints: Complaints) -> Iterator[NotebookPage]:
    """JupyterLab with nothing but a notebook, loaded once: that takes longer than most of the tests."""
    context = new_context(chromium)
    page = context.new_page()
    all_complaints.watch(page, server)
    notebook = server.write_notebook(f"notebook{next(numbers)}.ipynb")
    yield NotebookPage(page, server, f"doc/tree/{notebook}")
    context.close()


@pytest.fixture
def lab(
    jupyterlab: NotebookPage,
    server: Server,
    complaints: Complaints,  # noqa: ARG001 - checked after the notebook is closed
    new_notebook: Callable[..., str],
    request: pytest.FixtureRequest,
) -> Iterator[NotebookPage]:
    """An empty notebook in JupyterLab's light theme, with a kernel of its own, in the page that the tests share."""
    jupyterlab.open(new_notebook())
    yield jupyterlab
    keep_screenshot(jupyterlab.page, request)
    jupyterlab.close()
    server.stop_kernels()


@pytest.fixture
def context(chromium: Browser, server: Server) -> Iterator[BrowserContext]:
    context = new_context(chromium)
    yield context
    context.close()
    server.stop_kernels()


@pytest.fixture
def page(
    context: BrowserContext, server: Server, complaints: Complaints, request: pytest.FixtureRequest
) -> Iterator[Page]:
    """A page that no other test sees, for other front ends and for tests that leave a page unusable."""
    page = context.new_page()
    complaints.watch(page, server)
    yield page
    keep_screenshot(page, request)
    # JupyterLab asks before a changed notebook is left, and Chromium would wait for an answer.
    page.evaluate("window.onbeforeunload = null")


@pytest.fixture
def new_notebook(server: Server) -> Callable[..., str]:
    """Write a notebook under a name of its own; return the name."""
    return lambda *cells: server.write_notebook(f"notebook{next(numbers)}.ipynb", *cells)


@pytest.fixture
def own_lab(page: Page, server: Server, new_notebook: Callable[..., str]) -> NotebookPage:
    """An empty notebook in a JupyterLab that no other test sees."""
    notebook = NotebookPage(page, server, f"doc/tree/{new_notebook()}")
    notebook.theme("Light")  # the server remembers what another test chose
    return notebook


@pytest.fixture
def classic(page: Page, server: Server, new_notebook: Callable[..., str]) -> NotebookPage:
    """An empty notebook in Notebook 7."""
    return NotebookPage(page, server, f"notebooks/{new_notebook()}")


def new_context(chromium: Browser) -> BrowserContext:
    context = chromium.new_context(viewport=VIEWPORT)
    context.set_default_timeout(TIMEOUT)
    return context


def keep_screenshot(page: Page, request: pytest.FixtureRequest) -> None:
    if folder := os.environ.get("GANWIDGETS_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{request.node.name}.png")
