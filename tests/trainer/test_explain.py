import numpy as np
import pytest
import torch
from torch import nn

import ganwidgets as gw

SMALL = {"g_hidden": (8,), "d_hidden": (8,), "batch_size": 16}


def trained(**options):
    trainer = gw.GANTrainer(options.pop("data", "ring8"), **{**SMALL, **options})
    trainer.step(20)
    trainer.change("too fast", lr_d=3e-2, d_steps=2)
    trainer.step_d(2)
    trainer.step(20)
    return trainer


def everything(trainer):
    frame = trainer.history.to_frame().to_csv()
    timeline = trainer.timeline
    return (
        trainer.state_hash(),
        trainer.interventions,
        frame,
        timeline.branches,
        timeline.place,
        timeline.snapshots,
    )


def own_networks():
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
    discriminator = nn.Sequential(nn.Linear(2, 8), nn.Dropout(0.3), nn.LeakyReLU(0.2), nn.Linear(8, 1))
    return {"generator": generator, "discriminator": discriminator, "latent_dim": 2}


@pytest.mark.parametrize(
    "options",
    [{"loss": "relativistic"}, {"data": "digits", "conditional": True}, own_networks()],
    ids=["relativistic", "labels", "own"],
)
def test_the_recomputed_update_equals_the_original(options):
    trainer = trained(**options)
    before, drawn = everything(trainer), torch.get_rng_state()
    for iteration in (1, 21, 40):
        why = trainer.explain(iteration)
        assert why.equal
        assert why.losses["loss_g"] == trainer.history["loss_g"][iteration - 1]
        assert why.updates[-1].loss == why.losses["loss_g"]
    assert [(u.network, u.number) for u in why.updates] == [
        ("discriminator", 1),
        ("discriminator", 2),
        ("generator", 1),
    ]
    assert len(why.real) == 16
    assert why.noise.shape == (16, trainer.settings.latent_dim)
    assert repr(why)
    assert why._repr_html_()
    assert everything(trainer) == before
    assert torch.equal(torch.get_rng_state(), drawn)


def test_batches_are_those_of_the_data():
    points = np.arange(64, dtype=np.float32).reshape(32, 2) / 64
    trainer = trained(data=points)
    real = trainer.explain(30).real
    known = {tuple(row) for row in points.tolist()}
    assert {tuple(row) for row in real.tolist()} <= known


def test_costliest_samples_are_sorted_and_from_the_batch():
    why = trained().explain(35)
    costly = why.costliest(3)
    update = why.updates[1]
    assert update.network == "discriminator"
    assert torch.equal(costly["real"][0], update.real[update.cost_real.argmax()])
    assert torch.equal(costly["generated"][0], update.generated[update.cost_generated.argmax()])


def test_a_replay_measures_the_effect_of_an_intervention():
    trainer, calm = trained(), gw.GANTrainer("ring8", **SMALL)
    why = trainer.explain(30)
    assert why.last_intervention.setting in {"lr_d", "d_steps"}
    calm.step(20)
    calm.step_d(2)
    calm.step(20)
    other = why.without_intervention
    assert "lr_d 0.002 -> 0.03" in other.without
    assert "d_steps 1 -> 2" in other.without
    assert np.array_equal(other.otherwise["loss_d"], calm.history["loss_d"][29:])
    assert np.array_equal(other.actual["loss_d"], trainer.history["loss_d"][29:])
    assert trainer.explain(15).without_intervention is None


def test_a_replay_measures_the_effect_of_a_batch():
    why = trained().explain(38)
    other = why.without_batch
    assert list(other.iterations) == [38, 39, 40]
    assert other.otherwise["loss_d"][0] != other.actual["loss_d"][0]


def test_gradients_are_compared_with_those_of_earlier_iterations():
    trainer = trained()
    trainer.change(loss="wasserstein", lr_d=1e-4, lr_g=1e-4)
    trainer.discriminator[0].weight.data.mul_(50)
    trainer.step(1)
    why = trainer.explain(41)
    norms = {(each.network, each.layer): each for each in why.layers}
    assert {network for network, _ in norms} == {"generator", "discriminator"}
    usual = norms["generator", "0"]
    assert usual.usual[0] <= usual.usual[1]
    assert any(each.unusual for each in why.layers)


@pytest.mark.parametrize("iteration", [1, 3])
def test_no_value_is_called_usual_without_earlier_iterations(iteration):
    trainer = gw.GANTrainer("ring8", **SMALL)
    trainer.step(8)
    why = trainer.explain(iteration)
    assert why.equal
    assert not any(each.unusual for each in why.layers)
    assert "too few iterations" in str(why)
    for text in (str(why), why._repr_html_()):
        assert "usually nan" not in text
        assert "nan - nan" not in text
    assert "usually" in str(trainer.explain(6))


def test_explaining_a_run_without_steps_raises():
    with pytest.raises(ValueError, match="no step was taken"):
        gw.GANTrainer("ring8", **SMALL).explain(1)


def test_iterations_of_branches_and_run_folders_are_explained(tmp_path):
    trainer = trained(run=tmp_path / "run")
    trainer.timeline.goto(25)
    trainer.change(lr_g=1e-4)
    trainer.step(5)
    assert trainer.explain(28).last_intervention.setting == "lr_g"
    assert trainer.explain(22).last_intervention.setting in {"lr_d", "d_steps"}
    trainer.close()
    again = gw.open_run(tmp_path / "run")
    assert again.explain(28).equal
    assert again.explain(3).equal
    again.close()


@pytest.mark.parametrize("iteration", [0, 41, -1, 2.5, True])
def test_steps_that_were_not_taken_are_refused(iteration):
    trainer = trained()
    with pytest.raises(ValueError, match="from 1 to 40"):
        trainer.explain(iteration)


def test_iterations_before_a_loaded_file_cannot_be_explained(tmp_path):
    trained().save(tmp_path / "saved.gan")
    loaded = gw.GANTrainer.load(tmp_path / "saved.gan")
    loaded.step(2)
    assert loaded.explain(42).equal
    with pytest.raises(ValueError, match="from 41 to 42"):
        loaded.explain(40)
