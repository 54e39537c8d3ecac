"""Step records: the argument of callbacks, and its immutability."""

from __future__ import annotations

import copy
import json

import pytest

import ganwidgets as gw
from ganwidgets.runs.record.step_record import Record

SMALL = {"g_hidden": (8,), "d_hidden": (8,), "batch_size": 16}

CHANGES = {
    "item": lambda record: record.__setitem__("mine", 1.0),
    "deletion": lambda record: record.__delitem__("iteration"),
    "update": lambda record: record.update(mine=1.0),
    "union": lambda record: record.__ior__({"mine": 1.0}),
    "default": lambda record: record.setdefault("mine", 1.0),
    "pop": lambda record: record.pop("iteration"),
    "popitem": lambda record: record.popitem(),
    "clear": lambda record: record.clear(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_callback_that_changes_the_record_raises(change):
    trainer = gw.GANTrainer("ring8", **SMALL)
    trainer.on_step(change)
    with pytest.raises(TypeError, match="read-only"):
        trainer.step()


def test_a_record_equals_its_dictionary_and_copies_can_be_changed():
    record = Record(iteration=3, loss_d=1.0)
    for made in (
        dict(record),
        record.copy(),
        copy.copy(record),
        copy.deepcopy(record),
        json.loads(json.dumps(record)),
    ):
        assert made == record
        made["mine"] = 1.0
    assert "mine" not in record


@pytest.mark.parametrize("callback", [None, 3, "print", []])
def test_an_object_that_is_not_callable_is_refused_when_it_is_passed(callback):
    trainer = gw.GANTrainer("ring8", **SMALL)
    with pytest.raises(TypeError, match="callback cannot be"):
        trainer.on_step(callback)
    trainer.step()
