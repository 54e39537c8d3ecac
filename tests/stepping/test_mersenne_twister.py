"""Random words for many generators at once equal those that PyTorch draws from each."""

import functools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganwidgets.stepping.compiled import mersenne_twister, noise
from ganwidgets.stepping.compiled.mersenne_twister import WORDS, Twister, next_words, state_is_known
from ganwidgets.stepping.compiled.plan import StepPlan

COUNTS = st.one_of(st.sampled_from([0, 1, WORDS - 1, WORDS, WORDS + 1, 2 * WORDS]), st.integers(0, 3000))


def generators(drawn):
    made = []
    for seed, n in enumerate(drawn):
        generator = torch.Generator().manual_seed(seed)
        torch.empty(n, dtype=torch.int32).random_(generator=generator)
        made.append(generator)
    return made


@settings(max_examples=60, deadline=None)
@given(
    drawn=st.lists(COUNTS, min_size=1, max_size=4),
    copies=st.integers(0, 2),
    n=COUNTS.filter(bool),
    calls=st.integers(1, 3),
)
def test_the_words_and_the_states_after_them_equal_pytorchs(drawn, copies, n, calls):
    mine, its = generators(drawn), generators(drawn)
    twister = Twister(mine, copies, functools.partial(next_words, n=n))
    for _ in range(calls):
        words = twister.take()
        assert words.shape == (len(drawn) + copies, n)
        for row, generator in zip(words, its, strict=False):
            # `random_` of int32 draws the last 31 bits of a word.
            assert torch.equal(
                row & 0x7FFFFFFF, torch.empty(n, dtype=torch.int32).random_(generator=generator)
            )
        assert all(torch.equal(row, words[0]) for row in words[len(drawn) :])
    twister.finish()
    for one, other in zip(mine, its, strict=True):
        assert torch.equal(one.get_state(), other.get_state())


def test_the_upper_bit_of_a_word_equals_that_of_a_64_bit_draw():
    words, _ = next_words(torch.zeros(1, WORDS, dtype=torch.int32), 1)
    assert words.dtype == torch.int32
    mine, its = generators([0]), generators([0])
    (row,) = Twister(mine, 0, functools.partial(next_words, n=2)).take()
    # `random_` of int64 joins two words and draws their last 63 bits.
    (long,) = torch.empty(1, dtype=torch.int64).random_(generator=its[0]).tolist()
    low, high = (word % 2**32 for word in row.tolist())
    assert long in {(low << 32 | high) % 2**63, (high << 32 | low) % 2**63}


@settings(max_examples=60, deadline=None)
@given(kind=st.sampled_from(["gaussian", "uniform"]), batch=st.integers(1, 60), latent=st.integers(1, 40))
def test_latents_from_words_equal_the_latents_of_a_run(kind, batch, latent):
    plan = StepPlan(
        generator=(),
        discriminator=(),
        lanes=1,
        sample_shape=(2,),
        batch_size=batch,
        latent_dim=latent,
        packing=1,
        d_steps=1,
        g_steps=0,
        loss="minimax",
        penalty="none",
        optimizer_d="adam",
        optimizer_g="adam",
        averaged=False,
        threads=1,
        noise=kind,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(noise, "WORTH_COMPUTING", 1)
        words = noise.random_words(plan)
        drawn = torch.zeros(1, 1, words, dtype=torch.int32)
        (mine,), (its,) = generators([7]), generators([7])
        latents = noise.latents_from(plan, drawn.random_(generator=mine)) if words else drawn
    if batch * latent < 16:
        assert words == 0
        return
    wanted = torch.empty(batch, latent)
    wanted = wanted.normal_(generator=its) if kind == "gaussian" else wanted.uniform_(-1, 1, generator=its)
    assert torch.equal(mine.get_state(), its.get_state())
    if kind == "uniform":
        assert torch.equal(latents, wanted.expand(1, 1, batch, latent))
    torch.testing.assert_close(latents[0, 0], wanted, rtol=1e-5, atol=2e-6)


def test_a_generator_with_another_state_format_is_detected(monkeypatch):
    assert state_is_known()
    state_is_known.cache_clear()
    monkeypatch.setattr(mersenne_twister, "MATRIX", mersenne_twister.MATRIX + 1)
    try:
        assert not state_is_known()
    finally:
        state_is_known.cache_clear()


@pytest.mark.parametrize(("updates", "words"), [((1, 1), 4800), ((1, 2), 3600), ((4, 5), 4320)])
def test_a_step_takes_a_multiple_of_the_words_of_a_call(updates, words):
    plan = StepPlan((), (), 64, (2,), 150, 16, 1, *updates, "minimax", "none", "adam", "adam", False, 1)
    assert noise.words_at_once(plan) == words
    assert sum(updates) * noise.random_words(plan) % words == 0
