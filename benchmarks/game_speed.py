"""Compare the speed of steps of the games beside the classic one with the plainest loops that one would write.

The same networks, losses, batch sizes, data and optimizer implementation (`torch.optim.Adam` with ``fused=True``) on
one thread; both in turn, as in step.py. The loops read every loss at each step.

    python benchmarks/game_speed.py [--pairs 9] [--steps 10] [--clock processor]
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Callable, Iterator

import torch
from sklearn.datasets import load_digits
from step import add_options, compare
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, l1_loss, softplus

import ganwidgets as gw

BATCH = 16
NOISE_CHANNELS = 4


def adam(trainer: gw.GANTrainer, letter: str, *networks: nn.Module) -> torch.optim.Adam:
    """Return an optimizer of `networks`, with the settings of the player `letter`."""
    settings = trainer.settings
    parameters = [parameter for network in networks for parameter in network.parameters()]
    betas = (settings.beta1, settings.beta2)
    return torch.optim.Adam(parameters, getattr(settings, f"lr_{letter}"), betas, fused=True)


def update(optimizer: torch.optim.Adam, loss: Tensor) -> float:
    """Move the optimizer's parameters, and return the loss."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def picks(n: int, size: int) -> Iterator[Tensor]:
    """Return random indices of batches of `size` out of `n`, without end."""
    while True:
        yield torch.randint(n, (size,))


def pix2pix(trainer: gw.GANTrainer, inputs: Tensor, targets: Tensor) -> Callable[[int], None]:
    """Return a function that trains copies of a trainer's networks for n steps."""
    generate, judge = (copy.deepcopy(trainer.networks[name]) for name in ("generator", "discriminator"))
    optimizer_g, optimizer_d = adam(trainer, "g", generate), adam(trainer, "d", judge)
    settings, losses = trainer.settings, []
    batches = picks(len(inputs), BATCH)

    def translated() -> tuple[Tensor, Tensor, Tensor]:
        chosen = next(batches)
        x, target = inputs[chosen], targets[chosen]
        return x, target, generate(x, torch.randn(BATCH, NOISE_CHANNELS, *x.shape[2:]))

    def run(n: int) -> None:
        for _ in range(n):
            with torch.no_grad():
                x, target, made = translated()
            of_real, of_made = judge(torch.cat((x, target), 1)), judge(torch.cat((x, made), 1))
            loss_d = update(optimizer_d, (softplus(-of_real).mean() + softplus(of_made).mean()) / 2)
            x, target, made = translated()
            adversarial = softplus(-judge(torch.cat((x, made), 1))).mean()
            distance = l1_loss(made, target)
            loss = settings.adversarial_weight * adversarial + settings.l1_weight * distance
            losses.append((loss_d, update(optimizer_g, loss), adversarial.item(), distance.item()))

    return run


def cyclegan(trainer: gw.GANTrainer, a: Tensor, b: Tensor) -> Callable[[int], None]:
    """Return a function that trains copies of a trainer's networks for n steps; no pool, as in the trainer."""
    names = ("a_to_b", "b_to_a", "discriminator_a", "discriminator_b")
    to_b, to_a, judge_a, judge_b = (copy.deepcopy(trainer.networks[name]) for name in names)
    optimizer_g, optimizer_d = adam(trainer, "g", to_b, to_a), adam(trainer, "d", judge_a, judge_b)
    settings, losses = trainer.settings, []
    batches_a, batches_b = picks(len(a), BATCH), picks(len(b), BATCH)

    def run(n: int) -> None:
        for _ in range(n):
            of_a, of_b = a[next(batches_a)], b[next(batches_b)]
            fake_b, fake_a = to_b(of_a), to_a(of_b)
            adversarial = (judge_a(fake_a) - 1).square().mean() + (judge_b(fake_b) - 1).square().mean()
            cycle = l1_loss(to_a(fake_b), of_a) + l1_loss(to_b(fake_a), of_b)
            loss_g = update(optimizer_g, adversarial + settings.cycle_weight * cycle)
            of_a, of_b = a[next(batches_a)], b[next(batches_b)]
            with torch.no_grad():
                fake_b, fake_a = to_b(of_a), to_a(of_b)
            on_a = (judge_a(of_a) - 1).square().mean() + judge_a(fake_a).square().mean()
            on_b = (judge_b(of_b) - 1).square().mean() + judge_b(fake_b).square().mean()
            losses.append((loss_g, update(optimizer_d, (on_a + on_b) / 2), adversarial.item(), cycle.item()))

    return run


def adversarial_training(trainer: gw.GANTrainer, images: Tensor, classes: Tensor) -> Callable[[int], None]:
    """Return a function that trains a copy of a trainer's classifier for n steps, under its PGD attack."""
    classify = copy.deepcopy(trainer.networks["classifier"])
    optimizer, settings, losses = adam(trainer, "c", classify), trainer.settings, []
    bound, steps = 2 * settings.epsilon, settings.attack_steps
    batches = picks(len(images), settings.batch_size)

    def run(n: int) -> None:
        for _ in range(n):
            chosen = next(batches)
            x, labels = images[chosen], classes[chosen]
            delta = (torch.rand_like(x) * 2 - 1) * bound
            for _ in range(steps):
                delta.requires_grad_()
                (slope,) = torch.autograd.grad(cross_entropy(classify(x + delta), labels), delta)
                delta = delta.detach() + settings.attack_rate * bound / steps * slope.sign()
                delta = (x + delta.clamp(-bound, bound)).clamp(-1, 1) - x
            losses.append(update(optimizer, cross_entropy(classify(x + delta), labels)))

    return run


def main() -> None:
    """Run the comparisons."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_options(parser, pairs=9)
    parser.add_argument("--steps", type=int, default=10)
    options = parser.parse_args()
    torch.set_num_threads(1)
    first, second = torch.rand(2, 500, 1, 16, 16)
    trained = first * 2 - 1, second * 2 - 1
    trainer = gw.GANTrainer((first, second), game="pix2pix", batch_size=BATCH)
    compare("pix2pix, 16x16", trainer.step, pix2pix(trainer, *trained), options.steps, options)
    trainer = gw.GANTrainer((first, second), game="cyclegan", batch_size=BATCH, pool_size=0)
    compare("CycleGAN, 16x16", trainer.step, cyclegan(trainer, *trained), options.steps, options)
    trainer = gw.GANTrainer((first, second), game="cyclegan", batch_size=BATCH)
    compare(
        "CycleGAN with its pool / the loop without",
        trainer.step,
        cyclegan(trainer, *trained),
        options.steps,
        options,
    )
    bunch = load_digits()
    images = torch.tensor(bunch.images, dtype=torch.float32)[:, None] / 16
    classes = torch.tensor(bunch.target)
    trainer = gw.GANTrainer((images, classes), game="adversarial_training")
    hand = adversarial_training(trainer, images * 2 - 1, classes)
    compare("adversarial training, digits, PGD", trainer.step, hand, options.steps, options)


if __name__ == "__main__":
    main()
