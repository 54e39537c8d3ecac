"""Mixed precision: which results are rounded."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ganwidgets import GANTrainer

pytestmark = pytest.mark.filterwarnings("ignore:.*with batch norm:ganwidgets.DataWarning")

SMALL = {"latent_dim": 4, "batch_size": 16, "channels": 4, "seed": 1}


def tensors(trainer):
    yield from trainer.generator.state_dict().values()
    yield from trainer.discriminator.state_dict().values()


@pytest.mark.parametrize("architecture", ["mlp", "dcgan", "resnet", "stylegan3_t"])
@pytest.mark.parametrize(
    "rules",
    [
        {},
        {"loss": "wasserstein", "penalty": "gradient_penalty"},
        {"loss": "relativistic", "penalty": "r1_r2"},
        {"unroll_steps": 1, "norm": "none"},
        {"conditional": True},
    ],
    ids=lambda rules: "-".join(map(str, rules.values())) or "plain",
)
def test_it_trains_near_full_precision_and_stores_the_state_in_full_precision(architecture, rules):
    half = GANTrainer("digits", architecture=architecture, precision="bfloat16", **SMALL, **rules)
    full = GANTrainer("digits", architecture=architecture, **SMALL, **rules)
    before = [tensor.clone() for tensor in tensors(half)]
    record, wanted = half.step(), full.step()
    assert record["loss_d"] != wanted["loss_d"]
    assert record["loss_d"] == pytest.approx(wanted["loss_d"], rel=0.1)
    half.step(3)
    for tensor in tensors(half):
        assert tensor.dtype in (torch.float32, torch.int64)
        assert tensor.isfinite().all()
    assert not all(map(torch.equal, before, tensors(half)))


def test_only_the_networks_compute_in_lower_precision():
    seen = []

    class Judge(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 1)

        def forward(self, x):
            logits = self.layer(x)
            seen.append((x.dtype, logits.dtype))
            return logits

    trainer = GANTrainer("ring8", discriminator=Judge(), g_hidden=(4,), batch_size=8)
    trainer.step()
    seen.clear()
    trainer.change(precision="bfloat16")
    trainer.step()
    assert set(seen) == {(torch.float32, torch.bfloat16)}
    seen.clear()
    trainer.evaluate(10)
    trainer.change(precision="float32")
    trainer.step()
    assert set(seen) == {(torch.float32, torch.float32)}
