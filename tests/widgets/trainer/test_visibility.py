"""Which panels are shown, and what follows for frames and for the verdict."""

from __future__ import annotations

import pytest
from moments import points_frame

import ganwidgets as gw
from ganwidgets.diagnosis import SYMPTOMS
from ganwidgets.widgets.panels.charts.metrics import MetricsPanel
from ganwidgets.widgets.trainer.dashboards.visibility import HIDEABLE, PLACES, Visibility
from ganwidgets.widgets.trainer.layout.panel_layout import PRESETS

SMALL = {"batch_size": 16, "g_hidden": (8,), "d_hidden": (8,), "seed": 1}


@pytest.fixture
def widget():
    w = gw.GANTrainerWidget("ring8", locale="en", **SMALL)
    yield w
    w.close()


def shown(widget):
    return {panel.name for panel in widget._dashboard._shown(widget._dashboard._modality)}


def test_every_panel_that_draws_has_a_place(widget):
    assert {panel.name for panel in widget._dashboard._panels} == set(PLACES)
    assert shown(widget) == set(PLACES) - {"samples", "map", "scales"}


def test_panels_outside_the_layout_draw_nothing_until_they_are_shown_again(widget):
    widget.layout_preset = "projector"
    assert shown(widget) == {"plane", "status", "curves"}
    widget.step(3)
    widget.wait()
    before = widget._dashboard.timeline.widget
    drawn = []
    widget._dashboard.timeline.draw = drawn.append
    widget.step(1)
    widget.wait()
    assert drawn == []
    widget.layout_preset = "full"
    widget.wait()
    assert drawn[-1].iteration == 4
    assert widget._dashboard.timeline.widget is before


def test_what_controls_hides_is_not_drawn(widget):
    widget.controls = ("play", "health")
    assert "health" in shown(widget)
    assert not {"walk", "timeline"} & shown(widget)
    widget.controls = None
    assert {"walk", "timeline", "health"} <= shown(widget)


def test_an_image_layout_shows_the_gallery_whichever_name_it_has():
    visibility = Visibility()
    for visibility.laid_out in (("plane",), ("samples",), PRESETS["compact"]):
        assert visibility.shows("samples", "gallery")
        assert not visibility.shows("plane", "gallery")


def test_the_widget_accepts_the_names_of_all_panels_that_can_be_hidden(widget):
    widget.controls = HIDEABLE
    assert not any("gw-hidden" in getattr(widget._dashboard, name).widget._dom_classes for name in HIDEABLE)


def test_the_verdict_does_not_repeat_what_the_health_panel_shows(english):
    frame = points_frame(iteration=5000)
    told: set[str] = set()
    panel = MetricsPanel(english, lambda: None, diagnosed=lambda: told)
    panel.draw(frame)
    assert "gw-verdict" in panel._figures.value
    told.update(SYMPTOMS, ["imprecise", "off_the_mark", "as_real", "unbalanced"])
    panel.draw(frame)
    assert "gw-verdict" not in panel._figures.value
