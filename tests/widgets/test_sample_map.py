"""The map of images: computed only while it is open, and each point's image goes with it."""

from __future__ import annotations

import numpy as np
import pytest
from moments import images_frame

from ganwidgets.live.observations import Crowd
from ganwidgets.widgets.sample_map import SampleMap


@pytest.fixture
def asked():
    return []


@pytest.fixture
def samples(english, asked):
    return SampleMap(english, lambda: asked.append(True))


@pytest.fixture
def sent(samples, monkeypatch):
    messages = []
    monkeypatch.setattr(
        samples.view, "send", lambda content, buffers: messages.append((content["frame"], buffers))
    )
    return messages


def crowd(iteration=7, channels=1, side=8):
    images = np.random.default_rng(iteration).random((200, channels, side, side), dtype=np.float32)
    return Crowd(iteration, images, images[::-1].copy())


def test_nothing_is_wanted_until_it_is_opened(samples, asked, sent):
    assert samples.needs == frozenset()
    samples.draw(images_frame())
    assert sent == []
    samples.toggle.value = True
    assert samples.needs == {"crowd"}
    assert len(asked) == 1
    assert "gw-hidden" not in samples._map._dom_classes
    samples.toggle.value = False
    assert samples.needs == frozenset()
    assert "gw-hidden" in samples._map._dom_classes


@pytest.mark.parametrize(("channels", "side", "shape"), [(1, 8, [200, 8, 8, 1]), (3, 64, [200, 32, 32, 3])])
def test_points_and_small_images_are_sent_once_for_each_crowd(samples, sent, channels, side, shape):
    many = crowd(channels=channels, side=side)
    samples.draw(images_frame(seen={"crowd": many}))
    samples.draw(images_frame(seen={"crowd": many}))
    ((frame, buffers),) = sent
    parts = {
        name: (list(size), buffer) for (name, _, size), buffer in zip(frame["parts"], buffers, strict=True)
    }
    assert parts["real"][0] == [200, 2]
    size, pixels = parts["image_generated"]
    assert size == shape
    first = np.frombuffer(pixels, np.uint8).reshape(shape)[0, 0, 0]
    assert np.array_equal(first, np.rint(255 * many.generated[0, :channels, 0, 0]))
    ((_, said),) = frame["notes"]
    assert f"iteration 7: {channels * side * side} numbers" in said
    samples.draw(images_frame(seen={"crowd": crowd(8, channels, side)}))
    assert len(sent) == 2


def test_a_page_that_is_loaded_again_gets_everything_again(samples, sent, asked):
    many = crowd()
    samples.draw(images_frame(seen={"crowd": many}))
    samples.view._handle_custom_msg({"hello": True}, [])
    assert asked == [True]
    samples.draw(images_frame(seen={"crowd": many}))
    assert len(sent) == 2
