"""PacGAN: packs, their logits and refused combinations; lazy penalties; augmentation."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import nn
from traitlets import TraitError

from ganwidgets import DataError, GANTrainer
from ganwidgets.games.gan import draw_noise
from ganwidgets.objectives import augmented, copies, pack
from ganwidgets.runs.inspect.sampling import input_gradients
from ganwidgets.seeds import seeded
from ganwidgets.stepping.streams.sample_streams import OrderedStream

SMALL = {"g_hidden": (8,), "d_hidden": (8,), "latent_dim": 2}


class Watched(nn.Module):
    """A discriminator that stores its inputs."""

    def __init__(self, features):
        super().__init__()
        self.layer = nn.Linear(features, 1)
        self.seen = []

    def forward(self, x):
        self.seen.append(x.detach().clone())
        return self.layer(x.flatten(1))

    def since(self, trainer, n):
        """Return its inputs during `n` steps."""
        self.seen.clear()
        trainer.step(n)
        return self.seen


def test_packs_join_consecutive_samples_along_features_or_channels():
    points, images = torch.arange(12.0).reshape(6, 2), torch.arange(4 * 2 * 9.0).reshape(4, 2, 3, 3)
    assert pack(points, 3).tolist() == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]
    assert torch.equal(pack(images, 2), torch.stack((images[:2].flatten(0, 1), images[2:].flatten(0, 1))))
    assert pack(points, 1) is points
    assert torch.equal(copies(points, 2), torch.cat((points, points), 1))
    assert torch.equal(copies(images, 3), torch.cat((images, images, images), 1))


@pytest.mark.parametrize(("data", "features", "shape"), [("ring8", 6, (6,)), ("digits", 192, (3, 8, 8))])
def test_d_receives_packs_of_real_and_of_generated_samples(data, features, shape):
    judge = Watched(features)
    trainer = GANTrainer(data, discriminator=judge, packing=3, batch_size=12, **SMALL)
    real, fake, fake_of_g = judge.since(trainer, 1)
    assert real.shape == fake.shape == fake_of_g.shape == (4, *shape)
    assert torch.equal(real, pack(trainer.source.order(0).take(0, 12), 3))
    assert trainer.samples_seen == 12


@pytest.mark.parametrize("penalty", ["r1", "r2", "r1_r2", "gradient_penalty"])
@pytest.mark.parametrize("loss", ["non_saturating", "relativistic"])
def test_a_packed_run_equals_a_run_on_packed_data(penalty, loss):
    """D gets equal inputs: half as many points with twice as many numbers."""

    class Pairs(nn.Module):
        def __init__(self, one):
            super().__init__()
            self.one = one

        def forward(self, z):
            return pack(self.one(z.reshape(-1, 2)), 2)

    points = torch.randn(40, 2, generator=torch.Generator().manual_seed(1))
    packed = GANTrainer(
        points, packing=2, batch_size=20, loss=loss, penalty=penalty, penalty_weight=0.5, **SMALL
    )
    order = packed.source.order(0)
    pairs = torch.cat([pack(order.take(start, 20), 2) for start in range(0, 200, 20)])
    beside = GANTrainer(
        pairs,
        generator=Pairs(type(packed.generator)(*map(copy.deepcopy, packed.generator))),
        discriminator=nn.Sequential(*map(copy.deepcopy, packed.discriminator)),
        batch_size=10,
        loss=loss,
        penalty=penalty,
        penalty_weight=0.5,
        latent_dim=4,
    )
    beside._session.run.engine.streams["data"] = OrderedStream(_InOrder(pairs))
    record, wanted = packed.step(3), beside.step(3)
    assert record == wanted
    assert all(map(torch.equal, packed.discriminator.parameters(), beside.discriminator.parameters()))


class _InOrder:
    def __init__(self, samples):
        self.samples = samples

    def take(self, start, n):
        return self.samples[start : start + n].clone()


def test_pictures_of_d_use_packs_of_copies_and_its_scores_packs_of_different_samples():
    judge = Watched(128)
    trainer = GANTrainer("digits", discriminator=judge, packing=2, batch_size=4, **SMALL)
    judge.seen.clear()
    images = trainer.real(3, seed=0) * 2 - 1
    logits = trainer._look(images)
    assert logits.shape == (3,)
    assert torch.equal(judge.seen[0], torch.cat((images, images), 1))
    judge.seen.clear()
    scores = trainer.evaluate(7)
    assert [len(seen) for seen in judge.seen] == [3, 3]
    assert 0 <= scores["accuracy_real"] <= 1
    assert trainer.evaluate(1)["accuracy_fake"] in (0, 1)


def test_the_slope_of_a_sample_is_that_of_all_its_copies():
    trainer = GANTrainer("ring8", packing=3, batch_size=6, activation="tanh", **SMALL)
    at = trainer.real(4, seed=0)
    found = input_gradients(trainer._session, at, torch.sum)
    for axis in range(2):
        step = torch.zeros(2)
        step[axis] = 1e-2
        difference = (trainer._look(at + step) - trainer._look(at - step)) / 2e-2
        torch.testing.assert_close(found[:, axis], difference, rtol=1e-2, atol=1e-3)


def test_a_batch_that_cannot_be_divided_is_refused_and_a_default_one_fits():
    assert GANTrainer("ring8", packing=4, **SMALL).settings.batch_size == 148
    assert GANTrainer("ring8", packing=3, **SMALL).settings.batch_size == 150
    with pytest.raises(DataError, match=r"judges 4 samples at once \(packing\).* such as 148"):
        GANTrainer("ring8", packing=4, batch_size=150, **SMALL)
    trainer = GANTrainer("ring8", packing=4, **SMALL)
    with pytest.raises(TraitError, match="such as 8"):
        trainer.settings.batch_size = 10
    trainer.settings.packing = 8
    trainer.step()
    with pytest.raises(DataError, match="such as 144"):
        trainer.reset()
    trainer.settings.batch_size = 16
    trainer.reset()
    assert trainer.discriminator[0].in_features == 16


def test_a_discriminator_of_the_user_must_accept_packs():
    with pytest.raises(DataError, match=r"packing is 2: pass a discriminator for .* of shape \(4,\)"):
        GANTrainer("ring8", discriminator=nn.Linear(2, 1), packing=2, **SMALL)


def test_labels_and_packs_cannot_be_combined():
    with pytest.raises(DataError, match="packing is 2, but a conditional discriminator"):
        GANTrainer("digits", conditional=True, packing=2, **SMALL)


@pytest.mark.parametrize("architecture", ["dcgan", "resnet"])
def test_convolutional_discriminators_accept_packs(architecture):
    trainer = GANTrainer("digits", architecture=architecture, channels=4, packing=2, batch_size=8)
    assert math.isfinite(trainer.step()["loss_d"])
    assert trainer.sample(3).shape == (3, 1, 8, 8)


# --- lazy penalties ---------------------------------------------------------------------------------


def test_a_lazy_penalty_is_multiplied_by_its_interval():
    judge = Watched(2)
    trainer = GANTrainer("ring8", discriminator=judge, penalty="r1", penalty_interval=3, d_steps=2, **SMALL)
    passes = [len(judge.since(trainer, 1)) for _ in range(4)]
    # Of 8 updates of D, numbers 0, 3 and 6 have a forward pass for the penalty; each step has 2 + 2 + 1 others.
    assert passes == [6, 6, 5, 6]
    assert trainer.state_dict()["d_updates"] == 2  # after number 6, the last update with the penalty
    trainer.change(penalty_interval=1)
    trainer.step()
    assert trainer.state_dict()["d_updates"] == 0  # no counter is needed if each update has the penalty


def test_every_update_has_the_penalty_by_default_and_a_frozen_d_shows_its_plain_weight():
    class Plane(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.tensor([0.6, 0.8]))

        def forward(self, x):
            return (x - x.detach() + 0.0) @ self.weight  # logits 0 with slope 1

    trainer = GANTrainer(
        "ring8", discriminator=Plane(), penalty="r1", penalty_weight=0.5, penalty_interval=5, **SMALL
    )
    trainer.change(freeze_d=True)
    for _ in range(3):
        assert trainer.step()["loss_d"] == pytest.approx(2 * math.log(2) + 0.25, abs=1e-5)
    assert trainer.state_dict()["d_updates"] == 0
    trainer.change(freeze_d=False, lr_d=0.0)
    assert trainer.step()["loss_d"] == pytest.approx(2 * math.log(2) + 1.25, abs=1e-5)
    assert trainer.step()["loss_d"] == pytest.approx(2 * math.log(2), abs=1e-5)


def test_the_penalty_counter_is_part_of_the_state(tmp_path):
    def lazy():
        return GANTrainer("ring8", penalty="r1_r2", penalty_interval=4, batch_size=8, **SMALL)

    whole, parts = lazy(), lazy()
    whole.step(11)
    parts.step(6)
    parts.save(tmp_path / "run")
    loaded = GANTrainer.load(tmp_path / "run")
    loaded.step(5)
    assert loaded.state_hash() == whole.state_hash()
    whole.timeline.goto(6)
    assert whole.state_hash() == parts.state_hash()
    whole.timeline.goto(11)
    assert loaded.state_hash() == whole.state_hash()


# --- augmentation -----------------------------------------------------------------------------------


def test_d_sees_augmented_images_in_both_updates_and_draws_come_from_their_own_stream():
    judge = Watched(64)
    trainer = GANTrainer("digits", discriminator=judge, augment="all", batch_size=8, lr_d=0.0, **SMALL)
    assert "augment" not in trainer.state_dict()["randomness"]
    real, _, fake_of_g = judge.since(trainer, 1)
    stream = seeded(0, "augment")
    assert torch.equal(real, augmented("all", trainer.source.order(0).take(0, 8), stream))
    augmented("all", real, stream)
    noise = seeded(0, "noise")
    draw_noise("gaussian", 8, 2, noise)
    fresh = GANTrainer("digits", discriminator=Watched(64), batch_size=8, **SMALL)
    generated = fresh.generator(draw_noise("gaussian", 8, 2, noise)).detach()
    torch.testing.assert_close(fake_of_g, augmented("all", generated, stream))
    assert torch.equal(trainer.state_dict()["randomness"]["augment"], stream.get_state())


def test_points_cannot_be_augmented():
    with pytest.raises(DataError, match=r"augment cannot be 'all'.*the data are points"):
        GANTrainer("ring8", augment="all", **SMALL)
    trainer = GANTrainer("ring8", **SMALL)
    with pytest.raises(TraitError, match="the data are points"):
        trainer.settings.augment = "cutout"
    assert trainer.settings.augment == "none"
    trainer = GANTrainer("digits", augment="cutout", **SMALL)
    trainer.settings.data = "ring8"
    with pytest.raises(DataError, match="the data are points"):
        trainer.reset()
    trainer.settings.augment = "none"
    trainer.reset()
