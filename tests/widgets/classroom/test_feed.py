"""Frames and rows for a client: every change that it missed, and no more frames than it draws."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from ganwidgets.widgets.classroom.feed import MOST_ROWS, Feed
from ganwidgets.widgets.classroom.flow import MOST, QUICK, Flow


class Client:
    """Applies messages like the page of a class."""

    def __init__(self, feed):
        self.feed = feed
        self.version, self.rows, self.parts = 0, [], {}

    def fetch(self):
        self.version, data = self.feed.packed(self.version, {})
        length = int.from_bytes(data[:4], "little")
        header = json.loads(data[4 : 4 + length])
        self.rows = header["rows"] if header["anew"] else self.rows + header["rows"]
        parts, at = {name: self.parts[name] for name in header["frame"]["keep"]}, 4 + length
        for (name,), size in zip(header["frame"]["parts"], header["lengths"], strict=True):
            parts[name], at = data[at : at + size], at + size
        self.parts = parts
        return len(header["rows"])


def stored(feed, iteration, text=b""):
    feed.store({"frame": {"parts": [["real"]]}}, [text], [iteration, iteration / 2, None])


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=30))
def test_a_client_that_misses_frames_has_the_same_rows_as_one_that_joins(steps):
    feed = Feed()
    client = Client(feed)
    kept = []
    for iteration, fetches in steps:
        stored(feed, iteration, bytes([iteration]))
        kept = [*(each for each in kept if each < iteration), iteration]
        if fetches:
            client.fetch()
    client.fetch()
    joined = Client(feed)
    joined.fetch()
    assert client.rows == joined.rows == [[each, each / 2, None] for each in kept]
    assert client.parts == joined.parts


def test_a_client_gets_only_the_rows_that_it_does_not_have():
    feed = Feed()
    client = Client(feed)
    for iteration in range(MOST_ROWS):
        stored(feed, iteration)
    assert client.fetch() == MOST_ROWS
    stored(feed, MOST_ROWS - 1)
    assert client.fetch() == 0, "the run is paused"
    stored(feed, MOST_ROWS)
    assert client.fetch() == len(client.rows) == MOST_ROWS // 2 + 1, "every second one was dropped"
    stored(feed, MOST_ROWS + 1)
    assert client.fetch() == 1


def asked(flow, frames, answer):
    """Send frames, answer requests after `answer` seconds, and return which frames were requests."""
    found = []
    for number in range(frames):
        assert flow.open
        found.append(flow.asks())
        flow.sent(number)
        if found[-1]:
            assert not flow.open
            flow.acknowledged(number + answer)
    return found


def test_a_client_that_answers_quickly_is_asked_less_often():
    flow = Flow()
    assert asked(flow, 2 + 4 + 2 * MOST, QUICK / 2) == [
        *[True, False, True, False, False, False, True],
        *[*[False] * (MOST - 1), True],
        *[False] * (2 + 4 + 2 * MOST - 7 - MOST),
    ]


def test_a_slow_client_is_asked_at_each_frame():
    flow = Flow()
    assert all(asked(flow, 5, 2 * QUICK))
    asked(flow, 7, QUICK / 2)
    while not flow.asks():
        flow.sent(0.0)
    flow.sent(0.0)
    flow.acknowledged(2 * QUICK)
    assert flow.asks()


def test_a_client_that_does_not_answer_gets_no_more_frames_and_unrequested_answers_are_ignored():
    flow = Flow()
    flow.acknowledged(0.0)
    assert flow.asks()
    flow.sent(1.0)
    assert not flow.open
