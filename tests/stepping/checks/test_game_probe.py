"""A game that cannot be trained is refused before training; the error names the part and the remedy."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.functional import gumbel_softmax

from ganwidgets.errors import DataError
from ganwidgets.games import GAMES, Game, Player, Scored, Stream
from ganwidgets.games.game import Batch
from ganwidgets.networks.initialization import initialized
from ganwidgets.runs.state.hashing import digest
from ganwidgets.runs.state.user_parts import chosen_game
from ganwidgets.settings.types import FloatSetting
from ganwidgets.stepping.checks.game_probe import check_declared, check_networks, check_order, probe_game
from ganwidgets.stepping.engine import ALL, Engine
from ganwidgets.stepping.state import TrainingState


class Regression(Game):
    """A game with one player that fits a line; subclasses break one part each."""

    name, label = "regression", "Regression"
    players = (Player("line", "l", "Line", ("line",)),)
    terms = ("distance",)
    measures = ("largest",)

    def build(self, settings, data, weights):
        return {"line": initialized(nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1)), weights)}

    def memory(self, settings, data):
        return {"mean": torch.zeros(())}

    def draw(self, player, feed, turn):
        return feed.take(8).samples, torch.rand(8, 1, generator=turn.random["shift"])

    def loss(self, player, batch, turn):
        x, shift = batch
        distance = (turn.networks["line"](x) - x - shift).square()
        return Scored(
            distance.mean(),
            terms={"distance": distance.detach().mean()},
            measures=lambda: {"largest": distance.max()},
            memory={"mean": (turn.memory["mean"] + distance.detach().mean()) / 2},
        )


class Numbers:
    def take(self, start, n):
        return Batch(torch.arange(start, start + n).float()[:, None] / 10)


class Settings:
    optimizer_l, lr_l, freeze_l, l_steps = "adam", 1e-2, False, 1
    beta1, beta2, weight_decay, grad_clip, ema_decay = 0.5, 0.9, 0.0, 0.0, 0.0
    lr_schedule, schedule_steps, schedule_end, precision = "constant", 1, 0.0, "float32"


def engine_of(game):
    networks = game.build(Settings, {}, torch.Generator().manual_seed(0))
    check_networks(game, networks)
    state = TrainingState(game, networks, 0, torch.device("cpu"), game.memory(Settings, {}))
    engine = Engine(state, {"data": Numbers()}, routed=False)
    engine.configure(Settings)
    return engine


def test_a_valid_game_passes_and_is_unchanged():
    engine = engine_of(Regression())
    check_declared(engine.game)
    before = digest(engine.state.tree())
    assert probe_game(engine).exact
    assert digest(engine.state.tree()) == before
    engine.advance(ALL, measure=True)
    assert engine.state.memory["mean"] > 0


def spoiled(change, **members):
    """Return the game with its loss replaced by `change` of the loss."""

    def loss(self, player, batch, turn):
        return change(Regression.loss(self, player, batch, turn), batch, turn)

    return type("Spoiled", (Regression,), {"loss": loss, **members})()


def written_on(scored, _batch, turn):
    turn.memory["mean"].add_(1)
    return scored


@pytest.mark.parametrize(
    ("change", "pattern"),
    [
        (lambda s, b, t: s.loss, r"returned a Tensor for 'line'; return Scored\(loss\)"),
        (lambda s, b, t: Scored(s.loss.expand(3)), r"is a tensor of shape \(3,\); it must be one number"),
        (lambda s, b, t: Scored(s.loss.item()), "it must be one number"),
        (lambda s, b, t: Scored(s.loss.detach()), "does not depend on line, or not differentiably"),
        (
            lambda s, b, t: Scored(s.loss, {"warmth": s.loss}),
            "term 'warmth', which the game does not declare",
        ),
        (lambda s, b, t: Scored(s.loss, measures=lambda: {"x": 1.0}), "measure 'x', which the game does not"),
        (lambda s, b, t: Scored(s.loss, memory={"other": s.loss}), "declared are: mean"),
        (lambda s, b, t: Scored(s.loss, memory={"mean": b[0]}), "its shape and type cannot change"),
        (lambda s, b, t: t.networks["lime"], r"failed on the first batch: KeyError: 'lime'"),
        (lambda s, b, t: t.networks["line"](b[0].T), r"failed on the first batch: RuntimeError"),
        (written_on, "changes memory 'mean' in place"),
    ],
)
def test_an_invalid_loss_is_refused(change, pattern):
    with pytest.raises(DataError, match=pattern):
        probe_game(engine_of(spoiled(change)))


class WithDropout(Regression):
    def build(self, settings, data, weights):
        return {"line": nn.Sequential(initialized(nn.Linear(1, 1), weights), nn.Dropout(0.5))}


def test_draws_inside_networks_are_routed_and_others_make_the_run_not_exact():
    plain = probe_game(engine_of(Regression()))
    assert (plain.routed, plain.exact) == (False, True), "the batch's own draws need no routing"
    dropout = probe_game(engine_of(WithDropout()))
    assert (dropout.routed, dropout.exact) == (True, True)
    noise = spoiled(lambda s, b, t: Scored(s.loss + gumbel_softmax(torch.zeros(3), dim=0)[0]))
    assert not probe_game(engine_of(noise)).exact


@pytest.mark.parametrize(
    ("members", "pattern"),
    [
        ({"players": ()}, "has no players"),
        ({"label": ""}, "has no label"),
        ({"players": (Player("a", "l", "A", ("x",)), Player("b", "l", "B", ("y",)))}, "letter 'l' twice"),
        ({"players": (Player("a", "l", "A", ("x",)), Player("b", "m", "B", ("x",)))}, "network 'x' twice"),
        ({"players": (Player("a", "l", "A", ()),)}, "'a' of the game regression moves no network"),
        ({"terms": ("loss_l",)}, "column 'loss_l' twice"),
        ({"optional_measures": ("late",)}, "'late' in optional_measures only"),
        ({"streams": (Stream("data", "A"), Stream("data", "B"))}, "stream 'data' twice"),
    ],
)
def test_contradictory_declarations_are_refused(members, pattern):
    with pytest.raises(DataError, match=pattern):
        check_declared(type("Other", (Regression,), members)())


def test_an_object_that_is_no_game_is_refused():
    with pytest.raises(DataError, match="game is a dict; pass the name of a built-in game"):
        check_declared({})


def test_missing_or_shared_networks_are_refused():
    class Pair(Regression):
        players = (Player("a", "a", "A", ("x",)), Player("b", "b", "B", ("y",)))

    layer = nn.Linear(1, 1)
    check_networks(Pair(), {"x": layer, "y": nn.Linear(1, 1)})
    with pytest.raises(DataError, match="returns nothing as 'y', which the player 'b' moves"):
        check_networks(Pair(), {"x": layer})
    with pytest.raises(DataError, match="'x' and 'y' of the game regression share a parameter"):
        check_networks(Pair(), {"x": layer, "y": nn.Sequential(layer)})
    with pytest.raises(DataError, match="'b' of the game regression has no parameter"):
        check_networks(Pair(), {"x": layer, "y": nn.ReLU()})


RATE = FloatSetting(0.5, min=0, max=1, label="Rate", group="objective", help="A rate.")


@pytest.mark.parametrize(
    ("members", "pattern"),
    [
        ({"streams": ()}, "has no streams"),
        ({"settings": {"my rate": RATE}}, "cannot have a setting 'my rate'"),
        ({"settings": {"observe": RATE}}, "cannot have a setting 'observe'"),
        ({"settings": {"device": RATE}}, "cannot have a setting 'device'"),
        ({"settings": {"lr_l": RATE}}, "declares the setting 'lr_l', which it has without that"),
        ({"settings": {"batch_size": RATE}}, "declares the setting 'batch_size'"),
        ({"defaults": {"lr_l": -1}}, "invalid default: lr_l cannot be -1"),
        ({"from_noise": True}, "declares from_noise, which needs the networks and settings of 'gan'"),
    ],
)
def test_invalid_settings_and_streams_are_refused(members, pattern):
    with pytest.raises(DataError, match=pattern):
        check_declared(type("Spoilt", (Regression,), members)())


@pytest.mark.parametrize("order", [["line"], [("line", -1)], [("line", 1.5)], [("line", True)], [3]])
def test_an_order_without_pairs_is_refused(order):
    game = type("Spoilt", (Regression,), {"order": lambda *_: order})()
    with pytest.raises(DataError, match="pairs of a player's name and its number"):
        check_order(game, Settings)


def test_a_game_cannot_have_the_name_of_a_built_in_one():
    with pytest.raises(DataError, match="'pix2pix' is that of a built-in game"):
        chosen_game(type("Spoilt", (Regression,), {"name": "pix2pix"})(), {})


@pytest.mark.parametrize("name", GAMES)
def test_the_built_in_games_pass_the_checks(name):
    game = GAMES[name]()
    check_declared(game)
    assert chosen_game(game, {}) is game
