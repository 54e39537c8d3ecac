"""The widget in a real kernel: its messages, its thread, and its closing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from kernel_session import CellError, KernelSession, blocked

PRELUDE = """
import threading
import ganwidgets as gw
import ipywidgets

def control(css_class, kind):
    "The model of the input of this kind in the control with this class."
    def below(widget, inside):
        inside = inside or css_class in widget._dom_classes
        children = getattr(widget, "children", ())
        if inside and isinstance(widget, kind):
            yield widget
        for child in children:
            yield from below(child, inside)
    return next(below(w, False)).model_id
"""
WIDGET = "w = gw.GANTrainerWidget('ring8', batch_size=16, g_hidden=(8,), d_hidden=(8,), seed=1)"


@pytest.fixture(scope="module")
def prepared(shared_kernel: KernelSession) -> KernelSession:
    shared_kernel.execute(PRELUDE)
    return shared_kernel


@pytest.fixture
def live(prepared: KernelSession) -> Iterator[KernelSession]:
    """A kernel with a new widget `w`."""
    prepared.execute(WIDGET)
    yield prepared
    prepared.execute("w.close()")


@pytest.fixture(params=["main shell", "subshell"])
def shell(request: pytest.FixtureRequest, prepared: KernelSession) -> str | None:
    """Shell that handles messages: the id of a subshell, or None for the main shell."""
    return prepared.shell(request.param)


def number_box(kernel: KernelSession, setting: str) -> str:
    return kernel.value_of(f"control('gw-{setting}', ipywidgets.FloatText)")


def button(kernel: KernelSession, action: str) -> str:
    return kernel.value_of(f"control('gw-{action}', ipywidgets.Button)")


def test_a_widget_is_complete_when_it_opens(prepared):
    """A page that cannot keep up with a burst of messages can lose parts of a widget."""
    kinds = Counter(message["msg_type"] for message in prepared.published(prepared.start(WIDGET)))
    prepared.execute("w.close()")
    assert 300 < kinds["comm_open"] < 450
    assert kinds["comm_msg"] < 40, "classes, texts and children come with the models"


def test_a_control_changes_the_trainer(live, shell):
    live.send_update(number_box(live, "lr_d"), subshell=shell, value=2e-4)
    live.wait_until("w.trainer.settings.lr_d == 2e-4 and w.lr_d == 2e-4")


def test_a_control_changes_the_trainer_while_it_plays(live, shell):
    live.execute("w.play()")
    live.send_update(number_box(live, "lr_d"), subshell=shell, value=2e-4)
    live.wait_until("w.trainer.settings.lr_d == 2e-4 and w.lr_d == 2e-4")
    assert live.value_of("w.playing")


def test_control_messages_are_handled_while_a_cell_blocks(live, shell):
    box, play = number_box(live, "lr_d"), button(live, "play")
    with blocked(live):
        live.send_update(box, subshell=shell, value=2e-4)
        live.send_click(play, subshell=shell)
        if shell is not None:
            assert live.value_of("1 + 1", subshell=shell) == 2
    live.wait_until("w.trainer.settings.lr_d == 2e-4 and w.playing and w.iteration > 5")


def test_controls_take_effect_while_a_cell_blocks(live):
    subshell = live.shell("subshell")
    box, play = number_box(live, "lr_d"), button(live, "play")
    with blocked(live):
        live.send_update(box, subshell=subshell, value=2e-4)
        live.send_click(play, subshell=subshell)
        live.wait_until("w.trainer.settings.lr_d == 2e-4 and w.iteration > 5", subshell=subshell)


def test_training_continues_while_a_cell_blocks(live):
    live.execute("w.play()")
    if live.has_subshells:
        subshell = live.new_subshell()
        with blocked(live):
            seen = live.value_of("w.iteration", subshell=subshell)
            live.wait_until(f"w.iteration > {seen} + 20", subshell=subshell)
    else:
        # Only the cell itself can check this.
        live.execute("w.wait(iteration=w.iteration + 20, timeout=60)")


def test_an_assignment_in_a_cell_moves_the_controls(live):
    box = number_box(live, "lr_d")
    live.execute("w.lr_d = 3e-4")
    live.wait_for_update(box, value=3e-4)


def test_a_cell_can_wait(live):
    live.execute("w.play(until=30)\nw.wait(iteration=30, timeout=60)")
    live.execute("w.wait(timeout=60)")
    assert live.value_of("(w.iteration, w.trainer.iteration, w.playing)") == [30, 30, False]
    live.execute("w.step(5)\nw.wait(timeout=60)")
    assert live.value_of("w.iteration") == 35


def test_waiting_times_out(live):
    with pytest.raises(CellError, match="TimeoutError"):
        live.execute("w.play()\nw.wait(iteration=10**9, timeout=0.1)")
    assert live.value_of("1 + 1") == 2


def test_buttons_work(live, shell):
    live.send_click(button(live, "step"), subshell=shell)
    live.wait_until("w.iteration == 1")
    live.send_click(button(live, "play"), subshell=shell)
    live.wait_until("w.playing and w.iteration > 3")
    live.send_click(button(live, "pause"), subshell=shell)
    live.wait_until("not w.playing and w.status == 'paused'")
    live.send_click(button(live, "reset"), subshell=shell)
    live.wait_until("w.iteration == 0")


def test_an_exception_in_a_network_becomes_a_state_and_the_kernel_responds(prepared):
    prepared.execute(
        """
import torch

class Fragile(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)
        self.broken = False

    def forward(self, x):
        if self.broken:
            raise RuntimeError("the layer fell off")
        return self.layer(x)

fragile = Fragile()
w = gw.GANTrainerWidget("ring8", discriminator=fragile, batch_size=16)
w.play()
w.wait(iteration=5, timeout=60)
fragile.broken = True
"""
    )
    prepared.wait_until("w.status == 'error'")
    assert prepared.value_of("1 + 1") == 2
    assert "the layer fell off" in prepared.value_of("w.error")
    with pytest.raises(CellError, match="the layer fell off"):
        prepared.execute("w.wait(timeout=60)")
    prepared.execute("fragile.broken = False; w.recover(); w.step(); w.wait(timeout=60)")
    assert prepared.value_of("w.status") != "error"
    prepared.execute("w.close()")


@pytest.mark.parametrize("state", ["idle", "playing", "closed"])
def test_the_kernel_ends_cleanly(kernel, state):
    kernel.execute(PRELUDE + WIDGET)
    if state != "idle":
        kernel.execute("w.play()\nw.wait(iteration=20, timeout=60)")
    if state == "closed":
        kernel.execute("w.close()")
    assert kernel.close() == 0
    for trace in ("Fatal Python error", "Traceback", "terminate called", "core dumped"):
        assert trace not in kernel.output


def test_closing_ends_the_thread(live):
    live.execute("w.play()\nw.wait(iteration=5, timeout=60)")
    before = live.value_of("threading.active_count()")
    live.execute("w.close()")
    live.wait_until(f"threading.active_count() < {before}")
