"""Training on a GPU, if one is present."""

from __future__ import annotations

import math

import pytest
import torch

from ganwidgets import GANTrainer

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device")

SMALL = {"latent_dim": 8, "batch_size": 16, "channels": 8, "seed": 1}


def on_gpu(**settings):
    return GANTrainer("digits", device="cuda", **{**SMALL, **settings})


@pytest.mark.parametrize("architecture", ["mlp", "dcgan", "resnet"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    "rules",
    [{}, {"penalty": "r1"}, {"loss": "wasserstein", "penalty": "gradient_penalty"}, {"conditional": True}],
    ids=str,
)
def test_every_architecture_trains(architecture, precision, rules):
    trainer = on_gpu(architecture=architecture, precision=precision, ema_decay=0.9, **rules)
    record = trainer.step(5)
    assert all(map(math.isfinite, record.values()))
    assert {parameter.device.type for parameter in trainer.generator.parameters()} == {"cuda"}
    samples = trainer.sample(4, seed=0, ema=True)
    assert samples.device.type == "cpu"
    assert samples.shape == (4, 1, 8, 8)
    assert all(map(math.isfinite, trainer.evaluate(100).values()))


@pytest.mark.parametrize("architecture", ["mlp", "dcgan"])
def test_a_gpu_run_starts_and_continues_close_to_the_cpu(architecture):
    gpu, cpu = on_gpu(architecture=architecture), GANTrainer("digits", architecture=architecture, **SMALL)
    assert gpu.state_hash() == cpu.state_hash()
    assert cpu.exact
    assert not gpu.exact
    assert gpu.step()["loss_d"] == pytest.approx(cpu.step()["loss_d"], rel=1e-2)
    torch.testing.assert_close(gpu.sample(8, seed=0), cpu.sample(8, seed=0), rtol=0.05, atol=0.02)


@pytest.mark.parametrize("architecture", ["mlp", "dcgan"])
def test_a_file_saved_on_the_gpu_continues_there_and_on_the_cpu(architecture, tmp_path):
    trainer = on_gpu(architecture=architecture)
    trainer.step(4)
    trainer.save(tmp_path / "run.gan")
    saved = trainer.state_hash()
    wanted = trainer.step()["loss_d"]
    for device in ("cuda", "cpu"):
        loaded = GANTrainer.load(tmp_path / "run.gan", device=device)
        assert loaded.state_hash() == saved
        assert loaded.step()["loss_d"] == pytest.approx(wanted, rel=1e-2)


def test_time_travel_on_a_gpu():
    trainer = on_gpu(architecture="dcgan")
    trainer.step(6)
    trainer.timeline.goto(3)
    assert trainer.iteration == 3
    trainer.step(2)
    assert trainer.iteration == 5
