"""Tests of the harness with widgets of ipywidgets."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from notebook_page import CellError, NotebookPage

SLIDER = "import ipywidgets as widgets; s = widgets.IntSlider(3).add_class('gw-s'); s"


@pytest.mark.parametrize("front_end", ["lab", "classic"])
def test_a_slider_and_the_kernel_move_each_other(front_end, request):
    notebook: NotebookPage = request.getfixturevalue(front_end)
    notebook.run(SLIDER)
    slider = notebook.widget("gw-s")
    expect(slider.locator(".widget-readout")).to_have_text("3")
    # By mouse, because Notebook 7 handles the arrow keys itself.
    slider.locator(".noUi-base").click()
    notebook.wait_until("40 < s.value < 60")
    assert notebook.run("s.value = 7; print('done')") == "done"
    expect(slider.locator(".widget-readout")).to_have_text("7")


def test_a_cell_that_raises_fails_the_test(lab):
    with pytest.raises(CellError, match="ZeroDivisionError"):
        lab.run("1 / 0")
    with pytest.raises(CellError, match="ZeroDivisionError"):
        lab.value_of("1 / 0")
    assert lab.value_of("[1, 2]") == [1, 2]


def test_a_page_error_is_noticed(lab, page_errors):
    lab.page.evaluate("queueMicrotask(() => { throw new Error('on purpose'); })")
    lab.page.wait_for_function("true")
    with pytest.raises(AssertionError, match="on purpose"):
        page_errors.check()
    page_errors.exceptions.clear()


def test_comm_messages_are_counted(lab):
    lab.run(SLIDER)
    before = lab.comm_messages
    lab.run("for i in range(10, 20): s.value = i")
    expect(lab.widget("gw-s").locator(".widget-readout")).to_have_text("19")
    assert lab.comm_messages >= before + 10
