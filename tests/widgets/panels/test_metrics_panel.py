"""The metrics panel: each number with its floor, and the chosen curve."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from moments import images_frame, points_frame

from ganwidgets.live.frames.image_metrics import JudgedImages
from ganwidgets.widgets.panels.charts.metrics import MetricsPanel


@pytest.fixture
def asked():
    return []


@pytest.fixture
def panel(english, asked):
    return MetricsPanel(english, lambda: asked.append(True))


def choose(panel, name):
    place = [value for _, value in panel.choice.options].index(name)
    panel.choice.set_state({"index": place})


def test_it_carries_its_class(panel):
    assert "gw-metrics" in panel.widget._dom_classes


def test_numbers_are_shown_with_the_scores_of_perfect_samples(panel):
    panel.draw(points_frame())
    for expected in ("Modes found", ">8 <", "perfect: 8", "0.125", "perfect: 0.050"):
        assert expected in panel._figures.value
    assert "High quality" not in panel._figures.value


def test_the_first_metric_is_drawn_with_its_floor(panel):
    frame = points_frame()
    panel.draw(frame)
    assert panel.choice.value == "modes"
    curve, floor = panel._chart._lines
    assert np.array_equal(curve.y, frame.metrics["modes"][1])
    assert set(floor.y) == {8.0}
    assert panel._chart._y.max > 8


def test_choosing_another_metric_requests_a_frame_and_draws_it(panel, asked):
    frame = points_frame()
    panel.draw(frame)
    choose(panel, "jensen_shannon")
    assert asked == [True]
    panel.draw(frame)
    assert np.array_equal(panel._chart._lines[0].y, frame.metrics["jensen_shannon"][1])
    assert panel._chart._up.label == "bits"


@pytest.mark.parametrize(
    ("choice", "columns"),
    [("accuracy", ("accuracy_real", "accuracy_fake")), ("grad_norm", ("grad_norm_d", "grad_norm_g"))],
)
def test_pairs_of_history_columns_are_drawn_together(panel, choice, columns):
    frame = points_frame()
    panel.draw(frame)
    choose(panel, choice)
    panel.draw(frame)
    for line, column in zip(panel._chart._lines, columns, strict=True):
        assert np.array_equal(line.y, frame.losses[column][2])


def test_images_have_the_discriminators_accuracy(panel):
    panel.draw(images_frame())
    assert panel.choice.value == "accuracy"
    assert "Modes found" not in str(panel.choice.options)


JUDGED = JudgedImages(
    features="digits classifier",
    help="It <read> them.",
    trend_only=False,
    generated=2500,
    compared=898,
    shares={0: (0.75, 0.5), 7: (0.25, 0.5)},
)
FIGURES = {"frechet": 2.0, "precision": 0.8, "coverage": 0.2, "modes": 2.0}
FLOORS = {"frechet": 0.1, "precision": 0.9, "coverage": 0.96, "modes": 2.0}


def test_figures_of_images_have_an_explanation_and_their_basis(panel):
    curves = {name: (np.arange(3), np.full(3, value)) for name, value in FIGURES.items()}
    panel.draw(images_frame(metrics=curves, latest_metrics=FIGURES, floors=FLOORS, judged=JUDGED))
    figures = panel._figures.value
    for expected in (
        "they are too much alike",
        "Measured on: digits classifier; 898 generated images",
        "It &lt;read&gt; them.",
        "Fréchet distance",
        "Classes found",
        "perfect: 96%",
        "class 7: 25.0% of the generated images, 50.0% of the data",
    ):
        assert expected in figures
    assert panel.choice.value == "frechet"
    assert dict(panel.choice.options)["Classes found"] == "modes"
    panel.draw(points_frame())
    assert "Modes found" in dict(panel.choice.options)


def test_the_features_for_images_are_chosen(english):
    chosen, asked = [], []
    panel = MetricsPanel(english, lambda: asked.append(True), judge_by=chosen.append)
    panel.draw(points_frame())
    assert panel.features not in panel.numbers.children
    panel.draw(images_frame(judged_by="auto"))
    assert panel.features in panel.numbers.children
    names = [value for _, value in panel.features.options]
    panel.features.set_state({"index": names.index("random")})
    assert chosen == ["random"]
    panel.features.set_state({"index": names.index("own")})
    assert (chosen, asked) == (["random"], [True]), "a module comes from a cell; the list goes back"
    panel.draw(images_frame(judged_by="own"))
    assert panel.features.value == "own"


def test_a_trend_has_no_verdict_and_many_classes_have_no_bars(panel):
    judged = replace(JUDGED, trend_only=True, shares=dict.fromkeys(range(25), (0.04, 0.04)))
    panel.draw(images_frame(latest_metrics=FIGURES, floors=FLOORS, judged=judged))
    assert "gw-verdict" not in panel._figures.value
    assert "gw-class" not in panel._figures.value


def test_the_reason_for_missing_figures_of_images_is_shown(panel):
    panel.draw(images_frame())
    assert "being prepared" in panel._figures.value
    panel.draw(images_frame(trouble="no <weights>"))
    assert "No figures: no &lt;weights&gt;. Training goes on" in panel._figures.value


def test_the_reason_for_missing_figures_of_points_is_shown(panel):
    panel.draw(points_frame())
    assert "No figures" not in panel._figures.value
    panel.draw(points_frame(trouble="MemoryError: too <many>"))
    assert "No figures: MemoryError: too &lt;many&gt;. Training goes on" in panel._figures.value


def test_the_choice_is_kept_until_data_without_that_metric(panel):
    panel.draw(points_frame())
    choose(panel, "jensen_shannon")
    panel.draw(points_frame())
    assert panel.choice.value == "jensen_shannon"
    panel.draw(images_frame())
    assert panel.choice.value == "accuracy"


def test_the_distance_of_a_broken_generator_is_shown_as_infinite(panel):
    panel.draw(points_frame(latest_metrics={"jensen_shannon": math.inf, "modes": math.nan}))
    assert "\N{INFINITY}" in panel._figures.value
    assert "\N{EN DASH}" in panel._figures.value


def test_a_metric_without_values_or_without_floor(panel):
    empty = (np.empty(0, int), np.empty(0))
    panel.draw(points_frame(metrics={"modes": empty}, floors={}, latest_metrics={"modes": 3.0}))
    assert not any(line.visible for line in panel._chart._lines)
    assert "perfect" not in panel._figures.value


def test_the_verdict_uses_more_than_the_metrics_and_shows_its_evidence(panel):
    figures = {"modes": 0.0, "high_quality": 0.01, "sliced_wasserstein": 0.1}
    floors = {"modes": 8.0, "high_quality": 0.99, "sliced_wasserstein": 0.02}
    signs = {"served": 8.0, "extent": 1.0, "logit_spread": 0.001, "undecided": 1.0}
    shown = {"latest_metrics": figures, "floors": floors, "signs": signs}
    record = {
        "loss_d": 1.386,
        "loss_g": 0.693,
        "accuracy_real": 1.0,
        "accuracy_fake": 0.0,
        "grad_norm_g": 0.0,
    }
    panel.draw(points_frame(**shown, record=record))
    assert "D says nearly the same everywhere" in panel._figures.value
    assert "standard deviation of D&#x27;s logits: 0.001" in panel._figures.value
    panel.draw(points_frame(**shown, record={**record, "grad_norm_g": 0.4}))
    assert "Points are made around all 8 clusters" in panel._figures.value
    assert "collapse" not in panel._figures.value


def test_several_metrics_share_a_chart_each_with_its_floor(panel):
    frame = points_frame()
    panel.curves.choose("linear", ("modes", "jensen_shannon"))
    panel.draw(frame)
    assert panel.choice.label == "Several curves"
    assert not any(line.visible for line in panel._chart._lines)
    modes, divergence, *floors = panel._chart._further
    assert np.array_equal(modes.y, frame.metrics["modes"][1])
    assert np.array_equal(divergence.y, frame.metrics["jensen_shannon"][1])
    assert [set(floor.y) for floor in floors] == [{8.0}, {0.05}]
    for text in ("Modes found", "Jensen", "perfect"):
        assert text in panel._legend.value
    choose(panel, "modes")
    panel.draw(frame)
    assert panel.curves.curves == ("modes",)
    assert not any(line.visible for line in panel._chart._further)
    assert np.array_equal(panel._chart._lines[0].y, frame.metrics["modes"][1])


def test_the_list_follows_the_chosen_curves(panel):
    panel.curves.choose("log", ("accuracy_fake", "accuracy_real"))
    panel.draw(points_frame())
    assert panel.choice.value == "accuracy"
    panel.curves.choose("log", ("jensen_shannon",))
    panel.draw(points_frame())
    assert panel.choice.value == "jensen_shannon"
    assert panel._chart._up.tick_labels
