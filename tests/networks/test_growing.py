"""Progressive and multi-scale networks: levels, fading, and gradients by resolution."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import ganwidgets as gw
from ganwidgets.games.resolutions import changed_alike
from ganwidgets.networks import build_networks
from ganwidgets.networks.layers.equalized import doubled, halved
from ganwidgets.networks.msg import atlas, pyramid, unpacked
from ganwidgets.networks.progressive import level_at
from ganwidgets.objectives import AUGMENTATIONS, augmented, augmented_with, drawn_change, drawn_transforms

FIXUP = ("widen.weight", "mix.weight", "first.bias", "second.bias")


def built(architecture, side=16, classes=0, colours=1):
    weights = torch.Generator().manual_seed(0)
    return build_networks(
        architecture, (colours, side, side), 6, (), (), "relu", weights, channels=4, classes=classes
    )


def noise(*shape, seed=1):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@settings(deadline=None, max_examples=30)
@given(
    samples=st.integers(0, 10_000),
    more=st.integers(0, 10_000),
    per_phase=st.integers(0, 2000),
    unlocked=st.floats(0, 6),
    levels=st.integers(1, 6),
)
def test_levels_never_decrease_and_stay_within_the_networks(samples, more, per_phase, unlocked, levels):
    now = level_at(samples, per_phase, unlocked, levels)
    later = level_at(samples + more, per_phase, unlocked, levels)
    assert 0 <= now <= later <= levels - 1


@settings(deadline=None, max_examples=10)
@given(level=st.integers(0, 1), side=st.sampled_from([8, 16, 32]))
def test_a_new_resolution_has_no_effect_at_first_and_then_replaces_the_one_before(level, side):
    generator, discriminator = built("progressive", side)
    z, factor = noise(3, 6), 2 ** (generator.levels - 1 - level)
    generator.grow(level)
    discriminator.grow(level)
    coarse, logits = generator(z), discriminator(doubled(halved(noise(3, 1, side, side), factor), factor))
    torch.testing.assert_close(coarse, doubled(halved(coarse, factor), factor))
    generator.grow(level + 1e-7)
    discriminator.grow(level + 1e-7)
    pooled = doubled(halved(noise(3, 1, side, side), factor), factor)
    torch.testing.assert_close(generator(z), coarse, atol=1e-5, rtol=0)
    torch.testing.assert_close(discriminator(pooled), logits, atol=1e-5, rtol=1e-5)
    generator.grow(level + 1)
    assert not torch.allclose(generator(z), coarse, atol=1e-2)
    generator.grow(level + 0.25)
    mixed = generator(z)
    generator.grow(level + 1)
    torch.testing.assert_close(mixed, coarse.lerp(generator(z), 0.25))


def test_real_images_fade_in_with_the_generators():
    generator, _ = built("progressive", 16)
    real = noise(2, 1, 16, 16)
    generator.grow(2.0)
    assert torch.equal(generator.faded(real), real)
    generator.grow(1.0)
    assert torch.equal(generator.faded(real), doubled(halved(real)))
    generator.grow(1.25)
    torch.testing.assert_close(generator.faded(real), doubled(halved(real)).lerp(real, 0.25))


@pytest.mark.parametrize("classes", [0, 3])
@pytest.mark.parametrize("architecture", ["progressive", "msg", "r3gan", "stylegan3_t", "stylegan3_r"])
def test_at_full_level_every_weight_gets_a_gradient(architecture, classes):
    generator, discriminator = built(architecture, classes=classes)
    for network in (generator, discriminator):
        if architecture == "progressive":
            network.grow(1.5)
    labels = (torch.tensor([0, 1, 2, 1]),) if classes else ()
    samples = generator(noise(4, 6), *labels)
    assert samples.shape == (4, 1, 16, 16)
    discriminator(samples, *labels).square().sum().backward()
    for network in (generator, discriminator):
        idle = [name for name, p in network.named_parameters() if p.grad is None]
        # In a progressive network, image layers of completely faded-in lower resolutions get no gradient.
        assert all("rgb" in name for name in idle), idle
        still = {name for name, p in network.named_parameters() if p.grad is not None and not p.grad.any()}
        if architecture == "r3gan":  # branches initialized to zero
            still = {name for name in still if not name.endswith((*FIXUP,))}
        assert not {name for name in still if "affine" not in name and "bias" not in name}


@settings(deadline=None, max_examples=20)
@given(side=st.sampled_from([8, 16, 32]), levels=st.integers(2, 3), colours=st.sampled_from([1, 3, 4]))
def test_an_atlas_contains_the_whole_pyramid(side, levels, colours):
    images = pyramid(noise(2, colours, side, side), levels)
    packed = atlas(images)
    assert packed.shape == (2, colours, side, side * 3 // 2)
    assert all(map(torch.equal, unpacked(packed, levels), images))


def test_gradients_reach_every_scale_of_a_multi_scale_generator_at_step_0():
    generator, discriminator = built("msg", 32)
    scales = generator.scales(noise(4, 6))
    logits = discriminator(atlas(scales))
    for gradient in torch.autograd.grad(logits.sum(), scales):
        assert gradient.abs().amax() > 0
    images = noise(4, 1, 32, 32)
    torch.testing.assert_close(discriminator(images), discriminator(atlas(pyramid(images, generator.levels))))


@pytest.mark.parametrize("kind", AUGMENTATIONS)
@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**32), colours=st.sampled_from([1, 3]))
def test_augmentation_changes_all_resolutions_of_an_atlas_like_the_image(kind, seed, colours):
    # Every resolution of this image is the same, so the pyramid of the changed image is known.
    image = doubled(noise(3, colours, 4, 4, seed=seed), 4)
    change = drawn_change(kind, 3, 16, 16, torch.Generator().manual_seed(seed))
    changed = changed_alike(change, atlas(pyramid(image, 3)), 3)
    torch.testing.assert_close(changed, atlas(pyramid(change(image), 3)))
    torch.testing.assert_close(change(image), augmented(kind, image, torch.Generator().manual_seed(seed)))


def test_adaptive_augmentation_transforms_all_resolutions_of_an_atlas_alike():
    image = doubled(noise(4, 1, 4, 4), 4)
    drawn = drawn_transforms(4, 1.0, torch.Generator().manual_seed(0))
    changed = changed_alike(lambda x: augmented_with(x, drawn), atlas(pyramid(image, 3)), 3)
    torch.testing.assert_close(changed, atlas(pyramid(augmented_with(image, drawn), 3)))


@pytest.mark.parametrize("augment", ["all", "ada"])
def test_a_discriminator_in_training_gets_one_change_of_each_real_image_at_all_resolutions(augment):
    images = doubled(noise(8, 1, 4, 4), 4).clamp(-1, 1)
    run = gw.GANTrainer(
        images.numpy(),
        architecture="msg",
        channels=4,
        batch_size=8,
        augment=augment,
        augment_p=1.0,
        augment_target=0.0,
    )
    seen = []
    run.discriminator.register_forward_pre_hook(lambda _, given: seen.append(given[0].detach().clone()))
    run.step_d(3)
    levels = run.generator.levels
    # As above, coarser resolutions of a changed real image are means of the finest one; those of generated ones are not.
    means = [atlas(pyramid(unpacked(packed, levels)[0], levels)) for packed in seen]
    real = [
        packed for packed, mean in zip(seen, means, strict=True) if torch.allclose(packed, mean, atol=1e-4)
    ]
    assert len(real) == 3
    for packed in real:
        finest = unpacked(packed, levels)[0]
        assert not any(torch.equal(changed, image) for changed in finest for image in images)
