"""Latent exploration of style-based generators: points, cached prefixes, previews, estimates and films."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganwidgets.errors import DataError
from ganwidgets.latents import Cancelled, Exploration, Place, exploration
from ganwidgets.latents.spectra import log_spectrum
from ganwidgets.latents.staged_synthesis import input_transform
from ganwidgets.networks.stylegan3 import Generator, StyleGAN2Generator, initialize


def made(kind=Generator, side=16, classes=0, **options):
    if kind is Generator:
        options = {"num_layers": 5, "margin_size": 3, **options}
    network = kind(8, classes, 8, side, 3, channel_base=128, channel_max=8, **options).eval()
    initialize(network, torch.Generator().manual_seed(0))
    network.mapping.w_avg.normal_(generator=torch.Generator().manual_seed(1))
    return network


def z_of(seed):
    return torch.randn(1, 8, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("kind", [Generator, StyleGAN2Generator])
def test_a_seed_gives_the_networks_own_image(kind):
    network = made(kind)
    found = Exploration(network).image(Place(x=7.0, y=2.0, truncation_psi=0.6, truncation_cutoff=3))
    with torch.no_grad():
        expected = network(z_of(207), None, 0.6, 3)[0]
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


@settings(deadline=None, max_examples=15)
@given(
    kind=st.sampled_from([Generator, StyleGAN2Generator]),
    mixed=st.sets(st.integers(0, 5)),
    psi=st.floats(-1, 1.5),
    cutoff=st.one_of(st.none(), st.integers(0, 6)),
    x=st.floats(0, 3),
    tx=st.sampled_from([0.0, 0.2]),
)
def test_cached_layers_change_no_image_and_only_later_layers_are_computed(kind, mixed, psi, cutoff, x, tx):
    network = made(kind)
    explored, fresh = Exploration(network), Exploration(network)
    before = Place(x=x, truncation_psi=0.5, tx=tx)
    place = Place(x=x, truncation_psi=psi, truncation_cutoff=cutoff, mixed=tuple(sorted(mixed)), tx=tx)
    explored.image(before)
    changed = (explored.styles(before) != explored.styles(place)).any(2)[0].nonzero().flatten().tolist()
    image = explored.image(place)
    stages = explored.staged.stages
    kept = next(
        (i for i, s in enumerate(stages) if any(s.styles.start <= n < s.styles.stop for n in changed)),
        len(stages),
    )
    assert explored.staged.computed == len(stages) - kept
    assert torch.equal(image, fresh.image(place))


def test_a_preview_is_coarse_and_the_full_image_continues_from_it(monkeypatch):
    monkeypatch.setattr(exploration, "QUICK", 0.5)
    explored = Exploration(made(side=32))
    first = explored.image(Place(x=1))
    quick = explored.preview(Place(x=1.2))
    stages = explored.staged.computed
    assert quick.shape[0] == 3
    assert quick.shape[1] <= 32
    assert 0 < stages < len(explored.layers)
    image = explored.image(Place(x=1.2))
    assert explored.staged.computed == len(explored.layers) - stages
    near = torch.nn.functional.interpolate(image[None], quick.shape[1:], mode="area")[0]
    assert (quick - near).square().mean() < near.var()
    assert not torch.equal(first, image)


def test_a_cancelled_image_keeps_the_computed_layers():
    explored = Exploration(made())

    def watch(stage):
        if stage == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        explored.image(Place(), watch)
    assert explored.staged.ready == 3
    explored.image(Place())
    assert explored.staged.computed == len(explored.layers) - 3


@pytest.mark.parametrize(("tx", "rotation"), [(0.125, 0.0), (0.05, 0.0), (0.0, 20.0)])
def test_stylegan3_follows_its_input_and_stylegan2_does_not(tx, rotation):
    place = Place(tx=tx, rotation=rotation)
    radial = {"conv_kernel": 1, "use_radial_filters": True, "margin_size": 10}
    three, two = Exploration(made(side=32, **radial)), Exploration(made(StyleGAN2Generator, side=32))
    follows = three.equivariance(place, three.image(place))
    assert follows > 35
    if not rotation:
        assert follows > two.equivariance(place, two.image(place)) + 15
    assert math.isinf(three.equivariance(Place(), three.image(Place())))


def test_the_networks_transform_mode_and_buffers_are_unchanged():
    network = made().train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    explored = Exploration(network)
    explored.image(Place(tx=0.3, rotation=40))
    assert network.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_motions_are_inverted_like_the_input_expects():
    matrix = torch.linalg.inv(input_transform(0.25, -0.5, 90))
    point = matrix @ torch.tensor([1.0, 0.0, 1.0])
    torch.testing.assert_close(point, torch.tensor([0.25, -1.5, 1.0]))


def test_directions_are_orthogonal_ordered_and_in_standard_deviations():
    explored = Exploration(made())
    directions = explored.directions
    lengths = directions.norm(dim=1)
    assert (lengths[:-1] >= lengths[1:]).all()
    products = directions @ directions.T
    assert (products - products.diag().diag()).abs().max() < 1e-3 * products.max()
    plain = Place(truncation_psi=1.0)
    moved = explored.styles(replace(plain, directions=(2.0, -1.0)))
    torch.testing.assert_close(
        moved, explored.styles(plain) + 2 * directions[0] - directions[1], rtol=0, atol=1e-5
    )


def test_a_conditional_network_shows_its_classes():
    explored = Exploration(made(classes=3))
    one, other = (explored.image(Place(label=label)) for label in (0, 1))
    assert not torch.equal(one, other)
    assert torch.equal(explored.image(Place(label=3)), one)


def test_a_walk_begins_and_ends_at_its_points():
    explored = Exploration(made())
    places = [Place(x=0), Place(x=1, tx=0.2)]
    frames = list(explored.walk(places, 5))
    assert len(frames) == 5
    for frame, place in ((frames[0], places[0]), (frames[-1], places[-1])):
        torch.testing.assert_close(frame, explored.image(place), rtol=0, atol=1e-5)


def test_a_wave_has_its_peaks_at_its_frequency():
    x = torch.arange(64) / 64
    spectrum = log_spectrum(torch.cos(2 * math.pi * 10 * x).expand(1, 64, 64))
    peak = np.unravel_index(int(spectrum.argmax()), (64, 64))
    assert peak in {(32, 22), (32, 42)}


def test_costs_are_estimated_before_an_image_and_too_little_memory_is_refused(monkeypatch):
    small, large = Exploration(made(side=16)).estimate, Exploration(made(side=32)).estimate
    assert 0 < small.memory < large.memory
    assert 0 < small.multiplications < large.multiplications
    assert small.seconds > 0
    monkeypatch.setattr(exploration, "available_memory", lambda: 1000)
    with pytest.raises(DataError, match=r"needs about .* GB of memory .* pixels a side or fewer"):
        Exploration(made())


@pytest.mark.parametrize("other", [torch.nn.Linear(2, 2), torch.nn.Sequential()])
def test_another_kind_of_network_is_refused_with_a_remedy(other):
    with pytest.raises(DataError, match="load_stylegan"):
        Exploration(other)
