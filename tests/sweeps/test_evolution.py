"""Population-based training: who is replaced by whom, that it is logged, and that it repeats."""

from __future__ import annotations

from typing import Any

import pytest
import traitlets

import ganwidgets as gw

SMALL: dict[str, Any] = {"g_hidden": (8,), "d_hidden": (8,), "batch_size": 16}


def made(**settings: Any) -> gw.Sweep:
    return gw.Sweep("ring8", lr_g=[1e-6, 3e-3], seeds=2, **{**SMALL, **settings})


def test_the_worst_become_changed_copies_of_the_best_and_every_act_is_logged() -> None:
    sweep = made()
    acts = sweep.evolve(120, every=60, explore=("lr_g", "d_steps"), factors=(2.0,))
    assert len(acts) == 2
    assert acts == sweep.acts
    rates = [1e-6, 1e-6, 3e-3, 3e-3]
    for act in acts:
        assert act.action == "respawn"
        assert act.source not in (None, *act.runs)
        rates[act.runs[0]] = 2 * rates[act.source or 0]
        assert act.changes["lr_g"] == pytest.approx(rates[act.runs[0]])
        assert act.changes["d_steps"] in (1, 2, 3)
        assert act.reason.startswith("evolve: sliced_wasserstein ")
    first = acts[0]
    assert first.iterations == (60,)
    changed = [r for r in sweep.runs[first.runs[0]].interventions if r.iteration == 60]
    assert {r.setting for r in changed} <= {"lr_g", "d_steps"}
    assert changed


def test_it_repeats_however_it_is_divided() -> None:
    one, other = made(), made()
    one.evolve(80, every=40, seed=3)
    for n in (30, 30, 20):
        other.evolve(n, every=40, seed=3)
    assert [a.stored() for a in one.acts] == [a.stored() for a in other.acts]
    assert [r.state_hash() for r in one.runs] == [r.state_hash() for r in other.runs]


def test_a_diverged_run_is_replaced_and_a_stopped_one_is_left() -> None:
    wild = {"loss": "wasserstein", "optimizer_d": "sgd", "optimizer_g": "sgd", "lr_d": 10.0, "lr_g": 10.0}
    sweep = gw.Sweep("ring8", configurations=[wild, {}, {"seed": 1}, {"seed": 2}], **SMALL)
    sweep.kill(3)
    sweep.evolve(100, every=100)
    assert [run.status for run in sweep.runs] == ["new", "running", "running", "stopped"]
    assert sweep.runs[0].settings.loss == "non_saturating"
    assert [run.iteration for run in sweep.runs] == [100, 100, 100, 0]


@pytest.mark.parametrize(
    ("wrong", "error", "told"),
    [
        ({"metric": "fid"}, ValueError, "fid"),
        ({"share": 0.7}, ValueError, "share"),
        ({"every": 0}, ValueError, "every"),
        ({"factors": (0.0,)}, ValueError, "factors"),
        ({"explore": ("lr_x",)}, traitlets.TraitError, "lr_x"),
        ({"explore": ("loss",)}, traitlets.TraitError, "loss"),
        ({"explore": ("latent_dim",)}, traitlets.TraitError, "latent_dim"),
    ],
)
def test_what_cannot_be_evolved_is_refused(wrong: dict[str, Any], error: type[Exception], told: str) -> None:
    sweep = made()
    with pytest.raises(error, match=told):
        sweep.evolve(10, **wrong)
    assert sweep.iteration == 0
