"""Mistakes that a user of a sweep makes: each error names the thing, the value and the remedy."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from traitlets import TraitError

import ganwidgets as gw

SMALL = {"g_hidden": (8,), "d_hidden": (8,), "batch_size": 20}


def small(**asked):
    return gw.Sweep("ring8", **{**SMALL, **asked})


@pytest.mark.parametrize(
    "values",
    [
        torch.tensor([0.001, 0.002], dtype=torch.float64),
        np.array([0.001, 0.002]),
        (rate for rate in (0.001, 0.002)),
        {"slow": 0.001, "fast": 0.002}.values(),
        map(float, ["0.001", "0.002"]),
    ],
    ids=["tensor", "array", "generator", "values of a dictionary", "map"],
)
def test_the_values_of_a_grid_are_any_ordered_collection(values):
    assert [run.settings.lr_d for run in small(lr_d=values)] == [0.001, 0.002]


def test_one_number_of_an_array_is_no_grid():
    with pytest.raises(TraitError, match=r"lr_d cannot be array\(0\.002\): it must be a number"):
        small(lr_d=np.array(0.002))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"lr_d": {0.001, 0.002}}, ["lr_d", "set", "list"]),
        ({"configurations": [{}, {"lr_d": -1}]}, ["configuration 1", "lr_d", "-1"]),
        ({"configurations": [{"lr_d": [1e-3, 2e-3]}]}, ["configuration 0", "lr_d", "grid"]),
        ({"draws": 3, "lr_d": [1e-3, 2e-3]}, ["draws=3", "2 different", "seeds"]),
        ({"draws": 4, "d_steps": gw.between(1, 3)}, ["draws=4", "3 different", "d_steps"]),
        ({"game": ["gan", "pix2pix"]}, ["pix2pix", "GANTrainer"]),
    ],
)
def test_what_no_sweep_can_have_is_refused(asked, words):
    with pytest.raises(TraitError) as error:
        small(**asked)
    assert all(word in str(error.value) for word in words), str(error.value)


def test_a_table_is_no_list_of_configurations():
    pandas = pytest.importorskip("pandas")
    with pytest.raises(TraitError, match=r"DataFrame.*list of dictionaries"):
        small(configurations=pandas.DataFrame({"lr_d": [1e-3, 2e-3]}))


def test_a_list_of_presets_is_refused_with_the_configurations_to_pass():
    with pytest.raises(TraitError, match=r"configurations=\[\{'data': 'ring8'\}, \{'data': 'moons'\}\]"):
        gw.Sweep(["ring8", "moons"])


def test_draws_do_not_repeat_a_configuration():
    rates = [1e-3, 2e-3, 3e-3]
    assert sorted(run.settings.lr_d for run in small(lr_d=rates, draws=3)) == rates


def test_equal_configurations_are_named():
    with pytest.warns(UserWarning, match="configurations 0 and 2 are equal.*seeds=n"):
        sweep = small(configurations=[{"lr_d": 1e-3}, {"lr_d": 2e-3}, {"lr_d": 1e-3}])
    assert len(sweep) == 3


def test_settings_of_networks_that_the_user_replaces_cannot_vary():
    own = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2))
    with pytest.raises(TraitError, match=r"g_hidden cannot differ.*generator= replaces it; omit g_hidden"):
        gw.Sweep("ring8", generator=own, g_hidden=[(4,), (8,)])
    assert len(gw.Sweep("ring8", generator=own, d_hidden=[(4,), (8,)])) == 2
    assert len(gw.Sweep("ring8", generator=own, activation=["relu", "tanh"])) == 2


def test_a_setting_that_varies_without_effect_is_named_with_what_gives_it_one():
    with pytest.warns(UserWarning, match="penalty_weight differs.*no effect.*penalty='r1'"):
        small(penalty_weight=[1.0, 10.0])
    small(penalty_weight=[1.0, 10.0], penalty="r1")  # warnings are errors here
    small(penalty_weight=[1.0, 10.0], penalty=["none", "r1"])


def test_a_run_of_the_sweep_is_accepted_instead_of_its_number():
    sweep = small(seeds=3)
    sweep.step(2)
    assert sweep.take(sweep.runs[2]).state_hash() == sweep.runs[2].state_hash()
    sweep.respawn(0, source=sweep.runs[1])
    assert sweep.runs[0].state_hash() == sweep.runs[1].state_hash()
    sweep.change(sweep.runs[:2], lr_d=1e-4)
    assert [run.settings.lr_d for run in sweep][2:] != [1e-4]
    assert [run.settings.lr_d for run in sweep[:2]] == [1e-4, 1e-4]
    sweep.kill(sweep[2])
    assert sweep.runs[2].status == "stopped"
    with pytest.raises(ValueError, match="belongs to another sweep"):
        small().take(sweep.runs[0])
    with pytest.raises(TypeError, match="number from 0 to 2, not by '1'"):
        sweep.take("1")


def test_a_change_of_nothing_is_not_logged():
    sweep = small(seeds=2)
    sweep.change()
    sweep.change([], lr_d=1e-4)
    assert sweep.acts == ()


def test_a_setting_assigned_to_the_sweep_is_refused_with_the_call_to_make():
    sweep = small(seeds=2)
    with pytest.raises(TraitError, match=r"'lr_d' to set.*sweep\.change\(lr_d=\.\.\.\)"):
        sweep.lr_d = 1e-4
    with pytest.raises(TraitError, match="'runs' to set; it can only be read"):
        sweep.runs = ()
    with pytest.raises(TraitError, match=r"'iterations'.*iteration"):
        sweep.iterations = 3


def test_pickling_names_the_way_to_store_a_sweep():
    with pytest.raises(TypeError, match=r"sweep\.save\(path\).*gw\.Sweep\.load"):
        pickle.dumps(small())


def test_a_copy_is_independent():
    sweep = small(seeds=2)
    sweep.step(3)
    sweep.kill(1)
    copied = copy.deepcopy(sweep)
    copied.runs[0].settings.lr_d = 1e-4
    assert sweep.runs[0].settings.lr_d != 1e-4
    again = copy.deepcopy(sweep)
    for each in (sweep, again):
        each.step(2)
    assert [run.state_hash() for run in sweep] == [run.state_hash() for run in again]
    assert [run.status for run in again] == ["running", "stopped"]
    assert [act.action for act in again.acts] == ["kill"]


def test_the_best_run_has_the_metric():
    sweep = gw.Sweep(configurations=[{"data": "ring8"}, {"data": "digits"}], **SMALL)
    sweep.step(2)
    for metric, expected in (("high_quality", 0), ("sliced_wasserstein", 0), ("coverage", 1), ("frechet", 1)):
        assert sweep.best(metric, n=100).index == expected
    first = gw.Sweep(configurations=[{"data": "digits"}, {"data": "ring8"}], **SMALL)
    first.step(2)
    assert first.best("high_quality", n=100).index == 1  # the higher the better
    with pytest.raises(ValueError, match=r"no metric 'fid'.*modes.*frechet"):
        sweep.best("fid")


@pytest.mark.parametrize(
    "damage",
    [{}, {"status": "happy"}, {"error": None}, {"state": None}],
    ids=["nothing", "status", "error", "state"],
)
def test_a_damaged_state_is_refused_and_nothing_changes(damage):
    sweep = small(seeds=2)
    sweep.step(2)
    state = sweep.state_dict()
    state["runs"][1] = {**state["runs"][1], **damage} if damage else {}
    before = [run.state_hash() for run in sweep]
    with pytest.raises(gw.CheckpointError, match="run 1 is damaged"):
        sweep.load_state_dict(state)
    assert [run.state_hash() for run in sweep] == before
    assert [run.status for run in sweep] == ["running", "running"]


def test_folders_of_sweeps_and_of_single_runs_are_told_apart(tmp_path):
    sweep = small(run=tmp_path / "sweep")
    sweep.close()
    trainer = gw.GANTrainer("ring8", run=tmp_path / "run", **SMALL)
    trainer.close()
    with pytest.raises(gw.CheckpointError, match=r"folder of a sweep.*gw\.Sweep\.load"):
        gw.open_run(tmp_path / "sweep")
    with pytest.raises(gw.CheckpointError, match=r"folder of a sweep.*gw\.Sweep\.load"):
        gw.replay(tmp_path / "sweep")
    with pytest.raises(gw.CheckpointError, match=r"holds no sweep.*gw\.open_run"):
        gw.Sweep.load(tmp_path / "run")


def test_one_run_is_not_called_runs():
    assert repr(small()) == "<Sweep of 1 run over seeds, iteration 0>"
    assert repr(small(seeds=2)) == "<Sweep of 2 runs over seeds, iteration 0>"


def test_slow_steps_are_divided_into_short_batches(monkeypatch):
    """A progress bar then moves, and an interrupt undoes little."""
    sweep = small(seeds=2)
    now = [0.0]
    monkeypatch.setattr("ganwidgets.sweeps.sweep.time.perf_counter", lambda: now[0])
    advance, batches = sweep._advance, []

    def slow(n, *, last):
        now[0] += 0.2 * n
        batches.append(n)
        advance(n, last=last)

    sweep._advance = slow
    sweep.step(20)
    assert sum(batches) == 20
    assert max(batches[1:]) <= 3
    same = small(seeds=2)
    same.step(20)
    assert [run.state_hash() for run in sweep] == [run.state_hash() for run in same]
    for one, other in zip(sweep, same, strict=True):
        np.testing.assert_array_equal(one.history["loss_d"], other.history["loss_d"])


def test_fast_steps_are_computed_in_long_batches():
    sweep = small()
    sweep._adapt(8, 0.001)
    sweep._adapt(32, 0.004)
    assert sweep._at_once == 100
    sweep._adapt(7, 0.001)  # the rest of a call says nothing about longer batches
    assert sweep._at_once == 100


def test_a_folder_in_use_is_refused_with_what_to_do(tmp_path):
    folder = tmp_path / "sweep"
    first = small(run=folder)
    first.step(2)
    with pytest.raises(gw.CheckpointError, match=r"another sweep of this process.*close\(\) first"):
        gw.Sweep.load(folder)
    first.close()
    again = gw.Sweep.load(folder)
    assert again.iteration == 2
    code = f"import ganwidgets as gw\ntry: gw.Sweep.load({str(folder)!r})\nexcept gw.CheckpointError as error: print(error)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "is in use by process" in said
    assert f"gw.Sweep.load({str(folder / 'sweep.ganwidgets')!r}) loads a copy" in said
    again.close()
