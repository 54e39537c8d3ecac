"""The panel for the user's own data: a drawing or pasted text becomes points, and on request a new run."""

from __future__ import annotations

import numpy as np
import pytest

from ganwidgets import GANTrainerWidget
from ganwidgets.data import POINT_PRESETS
from ganwidgets.messages import Catalog
from ganwidgets.widgets.panels.own_data.panel import OwnDataPanel

LINE = [False, 0.1, [-0.5, 0, 0.5, 0]]


class Desk:
    """A panel, its messages to the browser, and its requests."""

    def __init__(self, catalog):
        self.trained, self.chosen, self.sent = [], [], []
        self.panel = OwnDataPanel(catalog, self.chosen.append, self.trained.append)
        self.panel.send = lambda content, buffers=(): self.sent.append((content, buffers))

    def receive(self, **content):
        self.panel._handle_custom_msg(content, [])

    @property
    def answer(self):
        return next(iter(self.sent[-1][0].values()))


@pytest.fixture
def desk(english):
    return Desk(english)


def test_a_drawing_becomes_points_and_then_data(desk):
    desk.panel.strokes = [LINE]
    assert desk.answer["count"] == 4000
    (preview,) = desk.sent[-1][1]
    shown = np.frombuffer(preview, np.float32).reshape(-1, 2)
    assert np.abs(shown[:, 1]).max() <= 0.1
    assert desk.trained == []
    desk.receive(train="drawing")
    assert (desk.trained[0].size, desk.trained[0].standardization) == (4000, None)


def test_an_erased_drawing_trains_nothing(desk):
    desk.panel.strokes = [LINE, [True, 0.5, [-1, 0, 1, 0]]]
    assert desk.answer == {"count": 0, "message": desk.answer["message"]}
    assert "nothing is painted" in desk.answer["message"]
    desk.receive(train="drawing")
    desk.panel.strokes = []
    assert desk.answer == {"count": 0, "message": ""}
    assert desk.trained == []


def test_pasted_text_is_parsed_or_the_wrong_line_is_named(desk):
    desk.receive(text="x,y\n1,2\n3,4")
    assert (desk.answer["count"], desk.answer["refused"]) == (2, False)
    assert "2 points of 2 coordinates, from 1 to 4" in desk.answer["message"]
    desk.receive(train="text")
    assert desk.trained[0].tolist() == [[1, 2], [3, 4]]
    desk.receive(text="1,2\n3,four")
    assert desk.answer["refused"]
    assert "line 2" in desk.answer["message"]
    desk.receive(train="text")
    assert len(desk.trained) == 1


def test_a_reloaded_page_gets_the_drawing_back(desk):
    desk.panel.strokes = [LINE]
    before = desk.sent[-1]
    desk.receive(hello=True)
    assert desk.sent[-1] == before


def test_every_preset_has_a_thumbnail_and_can_be_chosen(desk):
    thumbnails = desk.panel.words["thumbnails"]
    assert [each["name"] for each in thumbnails] == list(POINT_PRESETS)
    desk.receive(preset="spiral")
    desk.receive(preset="no such")
    assert desk.chosen == ["spiral"]


def test_french():
    words = OwnDataPanel(Catalog("fr"), print, print).words
    english = OwnDataPanel(Catalog("en"), print, print).words
    assert all(words[key] != english[key] for key in words if key != "thumbnails")


@pytest.fixture
def widget():
    widget = GANTrainerWidget("gaussians", g_hidden=(8,), d_hidden=(8,))
    yield widget
    widget.close()


def test_too_few_points_for_the_batch_lower_the_batch_size_and_start_a_branch(widget):
    points = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    widget.step(3)
    widget._hands.train_on(points)
    widget.wait(timeout=60)
    assert (widget.iteration, widget.batch_size) == (0, 20)
    assert widget.data is points
    assert widget.trainer.source.shape == (3,)
    assert len(widget.trainer.timeline.branches) == 2
    assert [record.setting for record in widget.trainer.interventions[:2]] == ["data", "batch_size"]
    assert all(record.author == "user" for record in widget.trainer.interventions[:2])
    widget.step(2)
    widget.wait(timeout=60)
    assert widget.iteration == 2


def test_a_chosen_preset_is_pending_until_the_reset_and_shown_in_the_list(widget):
    widget._dashboard._choose_data(widget._ask, "spiral")
    assert widget.data == "spiral"
    assert widget._dashboard.controls.controls["data"].editor.list.value == "spiral"
    widget.wait(timeout=60)
    assert widget.trainer.source.name == "gaussians"
    widget.reset()
    widget.wait(timeout=60)
    assert widget.trainer.source.name == "spiral"


def test_a_drawing_may_replace_images_of_a_class():
    widget = GANTrainerWidget(
        "digits",
        architecture="dcgan",
        channels=4,
        conditional=True,
        batch_size=16,
        g_hidden=(8,),
        d_hidden=(8,),
    )
    widget._hands.train_on(np.random.default_rng(0).normal(size=(100, 2)).astype(np.float32))
    widget.step(1)
    widget.wait(timeout=60)
    assert (widget.architecture, widget.conditional, widget.batch_size) == ("mlp", False, 16)
    assert widget.trainer.source.kind == "points"
    widget.close()
