"""Random numbers inside networks come from the run's generators, or the run is reported as not exact."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ganwidgets import DataError, GANTrainer
from ganwidgets.draw_detection import RandomDrawDetector
from ganwidgets.rng_routing import RoutedRandomness

X = torch.ones(4, 6, 8, 8)
SEQUENCE = torch.ones(4, 6, 8)


def drawn(call, seed=0):
    """Return the result of `call` in the mode; the global generator must not change."""
    before = torch.get_rng_state()
    with RoutedRandomness(torch.Generator().manual_seed(seed)):
        made = call()
    assert torch.equal(before, torch.get_rng_state()), "the global generator moved"
    return made


CALLS = {
    "F.dropout": lambda: F.dropout(X.clone(), 0.3),
    "F.dropout in place": lambda: F.dropout(X.clone(), 0.3, inplace=True),
    "torch.dropout": lambda: torch.dropout(X, 0.3, True),
    "F.dropout1d": lambda: F.dropout1d(SEQUENCE.clone(), 0.3),
    "F.dropout2d": lambda: F.dropout2d(X.clone(), 0.3),
    "F.dropout3d": lambda: F.dropout3d(X[..., None].clone(), 0.3),
    "F.alpha_dropout": lambda: F.alpha_dropout(X, 0.3, training=True),
    "nn.Dropout": lambda: nn.Dropout(0.3)(X.clone()),
    "rand": lambda: torch.rand(4, 6),
    "randn": lambda: torch.randn((4, 6), dtype=torch.float64),
    "randint": lambda: torch.randint(3, 9, (4, 6)),
    "randint below": lambda: torch.randint(high=9, size=(4, 6)),
    "randperm": lambda: torch.randperm(64),
    "rand_like": lambda: torch.rand_like(X),
    "randn_like": lambda: torch.randn_like(X, dtype=torch.float64),
    "randint_like": lambda: torch.randint_like(X, 9),
    "randint_like between": lambda: torch.randint_like(X, low=3, high=9),
    "normal": lambda: torch.normal(X, 2.0),
    "normal of numbers": lambda: torch.normal(1.0, 2.0, (4, 6)),
    "normal of keywords": lambda: torch.normal(mean=X, std=X),
    "bernoulli": lambda: torch.bernoulli(X / 2),
    "multinomial": lambda: torch.multinomial(X[0, 0], 3),
    "poisson": lambda: torch.poisson(X * 3),
    "Tensor.bernoulli": (X / 2).bernoulli,
    "Tensor.bernoulli_": lambda: X.clone().bernoulli_(0.5),
    "Tensor.normal_": lambda: X.clone().normal_(),
    "Tensor.uniform_": lambda: X.clone().uniform_(),
    "Tensor.exponential_": lambda: X.clone().exponential_(),
    "Tensor.multinomial": lambda: X[0, 0].multinomial(3),
    "torch.distributions": lambda: torch.distributions.Normal(X, 2.0).sample(),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_routed_call_draws_from_the_given_generator(name):
    call = CALLS[name]
    first = drawn(call)
    assert torch.equal(first, drawn(call))
    assert not torch.equal(first, drawn(call, seed=1))
    torch.manual_seed(0)
    as_usual = call()
    assert first.shape == as_usual.shape
    assert first.dtype == as_usual.dtype


@pytest.mark.parametrize(
    ("dropout", "x"),
    [
        (F.dropout, torch.ones(100, 100)),
        (F.dropout1d, torch.ones(50, 100, 3)),
        (F.dropout1d, torch.ones(100, 3)),
        (F.dropout2d, torch.ones(50, 100, 3, 3)),
        (F.dropout3d, torch.ones(50, 100, 2, 2, 2)),
        (
            lambda x, p: F.alpha_dropout(x, p, training=True),
            torch.randn(200, 200, generator=torch.Generator()),
        ),
    ],
)
def test_routed_dropout_has_the_distribution_of_torchs(dropout, x):
    torch.manual_seed(0)
    routed, usual = drawn(lambda: dropout(x.clone(), 0.3)), dropout(x.clone(), 0.3)
    margin = 0.15 if x.numel() < 1000 else 0.03
    assert routed.mean().item() == pytest.approx(usual.mean().item(), abs=margin)
    assert routed.std().item() == pytest.approx(usual.std().item(), abs=margin)
    if routed.unique().numel() == 2:
        torch.testing.assert_close(routed.unique(), usual.unique())
        for dims in range(1, x.ndim):
            alike = [bool((made.flatten(dims).std(-1) == 0).all()) for made in (routed, usual)]
            assert alike[0] == alike[1], "whole channels are dropped, or single numbers"


def test_dropout_with_probability_0_or_1_draws_nothing():
    assert torch.equal(drawn(lambda: F.dropout(X, 0.0)), X)
    assert torch.equal(drawn(lambda: F.dropout(X, 0.5, training=False)), X)
    assert not drawn(lambda: F.dropout(X, 1.0)).any()
    assert not drawn(lambda: F.alpha_dropout(X, 1.0, training=True)).any()


def test_a_generator_passed_by_the_network_is_used():
    own = torch.Generator().manual_seed(5)
    expected = torch.rand(3, generator=torch.Generator().manual_seed(5))
    assert torch.equal(drawn(lambda: torch.rand(3, generator=own)), expected)


def test_draws_are_detected_wherever_they_come_from():
    with RandomDrawDetector() as draws:
        X + X
    assert (draws.routed, draws.unrouted) == (False, False)
    with RandomDrawDetector() as draws:
        torch.rand(2, generator=torch.Generator())
    assert (draws.routed, draws.unrouted) == (True, False)
    with RandomDrawDetector() as draws:
        F.dropout(X)
    assert draws.unrouted


class Apart(nn.Module):
    """A generator of points with one additional module."""

    def __init__(self, inside, width=8):
        super().__init__()
        self.first, self.inside, self.last = nn.Linear(2, width), inside, nn.Linear(width, 2)

    def forward(self, z):
        return self.last(self.inside(self.first(z)))


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class Sequence(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(8, 8, num_layers=2, dropout=0.5, batch_first=True)

    def forward(self, x):
        return self.lstm(x[:, None])[0][:, 0]


OWN = torch.Generator()
EXACT = {
    "nothing": nn.Identity,
    "dropout": lambda: nn.Dropout(0.3),
    "alpha dropout": lambda: nn.AlphaDropout(0.3),
    "noise": lambda: Function(lambda x: x + torch.randn_like(x)),
    "distribution": lambda: Function(lambda x: torch.distributions.Normal(x, 1.0).rsample()),
    "batch norm": lambda: nn.BatchNorm1d(8),
    "spectral norm": lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(8, 8)),
    "older spectral norm": lambda: nn.utils.spectral_norm(nn.Linear(8, 8)),
}
CLOSE = {
    "LSTM with dropout": Sequence,
    "randomised leaky ReLU": nn.RReLU,
    "Gumbel": lambda: Function(F.gumbel_softmax),
    "NumPy": lambda: Function(lambda x: x + np.random.rand()),  # noqa: NPY002
    "Python": lambda: Function(lambda x: x + random.random()),  # noqa: S311
    "its own generator": lambda: Function(lambda x: x + torch.rand(1, generator=OWN)),
}


@pytest.mark.parametrize("name", EXACT)
def test_networks_with_routable_randomness_are_exact_and_do_not_touch_global_generators(name):
    network = Apart(EXACT[name]())
    before = torch.get_rng_state()
    trainer = GANTrainer("ring8", generator=network, latent_dim=2, batch_size=16)
    trainer.step(3)
    trainer.sample(5)
    assert trainer.exact
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("name", CLOSE)
def test_networks_with_other_randomness_are_close_not_exact(name):
    trainer = GANTrainer("ring8", generator=Apart(CLOSE[name]()), latent_dim=2, batch_size=16)
    trainer.step(2)
    assert not trainer.exact


def test_built_in_networks_are_not_routed():
    assert not GANTrainer("ring8")._session.run.engine.routed


@pytest.mark.parametrize(
    ("network", "what"),
    [
        (nn.Linear(3, 2), r"cannot take a batch of shape \(150, 2\).*pass latent_dim=3"),
        (nn.Linear(2, 3), r"a tensor of shape \(150, 3\)"),
        (Function(lambda z: (z, z)), "no parameter"),
        (lambda z: z, "a function; pass a torch.nn.Module"),
        (nn.Linear(2, 2).requires_grad_(False), "no parameter that could be trained"),
    ],
)
def test_a_generator_that_does_not_fit_is_refused_with_the_remedy(network, what):
    with pytest.raises(DataError, match=what):
        GANTrainer("ring8", generator=network, latent_dim=2)


def test_a_discriminator_that_does_not_fit_is_refused_with_the_remedy():
    with pytest.raises(DataError, match="one logit for each"):
        GANTrainer("ring8", discriminator=nn.Linear(2, 2))
    with pytest.raises(DataError, match=r"one sample of the data has shape \(2,\)"):
        GANTrainer("ring8", discriminator=nn.Linear(3, 1))
    shared = nn.Linear(2, 2)
    with pytest.raises(DataError, match="share a parameter"):
        GANTrainer("ring8", generator=shared, discriminator=nn.Sequential(shared, nn.Linear(2, 1)))


def test_layers_without_numbers_draw_nothing():
    generator = torch.Generator().manual_seed(0)
    before = generator.get_state()
    with RoutedRandomness(generator), torch.device("meta"):
        layer = nn.Linear(3, 2)
        nn.init.normal_(layer.weight)
        layer.weight.detach().uniform_()
    assert layer.weight.is_meta
    assert torch.equal(generator.get_state(), before)
