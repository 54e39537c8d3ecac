"""Every game supports settings, time travel, storing, opening and replay through the trainer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from traitlets import TraitError

import ganwidgets as gw
from ganwidgets.games import GAN, Exhibit, Player, Scored, Stream

IMAGES = (load_digits().images[:60] / 16).astype(np.float32)
LABELS = load_digits().target[:60]


class TwoMeans(gw.Game):
    """A user's game on points: two players with one number each, whose losses push in opposite directions."""

    name = "two_means"
    label = "Two means"
    players = (Player("left", "l", "Left", ("left",)), Player("right", "r", "Right", ("right",)))
    streams = (Stream("data", "Data"),)
    measures = ("distance",)
    exhibits = (Exhibit("moved", "Moved"),)

    def build(self, settings, data, weights):
        made = {}
        for name in ("left", "right"):
            made[name] = torch.nn.Linear(data["data"].shape[0], 1)
            with torch.no_grad():
                for parameter in made[name].parameters():
                    parameter.normal_(generator=weights)
        return made

    def draw(self, player, feed, turn):
        return feed.take(turn.settings.batch_size).samples

    def loss(self, player, batch, turn):
        both = turn.networks["left"](batch) - turn.networks["right"](batch)
        sign = 1 if player == "left" else -1
        return Scored(
            sign * both.mean() + both.square().mean(), measures=lambda: {"distance": both.abs().mean()}
        )

    def show(self, n, feed, turn):
        return {"moved": feed.take(n).samples}


def adversarial(**options):
    settings = {"channels": 4, "batch_size": 8, "attack_steps": 2}
    return gw.GANTrainer((IMAGES, LABELS), game="adversarial_training", **settings, **options)


def pix2pix(**options):
    return gw.GANTrainer((IMAGES, 1 - IMAGES), game="pix2pix", channels=4, batch_size=4, **options)


def cyclegan(**options):
    halves = (IMAGES[:30], 1 - IMAGES[30:])
    return gw.GANTrainer(halves, game="cyclegan", channels=4, batch_size=4, pool_size=6, **options)


def own(**options):
    return gw.GANTrainer("ring8", game=TwoMeans(), batch_size=8, **options)


GAMES = {
    "adversarial_training": (adversarial, {"epsilon": 0.3}, "c"),
    "pix2pix": (pix2pix, {"l1_weight": 3.0}, "g"),
    "cyclegan": (cyclegan, {"cycle_weight": 3.0}, "d"),
    "two_means": (own, {"lr_l": 0.1}, "l"),
}


@pytest.mark.parametrize("name", GAMES)
def test_a_run_of_any_game_is_changed_stored_opened_and_replayed(name, tmp_path):
    make, change, letter = GAMES[name]
    game = TwoMeans() if name == "two_means" else None
    trainer = make(run=tmp_path / "run")
    assert trainer.game.name == name
    assert trainer.players == tuple(player.name for player in trainer.game.players)
    trainer.step(3)
    at_three = trainer.state_hash()
    trainer.change("to see what happens", **change)
    trainer.step(9)
    player = trainer.game.actions[f"step_{letter}"]
    trainer.step_player(player, 2)
    getattr(trainer, f"step_{letter}")()
    end, iteration = trainer.state_hash(), trainer.iteration
    shown = trainer.show(3)
    assert list(shown) == [exhibit.name for exhibit in trainer.game.exhibits]
    assert all(len(t) == 3 and t.dtype == torch.float32 and t.device.type == "cpu" for t in shown.values())
    assert all(torch.equal(t, shown[key]) for key, t in trainer.show(3).items())
    assert set(trainer.evaluate(20)) == set(trainer.game.metrics)
    assert trainer.state_hash() == end, "looking changes nothing"

    trainer.timeline.goto(3)
    assert trainer.state_hash() == at_three
    trainer.step(2)
    assert trainer.timeline.branch != "main"
    trainer.timeline.switch("main")
    assert (trainer.state_hash(), trainer.iteration) == (end, iteration)

    trainer.save(tmp_path / "file")
    loaded = gw.GANTrainer.load(tmp_path / "file", game=game)
    assert loaded.state_hash() == end
    assert loaded.step() == trainer.step()
    np.testing.assert_array_equal(loaded.history[f"loss_{letter}"], trainer.history[f"loss_{letter}"])
    trainer.close()
    opened = gw.open_run(tmp_path / "run", game=game)
    assert opened.state_hash() == trainer.state_hash()
    opened.close()
    assert gw.replay(tmp_path / "run", game=game).equal
    opened.reset()
    assert opened.iteration == 0


@pytest.mark.parametrize("name", GAMES)
def test_a_frozen_player_changes_no_bit_and_is_still_measured(name):
    make, _, letter = GAMES[name]
    trainer = make(**{f"freeze_{letter}": True})
    player = next(player for player in trainer.game.players if player.letter == letter)
    before = {n: [t.clone() for t in trainer.networks[n].state_dict().values()] for n in player.networks}
    trainer.step(3)
    for network, tensors in before.items():
        assert all(map(torch.equal, tensors, trainer.networks[network].state_dict().values()))
    assert np.isfinite(trainer.history[f"loss_{letter}"]).all()


def test_every_term_is_a_column_of_the_history():
    trainer = cyclegan()
    trainer.step(12)
    assert {"adversarial", "cycle", "identity"} < set(trainer.history)
    assert np.isfinite(trainer.history["cycle"]).all()
    assert np.isfinite(trainer.history["grad_norm_g"][[0, 9]]).all()


def test_a_perturbation_stays_within_epsilon_in_display_units():
    shown = adversarial(epsilon=0.25).show(20)
    assert shown["perturbation"].abs().max() <= 0.25 + 1e-6
    torch.testing.assert_close(shown["attacked"], shown["clean"] + shown["perturbation"])


def test_pairs_stay_pairs_with_held_out_samples():
    trainer = pix2pix(holdout=0.25)
    shown = trainer.show(15)
    torch.testing.assert_close(shown["target"], 1 - shown["input"])
    trained = trainer._session.run.engine.streams["pairs"].take(0, 45)
    torch.testing.assert_close(trained.targets, -trained.samples)


def test_a_diverged_run_keeps_its_last_good_state():
    trainer = own()
    trainer.step(2)
    trainer.change(lr_l=10.0, optimizer_l="sgd")
    with pytest.raises(gw.DivergedError, match=r"lr_l \(now 10\)"):
        trainer.step(200)
    assert trainer._session.state.finite()
    trainer.timeline.goto(2)
    assert trainer.iteration == 2


@pytest.mark.parametrize(
    ("make", "error", "pattern"),
    [
        (lambda: gw.GANTrainer("ring8", game="cycelgan"), gw.DataError, "did you mean cyclegan"),
        (lambda: gw.GANTrainer("ring8", game="pix2pix"), gw.DataError, "inputs, targets"),
        (
            lambda: gw.GANTrainer((IMAGES, IMAGES[:5]), game="pix2pix"),
            gw.DataError,
            "60 inputs and 5 targets",
        ),
        (lambda: gw.GANTrainer(IMAGES, game="adversarial_training"), gw.DataError, "label"),
        (lambda: gw.GANTrainer("ring8", game=3), gw.DataError, "game is a int"),
        (lambda: pix2pix(g_hidden=(8,)), TraitError, "GANTrainer has no 'g_hidden'"),
        (lambda: pix2pix(generator=torch.nn.Linear(2, 2)), gw.DataError, "leave generator out"),
        (lambda: pix2pix().sample(3), gw.DataError, "trainer.show"),
        (lambda: pix2pix().step_player("critic"), ValueError, "players are discriminator, generator"),
        (lambda: adversarial().step_d(), AttributeError, "it has step_c"),
        (lambda: cyclegan().change(cycle_weight=-1), TraitError, "cycle_weight"),
        (lambda: adversarial().reset(game="gan"), gw.DataError, "make another trainer, gw.GANTrainer"),
    ],
)
def test_invalid_combinations_are_refused_with_their_name_and_a_remedy(make, error, pattern):
    with pytest.raises(error, match=pattern):
        make()


def test_a_change_that_the_game_refuses_changes_nothing():
    grey, rgb = IMAGES, np.repeat(IMAGES[:, None], 3, 1)
    trainer = gw.GANTrainer((grey, rgb), game="cyclegan", channels=4, batch_size=4)
    with pytest.raises(TraitError, match="identity_weight cannot be 1"):
        trainer.settings.identity_weight = 1.0
    assert trainer.settings.identity_weight == 0.0


def test_a_stored_run_of_another_game_is_refused(tmp_path):
    own().save(tmp_path / "run")
    with pytest.raises(gw.CheckpointError, match="game 'two_means'"):
        gw.GANTrainer.load(tmp_path / "run")
    adversarial().save(tmp_path / "other")
    with pytest.raises(gw.CheckpointError, match="game 'adversarial_training'"):
        gw.GANTrainer.load(tmp_path / "other", game=TwoMeans())
    with pytest.raises(gw.CheckpointError, match="game 'adversarial_training'"):
        gw.GANTrainer.load(tmp_path / "other", game="gan")


def test_the_classic_gan_is_a_game_like_the_others(tmp_path):
    small = {"g_hidden": (8,), "d_hidden": (8,), "seed": 3}
    by_name, by_object = gw.GANTrainer("ring8", **small), gw.GANTrainer("ring8", game=GAN(), **small)
    for trainer in (by_name, by_object):
        trainer.step(3)
    assert by_name.state_hash() == by_object.state_hash()
    assert by_name.code() == by_object.code()
    assert "game" not in by_name.code()
    by_object.save(tmp_path / "run")
    for game in (None, "gan", GAN()):
        assert gw.GANTrainer.load(tmp_path / "run", game=game).state_hash() == by_name.state_hash()
    assert gw.Rule("ease", when="loss_d < 5", then={"lr_d": 0.1}) == gw.Rule(
        "ease", when="loss_d < 5", then={"lr_d": 0.1}, game="gan"
    )
    assert [rule.name for rule in gw.built_in_rules("gan")] == [rule.name for rule in gw.built_in_rules()]
    with pytest.raises(gw.DataError, match="pass game='gan'"):
        gw.GANTrainer("ring8", game=GAN(latent_dim=5))


def test_the_classic_game_exhibits_its_samples():
    trainer = gw.GANTrainer("ring8", g_hidden=(8,), d_hidden=(8,))
    shown = trainer.show(5, seed=3)
    assert torch.equal(shown["generated"], trainer.sample(5, seed=3))
    assert torch.equal(shown["real"], trainer.real(5, seed=3))
    assert trainer.game.name == "gan"
    assert trainer.players == ("discriminator", "generator")
    assert trainer.networks["generator"] is trainer.generator


def test_what_if_of_another_game_does_not_change_the_run():
    trainer = cyclegan()
    trainer.step(2)
    both = trainer.what_if(2, cycle_weight=0.0)
    assert both.changed.iteration == 4
    assert both.changed.history["loss_g"][-1] < both.unchanged.history["loss_g"][-1]


@pytest.mark.parametrize("game", ["gan", "pix2pix"])
@pytest.mark.parametrize("call", ["show", "evaluate", "floors"])
def test_an_empty_batch_of_samples_is_refused(game, call):
    images = torch.rand(8, 1, 16, 16).numpy()
    data = (images, images) if game == "pix2pix" else "ring8"
    trainer = gw.GANTrainer(data, game=game, batch_size=4)
    with pytest.raises(ValueError, match="n cannot be 0: it must be a whole number from 1 on"):
        getattr(trainer, call)(0)
