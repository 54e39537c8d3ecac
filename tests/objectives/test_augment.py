"""DiffAugment: the effect of each change, its gradients, and the source of its random numbers."""

from __future__ import annotations

import pytest
import torch

from ganwidgets.objectives import AUGMENTATIONS, augmented
from ganwidgets.settings import SETTINGS

CHANGES = [name for name in AUGMENTATIONS if name != "none"]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def images(n=200, channels=3, height=8, width=12):
    return torch.rand(n, channels, height, width, generator=seeded(9), dtype=torch.float64) * 2 - 1


def test_the_names_equal_the_choices_of_the_setting():
    assert {*AUGMENTATIONS, "ada"} == set(SETTINGS["augment"].choices)


@pytest.mark.parametrize("kind", AUGMENTATIONS)
def test_it_draws_from_its_generator_only_and_does_not_change_its_input(kind):
    given = images()
    kept, before = given.clone(), torch.random.get_rng_state()
    first, again, other = (augmented(kind, given, seeded(seed)) for seed in (0, 0, 1))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(given, kept)
    assert torch.equal(first, again)
    assert torch.equal(first, other) == (kind == "none")
    assert first.shape == given.shape
    assert first.dtype == given.dtype


@pytest.mark.parametrize("kind", CHANGES)
@pytest.mark.parametrize("channels", [1, 3])
def test_its_gradient_equals_finite_differences(kind, channels):
    small = images(2, channels, 4, 4).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: augmented(kind, x, seeded(3)), small)


def test_translation_moves_by_up_to_an_eighth_and_pads_with_zeros():
    given = images(400, 1, 16, 24) + 5  # no zeros in it
    moved = augmented("translation", given, seeded())
    shifts = set()
    for before, after in zip(given[:, 0], moved[:, 0], strict=True):
        kept = after != 0
        rows, columns = kept.any(1).nonzero().flatten(), kept.any(0).nonzero().flatten()
        found = [
            (down, right)
            for down in range(-2, 3)
            for right in range(-3, 4)
            if torch.equal(
                after[max(down, 0) : 16 + min(down, 0), max(right, 0) : 24 + min(right, 0)],
                before[max(-down, 0) : 16 - max(down, 0), max(-right, 0) : 24 - max(right, 0)],
            )
        ]
        assert len(found) == 1
        down, right = found[0]
        assert (len(rows), len(columns)) == (16 - abs(down), 24 - abs(right))
        shifts.add(found[0])
    assert len(shifts) == 5 * 7


def test_cutout_removes_half_a_side_around_any_centre():
    given = images(400, 2, 8, 12) + 5
    cut = augmented("cutout", given, seeded())
    gone = cut == 0
    assert torch.equal(cut[~gone], given[~gone])
    assert torch.equal(gone[:, 0], gone[:, 1])
    rows, columns = gone[:, 0].any(2).sum(1), gone[:, 0].any(1).sum(1)
    assert torch.equal(gone[:, 0].sum((1, 2)), rows * columns), "each hole is one rectangle"
    assert (rows.max(), columns.max()) == (4, 6)
    assert (rows.min(), columns.min()) == (2, 3), "cut off at the edge"


def test_color_changes_brightness_saturation_and_contrast_within_their_bounds():
    given = images(500)
    changed = augmented("color", given, seeded())
    brightness = changed.mean((1, 2, 3)) - given.mean((1, 2, 3))
    assert -0.5 <= brightness.min() < -0.45
    assert 0.45 < brightness.max() <= 0.5
    grey, new_grey = (x.mean(1) - x.mean((1, 2, 3))[:, None, None] for x in (given, changed))
    contrast = (new_grey / grey).flatten(1)
    torch.testing.assert_close(contrast, contrast[:, :1].expand_as(contrast), rtol=1e-6, atol=1e-6)
    assert 0.5 <= contrast.min() < 0.55
    assert 1.45 < contrast.max() <= 1.5
    colour, new_colour = (x - x.mean(1, keepdim=True) for x in (given, changed))
    saturation = (new_colour / colour).flatten(1)[:, 0] / contrast[:, 0]
    assert 0 <= saturation.min() < 0.1
    assert 1.9 < saturation.max() <= 2


def test_each_image_has_its_own_random_numbers():
    same = images(1).expand(20, -1, -1, -1)
    for kind in CHANGES:
        assert len({image.numpy().tobytes() for image in augmented(kind, same, seeded())}) > 5
