"""A search by the name of a metric, with Optuna itself."""

import optuna
import pytest

import ganwidgets as gw
from ganwidgets.sweeps.search import search

SMALL = {"g_hidden": (8,), "d_hidden": (8,), "batch_size": 20}


@pytest.mark.parametrize(("method", "pruned"), [("random", 0), ("halving", 4), ("tpe", 0)])
def test_a_study_is_made_for_the_metric(method, pruned, monkeypatch):
    monkeypatch.setattr(search, "SAMPLES", 50)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sweep = gw.Sweep("ring8", lr_d=[1e-4, 1e-3], lr_g=[1e-4, 1e-3], **SMALL)
    study = sweep.search("sliced_wasserstein", 8, method=method, steps=8, report_every=2)
    assert study.direction == optuna.study.StudyDirection.MINIMIZE
    assert len(study.trials) == 8
    assert {name for trial in study.trials for name in trial.params} == {"lr_d", "lr_g"}
    states = [trial.state for trial in study.trials]
    assert states.count(optuna.trial.TrialState.PRUNED) >= pruned
    again = gw.Sweep("ring8", lr_d=[1e-4, 1e-3], lr_g=[1e-4, 1e-3], **SMALL)
    other = again.search(metric="sliced_wasserstein", n=8, method=method, steps=8, report_every=2)
    assert [trial.params for trial in other.trials] == [trial.params for trial in study.trials]


@pytest.mark.parametrize(("asked", "name"), [({}, "n"), ({"n": 4, "steps": 0}, "steps")])
def test_a_search_of_nothing_is_refused(asked, name):
    sweep = gw.Sweep("ring8", lr_g=[1e-3, 2e-3], g_hidden=(8,), d_hidden=(8,))
    with pytest.raises(ValueError, match=f"{name} cannot be 0"):
        sweep.search("modes", **asked)
    assert sweep.acts == ()


def test_trials_of_an_interrupted_search_have_failed(monkeypatch):
    monkeypatch.setattr(search, "SAMPLES", 50)
    study = optuna.create_study()
    sweep = gw.Sweep("ring8", seeds=2, **SMALL)
    step, calls = gw.Sweep.step, []

    def interrupted(self, n):
        calls.append(n)
        if len(calls) == 3:
            raise KeyboardInterrupt
        step(self, n)

    monkeypatch.setattr(gw.Sweep, "step", interrupted)
    asked = {"metric": "sliced_wasserstein", "steps": 4, "report_every": 2, "lr_d": [1e-3, 2e-3]}
    with pytest.raises(KeyboardInterrupt):
        sweep.search(study, 6, **asked)
    states = [trial.state.name for trial in study.trials]
    assert states == ["COMPLETE", "COMPLETE", "FAIL", "FAIL"]
    sweep.search(study, 2, **asked)
    assert [trial.state.name for trial in study.trials][4:] == ["COMPLETE", "COMPLETE"]
