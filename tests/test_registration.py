"""Optimizers, architectures, metrics and panels of the user, added by public registration."""

from __future__ import annotations

import subprocess
import sys

import ipywidgets
import pytest
import torch
from torch import nn

import ganwidgets as gw
from ganwidgets.metrics import registered
from ganwidgets.runs.state.user_parts import built_in_game_of
from ganwidgets.widgets.panels import own_panels
from ganwidgets.widgets.trainer.layout.layout_values import KNOWN

SMALL = {"g_hidden": (8,), "d_hidden": (8,), "batch_size": 16}


def small_pair(spec, generator):
    pair = nn.Linear(spec.latent_dim, spec.shape[0]), nn.Linear(spec.d_shape[0], 1)
    with torch.no_grad():
        for network in pair:
            for parameter in network.parameters():
                parameter.normal_(generator=generator)
    return pair


def test_a_run_with_a_registered_optimizer_is_stored_travelled_and_replayed(tmp_path):
    gw.register_optimizer("nadam_of_mine", torch.optim.NAdam)
    trainer = gw.GANTrainer("ring8", optimizer_d="nadam_of_mine", run=tmp_path / "run", **SMALL)
    trainer.step(5)
    at_five = trainer.state_hash()
    trainer.step(7)
    trainer.settings.optimizer_g = "nadam_of_mine"
    trainer.step(5)
    end = trainer.state_hash()
    trainer.timeline.goto(5)
    assert trainer.state_hash() == at_five
    trainer.timeline.goto(17)
    assert trainer.state_hash() == end
    trainer.save(tmp_path / "file")
    loaded = gw.GANTrainer.load(tmp_path / "file")
    assert loaded.state_hash() == end
    assert loaded.step(3) == trainer.step(3)
    trainer.close()
    assert gw.replay(tmp_path / "run").equal


def test_a_registered_optimizer_takes_the_steps_of_torchs_own():
    gw.register_optimizer("adamax_of_mine", torch.optim.Adamax)
    trainer = gw.GANTrainer("ring8", optimizer_d="adamax_of_mine", lr_d=0.01, **SMALL)
    trainer.step()
    optimizer = trainer._session.state.optimizers["discriminator"]
    assert type(optimizer) is torch.optim.Adamax
    assert optimizer.param_groups[0]["lr"] == 0.01


@pytest.mark.parametrize("name", [*KNOWN, "scales", "map", "exhibits"])
def test_a_registered_panel_cannot_have_the_name_of_a_built_in_one(name):
    with pytest.raises(ValueError, match="already"):
        gw.register_panel(name, lambda: None)


class Loose(torch.optim.Optimizer):
    def __init__(self, params, lr):
        super().__init__(params, {"lr": lr})

    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p]["count"] = self.state[p].get("count", 0) + 1


@pytest.mark.parametrize(
    ("register", "pattern"),
    [
        (lambda: gw.register_optimizer("adam", torch.optim.NAdam), "already"),
        (lambda: gw.register_optimizer("My Adam", torch.optim.NAdam), "no name"),
        (lambda: gw.register_optimizer("loose", Loose), "count in something else than a tensor"),
        (lambda: gw.register_optimizer("lbfgs", torch.optim.LBFGS), "fails"),
        (lambda: gw.register_architecture("mlp", small_pair), "already"),
        (lambda: gw.register_metric("modes", lambda a, b: 0.0), "already"),
        (lambda: gw.register_metric("best", lambda a, b: 0.0, better="best"), "choose higher or lower"),
        (lambda: gw.register_metric("shown", lambda a, b: 0.0, format="zz"), "format of numbers"),
        (lambda: gw.register_panel("curves", lambda: None), "already"),
        (lambda: gw.register_panel("lr_d", lambda: None), "already"),
        (lambda: gw.register_panel("play", lambda: None), "already"),
        (lambda: gw.register_panel("often", lambda: None, interval=-1), "seconds from 0 on"),
        (lambda: gw.register_panel("often", lambda: None, interval="1"), "seconds from 0 on"),
    ],
)
def test_invalid_registrations_are_refused(register, pattern):
    with pytest.raises(ValueError, match=pattern):
        register()


def test_a_registered_architecture_is_chosen_by_its_name(tmp_path):
    gw.register_architecture("two_lines", small_pair, label="Two lines")
    trainer = gw.GANTrainer("ring8", architecture="two_lines", batch_size=16)
    assert isinstance(trainer.generator, nn.Linear)
    assert (
        gw.GANTrainer("ring8", architecture="two_lines", batch_size=16).state_hash() == trainer.state_hash()
    )
    trainer.step(3)
    trainer.save(tmp_path / "run")
    assert gw.GANTrainer.load(tmp_path / "run").state_hash() == trainer.state_hash()


def test_a_registered_metric_is_measured_on_points_and_images_and_live():
    gw.register_metric("spread_of_mine", lambda samples, real: samples.std() / real.std(), better="higher")
    trainer = gw.GANTrainer("ring8", **SMALL)
    samples, real = trainer.sample(2500, seed=0), trainer.real(2500, seed=0)
    expected = samples.numpy().std() / real.numpy().std()
    assert trainer.evaluate()["spread_of_mine"] == pytest.approx(expected, rel=1e-5)
    assert "spread_of_mine" in trainer.floors()
    images = gw.GANTrainer("digits", **SMALL)
    images.features = "pixels"
    assert images.evaluate(100)["spread_of_mine"] > 0
    w = gw.GANTrainerWidget(trainer)
    try:
        w.step(3)
        w.wait(timeout=60)
        assert w.metrics["spread_of_mine"] > 0
    finally:
        w.close()


class Counter:
    def __init__(self):
        self.widget = ipywidgets.HTML()

    def draw(self, frame):
        if frame.iteration == 3:
            raise RuntimeError("three")
        self.widget.value = str(frame.iteration)


def test_a_registered_panel_draws_every_frame_and_may_raise():
    made = []
    gw.register_panel("counter_of_mine", lambda: made.append(Counter()) or made[-1])
    w = gw.GANTrainerWidget("ring8", **SMALL)
    try:
        w.step(2)
        w.wait(timeout=60)
        assert made[-1].widget.value == "2"
        w.step(1)
        w.wait(timeout=60)
        (panel,) = [p for p in w._dashboard._panels if p.name == "counter_of_mine"]
        assert "three" in panel._trouble.value
        w.step(1)
        w.wait(timeout=60)
        assert (made[-1].widget.value, panel._trouble.value) == ("4", "")
    finally:
        w.close()
        from ganwidgets.widgets.panels import own_panels

        own_panels._registered.clear()


@pytest.mark.parametrize("built", [nn.Linear(2, 2), (), (nn.Linear(2, 2), nn.Linear(2, 1), None), None])
def test_a_builder_must_return_two_networks(built):
    gw.register_architecture("no_pair", lambda spec, generator: built)
    with pytest.raises(gw.DataError, match=r"no_pair.*a generator and a discriminator"):
        gw.GANTrainer("ring8", architecture="no_pair")


def torchs_layers(spec, _generator):
    g = nn.Sequential(nn.Linear(spec.latent_dim, 8), nn.ReLU(), nn.Linear(8, spec.shape[0]))
    d = nn.Sequential(nn.Linear(spec.d_shape[0], 8), nn.ReLU(), nn.Linear(8, 1))
    nn.init.xavier_uniform_(d[0].weight)
    nn.init.orthogonal_(g[0].weight)
    g.scale = nn.Parameter(torch.randn(3))
    d.shift = nn.Parameter(nn.Embedding(3, 2).weight.detach())
    return g, d


def test_initial_weights_of_torch_layers_follow_from_the_seed(tmp_path):
    gw.register_architecture("torchs_layers", torchs_layers)
    before = torch.get_rng_state()
    one, same, other = (
        gw.GANTrainer("ring8", architecture="torchs_layers", batch_size=16, seed=seed, run=tmp_path / name)
        for seed, name in ((1, "one"), (1, "same"), (2, "other"))
    )
    assert torch.equal(torch.get_rng_state(), before)
    assert one.state_hash() == same.state_hash() != other.state_hash()
    assert not torch.equal(one.generator[0].weight, other.generator[0].weight)
    one.step(3)
    one.close()
    assert gw.replay(tmp_path / "one").equal


def test_a_builder_that_fails_is_named():
    gw.register_architecture("fails", lambda spec: None)
    with pytest.raises(gw.DataError, match=r"fails.*failed: TypeError.*builder\(spec, generator\)"):
        gw.GANTrainer("ring8", architecture="fails")


def test_a_builder_may_refuse_what_it_does_not_support():
    def images_alone(_spec, _generator):
        raise gw.DataError("images only")

    gw.register_architecture("images_alone", images_alone)
    with pytest.raises(gw.DataError, match=r"^images only$"):
        gw.GANTrainer("ring8", architecture="images_alone")


@pytest.fixture
def own_metrics():
    known = dict(registered.OWN_METRICS)
    yield
    registered.OWN_METRICS.clear()
    registered.OWN_METRICS.update(known)


@pytest.mark.usefixtures("own_metrics")
def test_a_metric_that_fails_is_named():
    gw.register_metric("halved", lambda samples: 0.5)
    trainer = gw.GANTrainer("ring8", **SMALL)
    with pytest.raises(
        RuntimeError, match=r"'halved' failed: TypeError.*function\(samples, reference\).*\(20, 2\)"
    ):
        trainer.evaluate(20)


@pytest.mark.usefixtures("own_metrics")
def test_a_metric_that_writes_into_its_samples_changes_no_other():
    trainer = gw.GANTrainer("ring8", **SMALL)
    expected = trainer.evaluate(100)
    gw.register_metric("a_writer", lambda samples, real: float(samples.fill(0) is None))
    gw.register_metric("b_reader", lambda samples, real: float(abs(samples).max()))
    found = trainer.evaluate(100)
    assert found["b_reader"] > 0
    assert {name: found[name] for name in expected} == expected


IN_ANOTHER_PROCESS = """
import sys
import ganwidgets as gw
for path in sys.argv[1:]:
    try:
        gw.open_run(path)
    except gw.CheckpointError as error:
        print(error)
    try:
        print(len(gw.compare(path).to_frame()))
    except gw.CheckpointError as error:
        print(error)
"""


def test_another_process_names_the_registration_that_a_stored_run_needs(tmp_path):
    gw.register_optimizer("elsewhere", torch.optim.NAdam)
    gw.register_architecture("elsewhere_too", small_pair)
    kind = gw.Modality(name="shares", evaluate=lambda *_: {}, view="plane")
    points = torch.rand(40, 2)
    made = [
        gw.GANTrainer("ring8", optimizer_g="elsewhere", run=tmp_path / "a", **SMALL),
        gw.GANTrainer("ring8", architecture="elsewhere_too", run=tmp_path / "b", batch_size=16),
        gw.GANTrainer(points, kind=gw.register_modality(kind).name, run=tmp_path / "c", **SMALL),
    ]
    for trainer in made:
        trainer.step(1)
        trainer.close()
    lines = subprocess.run(
        [sys.executable, "-c", IN_ANOTHER_PROCESS, *(str(tmp_path / name) for name in "abc")],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    assert all("gw.register_optimizer" in line for line in lines[:2])
    assert all("gw.register_architecture" in line for line in lines[2:4])
    assert "gw.register_modality" in lines[4]
    assert lines[5] == "1", "a comparison needs no declaration of the data"
    assert not any("damaged" in line or "older copy" in line for line in lines)


def test_reading_a_run_of_a_users_game_by_path_names_the_way_to_open_it():
    with pytest.raises(gw.CheckpointError, match=r"'mine'.*gw\.open_run\(path, game="):
        built_in_game_of({"game": "mine"})
    assert built_in_game_of({}).name == "gan"


class Unfinished:
    """Creates no widget."""

    def draw(self, frame):
        raise AssertionError("never drawn")


def test_a_panel_that_cannot_be_created_shows_the_reason_in_its_place():
    gw.register_panel("unfinished", Unfinished)
    w = gw.GANTrainerWidget("ring8", **SMALL)
    try:
        panel = next(part for part in w.children if "gw-unfinished" in part._dom_classes)
        assert "AttributeError" in panel.children[0].value
        w.step(2)
        w.wait(timeout=60)
        assert w.error == ""
    finally:
        w.close()
        del own_panels._registered["unfinished"]
