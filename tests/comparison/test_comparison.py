import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import ganwidgets as gw
from ganwidgets.metrics.bootstrap import difference_of_means, mean_of_differences

SMALL = {"g_hidden": (8,), "d_hidden": (8,), "batch_size": 16}


def trained(steps=12, **settings):
    trainer = gw.GANTrainer(settings.pop("data", "ring8"), **{**SMALL, **settings})
    trainer.step(steps)
    return trainer


@pytest.fixture
def runs(tmp_path):
    """Three run folders; the last run is on a second branch."""
    for number, rate in enumerate((1e-3, 2e-3, 3e-3)):
        trainer = trained(run=tmp_path / f"run-{number}", lr_d=rate, seed=number)
        if number == 2:
            trainer.timeline.goto(5)
            trainer.change("calmer", lr_g=1e-4)
            trainer.step(3)
        trainer.close()
    return tmp_path


def everything(trainer):
    return (
        trainer.state_hash(),
        trainer.interventions,
        trainer.history.to_frame().to_csv(),
        trainer.timeline.branches,
        trainer.timeline.place,
        trainer.timeline.snapshots,
    )


def test_only_differences_are_shown():
    one, other = trained(seed=0), trained(seed=0, lr_d=1e-3)
    both = gw.compare(one, other)
    assert list(both.settings()) == ["lr_d"]
    assert list(both.settings()["lr_d"]) == [one.settings.lr_d, 1e-3]
    other.change("why", lr_g=1e-4)
    other.step()
    other.note("better now", 3)
    assert list(both.settings()) == ["lr_d", "lr_g", "interventions", "notes"]
    assert both.settings()["interventions"].iloc[1] == "12: lr_g 0.0005 -> 0.0001"
    assert both.settings()["notes"].iloc[1] == "3: better now"


def test_equal_runs_have_no_differences():
    assert gw.compare(trained(), trained()).settings().shape == (2, 0)


def test_data_of_the_user_is_identified_by_its_content():
    points = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    both = gw.compare(trained(data=points), trained(data=points + 1))
    assert list(both.settings()) == ["data"]
    assert both.settings()["data"].nunique() == 2


@pytest.mark.parametrize("against", ["iteration", "samples_seen", "seconds"])
def test_curves_equal_the_histories(against):
    one, other = trained(25), trained(12, batch_size=32)
    curves = gw.compare(one=one, other=other).curves("loss_d", against)
    assert curves.index.name == against
    for name, trainer in (("one", one), ("other", other)):
        assert np.array_equal(curves[name].dropna(), trainer.history["loss_d"])
    assert curves.index.is_monotonic_increasing
    if against == "samples_seen":
        assert curves["one"].last_valid_index() == one.samples_seen
        assert curves["other"].last_valid_index() == other.samples_seen


def test_unknown_columns_and_axes_are_named():
    both = gw.compare(trained(1), trained(1))
    with pytest.raises(ValueError, match="'loss_x'; there are iteration, loss_d"):
        both.curves("loss_x")
    with pytest.raises(ValueError, match="'minutes'; choose one of iteration"):
        both.curves("loss_d", "minutes")


def test_the_frame_has_one_row_per_run_with_its_last_evaluation():
    one, other = trained(seed=1), trained(20, seed=2)
    figures = other.evaluate(200)
    frame = gw.compare(one, other).to_frame()
    assert list(frame["iteration"]) == [12, 20]
    assert list(frame["seed"]) == [1, 2]
    assert list(frame["samples_seen"]) == [one.samples_seen, other.samples_seen]
    assert frame["sliced_wasserstein"].iloc[1] == figures["sliced_wasserstein"]
    assert frame["loss_d"].iloc[0] == one.history["loss_d"][-1]


def test_branches_of_a_run_are_compared():
    trainer = trained()
    trainer.timeline.goto(5)
    trainer.change(lr_d=1e-4)
    trainer.step(2)
    for comparison in (
        gw.compare(trainer),
        gw.compare(trainer.timeline),
        gw.compare((trainer, "main"), (trainer, "branch 2")),
        gw.compare(trainer, *trainer.timeline.branches.values()),
    ):
        assert set(comparison.runs) >= {"main", "branch 2"}
        assert list(comparison.to_frame().loc[["main", "branch 2"], "iteration"]) == [12, 7]
    assert list(gw.compare(trainer).settings()) == ["lr_d", "interventions"]
    samples = gw.compare(trainer).samples(5)
    assert torch.equal(samples["branch 2"], trainer.sample(5, seed=0))


def test_folders_files_patterns_and_trainers_are_compared_together(runs):
    live = trained(7, seed=9)
    live.save(runs / "saved.gan")
    together = gw.compare(str(runs / "*"), runs / "run-1", live)
    assert list(together.runs) == ["run-0", "run-1", "run-2", "saved.gan", "run-1 (2)", "run 3"]
    assert list(together.to_frame()["iteration"]) == [12, 12, 8, 7, 12, 7]
    assert list(gw.compare(runs / "run-2").runs) == ["run-2: branch 2", "run-2: main"]
    assert list(gw.compare((runs / "run-2", "main")).to_frame()["iteration"]) == [12]
    samples = together.samples(4, seed=3)
    assert torch.equal(samples["run 3"], samples["saved.gan"])
    assert torch.equal(samples["run-1"], samples["run-1 (2)"])


def test_the_record_of_a_folder_equals_that_of_its_trainer(runs):
    opened = gw.open_run(runs / "run-2")
    try:
        stored, live = (gw.compare(run) for run in (runs / "run-2", opened.timeline))
        for branch in ("main", "branch 2"):
            one, other = stored.runs[f"run-2: {branch}"], live.runs[branch]
            assert one.settings == other.settings
            assert one.interventions == other.interventions
            assert np.array_equal(one.column("loss_g"), other.column("loss_g"))
            assert one.versions == other.versions
    finally:
        opened.close()


def test_comparing_reads_no_tensor_and_changes_no_folder(runs, monkeypatch):
    def refuse(*_args, **_keywords):
        raise AssertionError("a tensor was read")

    def content():
        return {
            p: (p.stat().st_mtime_ns, p.read_bytes())
            for p in runs.rglob("*")
            if p.is_file() and not p.name.startswith("run.sqlite-")  # files of SQLite, which readers create
        }

    before = content()
    monkeypatch.setattr("ganwidgets.runs.store.folder.RunFolder.read_snapshot", refuse)
    monkeypatch.setattr("ganwidgets.stepping.assembly.assemble", refuse)
    comparison = gw.compare(runs / "run-*")
    comparison.settings(), comparison.curves("loss_d"), comparison.to_frame(), comparison._repr_html_()
    assert content() == before


def test_unreadable_entries_are_named_and_left_out(runs):
    (runs / "run-1" / "run.sqlite").write_bytes(b"no database")
    (runs / "text.txt").write_text("no run")
    (runs / "empty").mkdir()
    with pytest.warns(gw.CheckpointWarning) as warned:
        comparison = gw.compare(runs / "*")
    assert list(comparison.runs) == ["run-0", "run-2"]
    assert sorted("run-1" in str(w.message) for w in warned) == [False, True]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # each warning is shown once
        assert len(comparison) == 2


def test_a_path_without_a_run_raises(tmp_path):
    with pytest.raises(gw.CheckpointError, match="no run in"):
        gw.compare(tmp_path / "*")
    with pytest.raises(gw.CheckpointError, match="nowhere is not the folder of a run"):
        gw.compare(tmp_path / "nowhere")
    with pytest.raises(gw.CheckpointError, match=r"no run in the call compare\(\); pass trainers, sweeps"):
        gw.compare()
    with pytest.raises(TypeError, match="int cannot be compared"):
        gw.compare(3)


def test_a_folder_of_runs_is_refused_with_the_pattern_to_pass(runs):
    with pytest.raises(gw.CheckpointError, match=r"pattern '.*\*'"):
        gw.compare(runs)


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_stored_sweeps_are_compared_lane_by_lane(tmp_path, kind):
    sweep = gw.Sweep("ring8", lr_d=[1e-3, 2e-3], **SMALL, run=tmp_path / "folder")
    sweep.step(6)
    sweep.change(0, lr_d=1e-4)
    sweep.step(4)
    sweep.save(tmp_path / "file")
    sweep.close()
    stored = gw.compare(tmp_path / kind)
    assert list(stored.runs) == [f"{kind}: run 0", f"{kind}: run 1"]
    assert stored.settings()["lr_d"].tolist() == [1e-4, 2e-3]
    for run, name in zip(sweep.runs, stored.runs, strict=True):
        assert stored.curves("loss_d")[name].tolist() == run.history["loss_d"].tolist()
        assert stored.trainer(name).state_hash() == run.state_hash()
    assert len(gw.compare(sweep, tmp_path / "*")) == 6


def test_a_sweep_folder_is_updated_while_it_grows(tmp_path):
    sweep = gw.Sweep("ring8", seeds=2, **SMALL, run=tmp_path / "sweep")
    stored = gw.compare(tmp_path / "sweep")
    assert stored.to_frame()["iteration"].tolist() == [0, 0]
    sweep.step(3)
    sweep.close()
    frame = stored.to_frame()
    assert frame["iteration"].tolist() == [3, 3]
    assert frame["samples_seen"].dtype == np.int64


def test_training_runs_are_updated_and_not_disturbed(tmp_path):
    trained(run=tmp_path / "a").close()
    comparison = gw.compare(tmp_path / "*")
    assert list(comparison.runs) == ["a"]
    writer = trained(20, run=tmp_path / "b", seed=7)  # holds the folder and its lock during the whole test
    writer.change(lr_d=2e-3)
    writer.step(10)
    writer._session.autosave.save()
    assert list(comparison.to_frame()["iteration"]) == [12, 30]
    assert len(comparison.samples(3)) == 2
    writer.change(lr_d=1e-3)
    writer.step(10)
    writer._session.autosave.save()
    assert len(comparison.curves("loss_d")) == 40
    assert writer._session.autosave.fault is None
    writer.close()
    alone = trained(20, seed=7)
    for rate in (2e-3, 1e-3):
        alone.change(lr_d=rate)
        alone.step(10)
    assert gw.open_run(tmp_path / "b").state_hash() == alone.state_hash()
    assert gw.replay(tmp_path / "b").verdict == "equal"


def test_groups_over_seeds_are_compared():
    several = [trained(30, lr_d=rate, seed=seed) for rate in (1e-4, 1e-2) for seed in range(3)]
    comparison = gw.compare(several)
    assert list(comparison.groups()) == ["lr_d=0.0001", "lr_d=0.01"]
    over = comparison.over_seeds("loss_d")
    losses = np.stack([trainer.history["loss_d"] for trainer in several[:3]])
    assert np.allclose(over["lr_d=0.0001", "mean"], losses.mean(axis=0))
    assert np.array_equal(over["lr_d=0.0001", "low"], losses.min(axis=0))
    by = comparison.better_by("loss_d")
    assert by.paired
    assert by.counts == (3, 3)
    assert by.low <= by.difference <= by.high
    assert comparison.better_by("loss_d", "lr_d=0.01", "lr_d=0.0001").difference == -by.difference
    assert "95 % interval" in str(by)
    assert np.isfinite(comparison.better_by("sliced_wasserstein").difference)
    with pytest.raises(ValueError, match="'nothing' is not known of run"):
        comparison.better_by("nothing")
    with pytest.raises(ValueError, match=r"name two of lr_d=0\.0001; lr_d=0\.01"):
        comparison.better_by("loss_d", "lr_d=5", "lr_d=0.01")


def test_one_run_per_group_has_no_interval():
    by = gw.compare(trained(seed=0), trained(seed=0, lr_d=1e-2)).better_by("loss_d")
    assert np.isnan(by.low)
    assert not by.more_than_chance
    assert "too few" in str(by)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.floats(-5, 5), min_size=3, max_size=12), st.floats(-3, 3))
def test_intervals_contain_the_difference_and_move_with_it(values, shift):
    pairs = mean_of_differences([shift] * len(values))
    assert pairs.low == pytest.approx(shift)
    assert pairs.high == pytest.approx(shift)
    apart = difference_of_means(values, [value + 20 for value in values])
    assert apart.low <= apart.difference + 1e-9
    assert apart.difference <= apart.high + 1e-9
    assert apart.difference == pytest.approx(20)
    assert apart.more_than_chance == (apart.low > 0)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_false_positives_are_rare_for_any_number_of_runs(n):
    draws = np.random.default_rng(n)
    paired = [mean_of_differences(draws.normal(size=n)).more_than_chance for _ in range(150)]
    apart = [
        difference_of_means(draws.normal(size=n), draws.normal(size=n)).more_than_chance for _ in range(150)
    ]
    assert np.mean(paired) < 0.1  # .05 is expected; plain percentile intervals: .5 for two pairs
    assert np.mean(apart) < 0.1


def test_comparing_changes_no_bit_of_a_run():
    trainer = trained()
    trainer.timeline.goto(5)
    trainer.change(lr_d=1e-4)
    trainer.step(2)
    trainer.settings.lr_g = 1e-3
    before, drawn = everything(trainer), torch.get_rng_state()
    comparison = gw.compare(trainer)
    comparison.settings(), comparison.curves("loss_g"), comparison.to_frame(), comparison.samples(4)
    comparison.over_seeds("loss_d"), comparison._repr_html_(), repr(comparison)
    assert everything(trainer) == before
    assert torch.equal(torch.get_rng_state(), drawn)


def test_names_are_escaped_in_the_page():
    page = gw.compare({"<b>x</b>": trained(2), "y": trained(2, lr_d=1e-3)})._repr_html_()
    assert "<b>x</b>" not in page
    assert "&lt;b&gt;x&lt;/b&gt;" in page
