"""Labels: from the data to the networks, and from a caller's `labels=` argument to the samples."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.data import Dataset, TensorDataset

from ganwidgets import DataError, GANTrainer

SMALL = {"g_hidden": (8,), "d_hidden": (8,), "latent_dim": 3, "batch_size": 8}


def two_clouds(n=60):
    """Return points around -1 with label 3, and around 1 with label 7."""
    y = torch.tensor([3, 7]).repeat(n // 2)
    x = (y.float()[:, None] - 5) / 2 + 0.05 * torch.randn(n, 2, generator=torch.Generator().manual_seed(0))
    return x, y


class Recorder(nn.Module):
    """Records the labels that it receives with its inputs."""

    def __init__(self, out):
        super().__init__()
        self.layer = nn.Linear(3 if out == 2 else 2, out)
        self.seen = []

    def forward(self, x, y):
        self.seen.append((x.detach().clone(), y.clone()))
        return self.layer(x) + 0.1 * y[:, None]


def test_every_real_sample_comes_with_its_own_label_in_every_source_and_order():
    x, y = two_clouds()

    class Pairs(Dataset):
        def __len__(self):
            return len(x)

        def __getitem__(self, place):
            return x[place], y[place].item()

    for data in ((x, y), TensorDataset(x, y), Pairs()):
        discriminator = Recorder(1)
        trainer = GANTrainer(
            data, generator=Recorder(2), discriminator=discriminator, latent_dim=3, batch_size=16, seed=4
        )
        discriminator.seen.clear()
        trainer.step(9)  # across the ends of epochs
        real = [(points, labels) for points, labels in discriminator.seen[::3]]
        assert len(real) == 9
        for points, labels in real:
            assert torch.equal(labels, torch.where(points[:, 0] < 0, 3, 7))


def test_generated_samples_of_a_d_update_carry_the_real_batchs_labels_and_g_draws_its_own():
    x, y = two_clouds()
    y[:6] = 3  # 33 of 3, 27 of 7
    generator, discriminator = Recorder(2), Recorder(1)
    trainer = GANTrainer(
        (x, y), generator=generator, discriminator=discriminator, latent_dim=3, batch_size=30
    )
    generator.seen.clear()
    discriminator.seen.clear()
    trainer.step(100)
    for step in range(100):
        real, fake = discriminator.seen[3 * step][1], discriminator.seen[3 * step + 1][1]
        assert torch.equal(real, fake)
        assert torch.equal(real, generator.seen[2 * step][1])
        assert torch.equal(generator.seen[2 * step + 1][1], discriminator.seen[3 * step + 2][1])
    drawn = torch.cat([labels for _, labels in generator.seen[1::2]])
    assert (drawn == 3).float().mean().item() == pytest.approx(33 / 60, abs=0.04)


@pytest.mark.filterwarnings("ignore:.*with batch norm:ganwidgets.DataWarning")
@settings(deadline=None, max_examples=12)
@given(
    architecture=st.sampled_from(["mlp", "dcgan", "resnet"]),
    conditional=st.booleans(),
    spectral_norm=st.booleans(),
    norm=st.sampled_from(["batch", "instance", "none"]),
    loss=st.sampled_from(["non_saturating", "hinge", "relativistic"]),
    penalty=st.sampled_from(["none", "r1", "gradient_penalty"]),
    ema_decay=st.sampled_from([0.0, 0.9]),
)
def test_saved_watched_and_travelled_runs_end_in_the_same_bits(tmp_path_factory, **how):
    def fresh():
        return GANTrainer("digits", channels=2, **{**SMALL, "batch_size": 6}, **how)

    whole = fresh()
    whole.step(6)
    parts = fresh()
    parts.step(2)
    middle = parts.state_hash()
    parts.sample(3)
    parts.evaluate(20)
    path = tmp_path_factory.mktemp("run") / "run.gan"
    parts.save(path)
    parts = GANTrainer.load(path)
    parts.step(4)
    assert parts.state_hash() == whole.state_hash()
    whole.timeline.goto(2)
    assert whole.state_hash() == middle


def test_a_conditional_gan_learns_to_generate_the_requested_class():
    x, y = two_clouds(200)
    trainer = GANTrainer(
        (x, y - 3), conditional=True, g_hidden=(16,), d_hidden=(16,), batch_size=50, lr_g=5e-3, lr_d=5e-3
    )
    trainer.step(300)
    for label, side in ((0, -1), (4, 1)):
        made = trainer.sample(200, seed=0, labels=label)
        assert (made[:, 0].sign() == side).float().mean() > 0.95
    mixed = trainer.sample(4, seed=0, labels=[0, 4, 0, 4])
    assert torch.equal(mixed[0], trainer.sample(4, seed=0, labels=0)[0])


def test_invalid_labels_are_refused_by_name():
    trainer = GANTrainer("digits", conditional=True, **SMALL)
    for labels, sentence in (
        (10, "no label 10 in the data; labels are 0, 1, 2"),
        ([1, 2, 3], r"labels have shape \(3,\); pass one label, or one for each of the 2"),
        (1.5, "labels must be whole numbers"),
        (True, "labels must be whole numbers"),
    ):
        with pytest.raises(DataError, match=sentence):
            trainer.sample(2, labels=labels)
    with pytest.raises(DataError, match="this generator takes none"):
        GANTrainer("digits", **SMALL).sample(2, labels=1)
    with pytest.raises(DataError, match="ring8 has none; pass a pair"):
        GANTrainer("ring8", conditional=True)
    with pytest.raises(DataError, match="from -1 to 3; number the classes from 0"):
        GANTrainer((two_clouds()[0], two_clouds()[1] - 4), conditional=True)
    with pytest.raises(DataError, match="neither network takes labels"):
        GANTrainer(
            two_clouds(),
            conditional=True,
            latent_dim=3,
            generator=nn.Linear(3, 2),
            discriminator=nn.Linear(2, 1),
        )
    with pytest.raises(DataError, match="has none; pass a pair"):
        GANTrainer(two_clouds()[0], latent_dim=3, generator=Recorder(2), discriminator=Recorder(1))


def test_a_dataset_label_that_is_not_a_number_is_refused_with_its_item():
    x, _ = two_clouds()
    data = [(point, "cat" if place == 12 else 1) for place, point in enumerate(x)]

    class Named(Dataset):
        def __len__(self):
            return len(data)

        def __getitem__(self, place):
            return data[place]

    GANTrainer(Named(), **SMALL)
    with pytest.raises(DataError, match="label of item 12 of the dataset is 'cat'"):
        GANTrainer(Named(), conditional=True, **SMALL)


def test_a_failing_reset_leaves_the_run_unchanged():
    trainer = GANTrainer("ring8", **SMALL)
    trainer.step(3)
    before = trainer.state_hash()
    trainer.settings.architecture = "dcgan"
    trainer.settings.architecture = "mlp"
    assert trainer.state_hash() == before
    trainer.settings.conditional = True
    with pytest.raises(DataError, match="ring8 has none"):
        trainer.reset()
    trainer.settings.conditional = False
    assert trainer.state_hash() == before


def test_only_one_of_the_networks_may_take_labels():
    x, y = two_clouds()
    trainer = GANTrainer(
        (x, y), generator=Recorder(2), discriminator=nn.Linear(2, 1), latent_dim=3, batch_size=8
    )
    trainer.step(2)
    assert trainer.sample(5, labels=3).shape == (5, 2)
    trainer.evaluate(20)
