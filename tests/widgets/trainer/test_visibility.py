"""Shown panels, and the effect on frames and on the verdict."""

from __future__ import annotations

import numpy as np
import pytest
from moments import points_frame

import ganwidgets as gw
from ganwidgets.diagnosis import SYMPTOMS
from ganwidgets.widgets.panels.charts.metrics import MetricsPanel
from ganwidgets.widgets.trainer.dashboards.visibility import HIDEABLE, PLACES, Visibility
from ganwidgets.widgets.trainer.layout.panel_layout import PANELS, PRESETS

SMALL = {"batch_size": 16, "g_hidden": (8,), "d_hidden": (8,), "seed": 1}


@pytest.fixture
def widget():
    w = gw.GANTrainerWidget("ring8", locale="en", **SMALL)
    yield w
    w.close()


@pytest.fixture
def game_widget():
    images = np.random.default_rng(0).random((12, 1, 8, 8), dtype=np.float32)
    w = gw.GANTrainerWidget((images, images), game="pix2pix", channels=4, batch_size=4, locale="en")
    yield w
    w.close()


def shown(widget):
    return {panel.name for panel in widget._dashboard._shown(widget._dashboard._modality)}


def hidden(part):
    return "gw-hidden" in part._dom_classes


def test_every_panel_that_draws_has_a_place(widget, game_widget):
    panels = {panel.name for each in (widget, game_widget) for panel in each._dashboard._panels}
    assert panels == set(PLACES)
    assert shown(widget) == set(PLACES) - {"samples", "map", "scales", "exhibits"}
    assert shown(game_widget) == {panel.name for panel in game_widget._dashboard._panels}


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


def test_a_game_draws_only_the_panels_of_its_layout(game_widget):
    w = game_widget
    drawn = []
    for panel in w._dashboard._panels:
        panel.draw = lambda _frame, name=panel.name: drawn.append(name)
    w.layout_preset = "compact"
    assert shown(w) == {"exhibits", "status", "curves"}
    w.step(1)
    w.wait(timeout=60)
    assert {"status", "curves"} <= set(drawn) <= {"status", "curves", "exhibits"}
    w.panels = ("numbers",)  # these games have no table of all figures
    assert shown(w) == set()


def test_a_teacher_hides_controls_panels_and_cards_of_a_game(game_widget):
    w, dashboard = game_widget, game_widget._dashboard
    w.controls = ("play", "health", "lr_g")
    assert "health" in shown(w)
    assert not {"walk", "timeline"} & shown(w)
    assert {card.names[0]: hidden(card.widget) for card in dashboard._groups.cards} == {
        "lr_d": True,
        "lr_g": False,
        "l1_weight": True,
    }
    assert hidden(dashboard._groups.tabs)
    w.controls = ("l1_weight", "beta1")
    assert [hidden(card.widget) for card in dashboard._groups.cards] == [True, True, False]
    assert list(dashboard._groups.tabs.titles) == ["Optimizer"]
    w.controls = None
    assert {"walk", "timeline", "health"} <= shown(w)
    assert not hidden(dashboard._groups.tabs)
    assert len(dashboard._groups.tabs.titles) > 1


def test_the_panels_of_a_game_have_the_order_that_the_arrangement_lists(game_widget):
    parts, tops = game_widget._dashboard._arrangement.parts, list(game_widget.children)
    order = [tops.index(parts[name]) for name in PANELS if parts.get(name) in tops]
    assert order == sorted(order)
    assert len(order) > 7


def test_panels_hidden_with_controls_are_not_drawn(widget):
    widget.controls = ("play", "health")
    assert "health" in shown(widget)
    assert not {"walk", "timeline"} & shown(widget)
    widget.controls = None
    assert {"walk", "timeline", "health"} <= shown(widget)


def test_an_image_layout_shows_the_gallery_under_either_name():
    visibility = Visibility()
    for visibility.laid_out in (("plane",), ("samples",), PRESETS["compact"]):
        assert visibility.shows("samples", "gallery")
        assert not visibility.shows("plane", "gallery")


def test_the_widget_accepts_the_names_of_all_panels_that_can_be_hidden(widget):
    widget.controls = HIDEABLE
    assert not any("gw-hidden" in getattr(widget._dashboard, name).widget._dom_classes for name in HIDEABLE)


def test_the_verdict_does_not_repeat_what_the_health_panel_shows(english):
    frame = points_frame(iteration=5000)
    diagnosed: set[str] = set()
    panel = MetricsPanel(english, lambda: None, diagnosed=lambda: diagnosed)
    panel.draw(frame)
    assert "gw-verdict" in panel._figures.value
    diagnosed.update(SYMPTOMS, ["imprecise", "off_the_mark", "as_real", "unbalanced"])
    panel.draw(frame)
    assert "gw-verdict" not in panel._figures.value
