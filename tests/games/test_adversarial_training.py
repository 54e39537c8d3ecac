from __future__ import annotations

import pytest
import torch
from examples import adversarial_training, digits
from harness import Play, TensorStream
from torch.nn.functional import cross_entropy

from ganwidgets.games.adversarial_training import AdversarialTraining
from ganwidgets.stepping.observers import NullObserver


class Perturbations(NullObserver):
    def __init__(self):
        self.seen = []

    def on_draw(self, player, batch, *, frozen):
        self.batch = batch

    def on_stage(self, stage, /, **tensors):
        if stage == "attack":
            self.seen.append((self.batch, tensors["perturbation"].clone()))


def perturbation(**settings):
    """Return a new classifier, a batch, and the attacker's change of the batch."""
    play = adversarial_training(lr_c=0.0, optimizer_c="sgd", **settings)
    play.engine.observer = Perturbations()
    play.step()
    batch, delta = play.engine.observer.seen[0]
    return play.state.networks["classifier"], batch, delta


def test_fgsm_is_epsilon_times_the_sign_of_the_gradient_within_the_pixel_range():
    classifier, batch, delta = perturbation(attack="fgsm", epsilon=0.1)
    x = batch.real.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(cross_entropy(classifier(x), batch.labels), x)
    wanted = (batch.real + 0.2 * gradient.sign()).clamp(
        -1, 1
    ) - batch.real  # [-1, 1] is twice as wide as [0, 1]
    torch.testing.assert_close(delta, wanted)
    assert 0 < delta.abs().max() <= 0.2 + 1e-6


@pytest.mark.parametrize("steps", [1, 5])
def test_pgd_equals_a_loop_of_projected_steps(steps):
    classifier, batch, delta = perturbation(attack="pgd", epsilon=0.1, attack_steps=steps, attack_rate=2.0)
    d = (batch.real + 0.2 * batch.start).clamp(-1, 1) - batch.real
    for _ in range(steps):
        d = d.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(cross_entropy(classifier(batch.real + d), batch.labels), d)
        d = (d.detach() + 2.0 * 0.2 / steps * gradient.sign()).clamp(-0.2, 0.2)
        d = (batch.real + d).clamp(-1, 1) - batch.real
    torch.testing.assert_close(delta, d)


@pytest.mark.parametrize("settings", [{"attack": "none"}, {"epsilon": 0.0}])
def test_without_an_attack_samples_are_unchanged(settings):
    _, _, delta = perturbation(**settings)
    assert not delta.any()


def test_a_classifier_trained_under_attack_is_robust_and_another_is_not():
    """200 of the 800 steps in benchmarks/games.py; those reach .68 to .70 under PGD-20."""
    images, classes = digits()
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    images, classes = images[order], classes[order]
    train = {"data": TensorStream(images[:1197], labels=classes[:1197])}
    test = {"data": TensorStream(images[1197:], labels=classes[1197:])}
    found = {}
    for attack in ("none", "fgsm"):
        play = Play(AdversarialTraining(), train, attack=attack)
        play.step(200)
        found[attack] = play.look("evaluate", 600, test)
    assert found["none"]["accuracy_clean"] > 0.95
    assert found["none"]["accuracy_pgd"] < 0.35
    assert found["fgsm"]["accuracy_clean"] > 0.9
    assert found["fgsm"]["accuracy_pgd"] > found["none"]["accuracy_pgd"] + 0.15


def test_points_are_attacked_without_clipping_to_a_range():
    draw = torch.Generator().manual_seed(0)
    classes = torch.randint(2, (200,), generator=draw)
    points = 3 * torch.nn.functional.one_hot(classes, 2) + 0.3 * torch.randn(200, 2, generator=draw)
    streams = {"data": TensorStream(points, labels=classes)}
    play = Play(AdversarialTraining(), streams, c_hidden=(16,), batch_size=32, lr_c=1e-2, epsilon=0.5)
    play.engine.observer = Perturbations()
    play.step(80)
    batch, delta = play.engine.observer.seen[-1]
    assert (batch.real + delta).max() > 3
    assert delta.abs().max() <= 0.5
    assert play.look("evaluate", 200, streams)["accuracy_pgd"] > 0.9
