"""The checks of the user's networks on one batch, before training starts."""

import warnings

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from ganwidgets import DataError, DataWarning, GANTrainer
from ganwidgets.stepping.checks.failing_layer import failing_layer
from ganwidgets.stepping.checks.output_range import ending

GREY = torch.linspace(0, 1, 40 * 64).reshape(40, 1, 8, 8)
BRIGHT = GREY / 4 + 0.7
POINTS = torch.linspace(-3, 3, 80).reshape(40, 2)


class Function(nn.Module):
    """A linear layer, and any function after it."""

    def __init__(self, before, after, function):
        super().__init__()
        self.layer = nn.Linear(before, after)
        self.function = function

    def forward(self, x):
        return self.function(self.layer(x.flatten(1)))


def images(function):
    return Function(4, 64, lambda x: function(x).unflatten(1, (1, 8, 8)))


def start(data=GREY, **how):
    return GANTrainer(data, latent_dim=4, batch_size=8, **how)


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (
            torch.sigmoid,
            r"ends in a sigmoid.* between 0 and 1.*the first real samples go from -.* to .*end in a tanh",
        ),
        (torch.relu, r"ends in a ReLU"),
        (lambda x: 127.5 * (x.tanh() + 1.5), r"first images have values from .* train in \[-1, 1\]"),
    ],
)
def test_a_generator_whose_range_cannot_contain_the_images_is_refused(function, sentence):
    with pytest.raises(DataError, match=sentence):
        start(generator=images(function))


def test_a_generator_that_leaves_the_range_of_images_is_warned_of():
    with pytest.warns(
        DataWarning, match=r"first images have values from -.*; let the generator end in a tanh"
    ):
        start(generator=images(lambda x: 9 * x)).step(1)


def test_points_outside_the_range_of_a_generator_are_warned_of():
    with pytest.warns(
        DataWarning, match=r"ends in a tanh.*from -.* to .*; let the generator end in a linear layer"
    ):
        start(POINTS, generator=Function(4, 2, torch.tanh)).step(1)


@pytest.mark.parametrize(
    ("data", "generator"),
    [
        (GREY, images(torch.tanh)),
        (GREY, images(lambda x: 2 * x.sigmoid() - 1)),
        (GREY, images(lambda x: x.clamp(-1, 1))),
        (GREY, images(lambda x: x / 10)),
        (BRIGHT, images(torch.sigmoid)),
        (POINTS, Function(4, 2, lambda x: x * 100)),
        ("ring8", Function(4, 2, torch.tanh)),
        ("gaussians", Function(4, 2, torch.tanh)),
    ],
)
def test_valid_generators_start_without_a_warning(data, generator):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        start(data, generator=generator)


@pytest.mark.parametrize("function", [torch.sigmoid, lambda x: x.sigmoid().squeeze(1), nn.Softmax(dim=1)])
@pytest.mark.parametrize("loss", ["minimax", "wasserstein", "hinge"])
def test_a_discriminator_that_ends_in_a_probability_is_refused(function, loss):
    with pytest.raises(DataError, match=r"ends in a s.* it must return logits.*leave the s.* out"):
        start(discriminator=Function(64, 1, function), loss=loss)


def test_a_bounded_discriminator_that_may_be_intended_is_warned_of():
    with pytest.warns(DataWarning, match="ends in a sigmoid"):
        start(discriminator=Function(64, 1, torch.sigmoid), loss="least_squares")
    with pytest.warns(DataWarning, match="ends in a tanh"):
        start(discriminator=Function(64, 1, torch.tanh), loss="wasserstein")


def test_an_objective_of_the_user_may_need_probabilities():
    class CrossEntropy:
        def loss_d(self, real, fake):
            return -real.clamp_min(1e-6).log().mean() - (1 - fake).clamp_min(1e-6).log().mean()

        def loss_g(self, fake):
            return -fake.clamp_min(1e-6).log().mean()

    start(discriminator=Function(64, 1, torch.sigmoid), objective=CrossEntropy()).step(1)


@given(
    st.lists(
        st.sampled_from(
            [
                lambda x: x.flatten(),
                lambda x: x.reshape(-1, 1),
                lambda x: x.unsqueeze(0),
                lambda x: x.movedim(0, -1).contiguous(),
                lambda x: x.double(),
                lambda x: x[..., :1],
                lambda x: x.clone(),
            ]
        ),
        max_size=4,
    )
)
def test_the_last_operation_is_found_behind_operations_that_only_rearrange(moves):
    x = torch.randn(4, 6, requires_grad=True)
    for function, name in ((torch.sigmoid, "sigmoid"), (nn.Tanh(), "tanh"), (lambda x: x * 1, None)):
        made = function(x)
        for move in moves:
            made = move(made)
        found = ending(made)
        assert (found and found.name) == name


def test_the_layer_that_raised_is_named():
    discriminator = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.Sequential(nn.ReLU(), nn.Flatten(), nn.Linear(100, 1)), nn.Identity()
    )
    with pytest.raises(
        DataError,
        match=r"its layer 1\.2 \(Linear\(in_features=100.*was given shape \(8, 144\) and said RuntimeError",
    ):
        GANTrainer(GREY, discriminator=discriminator, batch_size=8, latent_dim=4)


def test_common_mistakes_have_their_remedy():
    transposed = nn.Sequential(nn.ConvTranspose2d(4, 1, 8), nn.Tanh())
    start(generator=nn.Sequential(nn.Unflatten(1, (4, 1, 1)), transposed)).step(1)
    with pytest.raises(DataError, match=r"begin with nn\.Flatten\(\)"):
        start(discriminator=nn.Linear(64, 1))
    start(discriminator=nn.Sequential(nn.Flatten(), nn.Linear(64, 1))).step(1)
    flat = nn.Sequential(nn.Linear(4, 64), nn.Tanh())
    with pytest.raises(DataError, match=r"end in nn\.Unflatten\(1, \(1, 8, 8\)\)"):
        start(generator=flat)
    start(generator=nn.Sequential(flat, nn.Unflatten(1, (1, 8, 8)))).step(1)


class Recovering(nn.Module):
    """Catches the error of one layer before it fails itself."""

    def __init__(self, further):
        super().__init__()
        self.first = nn.Linear(3, 3)
        self.good = nn.Linear(4, 4)
        self.further = further

    def forward(self, x):
        try:
            self.first(x)
        except RuntimeError:
            x = self.good(x)
        return self.further(x)


@pytest.mark.parametrize(
    ("further", "name"), [(nn.Linear(5, 1), "further"), (lambda x: x @ torch.zeros(5, 1), "")]
)
def test_a_layer_whose_error_was_caught_is_not_named(further, name):
    network = Recovering(further)
    with pytest.raises(RuntimeError) as raised:
        network(torch.zeros(2, 4))
    assert failing_layer(network, raised.value).name == name


def test_an_error_outside_of_layers_names_no_layer():
    assert failing_layer(nn.Linear(2, 2), ValueError()) is None


@pytest.mark.parametrize("network", ["generator", "discriminator"])
def test_sparse_gradients_are_refused_before_training(network):
    class WithEmbedding(Function):
        """A linear layer and an embedding with sparse gradients."""

        def __init__(self, before, after):
            super().__init__(before, after, lambda x: x)
            self.table = nn.Embedding(3, after, sparse=True)

        def forward(self, x):
            return super().forward(x) + self.table(torch.zeros(len(x), dtype=torch.long))

    networks = {"generator": nn.Linear(4, 2), "discriminator": nn.Linear(2, 1)}
    networks[network] = WithEmbedding(4, 2) if network == "generator" else WithEmbedding(2, 1)
    with pytest.raises(DataError, match=f"the {network}'s layer table has sparse gradients.*sparse=False"):
        start(POINTS, **networks)
    networks[network].table.sparse = False
    start(POINTS, **networks).step(1)


class Through(nn.Linear):
    """A linear layer whose output is passed through a mistaken function."""

    def __init__(self, inputs, mistake):
        super().__init__(inputs, 2)
        self.mistake = mistake

    def forward(self, x):
        return self.mistake(super().forward(x))


def of_inference_mode(layer):
    with torch.inference_mode():
        return layer()


UNFIT = {
    "has a gradient.*detach": {"generator": Through(4, torch.detach)},
    "complex numbers": {"generator": Through(4, lambda x: torch.complex(x, x))},
    "device meta": {"generator": nn.Linear(4, 2, device="meta")},
    "one logit for each": {"discriminator": Through(2, torch.mean)},
    "weight .*inference_mode.*deepcopy": {"generator": of_inference_mode(lambda: nn.Linear(4, 2))},
    "running_mean .*inference_mode": {
        "generator": nn.Sequential(
            nn.Linear(4, 2), of_inference_mode(lambda: nn.BatchNorm1d(2, affine=False))
        )
    },
}


@pytest.mark.parametrize("sentence", UNFIT)
def test_networks_that_no_run_can_train_are_refused(sentence):
    with pytest.raises(DataError, match=sentence):
        GANTrainer("ring8", latent_dim=4, batch_size=16, **UNFIT[sentence]).step()


class Growing(nn.Module):
    """Stores a number of each batch in a buffer."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 2)
        self.register_buffer("seen", torch.zeros(0))

    def forward(self, z):
        if self.training:
            self.seen = torch.cat([self.seen, z.detach().mean()[None]])
        return self.layer(z)


def expanded():
    layer = nn.Linear(4, 2)
    layer.weight = nn.Parameter(torch.ones(2, 1).expand(2, 4))
    return layer


def exported():
    return torch.export.export(nn.Linear(4, 2), (torch.zeros(8, 4),)).module()


@pytest.mark.parametrize(
    ("network", "sentence"),
    [
        (Growing, r"shape of the buffer generator.seen from \(0,\) to \(1,\); give it a fixed shape"),
        (expanded, r"weight of the generator is an expanded tensor.* make it of tensor.clone"),
        (
            exported,
            r"generator cannot be put into train mode: .* pass the torch.nn.Module that it was made of",
        ),
    ],
)
def test_networks_whose_state_cannot_be_stored_are_refused(network, sentence):
    with pytest.raises(DataError, match=sentence):
        start(POINTS, generator=network())
