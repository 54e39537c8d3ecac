"""The plane: what a page is sent, also one that was loaded again, and what it leaves out."""

from __future__ import annotations

import numpy as np
import pytest
from canvas_wire import arrays
from ipycanvas.canvas import _CANVAS_MANAGER
from moments import points_frame

from ganwidgets.widgets.canvases import drawing
from ganwidgets.widgets.plane import PIXELS, PlanePanel, extent_of


@pytest.fixture
def asked():
    return []


@pytest.fixture
def panel(english, asked):
    return PlanePanel(english, lambda: asked.append(True))


def marks(panel, page):
    """The real points and the generated ones, as float arrays [2, M] of canvas pixels."""
    commands = {command.name: arrays(command) for command in page.on(panel._points)}
    return np.stack(commands["fillRects"][:2]), np.stack(commands["fillCircles"][:2])


def text(panel):
    return "".join(child.value for child in panel.widget.children if hasattr(child, "value"))


def test_it_carries_its_class_and_a_legend(panel):
    assert "gw-plane" in panel.widget._dom_classes
    for words in ("real", "generated", "D says generated", "D says real"):
        assert words in text(panel)


def test_a_frame_is_one_message_of_map_and_points(panel, page):
    panel.draw(points_frame())
    assert len(page.messages) == 1
    cells = [command for command in page.on(panel._heat) if command.name == "fillRects"]
    assert len(cells) > 10
    real, generated = marks(panel, page)
    assert (real.shape, generated.shape) == ((2, 40), (2, 30))


def test_corners_of_the_plane_are_corners_of_the_canvas(panel, page):
    corners = np.array([[-1.0, -2.0], [3.0, 4.0]], np.float32)
    panel.draw(points_frame(generated=corners, extent=(-1.0, 3.0, -2.0, 4.0)))
    _, generated = marks(panel, page)
    assert generated.tolist() == [[0, PIXELS], [PIXELS, 0]]


def test_every_frame_begins_by_naming_its_canvas_so_that_a_new_page_understands(panel, page):
    panel.draw(points_frame())
    page.reload()
    panel.draw(points_frame())
    assert all(command.canvas is not None for command in page.messages[-1])


def test_broken_points_are_left_out_and_far_ones_are_told_of(panel, page):
    generated = np.array([[0, 0], [np.nan, 0], [np.inf, 1], [50, 0], [1e38, -1e38]], np.float32)
    panel.draw(points_frame(generated=generated))
    _, drawn = marks(panel, page)
    assert np.isfinite(drawn).all()
    assert drawn.shape[1] == 3
    assert "outside: 4" in text(panel)
    panel.draw(points_frame())
    assert "outside" not in text(panel)


def test_without_a_verdict_the_map_is_empty(panel, page):
    panel.draw(points_frame(verdict=None))
    assert [command.name for command in page.on(panel._heat)] == ["clear"]


def test_of_many_coordinates_the_first_two_are_shown_and_that_is_said(panel, page):
    points = np.random.default_rng(0).normal(size=(20, 5)).astype(np.float32)
    panel.draw(points_frame(real=points, generated=points, verdict=None, extent=None, shape=(5,)))
    real, _ = marks(panel, page)
    assert ((real >= 0) & (real <= PIXELS)).all()
    assert "first two of 5" in text(panel)


def test_numbers_on_a_line_are_spread_real_above_generated(panel, page):
    points = np.linspace(0, 1, 20, dtype=np.float32)[:, None]
    panel.draw(points_frame(real=points, generated=points, verdict=None, extent=None, shape=(1,)))
    real, generated = marks(panel, page)
    assert real[1].max() < PIXELS / 2 < generated[1].min()


@pytest.mark.usefixtures("page")
def test_the_axes_are_written_once_for_an_extent(panel):
    panel.draw(points_frame())
    axes = panel._axes.value
    assert ">1</b>" in axes
    changes = []
    panel._axes.observe(changes.append, names=["value"])
    panel.draw(points_frame())
    assert changes == []
    panel.draw(points_frame(extent=(0, 100, 0, 100)))
    assert ">80</b>" in panel._axes.value


@pytest.mark.parametrize("canvas", ["_heat", "_points"])
def test_a_page_that_begins_to_show_it_asks_for_a_picture_and_draws_nothing_itself(
    panel, page, asked, canvas
):
    getattr(panel, canvas)._handle_frontend_event(None, {"event": "client_ready"}, [])
    assert asked == [True]
    assert page.messages == []


def test_constant_points_still_have_an_extent():
    x0, x1, y0, y1 = extent_of(np.ones((3, 2), np.float32))
    assert x0 < 1 < x1
    assert y0 < 1 < y1


def test_an_exception_while_drawing_leaves_no_canvas_waiting(panel, page):
    def fail():
        with drawing():
            panel._heat.clear()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert _CANVAS_MANAGER._caching is False
    panel._points.clear()
    assert [command.name for command in page.on(panel._points)] == ["clear"]


def test_the_canvases_have_names_for_screen_readers(panel):
    assert set(panel.names) == {"gw-points", "gw-heat"}
