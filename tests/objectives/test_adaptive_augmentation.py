"""Adaptive augmentation: the official transforms, their probabilities, the feedback loop, and exact runs."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from stylegan_reference import needs_reference, read

import ganwidgets as gw
from ganwidgets.objectives import Control, adapted, augmented_with, drawn_transforms
from ganwidgets.objectives.adaptive_augmentation import Transforms

IMAGES = np.random.default_rng(0).random((40, 8, 8), np.float32)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def unchanged(n=1):
    neutral = {"scale", "aspect", "contrast", "saturation"}
    return Transforms(**{f.name: torch.full((n,), float(f.name in neutral)) for f in fields(Transforms)})


def at_quantile(n, q, names, colours):
    """Return the transforms of `names` with each draw at the quantile `q`; the reference's normal is scaled by 1/sqrt 2."""
    normal = float(torch.erfinv(torch.tensor(2 * q - 1)))
    even = 2 * q - 1
    changes = {
        "xflip": {"flip": math.floor(2 * q)},
        "rotate90": {"quarters": math.floor(4 * q)},
        "xint": {"right": even * 0.125, "down": even * 0.125},
        "scale": {"scale": 2 ** (normal * 0.2)},
        "rotate": {"before": even * math.pi},
        "aniso": {"aspect": 2 ** (normal * 0.2)},
        "xfrac": {"fraction_right": normal * 0.125, "fraction_down": normal * 0.125},
        "brightness": {"brightness": normal * 0.2},
        "contrast": {"contrast": 2 ** (normal * 0.5)},
        "lumaflip": {"luma_flip": math.floor(2 * q)},
        "hue": {"hue": even * math.pi} if colours > 1 else {},
        "saturation": {"saturation": 2**normal} if colours > 1 else {},
    }
    chosen = {key: value for name in names for key, value in changes[name].items()}
    return replace(unchanged(n), **{key: torch.full((n,), float(value)) for key, value in chosen.items()})


@needs_reference
def test_every_transform_equals_the_official_one():
    described, tensors = read("", "ada")
    seen = 0
    for case in described["cases"]:
        if {"imgfilter", "cutout"} & set(case["kwargs"]):  # not in the set "bgc"
            continue
        images = tensors[case["input"]]
        transforms = at_quantile(len(images), case["debug_percentile"], case["kwargs"], images.shape[1])
        torch.testing.assert_close(
            augmented_with(images, transforms), tensors[case["key"]], atol=1e-5, rtol=1e-5
        )
        seen += 1
    assert seen == 50


def test_probability_0_changes_nothing_1_everything_and_both_use_equally_many_draws():
    images = torch.rand(6, 3, 8, 8, generator=seeded(1))
    generators = [seeded(2) for _ in range(3)]
    none, some, every = (
        augmented_with(images, drawn_transforms(6, p, g))
        for p, g in zip((0.0, 0.5, 1.0), generators, strict=True)
    )
    torch.testing.assert_close(none, images, atol=1e-6, rtol=0)
    assert all(not torch.allclose(one, other, atol=1e-2) for one, other in zip(every, images, strict=True))
    assert not torch.equal(some, every)
    assert len({g.get_state().numpy().tobytes() for g in generators}) == 1


@settings(deadline=None, max_examples=20)
@given(p=st.floats(0.01, 0.99), seed=st.integers(0, 99))
def test_each_transform_is_applied_with_its_probability(p, seed):
    drawn = drawn_transforms(4000, p, seeded(seed))
    tolerance = 5 * math.sqrt(p * (1 - p) / 4000)
    for name in ("scale", "aspect", "contrast", "saturation"):
        assert abs(float((getattr(drawn, name) != 1).float().mean()) - p) <= tolerance
    turned = (drawn.before != 0) | (drawn.after != 0)
    assert abs(float(turned.float().mean()) - p) <= tolerance


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_gradients_pass_through_and_alpha_is_unchanged(channels):
    images = torch.rand(3, channels, 8, 8, generator=seeded(3), dtype=torch.float64).requires_grad_()
    transforms = drawn_transforms(1, 1.0, seeded(4))
    assert torch.autograd.gradcheck(lambda x: augmented_with(x, transforms), images[:1, :, :4, :4])
    if channels in {2, 4}:
        still = replace(unchanged(3), brightness=torch.full((3,), 0.3), contrast=torch.full((3,), 2.0))
        changed = augmented_with(images, still)
        assert torch.equal(changed[:, -1], images[:, -1])
        assert not torch.equal(changed[:, 0], images[:, 0])


@settings(deadline=None, max_examples=50)
@given(
    p=st.floats(0, 1),
    share=st.integers(0, 8),
    target=st.floats(0.01, 1),
    samples=st.integers(8, 10_000),
)
def test_p_moves_every_fourth_update_towards_the_target_and_stays_a_probability(p, share, target, samples):
    signs = torch.tensor([1.0] * share + [-1.0] * (8 - share))
    control = Control(p)
    for update in range(1, 4):
        control = adapted(control, signs, target, samples)
        assert (control.p, control.updates, control.seen) == (p, update, 8 * update)
    control = adapted(control, signs, target, samples)
    overfits = float(signs.mean())
    expected = p + math.copysign(32 / samples, overfits - target) if overfits != target else p
    assert control == Control(min(max(expected, 0.0), 1.0))


@pytest.mark.parametrize("architecture", ["dcgan", "msg"])
def test_a_run_that_adapts_is_exact_over_save_load_and_goto(architecture, tmp_path):
    run = gw.GANTrainer(
        IMAGES,
        architecture=architecture,
        channels=4,
        latent_dim=4,
        batch_size=4,
        augment="ada",
        augment_target=0.1,
        augment_samples=64,
        lr_d=1e-2,
        run=tmp_path / "run",
    )
    run.step(9)
    there, p = run.state_hash(), run.history["augment_p"]
    assert "memory" in run.state_dict()
    run.save(tmp_path / "run.gan")
    run.change(augment_target=0.9)
    run.step(11)
    end = run.state_hash()
    loaded = gw.GANTrainer.load(tmp_path / "run.gan", IMAGES)
    assert loaded.state_hash() == there
    loaded.change(augment_target=0.9)
    loaded.step(11)
    assert loaded.state_hash() == end
    run.timeline.goto(9)
    assert run.state_hash() == there
    run.close()
    assert gw.replay(tmp_path / "run").equal
    assert p[0] == 0
    column = loaded.history["augment_p"]
    assert np.nanmax(column) > 0


def test_a_fixed_probability_is_kept_and_other_augmentations_record_none():
    run = gw.GANTrainer(
        IMAGES,
        architecture="dcgan",
        channels=4,
        batch_size=4,
        augment="ada",
        augment_target=0.0,
        augment_p=0.3,
    )
    run.step(10)
    assert run.history["augment_p"][[0, 9]].tolist() == [0.3, 0.3]
    assert "memory" not in run.state_dict()
    run.change(augment="color")
    run.step(10)
    assert math.isnan(run.history["augment_p"][19])
    plain = gw.GANTrainer(IMAGES, architecture="dcgan", channels=4, batch_size=4)
    plain.step(10)
    assert "augment_p" not in list(plain.history)
