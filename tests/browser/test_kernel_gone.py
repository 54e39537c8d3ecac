"""Content of a page without a kernel, and of a page or notebook that is opened again."""

from __future__ import annotations

import re
import shutil

import pytest
from playwright.sync_api import expect

from notebook_page import NotebookPage
from trainer_view import POINTS, SMALL, TrainerView, show

PLAYING = f"{POINTS.removesuffix('; w')}; w.play(); w"

ICONS = """root => [root, ...root.querySelectorAll('*')]
    .filter(each => !['none', 'normal', ''].includes(getComputedStyle(each, '::before').content)
        && each.classList.contains('jupyter-widgets-disconnected')).length"""


@pytest.mark.parametrize("end", ["restart", "shutdown", "crash"])
def test_the_page_says_that_the_kernel_is_gone_and_keeps_the_picture(own_lab: NotebookPage, page_errors, end):
    lab = own_lab
    view = TrainerView(lab.cell(lab.start(PLAYING)).first)
    view.wait_for_iteration_after(5)
    match end:
        case "restart":
            lab.page.evaluate("harness.kernel().restart()")
        case "shutdown":
            lab.page.evaluate("void harness.panel().sessionContext.shutdown()")
        case "crash":
            lab.page.evaluate(
                'void harness.kernel().requestExecute({ code: \'__import__("os").kill(__import__("os").getpid(), 9)\' })'
            )
    notice = view.root.get_by_role("alert").filter(has_text="The kernel is gone: run the cell again.")
    expect(notice).to_be_visible()
    expect(view.root.locator(".gw-state")).to_have_text("no kernel")
    root = view.root.locator(".gw-root")
    assert root.evaluate(ICONS) == 0
    assert view.panel("plane").first.is_visible()
    # Controls without a kernel accept neither clicks nor focus.
    assert root.locator("button.gw-pause").evaluate("button => button.closest('[inert]') !== null")
    if end == "crash":
        # JupyterLab's dialog about the restart may fail to remove a node that has already been removed.
        page_errors.exceptions[:] = [error for error in page_errors.exceptions if not of_lab(error)]


def of_lab(error: str) -> bool:
    """Return True if a page error about a removed node comes from JupyterLab's core alone."""
    places = re.findall(r"(?:https?|blob):\S+", error)
    return "removeChild" in error and bool(places) and all("jlab_core" in place for place in places)


def test_a_page_that_is_loaded_again_shows_the_run(lab: NotebookPage):
    view = show(lab)
    view.button("play").click()
    view.wait_for_iteration_after(0)
    lab.save()
    seen = lab.value_of("w.iteration")
    lab.reload()
    again = TrainerView(lab.cell(1))
    again.wait_for_iteration_after(seen)
    again.wait_for_repaint("plane")
    again.button("pause").click()
    lab.wait_until("not w.playing")


def test_a_notebook_that_is_opened_again_shows_the_stored_picture(own_lab: NotebookPage, page_errors):
    lab = own_lab
    view = TrainerView(lab.cell(lab.start(f"{POINTS.removesuffix('; w')}; w.step(20); w.wait(); w")).first)
    view.wait_for_iteration_after(19)
    stored = lab.page.locator("img[class^=gw-stored]")
    expect(stored).to_have_count(1)
    expect(stored).to_be_hidden()
    lab.save()
    lab.page.evaluate("window.onbeforeunload = null")
    folder = lab.server.notebooks
    newest = max(folder.glob("*.ipynb"), key=lambda path: path.stat().st_mtime)
    # Under another name the notebook has a new kernel without widgets.
    shutil.copy(newest, folder / f"again-{newest.name}")
    again = NotebookPage(lab.page, lab.server, f"doc/tree/again-{newest.name}")
    again.page.get_by_text("Loading widget").wait_for(state="detached")
    expect(stored).to_be_visible()
    assert stored.evaluate("image => image.naturalWidth") > 300
    expect(lab.page.get_by_text("Error displaying widget")).to_be_hidden()
    page_errors.console_errors.clear()  # JupyterLab logs there that it found no model


def test_running_a_cell_again_pauses_its_earlier_run(lab: NotebookPage):
    index = lab.start(PLAYING)
    TrainerView(lab.cell(index).first).wait_for_iteration_after(5)
    lab.execute("first = __import__('weakref').ref(w)")
    lab.page.evaluate("index => harness.run(index)", index)
    lab.wait_until("first() is not w and not first().playing and w.playing")
    assert lab.value_of("[training.trainer is w.trainer for training in gw.running()]") == [True]


def test_a_run_without_a_name_is_paused_when_its_output_is_cleared(lab: NotebookPage):
    index = lab.start(f"import ganwidgets as gw; gw.GANTrainerWidget('ring8', {SMALL})")
    view = TrainerView(lab.cell(index).first)
    view.button("play").click()
    view.wait_for_iteration_after(5)
    assert lab.value_of("len(gw.running())") == 1
    lab.page.evaluate(
        "index => { harness.panel().content.activeCellIndex = index;"
        " return jupyterapp.commands.execute('notebook:clear-cell-output'); }",
        index,
    )
    lab.wait_until("gw.running() == []")
