"""Tests of the harness with widgets of ipywidgets."""

from __future__ import annotations

import pytest

from kernel_session import CellError, KernelSession, blocked


@pytest.fixture(params=["main shell", "subshell"])
def shell(request: pytest.FixtureRequest, kernel: KernelSession) -> str | None:
    """Shell that handles messages: the id of a subshell, or None for the main shell."""
    return kernel.shell(request.param)


SLIDER = "import ipywidgets as widgets, threading; s = widgets.IntSlider(3)"


def test_a_control_moves_the_kernel_and_a_thread_moves_the_control(kernel: KernelSession, shell):
    kernel.execute(SLIDER)
    slider = kernel.value_of("s.model_id")
    kernel.send_update(slider, subshell=shell, value=7)
    kernel.wait_until("s.value == 7")
    kernel.execute("t = threading.Thread(target=lambda: setattr(s, 'value', 50)); t.start(); t.join()")
    kernel.wait_for_update(slider, value=50)


def test_a_message_is_handled_while_a_cell_blocks(kernel: KernelSession, shell):
    kernel.execute(
        SLIDER
        + "; threads = []; s.observe(lambda _: threads.append(threading.current_thread().name), names='value')"
    )
    slider = kernel.value_of("s.model_id")
    with blocked(kernel):
        kernel.send_update(slider, subshell=shell, value=7)
        if shell is not None:
            assert kernel.value_of("1 + 1", subshell=shell) == 2
    kernel.wait_until("s.value == 7")
    assert len(kernel.value_of("threads")) == 1


def test_a_cell_that_raises_fails_the_test(kernel: KernelSession):
    with pytest.raises(CellError, match="ZeroDivisionError"):
        kernel.execute("1 / 0")
    assert kernel.execute("print('still here')") == "still here"


def test_other_output_is_not_part_of_a_value(kernel: KernelSession, shell):
    kernel.execute(
        "import sys\ndef noisy():\n  print('a line'); print('a warning', file=sys.stderr); return [1]"
    )
    assert kernel.value_of("noisy()", subshell=shell) == [1]


def test_the_kernel_ends_cleanly_while_a_thread_runs(kernel: KernelSession):
    kernel.execute(SLIDER + "; halt = threading.Event()")
    kernel.execute("def work():\n  while not halt.wait(0.001): s.value = s.value % 8 + 1")
    kernel.execute("threading.Thread(target=work, daemon=True).start()")
    kernel.wait_for_update(kernel.value_of("s.model_id"), value=8)
    assert kernel.close() == 0
    assert "Fatal" not in kernel.output
