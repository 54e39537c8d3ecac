from __future__ import annotations

import pytest
import torch
from examples import cyclegan, digits
from harness import Play, TensorStream
from hypothesis import given
from hypothesis import strategies as st

from ganwidgets.errors import DataError
from ganwidgets.games.cyclegan import CycleGAN, Swap, pooled
from ganwidgets.runs.state.state_tree import copied


@given(st.integers(0, 7), st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(0, 99))
def test_a_pool_fills_then_exchanges_images_and_loses_none(size, batches, seed):
    """Every fake is a distinct number, so that each can be followed."""
    draw = torch.Generator().manual_seed(seed)
    pool, count = torch.zeros(size, 1), torch.zeros((), dtype=torch.int64)
    number = 0
    for n in batches:
        fakes = torch.arange(number + 1, number + n + 1).float()[:, None]
        number += n
        slots = torch.full((n,), -1)
        drawn = torch.randperm(size, generator=draw)[:n]
        slots[: len(drawn)] = drawn
        swap = Swap(slots, torch.rand(n, generator=draw) < 0.5)
        before = [tensor.clone() for tensor in (fakes, pool, count)]
        seen, renewed, counted = pooled(fakes, pool, count, swap)
        assert all(torch.equal(a, b) for a, b in zip(before, (fakes, pool, count), strict=True))
        assert counted == min(size, int(count) + n)
        old = set(pool[: int(count)].flatten().tolist())
        assert set(seen.flatten().tolist()) <= old | set(fakes.flatten().tolist()), "no image from nowhere"
        filled = min(n, size - int(count))
        assert torch.equal(seen[:filled], fakes[:filled])
        assert torch.equal(renewed[int(count) : int(count) + filled], fakes[:filled])
        # Each stored or new image is now in the pool or was returned.
        after = set(renewed[: int(counted)].flatten().tolist()) | set(seen.flatten().tolist())
        assert after == old | set(fakes.flatten().tolist())
        pool, count = renewed, counted


def test_the_pool_is_part_of_the_state():
    play = cyclegan()
    play.step(4)
    assert play.state.memory["pooled_a"] == 6
    assert play.state.memory["pool_a"].flatten(1).abs().sum(1).gt(0).all()
    tree = copied(play.state.tree())
    ends = []
    for change in (1.0, 0.0):
        tree["memory"] = {
            name: tensor * change for name, tensor in tree["memory"].items() if "pool_" in name
        } | {name: tensor for name, tensor in tree["memory"].items() if "pooled_" in name}
        play.state.put_tree(tree, play.settings)
        play.engine.configure(play.settings)
        play.step(3)
        ends.append(copied(play.state.tree())["networks"]["discriminator_a"]["0.weight"])
    assert not torch.equal(*ends)


def test_a_step_equals_a_loop_by_hand():
    play, hand = cyclegan(pool_size=0, identity_weight=2.0), cyclegan(pool_size=0, identity_weight=2.0)
    record = play.step()
    nets = hand.state.networks
    a, b = (hand.engine.streams[name].take(0, 4).samples for name in "ab")
    f, g, d_a, d_b = (nets[name] for name in ("a_to_b", "b_to_a", "discriminator_a", "discriminator_b"))
    adversarial = (d_b(f(a)) - 1).pow(2).mean() + (d_a(g(b)) - 1).pow(2).mean()
    cycle = (g(f(a)) - a).abs().mean() + (f(g(b)) - b).abs().mean()
    identity = (f(b) - b).abs().mean() + (g(a) - a).abs().mean()
    assert record["loss_g"] == pytest.approx((adversarial + 10 * cycle + 2 * identity).item(), rel=1e-5)
    assert record["cycle"] == pytest.approx(cycle.item(), rel=1e-5)
    assert record["identity"] == pytest.approx(identity.item(), rel=1e-5)
    optimizer = torch.optim.Adam([*f.parameters(), *g.parameters()], 5e-4, (0.5, 0.999))
    (adversarial + 10 * cycle + 2 * identity).backward()
    optimizer.step()
    a, b = (hand.engine.streams[name].take(4, 4).samples for name in "ab")
    with torch.no_grad():
        losses = [
            (d(x) - 1).pow(2).mean() + d(y).pow(2).mean() for d, x, y in ((d_a, a, g(b)), (d_b, b, f(a)))
        ]
    assert record["loss_d"] == pytest.approx(sum(losses).item() / 2, rel=1e-4)


def test_translations_return_to_their_origin_and_resemble_the_other_domain():
    """150 of the 1,000 steps in benchmarks/games.py; those keep .96 of the digits' classes."""
    images = digits()[0]
    streams = {"a": TensorStream(images[:600], seed=1), "b": TensorStream(-images[600:1200], seed=2)}
    play = Play(CycleGAN(), streams, channels=12, batch_size=32, lr_g=1e-3)
    before = play.look("evaluate", 200, streams)["cycle_l1"]
    play.step(150)
    assert play.look("evaluate", 200, streams)["cycle_l1"] < before / 2
    translated = play.look("show", 200, streams)["a_to_b"]
    assert (translated.mean() - (-images).mean()).abs() < 0.25 < (images.mean() - (-images).mean()).abs()


def test_domains_with_different_channels_have_no_identity_loss():
    images = digits()[0][:20]
    streams = {"a": TensorStream(images), "b": TensorStream(images.repeat(1, 3, 1, 1))}
    play = Play(CycleGAN(), streams, channels=2, batch_size=2)
    play.step()
    shapes = {name: stream.shape for name, stream in streams.items()}
    assert play.game.check_fit(play.settings, shapes) is None
    play.change(identity_weight=1.0)
    assert "1 channels and those of B 3" in play.game.check_fit(play.settings, shapes)
    with pytest.raises(DataError, match="set identity_weight to 0"):
        play.step()
