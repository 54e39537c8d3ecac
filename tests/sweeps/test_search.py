"""Search by ask-and-tell, with a study that keeps what it was told."""

import enum
import itertools
import sys
import types

import pytest
from traitlets import TraitError

import ganwidgets as gw
from ganwidgets.sweeps.search import search

SMALL = {"g_hidden": (8,), "d_hidden": (8,), "batch_size": 20}


class State(enum.Enum):
    COMPLETE, PRUNED, FAIL = range(3)


class Direction(enum.Enum):
    MINIMIZE, MAXIMIZE = range(2)


class Trial:
    def __init__(self, number, pruned):
        self.number, self.pruned, self.params, self.reports = number, pruned, {}, []

    def suggest_float(self, name, low, high, *, log):
        self.params[name] = low * (high / low) ** (self.number / 10) if log else (low + high) / 2
        return self.params[name]

    def suggest_int(self, name, low, high, *, log):
        self.params[name] = low + self.number % (high - low + 1)
        return self.params[name]

    def suggest_categorical(self, name, choices):
        self.params[name] = choices[self.number % len(choices)]
        return self.params[name]

    def report(self, value, step):
        self.reports.append((value, step))

    def should_prune(self):
        return self.number in self.pruned


class Study:
    """As much of Optuna's study as ask-and-tell needs."""

    def __init__(self, pruned=(), direction=Direction.MINIMIZE):
        self.numbers, self.pruned, self.direction = itertools.count(), pruned, direction
        self.told = []

    def ask(self):
        return Trial(next(self.numbers), self.pruned)

    def tell(self, trial, value=None, state=State.COMPLETE):
        self.told.append((trial, value, state))


@pytest.fixture(autouse=True)
def states(monkeypatch):
    # Optuna is an extra; the search needs nothing of it but the names of these states.
    module = types.ModuleType("optuna.trial")
    module.TrialState = State
    monkeypatch.setitem(sys.modules, "optuna", types.ModuleType("optuna"))
    monkeypatch.setitem(sys.modules, "optuna.trial", module)
    monkeypatch.setattr(search, "SAMPLES", 50)


def test_every_trial_is_told_and_a_pruned_ones_lane_takes_up_the_next():
    study = Study(pruned={1})
    sweep = gw.Sweep("ring8", seeds=3, **SMALL)
    space = {"lr_d": gw.between(1e-4, 1e-2), "d_hidden": [(4,), (8, 4)], "d_steps": gw.between(1, 2)}
    assert sweep.search(study, 5, steps=12, report_every=4, **space) is study
    assert sorted(trial.number for trial, _, _ in study.told) == list(range(5))
    by_number = {trial.number: (trial, value, state) for trial, value, state in study.told}
    trial, value, state = by_number[1]
    assert (value, state, [step for _, step in trial.reports]) == (None, State.PRUNED, [4])
    trial, value, state = by_number[0]
    assert (state, [step for _, step in trial.reports], value) == (
        State.COMPLETE,
        [4, 8, 12],
        trial.reports[-1][0],
    )
    # It is the distance of a run with these settings.
    alone = gw.Sweep("ring8", **{**SMALL, **trial.params, "d_hidden": (4,)})
    alone.step(12)
    assert alone.runs[0].evaluate(50)["sliced_wasserstein"] == value


def test_a_studys_choices_are_values_that_a_trainer_accepts():
    study = Study()
    gw.Sweep("ring8", **SMALL).search(study, 2, steps=2, lr_d=[1e-3, 2e-3], loss=["hinge", "minimax"])
    found = [trial.params for trial, _, _ in study.told]
    assert found == [{"lr_d": 1e-3, "loss": "hinge"}, {"lr_d": 2e-3, "loss": "minimax"}]


def test_a_trial_that_diverges_has_failed():
    study = Study()
    sweep = gw.Sweep("ring8", optimizer_d="sgd", loss="least_squares", **SMALL)
    sweep.search(study, 2, steps=60, report_every=60, lr_d=[1e-3, 10.0])
    assert [state for _, _, state in study.told] == [State.COMPLETE, State.FAIL]


@pytest.mark.parametrize(
    ("study", "asked", "error", "words"),
    [
        (object(), {"lr_d": [1e-3, 1e-2]}, TypeError, "create_study"),
        ("beauty", {}, ValueError, "sliced_wasserstein"),
        ("modes", {"method": "guess"}, ValueError, "halving"),
        (Study(), {}, TraitError, "nothing to choose"),
        (Study(), {"lr_d": 1e-3}, TraitError, "lr_d"),
        (Study(), {"lr_x": [1, 2]}, TraitError, "lr_x"),
        (Study(), {"lr_d": [1e-3, 1e-2], "metric": "beauty"}, ValueError, "sliced_wasserstein"),
        (Study(), {"lr_d": [1e-3, 1e-2], "metric": "modes"}, ValueError, "maximize"),
    ],
)
def test_bad_input_is_refused_by_name(study, asked, error, words):
    with pytest.raises(error, match=words):
        gw.Sweep("ring8", **SMALL).search(study, 2, **asked)
