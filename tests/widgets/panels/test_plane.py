"""The plane: the message to the page for each layer, also after a reload."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from moments import points_frame

from ganwidgets.live.observations import OBSERVATIONS, CloseUp, Gradients, Manifold, Scores, Trail
from ganwidgets.messages import Catalog
from ganwidgets.rendering.plane.projection import projection_of
from ganwidgets.widgets.browser.canvases import drawing
from ganwidgets.widgets.panels.plane.panel import LAYERS, PlanePanel

RANDOM = np.random.default_rng(0)
TYPES = {"f4": np.float32, "u1": np.uint8}


@pytest.fixture
def asked():
    return []


@pytest.fixture
def panel(english, asked):
    return PlanePanel(english, lambda: asked.append(True))


@pytest.fixture
def sent(panel, monkeypatch):
    """Return the messages to the browser: content, and arrays by name."""
    messages = []

    def receive(content, buffers):
        frame = content["frame"]
        parts = {
            name: np.frombuffer(buffer, TYPES[kind]).reshape(shape)
            for (name, kind, shape), buffer in zip(frame["parts"], buffers, strict=True)
        }
        messages.append(SimpleNamespace(**{**frame, "parts": parts}))

    monkeypatch.setattr(panel.view, "send", receive)
    return messages


def floats(*shape):
    return RANDOM.normal(size=shape).astype(np.float32)


def everything_seen(features=2, generated=30, real=40):
    return {
        "latents": floats(generated, 3),
        "scores": Scores(floats(real), floats(generated), floats(real), floats(generated)),
        "gradients": Gradients(descent=floats(generated, features), slope=floats(generated, features)),
        "manifold": Manifold(floats(21, 21, features), floats(21, 21, 3), 0.0025, sliced=True),
        "trails": Trail(np.array([1000, 1200]), floats(2, generated, features)),
    }


def show_all(panel):
    panel.view.layers = {layer.name: True for layer in LAYERS}


def notes(message):
    return " ".join(text for _, text in message.notes)


def test_only_parts_of_shown_layers_are_requested(panel):
    assert panel.needs == {"latents", "scores", "verdict"}
    panel.view.layers = {**panel.view.layers, "manifold": True, "trails": True, "verdict": False}
    assert panel.needs == {"latents", "scores", "manifold", "trails"}
    show_all(panel)
    assert panel.needs == {"latents", "scores", "verdict", "gradients", "manifold", "trails"}
    assert panel.needs <= set(OBSERVATIONS)


@pytest.mark.usefixtures("page")
def test_the_map_covers_the_visible_part_of_the_plane(panel, sent, asked):
    part = [-0.5, 0.5, 0.0, 1.0]
    panel.view._handle_custom_msg({"window": part}, [])
    assert asked
    assert panel.focus.window == tuple(part)
    assert "close_up" in panel.needs
    assert "verdict" not in panel.needs
    close = CloseUp(tuple(part), np.zeros((64, 64), np.float32))
    panel.draw(points_frame(verdict=None, seen={"close_up": close}))
    assert (sent[-1].covered, sent[-1].judged) == (tuple(part), True)
    for nothing in (None, [0, 0, 1, 1], [0, 1, 0, float("nan")], [0, 1], "abcd"):
        panel.view._handle_custom_msg({"window": nothing}, [])
        assert panel.focus.window is None
    panel.draw(points_frame())
    assert sent[-1].covered == sent[-1].extent


@pytest.mark.usefixtures("page")
def test_a_frame_contains_each_part_unchanged(panel, sent):
    show_all(panel)
    seen = everything_seen()
    frame = points_frame(seen=seen)
    panel.draw(frame)
    (message,) = sent
    assert np.array_equal(message.parts["real"], frame.real)
    assert np.array_equal(message.parts["generated"], frame.generated)
    assert np.array_equal(message.parts["gradients"], seen["gradients"].descent)
    assert np.array_equal(message.parts["manifold"], seen["manifold"].corners)
    assert np.array_equal(message.parts["trails"], seen["trails"].positions)
    assert np.array_equal(message.parts["logit_generated"], seen["scores"].generated_logits)
    assert message.extent == frame.extent
    assert message.share == 0.0025
    for words in ("falls fastest", "first two of the 3", "since iteration 1000, 234 steps ago"):
        assert words in notes(message)
    panel.view.arrows = "slope"
    panel.draw(frame)
    assert "rises fastest" in notes(sent[-1])


@pytest.mark.usefixtures("page")
def test_the_other_gradient_is_sent_when_it_is_chosen(panel, sent):
    show_all(panel)
    frame = points_frame(seen=everything_seen())
    panel.draw(frame)
    panel.view.arrows = "slope"
    panel.draw(frame)
    assert np.array_equal(sent[-1].parts["gradients"], frame.seen["gradients"].slope)


@pytest.mark.usefixtures("page")
def test_unchanged_parts_are_sent_once_and_again_to_a_new_page(panel, sent, asked):
    first, second = points_frame(seen=everything_seen()), points_frame(generated=floats(30, 2))
    panel.draw(first)
    panel.draw(second)
    assert set(sent[-1].parts) == {"generated"}
    assert sent[-1].keep == ["real"]
    panel.view._handle_custom_msg({"hello": True}, [])
    assert asked == [True]
    panel.draw(second)
    assert set(sent[-1].parts) == {"real", "generated"}


def test_a_toggle_requests_a_frame(panel, asked):
    panel.view.layers = {**panel.view.layers, "trails": True}
    panel.view.arrows = "slope"
    assert len(asked) == 2


def test_the_map_is_drawn_on_its_own_canvas_while_it_is_shown(panel, page, sent):
    panel.draw(points_frame())
    assert len(page.messages) == 1
    cells = [command for command in page.on(panel._heat) if command.name == "fillRects"]
    assert len(cells) > 10
    panel.view.layers = {**panel.view.layers, "verdict": False}
    panel.draw(points_frame())
    assert [command.name for command in page.on(panel._heat)] == ["clear"]
    panel.view.layers = {**panel.view.layers, "verdict": True}
    panel.draw(points_frame(verdict=None, extent=None))
    assert [command.name for command in page.on(panel._heat)] == ["clear"]
    assert not sent[-1].judged
    assert "verdict" not in sent[-1].layers


@pytest.mark.usefixtures("sent")
def test_every_frame_begins_by_selecting_its_canvas_for_new_pages(panel, page):
    panel.draw(points_frame())
    page.reload()
    panel.draw(points_frame())
    assert all(command.canvas is not None for command in page.messages[-1])


@pytest.mark.usefixtures("page")
def test_many_coordinates_are_shown_in_their_principal_plane_with_a_note(panel, sent):
    points = (floats(200, 5) * [1, 9, 1, 5, 1]).astype(np.float32)
    show_all(panel)
    seen = everything_seen(features=5, generated=200, real=200)
    panel.draw(points_frame(real=points, generated=points, verdict=None, extent=None, shape=(5,), seen=seen))
    (message,) = sent
    x0, x1, y0, y1 = message.extent
    places = message.parts["real"]
    assert ((places >= [x0, y0]) & (places <= [x1, y1])).all()
    assert "5 coordinates" in notes(message)
    assert message.axes == ["PC 1", "PC 2"]
    assert message.parts["manifold"].shape == (21, 21, 2)


@pytest.mark.usefixtures("page")
def test_one_dimensional_data_is_spread_with_real_above_generated(panel, sent):
    points = np.linspace(0, 1, 20, dtype=np.float32)[:, None]
    panel.draw(points_frame(real=points, generated=points, verdict=None, extent=None, shape=(1,)))
    (message,) = sent
    assert message.parts["real"][:, 1].min() > 0 > message.parts["generated"][:, 1].max()
    assert np.allclose(message.parts["real"][:, 0], points[:, 0])
    assert message.axes == ["x", ""]


@pytest.mark.parametrize("canvas", ["_heat", "_rest"])
def test_a_page_that_opens_requests_a_frame_and_draws_nothing_itself(panel, page, asked, canvas):
    getattr(panel, canvas)._handle_frontend_event(None, {"event": "client_ready"}, [])
    assert asked == [True]
    assert page.messages == []


def test_an_exception_while_drawing_releases_every_canvas(panel, page):
    def fail():
        with drawing():
            panel._heat.clear()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    panel._rest.clear()
    assert [command.name for command in page.on(panel._rest)] == ["clear"]


def test_every_layer_has_a_french_name():
    words = PlanePanel(Catalog("fr"), lambda: None).view.words
    english = PlanePanel(Catalog("en"), lambda: None).view.words
    assert [layer["name"] for layer in words["layer"]] == [layer["name"] for layer in english["layer"]]
    assert all(a["help"] != b["help"] for a, b in zip(words["layer"], english["layer"], strict=True))


class TestProjection:
    def test_two_coordinates_are_unchanged(self):
        points = floats(10, 2)
        assert np.array_equal(projection_of(points).points(points), points)

    def test_the_first_axis_is_the_direction_of_most_variance_with_a_fixed_sign(self):
        points = (floats(300, 4) * [1, 10, 1, 3]).astype(np.float32)
        projection = projection_of(points)
        assert np.abs(projection.axes[:, 0]).argmax() == 1
        assert np.abs(projection.axes[:, 1]).argmax() == 3
        assert np.allclose(projection.axes.T @ projection.axes, np.eye(2), atol=1e-9)
        assert (projection.axes[[1, 3], [0, 1]] > 0).all()
        assert projection.kept == pytest.approx(109 / 111, abs=0.02)
        assert np.allclose(projection.points(points).mean(axis=0), 0, atol=1e-4)

    def test_directions_do_not_depend_on_the_centre(self):
        projection = projection_of(floats(50, 3) + 100)
        a, b = floats(1, 3), floats(1, 3)
        assert np.allclose(
            projection.directions(a - b), projection.points(a) - projection.points(b), atol=1e-3
        )

    @pytest.mark.parametrize("features", [1, 2, 3])
    def test_constant_or_non_finite_data_has_a_plane(self, features):
        x0, x1, y0, y1 = projection_of(np.ones((3, features), np.float32)).extent(
            np.ones((3, features), np.float32)
        )
        assert x0 < x1
        assert y0 < y1
        broken = projection_of(floats(9, features)).points(
            np.full((2, features), np.float32(3e38)) * np.float32(1.1)
        )
        assert broken.shape == (2, 2)
