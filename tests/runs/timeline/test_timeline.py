"""Time travel: every place of a run is restored bit for bit, the run continues from it, and nothing is lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_exactness import KINDS, VALUES, Player, few
from torch import nn
from torch.utils.data import Dataset

import ganwidgets as gw
from ganwidgets import DivergedError, GANTrainer
from ganwidgets.live import Runner

pytestmark = pytest.mark.filterwarnings("ignore:.*with batch norm:ganwidgets.DataWarning")

SMALL = {"g_hidden": (8,), "d_hidden": (8,), "latent_dim": 2, "batch_size": 8}
HERE = Path(__file__).parents[1]


def small(**settings):
    return GANTrainer("ring8", **{**SMALL, **settings})


# --- any sequence of moves --------------------------------------------------------------------------


class Traveller(Player):
    """Plays moves, stores the hash of every place, and compares whenever it returns to one."""

    def __init__(self, kind):
        super().__init__(kind)
        self.seen = {}
        self.tips = {}
        self.befores = {}
        self.note()

    @property
    def timeline(self):
        return self.trainer.timeline

    def owned(self, iteration, branch=None):
        """Return the branch that contains that iteration on the current path, and the iteration."""
        branches = self.trainer._session.branches
        number = branches.named(branch or self.timeline.branch).id
        return branches.owner(number, iteration), iteration

    def note(self):
        self.seen[self.owned(self.trainer.iteration)] = self.trainer.state_hash()

    def step(self, n):
        for _ in range(n):
            self.trainer.step()
            assert self.timeline.at_tip
            self.note()

    def reset(self, seed):
        before = self.leave()
        self.trainer.reset(seed)
        assert self.trainer.interventions[-1].hash_before == before
        self.note()

    def load(self):
        state = self.trainer.state_dict()
        self.leave()
        self.trainer.load_state_dict(state)
        self.note()

    def leave(self):
        """Store the hash of the tip, and return the hash without pending changes."""
        if self.timeline.at_tip:
            self.tips[self.timeline.branch] = self.trainer.state_hash(), self.trainer.interventions
        return self.trainer._session.hash_in_force()

    def goto(self, share, of):
        self.leave()
        names = list(self.timeline.branches)
        name = names[int(of * len(names))]
        branches = self.trainer._session.branches
        first = branches.roots[branches.root_of(branches.named(name).id)].first.iteration
        iteration = first + int(share * (self.timeline.tip(name) - first + 1))
        before = len(self.timeline.branches), self.timeline.interventions
        self.timeline.goto(iteration, name)
        assert (len(self.timeline.branches), self.timeline.interventions) == before
        assert self.timeline.branch == name
        assert self.trainer.state_hash() == self.seen[self.owned(iteration)]
        assert self.trainer.history.rows == iteration

    def fork(self):
        self.leave()
        name = f"fork {len(self.timeline.branches)}"
        before = self.trainer.state_hash()
        self.timeline.fork(name)
        assert self.timeline.branch == name
        assert self.timeline.at_tip
        assert self.trainer.state_hash() == before

    def switch(self, of):
        self.leave()
        names = list(self.timeline.branches)
        name = names[int(of * len(names))]
        self.timeline.switch(name)
        assert self.timeline.at_tip
        expected, interventions = self.tips[name]
        assert self.trainer.state_hash() == expected
        assert [r.as_dict() | {"seq": 0} for r in self.trainer.interventions] == [
            r.as_dict() | {"seq": 0} for r in interventions
        ]

    def undo(self):
        self.leave()
        log = self.trainer._session.log
        if log.asked or not log.lineage:
            return
        record = self.trainer.interventions[-1]
        self.timeline.undo()
        assert self.trainer.state_hash() == record.hash_before or not record.hash_before
        assert not self.trainer._session.log.asked

    def check(self):
        """Go to every place."""
        self.leave()
        for name in list(self.timeline.branches):
            branches = self.trainer._session.branches
            first = branches.roots[branches.root_of(branches.named(name).id)].first.iteration
            for iteration in range(first, self.timeline.tip(name) + 1):
                self.timeline.goto(iteration, name)
                assert self.trainer.state_hash() == self.seen[self.owned(iteration)]
        for name, (expected, _) in self.tips.items():
            self.timeline.switch(name)
            assert self.trainer.state_hash() == expected


share = st.floats(0, 1, exclude_max=True)
move = st.one_of(
    st.tuples(st.just("step"), few),
    st.tuples(st.just("step_d"), few),
    st.tuples(st.just("step_g"), few),
    st.sampled_from(sorted(VALUES)).flatmap(
        lambda name: st.tuples(st.just("change"), st.just(name), st.sampled_from(VALUES[name]))
    ),
    st.tuples(st.just("goto"), share, share),
    st.tuples(st.just("goto"), share, share),
    st.tuples(st.just("switch"), share),
    st.sampled_from([("fork",), ("undo",), ("undo",), ("load",), ("reset", None), ("reset", 5)]),
)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("copies_every", [100, 3])
@given(moves=st.lists(move, min_size=4, max_size=25))
@settings(max_examples=15)
def test_every_place_is_restored_after_any_moves(kind, copies_every, moves):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ganwidgets.runs.session.rollback.SNAPSHOT_EVERY", copies_every)
        traveller = Traveller(kind)
        traveller.play([("step", 2), *moves, ("step", 2)])
        traveller.check()


@pytest.mark.parametrize("kind", KINDS)
@given(moves=st.lists(move, min_size=4, max_size=20))
@settings(max_examples=8)
def test_a_script_reproduces_the_current_state(kind, moves):
    traveller = Traveller(kind)
    traveller.play([("step", 2), *(move for move in moves if move != ("load",))])
    again = replayed(traveller.timeline.script(), kind, traveller.made["data"])
    assert again.state_hash() == traveller.trainer.state_hash()


def replayed(script, kind, data):
    """Carry out a script with its placeholders filled in."""
    made = KINDS[kind]()
    for name in ("generator", "discriminator", "objective"):
        script = script.replace(f"{name} = ...", f"{name} = own[{name!r}]")
    names = {"own": made, "given": data}
    exec(script.replace("data = ...", "data = given"), names)  # noqa: S102 - our own text
    return names["trainer"]


@pytest.mark.parametrize("kind", KINDS)
def test_continuing_from_the_past_equals_an_uninterrupted_run(kind):
    trainer, whole = Player(kind).trainer, Player(kind).trainer
    for run in (trainer, whole):
        run.step(6)
        run.step_d(2)
        run.settings.optimizer_g = "rmsprop"
    trainer.step(5)
    trainer.settings.batch_size = 4
    trainer.step(5)
    trainer.timeline.goto(9)
    assert trainer.settings.batch_size == 8
    trainer.step(8)
    whole.step(11)
    assert trainer.timeline.branch == "branch 2"
    assert trainer.state_hash() == whole.state_hash()
    for column in ("loss_d", "loss_g"):
        assert np.array_equal(trainer.history[column], whole.history[column])
    assert trainer.interventions == whole.interventions


TRAVEL = """
import sys
import torch
torch.set_num_threads(1)
sys.path[:0] = [{tests!r}, {here!r}]
from test_timeline import travelled
for kind in {kinds!r}:
    print(travelled(kind))
"""


def travelled(kind):
    """Return the hash of a run after several travels."""
    trainer = Player(kind).trainer
    trainer.step(7)
    trainer.settings.loss = "hinge"
    trainer.step(5)
    trainer.timeline.goto(9)
    trainer.settings.lr_d = 0.004
    trainer.step(3)
    trainer.timeline.switch("main")
    trainer.step_g(2)
    trainer.timeline.fork("another")
    trainer.timeline.goto(10, "branch 2")
    trainer.step(4)
    return trainer.state_hash()


def test_another_process_restores_the_same_states():
    script = TRAVEL.format(tests=str(HERE.parent), here=str(HERE / "timeline"), kinds=list(KINDS))
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, cwd=HERE.parent.parent
    )
    direct = []
    for kind in KINDS:
        trainer = Player(kind).trainer
        trainer.step(7)
        trainer.settings.loss = "hinge"
        trainer.step(2)
        trainer.settings.lr_d = 0.004
        trainer.step(5)
        direct.append(trainer.state_hash())
    assert len(set(done.stdout.split())) == len(KINDS)
    assert [travelled(kind) for kind in KINDS] == done.stdout.split()
    assert len(direct) == len(KINDS)


# --- branches ---------------------------------------------------------------------------------------


def test_visiting_the_past_makes_no_branch_and_continuing_makes_one():
    trainer = small()
    trainer.step(10)
    timeline = trainer.timeline
    for iteration in (3, 0, 10, 7):
        timeline.goto(iteration)
        assert (trainer.iteration, timeline.at_tip) == (iteration, iteration == 10)
        trainer.step(0)
    assert list(timeline.branches) == ["main"]
    assert timeline.tip() == 10
    assert timeline.history().rows == 10
    assert trainer.history.rows == 7
    trainer.settings.lr_d = 0.5
    trainer.step_d()
    assert list(timeline.branches) == ["main", "branch 2"]
    branch = timeline.branches["branch 2"]
    assert (branch.id, branch.parent, branch.origin) == (1, 0, "fork")
    assert (branch.start.branch, branch.start.iteration) == (0, 7)
    assert (timeline.branch, timeline.tip(), timeline.tip("main")) == ("branch 2", 7, 10)
    assert [(r.setting, r.branch, r.iteration) for r in trainer.interventions] == [
        ("lr_d", 1, 7),
        ("step_d", 1, 7),
    ]
    timeline.switch("main")
    assert trainer.interventions == []
    assert [r.setting for r in timeline.interventions] == ["lr_d", "step_d"]
    assert repr(timeline) == "<Timeline at iteration 10 of 'main'>"


def test_a_branch_of_a_branch_starts_on_the_branch_that_contains_its_start():
    trainer = small()
    timeline = trainer.timeline
    trainer.step(10)
    timeline.goto(6)
    trainer.step(6)
    timeline.goto(4)
    assert timeline.branch == "branch 2"
    trainer.step()
    assert timeline.branches["branch 3"].parent == 0
    timeline.goto(9, "branch 2")
    timeline.fork("named")
    assert timeline.branches["named"].parent == 1
    assert timeline.at_tip


def test_a_tip_keeps_its_pending_changes():
    trainer = small()
    trainer.step(5)
    trainer.step_g(2)
    trainer.change("soon", lr_g=0.25)
    expected = trainer.state_hash(), trainer.interventions
    trainer.timeline.goto(5)
    assert trainer.interventions == []
    assert not trainer.timeline.at_tip
    trainer.timeline.switch("main")
    assert (trainer.state_hash(), trainer.interventions) == expected
    trainer.timeline.goto(5)
    trainer.step()
    assert trainer.timeline.branch == "branch 2"


def test_names_are_unique_and_not_empty():
    trainer = small()
    for name in ("", "  ", "main", None, 3):
        with pytest.raises(ValueError, match=r"main|named"):
            trainer.timeline.fork(name)
    trainer.timeline.fork("branch 3")
    with pytest.raises(ValueError, match="there is no branch 'x'; there are main, branch 3"):
        trainer.timeline.switch("x")
    trainer.step(3)
    trainer.timeline.goto(1)
    trainer.step()
    assert list(trainer.timeline.branches) == ["main", "branch 3", "branch 4"]


@pytest.mark.parametrize(
    "name",
    [
        "a\nb",
        "\x1b[31mred",
        "a\0",
        "\u202egnp.exe",
        "\u2028",
        "a" * 101,
        "a" * 10_000,
        "\ud800",
        "zero\u200bwidth",
    ],
)
def test_an_unprintable_name_is_refused_with_a_short_message(name):
    trainer = small()
    with pytest.raises(ValueError, match=r"cannot be named|at most 100") as caught:
        trainer.timeline.fork(name)
    assert len(str(caught.value)) < 300
    assert str(caught.value).isprintable()
    assert list(trainer.timeline.branches) == ["main"]


def test_unicode_forms_of_accented_names_are_equal():
    timeline = small().timeline
    timeline.fork("e\u0301te\u0301")
    assert timeline.branch == "\xe9t\xe9"
    with pytest.raises(ValueError, match="there is a branch"):
        timeline.fork("\xe9t\xe9")
    timeline.switch("main")
    timeline.switch("e\u0301te\u0301")
    assert timeline.branch == "\xe9t\xe9"
    for name in ("\U0001f468\u200d\U0001f469\u200d\U0001f467", "\u6771\u4eac", "a" * 100):
        timeline.fork(name)
        assert timeline.branch == name


@pytest.mark.parametrize("iteration", [-1, 6, 2.5, True, "3", None])
def test_an_unreachable_place_is_refused_and_nothing_changes(iteration):
    trainer = small()
    trainer.step(5)
    before = trainer.state_hash()
    with pytest.raises(ValueError, match="branch 'main' goes from 0 to 5"):
        trainer.timeline.goto(iteration)
    assert trainer.state_hash() == before
    assert trainer.timeline.at_tip


def test_updates_of_one_network_after_a_fork_do_not_change_the_beginning_of_the_fork():
    trainer = small()
    timeline = trainer.timeline
    trainer.step(2)
    trainer.step_d(2)
    before = trainer.state_hash()
    timeline.fork("other")
    timeline.switch("main")
    trainer.step_d(3)
    assert [r.new for r in trainer.interventions] == [2, 3]
    timeline.switch("other")
    assert trainer.state_hash() == before
    assert [r.new for r in trainer.interventions] == [2]


# --- undo -------------------------------------------------------------------------------------------


def test_undo_goes_to_just_before_the_change_and_treats_one_iteration_as_one():
    trainer = small()
    timeline = trainer.timeline
    with pytest.raises(ValueError, match="nothing to undo"):
        timeline.undo()
    trainer.step(4)
    before = trainer.state_hash()
    trainer.change("both", lr_d=0.5, lr_g=0.25)
    trainer.step(4)
    trainer.settings.loss = "hinge"
    timeline.undo()
    assert trainer.settings.loss == "non_saturating"
    assert (trainer.iteration, timeline.at_tip) == (8, True)
    timeline.undo()
    assert (trainer.iteration, trainer.state_hash()) == (4, before)
    assert not timeline.at_tip
    timeline.switch("main")
    timeline.undo(1)
    assert trainer.state_hash() == before
    for seq in (2, -1, True, "0"):
        with pytest.raises(ValueError, match="there is no intervention"):
            timeline.undo(seq)


def test_undo_of_a_reset_restores_the_run_before_it():
    trainer = small()
    trainer.step(4)
    before = trainer.state_hash()
    trainer.settings.g_hidden = (5,)
    trainer.reset(3)
    trainer.step(2)
    trainer.timeline.undo()
    assert trainer.state_hash() == before
    assert trainer.timeline.branch == "main"
    assert trainer.generator[0].out_features == 8


def test_a_loaded_run_has_nothing_before_its_start(tmp_path):
    trainer = small()
    trainer.step(4)
    trainer.settings.lr_d = 0.5
    trainer.step(4)
    trainer.timeline.goto(6)
    trainer.step(1)
    trainer.save(tmp_path / "run")
    loaded = GANTrainer.load(tmp_path / "run")
    assert list(loaded.timeline.branches) == ["main"]
    assert loaded.timeline.branches["main"].origin == "load"
    assert loaded.history.rows == loaded.iteration == 7
    assert [r.setting for r in loaded.interventions] == ["lr_d"]
    with pytest.raises(ValueError, match="before the run was loaded"):
        loaded.timeline.undo()
    with pytest.raises(ValueError, match="goes from 7 to 7"):
        loaded.timeline.goto(6)
    with pytest.raises(ValueError, match="no script can reproduce it"):
        loaded.timeline.script()
    assert loaded.state_hash() == trainer.state_hash()
    loaded.step(3)
    trainer.step(3)
    loaded.timeline.goto(8)
    trainer.timeline.goto(8)
    assert loaded.state_hash() == trainer.state_hash()


# --- failures ---------------------------------------------------------------------------------------


class Failure(Exception):  # noqa: N818 - it is what happens, in these tests
    pass


class Fragile(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1))
        self.calls_left = 10**9

    def forward(self, x):
        made = self.layers(x)
        self.calls_left -= 1
        if self.calls_left < 0:
            raise self.failure
        return made


@pytest.mark.parametrize("failure", [Failure(), KeyboardInterrupt()])
@pytest.mark.parametrize("calls", [0, 1, 17])
@pytest.mark.parametrize("past", [False, True])
@pytest.mark.parametrize("fresh", [False, True])
def test_a_failure_during_a_travel_leaves_the_run_unchanged(failure, calls, past, fresh):
    def make():
        run = GANTrainer("ring8", discriminator=Fragile(), latent_dim=2, batch_size=8)
        run.step(20)
        if fresh:
            run.reset(3)
            run.step(20)
        run.step_d(2)
        run.settings.lr_d = 0.5
        if past:
            run.timeline.goto(17)
            run.settings.lr_g = 0.5
        return run

    trainer, twin = make(), make()
    trainer.discriminator.failure = failure
    trainer.discriminator.calls_left = calls
    before = trainer.timeline.place, trainer.interventions, trainer.timeline.at_tip
    with pytest.raises((type(failure), gw.DataError)) as caught:
        trainer.timeline.goto(9, "main")
    assert "The run is where it was: at iteration" in caught.value.__notes__[0]
    trainer.discriminator.calls_left = 10**9
    assert (trainer.timeline.place, trainer.interventions, trainer.timeline.at_tip) == before
    assert trainer.state_hash() == twin.state_hash()
    for run in (trainer, twin):
        run.step(3)
    assert trainer.state_hash() == twin.state_hash()
    assert list(trainer.timeline.branches) == list(twin.timeline.branches)
    for run in (trainer, twin):
        run.timeline.goto(9, "main")
    assert trainer.state_hash() == twin.state_hash()


WILD = {"lr_d": 10.0, "lr_g": 10.0, "optimizer_d": "sgd", "optimizer_g": "sgd", "loss": "least_squares"}


@pytest.mark.parametrize("at_once", [True, False])
def test_a_diverged_run_is_repaired_on_a_branch(at_once):
    trainer, twin = small(), small()
    for run in (trainer, twin):
        run.step(150)
        run.change("too wild", **WILD)
    with pytest.raises(DivergedError):
        trainer.step(2000) if at_once else [trainer.step() for _ in range(2000)]
    end = trainer.iteration
    assert trainer.timeline.tip() == end
    expected = trainer.state_hash()
    trainer.timeline.undo()
    trainer.step(40)
    assert (trainer.timeline.branch, trainer.iteration) == ("branch 2", 190)
    trainer.change("again", **WILD)
    trainer.timeline.fork("wild again")
    with pytest.raises(DivergedError):
        trainer.step(2000)
    assert trainer.timeline.branch == "wild again"
    assert trainer.history.rows == trainer.iteration == trainer.timeline.tip()
    assert [r.branch for r in trainer.interventions] == [2] * 5
    trainer.timeline.switch("main")
    assert trainer.state_hash() == expected
    twin.step(end - 150)
    assert trainer.state_hash() == twin.state_hash()
    trainer.timeline.goto(end, "main")
    with pytest.raises(DivergedError):
        trainer.step(5)


def test_a_callback_cannot_travel():
    trainer = small()
    trainer.step(3)
    trainer.on_step(lambda record: trainer.timeline.goto(1))
    with pytest.raises(RuntimeError, match="in the middle of a step"):
        trainer.step()


# --- snapshots --------------------------------------------------------------------------------------


def test_snapshots_moved_to_disk_are_restored(monkeypatch):
    monkeypatch.setattr("ganwidgets.runs.session.rollback.SNAPSHOT_EVERY", 5)
    trainer = small()
    snapshots = trainer._session.snapshots
    monkeypatch.setattr(snapshots, "_memory_budget", 150_000)
    monkeypatch.setattr(snapshots, "_disk_budget", 1_000_000)
    hashes = [trainer.state_hash()]
    for _ in range(300):
        trainer.step()
        hashes.append(trainer.state_hash())
    assert snapshots._in_memory <= 150_000
    assert snapshots._on_shelf <= 1_000_000
    assert any(snapshot.tree is None for snapshot in snapshots)
    folder = snapshots._shelf._folder
    held = [place.iteration for place in trainer.timeline.snapshots]
    assert held[0] == 0
    spaces = np.diff(held)
    assert spaces[:3].mean() > spaces[-3:].mean()
    for iteration in (300, 299, 7, 0, 150, 33):
        trainer.timeline.goto(iteration)
        assert trainer.state_hash() == hashes[iteration]
    assert len(list(folder.iterdir())) == sum(snapshot.tree is None for snapshot in snapshots)
    for path in folder.iterdir():
        path.write_bytes(b"not what it was")
    trainer.timeline.switch("main")
    with pytest.warns(gw.CheckpointWarning, match="is lost"):
        trainer.timeline.goto(150)
    assert trainer.state_hash() == hashes[150], "from the first state, which memory still had"


def test_memory_stays_bounded_if_no_file_can_be_written(monkeypatch):
    monkeypatch.setattr("ganwidgets.runs.session.rollback.SNAPSHOT_EVERY", 5)
    trainer = small()
    snapshots = trainer._session.snapshots
    monkeypatch.setattr(snapshots, "_memory_budget", 50_000)

    def full(*_arguments, **_keywords):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.mkdtemp", full)
    with pytest.warns(RuntimeWarning, match="older snapshots of this run are given up") as caught:
        trainer.step(100)
    assert len(caught) == 1
    assert snapshots._in_memory <= 50_000
    expected = small()
    expected.step(60)
    trainer.timeline.goto(60)
    assert trainer.state_hash() == expected.state_hash()


# --- live -------------------------------------------------------------------------------------------


def test_a_travel_of_a_live_run_is_carried_out_between_two_steps():
    trainer, twin = small(), small()
    runner = Runner(trainer)
    try:
        runner.step(30)
        trainer.timeline.goto(12)
        assert trainer.iteration == 12
        trainer.timeline.fork("calmer")
        trainer.settings.lr_d = 1e-4
        trainer.step(5)
        assert trainer.timeline.branch == "calmer"
        assert trainer.iteration == 17
    finally:
        runner.close()
    twin.step(12)
    twin.settings.lr_d = 1e-4
    twin.step(5)
    assert trainer.state_hash() == twin.state_hash()


def test_lazily_read_data_and_changing_architectures():
    class Numbers(Dataset):
        def __len__(self):
            return 30

        def __getitem__(self, index):
            return torch.tensor([float(index), 1.0]) / 30

    trainer = GANTrainer(Numbers(), **SMALL)
    trainer.step(5)
    first = trainer.state_hash()
    trainer.change(data="moons", g_hidden=(4, 4), latent_dim=3)
    trainer.step(2)
    trainer.reset(1)
    trainer.step(4)
    second = trainer.state_hash()
    trainer.change(data=np.ones((20, 2), np.float32) * np.arange(20, dtype=np.float32)[:, None])
    trainer.reset()
    trainer.step(3)
    third = trainer.state_hash()
    for iteration, branch, expected in [
        (5, "main", first),
        (4, "branch 2", second),
        (3, "branch 3", third),
    ] * 2:
        trainer.timeline.goto(iteration, branch)
        assert trainer.state_hash() == expected


def test_data_in_force_that_no_branch_started_with_is_saved_too(tmp_path):
    first, second = (np.random.default_rng(i).normal(size=(30, 2)).astype(np.float32) for i in range(2))
    trainer = GANTrainer(first, **SMALL)
    trainer.step(2)
    trainer.settings.data = second
    trainer.step(2)
    trainer.settings.data = "moons"
    trainer.save(tmp_path / "run")
    loaded = GANTrainer.load(tmp_path / "run")
    for run in (trainer, loaded):
        run.step(2)
    assert loaded.state_hash() == trainer.state_hash()
    # Data loaded from the file are named by their type.
    assert [{**r, "old": None} for r in loaded.interventions] == [
        {**r, "old": None} for r in trainer.interventions
    ]
    trainer.timeline.undo()
    loaded.timeline.undo()
    assert loaded.state_hash() == trainer.state_hash() == trainer.timeline.interventions[-1].hash_before
