"""Walks through a step: sub-steps show the values of the update, and only a finished walk changes the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import ganwidgets as gw

SMALL: dict[str, Any] = {"batch_size": 16, "g_hidden": (8,), "d_hidden": (8,), "seed": 3}

GAMES: list[dict[str, Any]] = [
    {"loss": "minimax", "d_steps": 2, "g_steps": 2},
    {"loss": "non_saturating", "ema_decay": 0.9, "grad_clip": 0.1},
    {"loss": "least_squares", "penalty": "r2", "penalty_interval": 2},
    {"loss": "wasserstein", "penalty": "gradient_penalty", "optimizer_d": "rmsprop"},
    {"loss": "wasserstein", "weight_clip": 0.01, "optimizer_g": "momentum"},
    {"loss": "hinge", "packing": 2},
    {"loss": "relativistic", "penalty": "r1_r2"},
    {"skip_d_below": 10.0},
    {"skip_d_below": 1e-6, "lr_schedule": "cosine", "schedule_steps": 5},
    {"freeze_d": True},
    {"freeze_g": True, "loss": "relativistic"},
    {"unroll_steps": 1},
]


def trained(**chosen: Any) -> gw.GANTrainer:
    trainer = gw.GANTrainer("ring8", **{**SMALL, **chosen})
    trainer.step(3)
    return trainer


def walked(trainer: gw.GANTrainer, what: Any) -> list[Any]:
    """Return the sub-steps of a walk to its end; no sub-step may change the state."""
    before, walk, seen = trainer.state_hash(), trainer.walk(what), []
    while (here := walk.next()) is not None:
        seen.append(here)
        assert trainer.state_hash() == before
    assert walk.over
    return seen


def hashes(trainer: gw.GANTrainer) -> tuple[str, str]:
    """Return the hash now and after another step, which also depends on state outside the hash."""
    first = trainer.state_hash()
    trainer.step()
    return first, trainer.state_hash()


@pytest.mark.parametrize("chosen", GAMES, ids=str)
def test_a_walk_ends_like_an_ordinary_step(chosen: dict[str, Any]) -> None:
    walker, stepper = trained(**chosen), trained(**chosen)
    for what, step in (
        ("discriminator", stepper.step_d),
        ("both", stepper.step),
        ("generator", stepper.step_g),
    ):
        walked(walker, what)
        record = step()
        assert walker.state_hash() == stepper.state_hash()
        assert walker.history["loss_d"][-1] == stepper.history["loss_d"][-1]
        assert walker._session.record().keys() == record.keys()
    assert hashes(walker) == hashes(stepper)


class Drawing(nn.Module):
    """Batch norm and dropout: buffers that move, and randomness inside the network."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(inputs, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, outputs)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


def with_own_networks() -> gw.GANTrainer:
    torch.manual_seed(0)
    own = {"generator": Drawing(2, 2), "discriminator": Drawing(2, 1)}
    trainer = gw.GANTrainer("ring8", latent_dim=2, batch_size=16, **own)
    trainer.step(2)
    return trainer


def test_dropout_and_buffers_are_as_in_an_ordinary_step() -> None:
    walker, stepper = with_own_networks(), with_own_networks()
    walked(walker, "both")
    stepper.step()
    assert hashes(walker) == hashes(stepper)


def test_images_with_labels_and_augmentation() -> None:
    chosen: dict[str, Any] = {"conditional": True, "augment": "all", "batch_size": 8, "seed": 1}
    walker, stepper = gw.GANTrainer("digits", **chosen), gw.GANTrainer("digits", **chosen)
    seen = walked(walker, "both")
    stepper.step()
    assert hashes(walker) == hashes(stepper)
    assert seen[1].generated.min() >= 0
    assert seen[1].labels.shape == (8,)


def test_a_sub_step_shows_the_values_of_the_update() -> None:
    trainer, stepper = trained(), trained()
    seen = walked(trainer, "both")
    record = stepper.step()
    stages = ["noise", "generate", "classify", "loss", "gradients", "update"]
    assert [step.stage for step in seen] == 2 * stages
    assert [step.index for step in seen] == list(range(12))
    d, g = seen[5], seen[11]
    assert (d.loss, g.loss) == (record["loss_d"], record["loss_g"])
    assert d.gradients.norm == pytest.approx(record["grad_norm_d"], rel=1e-6)
    # The announced parameters equal the later ones, D's before G's update began.
    for name, value in trainer.generator.named_parameters():
        assert torch.equal(value, g.effect.tensors["generator"][name])
    for name, value in trainer.discriminator.named_parameters():
        assert torch.equal(value, d.effect.tensors["discriminator"][name])
    assert g.effect.generated.shape == g.generated.shape
    assert not torch.equal(g.effect.generated, g.generated)
    assert torch.equal(d.effect.generated, d.generated)  # only D moved
    assert d.effect.loss < d.loss
    assert g.effect.loss < g.loss


def test_the_gradient_by_a_sample_is_that_of_the_loss() -> None:
    """Compare with autograd on the formula of the loss."""
    trainer = trained(loss="relativistic")
    walk = trainer.walk("generator")
    here = None
    for _ in range(5):
        here = walk.next()
    assert here is not None
    assert here.gradients is not None
    fake = here.generated.clone().requires_grad_()
    logits = trainer.discriminator(fake).reshape(-1)
    real = trainer.discriminator(here.real).reshape(-1).detach()
    loss = nn.functional.softplus(real - logits).mean()
    (expected,) = torch.autograd.grad(loss, fake)
    torch.testing.assert_close(here.gradients.samples, expected)
    assert loss.item() == pytest.approx(here.loss, rel=1e-6)


def test_a_frozen_or_skipped_network_is_only_measured() -> None:
    frozen = walked(trained(freeze_d=True), "discriminator")
    assert [step.stage for step in frozen] == ["noise", "generate", "classify", "loss"]
    assert all(step.frozen for step in frozen)
    skipped = walked(trained(skip_d_below=10.0), "discriminator")
    assert [step.stage for step in skipped] == ["noise", "generate", "classify", "loss", "update"]
    assert skipped[-1].skipped
    assert skipped[-1].effect is None


def test_forward_and_back_shows_the_same_values() -> None:
    walk = trained().walk()
    first, second = walk.next(), walk.next()
    assert walk.back() is first
    assert walk.back() is None
    assert walk.next() is first
    assert walk.next() is second


def test_a_pending_change_is_used_in_the_walk_and_stays_pending() -> None:
    walker, stepper = trained(), trained()
    for trainer in (walker, stepper):
        trainer.change(lr_d=0.05, optimizer_g="sgd", ema_decay=0.5, loss="hinge")
    walk = walker.walk()
    walk.next()
    assert len(walker.interventions) == len(stepper.interventions)
    walk.leave()
    assert hashes(walker) == hashes(stepper)


def test_a_fresh_trainer_can_begin_and_leave_a_walk() -> None:
    walker, fresh = (gw.GANTrainer("ring8", **SMALL) for _ in range(2))
    walk = walker.walk()
    for _ in range(9):
        walk.next()
    walk.leave()
    assert walker.iteration == 0
    assert len(walker.history["loss_d"]) == 0
    assert hashes(walker) == hashes(fresh)


def test_a_failing_step_leaves_the_walk_at_its_place() -> None:
    trainer = trained()
    before = trainer.state_hash()
    walk = trainer.walk("discriminator")
    walk.next()

    class BrokenError(RuntimeError):
        pass

    def fail(*_: Any) -> None:
        raise BrokenError

    handle = trainer.discriminator.register_forward_hook(fail)
    walk.next()
    with pytest.raises(BrokenError):
        walk.next()
    handle.remove()
    assert trainer.state_hash() == before
    assert walk.here is not None
    assert walk.here.stage == "generate"
    assert walk.next().stage == "classify"


def test_a_walk_into_non_finite_numbers_is_reported() -> None:
    trainer = trained()
    before, walk = trainer.state_hash(), trainer.walk()
    handle = trainer.discriminator.register_forward_hook(lambda *given: given[-1] * float("nan"))
    for _ in range(3):
        walk.next()
    with pytest.raises(gw.DivergedError, match="leave the walk"):
        walk.next()
    handle.remove()
    assert trainer.state_hash() == before
    assert not walk.over
    assert walk.here is not None
    assert walk.here.stage == "classify"


def test_a_step_of_a_walk_is_recorded_for_replay(tmp_path: Path) -> None:
    with_folder = gw.GANTrainer("ring8", run=tmp_path / "run", **SMALL)
    walked(with_folder, "generator")
    walked(with_folder, "both")
    with_folder.step(2)
    assert any("step_g" in str(record) for record in with_folder.interventions)
    with_folder.close()
    assert gw.replay(tmp_path / "run").equal


def test_an_unknown_network_is_refused() -> None:
    with pytest.raises(ValueError, match="both, discriminator, generator"):
        trained().walk("critic")  # type: ignore[arg-type]


DOINGS = (
    "next",
    "back",
    "leave",
    "finish",
    "begin",
    "step",
    "step_d",
    "change",
    "goto",
    "reset",
    "sample",
    "hash",
)


def do(trainer: gw.GANTrainer, doing: str, number: int) -> None:
    match doing:
        case "change":
            trainer.change(lr_g=1e-3 * (number + 1))
        case "goto":
            trainer.timeline.goto(0)
        case "reset":
            trainer.reset(number)
        case "sample":
            trainer.sample(3)
        case "hash":
            trainer.state_hash()
        case _:
            getattr(trainer, doing)()


@settings(max_examples=15)
@given(st.lists(st.sampled_from(DOINGS), max_size=14))
def test_any_sequence_of_walks_ends_like_the_run_without_walks(doings: list[str]) -> None:
    """A second trainer gets only the moves that change the run; both must end in the same state."""
    walker, plain = trained(), trained()
    walk = walker.walk()
    for number, doing in enumerate(doings):
        if doing == "begin":
            walk = walker.walk()
        elif doing in {"next", "back", "leave", "finish"}:
            over, last = walk.over, walk.here is not None and walk.here.index == 11
            if over and doing != "leave":
                with pytest.raises(RuntimeError, match="walk is over"):
                    getattr(walk, doing)()
                continue
            getattr(walk, doing)()
            if doing == "finish" or (doing == "next" and last):
                plain.step()
        else:
            for trainer in (walker, plain):
                do(trainer, doing, number)
    assert walker.state_hash() == plain.state_hash()
    assert [(r.setting, r.new) for r in walker.interventions] == [
        (r.setting, r.new) for r in plain.interventions
    ]


def test_generated_images_that_are_not_square_are_shown_whole() -> None:
    pictures = torch.randint(0, 256, (16, 1, 6, 9), dtype=torch.uint8)
    seen = walked(gw.GANTrainer(pictures, **SMALL), "both")
    assert seen[1].generated.shape == (16, 1, 6, 9)
