"""What a page shows once the kernel is gone, or once the page or the notebook is opened again."""

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
def test_the_page_says_that_the_kernel_is_gone_and_keeps_the_picture(own_lab: NotebookPage, complaints, end):
    lab = own_lab
    view = TrainerView(lab.cell(lab.start(PLAYING)).first)
    view.until_iteration_passes(5)
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
    # Nothing answers any more, so nothing takes a click or the focus.
    assert root.locator("button.gw-pause").evaluate("button => button.closest('[inert]') !== null")
    if end == "crash":
        # JupyterLab's own dialog about the restart may fail to remove a node that is gone already.
        complaints.page_errors[:] = [error for error in complaints.page_errors if not of_lab(error)]


def of_lab(error: str) -> bool:
    """Return whether a page error about a removed node comes from JupyterLab's core alone."""
    places = re.findall(r"(?:https?|blob):\S+", error)
    return "removeChild" in error and bool(places) and all("jlab_core" in place for place in places)


def test_a_page_that_is_loaded_again_shows_the_run(lab: NotebookPage):
    view = show(lab)
    view.button("play").click()
    view.until_iteration_passes(0)
    lab.save()
    seen = lab.ask("w.iteration")
    lab.reload()
    again = TrainerView(lab.cell(1))
    again.until_iteration_passes(seen)
    again.until_drawn_anew("plane")
    again.button("pause").click()
    lab.until("not w.playing")


def test_a_notebook_that_is_opened_again_shows_the_stored_picture(own_lab: NotebookPage, complaints):
    lab = own_lab
    view = TrainerView(lab.cell(lab.start(f"{POINTS.removesuffix('; w')}; w.step(20); w.wait(); w")).first)
    view.until_iteration_passes(19)
    stored = lab.page.locator("img[class^=gw-stored]")
    expect(stored).to_have_count(1)
    expect(stored).to_be_hidden()
    lab.save()
    lab.page.evaluate("window.onbeforeunload = null")
    folder = lab.server.notebooks
    newest = max(folder.glob("*.ipynb"), key=lambda path: path.stat().st_mtime)
    # Under another name it has a kernel of its own, which knows no widget.
    shutil.copy(newest, folder / f"again-{newest.name}")
    again = NotebookPage(lab.page, lab.server, f"doc/tree/again-{newest.name}")
    again.page.get_by_text("Loading widget").wait_for(state="detached")
    expect(stored).to_be_visible()
    assert stored.evaluate("image => image.naturalWidth") > 300
    expect(lab.page.get_by_text("Error displaying widget")).to_be_hidden()
    complaints.console_errors.clear()  # JupyterLab says there that it found no model


def test_a_cell_that_is_run_again_pauses_the_run_that_it_replaces(lab: NotebookPage):
    index = lab.start(PLAYING)
    TrainerView(lab.cell(index).first).until_iteration_passes(5)
    lab.execute("first = __import__('weakref').ref(w)")
    lab.page.evaluate("index => harness.run(index)", index)
    lab.until("first() is not w and not first().playing and w.playing")
    assert lab.ask("[training.trainer is w.trainer for training in gw.running()]") == [True]


def test_what_has_no_name_is_paused_once_its_output_is_cleared(lab: NotebookPage):
    index = lab.start(f"import ganwidgets as gw; gw.GANTrainerWidget('ring8', {SMALL})")
    view = TrainerView(lab.cell(index).first)
    view.button("play").click()
    view.until_iteration_passes(5)
    assert lab.ask("len(gw.running())") == 1
    lab.page.evaluate(
        "index => { harness.panel().content.activeCellIndex = index;"
        " return jupyterapp.commands.execute('notebook:clear-cell-output'); }",
        index,
    )
    lab.until("gw.running() == []")
