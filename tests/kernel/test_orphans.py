"""A cell that is run again leaves no run behind that nobody can stop; in a real kernel, with no page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kernel_session import KernelSession

CELL = """
w = gw.GANTrainerWidget("ring8", batch_size=16, g_hidden=(8,), d_hidden=(8,), seed=1)
w.play()
{last}
"""


def one_is_left(kernel: KernelSession) -> bool:
    """Return whether all runs but one pause, which takes until the end of a step."""
    return any(kernel.ask("len(gw.running())") == 1 for _ in range(500))


@pytest.fixture
def prepared(shared_kernel: KernelSession) -> Iterator[KernelSession]:
    shared_kernel.execute("import ganwidgets as gw")
    yield shared_kernel
    shared_kernel.execute("for name in ('w', 'kept', 'again'): globals().pop(name, None)")
    shared_kernel.execute("for training in gw.running(): training.close()")


@pytest.mark.parametrize("last", ["w", "display(w)", ""])
def test_a_cell_run_again_pauses_the_run_that_it_leaves(prepared, last):
    for _ in range(3):
        prepared.execute(CELL.format(last=last))
    assert one_is_left(prepared)
    assert prepared.ask("w.trainer is gw.running()[0].trainer")
    assert prepared.ask("w.playing")


def test_a_run_that_a_name_leads_to_goes_on(prepared):
    prepared.execute(CELL.format(last="w"))
    prepared.execute("kept = {'first': [w]}")
    prepared.execute(CELL.format(last="w"))
    prepared.execute("kept['first'][0].wait(kept['first'][0].iteration + 5, timeout=60)")
    assert prepared.ask("len(gw.running())") == 2
    prepared.execute("del kept")
    assert one_is_left(prepared)


def test_a_second_widget_on_the_run_holds_it(prepared):
    prepared.execute(CELL.format(last="w"))
    prepared.execute("again = gw.GANTrainerWidget(w.trainer); w = None")
    prepared.execute("again.wait(again.iteration + 5, timeout=60)")
    assert prepared.ask("[training.iteration > 0 for training in gw.running()]") == [True]


def test_what_never_had_a_name_nor_a_page_is_left_alone(prepared):
    """It may be about to be shown: a notebook whose cells run faster than its page is drawn."""
    prepared.execute("(lambda w: (w.play(), display(w)))(gw.GANTrainerWidget('ring8', batch_size=16))")
    for _ in range(3):
        prepared.execute("pass")
    assert prepared.ask("len(gw.running())") == 1


def test_what_trains_can_be_stopped_and_closed(prepared):
    prepared.execute(CELL.format(last="w"))
    assert "ring8" in prepared.execute("gw.running()")
    prepared.execute("gw.running()[0].stop(); w.wait(timeout=60)")
    assert prepared.ask("gw.running()") == []
    prepared.execute("w.play(); gw.running()[0].close()")
    assert prepared.ask("(gw.running(), w._ended)") == [[], True]
