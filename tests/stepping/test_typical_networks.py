"""Networks in typical users' code: each trains, or is refused with the right message."""

import warnings

import pytest
import torch
from torch import nn
from traitlets import TraitError

from ganwidgets import DataError, DataWarning, GANTrainer

GREY = torch.linspace(0, 1, 48 * 64).reshape(48, 1, 8, 8)
LABELLED = GREY, torch.arange(48) % 3
POINTS = torch.linspace(-1, 1, 96).reshape(48, 2)
NZ = 6


def g_conv(nz=NZ):
    """The generator of PyTorch's DCGAN tutorial, on 8 x 8 pixels: it takes noise [n, nz, 1, 1]."""
    return nn.Sequential(
        nn.ConvTranspose2d(nz, 8, 4, 1, 0, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(True),
        nn.ConvTranspose2d(8, 1, 4, 2, 1, bias=False),
        nn.Tanh(),
    )


def d_conv(norm=nn.BatchNorm2d):
    """The discriminator of the same tutorial, without its sigmoid: it returns [n, 1, 1, 1]."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 4, 2, 1, bias=False),
        norm(8),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(8, 1, 4, 1, 0, bias=False),
    )


def g_mlp(out=64, shape=(1, 8, 8), nz=NZ):
    return nn.Sequential(nn.Linear(nz, 16), nn.ReLU(), nn.Linear(16, out), nn.Tanh(), nn.Unflatten(1, shape))


def d_mlp(*more):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 16), *more, nn.LeakyReLU(0.2), nn.Linear(16, 1))


class Calling(nn.Module):
    """Layers by name, and a forward that is any function of them and the inputs."""

    def __init__(self, forward, **layers):
        super().__init__()
        for name, layer in layers.items():
            setattr(self, name, layer)
        self._forward = forward


class OfOne(Calling):
    def forward(self, x):
        return self._forward(self, x)


class OfTwo(Calling):
    def forward(self, x, y):
        return self._forward(self, x, y)


def minibatch_deviation(group=4):
    """Karras et al. 2018, section 3: one more channel with the deviation within a group."""

    def forward(self, x):
        _, c, h, w = x.shape
        y = x.reshape(group, -1, c, h, w)
        deviation = (y.var(0, unbiased=False) + 1e-8).sqrt().mean((1, 2, 3), keepdim=True)
        return self.body(torch.cat([x, deviation.repeat(group, 1, h, w)], 1))

    return OfOne(forward, body=nn.Sequential(nn.Flatten(), nn.Linear(128, 8), nn.ReLU(), nn.Linear(8, 1)))


def recurrent():
    return OfOne(
        lambda self, x: self.head(self.body(x.squeeze(1))[0][:, -1]),
        body=nn.GRU(8, 6, batch_first=True),
        head=nn.Linear(6, 1),
    )


def embedded():
    """A generator and a discriminator with label embeddings."""
    return {
        "generator": OfTwo(
            lambda self, z, y: self.body(torch.cat([z, self.table(y)], 1)),
            table=nn.Embedding(3, 4),
            body=g_mlp(nz=NZ + 4),
        ),
        "discriminator": OfTwo(
            lambda self, x, y: self.body(torch.cat([x.flatten(1), self.table(y)], 1)),
            table=nn.Embedding(3, 4),
            body=nn.Linear(68, 1),
        ),
    }


def one_hot():
    """The same with one-hot labels, float32 [n, 3]."""
    return {
        "generator": OfTwo(lambda self, z, y: self.body(torch.cat([z, y], 1)), body=g_mlp(nz=NZ + 3)),
        "discriminator": OfTwo(
            lambda self, x, y: self.body(torch.cat([x.flatten(1), y], 1)), body=nn.Linear(67, 1)
        ),
    }


def one_hot_dcgan():
    return {
        "generator": OfTwo(
            lambda self, z, y: self.body(torch.cat([z, y[:, :, None, None]], 1)), body=g_conv(NZ + 3)
        ),
        "discriminator": OfTwo(
            lambda self, x, y: self.body(x) + self.label(y)[:, :, None, None],
            body=d_conv(),
            label=nn.Linear(3, 1),
        ),
    }


def lazy():
    return {
        "generator": nn.Sequential(
            nn.LazyLinear(16),
            nn.LazyBatchNorm1d(),
            nn.ReLU(),
            nn.LazyLinear(64),
            nn.Tanh(),
            nn.Unflatten(1, (1, 8, 8)),
        ),
        "discriminator": nn.Sequential(nn.LazyConv2d(4, 3), nn.Flatten(), nn.ReLU(), nn.LazyLinear(1)),
    }


def pair(generator, discriminator):
    return {"generator": generator, "discriminator": discriminator}


TRAINING = {
    "DCGAN of the tutorial": lambda: (GREY, pair(g_conv(), d_conv()), {}),
    "DCGAN whose forward views its noise": lambda: (
        GREY,
        pair(OfOne(lambda s, z: s.body(z.view(len(z), NZ, 1, 1)), body=g_conv()), d_conv()),
        {},
    ),
    "a forward that unpacks four dimensions": lambda: (
        GREY,
        pair(
            OfOne(lambda s, z: s.body(z.reshape(z.size(0), z.size(1), z.size(2), z.size(3))), body=g_conv()),
            d_conv(),
        ),
        {},
    ),
    "MLP": lambda: (
        POINTS,
        pair(nn.Linear(NZ, 2), nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))),
        {},
    ),
    "logits [n]": lambda: (GREY, pair(g_mlp(), nn.Sequential(d_mlp(), nn.Flatten(0))), {}),
    "dropout": lambda: (GREY, pair(g_mlp(), d_mlp(nn.Dropout(0.3))), {}),
    "batch norm in D": lambda: (GREY, pair(g_mlp(), d_mlp(nn.BatchNorm1d(16))), {}),
    "spectral norm": lambda: (
        GREY,
        pair(g_mlp(), nn.Sequential(nn.Flatten(), nn.utils.parametrizations.spectral_norm(nn.Linear(64, 1)))),
        {"loss": "hinge"},
    ),
    "older spectral norm": lambda: (
        GREY,
        pair(g_mlp(), nn.Sequential(nn.Flatten(), nn.utils.spectral_norm(nn.Linear(64, 1)))),
        {"penalty": "r1"},
    ),
    "WGAN-GP critic with layer norm": lambda: (
        GREY,
        pair(g_mlp(), d_mlp(nn.LayerNorm(16))),
        {"loss": "wasserstein", "penalty": "gradient_penalty", "d_steps": 5},
    ),
    "minibatch deviation": lambda: (GREY, pair(g_mlp(), minibatch_deviation()), {"penalty": "r1"}),
    "a fixed size of the batch": lambda: (
        GREY,
        pair(g_mlp(), OfOne(lambda s, x: s.body(x.view(16, 64)), body=nn.Linear(64, 1))),
        {},
    ),
    "GRU": lambda: (GREY, pair(g_mlp(), recurrent()), {}),
    "GRU under a penalty": lambda: (GREY, pair(g_mlp(), recurrent()), {"penalty": "gradient_penalty"}),
    "lazy": lambda: (GREY, lazy(), {}),
    "embedded labels": lambda: (LABELLED, embedded(), {}),
    "one-hot labels": lambda: (LABELLED, one_hot(), {"penalty": "r1"}),
    "one-hot labels, noise [n, nz, 1, 1]": lambda: (LABELLED, one_hot_dcgan(), {}),
    "augmentation": lambda: (GREY, pair(g_conv(), d_conv()), {"augment": "all"}),
    "half precision": lambda: (GREY, pair(g_conv(), d_conv()), {"precision": "bfloat16"}),
    "packing": lambda: (
        GREY,
        pair(g_mlp(), nn.Sequential(nn.Conv2d(2, 4, 3), nn.Flatten(), nn.Linear(144, 1))),
        {"packing": 2},
    ),
    "logits of float64": lambda: (
        GREY,
        pair(g_mlp(), OfOne(lambda s, x: s.body(x.double()), body=d_mlp().double())),
        {"penalty": "r1"},
    ),
    "an average of lazy networks": lambda: (GREY, lazy(), {"ema_decay": 0.9, "unroll_steps": 1}),
}


def start(data, networks, settings):
    with torch.random.fork_rng():
        return GANTrainer(data, **{"latent_dim": NZ, "batch_size": 16, **networks, **settings})


@pytest.mark.parametrize("name", TRAINING)
def test_it_trains_without_a_warning_and_can_be_shown(name):
    torch.manual_seed(1)
    data, networks, settings = TRAINING[name]()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", category=FutureWarning)  # for the older spectral norm
        trainer = start(data, networks, settings)
    before = trainer.state_hash()
    shape = (1, 8, 8) if name != "MLP" else (2,)
    assert trainer.sample(5, seed=1).shape == (5, *shape)
    assert trainer._look(real(trainer, 7)).shape == (7,)
    assert trainer.state_hash() == before
    record = trainer.step(2)
    assert all(map(torch.isfinite, map(torch.tensor, (record["loss_d"], record["loss_g"]))))


def real(trainer, n):
    return trainer.source.draw(n, torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    "name", ["DCGAN of the tutorial", "dropout", "one-hot labels", "lazy", "spectral norm"]
)
def test_the_checks_leave_no_trace(name):
    """The run is the same whatever networks were checked before."""
    torch.manual_seed(1)
    trainer = start(*TRAINING[name]())
    weights = {key: value.clone() for key, value in trainer.discriminator.state_dict().items()}
    trainer.change(batch_size=24, precision="bfloat16")
    assert all(torch.equal(value, weights[key]) for key, value in trainer.discriminator.state_dict().items())
    trainer.change(batch_size=16, precision="float32")
    trainer.step(3)
    torch.manual_seed(1)
    other = start(*TRAINING[name]())
    other.step(3)
    assert other.state_hash() == trainer.state_hash()


def test_lazy_layers_are_initialized_from_the_runs_seed_and_not_from_the_global_one():
    hashes = set()
    for seed, around in ((0, 1), (0, 2), (3, 2)):
        torch.manual_seed(around)
        trainer = start(GREY, lazy(), {"seed": seed})
        trainer.step(1)
        hashes.add(trainer.state_hash())
    assert len(hashes) == 2


def test_a_saved_run_continues_with_adapted_networks(tmp_path):
    torch.manual_seed(1)
    trainer = start(*TRAINING["one-hot labels, noise [n, nz, 1, 1]"]())
    trainer.step(2)
    trainer.save(tmp_path / "run.gan")
    torch.manual_seed(2)
    again = GANTrainer.load(tmp_path / "run.gan", **one_hot_dcgan())
    trainer.step(2)
    again.step(2)
    assert again.state_hash() == trainer.state_hash()


REFUSED = {
    "float64 G": (
        lambda: (GREY, pair(g_mlp().double(), d_mlp()), {}),
        r"weights are float64.*generator\.float\(\)",
    ),
    "bfloat16 D": (
        lambda: (GREY, pair(g_mlp(), d_mlp().bfloat16()), {}),
        r"weights are bfloat16.*discriminator\.float\(\)",
    ),
    "latents of an MLP": (lambda: (GREY, pair(g_mlp(nz=100), d_mlp()), {}), r"pass latent_dim=100$"),
    "latents of a DCGAN": (lambda: (GREY, pair(g_conv(100), d_conv()), {}), r"pass latent_dim=100$"),
    "latents of a view": (
        lambda: (
            GREY,
            pair(OfOne(lambda s, z: s.body(z.view(-1, 100, 1, 1)), body=g_conv(100)), d_conv()),
            {},
        ),
        r"pass latent_dim=100$",
    ),
    "latents beside one-hot labels": (
        lambda: (
            LABELLED,
            {
                **one_hot(),
                "generator": OfTwo(lambda s, z, y: s.body(torch.cat([z, y], 1)), body=g_mlp(nz=23)),
            },
            {},
        ),
        r"pass latent_dim=20$",
    ),
    "batch norm alone": (
        lambda: (GREY, pair(g_mlp(), d_mlp(nn.BatchNorm1d(16))), {"batch_size": 1}),
        r"2 \(BatchNorm1d.*more than one value.*batch_size of at least 2",
    ),
    "groups that do not divide": (
        lambda: (GREY, pair(g_mlp(), minibatch_deviation()), {"batch_size": 18}),
        r"depends on the size of its batch: choose batch_size=16",
    ),
    "too few vectors": (
        lambda: (
            (GREY, torch.arange(48) % 7),
            {"generator": g_mlp(), "discriminator": embedded()["discriminator"]},
            {},
        ),
        r"labels go up to 6.*table has vectors for 3 classes.*nn\.Embedding\(7",
    ),
    "in place": (
        lambda: (
            GREY,
            pair(
                g_mlp(),
                OfOne(
                    lambda s, x: s.head(s.body(x.flatten(1)).sigmoid().add_(1)),
                    body=nn.Linear(64, 8),
                    head=nn.Linear(8, 1),
                ),
            ),
            {},
        ),
        r"inplace=False",
    ),
    "no second derivative": (
        lambda: (
            GREY,
            pair(g_mlp(), once_differentiable()),
            {"penalty": "r1"},
        ),
        r"penalty 'r1'.*derivatives of derivatives.*set penalty to 'none'",
    ),
    "a sigmoid": (
        lambda: (GREY, pair(g_mlp(), nn.Sequential(d_mlp(), nn.Sigmoid())), {}),
        "must return logits",
    ),
    "a forward of its own": (
        lambda: (GREY, pair(OfOne(lambda s, z: s.body(z)["x"], body=g_mlp()), d_mlp()), {}),
        r"float32 noise of shape \('n', 6\)",
    ),
}


class Slope(torch.autograd.Function):
    """A custom function without a second derivative, like many compiled kernels."""

    @staticmethod
    def forward(_ctx, slope, x):
        return slope * x.exp()

    @staticmethod
    def backward(_ctx, _slope):
        raise NotImplementedError("the derivative of slope is not implemented")


class Exp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.exp()

    @staticmethod
    def backward(ctx, slope):
        return Slope.apply(slope, *ctx.saved_tensors)


def once_differentiable():
    return OfOne(
        lambda s, x: s.head(Exp.apply(s.body(x.flatten(1)))), body=nn.Linear(64, 8), head=nn.Linear(8, 1)
    )


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_with_the_matching_remedy(name):
    make, remedy = REFUSED[name]
    torch.manual_seed(1)
    data, networks, settings = make()
    kept = {key: value.clone() for each in networks.values() for key, value in each.state_dict().items()}
    with pytest.raises(DataError, match=remedy) as raised:
        start(data, networks, settings)
    if "latent" not in name:
        assert "latent_dim" not in str(raised.value)
    now = {key: value for each in networks.values() for key, value in each.state_dict().items()}
    assert all(torch.equal(value, now[key]) for key, value in kept.items())


@pytest.mark.parametrize(
    ("networks", "settings", "change", "remedy"),
    [
        (lambda: pair(g_mlp(), d_mlp(nn.BatchNorm1d(16))), {}, {"batch_size": 1}, "at least 2"),
        (lambda: pair(g_mlp(), minibatch_deviation()), {}, {"batch_size": 18}, "batch_size=18 is refused"),
        (
            lambda: pair(g_mlp(), once_differentiable()),
            {},
            {"penalty": "r2", "lr_d": 0.5},
            "penalty='r2' is refused.*derivatives of derivatives",
        ),
    ],
)
def test_a_change_that_would_fail_is_refused_and_changes_nothing(networks, settings, change, remedy):
    trainer = start(GREY, networks(), settings)
    trainer.step(1)
    before, values = trainer.state_hash(), trainer.settings.as_dict()
    with pytest.raises(TraitError, match=remedy):
        trainer.change(**change)
    assert (trainer.state_hash(), trainer.settings.as_dict()) == (before, values)
    name, value = next(iter(change.items()))
    with pytest.raises(TraitError, match=remedy):
        setattr(trainer.settings, name, value)
    assert (trainer.state_hash(), trainer.settings.as_dict()) == (before, values)
    trainer.step(1)
    assert not [each for each in trainer.interventions if each.action == "change"]


def test_changes_that_only_work_together_are_checked_together():
    trainer = start(GREY, pair(g_mlp(), d_mlp(nn.BatchNorm1d(16))), {})
    trainer.change(batch_size=2, loss="hinge")
    assert trainer.settings.batch_size == 2


def test_batch_norm_with_a_penalty_is_warned_of_once():
    networks = pair(g_mlp(), d_mlp(nn.BatchNorm1d(16)))
    with pytest.warns(DataWarning, match=r"layer 2.*LayerNorm.*Gulrajani") as caught:
        trainer = start(GREY, networks, {"penalty": "gradient_penalty"})
    assert len(caught) == 1
    trainer.step(2)  # a second warning would be an error
    trainer.change(penalty="r1", penalty_weight=2.0)
    trainer.step(1)
    trainer.change(penalty="none")
    trainer.step(1)
    with pytest.warns(DataWarning, match="Gulrajani"):
        trainer.settings.penalty = "r2"


def test_norms_of_single_samples_are_not_warned_of():
    for norm in (nn.InstanceNorm2d, lambda channels: nn.GroupNorm(2, channels)):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            start(GREY, pair(g_conv(), d_conv(norm)), {"penalty": "r1"}).step(1)
