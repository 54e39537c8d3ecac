"""Reported changes: a listener that stores all of them has the whole run, after any sequence of moves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_exactness import VALUES, few

from ganwidgets import DivergedError, GANTrainer
from ganwidgets.runs.record.places import Position
from ganwidgets.runs.record.snapshots import thinned
from ganwidgets.runs.timeline.changes import Reporter

SMALL = {"g_hidden": (4,), "d_hidden": (4,), "latent_dim": 2, "batch_size": 8}


class Store:
    """Stores the reported changes, like a run folder."""

    def __init__(self, trainer):
        self.trainer = trainer
        self.reporter = Reporter(trainer._session)
        self.branches = []
        self.interventions = []
        self.rows = {}
        self.snapshots = set()

    def write(self):
        news = self.reporter.news()
        self.branches += news.branches
        self.interventions = [*self.interventions[: news.first_seq], *news.interventions]
        for stretch in news.history:
            start = next(b.start for b in self.branches if b.id == stretch.branch)
            origin = next(b.origin for b in self.branches if b.id == stretch.branch)
            begin = start.iteration if origin == "fork" else 0
            known = self.rows.get(stretch.branch, [])
            kept = stretch.first - 1 - begin
            assert 0 <= kept <= len(known)
            assert len(stretch.columns["loss_d"]) == stretch.rows
            self.rows[stretch.branch] = [*known[:kept], *stretch.columns["loss_d"]]
        assert not self.snapshots & set(news.snapshots)
        assert set(news.dropped) <= self.snapshots
        self.snapshots = (self.snapshots | set(news.snapshots)) - set(news.dropped)
        self.reporter.mark_stored(news)

    def check(self):
        self.write()
        timeline = self.trainer.timeline
        assert self.branches == list(timeline.branches.values())
        assert self.interventions == timeline.interventions
        for branch in self.branches:
            history = timeline.history(branch.name)["loss_d"]
            begin = branch.start.iteration if branch.origin == "fork" else 0
            np.testing.assert_array_equal(self.rows.get(branch.id, []), history[begin:])
        assert sorted(map(repr, (s.place for s in self.snapshots))) == sorted(map(repr, timeline.snapshots))
        news = self.reporter.news()
        assert not [*news.branches, *news.interventions, *news.history, *news.snapshots, *news.dropped]


share = st.floats(0, 1, exclude_max=True)
move = st.one_of(
    st.tuples(st.just("step"), few),
    st.tuples(st.just("step_d"), few),
    st.tuples(st.just("lr_d"), st.sampled_from(VALUES["lr_d"])),
    st.tuples(st.just("goto"), share),
    st.tuples(st.just("switch"), share),
    st.sampled_from([("fork",), ("undo",), ("load",), ("reset",), ("diverge",), ("write",), ("write",)]),
)


def carry_out(trainer, store, what, *arguments):
    timeline = trainer.timeline
    names = list(timeline.branches)
    match what:
        case "step" | "step_d":
            getattr(trainer, what)(*arguments)
        case "lr_d":
            trainer.settings.lr_d = arguments[0]
        case "goto":
            first = (
                0
                if not trainer._session.branches.roots[
                    trainer._session.branches.root_of(trainer._session.branches.current)
                ].first.iteration
                else trainer.timeline.tip()
            )
            timeline.goto(first + int(arguments[0] * (timeline.tip() - first + 1)))
        case "switch":
            timeline.switch(names[int(arguments[0] * len(names))])
        case "fork":
            timeline.fork(f"fork {len(names)}")
        case "undo" if trainer.interventions:
            timeline.undo()
        case "load":
            trainer.load_state_dict(trainer.state_dict())
        case "reset":
            trainer.reset()
        case "diverge":
            trainer.change(optimizer_d="sgd", lr_d=10.0, loss="least_squares", weight_clip=0)
            hook = trainer.discriminator.register_forward_hook(lambda m, i, o: o * 1e30)
            with pytest.raises(DivergedError):
                trainer.step(3)
            hook.remove()
            trainer.change(optimizer_d="adam", lr_d=1e-3, loss="hinge")
        case "write":
            store.write()


@given(moves=st.lists(move, min_size=3, max_size=25))
@settings(max_examples=40)
def test_stored_changes_add_up_to_the_whole_run(moves):
    trainer = GANTrainer("ring8", **SMALL)
    store = Store(trainer)
    for what in [("step", 3), *moves]:
        carry_out(trainer, store, *what)
    store.check()


def test_steps_undone_by_a_failure_are_reported_again():
    trainer = GANTrainer("ring8", **SMALL)
    store = Store(trainer)
    trainer.step(5)
    store.write()
    trainer.step_d(2)
    store.write()
    trainer.step(7)
    store.write()
    moments = next(iter(trainer._session.state.optimizers["generator"].state.values()))
    moments["exp_avg_sq"].fill_(float("inf"))
    with pytest.raises(DivergedError):
        trainer.step(200)
    store.check()


def test_changes_that_were_not_stored_are_reported_again():
    trainer = GANTrainer("ring8", **SMALL)
    store = Store(trainer)
    trainer.step(5)
    store.reporter.news()
    trainer.step(5)
    store.check()


def test_kept_snapshots_have_gaps_that_grow_with_age():
    places = [Position(0, i, 0) for i in range(0, 1000, 10)] + [Position(1, 3, 0)]
    while len(places) > 20:
        spared = thinned(places)
        assert spared
        assert len(set(spared)) == len(spared)
        places = [place for place in places if place not in spared[:3]]
    held = sorted(place.iteration for place in places)
    spaces = np.diff(held)
    assert spaces[:4].mean() > 2 * spaces[-4:].mean()
