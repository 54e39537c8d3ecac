"""The gallery: its messages to the page, and the effects of the user's choices."""

from __future__ import annotations

import dataclasses
import threading
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from moments import images_frame

import ganwidgets as gw
from ganwidgets.live import Camera, Runner
from ganwidgets.live.frames.explorer import Earlier, Neighbor, Ways
from ganwidgets.live.observations import Scores
from ganwidgets.live.worker.background import LatestOnlyTasks
from ganwidgets.rendering.pictures.image_grid import packed
from ganwidgets.widgets.panels.export.panel import SavingPanel, file_name
from ganwidgets.widgets.panels.samples.panel import SamplesPanel


class Guide:
    """An explorer that records its calls."""

    def __init__(self) -> None:
        self.asked: list[tuple] = []
        self.forgotten = 0

    def ways(self, exhibits, chosen, direction, amount):
        self.asked.append(("ways", exhibits.count, list(chosen), direction, amount))
        walk = np.zeros((9, 8, 8), np.uint8) if len(chosen) > 1 else None
        line = np.zeros((7, 8, 8), np.uint8) if direction else None
        return Ways(walk, line, None if line is None else line[:1])

    def earlier(self, exhibits, index):
        self.asked.append(("earlier", exhibits.count, index))
        return Earlier((0, 100), np.zeros((2, 8, 8), np.uint8))

    def neighbor(self, exhibits, index):
        self.asked.append(("neighbor", exhibits.count, index))
        return Neighbor(np.zeros((1, 8, 8), np.uint8), 1.5, 2.5)

    def forget_directions(self):
        self.forgotten += 1


@pytest.fixture
def gallery(english):
    """A panel with its sent messages and its explorer."""
    guide, tasks, requests = Guide(), LatestOnlyTasks(), []
    panel = SamplesPanel(english, guide, tasks, lambda: requests.append(1))
    sent = []
    panel.view.send = lambda content, buffers: sent.append((content, buffers))

    def settled(kind):
        tasks.settle()
        return [content[kind] for content, _ in sent if kind in content]

    yield SimpleNamespace(panel=panel, sent=sent, guide=guide, requests=requests, settled=settled)
    tasks.close()


def parts(message) -> dict[str, np.ndarray]:
    content, buffers = message
    listed = next(iter(content.values()))["parts"]
    return {
        name: np.frombuffer(buffer, kind).reshape(shape)
        for (name, kind, shape), buffer in zip(listed, buffers, strict=True)
    }


@pytest.mark.parametrize(("channels", "side"), [(1, 8), (3, 16)])
def test_the_page_gets_every_pixel_unchanged(gallery, channels, side):
    frame = images_frame(channels, side)
    gallery.panel.draw(frame)
    got = parts(gallery.sent[0])
    for name in ("generated", "real"):
        assert np.array_equal(got[name], packed(getattr(frame, name)))


def test_unchanged_parts_are_sent_once_to_each_view(gallery):
    frame = images_frame(seen={"latents": np.zeros((25, 4), np.float32)})
    gallery.panel.draw(frame)
    gallery.panel.draw(dataclasses.replace(frame, iteration=frame.iteration + 1))
    assert [sorted(parts(message)) for message in gallery.sent] == [
        ["generated", "latents", "real"],
        ["generated"],
    ]
    gallery.panel.view._on_message(None, {"hello": True}, [])
    assert gallery.requests
    gallery.panel.draw(frame)
    assert sorted(parts(gallery.sent[-1])) == ["generated", "latents", "real"]


def test_real_images_are_sent_once_during_training(gallery):
    runner = Runner(gw.GANTrainer("digits", seed=1, batch_size=16, g_hidden=(8,), d_hidden=(8,)))
    camera = Camera(runner)
    camera.request = replace(camera.request, wanted=frozenset({"latents"}))
    for _ in range(3):
        runner.step(1)
        runner.wait()
        gallery.panel.draw(camera.take())
    assert [sorted(parts(message)) for message in gallery.sent] == [
        ["generated", "latents", "real"],
        ["generated"],
        ["generated"],
    ]
    runner.close()


def test_the_prepared_frame_is_drawn(gallery):
    frame = images_frame()
    send = gallery.panel.prepared(frame)
    assert not gallery.sent
    send()
    assert np.array_equal(parts(gallery.sent[0])["generated"], packed(frame.generated))


def test_a_walk_shows_the_batch_of_its_update_with_a_text(gallery):
    runner = Runner(gw.GANTrainer("digits", seed=1, batch_size=16, g_hidden=(8,), d_hidden=(8,)))
    camera, panel, frames = Camera(runner), gallery.panel, []

    def drawn():
        runner.wait()
        frame = camera.take()
        panel.draw(frame)
        last = [message for message in gallery.sent if "frame" in message[0]][-1]
        frames.append(last[0]["frame"])
        return frame.inside, parts(last)

    drawn()
    runner.look_inside("both")
    inside, got = drawn()
    assert len(got["generated"]) == 0
    assert np.array_equal(got["real"], packed(inside.real))
    runner.walk("next")
    inside, got = drawn()
    assert np.array_equal(got["generated"], packed(inside.step.generated.numpy()))
    assert np.array_equal(got["latents"], inside.step.noise.numpy())
    panel.view.chosen = [2, 4]  # a walk between samples that are not on the page
    assert gallery.settled("ways") == []
    for _ in range(6):
        runner.walk("next")
    inside, got = drawn()
    assert (inside.step.network, len(got["real"]), len(got["generated"])) == ("generator", 0, 16)
    runner.walk("leave")
    _, got = drawn()
    assert np.array_equal(got["real"], packed(panel._real))
    assert [(frame.get("batch") or {}).get("real") for frame in frames] == [None, 16, 16, 0, None]
    assert len({frame["batch"]["text"] for frame in frames[1:-1]}) == 3
    runner.close()


def test_scores_are_requested_only_while_a_page_shows_them(gallery):
    panel = gallery.panel
    assert panel.needs == {"latents"}
    panel.view.inspected = 3
    assert panel.needs == {"latents", "scores"}
    panel.view.inspected = -1
    panel.view.chosen = [2]
    assert "scores" in panel.needs
    scores = Scores(*(np.full(25, value, np.float32) for value in (0.9, 0.25, 1, -1)))
    panel.draw(images_frame(seen={"scores": scores}))
    assert (parts(gallery.sent[0])["scores"] == 0.25).all()


def test_two_chosen_samples_make_a_walk_that_is_updated_during_training(gallery):
    panel = gallery.panel
    panel.draw(images_frame())
    panel.view.chosen = [2, 4]
    assert len(gallery.settled("ways")) == 1
    assert [name for name, _, _ in gallery.settled("ways")[0]["parts"]] == ["walk"]
    panel.draw(images_frame())
    assert len(gallery.settled("ways")) == 2
    assert gallery.guide.asked[0] == ("ways", 25, [2, 4], "", 0.0)


def test_a_drag_along_a_direction_requests_only_that_direction(gallery):
    panel = gallery.panel
    panel.draw(images_frame())
    panel.view.chosen = [2]
    panel.view.direction = "coordinate 1"
    gallery.settled("ways")
    before, asked = len(gallery.requests), len(gallery.guide.asked)
    panel.view.amount = 1.25
    gallery.settled("ways")
    assert gallery.guide.asked[asked:] == [("ways", 25, [2], "coordinate 1", 1.25)]
    assert len(gallery.requests) == before


def test_a_chosen_sample_shows_its_past(gallery):
    gallery.panel.draw(images_frame())
    gallery.panel.view.chosen = [6]
    (past,) = gallery.settled("past")
    assert (past["sample"], past["iterations"]) == (6, (0, 100))


def test_a_choice_that_is_not_on_the_page_requests_nothing(gallery):
    gallery.panel.view.chosen = [60, 61]
    gallery.panel.draw(images_frame())
    assert not gallery.settled("ways")
    assert not gallery.guide.asked


def test_a_neighbor_is_searched_on_request(gallery):
    gallery.panel.draw(images_frame())
    gallery.panel.view._on_message(None, {"neighbor": 3}, [])
    (found,) = gallery.settled("neighbor")
    assert (found["sample"], found["distance"], found["typical"]) == (3, 1.5, 2.5)


def test_another_number_of_samples_is_requested_from_the_camera(gallery):
    gallery.panel.view.count = 64
    assert gallery.panel.pictures == 64
    assert gallery.requests


def test_it_carries_its_class(gallery):
    assert "gw-samples" in gallery.panel.widget._dom_classes


def click(panel, label):
    """Click a button of the panel for saving, and wait until its thread has ended."""
    before = set(threading.enumerate())
    next(button for button in panel._files.buttons if button.description == label).click()
    for thread in set(threading.enumerate()) - before:
        thread.join()


class TestSaving:
    def test_saving_shows_the_path(self, english, tmp_path):
        panel = SavingPanel(english, lambda ending: tmp_path / f"<run>.{ending}")
        click(panel, "GIF")
        assert "&lt;run&gt;.gif" in panel._files.message.value
        assert not any(button.disabled for button in panel._files.buttons)

    def test_a_failed_save_shows_the_error(self, english):
        def refuse(_ending):
            raise OSError("the disk is full")

        panel = SavingPanel(english, refuse)
        click(panel, "PNG")
        assert "the disk is full" in panel._files.message.value

    @pytest.mark.parametrize(
        ("data", "name"), [("ring8", "ring8-12.png"), ("../a b/", "a-b-12.png"), ("***", "gan-12.png")]
    )
    def test_file_names_are_valid_on_every_system(self, data, name):
        assert file_name(data, 12, "png") == name


def test_a_class_can_be_chosen_while_the_generator_takes_labels(gallery):
    panel, labels = gallery.panel, np.arange(25) % 3
    panel.draw(images_frame())
    assert "gw-hidden" in panel.choice._dom_classes
    assert panel.label is None
    panel.draw(dataclasses.replace(images_frame(), labels=labels, classes=(0, 1, 7)))
    assert "gw-hidden" not in panel.choice._dom_classes
    assert [text for text, _ in panel.choice.options] == ["all classes", "class 0", "class 1", "class 7"]
    assert panel.choice.label == "all classes"
    assert panel.label is None
    panel.choice.set_state({"index": 3})  # by the user
    assert panel.label == 7
    assert gallery.requests == [1]
    one = dataclasses.replace(images_frame(), labels=np.full(25, 7), classes=(0, 1, 7))
    panel.draw(one)
    assert gallery.sent[-1][0]["frame"]["columns"] == 5
    panel.draw(dataclasses.replace(one, classes=(0, 7)))  # other data, which also has that class
    assert panel.label == 7
    panel.draw(images_frame())
    assert panel.label is None
    assert "gw-hidden" in panel.choice._dom_classes
    panel.draw(dataclasses.replace(images_frame(), labels=labels, classes=tuple(range(12))))
    assert panel.choice.label == "the first 10 classes"


def test_a_failed_background_request_shows_its_error_until_it_succeeds(gallery, monkeypatch, caplog):
    def fails(*_):
        raise MemoryError("too <many>")

    panel, guide = gallery.panel, gallery.guide
    panel.draw(images_frame())
    with monkeypatch.context() as broken:
        for what in ("ways", "earlier", "neighbor"):
            broken.setattr(guide, what, fails)
        panel.view.chosen = [3, 5]
        panel.view._neighbor(3)
        panel.draw(images_frame())
        errors = gallery.settled("trouble")
    assert {each["kind"] for each in errors} == {"ways", "past", "neighbor"}
    for each in errors:
        assert "MemoryError: too <many>" in each["message"]
        assert "Training goes on" in each["message"]
    logged = [record.args[0] for record in caplog.records]
    assert sorted(logged) == ["neighbor", "past", "ways"], (
        "each once, though walks are asked for with each frame"
    )
    panel.draw(images_frame())
    assert len(gallery.settled("ways")) == 1
    assert len(gallery.settled("trouble")) == len(errors)
