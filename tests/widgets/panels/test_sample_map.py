"""The map of images: computed only while it is open, with an image for each point."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from moments import images_frame

from ganwidgets.live.frames.explorer import Read
from ganwidgets.live.observations import Crowd
from ganwidgets.live.worker.background import LatestOnlyTasks
from ganwidgets.widgets.panels.samples.sample_map import SampleMap


class Reader:
    """An explorer whose features are the mean pixels of each row and column."""

    def features_of(self, images):
        gray = images.mean(axis=1)
        return Read("rows and columns", np.concatenate([gray.mean(axis=1), gray.mean(axis=2)], axis=1))


@pytest.fixture
def asked():
    return []


@pytest.fixture
def samples(english, asked):
    tasks = LatestOnlyTasks()
    yield SampleMap(english, Reader(), tasks, lambda: asked.append(True))
    tasks.close()


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


def test_nothing_is_requested_before_it_is_opened(samples, asked, sent):
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
    ((_, note),) = frame["notes"]
    assert f"iteration 7: {channels * side * side} numbers" in note
    samples.draw(images_frame(seen={"crowd": crowd(8, channels, side)}))
    assert len(sent) == 2


def test_a_reloaded_page_gets_everything_again(samples, sent, asked):
    many = crowd()
    samples.draw(images_frame(seen={"crowd": many}))
    samples.view._handle_custom_msg({"hello": True}, [])
    assert asked == [True]
    samples.draw(images_frame(seen={"crowd": many}))
    assert len(sent) == 2


def test_umap_places_neighbours_in_feature_space_together_and_is_named_in_the_note(samples, sent, asked):
    pytest.importorskip("umap")
    samples.layout.set_state({"index": 1})
    assert asked
    dark, light = np.random.default_rng(0).random((2, 100, 1, 8, 8), dtype=np.float32) / 4
    images = np.concatenate([dark, light + 0.75])
    many = Crowd(7, images, images[::-1].copy())
    samples.draw(images_frame(seen={"crowd": many}))
    samples._tasks.settle()
    (waiting, _), (frame, buffers) = sent
    assert waiting["parts"][0] == ["real", "f4", (0, 2)]
    parts = dict(zip((name for name, _, _ in frame["parts"]), buffers, strict=True))
    real, generated = (
        np.frombuffer(parts[name], np.float32).reshape(-1, 2) for name in ("real", "generated")
    )
    apart = np.linalg.norm(real[:100].mean(axis=0) - real[100:].mean(axis=0))
    for group in (real[:100], real[100:]):
        assert np.linalg.norm(group - group.mean(axis=0), axis=1).max() < apart / 2
    assert np.abs(generated[::-1] - real).max() < apart / 2
    ((_, note),) = frame["notes"]
    assert "UMAP" in note
    assert "rows and columns" in note
    samples.layout.set_state({"index": 0})
    samples.draw(images_frame(seen={"crowd": many}))
    assert "PCA" in sent[-1][0]["notes"][0][1]


def test_without_umap_learn_the_page_names_the_package_and_shows_the_other_map(samples, sent, monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    samples.layout.set_state({"index": 1})
    samples.draw(images_frame(seen={"crowd": crowd()}))
    samples._tasks.settle()
    frame, _ = sent[-1]
    assert "pip install ganwidgets[umap]" in frame["notes"][0][1]
    assert frame["axes"] == ["PC 1", "PC 2"]
    assert frame["parts"][0] == ["real", "f4", (200, 2)]
