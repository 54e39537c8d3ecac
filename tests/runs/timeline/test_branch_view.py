"""The past updated step by step equals the past computed at once."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ganwidgets import GANTrainer
from ganwidgets.runs.timeline.branch_view import BranchView, TimelineViewer

SMALL = {"g_hidden": (4,), "d_hidden": (4,), "latent_dim": 2, "batch_size": 8}

MOVES = (
    "change",
    "change",
    "ask",
    "step",
    "step_d",
    "goto",
    "switch",
    "fork",
    "undo",
    "reset",
    "load",
    "look",
)


def made(trainer, move, number):
    timeline = trainer.timeline
    match move:
        case "change":
            trainer.change(lr_d=1e-3 * (1 + number))
            trainer.step()
        case "ask":
            trainer.settings.lr_g = 1e-3 * (1 + number)
        case "step":
            trainer.step(1 + number % 3)
        case "step_d":
            trainer.step_d(1 + number % 3)
        case "goto":
            first, last = timeline.first(), timeline.tip()
            timeline.goto(first + number % (last - first + 1))
        case "switch":
            names = list(timeline.branches)
            timeline.switch(names[number % len(names)])
        case "fork":
            timeline.fork(f"fork {len(timeline.branches)}")
        case "undo":
            # Nothing was changed yet, or nothing before is reachable, so there is nothing to undo.
            try:
                timeline.undo()
            except ValueError:
                return
        case "reset":
            trainer.reset()
        case "load":
            trainer.load_state_dict(trainer.state_dict())


def plainly(trainer):
    """Compute the whole past from the public API."""
    timeline = trainer.timeline
    branches, lineage = [], []
    for branch in timeline.branches.values():
        forked = branch.origin == "fork"
        first = branch.start.iteration if forked else timeline.first(branch.name)
        branches.append(
            BranchView(
                branch.id, branch.name, branch.parent if forked else None, first, timeline.tip(branch.name)
            )
        )
    here = branches[timeline.place.branch]
    while here is not None:
        lineage.append(here.id)
        here = None if here.parent is None else branches[here.parent]
    return {
        "branches": tuple(branches),
        "interventions": tuple(timeline.interventions),
        "led_here": tuple(record for record in trainer.interventions if record.branch in lineage),
        "branch": timeline.place.branch,
        "iteration": trainer.iteration,
        "at_tip": timeline.at_tip,
        "first": branches[timeline.place.branch].first,
        "lineage": frozenset(lineage),
        "definitions": trainer.settings.definitions,
        "notes": (),
        "unlocked": (),
    }


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(MOVES), st.integers(0, 30), st.booleans()), max_size=25))
def test_the_past_updated_step_by_step_equals_the_past_computed_at_once(moves):
    trainer = GANTrainer("ring8", **SMALL)
    chronicle = TimelineViewer(trainer._session)
    for move, number, looks in [*moves, ("look", 0, True)]:
        made(trainer, move, number)
        if looks:
            assert vars(chronicle.now()) == plainly(trainer)


def test_unchanged_parts_are_not_rebuilt():
    trainer = GANTrainer("ring8", **SMALL)
    for number in range(5):
        made(trainer, "change", number)
    chronicle = TimelineViewer(trainer._session)
    before = chronicle.now()
    trainer.step(3)
    after = chronicle.now()
    assert (before.last, after.last) == (5, 8)
    assert after.interventions is before.interventions
    assert all(one is other for one, other in zip(after.led_here, before.led_here, strict=True))
    made(trainer, "change", 6)
    assert len(chronicle.now().led_here) == 6
    assert len(before.led_here) == len(before.interventions) == 5  # a copy, which must not change
