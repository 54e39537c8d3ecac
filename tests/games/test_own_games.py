"""The example of ``docs/own_games.md`` is a valid game."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from harness import Play, TensorStream

import ganwidgets as gw
from ganwidgets.games import GAMES
from ganwidgets.games.definitions import settings_of
from ganwidgets.runs.state.hashing import digest

PAGE = Path(__file__).parents[2] / "docs" / "own_games.md"


@pytest.fixture(scope="module")
def example():
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    names = {"__name__": "own_games"}
    exec(compile(code, str(PAGE), "exec"), names)  # noqa: S102 - the page is ours
    return names["AdversarialAutoencoder"]()


def ring(n=300):
    angle = torch.rand(n, generator=torch.Generator().manual_seed(0)) * 6.283
    return {"data": TensorStream(torch.stack([angle.cos(), angle.sin(), angle.sin() + angle.cos()], 1))}


def test_the_example_learns(example):
    play = Play(example, ring(), lr_a=5e-3, lr_d=1e-3, batch_size=64)
    first = play.step()["reconstruction"]
    assert play.step(200)["reconstruction"] < first / 5
    shown = play.look("show", 50, play.engine.streams)
    assert (shown["real"] - shown["reconstructed"]).square().mean() < first / 5


def test_the_example_is_repeatable_and_its_players_can_be_frozen(example):
    ends = []
    for _ in range(2):
        play = Play(example, ring(), batch_size=16, freeze_d=True)
        before = digest(play.state.tree()["networks"]["discriminator"])
        play.step(3)
        assert digest(play.state.tree()["networks"]["discriminator"]) == before
        ends.append(digest(play.state.tree()))
    assert ends[0] == ends[1]


def test_the_settings_named_on_the_page_exist(example):
    text = PAGE.read_text(encoding="utf-8")
    letters = "d", "a"
    named = {n for n in re.findall(r"`([a-z_]+)`", text) if n.endswith(("_d", "_a")) or n[:2] in {"d_", "a_"}}
    columns = {f"{column}_{letter}" for column in ("loss", "grad_norm") for letter in letters}
    assert named - columns == {
        n for n in settings_of(example) if n[-2:] in {"_d", "_a"} or n[:2] in {"d_", "a_"}
    }


def test_every_built_in_game_is_in_the_table_under_its_name():
    assert list(GAMES) == ["gan", "pix2pix", "cyclegan", "adversarial_training"]
    for name, game in GAMES.items():
        assert game.name == name
        assert game.diagram is not None
        letters = [player.letter for player in game.players]
        assert len(set(letters)) == len(letters)


@pytest.mark.parametrize("name", ["play", "layout", "children", "speed"])
def test_a_widget_refuses_a_setting_that_would_hide_one_of_its_attributes(example, name):
    setting = next(iter(example.settings.values()))
    game = type("Hiding", (type(example),), {"settings": {**example.settings, name: setting}})()
    with pytest.raises(gw.DataError, match=f"cannot have the setting '{name}'"):
        gw.GANTrainerWidget("gaussians", game=game)


def test_weights_that_a_game_draws_without_its_generator_follow_from_the_seed(example):
    class Plain(type(example)):
        def build(self, settings, shapes, generator):
            networks = super().build(settings, shapes, generator)
            for network in networks.values():
                for layer in network.modules():
                    if isinstance(layer, torch.nn.Linear):
                        layer.reset_parameters()
            return networks

    hashes = []
    for global_seed, seed in ((1, 0), (2, 0), (2, 5)):
        torch.manual_seed(global_seed)
        hashes.append(gw.GANTrainer("gaussians", game=Plain(), seed=seed).state_hash())
        assert torch.equal(torch.get_rng_state(), torch.manual_seed(global_seed).get_state())
    assert hashes[0] == hashes[1] != hashes[2]
