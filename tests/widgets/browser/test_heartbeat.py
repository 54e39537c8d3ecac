"""The heartbeat reports open views and the frames that they have drawn, and carries the stylesheet."""

from __future__ import annotations

from unittest.mock import Mock, call

import pytest

from ganwidgets.widgets.browser.page.heartbeat import Heartbeat


@pytest.fixture
def listener():
    return Mock(spec=["opened", "hello", "bye", "acknowledge", "closed"])


@pytest.fixture
def heartbeat(listener):
    return Heartbeat(listener, {"gw-lr_d": ("Learning rate of D", "How far.")})


def receive(heartbeat, **content):
    heartbeat._handle_custom_msg(content, [])


def test_messages_of_views_call_the_listener(heartbeat, listener):
    receive(heartbeat, open="a")
    receive(heartbeat, hello="a")
    receive(heartbeat, ack=3, view="a")
    receive(heartbeat, bye="a")
    receive(heartbeat, closed="a")
    assert listener.mock_calls == [
        call.opened("a"),
        call.hello("a"),
        call.acknowledge("a", 3),
        call.bye("a"),
        call.closed("a"),
    ]


def test_unknown_messages_are_ignored(heartbeat, listener):
    receive(heartbeat, anything=1)
    assert listener.mock_calls == []


def test_a_beat_is_a_number_and_changes_no_trait(heartbeat, monkeypatch):
    sent = []
    monkeypatch.setattr(heartbeat, "_send", lambda message, buffers=None: sent.append(message))
    heartbeat.beat(7)
    assert sent == [{"method": "custom", "content": {"seq": 7}}]


def test_script_and_stylesheet_are_text(heartbeat):
    assert isinstance(Heartbeat._esm, str)
    assert "requestAnimationFrame" in heartbeat._esm
    assert ".gw-root" in heartbeat._css


def test_names_are_part_of_the_state(heartbeat):
    assert heartbeat.get_state("names") == {"names": {"gw-lr_d": ["Learning rate of D", "How far."]}}
