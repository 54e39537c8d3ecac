"""Detection of names that still refer to an object."""

from __future__ import annotations

import sys
import threading
from types import ModuleType

import pytest

from ganwidgets.live.worker.references import held


class Thing:
    def use(self):
        """Does nothing."""


@pytest.fixture
def cell():
    """A module that runs cells."""
    module = ModuleType("a_cell")
    sys.modules["a_cell"] = module
    yield module
    del sys.modules["a_cell"]


def found(things, *apart):
    """Return True if one of `things` is held; a separate function, so that assertions hold no reference."""
    return held(things[0], apart=[things, *apart])


class Lab:
    def __init__(self, thing):
        self.thing = thing


WAYS = {
    "a name": lambda thing: thing,
    "a list": lambda thing: [[thing]],
    "a dictionary": lambda thing: {"a": (thing,)},
    "an attribute": Lab,
    "a bound method": lambda thing: thing.use,
    "a closure": lambda thing: lambda: thing,
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_an_object_is_held_as_long_as_a_name_refers_to_it(cell, way):
    things = [Thing()]
    cell.x = way(things[0])
    assert found(things)
    del cell.x
    assert not found(things)


@pytest.mark.parametrize("name", ["_", "__", "___", "_12"])
def test_output_histories_do_not_count(cell, name):
    things = [Thing()]
    setattr(cell, name, things[0])
    cell.Out = {12: things[0]}
    assert not found(things, cell.Out)
    cell._mine = things[0]
    assert found(things, cell.Out)


def test_an_unreachable_cycle_does_not_count():
    things = [Thing()]
    things[0].me = Lab(things[0])
    assert not found(things)


def test_a_running_function_counts():
    things, inside, gate = [Thing()], threading.Event(), threading.Event()

    def wait(thing):
        inside.set()
        assert gate.wait(60)
        return thing

    thread = threading.Thread(target=lambda: wait(things[0]))
    thread.start()
    assert inside.wait(60)
    assert found(things)
    gate.set()
    thread.join()
    assert not found(things)
