"""Fixtures with real front ends in headless Chromium; tests are skipped without it, unless it is required."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from notebook_page import VIEWPORT, NotebookPage, PageErrors
from servers import Server

FLAGS = [
    "--no-sandbox",  # Chromium refuses to start its sandbox as root, as in containers
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # no connection to other machines
]
TIMEOUT = 120_000  # milliseconds; a bound against waiting forever

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
def all_page_errors() -> PageErrors:
    return PageErrors()


@pytest.fixture
def page_errors(all_page_errors: PageErrors, request: pytest.FixtureRequest) -> Iterator[PageErrors]:
    """Errors of this test's pages; a test that expects errors may clear them."""
    all_page_errors.clear()
    yield all_page_errors
    all_page_errors.check(getattr(request.module, "ALLOWED_OUTSIDE", ()))


@pytest.fixture(scope="session")
def jupyterlab(chromium: Browser, server: Server, all_page_errors: PageErrors) -> Iterator[NotebookPage]:
    """JupyterLab in single-document mode, loaded once, because loading takes longer than most tests."""
    context = new_context(chromium)
    page = context.new_page()
    all_page_errors.watch(page, server)
    notebook = server.write_notebook(f"notebook{next(numbers)}.ipynb")
    yield NotebookPage(page, server, f"doc/tree/{notebook}")
    context.close()


@pytest.fixture
def lab(
    jupyterlab: NotebookPage,
    server: Server,
    page_errors: PageErrors,  # noqa: ARG001 - checked after the notebook is closed
    new_notebook: Callable[..., str],
    request: pytest.FixtureRequest,
) -> Iterator[NotebookPage]:
    """An empty notebook with its own kernel, in JupyterLab's light theme, in a page shared by the tests."""
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
    context: BrowserContext, server: Server, page_errors: PageErrors, request: pytest.FixtureRequest
) -> Iterator[Page]:
    """A page of this test alone, for other front ends and for tests that leave a page unusable."""
    page = context.new_page()
    page_errors.watch(page, server)
    yield page
    keep_screenshot(page, request)
    # JupyterLab asks for confirmation before leaving a changed notebook, and Chromium would wait for a reply.
    page.evaluate("window.onbeforeunload = null")


@pytest.fixture
def new_notebook(server: Server) -> Callable[..., str]:
    """Write a notebook with a new name; return the name."""
    return lambda *cells: server.write_notebook(f"notebook{next(numbers)}.ipynb", *cells)


@pytest.fixture
def own_lab(page: Page, server: Server, new_notebook: Callable[..., str]) -> NotebookPage:
    """An empty notebook in a JupyterLab page of this test alone."""
    notebook = NotebookPage(page, server, f"doc/tree/{new_notebook()}")
    notebook.theme("Light")  # the server stores the theme of an earlier test
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
