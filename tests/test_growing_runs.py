"""Growing networks and StyleGAN3: saving, time travel, freezing and replay are exact."""

import numpy as np
import pytest
import torch

import ganwidgets as gw

IMAGES = np.random.default_rng(0).random((40, 16, 16), np.float32)
NEW = ("progressive", "msg", "r3gan", "stylegan3_t", "stylegan3_r")


def trainer(architecture, **settings):
    defaults = {
        "latent_dim": 6,
        "channels": 4,
        "batch_size": 4,
        "penalty": "r1",
        "penalty_weight": 0.1,
        "penalty_interval": 3,
        "ema_decay": 0.9,
        "ema_rampup": 0.5,
        "growth_samples": 8,
    }
    return gw.GANTrainer(IMAGES, architecture=architecture, **{**defaults, **settings})


@pytest.mark.parametrize("architecture", NEW)
def test_save_load_goto_and_freezing_are_exact_across_unlockings(architecture, tmp_path):
    run = trainer(architecture)
    run.step(5)
    there = run.state_hash()
    run.save(tmp_path / "run.gan")
    run.step(4)
    end = run.state_hash()
    loaded = gw.GANTrainer.load(tmp_path / "run.gan", IMAGES)
    assert loaded.state_hash() == there
    loaded.step(4)
    assert loaded.state_hash() == end
    run.timeline.goto(1)
    run.step(4)
    assert run.state_hash() == there
    run.settings.freeze_g = True
    before = {key: value.clone() for key, value in run.generator.state_dict().items()}
    run.step(3)
    assert all(torch.equal(value, before[key]) for key, value in run.generator.state_dict().items())


def test_a_run_folder_with_a_manual_unlocking_replays(tmp_path):
    run = trainer("progressive", growth_samples=0, run=tmp_path / "run")
    run.step(2)
    assert float(run.generator.level) == 0
    run.settings.growth_level = 0.5
    run.step(2)
    assert float(run.generator.level) == float(run.discriminator.level) == 0.5
    run.settings.growth_level = 2.0
    run.step(2)
    end = run.state_hash()
    run.close()
    assert gw.replay(tmp_path / "run").equal
    again = gw.open_run(tmp_path / "run")
    assert again.state_hash() == end
    again.timeline.goto(3)
    assert float(again.generator.level) == 0.5
    again.close()


def test_a_frozen_network_keeps_its_level_and_a_network_stepped_alone_advances_its_own():
    run = trainer("progressive")
    run.settings.freeze_g = True
    run.step(6)
    assert float(run.generator.level) == 0
    assert float(run.discriminator.level) > 0
    run.settings.freeze_g = False
    run.step_g()
    assert float(run.generator.level) > 0


def test_running_means_of_stylegan3_change_in_its_own_updates_only():
    run = trainer("stylegan3_t")
    average = run.generator.mapping.w_avg
    run.step_d(2)
    assert not average.any()
    run.step_g()
    assert run.generator.mapping.w_avg.any()
    assert float(run.generator.synthesis.layers()[1].magnitude_ema) != 1


def test_the_average_starts_fast_with_a_ramp():
    slow, fast = trainer("msg", ema_rampup=0.0, ema_decay=0.999), trainer("msg", ema_decay=0.999)
    for run in (slow, fast):
        run.step(6)
    distance = [
        sum(
            float((a - b).detach().square().sum())
            for a, b in zip(
                run._session.run.state.averages["generator"].parameters(),
                run.generator.parameters(),
                strict=True,
            )
        )
        for run in (slow, fast)
    ]
    assert distance[1] < distance[0]


@pytest.mark.parametrize("architecture", NEW)
def test_a_refused_image_size_leaves_the_run_as_it_was(architecture):
    run = trainer(architecture)
    run.step()
    before = run.state_hash()
    for shape in ((8, 16, 24), (8, 14, 14), (8, 3, 22, 22)):
        run.settings.data = np.full(shape, 0.5, np.float32)
        with pytest.raises(gw.DataError, match=r"square images.*image_folder"):
            run.reset()
        run.settings.data = IMAGES
        assert run.state_hash() == before
    assert run.generator(torch.zeros(2, 6)).shape == (2, 1, 16, 16)
    run.step()
