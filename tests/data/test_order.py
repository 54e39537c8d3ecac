import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import TensorDataset

from ganwidgets.data import dataset, load_data, source
from ganwidgets.data.points.presets import BLOCK

SIZE = 37


def numbered(n: int = SIZE) -> torch.Tensor:
    """Points whose values are their indices."""
    return torch.arange(n).reshape(-1, 1)


def drawn_per_batch(monkeypatch):
    """Treat every array as too large to be permuted for an epoch."""
    monkeypatch.setattr(source, "SHUFFLED_AT_ONCE", 0)
    monkeypatch.setattr("ganwidgets.data.arrays.SHUFFLED_AT_ONCE", 0)


SOURCES = {
    "array": dataset(numbered(), standardize=False),
    "dataset": dataset(TensorDataset(numbered().float()), standardize=False),
    "endless": load_data("moons"),
}

kinds = st.sampled_from(sorted(SOURCES))
seeds = st.integers(0, 2**32 - 1)


@given(kind=kinds, seed=seeds, sizes=st.lists(st.integers(0, 90), min_size=1, max_size=12))
def test_the_sequence_does_not_depend_on_batch_sizes(kind, seed, sizes):
    order, start, parts = SOURCES[kind].order(seed), 0, []
    for n in sizes:
        parts.append(order.take(start, n))
        start += n
    whole = SOURCES[kind].order(seed).take(0, start)
    assert whole.dtype == torch.float32
    assert whole.shape == (start, *SOURCES[kind].shape)
    assert torch.equal(torch.cat(parts), whole)


@given(kind=kinds, seed=seeds, starts=st.lists(st.integers(0, 200), min_size=1, max_size=12))
def test_a_sample_depends_only_on_its_position(kind, seed, starts):
    order = SOURCES[kind].order(seed)
    whole = SOURCES[kind].order(seed).take(0, 210)
    for start in starts:
        assert torch.equal(order.take(start, 10), whole[start : start + 10])


@given(seed=seeds, start=st.integers(BLOCK - 20, BLOCK + 20), n=st.integers(0, 3 * BLOCK))
def test_blocks_join_without_gap_or_repetition(seed, start, n):
    moons = SOURCES["endless"]
    assert torch.equal(moons.order(seed).take(start, n), moons.order(seed).take(0, start + n)[start:])


@given(seed=seeds, epoch=st.integers(0, 50), kind=st.sampled_from(["array", "dataset"]))
def test_each_epoch_has_every_sample_once(seed, epoch, kind):
    seen = SOURCES[kind].order(seed).take(epoch * SIZE, SIZE)
    assert torch.equal(seen.sort(dim=0).values, numbered().float())


def test_epochs_and_seeds_differ():
    array = SOURCES["array"]
    epochs = [array.order(seed).take(epoch * SIZE, SIZE) for seed in (0, 1, 2) for epoch in (0, 1, 2)]
    endless = [SOURCES["endless"].order(seed).take(0, SIZE) for seed in (0, 1, 2)]
    for sequences in (epochs, endless):
        distinct = {tuple(sequence.flatten().tolist()) for sequence in sequences}
        assert len(distinct) == len(sequences)


def test_a_dataset_has_the_order_of_an_equal_array():
    assert torch.equal(SOURCES["array"].order(5).take(3, 100), SOURCES["dataset"].order(5).take(3, 100))


def test_large_data_has_the_order_of_small_data(monkeypatch):
    at_once = load_data(numbered()).order(5).take(3, 100)
    drawn_per_batch(monkeypatch)
    assert torch.equal(load_data(numbered()).order(5).take(3, 100), at_once)


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("large", [False, True])
def test_changing_a_batch_does_not_change_the_data(kind, large, monkeypatch):
    if large:
        drawn_per_batch(monkeypatch)
    order = SOURCES[kind].order(0)
    before = order.take(0, 9).clone()
    order.take(0, 9).zero_()  # like a network whose first layer works in place
    assert torch.equal(order.take(0, 9), before)


@pytest.mark.parametrize("kind", SOURCES)
def test_nothing_draws_from_the_global_generator(kind):
    before = torch.get_rng_state()
    SOURCES[kind].order(0).take(0, 50)
    SOURCES[kind].draw(50, torch.Generator().manual_seed(0))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("kind", SOURCES)
def test_draws_follow_their_generator(kind):
    def draw(seed):
        return SOURCES[kind].draw(3 * SIZE, torch.Generator().manual_seed(seed))

    assert torch.equal(draw(1), draw(1))
    assert not torch.equal(draw(1), draw(2))
    assert draw(1).shape == (3 * SIZE, *SOURCES[kind].shape)
    assert draw(1).dtype == torch.float32
