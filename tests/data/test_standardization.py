"""Tables whose columns have different units: trained as z-scores, shown and returned in their units."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch.utils.data import TensorDataset

import ganwidgets as gw
from ganwidgets.data.points.standardization import Standardization, is_well_scaled, measured_columns

RANDOM = np.random.default_rng(0)
N = 300
SMALL = {"g_hidden": (8,), "d_hidden": (8,), "batch_size": 50}


def table(**columns):
    return pd.DataFrame(columns)


INCOMES = table(income=RANDOM.normal(1e6, 2e5, N), rate=RANDOM.normal(2e-3, 1e-4, N))
YEARS = table(year=RANDOM.integers(1990, 2025, N), share=RANDOM.random(N))
TABLES = {
    "scales": INCOMES.to_numpy(),
    "frame": INCOMES,
    "years": YEARS,
    "integers": np.stack([RANDOM.integers(20, 80, N), RANDOM.integers(0, 90_000, N)], axis=1),
    "constant": table(x=RANDOM.normal(0, 500, N), k=7.0, year=2024),
    "heavy": RANDOM.lognormal(3, 3, (N, 3)),
    "seconds": 1.7e9 + RANDOM.random((N, 1)) * 60,
    "tiny": (RANDOM.normal(size=(N, 2)) * 1e-4).astype(np.float16).astype(np.float32),
    "tensor": torch.tensor(INCOMES.to_numpy()),
    "flags": table(flag=RANDOM.random(N) > 0.5, height=RANDOM.normal(170, 9, N)),
}
WELL_SCALED = {
    "normal": RANDOM.normal(size=(N, 2)),
    "unit": RANDOM.random((N, 3)),
    "off center": RANDOM.normal(3, 0.5, (N, 2)),
    "a constant": np.stack([RANDOM.random(N), np.full(N, 5.0)], axis=1),
    "few": RANDOM.random((6, 50)),
    "one": np.full((1, 2), 2000.0),
    "sparse": RANDOM.random((N, 40)) * (RANDOM.random((N, 40)) < np.linspace(0.002, 1, 40)),
}


@pytest.mark.parametrize("name", TABLES)
def test_badly_scaled_tables_train_as_z_scores_and_are_returned_in_their_units(name):
    source = gw.dataset(TABLES[name])
    every = torch.arange(N)
    scores, own = source.read(every), source.read_in_own_units(every)
    expected = np.asarray(TABLES[name], np.float64)
    assert "standardized" in repr(source)
    assert torch.equal(own, torch.tensor(expected).float())
    varying = expected.std(axis=0) > 0
    assert torch.allclose(
        scores[:, varying].double().std(dim=0, correction=0).clamp(max=1),
        torch.tensor(1.0).double(),
        atol=0.01,
    )
    assert scores[:, ~varying].count_nonzero() == 0
    tolerance = 1e-6 * (np.abs(expected).max(axis=0) + expected.std(axis=0))
    assert (np.abs(source.in_own_units(scores).double().numpy() - expected) <= tolerance).all()


@pytest.mark.parametrize("name", WELL_SCALED)
def test_well_scaled_tables_are_unchanged(name):
    source = gw.dataset(WELL_SCALED[name])
    assert "unscaled" in repr(source)
    assert source.options.standardize is False
    everything = source.read(torch.arange(source.size))
    assert torch.equal(everything, torch.tensor(WELL_SCALED[name]).float())


def test_presets_are_never_standardized():
    for preset in ("line", "disjoint", "grid25"):
        assert gw.dataset(preset).standardization is None
        with pytest.raises(gw.DataError, match="standardize= does not apply to the preset"):
            gw.dataset(preset, standardize=True)
    with pytest.raises(gw.DataError, match="standardize= does not apply to images"):
        gw.dataset(RANDOM.random((5, 8, 8)), standardize=True)
    assert gw.dataset(RANDOM.random((5, 8, 8)), standardize=False).kind == "images"


def test_the_users_choice_has_priority():
    plain = WELL_SCALED["normal"]
    assert gw.dataset(INCOMES, standardize=False).standardization is None
    assert gw.dataset(plain, standardize=True).standardization is not None
    source = gw.dataset(plain, standardize=([1, 0], [2, 4]))
    assert source.standardization == Standardization((1.0, 0.0), (2.0, 4.0))
    assert np.allclose(source.read(torch.arange(N)).numpy(), (plain - [1, 0]) / [2, 4], atol=1e-6)


@pytest.mark.parametrize(
    "value", ["yes", 1, ([0], [1]), ([0, 0], [1, -1]), ([0, np.nan], [1, 1]), ([], []), 3.5]
)
def test_data_that_cannot_be_standardized_are_refused(value):
    with pytest.raises(gw.DataError, match="standardize"):
        gw.GANTrainer(INCOMES, standardize=value)


@given(
    values=arrays(
        np.float64, st.tuples(st.integers(1, 40), st.integers(1, 3)), elements=st.floats(-1e30, 1e30)
    ),
)
def test_every_finite_table_has_finite_scores_and_is_restored(values):
    samples = torch.tensor(values)
    columns = measured_columns(samples)
    assert is_well_scaled(samples, columns) in (True, False)
    scores = columns.standardized(samples)
    assert scores.isfinite().all()
    room = 1e-6 * (samples.abs().amax(dim=0) + torch.tensor(columns.scales, dtype=torch.float64)) + 1e-37
    assert ((columns.original(scores).double() - samples).abs() <= room * scores.abs().clamp(min=1)).all()


def test_outliers_do_not_compress_the_other_values():
    column = torch.cat((torch.linspace(-1, 1, 1000), torch.tensor([1e9]))).double()[:, None]
    columns = measured_columns(column)
    assert columns.scales[0] == pytest.approx(0.57, abs=0.02)
    assert columns.standardized(column).isfinite().all()


def test_one_outlier_among_few_rows_does_not_decide_and_is_named():
    rows = np.random.default_rng(0).normal(size=(64, 2)) * 50 + 1000
    expected = gw.dataset(rows).standardization
    rows[63, 1] = 1e9
    with pytest.warns(gw.DataWarning, match=r"1 of the 128 numbers .* 1e\+09 in row 63"):
        found = gw.dataset(rows).standardization
    assert found.scales == pytest.approx(expected.scales, rel=0.2)


@pytest.mark.parametrize(
    "form",
    [lambda x: TensorDataset(torch.tensor(x)), lambda x: x.tolist(), lambda x: (x, np.arange(len(x)) % 3)],
)
def test_other_forms_of_a_table(form):
    source = gw.dataset(form(TABLES["scales"]))
    again = gw.dataset(TABLES["scales"])
    assert source.standardization == again.standardization
    assert torch.equal(source.read(torch.arange(5)), again.read(torch.arange(5)))


def test_a_column_that_is_constant_only_in_the_items_that_were_read():
    rows = torch.zeros(5000, 2)
    rows[:, 0] = torch.arange(5000)
    unread = next(k for k in range(4000, 5000) if k not in torch.linspace(512, 4999, 512).long().tolist())
    rows[unread, 1] = 3
    source = gw.dataset(TensorDataset(rows))
    assert source.read(torch.tensor([unread]))[0, 1] == 3
    assert source.read_in_own_units(torch.tensor([unread]))[0].tolist() == pytest.approx(
        [unread, 3], rel=1e-5
    )


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (lambda t: t.assign(city="Bern"), ["'city'", "no numbers", "'Bern'", "columns=["]),
        (lambda t: t.assign(kind=pd.Categorical(["a", "b"] * (N // 2))), ["'kind'", "'a'", "get_dummies"]),
        (
            lambda t: t.assign(income=t.income.where(t.index != 7)),
            ["'income'", "1 values", "row 7", "dropna"],
        ),
        (lambda t: t.assign(n=pd.array([1, None] * (N // 2), dtype="Int64")), ["'n'", "150 values", "row 1"]),
        (lambda t: t.assign(rate=np.inf), ["'rate'", "infinite"]),
    ],
)
def test_columns_without_numbers_are_named(broken, words):
    with pytest.raises(gw.DataError) as caught:
        gw.GANTrainer(broken(INCOMES))
    for word in words:
        assert word in str(caught.value)


def test_columns_keep_their_names():
    source = gw.dataset(YEARS.assign(label=0), labels="label")
    assert source.column_names == ("year", "share")
    assert "year 2008 ±" in repr(source)
    assert gw.dataset({"a": [1e6, 2e6, 3e6], "b": [1e-3, 2e-3, 3e-3]}, columns=["b", "a"]).column_names == (
        "b",
        "a",
    )
    numbered = pd.DataFrame(TABLES["scales"])
    assert gw.dataset(numbered).column_names == ("0", "1")


def test_a_run_shows_its_units_and_measures_z_scores():
    trainer = gw.GANTrainer(INCOMES, seed=0, **SMALL)
    trainer.step(30)
    sample = trainer.sample(500, seed=1).double()
    assert sample.dtype == torch.float64
    assert (sample.mean(dim=0) - torch.tensor([1e6, 2e-3])).abs().lt(torch.tensor([1e6, 5e-4])).all()
    expected = INCOMES.to_numpy(np.float32)
    rows = {tuple(row) for row in expected.tolist()}
    assert all(tuple(row) in rows for row in trainer.real(50, seed=2).tolist())
    scaled = gw.GANTrainer(
        (INCOMES - INCOMES.mean()) / INCOMES.std(ddof=0), seed=0, standardize=False, **SMALL
    )
    scaled.step(30)
    for name, value in scaled.evaluate().items():
        assert trainer.evaluate()[name] == pytest.approx(value, rel=1e-3)
        assert trainer.floors()[name] == pytest.approx(scaled.floors()[name], rel=1e-3)


def test_a_run_is_saved_with_its_units(tmp_path):
    for data in (INCOMES, (INCOMES, np.arange(N) % 3), TABLES["integers"], TABLES["constant"]):
        trainer = gw.GANTrainer(data, seed=0, holdout=0.1, run=tmp_path / f"run{id(data)}", **SMALL)
        trainer.step(3)
        trainer.save(tmp_path / "run.gan")
        trainer.close()
        for again in (gw.GANTrainer.load(tmp_path / "run.gan"), gw.open_run(trainer.run)):
            assert repr(again.source) == repr(trainer.source)
            assert again.state_hash() == trainer.state_hash()
            assert torch.equal(again.sample(5, seed=1), trainer.sample(5, seed=1))
            assert torch.equal(again.real(5, seed=1), trainer.real(5, seed=1))
            again.close()


def test_data_passed_again_is_read_with_the_same_scale(tmp_path):
    rows = TensorDataset(torch.tensor(TABLES["scales"]))
    for choice in (None, False, ([0.0, 0.0], [1e6, 1e-3])):
        trainer = gw.GANTrainer(rows, standardize=choice, seed=0, **SMALL)
        trainer.step(2)
        trainer.save(tmp_path / "run.gan")
        again = gw.GANTrainer.load(tmp_path / "run.gan", data=rows)
        assert again.source.standardization == trainer.source.standardization
        assert again.state_hash() == trainer.state_hash()


def test_fingerprints_depend_on_the_units():
    one, other = (gw.GANTrainer(INCOMES * unit, seed=0, **SMALL) for unit in (1, 1024))
    assert one.state_hash() != other.state_hash()
    with pytest.raises(gw.CheckpointError):
        other.load_state_dict(one.state_dict())


def test_the_script_names_the_decision():
    trainer = gw.GANTrainer(INCOMES, seed=0, **SMALL)
    trainer.step(1)
    script = trainer.timeline.script()
    assert "columns=('income', 'rate')" in script
    assert f"standardize={trainer.source.options.standardize!r}" in script
    plain = gw.GANTrainer(INCOMES, seed=0, standardize=False, **SMALL)
    plain.step(1)
    assert "standardize=False" in plain.timeline.script()


def test_conditional_tables():
    labels = np.arange(N) % 2
    shifted = INCOMES.to_numpy() + np.outer(labels, [5e6, 0])
    trainer = gw.GANTrainer((shifted, labels), conditional=True, seed=0, **SMALL)
    trainer.step(2)
    assert trainer.sample(4, labels=1).shape == (4, 2)
    assert trainer.source.standardization is not None
