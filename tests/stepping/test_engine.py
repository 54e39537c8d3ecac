"""The engine in the golden configurations: observing an update changes no bit of it."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from ganwidgets.games.gan import DISCRIMINATOR, GENERATOR
from ganwidgets.runs.state.hashing import digest
from ganwidgets.runs.state.state_tree import copied
from ganwidgets.stepping.engine import ALL, NonFiniteError
from ganwidgets.stepping.observers import NullObserver

sys.path.insert(0, str(Path(__file__).parents[1] / "golden"))

from configurations import CHANGES, TRAINERS

pytestmark = pytest.mark.filterwarnings("ignore:.*with batch norm:ganwidgets.DataWarning")


def made(name):
    """Return the engine of a configuration at its start, and its settings."""
    trainer = TRAINERS[name]()
    return trainer._session.run.engine, trainer.settings.as_dict()


def play(engine, settings, name, steps, *, measure=True):
    """Carry out `steps` full steps, and each player's update alone in the middle."""
    settings = dict(settings)
    for step in range(steps):
        settings.update(CHANGES.get(name, {}).get(step, {}))
        engine.configure(SimpleNamespace(**settings))
        engine.advance(ALL, measure=measure)
        if step == steps // 2:
            for player in (GENERATOR, DISCRIMINATOR):
                engine.advance(player, measure=measure)


class Noting(NullObserver):
    def __init__(self):
        self.seen = []

    def on_draw(self, player, batch, *, frozen):
        assert len(batch.noise) > 0
        self.seen.append((player, "frozen" if frozen else "draw"))

    def on_stage(self, stage, /, **tensors):
        assert any(tensor is not None for tensor in tensors.values())
        self.seen.append(stage)

    def on_loss(self, loss):
        assert loss.ndim == 0
        self.seen.append("loss")

    def on_gradients(self, gradients):
        assert any(gradient is not None for gradient in gradients)
        self.seen.append("gradients")

    def on_update(self, *, skipped):
        self.seen.append("skipped" if skipped else "update")


UPDATED = ["generate", "classify", "loss", "gradients", "update"]
SKIPPED = ["generate", "classify", "loss", "skipped"]
MEASURED = ["generate", "classify", "loss"]


@pytest.mark.parametrize(
    ("name", "of_d", "of_g"),
    [
        ("lazy r1", ["draw", *UPDATED], ["draw", *UPDATED]),
        ("frozen D", ["frozen", *MEASURED], ["draw", *UPDATED]),
        ("frozen G", ["draw", *UPDATED], ["frozen", *MEASURED]),
        ("unrolled, lazy r1", ["draw", *UPDATED], ["draw", *UPDATED]),
        ("r2, skip, two updates of G", ["draw", *SKIPPED], ["draw", *UPDATED, "draw", *UPDATED]),
    ],
)
def test_an_observer_sees_the_stages_in_order_and_changes_no_bit(name, of_d, of_g):
    observed, settings = made(name)
    unobserved, _ = made(name)
    observed.observer = Noting()
    for engine in (observed, unobserved):
        play(engine, {**settings, **({"skip_d_below": 100.0} if "skip" in name else {})}, name, 1)
    expected = []
    for player, stages in ((DISCRIMINATOR, of_d), (GENERATOR, of_g)):
        expected += [(player, stage) if stage in {"draw", "frozen"} else stage for stage in stages]
    seen = observed.observer.seen
    assert seen[: len(expected)] == expected
    play(observed, settings, name, 6)
    play(unobserved, settings, name, 6)
    assert digest(observed.state.tree()) == digest(unobserved.state.tree())


@pytest.mark.parametrize("name", ["own networks", "dcgan", "conditional"])
def test_measuring_changes_no_bit(name):
    (measured, settings), (plain, _) = made(name), made(name)
    play(measured, settings, name, 5)
    play(plain, settings, name, 5, measure=False)
    assert digest(measured.state.tree()) == digest(plain.state.tree())


@pytest.mark.parametrize("name", ["dcgan", "changed on the way", "conditional", "own networks"])
def test_a_restored_state_continues_with_the_same_bits(name):
    (engine, settings), (other, _) = made(name), made(name)
    play(engine, settings, name, 7)
    tree, in_force = copied(engine.state.tree()), engine.settings
    other.state.put_tree(tree, in_force)
    assert digest(other.state.tree()) == digest(tree)
    other.configure(in_force)
    for each in (engine, other):
        for _ in range(3):
            each.advance(ALL, measure=False)
    assert digest(other.state.tree()) == digest(engine.state.tree())


def test_a_player_without_trained_parameters_is_measured_as_a_frozen_one():
    (engine, settings), (frozen, _) = made("unrolled"), made("unrolled")
    engine.state.networks[DISCRIMINATOR].requires_grad_(False)
    engine.state.switch_gradients(engine.state.switched_gradients())
    engine.configure(SimpleNamespace(**settings))
    frozen.configure(SimpleNamespace(**{**settings, "freeze_d": True}))
    for each in (engine, frozen):
        for _ in range(4):
            each.advance(ALL, measure=True)
    assert repr(engine.record) == repr(frozen.record)
    for name in ("networks", "cursors", "counts", "randomness"):
        assert digest({name: engine.state.tree()[name]}) == digest({name: frozen.state.tree()[name]})


def test_updates_run_in_train_mode_whatever_the_user_set():
    (engine, settings), (evaluated, _) = made("own networks"), made("own networks")
    for network in evaluated.state.networks.values():
        network.eval()
    play(engine, settings, "own networks", 3)
    play(evaluated, settings, "own networks", 3)
    assert digest(engine.state.tree()) == digest(evaluated.state.tree())
    assert not any(network.training for network in evaluated.state.networks.values())


def test_a_non_finite_loss_is_named():
    engine, settings = made("defaults")
    engine.configure(SimpleNamespace(**settings))
    with torch.no_grad():
        engine.state.networks[GENERATOR][0].weight.fill_(float("nan"))
    with pytest.raises(NonFiniteError, match="loss_d is nan"):
        engine.advance(ALL, measure=False)
