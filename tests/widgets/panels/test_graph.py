"""The overview graph: the message to the page for each part, and the highlighted loop."""

from __future__ import annotations

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
from moments import envelope, images_frame, points_frame

from ganwidgets.games.gan import GAN
from ganwidgets.live.observations import Gradients, Manifold, Scores
from ganwidgets.widgets.panels.graph.panel import STAGES, GraphPanel
from ganwidgets.widgets.panels.graph.texts import NODES

RANDOM = np.random.default_rng(0)
TYPES = {"f4": np.float32, "u1": np.uint8, "i1": np.int8}


@pytest.fixture
def asked():
    return []


@pytest.fixture
def panel(english, asked):
    return GraphPanel(english, lambda: asked.append(True))


@pytest.fixture
def sent(panel, monkeypatch):
    """Return the messages to the browser: content, and arrays by name."""
    messages = []

    def receive(content, buffers):
        frame = json.loads(json.dumps(content, allow_nan=False))["frame"]
        parts = {
            name: np.frombuffer(buffer, TYPES[kind]).reshape(shape)
            for (name, kind, shape), buffer in zip(frame["parts"], buffers, strict=True)
        }
        messages.append(SimpleNamespace(**{**frame, "parts": parts}))

    monkeypatch.setattr(panel.widget, "send", receive)
    return messages


def floats(*shape):
    return RANDOM.normal(size=shape).astype(np.float32)


def points_seen(dimensions=2):
    corners = np.zeros((21, 21, dimensions), np.float32)
    corners[..., 0] = np.linspace(-1, 1, 21)
    return {
        "latents": floats(30, dimensions),
        "scores": Scores(
            np.full(40, 0.75, np.float32), np.full(30, 0.25, np.float32), floats(40), floats(30)
        ),
        "gradients": Gradients(descent=floats(30, 2), slope=floats(30, 2)),
        "manifold": Manifold(floats(21, 21, 2), corners, 0.0025, sliced=dimensions > 2),
    }


def test_every_part_is_sent_within_its_miniature(panel, sent):
    frame = points_frame(seen=points_seen())
    panel.draw(frame)
    (message,) = sent
    x0, x1, y0, y1 = frame.extent
    places = message.parts["generated"] * [x1 - x0, y1 - y0] + [x0, y0]
    assert np.allclose(places, frame.generated, atol=1e-6)
    assert np.allclose(message.parts["grid"][0, [0, -1], 0], [1 / 22, 21 / 22])
    assert message.parts["heat"].shape == (64, 64)
    assert message.parts["manifold"].shape == (21, 21, 2)
    assert message.whole


def test_each_part_has_a_description_with_its_current_value(panel, sent):
    panel.draw(points_frame(seen=points_seen(dimensions=3)))
    (message,) = sent
    assert set(message.descriptions) == {node.name for node in NODES}
    assert "now 1.200" in message.descriptions["loss_d"]
    assert "0.25 on average" in message.descriptions["score_generated"]
    assert "75% of real" in message.descriptions["discriminator"]
    assert "two of the 3 noise numbers" in message.descriptions["generator"]
    assert message.values["score_real"] == "0.75"
    assert not message.whole


def test_bars_show_negative_and_missing_losses(panel, sent):
    panel.draw(
        points_frame(
            losses={"loss_d": envelope(-3.0), "loss_g": envelope(1.0)},
            record={"loss_d": -3.05, "loss_g": math.nan},
        )
    )
    low, high = sent[-1].limits
    assert low <= -3.05
    assert high >= 1
    assert sent[-1].record == {"loss_d": -3.05, "loss_g": None}
    panel.draw(points_frame(iteration=0, losses={}, record={}))
    low, high = sent[-1].limits
    assert low <= 0 < high


def test_the_loop_of_the_training_network_is_highlighted(panel, sent):
    losses = {"loss_d": 1.0, "loss_g": 1.0, "grad_norm_d": 0.1, "grad_norm_g": 0.1}
    for record, learning in (
        (losses, "dg"),
        ({**losses, "loss_d": 0.9}, "d"),
        ({**losses, "loss_d": 0.9}, "d"),
        ({**losses, "loss_d": 0.9, "loss_g": 1.1}, "g"),
        ({**losses, "loss_d": 0.8, "loss_g": 1.2, "grad_norm_d": math.nan}, "g"),
        ({**losses, "loss_d": 0.7, "loss_g": 1.3}, "dg"),
    ):
        panel.draw(points_frame(record=record))
        assert sent[-1].learning == learning


def test_a_sub_step_highlights_its_parts_and_shows_its_batch(panel, sent):
    def walked(network, stage, loss=None, generated=0):
        gradients = SimpleNamespace(norm=0.25) if stage == "update" else None
        step = SimpleNamespace(network=network, stage=stage, loss=loss, gradients=gradients)
        seen = {"latents": floats(20, 2)}
        inside = SimpleNamespace(
            step=step, real=floats(0, 2), generated=floats(generated, 2), verdict=None, seen=seen
        )
        panel.draw(points_frame(seen=points_seen(), inside=inside))
        return sent[-1]

    first = walked("generator", "noise")
    assert (first.learning, first.stage) == ("g", ["noise"])
    assert len(first.parts["noise"]) == 20
    assert first.parts["generated"].shape == (0, 2)
    last = walked("discriminator", "update", loss=1.75, generated=20)
    assert (last.learning, last.stage) == ("d", ["gradient_d", "discriminator"])
    assert last.parts["generated"].shape == (20, 2)
    assert last.values["loss_d"] == "1.750"
    assert last.values["gradient_d"] == "0.250"
    panel.draw(points_frame(seen=points_seen()))
    assert sent[-1].stage == []
    of_the_game = {GAN.draw_stage.name, *(stage.name for stage in GAN.stages)}
    assert set(STAGES) == of_the_game | {"loss", "gradients", "update"}


def test_unchanged_parts_are_sent_once_and_again_to_a_new_page(panel, sent, asked):
    frame = points_frame(seen=points_seen())
    panel.draw(frame)
    panel.draw(frame)
    assert sent[-1].parts == {}
    assert set(sent[-1].keep) == set(sent[0].parts)
    panel.widget._handle_custom_msg({"hello": True}, [])
    assert asked == [True]
    panel.draw(frame)
    assert set(sent[-1].parts) == set(sent[0].parts)


def test_a_folded_graph_requests_and_sends_nothing(panel, sent, asked):
    assert "gradients" in panel.needs
    panel.widget.unfolded = False
    assert asked
    assert panel.needs == set()
    panel.draw(points_frame())
    assert sent == []


def test_images_are_sent_as_strips(panel, sent):
    descent = np.zeros((4, 1, 8, 8), np.float32)
    descent[0, 0, 0, :2] = [2, -2]
    panel.draw(images_frame(seen={"gradients": Gradients(descent, descent), "slice": np.ones((9, 1, 8, 8))}))
    (message,) = sent
    assert message.view == "gallery"
    assert message.parts["slice"].shape == (9, 8, 8, 1)
    assert message.parts["gradient_images"][0, 0, :3, 0].tolist() == [255, 0, 128]
    assert message.parts["real_images"].dtype == np.uint8


def test_one_coordinate_is_spread_over_bands_and_one_dimensional_noise_is_on_a_line(panel, sent):
    seen = {
        "latents": floats(30, 1),
        "manifold": Manifold(floats(1, 21, 1), floats(1, 21, 1), 0.05, sliced=False),
    }
    panel.draw(
        points_frame(real=floats(40, 1), generated=floats(30, 1), verdict=None, extent=None, seen=seen)
    )
    (message,) = sent
    assert (message.parts["noise"][:, 1] == 0.5).all()
    assert (message.parts["real"][:, 1] > 0.5).all()
    assert (message.parts["generated"][:, 1] < 0.5).all()
    assert (message.parts["manifold"][..., 1] == 0.5).all()
