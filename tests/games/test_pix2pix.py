from __future__ import annotations

import pytest
import torch
from examples import pix2pix, stripes
from harness import Play, TensorStream
from torch.nn.functional import softplus

from ganwidgets.errors import DataError
from ganwidgets.games.pix2pix import Pix2Pix, detail


def test_a_step_equals_a_loop_by_hand():
    play, hand = pix2pix(adversarial_weight=0.5), pix2pix(adversarial_weight=0.5)
    record = play.step()
    generator, judge = (hand.state.networks[name] for name in ("generator", "discriminator"))

    def drawn(start):
        x, _, t = hand.engine.streams["pairs"].take(start, 4)
        return x, t, torch.empty(4, 4, 16, 16).normal_(generator=hand.state.random["noise"])

    optimizer = torch.optim.Adam(judge.parameters(), 4e-4, (0.5, 0.999))
    x, t, z = drawn(0)
    made = generator(x, z).detach()
    on_real, on_made = judge(torch.cat((x, t), 1)), judge(torch.cat((x, made), 1))
    loss_d = (softplus(-on_real).mean() + softplus(on_made).mean()) / 2
    loss_d.backward()
    optimizer.step()
    x, t, z = drawn(4)
    made = generator(x, z)
    adversarial, l1 = softplus(-judge(torch.cat((x, made), 1))).mean(), (made - t).abs().mean()
    assert record["loss_d"] == pytest.approx(loss_d.item(), rel=1e-5)
    assert record["loss_g"] == pytest.approx((0.5 * adversarial + 10 * l1).item(), rel=1e-4)
    assert record["l1"] == pytest.approx(l1.item(), rel=1e-5)


def test_l1_alone_gives_a_blur_and_the_discriminator_restores_detail():
    """Stripes of a random phase: the mean of all phases is grey, which minimizes L1."""
    train, test = stripes(256, seed=0), stripes(64, seed=1)
    streams = {"pairs": TensorStream(train[0], targets=train[1])}
    held_out = {"pairs": TensorStream(test[0], targets=test[1])}
    found = {}
    for adversarial_weight in (0.0, 1.0):
        play = Play(Pix2Pix(), streams, channels=12, adversarial_weight=adversarial_weight, l1_weight=1.0)
        play.step(150)
        found[adversarial_weight] = play.look("evaluate", 64, held_out)
    assert found[0.0]["detail"] < 0.1
    assert found[1.0]["detail"] > 0.4
    assert found[0.0]["l1"] < found[1.0]["l1"], "the blur is nearer to the targets, pixel by pixel"


def test_the_noise_changes_the_translation():
    play = pix2pix()
    play.step(3)
    x, _, _ = play.engine.streams["pairs"].take(0, 1)
    generator = play.state.networks["generator"]
    one, other = (torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(s)) for s in (1, 2))
    assert torch.equal(generator(x, one), generator(x, one))
    assert not torch.equal(generator(x, one), generator(x, other))


def test_detail_is_zero_for_a_constant_image_and_grows_with_contrast():
    assert detail(torch.ones(2, 1, 8, 8)) == 0
    image = torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(detail(2 * image), 4 * detail(image))


@pytest.mark.parametrize(
    ("inputs", "targets", "pattern"),
    [
        ((1, 16, 16), (1, 8, 8), "inputs have 16 by 16 pixels and targets 8 by 8"),
        ((1, 10, 10), (1, 10, 10), "10 by 10 pixels; image translation needs sides"),
        ((2,), (2,), "needs images, but one sample has shape"),
    ],
)
def test_samples_that_cannot_be_translated_are_refused(inputs, targets, pattern):
    streams = {"pairs": TensorStream(torch.zeros(4, *inputs), targets=torch.zeros(4, *targets))}
    with pytest.raises(DataError, match=pattern):
        Play(Pix2Pix(), streams)
