"""Convolutional and residual networks, labels, spectral norm."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import spectral_norm as torch_spectral_norm

import ganwidgets as gw
from ganwidgets.errors import DataError
from ganwidgets.networks import build_networks
from ganwidgets.networks.layers.spectral import SpectralNorm


def built(architecture="dcgan", shape=(1, 16, 16), seed=0, latent_dim=6, **how):
    how = {"channels": 4, **how}
    generator = torch.Generator().manual_seed(seed)
    return build_networks(architecture, shape, latent_dim, (8,), (8,), "relu", generator, **how)


def noise(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


@settings(deadline=None, max_examples=40)
@given(
    architecture=st.sampled_from(["mlp", "dcgan", "resnet"]),
    colours=st.sampled_from([1, 3]),
    side=st.sampled_from([8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128]),
    classes=st.sampled_from([0, 3]),
    norm=st.sampled_from(["batch", "instance", "none"]),
    spectral=st.booleans(),
)
def test_every_size_in_grey_and_colour_with_and_without_labels(
    architecture, colours, side, classes, norm, spectral
):
    generator, discriminator = built(
        architecture, (colours, side, side), classes=classes, norm=norm, spectral_norm=spectral, channels=2
    )
    labels = (torch.tensor([0, 2]),) if classes else ()
    samples = generator(noise(2, 6), *labels)
    assert samples.shape == (2, colours, side, side)
    assert samples.abs().max() <= 1
    logits = discriminator(samples, *labels)
    assert logits.shape == (2, 1)
    # Every weight gets a gradient.
    logits.sum().backward()
    for network in (generator, discriminator):
        assert all(p.grad is not None for p in network.parameters())


@pytest.mark.parametrize("architecture", ["dcgan", "resnet", "r3gan"])
def test_images_of_the_size_of_mnist_are_halved_twice(architecture, tmp_path):
    images = torch.linspace(0, 1, 8 * 28 * 28).reshape(8, 28, 28)
    trainer = gw.GANTrainer(images, architecture=architecture, channels=2, batch_size=4)
    trainer.step()
    assert trainer.sample(3).shape == (3, 1, 28, 28)
    trainer.save(tmp_path / "run.gan")
    assert gw.GANTrainer.load(tmp_path / "run.gan").state_hash() == trainer.state_hash()


@pytest.mark.parametrize(("architecture", "side"), [("dcgan", 14), ("dcgan", 30), ("progressive", 28)])
def test_sizes_that_cannot_be_halved_are_refused_with_the_valid_ones(architecture, side):
    images = torch.linspace(0, 1, 8 * side * side).reshape(8, side, side)
    others = "24, 28, 32" if architecture == "dcgan" else "16, 32, 64"
    with pytest.raises(gw.DataError, match=others):
        gw.GANTrainer(images, architecture=architecture, channels=2, batch_size=4)


@pytest.mark.parametrize("architecture", ["mlp", "dcgan", "resnet"])
def test_the_same_seed_gives_the_same_bits_and_the_global_generator_is_unchanged(architecture):
    before = torch.get_rng_state()
    one, other, different = (
        [
            tensor
            for network in built(architecture, seed=seed, classes=3, spectral_norm=True)
            for tensor in network.state_dict().values()
        ]
        for seed in (0, 0, 1)
    )
    assert torch.equal(before, torch.get_rng_state())
    assert all(map(torch.equal, one, other))
    assert not all(map(torch.equal, one, different))
    assert all(tensor.isfinite().all() for tensor in one)


def test_dcgan_follows_the_rules_of_the_paper():
    generator, discriminator = built(shape=(3, 64, 64), channels=8)
    g_layers, d_layers = list(generator), list(discriminator)
    assert isinstance(g_layers[-1], nn.Tanh)
    assert isinstance(g_layers[-2], nn.ConvTranspose2d)
    assert isinstance(d_layers[0], nn.Conv2d)
    assert isinstance(d_layers[1], nn.LeakyReLU)
    assert d_layers[1].negative_slope == 0.2
    assert [m.out_channels for m in generator.modules() if isinstance(m, nn.ConvTranspose2d)] == [
        64,
        32,
        16,
        8,
        3,
    ]
    assert [m.out_channels for m in discriminator.modules() if isinstance(m, nn.Conv2d)] == [8, 16, 32, 64, 1]
    for network, count in ((generator, 4), (discriminator, 3)):
        assert sum(isinstance(m, nn.BatchNorm2d) for m in network.modules()) == count
        assert not any(isinstance(m, nn.Linear | nn.MaxPool2d) for m in network.modules())
    weights = torch.cat(
        [m.weight.flatten() for m in generator.modules() if isinstance(m, nn.ConvTranspose2d)]
    )
    assert weights.std().item() == pytest.approx(0.02, rel=0.05)


def test_the_label_changes_samples_and_logits():
    for architecture in ("mlp", "dcgan", "resnet"):
        generator, discriminator = built(architecture, classes=3)
        generator.eval()
        discriminator.eval()
        z, x = noise(1, 6), noise(1, 1, 16, 16)
        zero, one = torch.tensor([0]), torch.tensor([1])
        assert not torch.equal(generator(z, zero), generator(z, one))
        assert not torch.equal(discriminator(x, zero), discriminator(x, one))


def test_projection_equals_the_formula_of_the_paper():
    # Without labels the logit is psi(phi(x)); with them <V_y, phi(x)> is added.
    _, discriminator = built("resnet", classes=3)
    x, y = noise(5, 1, 16, 16), torch.tensor([0, 1, 2, 0, 1])
    features = discriminator.features(x)
    expected = discriminator.head(features)[:, 0] + torch.einsum(
        "nc,nc->n", features, discriminator.embedding.weight[y]
    )
    torch.testing.assert_close(discriminator(x, y)[:, 0], expected)


def test_spectral_norm_equals_pytorchs():
    layer = nn.Conv2d(3, 5, 3)
    ours = SpectralNorm(layer.weight, torch.Generator().manual_seed(0))
    theirs_layer = torch_spectral_norm(nn.Conv2d(3, 5, 3))
    theirs = theirs_layer.parametrizations.weight[0]
    with torch.no_grad():
        theirs._u.copy_(ours.u)
        theirs._v.copy_(ours.v)
    for training in (True, True, False):
        ours.train(training)
        theirs.train(training)
        torch.testing.assert_close(ours(layer.weight), theirs(layer.weight))
    assert torch.linalg.matrix_norm(ours(layer.weight).flatten(1), 2).item() == pytest.approx(1, abs=0.02)


def test_spectral_norm_applies_to_every_layer_of_the_discriminator_and_replaces_its_norms():
    generator, discriminator = built(classes=3, spectral_norm=True)
    layers = [m for m in discriminator.modules() if isinstance(m, nn.Conv2d | nn.Linear | nn.Embedding)]
    assert layers
    assert all(parametrize.is_parametrized(layer) for layer in layers)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in discriminator.modules())
    assert any(isinstance(m, nn.BatchNorm2d) for m in generator.modules())


@pytest.mark.parametrize("architecture", ["dcgan", "resnet"])
def test_invalid_combinations_are_refused_with_a_remedy(architecture):
    with pytest.raises(DataError, match="points of 2 numbers; choose architecture 'mlp'"):
        built(architecture, (2,))
    for shape in ((1, 14, 14), (3, 16, 32), (1, 256, 256)):
        with pytest.raises(DataError, match=rf"has {shape[1]} by {shape[2]}; .*image_folder"):
            built(architecture, shape)
