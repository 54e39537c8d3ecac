"""Properties of every game on the engine."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch
from examples import GAMES

from ganwidgets.games.definitions import settings_of
from ganwidgets.games.game import Diagram, Flow, Node
from ganwidgets.runs.state.hashing import digest
from ganwidgets.runs.state.state_tree import copied
from ganwidgets.settings import SETTINGS
from ganwidgets.stepping.checks.game_probe import check_declared, check_networks, probe_game
from ganwidgets.stepping.observers import NullObserver

games = pytest.mark.parametrize("name", GAMES)


def bits(play):
    return digest(play.state.tree())


@games
def test_a_step_fills_every_declared_column(name):
    play = GAMES[name]()
    record = play.step(2)
    letters = [player.letter for player in play.game.players]
    columns = [f"{column}_{letter}" for column in ("loss", "grad_norm") for letter in letters]
    assert record.keys() == {*columns, *play.game.terms, *play.game.measures}
    unset = {column for column, value in record.items() if not math.isfinite(value)}
    assert unset <= set(play.game.optional_measures)


@games
def test_every_built_in_game_passes_the_checks_for_users_games(name):
    play = GAMES[name]()
    check_declared(play.game)
    check_networks(play.game, play.state.networks)
    before = bits(play)
    found = probe_game(play.engine)
    assert (found.routed, found.exact) == (False, True)
    assert bits(play) == before


@games
def test_a_run_repeats_bit_for_bit_whatever_is_measured_or_shown(name):
    one, other = GAMES[name](), GAMES[name]()
    one.step(4)
    for _ in range(4):
        other.step(1)
        other.look("show", 3, other.engine.streams)
        other.look("evaluate", 3, other.engine.streams)
    assert bits(one) == bits(other)
    assert bits(GAMES[name](seed=1)) != bits(GAMES[name](seed=2))


@games
def test_a_restored_state_continues_with_the_same_bits(name):
    play, other = GAMES[name](), GAMES[name]()
    play.step(3)
    tree = copied(play.state.tree())
    play.step(3)
    other.step(1)
    other.state.put_tree(tree, other.settings)
    other.engine.configure(other.settings)
    other.step(3)
    assert bits(other) == bits(play)


@games
def test_a_frozen_player_is_measured_and_not_updated(name):
    for player in GAMES[name]().game.players:
        play = GAMES[name](**{f"freeze_{player.letter}": True})
        before = copied(play.state.tree())
        record = play.step(1, player.name)
        assert math.isfinite(record[f"loss_{player.letter}"])
        after = play.state.tree()
        for part in ("networks", "cursors", "counts", "randomness", "memory"):
            assert digest({part: after[part]}) == digest({part: before[part]}), part
        play.step(3)
        for network in player.networks:
            assert digest(play.state.tree()["networks"][network]) == digest(before["networks"][network])
        others = [n for other in play.game.players if other is not player for n in other.networks]
        for network in others:
            assert digest(play.state.tree()["networks"][network]) != digest(before["networks"][network])


class Stages(NullObserver):
    def __init__(self):
        self.seen = {}

    def on_draw(self, player, batch, *, frozen):
        self.now = self.seen.setdefault(player, ["draw"])

    def on_stage(self, stage, /, **tensors):
        assert any(isinstance(tensor, torch.Tensor) for tensor in tensors.values())
        self.now.append(stage)


@games
def test_every_player_reports_every_declared_stage_in_order(name):
    play = GAMES[name]()
    play.engine.observer = Stages()
    play.step()
    stages = ["draw", *(stage.name for stage in play.game.stages)]
    assert play.engine.observer.seen == {player.name: stages for player in play.game.players}


@games
def test_shown_and_measured_results_equal_the_declaration(name):
    play = GAMES[name]()
    shown = play.look("show", 3, play.engine.streams)
    assert list(shown) == [exhibit.name for exhibit in play.game.exhibits]
    assert all(len(tensor) == 3 and tensor.isfinite().all() for tensor in shown.values())
    found = play.look("evaluate", 3, play.engine.streams)
    assert found.keys() == play.game.metrics.keys()
    assert all(math.isfinite(value) for value in found.values())


@games
def test_every_player_has_its_block_of_settings(name):
    definitions = settings_of(GAMES[name]().game)
    for player in GAMES[name]().game.players:
        for setting in ("lr_{}", "optimizer_{}", "freeze_{}", "{}_steps"):
            assert definitions[setting.format(player.letter)].group == player.name
        assert player.label in definitions[f"lr_{player.letter}"].label or name == "gan"
    for setting in definitions.values():
        assert setting.check(setting.default_value) == setting.default_value
    assert SETTINGS["batch_size"].default_value == 150, "the shared definitions stay as they are"


def test_settings_take_effect_at_the_next_update():
    play = GAMES["pix2pix"]()
    play.step(2)
    before = play.step(1, "generator")
    play.change(l1_weight=0.0, adversarial_weight=0.0)
    assert play.step(1, "generator")["loss_g"] == 0
    assert before["loss_g"] > 0


def test_a_players_optimizer_updates_its_own_networks_only():
    play = GAMES["cyclegan"](lr_d=0.0, optimizer_d="sgd")
    before = copied(play.state.tree())["networks"]
    play.step(2)
    after = play.state.tree()["networks"]
    moved = {name for name in after if digest(after[name]) != digest(before[name])}
    assert moved == {"a_to_b", "b_to_a"}


def test_a_diagram_with_an_unknown_node_names_it():
    with pytest.raises(ValueError, match="flow data -> loss_c needs a node named loss_c"):
        Diagram((Node("data", "Data", "data"),), (Flow("data", "loss_c"),))


def test_the_average_of_a_player_follows_its_network():
    play = GAMES["adversarial_training"](ema_decay=0.5)
    play.step(2)
    average, network = play.state.averages["classifier"], play.state.networks["classifier"]
    assert not torch.equal(next(average.parameters()), next(network.parameters()))
    vars(play.settings).update(ema_decay=0.0)
    play.engine.configure(SimpleNamespace(**vars(play.settings)))
    assert not play.state.averages
