"""Properties of every alias-free network, tested on small random ones."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganwidgets.networks.stylegan3 import Discriminator, Generator, StyleGAN2Generator, initialize
from ganwidgets.networks.stylegan3 import resampling as tiles
from ganwidgets.networks.stylegan3.filters import kaiser_lowpass, radial_lowpass, separable_terms
from ganwidgets.networks.stylegan3.resampling import FilteredLeakyReLU, Resampling

SMALL = {"channel_base": 64, "channel_max": 4, "num_layers": 4, "margin_size": 3}


def drawn(network, seed=0):
    initialize(network, torch.Generator().manual_seed(seed))
    return network.eval()


def noise(*shape, seed=1):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def plainly(x, taps, up, down, padding):
    """Insert zeros, pad, convolve with [h, w] taps, keep every n-th pixel."""
    n, c, height, width = x.shape
    zeros = x.new_zeros(n, c, height, up, width, up)
    zeros[:, :, :, 0, :, 0] = x
    padded = torch.nn.functional.pad(zeros.reshape(n, c, height * up, width * up), padding)
    kernel = torch.from_numpy(taps).flip((0, 1))[None, None].to(x)
    out = torch.nn.functional.conv2d(padded.flatten(0, 1).unsqueeze(1), kernel)
    return out.view(n, c, *out.shape[2:])[:, :, ::down, ::down]


@settings(max_examples=25, deadline=None)
@given(
    size=st.tuples(st.integers(12, 50), st.integers(12, 50)),
    up=st.integers(1, 3),
    down=st.integers(1, 3),
    padding=st.tuples(*[st.integers(-3, 9)] * 4),
    radial=st.booleans(),
)
def test_resampling_by_tiles_and_matrices_equals_zeros_and_a_convolution(size, up, down, padding, radial):
    taps = radial_lowpass(6, 0.2, 0.3, 1.0)
    if not radial:
        one = kaiser_lowpass(6, 0.2, 0.3, 1.0)
        taps = one[:, None] * one[None, :]
    x = noise(2, 2, *size).double()
    ours = Resampling(separable_terms(taps), up=up, down=down, padding=padding)
    expected = plainly(x, taps, up, down, padding)
    torch.testing.assert_close(ours(x), expected, rtol=0, atol=1e-6)
    with torch.no_grad():
        torch.testing.assert_close(ours(x), expected, rtol=0, atol=1e-6)


def test_a_leaky_relu_of_slope_one_equals_the_filters():
    taps = separable_terms(kaiser_lowpass(12, 0.2, 0.2, 1.0))
    up, down = Resampling(taps, up=2, padding=(5, 5, 5, 5), gain=4.0), Resampling(taps, down=2)
    x = noise(1, 3, 20, 20)
    torch.testing.assert_close(FilteredLeakyReLU(up, down, slope=1.0, gain=1.0)(x), down(up(x)))


def test_gradients_of_the_alias_free_leaky_relu_equal_finite_differences(monkeypatch):
    monkeypatch.setattr(tiles, "TILE_WITH_GRADIENT", 5)
    taps = separable_terms(radial_lowpass(6, 0.2, 0.2, 1.0))
    nonlinearity = FilteredLeakyReLU(
        Resampling(taps, up=2, padding=(4, 4, 4, 4), gain=4.0), Resampling(taps, down=2), clamp=50.0
    )
    x = noise(1, 1, 8, 7).double().requires_grad_()
    assert torch.autograd.gradcheck(nonlinearity, x)
    assert torch.autograd.gradgradcheck(nonlinearity, x)


@pytest.mark.parametrize("kind", ["t", "r", "stylegan2"])
def test_samples_do_not_depend_on_their_batch_and_truncation_ends_at_the_mean(kind):
    if kind == "stylegan2":
        network = StyleGAN2Generator(8, 3, 8, 16, 3, channel_base=64, channel_max=4)
    else:
        extra = {"conv_kernel": 1, "use_radial_filters": True} if kind == "r" else {}
        network = Generator(8, 3, 8, 16, 3, **SMALL, **extra)
    drawn(network)
    z, c = noise(4, 8), torch.eye(3)[[0, 1, 2, 0]]
    with torch.no_grad():
        images = network(z, c)
        assert images.shape == (4, 3, 16, 16)
        assert images.std() > 0
        torch.testing.assert_close(network(z[:1], c[:1]), images[:1], rtol=0, atol=1e-5)
        mean = network(z, c, 0.0)
        torch.testing.assert_close(mean[:1].expand_as(mean), mean, rtol=0, atol=1e-6)
    with pytest.raises(ValueError, match="conditional"):
        network(z)
    with pytest.raises(ValueError, match="shape"):
        network.synthesis(noise(2, 1, 8))


def test_initial_weights_come_from_the_given_generator_only():
    before = torch.get_rng_state()
    one, two, three = (drawn(Generator(8, 0, 8, 16, 1, **SMALL), seed) for seed in (0, 0, 1))
    assert torch.equal(before, torch.get_rng_state())
    z = noise(2, 8)
    assert torch.equal(one(z), two(z))
    assert not torch.equal(one(z), three(z))


@pytest.mark.parametrize("radial", [False, True])
def test_a_translated_input_translates_the_image(radial):
    extra = {"conv_kernel": 1, "use_radial_filters": True} if radial else {}
    network = drawn(Generator(8, 0, 8, 32, 1, **{**SMALL, "margin_size": 10}, **extra))
    z, pixels = noise(2, 8), 4
    with torch.no_grad():
        images = network(z)
        network.synthesis.input.transform[0, 2] = -pixels / 32
        moved = network(z)
    error = (moved[..., pixels:] - images[..., :-pixels]).square().mean()
    assert error < 1e-4 * images.square().mean()


def test_the_discriminator_depends_on_the_variation_within_its_batch():
    network = drawn(Discriminator(0, 16, 1, channel_base=64, channel_max=4))
    images = noise(4, 1, 16, 16)
    same = images[:1].expand(4, -1, -1, -1)
    assert not torch.allclose(network(images)[:1], network(same)[:1])
