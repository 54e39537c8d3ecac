"""A trainer that computes nothing, so that the runner's tests are fast and control when a step ends."""

from __future__ import annotations

import threading
from types import SimpleNamespace

from traitlets import TraitError

from ganwidgets.runs.record.places import Position
from ganwidgets.settings import Settings

PATIENCE = 60
"""Seconds after which a test that hangs fails."""


class FakeTrainer:
    """Has the doors of `GANTrainer`, writes down what is done, and which thread did it.

    Attributes
    ----------
    done : list
        Everything that was done, in order; a step with the learning rate that it obeyed.
    origins : list
        Where each step that the runner took comes from.
    gate : threading.Event
        Steps wait for it.
    in_step : threading.Event
        Set as soon as a step waits for the gate.
    failures : dict
        What to raise instead of a step, by the iteration it would lead to.
    """

    def __init__(self):
        self.players = ("discriminator", "generator")
        self.settings = Settings(lr_d=1e-3, lr_g=1e-3)
        self.iteration = 0
        self.history = SimpleNamespace(record=dict)
        self.timeline = SimpleNamespace(place=Position(0, 0, 0), at_tip=True)
        self.done = []
        self.origins = []
        self.threads = set()
        self.gate = threading.Event()
        self.gate.set()
        self.in_step = threading.Event()
        self.failures = {}
        self.dispatch = self.route = None
        autosave = SimpleNamespace(fault=None, retry_in=_nothing, pause=_nothing, save=_nothing)
        self._session = SimpleNamespace(change=self._change, reset=self._reset, autosave=autosave)
        self._recovery = SimpleNamespace(recover=self._recover)

    def _attach(self, dispatch, route):
        self.dispatch, self.route = dispatch, route
        self.settings.__dict__["_route"] = route

    def _advance(self, network, n, interrupted, origin):
        self.threads.add(threading.current_thread())
        for _ in range(n):
            self.in_step.set()
            assert self.gate.wait(PATIENCE)
            self._step(network)
            self.origins.append(origin)
            if interrupted():
                break
        return {"iteration": self.iteration, "loss_d": 1.0}

    def _step(self, network):
        if network == "both":
            if self.iteration + 1 in self.failures:
                raise self.failures[self.iteration + 1]
            self.iteration += 1
        self.done.append((network, self.settings.lr_d))

    def _change(self, values, origin):
        if values.get("batch_size") == 13:
            message = "13 brings bad luck"
            raise TraitError(message)
        self.settings.update(values)
        self.done.append(("change", dict(values), origin))

    def _reset(self, seed, origin):
        if "reset" in self.failures:
            raise self.failures["reset"]
        if seed is not None:
            self.settings.update({"seed": seed})
        self.iteration = 0
        self.history = SimpleNamespace(record=dict)
        self.timeline = SimpleNamespace(place=Position(0, 0, 0), at_tip=True)
        self.done.append(("reset", self.settings.seed, origin))

    def _recover(self):
        self.done.append("recover")
        return ""

    def step(self, n=1):
        """Call through the queue if there is one, like any public call of the trainer."""

        def steps():
            self.threads.add(threading.current_thread())
            for _ in range(n):
                self._step("both")

        return self.dispatch(steps) if self.dispatch else steps()


def _nothing():
    return None
