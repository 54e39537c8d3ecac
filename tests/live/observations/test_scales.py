"""Resolutions of growing and multi-scale networks, in frames and on the timeline."""

from __future__ import annotations

import numpy as np

import ganwidgets as gw
from ganwidgets.games import gan
from ganwidgets.live import Camera, Runner
from ganwidgets.live.frames.frame import FrameRequest
from ganwidgets.networks.progressive import level_at
from ganwidgets.runs.timeline.branch_view import past_of

IMAGES = np.random.default_rng(0).random((40, 16, 16), np.float32)


def trainer(architecture, **settings):
    small = {"channels": 4, "latent_dim": 6, "batch_size": 4, "growth_samples": 32}
    return gw.GANTrainer(IMAGES, architecture=architecture, **{**small, **settings})


def scales_of(run):
    runner = Runner(run)
    try:
        camera = Camera(runner)
        camera.request = FrameRequest(camera.request.pictures, frozenset({"scales"}))
        return camera.take().seen["scales"]
    finally:
        runner.close()


def test_a_growing_network_has_a_level_and_others_have_none():
    run = trainer("progressive", growth_samples=0, growth_level=1.25)
    run.step()
    scales = scales_of(run)
    assert (scales.sides, scales.level, scales.images) == ((4, 8, 16), 1.25, ())
    assert [scales.share(number) for number in range(3)] == [1, 1, 0.25]
    assert scales_of(trainer("dcgan")) is None


def test_all_scales_of_the_shown_samples_are_in_the_frame_with_their_gradients():
    run = trainer("msg")
    run.step(10)
    scales = scales_of(run)
    assert [image.shape for image in scales.images] == [(8, 1, side, side) for side in (4, 8, 16)]
    shown = run.sample(25, seed=0)[:8].numpy()
    np.testing.assert_allclose(scales.images[-1], shown, atol=1e-6)
    for side in (4, 8, 16):
        norms = run.history[f"grad_norm_scale_{side}"]
        assert (norms[[0, 9]] > 0).all()
    assert "grad_norm_scale_32" not in list(run.history)


def test_measuring_gradients_by_scale_changes_no_bit(monkeypatch):
    run = trainer("msg")
    run.step(12)
    monkeypatch.setattr(gan, "gradients_by_scale", lambda *_: {})
    unmeasured = trainer("msg")
    unmeasured.step(12)
    assert "grad_norm_scale_4" not in list(unmeasured.history)
    assert unmeasured.state_hash() == run.state_hash()


def test_a_frozen_generator_has_no_gradient_by_scale():
    run = trainer("msg", freeze_g=True)
    run.step(10)
    assert "grad_norm_scale_4" not in list(run.history)


def test_unlockings_by_schedule_and_by_hand_are_marked():
    run = trainer("progressive")
    run.step(30)
    scheduled = [level_at(4 * n, 32, 0.0, 3) for n in range(30)]
    np.testing.assert_allclose(run.history["level"][[0, 9, 19, 29]], [scheduled[n] for n in (0, 9, 19, 29)])
    assert past_of(run._session).unlocked == ((10, 8), (30, 16))
    run.timeline.goto(20)
    assert past_of(run._session).unlocked == ((10, 8),)
    run.settings.growth_level = 1.0
    run.step(10)
    assert past_of(run._session).unlocked == ((10, 8), (30, 16))
    assert past_of(trainer("dcgan")._session).unlocked == ()
