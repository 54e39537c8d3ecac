"""Convolutions by Winograd's minimal filtering, compared with direct ones."""

import copy

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import conv2d

from ganwidgets.networks.stylegan3 import Generator, generator, initialize, winograd
from ganwidgets.networks.stylegan3.winograd import transformed, winograd_conv2d


@settings(deadline=None, max_examples=25)
@given(
    n=st.integers(1, 2),
    channels=st.integers(1, 5),
    out=st.integers(1, 5),
    height=st.integers(3, 15),
    width=st.integers(3, 15),
    padding=st.integers(0, 2),
    seed=st.integers(0, 99),
)
def test_it_equals_the_convolution(n, channels, out, height, width, padding, seed):
    draw = torch.Generator().manual_seed(seed)
    x = torch.randn(n, channels, height, width, generator=draw)
    weight = torch.randn(out, channels, 3, 3, generator=draw)
    expected = conv2d(x.double(), weight.double(), padding=padding).float()
    found = winograd_conv2d(x, transformed(weight), padding)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-3 if channels > 3 else 6e-4)


def test_a_single_image_without_gradients_equals_that_with_gradients_and_follows_new_weights(monkeypatch):
    monkeypatch.setattr(winograd, "LEAST_CHANNELS", 4)
    network = Generator(8, 0, 8, 16, 3, channel_base=256, channel_max=8, num_layers=5).eval()
    initialize(network, torch.Generator().manual_seed(0))
    used = []
    monkeypatch.setattr(generator, "winograd_conv2d", lambda *a: used.append(1) or winograd_conv2d(*a))
    z = torch.randn(1, 8, generator=torch.Generator().manual_seed(1))
    for _ in range(2):
        with torch.no_grad():
            found = network(z)
        torch.testing.assert_close(found, network(z).detach(), rtol=0, atol=1e-5)
        with torch.no_grad():
            for layer in network.synthesis.layers():
                layer.weight.mul_(-1.1)
    assert used
    assert copy.deepcopy(network).synthesis.layers()[1]._kept is None
