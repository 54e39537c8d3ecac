"""A user's game with three players, a pool and clamped weights, through every feature of a trainer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import mse_loss

import ganwidgets as gw
from ganwidgets.diagnosis.game_findings import findings_of_game
from ganwidgets.diagnosis.signals import Series, observe
from ganwidgets.games import Exhibit, Player, Scored
from ganwidgets.rendering.drawing.tones import column_tones, exhibit_tones, player_tones

POINTS = np.random.default_rng(0).normal(size=(120, 2)).astype(np.float32)


class TwoGenerators(gw.Game):
    """Two generators that repel each other, against one critic with clamped weights (WGAN)."""

    name = "two_generators"
    label = "Two generators"
    players = (
        Player("critic", "c", "Critic", ("critic",), role="discriminator"),
        Player("first", "f", "First", ("first",), averaged="first"),
        Player("second", "s", "Second", ("second",)),
    )
    terms = ("apart",)
    measures = ("gap",)
    exhibits = (Exhibit("real", "Real", role="real"), Exhibit("first", "First", role="generated"))

    def build(self, settings, data, weights):
        made = {"critic": nn.Linear(2, 1), "first": nn.Linear(2, 2), "second": nn.Linear(2, 2)}
        for network in made.values():
            for parameter in network.parameters():
                nn.init.normal_(parameter, 0, 0.3, generator=weights)
        return made

    def memory(self, settings, data):
        return {"pool": torch.zeros(8, 2), "updates": torch.zeros((), dtype=torch.int64)}

    def draw(self, player, feed, turn):
        n = turn.settings.batch_size
        return feed.take(n).samples, torch.randn(n, 2, generator=turn.random["noise"])

    def loss(self, player, batch, turn):
        (real, noise), nets, memory = batch, turn.networks, turn.memory
        first, second = nets["first"](noise), nets["second"](noise)
        apart = -mse_loss(first, second)
        if player != "critic":
            own = first if player == "first" else second
            return Scored(0.1 * apart - nets["critic"](own).mean(), terms={"apart": apart})
        seen = torch.cat([first.detach(), second.detach(), memory["pool"]])
        loss = nets["critic"](seen).mean() - nets["critic"](real).mean()
        pool = {"pool": first.detach()[:8], "updates": memory["updates"] + 1}
        return Scored(loss, terms={"apart": apart.detach()}, measures=lambda: {"gap": loss}, memory=pool)

    def constrain(self, player, parameters, settings):
        if player == "critic":
            for parameter in parameters:
                parameter.clamp_(-0.1, 0.1)

    def show(self, n, feed, turn):
        noise = torch.randn(n, 2, generator=turn.random["noise"])
        return {"real": feed.take(n).samples, "first": turn.networks["first"](noise)}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    trainer = gw.GANTrainer(
        POINTS, game=TwoGenerators(), batch_size=16, run=tmp_path_factory.mktemp("three") / "run"
    )
    trainer.step(12)
    trainer.step_player("second", 2)
    trainer.change("steady", freeze_f=True, lr_c=1e-3)
    trainer.step(13)
    return trainer


def test_constrain_may_change_weights_in_place(trained):
    assert all(p.abs().max() <= 0.1 for p in trained.networks["critic"].parameters())
    assert trained.state_dict()["memory"]["updates"] == 25


def test_a_walk_needs_no_declared_stage_and_changes_nothing(trained):
    before = trained.state_hash()
    walk = trained.walk()
    seen = [walk.next() for _ in range(10)]
    assert [(s.network, s.stage) for s in seen[:4]] == [
        ("critic", stage) for stage in ("draw", "loss", "gradients", "update")
    ]
    walk.leave()
    assert trained.state_hash() == before


def test_the_past_branches_and_the_stored_run_are_exact(trained):
    end = trained.state_hash()
    trained.timeline.goto(5)
    trained.timeline.fork("other")
    trained.step(3)
    trained.timeline.switch("main")
    assert (trained.iteration, trained.state_hash()) == (25, end)
    assert gw.replay(trained.run, game=TwoGenerators()).equal


@pytest.mark.parametrize("ending", [".png", ".gif", ".html", ".safetensors", ".csv"])
def test_a_run_is_exported(trained, tmp_path, ending):
    before = trained.state_hash()
    path = trained.export(tmp_path / f"run{ending}", locale="en")
    assert path.stat().st_size > 500
    assert trained.state_hash() == before
    if ending == ".html":
        page = path.read_text("utf-8")
        assert "Two generators" in page
        assert "Freeze First: off → on" in page
        assert page.count("<figcaption>iteration ") > 1


def test_a_script_has_a_placeholder_for_the_game(trained):
    assert "game = ...  # an instance of TwoGenerators" in trained.code()
    assert "game=game" in trained.code()


def test_what_if_explain_and_compare_work_without_a_generator(trained):
    both = trained.what_if(2, lr_c=1e-4)
    assert "loss of C" in both._repr_html_()
    assert trained.explain(20).losses.keys() == {"loss_c", "loss_f", "loss_s"}
    assert trained.explain(20).equal
    assert "loss of C" in gw.compare(trained, both.changed)._repr_html_()


def test_features_of_the_classic_game_are_refused_by_name(trained):
    for call, name in ((lambda: trained.sample(3), "sample"), (trained.duality_gap, "duality_gap")):
        with pytest.raises(gw.DataError, match=rf"two_generators has no {name}\(\)"):
            call()
    with pytest.raises(AttributeError, match=r"this game has no generator; it has trainer.networks: critic"):
        trained.generator  # noqa: B018


def test_a_run_is_diagnosed_from_its_recorded_columns(trained):
    before = trained.state_hash()
    assert trained.diagnose() == ()
    assert trained.state_hash() == before
    seen = observe(trained._session)
    iterations = np.arange(1, 41)
    grown = {f"loss_{letter}": Series(iterations, np.geomspace(1, 1e4, 40)) for letter in "cfs"}
    vars(seen).update(columns={**seen.columns, **grown}, iteration=40)
    finding = findings_of_game(seen, seen.game)[0]
    assert finding.symptom == "diverging"
    assert finding.remedies[0].changes == {"lr_c": 1e-4}
    vars(seen).update(iteration=600, probes={"extent": Series(np.array([600]), np.array([0.1]))})
    assert "collapse" in {finding.symptom for finding in findings_of_game(seen, seen.game)}


def test_rules_name_columns_and_settings_of_their_game(trained):
    game = TwoGenerators()
    rule = gw.Rule("ease", when="loss_c < 100", then={"lr_c": "* 0.5"}, limit=1, game=game)
    assert [firing.change for firing in gw.rehearse(trained, rule)] == [{"lr_c": 0.001}] or gw.rehearse(
        trained, rule
    )
    with pytest.raises(ValueError, match="cannot be 'loss_c < 5'"):
        gw.Rule("ease", when="loss_c < 5", then={"lr_d": 0.1})
    with pytest.raises(
        ValueError, match="rule 'ease' is one for the game gan, and the run is one of two_gen"
    ):
        gw.rehearse(trained, gw.Rule("ease", when="loss_d < 5", then={"lr_d": 0.1}))
    assert {name for each in gw.built_in_rules(game) for name in each.then} == {"lr_c", "lr_f", "lr_s"}


def test_colours_of_players_are_stable():
    assert player_tones(TwoGenerators.players) == {"critic": "d", "first": "other-1", "second": "other-2"}
    assert exhibit_tones(TwoGenerators.exhibits) == {"real": "real", "first": "generated"}
    assert column_tones(TwoGenerators())["loss_c"] == "d"
    assert column_tones(TwoGenerators())["apart"] == "other-1"


def test_a_reset_keeps_the_game_and_an_error_names_the_way_to_another():
    trainer = gw.GANTrainer(POINTS, game=TwoGenerators(), batch_size=16)
    trainer.reset(game=TwoGenerators())
    with pytest.raises(gw.DataError, match=r"cannot become one of gan: .* make another trainer"):
        trainer.reset(game="gan")


@pytest.mark.parametrize(
    ("members", "pattern"),
    [
        ({"build": lambda self, *_: 1 / 0}, r"build\(\) of the game .* failed: ZeroDivisionError"),
        ({"build": lambda self, *_: None}, "returned a NoneType; return a dictionary of torch.nn.Module"),
        ({"memory": lambda self, *_: {"pool": [1]}}, "return a dictionary of tensors by name"),
        ({"order": lambda self, *_: [("nobody", 1)]}, "names the player 'nobody'"),
        ({"players": ("critic",)}, "players .* holds 'critic'"),
        ({"players": (Player("a", "aa", "A", ("a",)),)}, "letter 'aa'; it must be one small letter"),
        ({"players": (Player("a", "a", "A", ("a",), averaged="b"),)}, "averages 'b'"),
        ({"settings": {"x": 3}}, "the setting 'x' .* is a int"),
        ({"defaults": {"lr_z": 1.0}}, "default of 'lr_z', which is no setting"),
    ],
)
def test_an_invalid_game_is_refused_with_the_reason(members, pattern):
    broken = type("Broken", (TwoGenerators,), members)()
    with pytest.raises(gw.DataError, match=pattern):
        gw.GANTrainer(POINTS, game=broken, batch_size=16)
    with pytest.raises(gw.DataError, match=r"pass an instance of it, TwoGenerators\(\)"):
        gw.GANTrainer(POINTS, game=TwoGenerators)


def test_undeclared_exhibits_and_unroutable_random_numbers_are_reported():
    members = {
        "show": lambda self, n, feed, turn: {"other": torch.zeros(n, 2)},
        "draw": lambda self, player, feed, turn: (feed.take(16).samples, torch.randn(16, 2)),
    }
    trainer = gw.GANTrainer(POINTS, game=type("Odd", (TwoGenerators,), members)(), batch_size=16)
    with pytest.raises(gw.DataError, match=r"show\(\) .* returned 'other', which the game does not declare"):
        trainer.show(3)
    assert not trainer.exact
    assert trainer.exact_because.startswith("close, not exact: the game two_generators draws random numbers")


def test_floors_are_those_that_the_game_declares():
    images = np.random.default_rng(0).random((8, 8, 8)).astype(np.float32)
    trainer = gw.GANTrainer((images, images), game="pix2pix", channels=4, batch_size=4)
    assert trainer.floors() == {"l1": 0.0, "detail": 1.0}
    assert trainer.evaluate(4).keys() == trainer.floors().keys()
