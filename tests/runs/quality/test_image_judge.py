"""Image metrics use named features and floors for perfect images; measuring does not change the run."""

from __future__ import annotations

import math
import threading

import pytest
import torch
from torch import nn
from torch.utils.data import Dataset

from ganwidgets import DataError, GANTrainer
from ganwidgets.live import Camera, Runner
from ganwidgets.metrics import IMAGE_METRICS
from ganwidgets.runs.quality import image_judge as judging

PATIENCE = 60
"""Seconds after which a test that hangs fails."""

COMPARED = {"frechet", "kernel_inception", "precision", "recall", "density", "coverage", "diversity"}
READ = {"inception_score", "modes", "reverse_kl"}
OF_D = {"accuracy_real", "accuracy_fake"}


def small(data="digits", **settings) -> GANTrainer:
    plain = {"g_hidden": (16,), "d_hidden": (16,), "latent_dim": 4, "batch_size": 20}
    return GANTrainer(data, **{**plain, **settings})


def unlabelled(n=60):
    return torch.rand(n, 3, 6, 6, generator=torch.Generator().manual_seed(0))


def test_labelled_images_are_judged_by_a_classifier_trained_on_them():
    trainer = small()
    before = trainer.state_hash()
    figures, floors = trainer.evaluate(200), trainer.floors(200)
    assert set(figures) == set(floors) == COMPARED | READ | OF_D
    assert set(IMAGE_METRICS) == COMPARED | READ | {"as_asked"}
    assert figures == pytest.approx(trainer.evaluate(200))
    assert floors["modes"] == 10
    assert floors["precision"] > 0.75 > figures["precision"]
    assert floors["frechet"] < figures["frechet"]
    assert trainer.class_shares(200).keys() == set(range(10))
    assert sum(trainer.class_shares(200).values()) == pytest.approx(1)
    assert trainer.state_hash() == before
    trainer.step(3)
    watched, alone = trainer.state_hash(), small()
    alone.step(3)
    assert alone.state_hash() == watched


def test_a_conditional_generator_is_judged_by_the_requested_labels():
    trainer = small(conditional=True)
    figures, floors = trainer.evaluate(300), trainer.floors(300)
    assert set(figures) == set(floors) == COMPARED | READ | OF_D | {"as_asked"}
    assert figures["as_asked"] < 0.4
    assert floors["as_asked"] > 0.97


def test_images_without_labels_are_judged_on_random_features():
    trainer = small(unlabelled())
    assert set(trainer.evaluate(100)) == set(trainer.floors(100)) == COMPARED | OF_D
    with pytest.raises(DataError, match="classifier needs at least two labels"):
        trainer.evaluate(100, features="classifier")
    with pytest.raises(DataError, match="classifier needs at least two labels"):
        trainer.class_shares()


class Pairs(Dataset):
    def __init__(self, n):
        draws = torch.Generator().manual_seed(0)
        self.images, self.marks = torch.rand(n, 1, 6, 6, generator=draws), torch.arange(n) % 2

    def __len__(self):
        return len(self.images)

    def __getitem__(self, place):
        return self.images[place], int(self.marks[place])


def test_labels_of_a_dataset_are_used_if_listed_or_requested():
    plain, listing = Pairs(40), Pairs(40)
    listing.targets = listing.marks
    assert "modes" in small(listing).evaluate(20)
    trainer = small(plain)
    assert "modes" not in trainer.evaluate(20)
    assert trainer.evaluate(20, features="classifier")["modes"] > 0
    assert trainer.class_shares(20).keys() == {0, 1}


def test_features_of_the_user_are_used():
    trainer = small(unlabelled())
    plain = trainer.evaluate(30)
    own = nn.Flatten()
    assert trainer.evaluate(30, features=own) != plain
    trainer.features = own
    assert trainer.features is own
    assert trainer.evaluate(30) == trainer.evaluate(30, features="pixels")
    for wrong in ("clasifier", 3, None):
        with pytest.raises(DataError, match="features cannot be"):
            trainer.features = wrong
    assert trainer.features is own
    with pytest.raises(DataError, match="features cannot be"):
        trainer.evaluate(30, features="nothing")
    with pytest.raises(DataError, match="no set of images"):
        GANTrainer("ring8").neighbors(torch.zeros(1, 2))


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_a_data_set_with_very_few_images(n):
    trainer = small(unlabelled(n), batch_size=1)
    figures = trainer.evaluate(10)
    assert set(figures) == (OF_D if n < 4 else COMPARED | OF_D)
    assert not any(math.isnan(figures[name]) for name in figures)
    assert set(trainer.floors(10)) == set(figures)


def test_a_generator_of_non_finite_images_has_the_worst_scores():
    class Broken(nn.Linear):
        def forward(self, z):
            return super().forward(z).tanh().reshape(-1, 1, 8, 8) * self.scale

    generator = Broken(4, 64)
    generator.scale = 1.0
    trainer = small(generator=generator)
    for bad in (math.inf, math.nan):
        generator.scale = bad
        figures = trainer.evaluate(50)
        assert figures["frechet"] == figures["kernel_inception"] == figures["reverse_kl"] == math.inf
        assert figures["inception_score"] == 1
        for name in ("precision", "recall", "density", "coverage", "diversity", "modes"):
            assert figures[name] == 0


def test_stacked_digits_are_classified_channel_by_channel():
    trainer = small("stacked_digits")
    floors = trainer.floors(1000)
    # Of 1,000 draws with 1,000 kinds, about 1 - 1/e occur.
    assert floors["modes"] == pytest.approx(632, abs=40)
    assert trainer.evaluate(1000)["modes"] < floors["modes"]


def test_copies_of_training_images_are_found():
    trainer = small()
    real = trainer.real(3, seed=1)
    found = trainer.neighbors(real, 2, features="pixels")
    assert found.indices.shape == found.distances.shape == (3, 2)
    assert found.distances[:, 0].tolist() == [0, 0, 0]
    assert torch.equal(found.images[:, 0], real)
    assert (found.distances[:, 1] > 0).all()
    assert found.typical > 0.2
    noise = trainer.neighbors(trainer.sample(5, seed=0), features="pixels")
    assert (noise.distances > found.typical).all()
    assert trainer.neighbors(real).distances.max() < 1e-4
    for wrong in (real[0], real[:, :, :5], real[:0]):
        with pytest.raises(DataError, match="cannot be looked for"):
            trainer.neighbors(wrong)
    with pytest.raises(DataError, match="9999 nearest"):
        trainer.neighbors(real, 9999)


def test_one_classifier_is_trained_for_the_same_data(monkeypatch):
    small().evaluate(10)
    monkeypatch.setattr(judging, "train_classifier", lambda *_: pytest.fail("trained again"))
    small(seed=3).evaluate(10)


# --- live -----------------------------------------------------------------------------------------


@pytest.fixture
def live():
    runners = []

    def make(trainer):
        runners.append(Runner(trainer))
        return runners[-1]

    yield make
    for runner in runners:
        runner.close()


def test_measuring_during_training_changes_no_bit(live):
    news = threading.Event()
    watched = small()
    runner = live(watched)
    camera = Camera(runner, interval=0.0, measured=news.set)
    runner.play(until=400)
    while runner.state.iteration < 400:
        camera.take()
    runner.wait(timeout=PATIENCE)
    frame = camera.take(complete=True)
    while not frame.floors or frame.metrics["frechet"][0][-1] < 400:  # a measurement was in progress
        frame = camera.take(complete=True)
    assert news.is_set()
    assert frame.judged.features == "digits classifier"
    assert (frame.judged.generated, frame.judged.compared) == (2500, 898)
    read = {label: share for label, (share, _) in frame.judged.shares.items()}
    assert read == pytest.approx(watched.class_shares())
    assert frame.trouble == ""
    figures = watched.evaluate()
    shown = {name: value for name, value in frame.latest_metrics.items() if name not in OF_D}
    assert shown == pytest.approx({name: figures[name] for name in COMPARED | READ})
    assert dict(frame.floors) == pytest.approx(
        {n: v for n, v in watched.floors().items() if n in frame.floors}
    )
    alone = small()
    alone.step(400)
    assert alone.state_hash() == watched.state_hash()


def test_other_features_begin_new_curves_and_their_errors_are_reported(live):
    class Own(nn.Flatten):
        def forward(self, x):
            if self.training or self.end_dim == 7:
                message = "my features"
                raise ValueError(message)
            return super().forward(x)

    trainer = small(unlabelled())
    camera = Camera(live(trainer))
    assert camera.take(complete=True).judged.trend_only
    trainer.features = own = Own()
    frame = camera.take(complete=True)
    assert frame.judged.features == "features of Own"
    assert len(frame.metrics["frechet"][0]) == 1
    own.end_dim = 7
    trainer.step()
    frame = camera.take(complete=True)
    assert frame.trouble == "ValueError: my features"
