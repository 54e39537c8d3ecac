"""The log of interventions: the changes between two updates become one record, or none."""

from __future__ import annotations

import json

import pytest

from ganwidgets.runs.files.decoding import log_from
from ganwidgets.runs.files.documents import LogDocument
from ganwidgets.runs.files.json_records import plain_log
from ganwidgets.runs.record.interventions import CODE, Intervention, InterventionLog, Origin
from ganwidgets.runs.state.json_values import converted

SETTINGS = {"lr_d": 0.5, "loss": "hinge", "g_hidden": (8, 8), "data": "ring8", "freeze_d": False}
HAND = Origin("user", "widget", "too fast")


def short(log, iteration=7):
    return [(r.seq, r.iteration, r.author, r.setting, r.old, r.new) for r in log.records(iteration)]


def test_requested_changes_are_provisional_until_an_update():
    log = InterventionLog(SETTINGS)
    assert not log.pending
    log.ask("lr_d", 0.25, CODE)
    log.ask("g_hidden", (4,), HAND)
    assert log.pending
    assert short(log, 3) == [(0, 3, "cell", "lr_d", 0.5, 0.25), (1, 3, "user", "g_hidden", (8, 8), (4,))]
    log.ask("lr_d", 0.125, HAND)
    log.ask("g_hidden", (8, 8), CODE)
    assert short(log, 9) == [(0, 9, "user", "lr_d", 0.5, 0.125)]
    log.commit(9)
    assert not log.pending
    assert short(log, 20) == [(0, 9, "user", "lr_d", 0.5, 0.125)]
    log.ask("lr_d", 0.125, CODE)
    assert not log.pending, "it is in force already"


def test_a_switch_is_distinct_from_a_number():
    log = InterventionLog({"freeze_d": False, "lr_d": 1.0})
    log.ask("freeze_d", 0, CODE)
    assert log.pending


def test_repeated_updates_of_one_network_are_one_record_until_a_difference():
    log = InterventionLog(SETTINGS)
    for iteration, action, origin in [
        (3, "step_d", CODE),
        (3, "step_d", CODE),
        (3, "step_g", CODE),
        (3, "step_d", CODE),
        (3, "step_d", HAND),
        (4, "step_d", HAND),
        (4, "reset", HAND),
        (0, "reset", HAND),
    ]:
        log.act(iteration, action, 1, origin)
    assert [(r.iteration, r.author, r.setting, r.new) for r in log.records(0)] == [
        (3, "cell", "step_d", 2),
        (3, "cell", "step_g", 1),
        (3, "cell", "step_d", 1),
        (3, "user", "step_d", 1),
        (4, "user", "step_d", 1),
        (4, "user", "reset", 1),
        (0, "user", "reset", 1),
    ]
    assert [r.seq for r in log.records(0)] == list(range(7))


def test_rewinding_removes_later_records_and_keeps_requested_changes():
    log = InterventionLog(SETTINGS)
    start = log.mark()
    log.act(1, "step_d", 1, CODE)
    mark = log.mark()
    log.act(1, "step_d", 1, CODE)
    log.act(1, "step_g", 1, CODE)
    log.ask("lr_d", 0.25, CODE)
    log.rewind(mark)
    assert [(r.setting, r.new) for r in log.records(1)] == [("step_d", 1), ("lr_d", 0.25)]
    log.rewind(start)
    assert [r.setting for r in log.records(1)] == ["lr_d"]


def test_a_log_survives_json_with_its_provisional_changes():
    log = InterventionLog(SETTINGS)
    log.ask("g_hidden", (4, 4), HAND)
    log.commit(2)
    log.ask("lr_d", 0.25, HAND)
    stored = converted(json.loads(json.dumps(plain_log(log, str))), LogDocument)
    again = InterventionLog({})
    now = {**SETTINGS, "g_hidden": (4, 4), "lr_d": 0.25}
    again.restore(*log_from(stored, now, now["data"]))
    assert again.records(5) == log.records(5)
    for one in (log, again):
        one.ask("lr_d", 0.5, CODE)
        assert not one.pending, "set back across a save"
        one.ask("g_hidden", (8, 8), CODE)
    assert again.records(6) == log.records(6)


def test_a_record_reads_as_a_mapping():
    log = InterventionLog(SETTINGS)
    log.ask("data", object(), CODE)
    (record,) = log.records(4)
    assert isinstance(record, Intervention)
    assert dict(record) == record.as_dict()
    assert record["new"] == "<object>"
    assert len(record) == 11
    with pytest.raises(KeyError):
        record["nothing"]
