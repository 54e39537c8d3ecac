"""The guided tour names existing parts and at most ten at a time."""

from __future__ import annotations

import numpy as np
import pytest

import ganwidgets as gw
from ganwidgets.widgets.trainer.dashboards.panel import descendants
from ganwidgets.widgets.trainer.tour.guided_tour import STOPS, GuidedTour

SMALL = {"g_hidden": (8,), "d_hidden": (8,)}
IMAGES = np.zeros((8, 8, 8), dtype=np.float32)


@pytest.mark.parametrize(
    ("data", "settings", "picture"),
    [
        ("ring8", SMALL, "gw-plane"),
        (IMAGES, {**SMALL, "batch_size": 4}, "gw-samples"),
        ((IMAGES, IMAGES), {"game": "pix2pix", "channels": 2, "batch_size": 4}, "gw-exhibits"),
    ],
)
def test_it_visits_at_most_ten_parts_of_each_widget_class(data, settings, picture):
    with_tour = gw.GANTrainerWidget(data, **settings, locale="fr")
    try:
        widgets = list(descendants(with_tour))
        shown = {name for widget in widgets for name in getattr(widget, "_dom_classes", ())}
        (tour,) = [widget for widget in widgets if isinstance(widget, GuidedTour)]
        visited = [name for name, _, _ in tour.stops if name in shown]
        assert picture in visited
        overview = "gw-diagram" if "game" in settings else "gw-graph"
        assert {"gw-transport", "gw-status", overview, "gw-lr_d", "gw-curves", "gw-timeline"} <= set(visited)
        assert 8 <= len(visited) <= 10
        titles = {
            english: translated for (_, english, _), (_, translated, _) in zip(STOPS, tour.stops, strict=True)
        }
        assert titles["The losses"] == "Les pertes"
    finally:
        with_tour.close()
