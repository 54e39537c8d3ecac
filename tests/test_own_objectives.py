"""Objectives of the user: equal to built-in ones, checked before training, required when a run is loaded."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import softplus
from traitlets import TraitError

import ganwidgets as gw
from ganwidgets import CheckpointError, DataError, GANTrainer
from ganwidgets.objectives import LOSSES, PENALTIES

SMALL = {"g_hidden": (8,), "d_hidden": (8,), "latent_dim": 2, "batch_size": 16}


class NonSaturating:
    """The built-in non-saturating game, written as a user's class."""

    name = "mine"

    def loss_d(self, real_logits, fake_logits):
        return softplus(-real_logits).mean() + softplus(fake_logits).mean()

    def loss_g(self, fake_logits):
        return softplus(-fake_logits).mean()


class Relativistic:
    def loss_d(self, real_logits, fake_logits):
        return softplus(fake_logits - real_logits).mean()

    def loss_g(self, fake_logits, real_logits):
        return softplus(real_logits - fake_logits).mean()

    def penalty(self, discriminator, real, fake, weight, generator):
        return PENALTIES["gradient_penalty"](discriminator, real, fake, weight, generator)


def weights(trainer):
    return [
        p.detach() for network in (trainer.generator, trainer.discriminator) for p in network.parameters()
    ]


def assert_same_weights(one, other):
    assert all(map(torch.equal, weights(one), weights(other)))


class Feature:
    """Compares generated logits with real ones if it receives them; `needs_real` is set by the test."""

    def __init__(self, needs_real):
        self.needs_real, self.seen = needs_real, set()

    def loss_d(self, real_logits, fake_logits):
        return fake_logits.mean() - real_logits.mean() + real_logits.square().mean()

    def loss_g(self, fake_logits, real_logits=None):
        self.seen.add(real_logits is not None)
        return -fake_logits.mean() if real_logits is None else (fake_logits.mean() - real_logits.mean()) ** 2


def test_the_class_of_an_objective_is_refused_with_the_remedy():
    with pytest.raises(
        DataError, match=r"the class NonSaturating; pass an instance of it, NonSaturating\(\)"
    ):
        GANTrainer("ring8", objective=NonSaturating)


@pytest.mark.parametrize("needs_real", [True, False])
def test_needs_real_decides_whether_the_generators_loss_receives_real_logits(needs_real):
    objective = Feature(needs_real)
    trainer = GANTrainer("ring8", objective=objective, loss="own", **SMALL)
    trainer.step(2)
    assert objective.seen == {needs_real}
    assert trainer.samples_seen == 2 * 16 * (1 + needs_real)


@pytest.mark.parametrize(
    ("objective", "built_in"),
    [
        (NonSaturating(), {"loss": "non_saturating"}),
        (Relativistic(), {"loss": "relativistic", "penalty": "gradient_penalty"}),
        (LOSSES["hinge"], {"loss": "hinge"}),
    ],
    ids=["of fake logits alone", "with real logits and a penalty", "a built-in one"],
)
def test_a_users_objective_trains_like_the_built_in_one_that_it_repeats(objective, built_in):
    own, other = GANTrainer("ring8", objective=objective, **SMALL), GANTrainer("ring8", **built_in, **SMALL)
    assert isinstance(objective, gw.Objective)
    assert own.settings.loss == "own"
    assert own.settings.penalty == ("own" if isinstance(objective, Relativistic) else "none")
    assert own.step(4)["loss_g"] == other.step(4)["loss_g"]
    assert_same_weights(own, other)
    assert own.samples_seen == other.samples_seen
    assert own.exact


def test_the_loss_setting_switches_from_a_users_objective_and_back():
    trainer, other = (GANTrainer("ring8", objective=NonSaturating(), **SMALL) for _ in range(2))
    start = trainer.state_hash()
    trainer.step(2)
    trainer.settings.loss = "hinge"
    trainer.step(2)
    trainer.settings.loss = "own"
    trainer.step(2)
    assert [record.new for record in trainer.interventions] == ["hinge", "own"]
    trainer.timeline.goto(0)
    assert trainer.state_hash() == start
    for n, loss in ((2, "own"), (2, "hinge"), (2, "own")):
        other.settings.loss = loss
        other.step(n)
    trainer.timeline.switch("main")
    assert_same_weights(trainer, other)


def test_a_saved_run_stores_the_objectives_name_and_requires_it_when_loaded(tmp_path):
    trainer = GANTrainer("ring8", objective=NonSaturating(), **SMALL)
    trainer.step(3)
    trainer.save(tmp_path / "run")
    with pytest.raises(CheckpointError, match=r"its own, mine; pass it as objective="):
        GANTrainer.load(tmp_path / "run")
    with pytest.raises(CheckpointError, match="trained with mine, but Relativistic was passed"):
        GANTrainer.load(tmp_path / "run", objective=Relativistic())
    loaded = GANTrainer.load(tmp_path / "run", objective=NonSaturating())
    trainer.step(3)
    loaded.step(3)
    assert loaded.state_hash() == trainer.state_hash()

    plain = GANTrainer("ring8", **SMALL)
    plain.save(tmp_path / "plain")
    with pytest.raises(CheckpointError, match="none but the built-in objectives"):
        GANTrainer.load(tmp_path / "plain", objective=NonSaturating())


def test_a_run_folder_is_opened_and_replayed_with_it(tmp_path):
    trainer = GANTrainer("ring8", objective=Relativistic(), run=tmp_path / "kept", **SMALL)
    trainer.step(3)
    trainer.settings.loss = "hinge"
    trainer.step(2)
    expected = trainer.state_hash()
    trainer.close()
    with pytest.raises(CheckpointError, match="objective="):
        gw.open_run(tmp_path / "kept")
    opened = gw.open_run(tmp_path / "kept", objective=Relativistic())
    assert opened.state_hash() == expected
    opened.close()
    assert gw.replay(tmp_path / "kept", objective=Relativistic())


def test_without_a_users_objective_its_choice_is_refused():
    trainer = GANTrainer("ring8", **SMALL)
    with pytest.raises(TraitError, match="no objective was passed"):
        trainer.settings.loss = "own"
    with pytest.raises(TraitError, match="no objective was passed"):
        GANTrainer("ring8", loss="own", **SMALL)
    with pytest.raises(TraitError, match="no objective with a penalty"):
        GANTrainer("ring8", objective=NonSaturating(), penalty="own", **SMALL)
    assert trainer.settings.loss == "non_saturating"


class Wrong(NonSaturating):
    pass


@pytest.mark.parametrize(
    ("member", "function", "complaint"),
    [
        ("loss_d", None, "no method loss_d"),
        ("loss_d", lambda real, fake: softplus(fake - real), r"a tensor of shape \(4,\)"),
        ("loss_d", lambda real, fake: 1.0, "a float, not a tensor"),
        ("loss_g", lambda fake: fake.detach().mean(), "does not depend on the discriminator"),
        ("loss_g", lambda fake: fake @ torch.ones(7), "failed on a batch of 4 logits: RuntimeError"),
        ("penalty", lambda d, real, fake, weight, generator: real.mean(), "penalty of the objective mine"),
    ],
)
def test_an_invalid_objective_is_refused_before_training(member, function, complaint):
    objective = Wrong()
    setattr(objective, member, function)
    with pytest.raises(DataError, match=complaint):
        GANTrainer("ring8", objective=objective, **SMALL)


def test_draws_of_an_objective_come_from_the_runs_generators():
    class Noisy(NonSaturating):
        def loss_g(self, fake_logits):
            return softplus(-fake_logits * torch.rand(())).mean()

    trainers = [GANTrainer("ring8", objective=Noisy(), **SMALL) for _ in range(2)]
    for trainer in trainers:
        assert trainer.exact
        torch.rand(1)
        trainer.step(3)
    assert_same_weights(*trainers)


def test_pictures_of_d_use_its_threshold_and_verdict():
    class Own(NonSaturating):
        def threshold(self, *_logits):
            return -1e9

    record = GANTrainer("ring8", objective=Own(), **SMALL).step()
    assert (record["accuracy_real"], record["accuracy_fake"]) == (1, 0)


def test_the_deprecated_function_name_works_and_warns():
    from ganwidgets import objectives

    with pytest.warns(DeprecationWarning, match="loss_named"):
        assert objectives.game is objectives.loss_named
