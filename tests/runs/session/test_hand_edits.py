"""Changes of networks by hand are logged with a snapshot, and every state before and after can be restored."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

import ganwidgets as gw
from ganwidgets import DataError, GANTrainer

SMALL = {"g_hidden": (8,), "d_hidden": (8,), "batch_size": 16}


def built_in(**settings):
    return GANTrainer("ring8", **{**SMALL, **settings})


def networks():
    draw = torch.Generator().manual_seed(3)
    generator = nn.Sequential(
        nn.Linear(3, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 64), nn.Unflatten(1, (1, 8, 8))
    )
    discriminator = nn.Sequential(nn.Conv2d(1, 4, 4, 2, 1), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(64, 1))
    with torch.no_grad():
        for network in (generator, discriminator):
            for parameter in network.parameters():
                parameter.uniform_(-0.3, 0.3, generator=draw)
    return {"generator": generator, "discriminator": discriminator}


def own(**settings):
    return GANTrainer("digits", **networks(), latent_dim=3, batch_size=8, **settings)


def in_place(t):
    with torch.no_grad():
        t.generator[0].weight.mul_(0.5)


def through_data(t):
    t.discriminator[0].weight.data.mul_(0.5)


def swapped_data(t):
    t.discriminator[0].bias.data = torch.full_like(t.discriminator[0].bias, 0.25)


def through_numpy(t):
    t.generator[0].bias.detach().numpy()[0] = 1.0


def loaded(t):
    t.generator.load_state_dict({name: tensor * 0.5 for name, tensor in t.generator.state_dict().items()})


def negative_zero(t):
    t.generator[0].bias.data[0] = 0.0
    t.generator[0].bias.data[0] *= -1


def swapped_rows(t):
    t.generator[0].weight.data.copy_(t.generator[0].weight.data.flip(0))


def smallest(t):
    weight = t.discriminator[0].weight.data
    weight.view(-1)[3:4] = torch.nextafter(weight.view(-1)[3:4], torch.tensor([9.0]))


def replaced_parameter(t):
    t.generator[0].bias = nn.Parameter(torch.zeros_like(t.generator[0].bias))


def replaced_layer(t):
    layer = copy.deepcopy(t.discriminator[0])
    nn.init.constant_(layer.weight, 0.1)
    t.discriminator[0] = layer


def gradients_off(t):
    t.discriminator[0].weight.requires_grad_(False)


def all_gradients_off(t):
    t.discriminator.requires_grad_(False)


def broken_off(t):
    in_place(t)
    raise ZeroDivisionError


def both(t):
    in_place(t)
    through_data(t)


WAYS = [
    in_place, through_data, swapped_data, through_numpy, loaded, negative_zero, swapped_rows, smallest,
    replaced_parameter, replaced_layer, gradients_off, all_gradients_off, both,
]  # fmt: skip


def moved_buffers(t):
    t.generator.train()
    t.generator(torch.ones(8, 3))


MAKERS = {"built in": built_in, "own": own}


def tensors(trainer):
    return [
        t.detach().clone()
        for n in (trainer.generator, trainer.discriminator)
        for t in (*n.parameters(), *n.buffers())
    ]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("edit", [*WAYS, moved_buffers], ids=lambda edit: edit.__name__)
@pytest.mark.parametrize("at", [0, 7])
def test_a_change_by_hand_is_an_intervention_and_time_travel_stays_exact(make, edit, at, tmp_path):
    if edit is moved_buffers and make == "built in":
        pytest.skip("its networks have no buffers")
    trainer = MAKERS[make](run=tmp_path / "run")
    hashes = {}
    trainer.on_step(lambda record: hashes.update({record["iteration"]: None}))
    for _ in range(at):
        trainer.step()
        hashes[trainer.iteration] = trainer.state_hash()
    hashes[at] = trainer.state_hash()
    edit(trainer)
    edited = tensors(trainer)
    for _ in range(5):
        trainer.step()
        hashes[trainer.iteration] = trainer.state_hash()
    (record,) = trainer.interventions
    assert (record.author, record.setting, record.iteration) == ("user", "edit", at)
    assert record.new.split(".")[0] in {"generator", "discriminator"}
    assert record.hash_before == hashes[at]
    assert trainer.exact
    for iteration in sorted(hashes, key=lambda i: (i * 5) % 13):
        trainer.timeline.goto(iteration)
        assert trainer.state_hash() == hashes[iteration], iteration
    trainer.timeline.switch("main")
    assert trainer.state_hash() == hashes[at + 5]
    trainer.timeline.undo()
    assert trainer.state_hash() == hashes[at]
    trainer.timeline.switch("main")
    trainer.close()
    passed = {} if make == "built in" else networks()
    report = gw.replay(tmp_path / "run", **passed)
    assert report.equal, str(report)
    assert report.edits == ((at, record.new),)
    assert "by hand" in str(report)
    passed = {} if make == "built in" else networks()
    again = gw.open_run(tmp_path / "run", **passed)
    assert again.state_hash() == hashes[at + 5]
    for iteration in (at + 2, at, at + 5):
        again.timeline.goto(iteration)
        assert again.state_hash() == hashes[iteration]
    again.close()
    assert len(edited) == len(tensors(trainer))


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "rmsprop", "adam", "adamw"])
@pytest.mark.parametrize("edit", WAYS, ids=lambda edit: edit.__name__)
def test_a_saved_run_continues_like_the_original(make, optimizer, edit, tmp_path):
    trainer = MAKERS[make](optimizer_d=optimizer, optimizer_g=optimizer)
    trainer.step(3)
    edit(trainer)
    trainer.save(tmp_path / "run.gan")
    assert [record.setting for record in trainer.interventions] == ["edit"]
    again = GANTrainer.load(tmp_path / "run.gan", **({} if make == "built in" else networks()))
    assert again.state_hash() == trainer.state_hash()
    for each in (trainer, again):
        each.step(3)
    assert again.state_hash() == trainer.state_hash()


def test_parameters_without_requires_grad_are_not_updated():
    trainer = built_in()
    trainer.step(3)
    trainer.discriminator[0].requires_grad_(False)
    kept = trainer.discriminator[0].weight.detach().clone()
    others = trainer.discriminator[2].weight.detach().clone()
    trainer.step(3)
    assert torch.equal(trainer.discriminator[0].weight, kept)
    assert not torch.equal(trainer.discriminator[2].weight, others)
    assert "discriminator.0.weight (requires_grad False)" in trainer.interventions[-1].new
    trainer.discriminator[0].requires_grad_(True)
    trainer.step(3)
    assert not torch.equal(trainer.discriminator[0].weight, kept)
    trainer.timeline.goto(5)
    assert not trainer.discriminator[0].weight.requires_grad
    trainer.timeline.goto(2)
    assert trainer.discriminator[0].weight.requires_grad


@pytest.mark.parametrize("network", ["generator", "discriminator"])
def test_a_network_without_gradients_is_like_a_frozen_one(network):
    trainer, frozen = built_in(), built_in()
    for each in (trainer, frozen):
        each.step(1234 % 17)
    getattr(trainer, network).requires_grad_(False)
    frozen.change(**{f"freeze_{network[0]}": True})
    assert trainer.step(5)["iteration"] == frozen.step(5)["iteration"]
    assert all(map(torch.equal, tensors(trainer), tensors(frozen)))


def test_a_reset_restores_requires_grad():
    trainer, twin = own(), own()
    trainer.step(2)
    trainer.discriminator.requires_grad_(False)
    trainer.step()
    trainer.reset()
    trainer.step(2)
    twin.step(2)
    assert all(map(torch.equal, tensors(trainer), tensors(twin)))


def test_a_replaced_layer_is_trained():
    trainer = built_in()
    trainer.step(3)
    replaced_layer(trainer)
    layer = trainer.discriminator[0]
    before = layer.weight.detach().clone()
    trainer.step()
    assert trainer.discriminator[0] is layer
    assert not torch.equal(layer.weight, before)
    assert "optimizer state dropped" in trainer.interventions[-1].new


def wider(t):
    t.generator[0] = nn.Linear(t.generator[0].in_features, 9)


def another_class(t):
    t.generator[1] = nn.Tanh()


def other_options(t):
    t.generator[1] = nn.LeakyReLU(0.7)


def one_more(t):
    t.generator.append(nn.Identity())


def one_less(t):
    t.generator[0].bias = None


def another_dtype(t):
    t.discriminator.double()


def parametrized(t):
    nn.utils.parametrizations.weight_norm(t.discriminator[0])


def tied(t):
    t.discriminator[0].bias = t.generator[0].bias


@pytest.mark.parametrize(
    "change", [wider, another_class, other_options, one_more, one_less, another_dtype, parametrized, tied]
)
def test_a_changed_structure_is_refused_until_it_is_restored(change):
    trainer, twin = built_in(activation="leaky_relu"), built_in(activation="leaky_relu")
    for each in (trainer, twin):
        each.step(3)
    kept = [
        (each, dict(each._modules), dict(each._parameters))
        for network in (trainer.generator, trainer.discriminator)
        for each in network.modules()
    ]
    change(trainer)
    for act in (trainer.step, trainer.step_d, lambda: trainer.timeline.goto(1)):
        with pytest.raises(DataError, match=r"changed by hand.*put it back"):
            act()
    assert trainer.iteration == 3
    assert trainer.interventions == []
    if change is parametrized:
        return  # torch cannot restore it bit for bit
    for module, modules, parameters in kept:
        vars(module).update(_modules=modules, _parameters=parameters)
        module.float()
    trainer.step(2)
    twin.step(2)
    assert all(map(torch.equal, tensors(trainer), tensors(twin)))


def test_calls_that_change_nothing_are_not_logged():
    trainer, twin = own(ema_decay=0.5), own(ema_decay=0.5)
    for each in (trainer, twin):
        each.step(3)
    trainer.generator.load_state_dict(trainer.generator.state_dict())
    trainer.generator.eval()
    trainer.sample(5)
    trainer.sample(5, ema=True)
    trainer.evaluate(20, features="pixels")
    trainer.state_dict()
    walk = trainer.walk()
    for _ in range(4):
        walk.next()
    trainer.step()
    trainer.timeline.goto(2)
    trainer.timeline.switch("main")
    trainer.step_d()
    trainer.load_state_dict(trainer.state_dict())
    trainer.step()
    twin.step()
    twin.step_d()
    twin.load_state_dict(twin.state_dict())
    twin.step()
    assert trainer.state_hash() == twin.state_hash()
    assert {record.setting for record in trainer.interventions} == {"step_d", "load"}


def test_a_change_in_the_past_begins_a_branch():
    trainer = built_in()
    trainer.step(6)
    end = trainer.state_hash()
    trainer.timeline.goto(3)
    in_place(trainer)
    trainer.step(2)
    assert trainer.timeline.branch == "branch 2"
    went = trainer.state_hash()
    trainer.timeline.switch("main")
    assert trainer.state_hash() == end
    trainer.timeline.switch("branch 2")
    assert trainer.state_hash() == went
    trainer.timeline.goto(4)
    trainer.step()
    assert trainer.state_hash() == went


def test_travel_before_the_next_step_keeps_a_change():
    trainer = built_in()
    trainer.step(4)
    in_place(trainer)
    edited = trainer.state_hash()
    trainer.timeline.goto(2)
    trainer.timeline.switch("main")
    assert trainer.state_hash() == edited
    trainer.timeline.undo()
    assert trainer.state_hash() != edited


def test_changes_by_a_callback_at_every_step():
    def clipped(trainer):
        def clip(_record):
            for parameter in trainer.discriminator.parameters():
                parameter.data.clamp_(-0.05, 0.05)

        trainer.on_step(clip)
        return trainer

    trainer = clipped(built_in())
    trainer.step(8)
    one_by_one = clipped(built_in())
    for _ in range(8):
        one_by_one.step()
    assert trainer.state_hash() == one_by_one.state_hash()
    assert len(trainer.interventions) == 7
    last = tensors(trainer)
    trainer.timeline.goto(5)
    trainer.timeline.switch("main")
    assert all(map(torch.equal, tensors(trainer), last))


def test_non_finite_values_are_a_failure_and_not_a_change():
    trainer, twin = built_in(), built_in()
    for each in (trainer, twin):
        each.step(4)
    trainer.generator[0].weight.data[0, 0] = np.nan
    with pytest.raises(gw.DivergedError):
        trainer.step()
    assert trainer.state_hash() == twin.state_hash()
    assert trainer.interventions == []


@pytest.mark.parametrize("steps", [0, 4])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_the_run_before_non_finite_values_is_restored_also_before_its_first_update(steps, value):
    trainer, twin = built_in(), built_in()
    for each in (trainer, twin):
        each.step(steps)
    before = tensors(twin)
    trainer.generator[0].weight.data[0, 0] = value
    trainer.discriminator[0].bias.data.zero_()
    with pytest.raises(gw.DivergedError, match=r"generator\.0\.weight was changed by hand") as caught:
        trainer.step()
    assert caught.value.iteration == steps
    assert all(map(torch.equal, tensors(trainer), before))
    trainer.step(2)
    twin.step(2)
    assert trainer.state_hash() == twin.state_hash()
    assert trainer.interventions == []


def test_non_finite_values_are_refused_at_the_end_of_editing():
    trainer = built_in()
    before = tensors(trainer)
    with pytest.raises(gw.DivergedError, match="finite"), trainer.editing("a mistake"):
        trainer.generator[0].weight.data.fill_(np.nan)
    assert all(map(torch.equal, tensors(trainer), before))
    assert trainer.interventions == []


def test_saving_and_recovering_accept_every_edit(tmp_path):
    trainer, twin = built_in(), built_in()
    trainer.generator[0].weight.data.fill_(np.nan)
    trainer.save(tmp_path / "run.gan")
    trainer._recovery.recover()
    assert trainer.state_hash() == twin.state_hash()


class Masked(nn.Module):
    """A discriminator with a causal mask like attention, and a bound that never applies."""

    def __init__(self):
        super().__init__()
        self.scores, self.head = nn.Linear(2, 2), nn.Linear(2, 1)
        self.register_buffer("mask", torch.full((2, 2), -torch.inf).triu(1), persistent=False)
        self.register_buffer("bound", torch.tensor(torch.inf))
        with torch.no_grad():
            for number, parameter in enumerate(self.parameters(), 1):
                parameter.copy_(torch.linspace(-1, 1, parameter.numel()).view_as(parameter) / number)

    def forward(self, x):
        scores = self.scores(x).unsqueeze(-1) * x.unsqueeze(1) + self.mask
        return self.head((scores.softmax(-1) @ x.unsqueeze(-1)).squeeze(-1)).minimum(self.bound)


def test_networks_may_hold_infinities_in_buffers(tmp_path):
    trainer = built_in(discriminator=Masked(), ema_decay=0.9, run=tmp_path / "run")
    trainer.step(3)
    third = trainer.state_hash()
    trainer.discriminator.head.weight.data.mul_(0.5)
    trainer.step(3)
    last = trainer.state_hash()
    assert trainer.iteration == 6
    trainer.timeline.goto(3)
    assert trainer.state_hash() == third
    trainer.timeline.goto(6)
    assert trainer.state_hash() == last
    trainer.save(tmp_path / "run.gan")
    trainer.close()
    for again in (
        GANTrainer.load(tmp_path / "run.gan", discriminator=Masked()),
        gw.open_run(tmp_path / "run", discriminator=Masked()),
    ):
        assert again.state_hash() == last
        again.step()
        again.close()
    assert gw.replay(tmp_path / "run", discriminator=Masked()).equal


def test_other_values_beside_infinite_buffers_must_be_finite():
    trainer, twin = (built_in(discriminator=Masked()) for _ in range(2))
    for each in (trainer, twin):
        each.step(2)
    trainer.discriminator.head.weight.data.fill_(np.nan)
    with pytest.raises(gw.DivergedError, match=r"discriminator\.head\.weight"):
        trainer.step()
    assert trainer.state_hash() == twin.state_hash()
    trainer.change(lr_d=10.0, lr_g=10.0, optimizer_d="sgd", optimizer_g="sgd", loss="wasserstein")
    with pytest.raises(gw.DivergedError):
        trainer.step(3000)
    assert all(parameter.isfinite().all() for parameter in trainer.discriminator.parameters())


def test_editing_records_the_reason():
    trainer = built_in()
    trainer.step(3)
    before = trainer.state_hash()
    in_place(trainer)
    with trainer.editing("a test of the second"):
        through_data(trainer)
        assert trainer.sample(2, seed=0).shape == (2, 2)
    first, second = trainer.interventions
    assert (first.reason, second.reason) == ("", "a test of the second")
    assert (first.hash_before, second.new) == (before, "discriminator.0.weight")
    with pytest.raises(ZeroDivisionError), trainer.editing("broken off"):
        broken_off(trainer)
    assert trainer.interventions[-1].reason == "broken off"
    with trainer.editing("nothing"):
        pass
    assert len(trainer.interventions) == 3
    with pytest.raises(DataError, match="put it back"), trainer.editing():
        wider(trainer)


def test_a_failure_after_a_change_keeps_the_change():
    trainer, twin = built_in(), built_in()
    for each in (trainer, twin):
        each.step(3)
        in_place(each)

    def fail(*_):
        raise OSError

    handle = trainer.discriminator.register_forward_hook(fail)
    with pytest.raises(OSError):
        trainer.step()
    handle.remove()
    trainer.step(2)
    twin.step(2)
    assert trainer.state_hash() == twin.state_hash()
    assert [r.setting for r in trainer.interventions] == ["edit"]


def test_the_script_of_an_edited_run_refuses_to_reproduce_it():
    trainer = built_in()
    in_place(trainer)
    trainer.step()
    with pytest.raises(ValueError, match=r"changed by hand after iteration 0 \(generator.0.weight\)"):
        trainer.timeline.script()
    assert trainer.code().endswith("# its settings; its networks were changed by hand")


def test_a_widget_shows_a_run_edited_by_hand():
    trainer = built_in()
    in_place(trainer)
    trainer.step()
    widget = gw.GANTrainerWidget(trainer)
    try:
        with widget.trainer.editing("live"):
            through_data(widget.trainer)
        widget.play(until=20)
        widget.wait(20, timeout=60)
        assert [r.reason for r in widget.trainer.interventions] == ["", "live"]
    finally:
        widget.close()
