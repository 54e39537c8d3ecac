import copy
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from ganwidgets.networks import build_networks
from ganwidgets.objectives import PENALTIES
from ganwidgets.settings import SETTINGS

ACTIVATIONS = list(SETTINGS["activation"].choices)


def built(shape=(2,), *, latent_dim=3, g_hidden=(8, 8), d_hidden=(8,), activation="leaky_relu", seed=0):
    generator = torch.Generator().manual_seed(seed)
    return build_networks("mlp", shape, latent_dim, g_hidden, d_hidden, activation, generator)


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(9))


def bits(module: nn.Module) -> list[torch.Tensor]:
    return list(module.state_dict().values())


widths = st.lists(st.integers(1, 12), max_size=3).map(tuple)


@given(
    shape=st.sampled_from([(1,), (2,), (5,), (1, 8, 8), (3, 2, 4)]),
    latent_dim=st.integers(1, 5),
    g_hidden=widths,
    d_hidden=widths,
    activation=st.sampled_from(ACTIVATIONS),
)
def test_shapes_of_samples_and_logits(shape, latent_dim, g_hidden, d_hidden, activation):
    generator, discriminator = built(
        shape, latent_dim=latent_dim, g_hidden=g_hidden, d_hidden=d_hidden, activation=activation
    )
    samples = generator(noise(7, latent_dim))
    assert samples.shape == (7, *shape)
    assert discriminator(samples).shape == (7, 1)
    assert [m.out_features for m in generator.modules() if isinstance(m, nn.Linear)] == [
        *g_hidden,
        math.prod(shape),
    ]
    assert [m.out_features for m in discriminator.modules() if isinstance(m, nn.Linear)] == [*d_hidden, 1]


def test_images_are_bounded_and_points_are_not():
    pixels = built((1, 4, 4))[0](1000 * noise(50, 3))
    assert pixels.abs().max() <= 1
    assert built((2,))[0](1000 * noise(50, 3)).abs().max() > 1


def test_without_hidden_layers_the_networks_are_affine():
    for network, features in zip(built(g_hidden=(), d_hidden=()), (3, 2), strict=True):
        a, b = noise(2, 5, features)
        torch.testing.assert_close(network((a + b) / 2), (network(a) + network(b)) / 2)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_with_a_hidden_layer_the_networks_are_not_affine(activation):
    for network, features in zip(built(activation=activation), (3, 2), strict=True):
        a, b = 5 * noise(2, 5, features)
        assert not torch.allclose(network((a + b) / 2), (network(a) + network(b)) / 2)


def test_weights_come_from_the_given_generator_only():
    torch.manual_seed(123)
    before = torch.random.get_rng_state()
    networks = built(seed=4)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(321)
    again, other = built(seed=4), built(seed=5)
    for i in range(2):
        assert all(map(torch.equal, bits(networks[i]), bits(again[i])))
        assert not any(map(torch.equal, bits(networks[i]), bits(other[i])))


def test_weights_are_distributed_like_torchs():
    _, discriminator = built((100,), d_hidden=(200,))
    ours = discriminator[0]
    torch.manual_seed(0)
    theirs = nn.Linear(100, 200)
    for name in ("weight", "bias"):
        a, b = getattr(ours, name), getattr(theirs, name)
        assert a.abs().max() <= 1 / math.sqrt(100)
        assert a.abs().max().item() == pytest.approx(b.abs().max().item(), rel=0.05)
        assert a.std().item() == pytest.approx(1 / math.sqrt(300), rel=0.15)
        assert a.mean().item() == pytest.approx(0, abs=0.02)


def test_networks_can_be_copied_and_restored():
    for network, other, features in zip(built(), built(seed=1), (3, 2), strict=True):
        x = noise(5, features)
        expected = network(x)
        assert torch.equal(copy.deepcopy(network)(x), expected)
        other.load_state_dict(network.state_dict())
        assert torch.equal(other(x), expected)
        assert all(parameter.is_leaf and parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("shape", [(2,), (1, 3, 3)])
def test_penalties_reach_every_hidden_weight(activation, shape):
    generator, discriminator = built(shape, activation=activation)
    fake = generator(noise(6, 3)).detach()
    PENALTIES["r1_r2"](lambda x: discriminator(x).flatten(), -fake, fake, 1.0, torch.Generator()).backward()
    for name, parameter in discriminator.named_parameters():
        if name.endswith("weight"):
            assert parameter.grad.isfinite().all()
            assert parameter.grad.any()


def test_an_unknown_architecture_is_refused_by_name():
    with pytest.raises(ValueError, match="transformer"):
        build_networks("transformer", (2,), 2, (), (), "relu", torch.Generator())
