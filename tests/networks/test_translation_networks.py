"""Networks of the games for image translation and adversarial training."""

from __future__ import annotations

import pytest
import torch

from ganwidgets.networks.classifiers import build_classifier
from ganwidgets.networks.patch_discriminator import build_patch_discriminator
from ganwidgets.networks.unet import build_unet, halvings_of


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("size", [(8, 8), (16, 16), (12, 20), (32, 64), (64, 64), (128, 128)])
def test_translation_keeps_the_image_size_and_the_patch_map_is_a_quarter_of_it(size):
    unet = build_unet((2, *size), (3, *size), 4, seeded(), noise_channels=1)
    made = unet(torch.zeros(2, 2, *size), torch.randn(2, 1, *size, generator=seeded()))
    assert made.shape == (2, 3, *size)
    assert made.abs().max() <= 1
    judge = build_patch_discriminator((5, *size), 4, seeded())
    assert judge(torch.zeros(2, 5, *size)).shape == (2, 1, size[0] // 4, size[1] // 4)


def test_images_are_halved_to_at_least_four_pixels():
    sizes = {8: 2, 16: 2, 32: 3, 64: 4, 128: 5, 256: 5, 24: 2, 12: 2}
    assert {size: halvings_of(size, size) for size in sizes} == sizes


def test_a_patch_is_26_pixels_wide():
    judge = build_patch_discriminator((1, 64, 64), 2, seeded())
    # Instance norm depends on the whole image, so the receptive field is measured without it.
    layers = [layer for layer in judge if not isinstance(layer, torch.nn.InstanceNorm2d)]
    image = torch.randn(1, 1, 64, 64, generator=seeded()).requires_grad_()
    (gradient,) = torch.autograd.grad(torch.nn.Sequential(*layers)(image)[0, 0, 8, 8], image)
    rows = gradient[0, 0].abs().sum(1).nonzero()
    assert rows.max() - rows.min() + 1 == 26


@pytest.mark.parametrize("shape", [(2,), (1, 8, 8), (3, 32, 32), (1, 25, 25)])
def test_a_classifiers_logits_do_not_depend_on_the_rest_of_the_batch(shape):
    classifier = build_classifier(shape, 7, seeded(), channels=4, hidden=(8,))
    batch = torch.randn(5, *shape, generator=seeded())
    assert classifier(batch).shape == (5, 7)
    torch.testing.assert_close(classifier(batch)[:2], classifier(batch[:2]))


@pytest.mark.parametrize(
    "build",
    [
        lambda g: build_unet((1, 8, 8), (1, 8, 8), 4, g),
        lambda g: build_patch_discriminator((1, 8, 8), 4, g),
        lambda g: build_classifier((1, 8, 8), 3, g),
    ],
)
def test_weights_come_from_their_generator_only(build):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    one, same, other = build(seeded()), build(seeded()), build(seeded(1))
    assert torch.equal(torch.get_rng_state(), before)
    pairs = list(zip(one.parameters(), same.parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b in pairs)
    assert not torch.equal(next(one.parameters()), next(other.parameters()))
