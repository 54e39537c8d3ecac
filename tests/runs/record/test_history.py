"""The history of a run: complete, within its memory budget, and reduced to correct envelopes."""

from __future__ import annotations

import copy
import gc
import tempfile
import threading
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganwidgets.runs.record.columns import CLASSIC, measured
from ganwidgets.runs.record.history import History
from ganwidgets.runs.store.history_rows import joined

DENSE, SPARSE = CLASSIC.dense, CLASSIC.sparse
COLUMNS = ("iteration", *CLASSIC.listed)


def record(iteration):
    return {name: float(np.sin(iteration * (k + 1))) for k, name in enumerate((*DENSE, *SPARSE))}


def filled(rows, **options):
    history = History(**options)
    for iteration in range(1, rows + 1):
        history.append(record(iteration))
    return history


def expected(rows):
    table = {name: np.full(rows, np.nan) for name in (*DENSE, *SPARSE)}
    for iteration in range(1, rows + 1):
        for name, value in record(iteration).items():
            if name in DENSE or measured(iteration):
                table[name][iteration - 1] = value
    return table


def assert_holds(history, rows, table=None):
    assert history.rows == rows
    assert np.array_equal(history["iteration"], np.arange(1, rows + 1))
    for name, values in (table or expected(rows)).items():
        assert np.array_equal(history[name], values[:rows], equal_nan=True), name


def test_costly_columns_are_measured_by_a_fixed_rule_at_least_every_tenth_iteration():
    assert [i for i in range(1, 41) if measured(i)] == [1, 10, 20, 30, 40]


@pytest.mark.parametrize("rows", [0, 1, 9, 10, 11, 100])
def test_appended_rows_are_read_back(rows):
    assert_holds(filled(rows), rows)


def test_columns_are_copies():
    history = filled(30)
    history["loss_d"][:] = 0
    frame = history.to_frame()
    frame.loc[:, "loss_g"] = 0
    assert_holds(history, 30)


@pytest.mark.parametrize("budget", [0, 10_000, 100_000])
def test_rows_beyond_the_budget_are_on_disk_and_read_back_equal(budget):
    rows = 12_345
    history = filled(rows, memory_budget=budget)
    assert_holds(history, rows)
    assert_holds(History.restored(history.stored()), rows)
    assert history._dense["loss_d"]._in_file > 0


def test_memory_stays_within_the_budget():
    budget = 500_000
    history = filled(10, memory_budget=budget)
    row = record(1)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(70_000):
        history.append(row)
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 1.2 * budget
    assert len(history.stored()["loss_d"]) * 8 > budget


def test_the_history_stays_complete_if_the_disk_is_full(monkeypatch):
    def full(**_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.warns(RuntimeWarning, match="No space left"):
        history = filled(5_000, memory_budget=0)
    assert_holds(history, 5_000)


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("append"), st.integers(1, 300)),
            st.tuples(st.just("resize"), st.integers(0, 600)),
        ),
        max_size=8,
    )
)
def test_resizing_cuts_or_pads_the_history_and_the_run_continues(moves):
    history, table = History(memory_budget=0), expected(0)
    rows = 0
    for move, n in moves:
        if move == "append":
            for iteration in range(rows + 1, rows + n + 1):
                history.append(record(iteration))
            more = expected(rows + n)
            table = {name: np.concatenate([values, more[name][rows:]]) for name, values in table.items()}
            rows += n
        else:
            history.resize(n)
            fill = np.full(max(n - rows, 0), np.nan)
            table = {name: np.concatenate([values[:n], fill]) for name, values in table.items()}
            rows = n
        assert_holds(history, rows, table)


def test_a_row_whose_append_raised_is_dropped():
    history = filled(20)

    class Broken(dict):
        def __getitem__(self, name):
            if name == "loss_g":
                raise KeyboardInterrupt
            return super().__getitem__(name)

    with pytest.raises(KeyboardInterrupt):
        history.append(Broken(record(21)))
    history.resize(20)
    for iteration in range(21, 41):
        history.append(record(iteration))
    assert_holds(history, 40)


# --- envelopes --------------------------------------------------------------------------------------


def by_brute_force(iterations, values, edges):
    for start, stop in edges:
        part = values[start:stop]
        yield int(iterations[start:stop].mean()), part.min(), part.mean(), part.max()


@given(
    st.integers(0, 700),
    st.integers(1, 40),
    st.lists(st.integers(1, 200), max_size=5),
    st.sampled_from(["loss_d", "accuracy_real"]),
)
def test_an_envelope_covers_every_value_exactly_once(rows, points, looks, name):
    history = History(memory_budget=0)
    for iteration in range(1, rows + 1):
        history.append(record(iteration))
        if iteration in looks:
            history.envelope(name, points)
    values = history[name]
    iterations = history["iteration"][np.isfinite(values)].astype(float)
    values = values[np.isfinite(values)]
    middle, low, mean, high = history.envelope(name, points)
    assert len(middle) == len(low) == len(mean) == len(high) <= points
    assert np.all(np.diff(middle) > 0)
    width = 1
    while -(-len(values) // width) > points:
        width *= 2
    edges = [(start, start + width) for start in range(0, len(values), width)]
    wanted = list(by_brute_force(iterations, values, edges))
    if len(middle) != len(wanted):  # Buckets may be twice as wide as needed, never wider.
        edges = [(start, start + 2 * width) for start in range(0, len(values), 2 * width)]
        wanted = list(by_brute_force(iterations, values, edges))
    assert len(middle) == len(wanted)
    for got, want in zip(zip(middle, low, mean, high, strict=True), wanted, strict=True):
        assert got == pytest.approx(want)


def test_an_envelope_of_few_rows_equals_the_rows():
    history = filled(10)
    middle, low, mean, high = history.envelope("loss_d", 50)
    assert middle.tolist() == list(range(1, 11))
    assert low.tolist() == mean.tolist() == high.tolist() == history["loss_d"].tolist()


def test_an_envelope_follows_a_truncated_history():
    history = filled(100)
    before = copy.deepcopy(history.envelope("loss_d", 8))
    history.resize(50)
    middle, *_ = history.envelope("loss_d", 8)
    assert middle[-1] <= 50
    for iteration in range(51, 101):
        history.append(record(iteration))
    for one, other in zip(before, history.envelope("loss_d", 8), strict=True):
        assert one == pytest.approx(other)


def test_an_envelope_is_updated_in_time_proportional_to_the_new_rows():
    history = filled(20_000)
    history.envelope("loss_d", 100)
    reads = []
    column = history._dense["loss_d"]
    original = column.read
    column.read = lambda start=0: reads.append(start) or original(start)
    history.append(record(20_001))
    history.envelope("loss_d", 100)
    assert reads == [20_000]


# --- other threads ----------------------------------------------------------------------------------


def test_reading_is_safe_while_the_run_trains():
    history, failures, stop = History(memory_budget=0), [], threading.Event()

    def read():
        while not stop.is_set():
            for name in COLUMNS:
                values = history[name]
                if name in DENSE and not np.array_equal(values, expected_dense[name][: len(values)]):
                    failures.append(name)
            frame = history.to_frame()
            if len(frame.columns) != 6:
                failures.append("frame")

    rows = 3_000
    expected_dense = {name: values for name, values in expected(rows).items() if name in DENSE}
    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for iteration in range(1, rows + 1):
        history.append(record(iteration))
        if iteration % 1_000 == 0:
            history.resize(iteration - 500)
            for again in range(iteration - 499, iteration + 1):
                history.append(record(again))
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures


def test_an_unknown_column_is_named():
    history = filled(3)
    assert list(history) == list(COLUMNS)
    assert len(history) == len(COLUMNS)
    assert "loss_d" in history
    assert "loss" not in history
    with pytest.raises(KeyError, match="no column 'loss'"):
        history["loss"]


def test_missing_columns_of_an_older_history_read_as_not_measured():
    history = History()
    for iteration in range(1, 26):
        history.append({**record(iteration), "penalty_d": 0.5})
    assert list(history) == [*COLUMNS, "penalty_d"]
    older = {name: column for name, column in history.stored().items() if name != "penalty_d"}
    again = History.restored(older)
    assert np.isnan(again["penalty_d"]).all()
    assert np.array_equal(again["loss_d"], history["loss_d"])
    for iteration in range(26, 31):
        again.append({**record(iteration), "penalty_d": 0.5})
    start, columns = joined([(1, older), (26, again.since(25))])
    assert start == 1
    assert len(columns["loss_d"]) == 30
    assert np.array_equal(columns["penalty_d"], [np.nan, np.nan, np.nan, 0.5], equal_nan=True)


@pytest.mark.parametrize("budget", [0, 10_000, 10_000_000])
def test_a_copy_until_an_earlier_row_shares_its_chunks_and_both_grow_independently(budget):
    rows, parted = 2_345, 1_999
    history = filled(rows, memory_budget=budget)
    begun = history.until(parted)
    column, shared = history._dense["loss_d"], begun._dense["loss_d"]
    assert all(one is other for one, other in zip(column._chunks, shared._chunks, strict=False))
    assert_holds(begun, parted)
    for iteration in range(parted + 1, rows + 500):
        begun.append({name: -value for name, value in record(iteration).items()})
    for iteration in range(rows + 1, rows + 500):
        history.append(record(iteration))
    assert_holds(history, rows + 499)
    assert_holds(begun.until(parted), parted)
    signs = np.where(np.arange(rows + 499) < parted, 1, -1)
    table = {name: signs * values for name, values in expected(rows + 499).items()}
    assert_holds(begun, rows + 499, table)


@given(st.integers(0, 60), st.integers(1, 60), st.integers(0, 120))
def test_optional_columns_begin_with_their_first_value_and_cost_nothing_before(before, after, cut):
    history = filled(before)
    assert not set(CLASSIC.optional) & set(history.stored())
    for iteration in range(before + 1, before + after + 1):
        history.append({**record(iteration), "level": float(iteration)})
    rows = before + after
    level = np.array([n if measured(n) and n > before else np.nan for n in range(1, rows + 1)])
    used = not np.isnan(level).all()
    assert set(CLASSIC.optional) & set(history.stored()) == ({"level"} if used else set())
    parts = [(1, filled(before).stored()), (before + 1, history.since(before))]
    for kept in (
        history,
        History.restored(history.stored()),
        History.restored(joined(parts if before else parts[1:])[1]),
    ):
        assert ("level" in list(kept)) is used
        assert np.array_equal(kept["level"], level, equal_nan=True)
        assert np.isnan(kept["augment_p"]).all()
        assert kept["augment_p"].shape == (rows,)
        assert np.array_equal(kept.until(min(cut, rows))["level"], level[:cut], equal_nan=True)
        assert len(kept.envelope("augment_p", 16)[0]) == len(kept.envelope("level", 16)[0])


@given(st.lists(st.tuples(st.integers(0, 25), st.booleans()), min_size=1, max_size=12))
def test_rows_of_many_iterations_equal_those_added_one_by_one(parts):
    together, alone = History(), History()
    for n, known in parts:
        iterations = range(alone.rows + 1, alone.rows + n + 1)
        rows = [{**record(i), **({"level": float(i)} if known else {})} for i in iterations]
        for iteration, row in zip(iterations, rows, strict=True):
            alone.append(row, 0.5, 20.0 * iteration)
        names = (*DENSE, *SPARSE, *(["level"] if known else []))
        columns = {name: np.array([row[name] for row in rows]) for name in names}
        together.extend({**columns, "samples_seen": 20.0 * np.array(iterations, np.float64)}, 0.5)
    mine, its = together.stored(), alone.stored()
    assert mine.keys() == its.keys()
    for name, column in its.items():
        np.testing.assert_allclose(mine[name], column, rtol=1e-12, err_msg=name)
