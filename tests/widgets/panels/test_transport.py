"""The transport buttons: each sends its own action, and only applicable ones are enabled."""

from __future__ import annotations

import pytest

from ganwidgets.widgets.panels.transport.panel import ACTIONS, Transport


class Cab:
    def __init__(self, english):
        self.actions, self.asked = [], []
        self.transport = Transport(english, self.actions.append, lambda *wish: self.asked.append(wish))

    def click(self, action):
        self.transport.buttons[action]._handle_button_msg(None, {"event": "click"}, [])

    def enabled(self):
        return {action for action, button in self.transport.buttons.items() if not button.disabled}


@pytest.fixture
def cab(english):
    return Cab(english)


@pytest.mark.parametrize("action", ACTIONS)
def test_each_button_has_a_name_a_tooltip_and_its_own_action(cab, action):
    button = cab.transport.buttons[action]
    assert f"gw-{action}" in button._dom_classes
    assert button.description
    assert button.tooltip.endswith(".")
    cab.click(action)
    assert cab.actions == [action]


@pytest.mark.parametrize(
    ("status", "playing", "cannot"),
    [
        ("idle", False, {"pause", "recover"}),
        ("running", True, {"play", "step", "step_d", "step_g", "recover"}),
        ("paused", False, {"pause", "recover"}),
        ("diverged", False, {"pause"}),
        ("error", False, {"pause"}),
    ],
)
def test_actions_that_do_not_apply_are_disabled(cab, status, playing, cannot):
    cab.transport.show(status, playing=playing)
    assert cab.enabled() == set(ACTIONS) - cannot


def test_the_speed_has_a_control_like_a_setting(cab):
    speed = cab.transport.speed
    assert "gw-speed" in speed.widget._dom_classes
    assert speed.editor.slider.value == speed.editor.slider.max
    speed.editor.box.set_state({"value": 5.0})
    assert cab.asked == [("speed", 5.0)]
    speed.show(0.0)
    assert speed.editor.box.value == 0
    speed.show(5.0)
    speed.editor.box.set_state({"value": 0.0})
    assert cab.asked == [("speed", 5.0)]
    assert speed.editor.box.value == 5
    assert "press Pause" in speed.widget.children[-1].value
    speed.editor.slider.set_state({"value": speed.editor.slider.max})
    assert cab.asked[-1] == ("speed", 0.0)
    assert "gw-speed" in cab.transport.names
