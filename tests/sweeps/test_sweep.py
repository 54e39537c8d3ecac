"""The sweep that users hold."""

import numpy as np
import pytest
import torch
from traitlets import TraitError

import ganwidgets as gw
from ganwidgets import GANTrainer, Sweep
from ganwidgets.runs.files.checkpoint import read_checkpoint, write_checkpoint

SMALL = {"g_hidden": (8,), "d_hidden": (8,), "batch_size": 20}


def hashes(sweep):
    return [run.state_hash() for run in sweep.runs]


@pytest.fixture
def sweep():
    made = Sweep("ring8", lr_g=[1e-3, 2e-3], lr_d=[1e-3, 3e-3], seeds=2, **SMALL)
    made.step(12)
    return made


def test_a_grid_has_every_combination_with_every_seed():
    sweep = Sweep("ring8", lr_g=[1e-3, 2e-3], g_hidden=[(8,), (4, 4)], seeds=[7, 9], d_hidden=(8,))
    found = [(r.settings.lr_g, r.settings.g_hidden, r.settings.seed) for r in sweep.runs]
    assert len(sweep) == 8
    assert found == [(lr, w, seed) for lr in (1e-3, 2e-3) for w in ((8,), (4, 4)) for seed in (7, 9)]
    assert sweep.varied == ("lr_g", "g_hidden")
    sweep.step(2)
    assert len(sweep.groups) == 2
    assert {run.iteration for run in sweep.runs} == {2}


def test_a_list_and_draws_are_sweeps_too():
    listed = Sweep("ring8", configurations=[{"lr_d": 1e-3}, {"loss": "hinge"}], seeds=2, **SMALL)
    assert [(r.settings.lr_d, r.settings.loss) for r in listed.runs][::2] == [
        (1e-3, listed.runs[2].settings.__class__().loss),
        (listed.runs[0].settings.__class__().lr_d, "hinge"),
    ]
    drawn = [
        Sweep("ring8", lr_d=gw.between(1e-4, 1e-2), batch_size=[20, 30], draws=5, draw_seed=seed)
        for seed in (1, 1, 2)
    ]
    values = [[r.settings.lr_d for r in each.runs] for each in drawn]
    assert values[0] == values[1] != values[2]
    assert all(1e-4 <= value <= 1e-2 for value in values[0])


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"lr_x": [1.0]}, ["lr_x", "lr_"]),
        ({"lr_d": [1e-3, -1]}, ["lr_d", "-1"]),
        ({"lr_d": [1e-3, "fast"]}, ["lr_d", "fast"]),
        ({"lr_d": []}, ["lr_d", "empty"]),
        ({"lr_d": [1e-3, 1e-3]}, ["lr_d", "twice"]),
        ({"lr_d": [True]}, ["lr_d", "True"]),
        ({"lr_d": [float("nan")]}, ["lr_d", "nan"]),
        ({"seeds": 0}, ["seeds", "0"]),
        ({"seeds": True}, ["seeds", "True"]),
        ({"seeds": "abc"}, ["seeds", "abc"]),
        ({"seeds": [1, 1]}, ["seeds", "once"]),
        ({"seeds": 2, "seed": 1}, ["seed", "seeds"]),
        ({"seed": [1, 2]}, ["seeds"]),
        ({"g_hidden": [16, 16]}, ["g_hidden", "tuple"]),
        ({"configurations": []}, ["configurations", "empty"]),
        ({"configurations": {"lr_d": 1}}, ["configurations", "list"]),
        ({"configurations": [{"lr_x": 1}]}, ["configuration 0", "lr_x"]),
        ({"configurations": [{"lr_d": 1e-3}], "lr_g": [1e-3]}, ["configurations", "lr_g"]),
        ({"lr_d": gw.between(1e-4, 1e-2)}, ["lr_d", "draws"]),
        ({"lr_d": gw.between(1e-4, 1e9), "draws": 2}, ["lr_d"]),
        ({"draws": 2}, ["draws"]),
        ({"game": "pix2pix", "lr_d": [1e-3, 2e-3]}, ["pix2pix", "GANTrainer", "gw.compare"]),
    ],
)
def test_bad_input_is_refused_by_name(asked, words):
    with pytest.raises(TraitError) as error:
        Sweep("ring8", **asked)
    assert all(word in str(error.value) for word in words)


def test_a_run_reads_like_a_trainer(sweep):
    run = sweep.runs[3]
    assert run.iteration == 12
    assert run.samples_seen == 240
    assert run.sample(5, seed=1).shape == (5, 2)
    assert set(run.evaluate(100)) == set(run.floors(100))
    assert list(run.history["iteration"]) == list(range(1, 13))
    with pytest.raises(AttributeError, match=r"sweep.take\(3\)"):
        run.step()
    with pytest.raises(IndexError, match="runs 0 to 7"):
        sweep.take(8)


def test_looking_changes_no_bit(sweep):
    watched = Sweep("ring8", lr_g=[1e-3, 2e-3], lr_d=[1e-3, 3e-3], seeds=2, **SMALL)
    for _ in range(3):
        watched.step(4)
        watched.runs[1].sample(10)
        watched.evaluate(50)
        watched.to_frame()
        watched.take(2).step(2)
        torch.randn(3)
    assert hashes(watched) == hashes(sweep)


def test_a_run_is_taken_as_a_trainer_with_its_history(sweep):
    taken = sweep.take(5)
    assert isinstance(taken, GANTrainer)
    assert taken.state_hash() == sweep.runs[5].state_hash()
    np.testing.assert_array_equal(taken.history["loss_g"], sweep.runs[5].history["loss_g"])
    before = hashes(sweep)
    taken.step(3)
    taken.settings.lr_d = 1e-4
    assert taken.iteration == 15
    assert hashes(sweep) == before
    taken.timeline.goto(13)
    assert taken.iteration == 13


def test_kill_and_respawn(sweep):
    other = Sweep("ring8", lr_g=[1e-3, 2e-3], lr_d=[1e-3, 3e-3], seeds=2, **SMALL)
    other.step(12)
    sweep.kill(1, reason="too slow")
    sweep.respawn(2, source=0, lr_d=5e-3)
    sweep.respawn(3, source=0, warm=False, g_hidden=(4,))
    sweep.respawn(4)
    sweep.step(3)
    other.step(3)
    assert [run.status for run in sweep.runs[:4]] == ["running", "stopped", "running", "running"]
    assert [run.iteration for run in sweep.runs[:5]] == [15, 12, 15, 3, 3]
    assert sweep.runs[2].settings.lr_d == 5e-3
    assert len(sweep.runs[2].history["loss_d"]) == 15
    assert sweep.runs[3].settings.g_hidden == (4,)
    same = [a == b for a, b in zip(hashes(sweep), hashes(other), strict=True)]
    assert same == [True, False, False, False, False, True, True, True]
    assert [(act.action, act.runs, act.source) for act in sweep.acts] == [
        ("kill", (1,), None),
        ("respawn", (2,), 0),
        ("respawn", (3,), 0),
        ("respawn", (4,), None),
    ]
    with pytest.raises(TraitError, match="warm=False"):
        sweep.respawn(2, source=0, g_hidden=(4,))
    with pytest.raises(TraitError, match="lr_x"):
        sweep.respawn(2, source=0, lr_x=1)


def test_a_respawned_copy_goes_on_as_its_source(sweep):
    sweep.respawn(7, source=0)
    sweep.step(4)
    assert sweep.runs[7].state_hash() == sweep.runs[0].state_hash()


def test_settings_of_one_run_or_of_several_change_at_the_next_step(sweep):
    sweep.runs[6].settings.lr_d = 7e-3
    sweep.change([0, 1], reason="faster", lr_g=4e-3, penalty="r1")
    sweep.step(1)
    assert [run.settings.lr_d for run in sweep.runs][6] == 7e-3
    assert [i.setting for i in sweep.runs[0].interventions] == ["lr_g", "penalty"]
    assert len(sweep.groups) == 2
    before = hashes(sweep)
    with pytest.raises(TraitError, match="lr_g"):
        sweep.change([0, 1], lr_d=1e-3, lr_g=-1)
    with pytest.raises(TraitError, match="fresh start"):
        sweep.change([0], d_hidden=(4,))
    with pytest.raises(TraitError, match="lr_d"):
        sweep.runs[0].settings.lr_d = "fast"
    assert hashes(sweep) == before


def test_the_best_run_and_the_table(sweep):
    figures = sweep.evaluate(200)
    distances = [each["sliced_wasserstein"] for each in figures]
    assert sweep.best("sliced_wasserstein", 200).index == int(np.argmin(distances))
    shares = [each["high_quality"] for each in figures]
    assert sweep.best("high_quality", 200).index == int(np.argmax(shares))
    with pytest.raises(ValueError, match="sliced_wasserstein"):
        sweep.best("sliced_wasser")
    table = sweep.to_frame()
    assert len(table) == 8
    assert list(table["lr_d"]) == [run.settings.lr_d for run in sweep.runs]
    assert list(table["sliced_wasserstein"]) == distances
    assert set(table["seed"]) == {0, 1}


@pytest.mark.parametrize("data", ["preset", "array", "labelled"])
def test_saved_and_loaded_it_goes_on_exactly(tmp_path, data):
    points = np.random.default_rng(0).normal(size=(60, 3))
    given = {"preset": "ring8", "array": points, "labelled": (points, np.arange(60) % 3)}[data]
    asked = {**SMALL, "conditional": data == "labelled"}
    sweep = Sweep(given, lr_g=[1e-3, 2e-3], penalty=["none", "r1"], **asked)
    sweep.step(5)
    sweep.kill(1)
    sweep.runs[2].settings.lr_d = 9e-3
    sweep.save(tmp_path / "all.sweep")
    loaded = Sweep.load(tmp_path / "all.sweep")
    assert hashes(loaded) == hashes(sweep)
    for each in (sweep, loaded):
        each.step(4)
    assert hashes(loaded) == hashes(sweep)
    assert loaded.acts == sweep.acts
    assert loaded.varied == sweep.varied
    pair = zip(loaded.runs, sweep.runs, strict=True)
    assert all(np.array_equal(a.history["loss_d"], b.history["loss_d"]) for a, b in pair)
    state = sweep.state_dict()
    loaded.step(2)
    loaded.load_state_dict(state)
    assert hashes(loaded) == hashes(sweep)
    with pytest.raises(gw.CheckpointError, match="3 runs"):
        Sweep("ring8", seeds=2).load_state_dict({**state, "runs": state["runs"][:1] * 3})


def test_a_folder_keeps_the_sweep(tmp_path):
    folder = tmp_path / "rates"
    sweep = Sweep("ring8", lr_d=[1e-3, 2e-3], run=folder, **SMALL)
    sweep.step(4)
    with pytest.raises(gw.CheckpointError, match="in use"):
        Sweep.load(folder)
    sweep.close()
    sweep.step(1)
    loaded = Sweep.load(folder)
    assert loaded.iteration == 4
    loaded.step(1)
    assert hashes(loaded) == hashes(sweep)
    loaded.close()
    with pytest.raises(gw.CheckpointError, match=r"Sweep\.load"):
        Sweep("ring8", run=folder)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    with pytest.raises(gw.CheckpointError, match=r"notes\.txt"):
        Sweep("ring8", run=tmp_path / "other")


@pytest.mark.parametrize("damage", [lambda b: b[:-40], lambda b: b"", lambda b: b[:900] + b"x" + b[901:]])
def test_a_damaged_file_is_refused(tmp_path, damage):
    file = tmp_path / "all.sweep"
    Sweep("ring8", seeds=2, **SMALL).save(file)
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(gw.CheckpointError, match=r"all\.sweep"):
        Sweep.load(file)


@pytest.mark.parametrize(
    ("where", "forged"),
    [
        (("varied",), ["nothing"]),
        (("varied",), "lr_g"),
        (("varied", 0), 5),
        (("acts", 0, "changes"), {"nothing": 1}),
        (("acts", 0, "runs"), [[1]]),
        (("acts", 0, "reason"), 5),
        (("acts", 0, "seq"), "first"),
    ],
)
def test_a_forged_sweep_is_refused(tmp_path, where, forged):
    sweep = Sweep("ring8", lr_g=[1e-3, 1e-4], **SMALL)
    sweep.respawn(1, source=0, lr_d=1e-3)
    sweep.save(tmp_path / "all.sweep")
    tensors, document = read_checkpoint(tmp_path / "all.sweep")
    inner = document["sweep"]
    for name in where[:-1]:
        inner = inner[name]
    inner[where[-1]] = forged
    write_checkpoint(tmp_path / "all.sweep", tensors, document)
    with pytest.raises(gw.CheckpointError, match=r"all\.sweep"):
        Sweep.load(tmp_path / "all.sweep")


def test_files_of_trainers_and_of_sweeps_are_told_apart(tmp_path):
    GANTrainer("ring8", **SMALL).save(tmp_path / "one")
    Sweep("ring8", **SMALL).save(tmp_path / "many")
    with pytest.raises(gw.CheckpointError, match=r"GANTrainer\.load"):
        Sweep.load(tmp_path / "one")
    with pytest.raises(gw.CheckpointError, match=r"Sweep\.load.*take"):
        GANTrainer.load(tmp_path / "many")


@pytest.mark.parametrize(
    "configurations",
    [
        [{"lr_d": 1e-3}, {"lr_d": 2e-3}],
        [{"freeze_g": True}, {"d_steps": 3}, {"freeze_d": True, "g_steps": 2}],
    ],
)
def test_an_interrupt_leaves_whole_steps(monkeypatch, configurations):
    points = np.random.default_rng(0).normal(size=(90, 2))
    sweep, same = (
        Sweep(
            (points, np.arange(90) % 3),
            configurations=configurations,
            conditional=True,
            penalty="gradient_penalty",
            penalty_interval=2,
            **SMALL,
        )
        for _ in range(2)
    )
    sweep.step(3)
    calls = iter(range(100))
    tick = torch.autograd.grad

    def interrupted(*args, **kwargs):
        if next(calls) == 17:
            raise KeyboardInterrupt
        return tick(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(torch.autograd, "grad", interrupted)
        with pytest.raises(KeyboardInterrupt):
            sweep.step(10)
    same.step(3)
    assert hashes(sweep) == hashes(same)
    for each in (sweep, same):
        each.step(2)
    assert hashes(sweep) == hashes(same)


def test_when_every_run_has_ended_a_step_says_so():
    sweep = Sweep("ring8", **SMALL)
    sweep.kill(0)
    with pytest.raises(RuntimeError, match="respawn"):
        sweep.step()
    sweep.respawn(0)
    sweep.step()
    assert sweep.iteration == 1


def test_a_divergence_takes_no_step_from_runs_of_other_groups():
    wild = {"loss": "wasserstein", "optimizer_d": "sgd", "optimizer_g": "sgd", "lr_d": 10.0, "lr_g": 10.0}
    sweep = gw.Sweep("ring8", configurations=[wild, {}], g_hidden=(8,), d_hidden=(8,), batch_size=16)
    sweep.step(20)
    assert sweep.runs[0].status == "diverged"
    assert sweep.runs[1].iteration == 20
    assert sweep.acts[-1].iterations == (sweep.runs[0].iteration,)
