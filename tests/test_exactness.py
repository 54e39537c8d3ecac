"""A run ends in the same bits however its steps are split, interrupted or watched."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.data import Dataset

from ganwidgets import GANTrainer
from ganwidgets.objectives import PENALTIES

pytestmark = pytest.mark.filterwarnings("ignore:.*with batch norm:ganwidgets.DataWarning")

HERE = Path(__file__).parent
POINTS = np.random.default_rng(0).normal(size=(37, 2)).astype(np.float32)


class Squares(Dataset):
    """Small images, computed on access."""

    def __len__(self):
        return 23

    def __getitem__(self, index):
        image = torch.zeros(1, 8, 8)
        image[:, : 1 + index % 8, : 1 + index // 8] = 1
        return image, index % 2


def initialised(network):
    """Return `network` with weights drawn from its own generator, like weights loaded from a user's file."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.uniform_(-0.3, 0.3, generator=generator)
    return network


def convolutional(inside=nn.Identity):
    return {
        "generator": initialised(
            nn.Sequential(
                nn.Linear(3, 4 * 4 * 4),
                nn.Unflatten(1, (4, 4, 4)),
                nn.BatchNorm2d(4),
                nn.ReLU(),
                inside(),
                nn.ConvTranspose2d(4, 1, 4, 2, 1),
                nn.Tanh(),
            )
        ),
        "discriminator": initialised(
            nn.Sequential(
                nn.Conv2d(1, 4, 4, 2, 1),
                nn.LeakyReLU(0.2, inplace=True),
                nn.Conv2d(4, 4, 3, 1, 1),
                nn.BatchNorm2d(4),
                inside(),
                nn.Conv2d(4, 1, 4),
            )
        ),
        "latent_dim": 3,
    }


def spectral():
    def norm(layer):
        return nn.utils.parametrizations.spectral_norm(layer)

    torch.manual_seed(0)  # Spectral norm draws its first vectors from the global generator.
    judge = nn.Sequential(norm(nn.Linear(2, 8)), nn.ReLU(), norm(nn.Linear(8, 1)))
    return {"discriminator": judge}


class LabelledGenerator(nn.Module):
    """A generator that takes labels."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3 + 3, 2)

    def forward(self, z, labels):
        return self.layer(torch.cat((z, nn.functional.one_hot(labels, 3)), 1))


class Own:
    """A user's objective with a penalty."""

    def loss_d(self, real_logits, fake_logits):
        return fake_logits.square().mean() + (real_logits - 1).square().mean()

    def loss_g(self, fake_logits):
        return (fake_logits - 1).square().mean()

    def penalty(self, discriminator, real, fake, weight, generator):
        at = torch.lerp(real, fake, torch.rand(len(real), *[1] * (real.ndim - 1), generator=generator))
        return PENALTIES["r1"](discriminator, at, fake, weight, generator)


MLP = {"g_hidden": (8,), "d_hidden": (8, 8)}
KINDS = {
    "MLP on a preset": lambda: {"data": "ring8", **MLP},
    "MLP on a small array": lambda: {"data": POINTS, **MLP},
    "convolutions with batch norm on digits": lambda: {"data": "digits", **convolutional()},
    "convolutions with dropout on a Dataset": lambda: {
        "data": Squares(),
        **convolutional(lambda: nn.Dropout(0.3)),
    },
    "packs, labels of G alone and an objective of one's own": lambda: {
        "data": (POINTS[:36], np.arange(36) % 3),
        "packing": 2,
        "objective": Own(),
        "generator": initialised(LabelledGenerator()),
        "latent_dim": 3,
        "d_hidden": (8,),
    },
    "labels on digits": lambda: {"data": "digits", "conditional": True, "latent_dim": 3, **MLP},
    "spectral norm on a preset": lambda: {"data": "moons", **MLP, **spectral()},
}


class Player:
    """Plays a list of moves on a trainer. Without a `folder`, it skips the interruptions."""

    def __init__(self, kind, folder=None):
        self.kind = kind
        self.made = KINDS[kind]()
        self.folder = folder
        self.trainer = GANTrainer(**self.made, batch_size=8)
        assert self.trainer.exact

    def play(self, moves):
        for move, *arguments in moves:
            getattr(self, move)(*arguments)
        return self.trainer.state_hash()

    def step(self, n):
        self.trainer.step(n)

    def step_d(self, n):
        self.trainer.step_d(n)

    def step_g(self, n):
        self.trainer.step_g(n)

    def change(self, name, value):
        if name == "augment" and self.trainer.source.kind == "points":
            return
        if name == "unroll_steps" and "conv" in self.kind:
            return  # Batch norm has no third derivative, which a penalty needs.
        if name == "batch_size" and value % self.made.get("packing", 1):
            return
        setattr(self.trainer.settings, name, value)

    def reset(self, seed):
        self.trainer.reset(seed)

    # Interruptions, which must not change the run:

    def own(self):
        return {name: KINDS[self.kind]().get(name) for name in ("generator", "discriminator", "objective")}

    def save_and_load(self):
        if self.folder is not None:
            path = self.folder / "run"
            self.trainer.save(path)
            data = self.made["data"] if isinstance(self.made["data"], Dataset) else None
            self.trainer = GANTrainer.load(path, data, **self.own())

    def into_another(self):
        if self.folder is not None:
            state = self.trainer.state_dict()
            self.trainer = GANTrainer(
                **{**KINDS[self.kind](), "data": self.made["data"]}, batch_size=4, seed=77, lr_g=0.5
            )
            self.trainer.step(1)
            self.trainer.load_state_dict(state)

    def back(self):
        if self.folder is not None:
            state = self.trainer.state_dict()
            self.trainer.step(2)
            self.trainer.load_state_dict(state)

    def watch(self):
        if self.folder is not None:
            self.trainer.sample(3)
            self.trainer.evaluate(20)
            self.trainer.real(3)
            self.trainer.state_hash()
            torch.randn(3)


VALUES = {
    "lr_d": [1e-3, 0.01],
    "lr_g": [0.0, 0.005],
    "beta1": [0.0, 0.9],
    "optimizer_d": ["sgd", "momentum", "rmsprop", "adam", "adamw"],
    "optimizer_g": ["momentum", "rmsprop", "adam", "adamw"],
    "batch_size": [1 + 1, 5, 8, 20],
    "loss": ["minimax", "non_saturating", "least_squares", "wasserstein", "hinge", "relativistic"],
    "penalty": [*PENALTIES, "none"],
    "penalty_interval": [1, 3],
    "unroll_steps": [0, 2],
    "augment": ["none", "all"],
    "weight_clip": [0.0, 0.2],
    "grad_clip": [0.0, 0.1],
    "precision": ["float32", "bfloat16"],
    "freeze_d": [False, True],
    "freeze_g": [False, True],
    "noise": ["gaussian", "uniform"],
    "ema_decay": [0.0, 0.5, 0.9],
    "d_steps": [1, 2],
    "g_steps": [1, 2],
    "skip_d_below": [0.0, 1.3],
    "lr_schedule": ["constant", "linear", "cosine"],
    "schedule_steps": [5, 50],
    "weight_decay": [0.0, 0.1],
    "seed": [0, 3],
}
few = st.integers(1, 4)
move = st.one_of(
    st.tuples(st.just("step"), few),
    st.tuples(st.just("step_d"), few),
    st.tuples(st.just("step_g"), few),
    st.sampled_from(sorted(VALUES)).flatmap(
        lambda name: st.tuples(st.just("change"), st.just(name), st.sampled_from(VALUES[name]))
    ),
    st.tuples(st.just("reset"), st.sampled_from([None, 5])),
    st.sampled_from([("save_and_load",), ("into_another",), ("back",), ("watch",)]),
)


@pytest.mark.parametrize("kind", KINDS)
@given(moves=st.lists(move, min_size=3, max_size=12))
@settings(max_examples=10)
def test_interrupted_and_watched_runs_end_in_the_same_bits(tmp_path_factory, kind, moves):
    folder = tmp_path_factory.mktemp("runs")
    moves = [*moves, ("step", 2)]
    assert Player(kind, folder).play(moves) == Player(kind).play(moves)


@pytest.mark.parametrize("kind", KINDS)
def test_steps_in_pieces_equal_one_call(kind):
    moves = [
        ("step", 3),
        ("save_and_load",),
        ("step", 1),
        ("back",),
        ("step", 4),
        ("into_another",),
        ("step", 2),
    ]
    whole = [("step", 10)]
    assert Player(kind).play(moves) == Player(kind).play(whole)


@pytest.mark.parametrize("kind", KINDS)
def test_a_loaded_run_continues_its_history_and_log(kind, tmp_path):
    player = Player(kind)
    player.play([("step", 12), ("change", "lr_d", 0.01), ("step_d", 1), ("change", "loss", "hinge")])
    path = tmp_path / "run"
    player.trainer.save(path)
    data = player.made["data"] if isinstance(player.made["data"], Dataset) else None
    loaded = GANTrainer.load(path, data, **player.own())
    for trainer in (player.trainer, loaded):
        trainer.step(10)
        trainer.settings.loss = "hinge"
        trainer.settings.lr_g = 0.5
    assert loaded.interventions == player.trainer.interventions
    assert len(loaded.interventions) == 4
    for column in loaded.history:
        assert np.array_equal(loaded.history[column], player.trainer.history[column], equal_nan=True)
    for trainer in (player.trainer, loaded):
        trainer.reset()
        trainer.step(2)
    assert loaded.state_hash() == player.trainer.state_hash()


RESUME = """
import sys
import torch
torch.set_num_threads(1)
sys.path.insert(0, {here!r})
from test_exactness import Player
from torch.utils.data import Dataset
from ganwidgets import GANTrainer

for kind, path in zip({kinds!r}, {paths!r}):
    player = Player(kind)
    data = player.made["data"] if isinstance(player.made["data"], Dataset) else None
    trainer = GANTrainer.load(path, data, **player.own())
    trainer.step(5)
    print(trainer.state_hash())
"""


def test_a_run_resumes_in_another_process(tmp_path):
    expected, paths = [], []
    for number, kind in enumerate(KINDS):
        paths.append(str(tmp_path / str(number)))
        trainer = Player(kind).trainer
        trainer.settings.ema_decay = 0.9
        trainer.step(4)
        trainer.settings.optimizer_d = "rmsprop"
        trainer.save(paths[-1])
        trainer.step(5)
        expected.append(trainer.state_hash())
    script = RESUME.format(here=str(HERE), kinds=list(KINDS), paths=paths)
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, cwd=HERE.parent
    )
    assert done.stdout.split() == expected


@pytest.mark.parametrize("kind", KINDS)
def test_threads_that_draw_or_compile_do_not_change_the_run(kind, monkeypatch):
    moves = [("step", 4), ("change", "optimizer_d", "rmsprop"), ("change", "grad_clip", 0.5), ("step", 4)]
    expected = Player(kind).play([*moves, ("change", "optimizer_g", "adamw"), ("step", 4)])
    stop = threading.Event()

    def draw():
        while not stop.is_set():
            torch.randn(100)
            torch.nn.functional.dropout(torch.ones(100))

    thread = threading.Thread(target=draw)
    player, made = Player(kind), KINDS[kind]()
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    thread.start()
    try:
        player.trainer = GANTrainer(**made, batch_size=8)
        assert player.trainer.exact
        player.play(moves)
        player.trainer.settings.optimizer_g = "adamw"
        player.trainer.step(4)
        player.trainer.sample(5)
    finally:
        stop.set()
        thread.join()
    assert player.trainer.state_hash() == expected


def test_a_dataset_with_random_transforms_is_close_not_exact():
    class Random(Squares):
        def __getitem__(self, index):
            return super().__getitem__(index)[0] * torch.rand(())

    trainer = GANTrainer(Random(), g_hidden=(8,), d_hidden=(8,), batch_size=4)
    trainer.step(2)
    assert not trainer.exact
    assert GANTrainer(Squares(), g_hidden=(8,), d_hidden=(8,), batch_size=4).exact


def test_thread_counts_follow_from_the_size_and_the_process_keeps_its_own():
    wide = {"g_hidden": (2048, 2048, 512), "d_hidden": (64,), "batch_size": 8}
    one, two = GANTrainer("ring8", **wide), GANTrainer("ring8", **wide)
    assert one.state_dict()["threads"] == 2
    assert GANTrainer("ring8").state_dict()["threads"] == 1
    before = torch.get_num_threads()
    one.step(2)
    try:
        torch.set_num_threads(3)
        two.step(2)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    assert one.state_hash() == two.state_hash()


class Drawing(nn.Module):
    """Draws random numbers where no generator can be passed."""

    def forward(self, x):
        return nn.functional.rrelu(x, training=True)


class Counting(nn.Module):
    """Returns a different result at each call."""

    calls = 0

    def forward(self, x):
        self.calls += 1
        return x + self.calls


class Shaky(Squares):
    """Draws random numbers when an item is read."""

    def __getitem__(self, index):
        image, label = super().__getitem__(index)
        return image + 0.1 * torch.rand(()), label


@pytest.mark.parametrize(
    ("made", "pattern"),
    [
        (lambda: {"data": "digits", **convolutional(Drawing)}, r"generator\.4 \(Drawing\) draws"),
        (
            lambda: {"data": "digits", **convolutional(Counting)},
            "other numbers for the same batch a second time",
        ),
        (lambda: {"data": Shaky()}, "other samples when it is read again"),
        (lambda: {"data": Shaky(), **convolutional(Drawing)}, r"draws .*; .* when it is read again"),
    ],
)
def test_the_cause_is_named_if_a_run_is_not_exact(made, pattern):
    trainer = GANTrainer(**made(), batch_size=8)
    assert not trainer.exact
    assert re.match(f"close, not exact: .*{pattern}", trainer.exact_because)


def test_an_exact_run_says_why():
    trainer = GANTrainer("ring8", **MLP)
    assert trainer.exact
    assert trainer.exact_because.startswith("exact: ")
    assert torch.__version__ in trainer.exact_because
