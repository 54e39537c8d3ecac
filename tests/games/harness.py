"""Runs a game on the engine without a trainer: tensors are the data."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import torch

from ganwidgets.data import SampleOrder
from ganwidgets.games.definitions import settings_of
from ganwidgets.games.game import Batch, StreamShape
from ganwidgets.seeds import seeded
from ganwidgets.stepping.engine import ALL, Engine
from ganwidgets.stepping.modules.buffers import evaluation_mode
from ganwidgets.stepping.state import TrainingState
from ganwidgets.stepping.streams.feed import StreamFeed


class TensorStream:
    """Tensors of equal length as a stream; each epoch has its own order."""

    def __init__(self, samples, labels=None, targets=None, seed=0):
        self._all = Batch(samples, labels, targets)
        n = len(samples)
        self._order = SampleOrder(
            n, lambda epoch: torch.randperm(n, generator=seeded(seed, "order", epoch)), torch.clone
        )

    def take(self, start, n):
        indices = self._order.take(start, n)
        return Batch(*(None if part is None else part[indices] for part in self._all))

    def draw_labels(self, n, generator):
        return self._all.labels[torch.randint(len(self._all.labels), (n,), generator=generator)]

    @property
    def shape(self):
        samples, labels, targets = self._all
        return StreamShape(
            tuple(samples.shape[1:]),
            None if targets is None else tuple(targets.shape[1:]),
            0 if labels is None else int(labels.max()) + 1,
        )


class Play:
    """A run of `game` on `streams`, keyword settings beside its defaults.

    `played.step(n)` returns the record; `played.look("show", n, streams)` looks in eval mode without a trace.
    """

    def __init__(self, game, streams, seed=0, **settings):
        definitions = settings_of(game)
        assert not settings.keys() - definitions.keys()
        self.game = game
        self.settings = SimpleNamespace(**{name: s.default_value for name, s in definitions.items()})
        vars(self.settings).update({name: definitions[name].check(value) for name, value in settings.items()})
        shapes = {name: stream.shape for name, stream in streams.items()}
        networks = game.build(self.settings, shapes, seeded(seed, "weights"))
        memory = game.memory(self.settings, shapes)
        self.state = TrainingState(game, networks, seed, torch.device("cpu"), memory)
        self.engine = Engine(self.state, streams, routed=False)
        self.engine.configure(self.settings)

    def change(self, **settings):
        vars(self.settings).update(settings)
        self.engine.configure(self.settings)

    def step(self, n=1, what=ALL):
        for number in range(n):
            self.engine.advance(what, measure=number == n - 1)
        return dict(self.engine.record)

    def look(self, method, n, streams):
        """Call the game's `show` or `evaluate` on the first `n` samples of `streams`."""
        state = self.state
        random = {purpose: seeded(0, "look", purpose) for purpose in (*self.game.purposes, "pool")}
        turn = replace(self.engine._turn, random=random, networks=dict(state.networks))
        cursors = SimpleNamespace(cursors=dict.fromkeys(streams, 0), device=state.device)
        with evaluation_mode(*state.networks.values()):
            return getattr(self.game, method)(n, StreamFeed(cursors, streams), turn)
