"""The engine with the classic game computes the bits of `EagerStepper`, in every golden configuration."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from ganwidgets.games.gan import DISCRIMINATOR, GENERATOR
from ganwidgets.runs.state.hashing import digest
from ganwidgets.runs.state.state_tree import copied as copied_tree
from ganwidgets.runs.state.state_tree import state_tree
from ganwidgets.stepping.eager import NonFiniteError
from ganwidgets.stepping.engine import ALL, Engine, NullObserver
from ganwidgets.stepping.sample_streams import OrderedStream
from ganwidgets.stepping.stages import StageObserver

sys.path.insert(0, str(Path(__file__).parents[1] / "golden"))

from configurations import CHANGES, TRAINERS

pytestmark = pytest.mark.filterwarnings("ignore:.*with batch norm:ganwidgets.DataWarning")


def pair(name):
    """Return a stepper and an engine at the start of the same run, and the settings of that run."""
    trainer, twin = TRAINERS[name](), TRAINERS[name]()
    stepper, other = trainer._session.run.stepper, twin._session.run.stepper
    streams = {"data": OrderedStream(other.order, other.labels)}
    engine = Engine(other.state, streams, routed=other.routed, calls=other.calls)
    return stepper, engine, trainer.settings.as_dict()


def played(stepper, engine, settings, name, steps):
    """Carry out the same steps with both, and compare every record; NaN equals NaN."""
    for step in range(steps):
        settings.update(CHANGES.get(name, {}).get(step, {}))
        for each in (stepper, engine):
            each.configure(SimpleNamespace(**settings))
        stepper.advance("both", measure=True)
        engine.advance(ALL, measure=True)
        if step == steps // 2:
            for player in (GENERATOR, DISCRIMINATOR):
                stepper.advance(player, measure=False)
                engine.advance(player, measure=False)
        assert {n: repr(v) for n, v in engine.record.items()} == {
            n: repr(v) for n, v in stepper.record.items()
        }


@pytest.mark.parametrize("name", TRAINERS)
def test_the_bits_are_those_of_the_stepper(name):
    stepper, engine, settings = pair(name)
    played(stepper, engine, settings, name, 24)
    assert digest(state_tree(engine.state)) == digest(state_tree(stepper.state))


class OfStepper(StageObserver):
    def __init__(self):
        self.seen = []

    def on_draw(self, network, noise, real, labels, *, frozen):
        self.seen.append(("draw", network, frozen, copied((noise, real, labels))))

    def on_generate(self, fake):
        self.seen.append(("generate", copied((fake,))))

    def on_logits(self, real_logits, fake_logits):
        self.seen.append(("classify", copied((real_logits, fake_logits))))

    def on_loss(self, loss):
        self.seen.append(("loss", copied((loss,))))

    def on_gradients(self, gradients):
        self.seen.append(("gradients", copied(gradients)))

    def on_update(self, *, skipped):
        self.seen.append(("update", skipped))


class OfEngine(NullObserver):
    def __init__(self):
        self.seen = []

    def on_draw(self, player, batch, *, frozen):
        self.seen.append(("draw", player, frozen, copied((batch.noise, batch.real, batch.labels))))

    def on_stage(self, stage, /, **tensors):
        self.seen.append((stage, copied(tensors.values())))

    def on_loss(self, loss):
        self.seen.append(("loss", copied((loss,))))

    def on_gradients(self, gradients: Sequence):
        self.seen.append(("gradients", copied(gradients)))

    def on_update(self, *, skipped):
        self.seen.append(("update", skipped))


def copied(tensors):
    return [None if t is None else t.detach().tolist() for t in tensors]


@pytest.mark.parametrize(
    "name",
    ["lazy r1", "frozen D", "frozen G", "r2, skip, two updates of G", "unrolled, lazy r1", "conditional"],
)
def test_an_observer_sees_the_same_stages_and_changes_no_bit(name):
    stepper, engine, settings = pair(name)
    _, unobserved, _ = pair(name)
    stepper.watcher, engine.observer = OfStepper(), OfEngine()
    played(stepper, engine, dict(settings), name, 6)
    played(pair(name)[0], unobserved, settings, name, 6)
    assert engine.observer.seen == stepper.watcher.seen
    assert {"draw", "generate", "classify", "loss"} <= {stage for stage, *_ in engine.observer.seen}
    assert digest(unobserved.state.tree()) == digest(engine.state.tree())


def test_measuring_changes_no_bit():
    _, measured, settings = pair("own networks")
    _, plain, _ = pair("own networks")
    for engine, measure in ((measured, True), (plain, False)):
        engine.configure(SimpleNamespace(**settings))
        for _ in range(5):
            engine.advance(ALL, measure=measure)
    assert digest(measured.state.tree()) == digest(plain.state.tree())


@pytest.mark.parametrize("name", ["dcgan", "changed on the way", "conditional", "own networks"])
def test_a_state_that_is_put_back_goes_on_with_the_same_bits(name):
    stepper, engine, settings = pair(name)
    _, other, _ = pair(name)
    played(stepper, engine, settings, name, 7)
    tree = copied_tree(engine.state.tree())
    other.state.put_tree(tree, SimpleNamespace(**settings))
    assert digest(other.state.tree()) == digest(tree)
    for each in (engine, other):
        each.configure(SimpleNamespace(**settings))
        for _ in range(3):
            each.advance(ALL, measure=False)
    assert digest(other.state.tree()) == digest(engine.state.tree())


def test_a_loss_that_is_not_finite_is_named():
    _, engine, settings = pair("defaults")
    engine.configure(SimpleNamespace(**settings))
    with torch.no_grad():
        engine.state.networks[GENERATOR][0].weight.fill_(float("nan"))
    with pytest.raises(NonFiniteError, match="loss_d is nan"):
        engine.advance(ALL, measure=False)
