"""Measure a DCGAN's step on a CUDA GPU, beside a plain PyTorch loop, in full and in half precision.

Networks for 64x64 colour images (the built-in DCGAN), in two sizes. The loop by hand has the same weights,
format in memory, optimizer (`torch.optim.Adam` with ``fused=True``), one thread, batches in the
computer's memory, and reads both losses at each step. All run in turn; a figure is the median of the rounds' ratios. Then what a run on
this GPU repeats bit for bit is looked at, and how a run that was saved there goes on on the CPU.

    python benchmarks/gpu.py [--rounds 7] [--steps 60]
"""

from __future__ import annotations

import argparse
import copy
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

import ganwidgets as gw

LATENT = 100
RULES = {
    "architecture": "dcgan",
    "latent_dim": LATENT,
    "lr_g": 2e-4,
    "lr_d": 2e-4,
    "beta1": 0.5,
}

SIZES = ((64, 128), (256, 256))
"""Base widths and batch sizes: one that a GPU is hardly filled by, and one that fills it."""

Trains = Callable[[int], None]


def by_hand(trainer: gw.GANTrainer, data: Tensor, precision: str) -> Trains:
    """Return a function that trains copies of a trainer's networks for n steps, in the plainest way."""
    generator, discriminator = copy.deepcopy(trainer.generator), copy.deepcopy(trainer.discriminator)
    betas, batch = (trainer.settings.beta1, trainer.settings.beta2), trainer.settings.batch_size
    optimizer_g = torch.optim.Adam(generator.parameters(), 2e-4, betas, fused=True)
    optimizer_d = torch.optim.Adam(discriminator.parameters(), 2e-4, betas, fused=True)
    losses = []

    def rounded() -> torch.autocast | nullcontext[None]:
        return torch.autocast("cuda", torch.bfloat16) if precision == "bfloat16" else nullcontext()

    def judged(images: Tensor) -> Tensor:
        with rounded():
            logits: Tensor = discriminator(images)
        return logits.float()

    def made() -> Tensor:
        noise = torch.randn(batch, LATENT, device="cuda")
        with rounded():
            images: Tensor = generator(noise)
        return images.float()

    def run(n: int) -> None:
        for _ in range(n):
            real = data[torch.randint(len(data), (batch,))].cuda()
            with torch.no_grad():
                fake = made()
            optimizer_d.zero_grad()
            loss_d = softplus(-judged(real)).mean() + softplus(judged(fake)).mean()
            loss_d.backward()
            optimizer_d.step()
            optimizer_g.zero_grad()
            loss_g = softplus(-judged(made())).mean()
            loss_g.backward()
            optimizer_g.step()
            losses.append((loss_d.item(), loss_g.item()))

    return run


def apart(trainer: gw.GANTrainer) -> tuple[nn.Module, nn.Module]:
    """Return copies of its networks in the usual format in memory, as a user's own come."""
    generator, discriminator = copy.deepcopy((trainer.generator, trainer.discriminator))
    plain = torch.contiguous_format
    return generator.cpu().to(memory_format=plain), discriminator.cpu().to(memory_format=plain)


def seconds(run: Trains, n: int) -> float:
    """Return how long one of n steps takes."""
    torch.cuda.synchronize()
    began = time.perf_counter()
    run(n)
    torch.cuda.synchronize()
    return (time.perf_counter() - began) / n


def compare(images: Tensor, channels: int, batch: int, rounds: int, steps: int) -> None:
    """Print the speeds, and the ratios of pairs."""
    print(f"\nbase width {channels}, batches of {batch}")
    runs: dict[str, Trains] = {}
    for precision in ("float32", "bfloat16"):
        trainer = gw.GANTrainer(
            images, device="cuda", batch_size=batch, precision=precision, channels=channels, **RULES
        )
        generator, discriminator = apart(trainer)
        usual = gw.GANTrainer(
            images, device="cuda", batch_size=batch, precision=precision, generator=generator,
            discriminator=discriminator, **{name: RULES[name] for name in ("latent_dim", "lr_g", "lr_d", "beta1")},
        )  # fmt: skip
        runs[f"{precision}, channels_last"] = trainer.step
        runs[f"{precision}, channels_last, by hand"] = by_hand(trainer, images * 2 - 1, precision)
        runs[f"{precision}, usual format"] = usual.step
    for run in runs.values():
        run(10)
    times: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds):
        for name in list(runs)[:: 1 if number % 2 else -1]:
            times[name].append(seconds(runs[name], steps))
    for name, spent in times.items():
        middle = statistics.median(spent)
        print(f"{name:36} {middle * 1e3:7.2f} ms a step, {batch / middle:9.0f} real images a second")
    pairs = [
        ("ours to by hand, float32", "float32, channels_last, by hand", "float32, channels_last"),
        ("ours to by hand, bfloat16", "bfloat16, channels_last, by hand", "bfloat16, channels_last"),
        ("bfloat16 to float32, ours", "float32, channels_last", "bfloat16, channels_last"),
        ("channels_last to the usual format, float32", "float32, usual format", "float32, channels_last"),
        ("channels_last to the usual format, bfloat16", "bfloat16, usual format", "bfloat16, channels_last"),
    ]
    for label, slow, quick in pairs:
        ratios = [a / b for a, b in zip(times[slow], times[quick], strict=True)]
        print(
            f"speed of {label:44} median {statistics.median(ratios):.3f} "
            f"(min {min(ratios):.3f}, max {max(ratios):.3f}), of all rounds together {sum(times[slow]) / sum(times[quick]):.3f}"
        )


def repeated(images: Tensor, precision: str) -> None:
    """Say whether two runs of one seed agree, and how a saved one goes on on the CPU."""
    twins = [
        gw.GANTrainer(images, device="cuda", batch_size=64, seed=1, precision=precision, channels=64, **RULES)
        for _ in range(2)
    ]
    for twin in twins:
        twin.step(20)
    same = twins[0].state_hash() == twins[1].state_hash()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.gan"
        twins[0].save(path)
        back = gw.GANTrainer.load(path, data=images, device="cuda")
        there = gw.GANTrainer.load(path, data=images)
    wanted = twins[0].step(3)["loss_d"]
    print(
        f"{precision}: two runs of one seed {'agree' if same else 'do NOT agree'} bit for bit after 20 steps; after saving, three "
        f"steps more have a loss of D of {back.step(3)['loss_d']!r} on the GPU ({wanted!r} without saving) and "
        f"{there.step(3)['loss_d']!r} on the CPU"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=60)
    options = parser.parse_args()
    if not torch.cuda.is_available():
        raise SystemExit("this benchmark needs a CUDA GPU, and torch sees none")
    print(torch.cuda.get_device_name(), "with torch", torch.__version__)
    torch.set_num_threads(1)
    images = torch.rand(2000, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    for channels, batch in SIZES:
        compare(images, channels, batch, options.rounds, options.steps)
    for precision in ("float32", "bfloat16"):
        repeated(images, precision)


if __name__ == "__main__":
    main()
