"""How often a diagnosis is right: labelled runs, and the precision and recall of each symptom on them.

Every case is made to be ill in one way, or healthy. A run counts only if its quality, measured by `evaluate`, says that
it became so; the detector has no part in the label. Usage::

    python benchmarks/findings.py record --seeds 0 1 2    # trains; finished runs are kept, so it can be interrupted
    python benchmarks/findings.py score --seeds 0 1 2
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

import ganwidgets as gw
from ganwidgets.diagnosis.signals import Series, Signals, observe
from ganwidgets.diagnosis.symptoms import findings_of

Figures = Mapping[str, float]
Quality = Callable[[list[Figures], Figures], bool]
"""Whether the figures of the windows, oldest first, and those of perfect samples confirm how the run was made."""

STEPS, WINDOWS = 1200, (600, 800, 1000, 1200)


def bad(figures: list[Figures], floors: Figures) -> bool:
    """Return True if most samples are unlike the data in the last window: a third of the precision, or six times the distance."""
    last = figures[-1]
    if "precision" in last:
        return last["precision"] < 0.33 * floors["precision"] or last["coverage"] < 0.33 * floors["coverage"]
    return last["sliced_wasserstein"] > 6 * floors["sliced_wasserstein"]


def good(figures: list[Figures], floors: Figures) -> bool:
    """Return True if samples are like the data in the last window."""
    last = figures[-1]
    if "precision" in last:
        return last["precision"] > 0.5 * floors["precision"] and last["modes"] >= floors["modes"] - 1
    return last["sliced_wasserstein"] < 6 * floors["sliced_wasserstein"]


def few(figures: list[Figures], _floors: Figures) -> bool:
    """Return True if samples differ from each other less than a quarter as much as real ones do, in the last window."""
    return figures[-1]["variety"] < 0.25


def some(figures: list[Figures], _floors: Figures) -> bool:
    """Return True if samples vary, but a fifth of the clusters or classes or more gets less than a hundredth, twice."""
    return all(each["variety"] >= 0.25 and each["groups"] <= 0.8 for each in figures[-2:])


def unsteady(figures: list[Figures], floors: Figures) -> bool:
    """Return True if the quality varies by a fifth of its mean between windows, and is not good."""
    name = "frechet" if "frechet" in figures[-1] else "sliced_wasserstein"
    values = np.array([each[name] for each in figures])
    return bool(
        np.isfinite(values).all() and np.ptp(values) > 0.2 * values.mean() and values[-1] > 3 * floors[name]
    )


def anything(_figures: list[Figures], _floors: Figures) -> bool:
    """Return True: the construction alone decides."""
    return True


class Coded(nn.Module):
    """A generator that uses only the signs of its first numbers: it makes at most ``2 ** bits`` different samples."""

    def __init__(self, bits: int, width: int, seed: int) -> None:
        super().__init__()
        self.bits = bits
        sizes = (max(bits, 1), 64, 64, width)
        self.network = Deep(sizes, lambda: nn.LeakyReLU(0.2), 1.4, seed)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        code = torch.sign(z[:, : self.bits]) if self.bits else torch.ones(len(z), 1)
        samples: torch.Tensor = self.network(code)
        return samples


def _constant(width: int, seed: int) -> dict[str, nn.Module]:
    return {"generator": Coded(0, width, seed)}


def _four(width: int, seed: int) -> dict[str, nn.Module]:
    return {"generator": Coded(2, width, seed)}


class Deep(nn.Sequential):
    """A deep network of one activation whose weights are drawn with a gain."""

    def __init__(
        self, sizes: tuple[int, ...], activation: Callable[[], nn.Module], gain: float, seed: int
    ) -> None:
        layers: list[nn.Module] = []
        draws = torch.Generator().manual_seed(seed)
        for n, m in pairwise(sizes):
            layer = nn.Linear(n, m)
            with torch.no_grad():
                layer.weight.normal_(0, gain / n**0.5, generator=draws)
                layer.bias.zero_()
            layers += [layer, activation()]
        super().__init__(*layers[:-1])


@dataclass(frozen=True)
class Case:
    """How a run is made, and what is true of it then.

    Attributes
    ----------
    symptom : str
        What it was made to have; ``"healthy"`` for nothing.
    settings : mapping
    quality : callable
        What confirms that it has become so.
    also : frozenset of str
        Consequences that may be found too: neither right nor wrong.
    own : callable or None
        ``(width, seed)`` returns networks of its own, by name.
    data : callable or None
        ``(seed)`` returns the data, if it is not the preset of the family.
    """

    symptom: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    quality: Quality = bad
    also: frozenset[str] = frozenset()
    own: Callable[[int, int], dict[str, nn.Module]] | None = None
    data: Callable[[int], Any] | None = None


LATENT = 8
ALSO = frozenset
STARVED = ALSO({"vanishing_gradients", "too_slow", "partial_collapse", "collapse"})


def _sigmoid_g(width: int, seed: int) -> dict[str, nn.Module]:
    return {"generator": Deep((LATENT, *(16,) * 8, width), nn.Sigmoid, 1.0, seed)}


def _sigmoid_d(width: int, seed: int) -> dict[str, nn.Module]:
    return {"discriminator": Deep((width, *(16,) * 8, 1), nn.Sigmoid, 1.0, seed)}


def _steep_d(width: int, seed: int) -> dict[str, nn.Module]:
    return {"discriminator": Deep((width, 64, 64, 64, 64, 1), lambda: nn.LeakyReLU(0.2), 6.0, seed)}


def _small_points(seed: int) -> Any:
    """Return 60 points in 16 dimensions."""
    return np.random.default_rng(seed).normal(size=(60, 16))


def _small_digits(seed: int) -> Any:
    from sklearn.datasets import load_digits

    images = load_digits().images / 16
    return images[np.random.default_rng(seed).permutation(len(images))[:120]].astype(np.float32)


POINTS: Mapping[str, Case] = {
    "healthy: two clusters, R1": Case("healthy", {"data": "gaussians", **gw.recommended("gaussians")}, good),
    "healthy: defaults": Case("healthy", {"data": "gaussians"}, good),
    "healthy: moons": Case("healthy", {"data": "moons", **gw.recommended("moons")}, good),
    "healthy: line": Case("healthy", {"data": "line", **gw.recommended("line")}, good),
    "healthy: ring8, relativistic R1+R2": Case(
        "healthy",
        {"loss": "relativistic", "penalty": "r1_r2", "penalty_weight": 0.1, "lr_g": 1e-3, "lr_d": 1e-3},
        good,
    ),
    "healthy: WGAN-GP": Case(
        "healthy",
        {"data": "gaussians", "loss": "wasserstein", "penalty": "gradient_penalty", "d_steps": 2, "lr_g": 1e-3},
        good,
    ),
    "collapse: 20 G updates": Case("collapse", {"g_steps": 20, "lr_g": 1e-2, "lr_d": 2e-4}, few, ALSO({"oscillation", "d_weak", "d_saturated"})),
    "collapse: constant G": Case("collapse", {}, few, ALSO({"oscillation", "d_weak", "d_saturated"}), _constant),
    "partial: four samples": Case("partial_collapse", {}, some, ALSO({"oscillation", "d_weak", "d_saturated"}), _four),
    "partial: four samples, R1": Case("partial_collapse", {"penalty": "r1", "penalty_weight": 0.1, "lr_g": 1e-3}, some, ALSO({"oscillation", "d_weak", "d_saturated"}), _four),
    "saturated: minimax": Case("d_saturated", {"loss": "minimax", "lr_d": 1e-2, "lr_g": 1e-4, "d_steps": 5}, bad, STARVED),
    "saturated: strong D": Case("d_saturated", {"lr_d": 2e-2, "lr_g": 2e-5, "d_steps": 5}, bad, STARVED),
    "weak: slow D": Case("d_weak", {"lr_d": 1e-5, "lr_g": 2e-3}, bad, ALSO({"collapse", "partial_collapse", "oscillation"})),
    "weak: frozen D": Case("d_weak", {"freeze_d": True, "lr_g": 1e-3}, bad, ALSO({"collapse", "partial_collapse", "oscillation"})),
    "oscillation: momentum": Case("oscillation", {"data": "gaussians", "beta1": 0.9, "lr_d": 5e-3, "lr_g": 5e-3}, unsteady, ALSO({"collapse", "partial_collapse", "d_saturated", "d_weak"})),
    "oscillation: least squares, momentum": Case(
        "oscillation",
        {"data": "gaussians", "loss": "least_squares", "beta1": 0.9, "lr_d": 5e-3, "lr_g": 5e-3},
        unsteady,
        ALSO({"collapse", "partial_collapse", "d_saturated", "d_weak"}),
    ),
    "diverging: WGAN without a bound": Case(
        "diverging", {"loss": "wasserstein", "lr_d": 2e-2, "lr_g": 2e-2}, anything, ALSO({"exploding_gradients", "oscillation", "collapse", "partial_collapse"})
    ),
    "diverging: hinge, great steps": Case(
        "diverging", {"loss": "hinge", "lr_d": 0.3, "lr_g": 0.3}, bad, ALSO({"exploding_gradients", "oscillation", "collapse", "partial_collapse", "d_saturated", "vanishing_gradients"})
    ),
    "overfitting: 60 points of 16 numbers": Case(
        "overfitting", {"holdout": 0.5, "d_hidden": (256, 256), "lr_d": 2e-3, "lr_g": 1e-3, "batch_size": 30}, anything, ALSO({"partial_collapse", "d_saturated"}), data=_small_points
    ),
    "vanishing: deep sigmoid G": Case("vanishing_gradients", {}, bad, ALSO({"d_saturated", "collapse", "partial_collapse", "too_slow"}), _sigmoid_g),
    "vanishing: deep sigmoid D": Case("vanishing_gradients", {}, bad, ALSO({"d_weak", "collapse", "partial_collapse", "too_slow"}), _sigmoid_d),
    "exploding: steep D": Case("exploding_gradients", {"lr_d": 1e-5, "lr_g": 1e-4}, anything, ALSO({"d_weak", "d_saturated", "diverging", "oscillation", "collapse", "partial_collapse", "too_slow", "vanishing_gradients"}), _steep_d),
    "slow: both": Case("too_slow", {"lr_d": 1e-6, "lr_g": 1e-6}, bad, ALSO({"d_weak", "d_saturated", "collapse", "partial_collapse"})),
    "slow: G": Case("too_slow", {"lr_d": 1e-4, "lr_g": 1e-6}, bad, ALSO({"d_saturated", "collapse", "partial_collapse"})),
}  # fmt: skip

_IMG: Mapping[str, Any] = {
    "latent_dim": LATENT,
    "g_hidden": (128, 128),
    "d_hidden": (128, 128),
    "batch_size": 64,
}

IMAGES: Mapping[str, Case] = {
    "healthy: R1": Case("healthy", {"penalty": "r1", "penalty_weight": 0.1, "lr_g": 1e-3, "lr_d": 1e-3}, good),
    "healthy: relativistic R1+R2": Case(
        "healthy", {"loss": "relativistic", "penalty": "r1_r2", "penalty_weight": 0.1, "lr_g": 1e-3, "lr_d": 1e-3}, good
    ),
    "healthy: WGAN-GP": Case(
        "healthy", {"loss": "wasserstein", "penalty": "gradient_penalty", "penalty_weight": 10.0, "d_steps": 2, "lr_g": 1e-3, "lr_d": 1e-3}, good
    ),
    "healthy: hinge, R1": Case("healthy", {"loss": "hinge", "penalty": "r1", "penalty_weight": 0.1, "lr_g": 1e-3, "lr_d": 1e-3}, good),
    "collapse: many G updates": Case("collapse", {"g_steps": 20, "lr_g": 5e-3}, few, ALSO({"oscillation", "d_weak", "d_saturated"})),
    "collapse: constant G": Case("collapse", {}, few, ALSO({"oscillation", "d_weak", "d_saturated"}), _constant),
    "partial: four samples": Case("partial_collapse", {}, some, ALSO({"oscillation", "d_weak", "d_saturated"}), _four),
    "partial: four samples, R1": Case("partial_collapse", {"penalty": "r1", "penalty_weight": 0.1, "lr_g": 1e-3}, some, ALSO({"oscillation", "d_weak", "d_saturated"}), _four),
    "saturated: minimax": Case("d_saturated", {"loss": "minimax", "lr_d": 2e-3, "lr_g": 1e-4, "d_steps": 3}, bad, STARVED),
    "saturated: strong D": Case("d_saturated", {"lr_d": 1e-2, "lr_g": 2e-5, "d_steps": 3}, bad, STARVED),
    "weak: slow D": Case("d_weak", {"lr_d": 1e-6, "lr_g": 2e-3}, bad, ALSO({"collapse", "partial_collapse", "oscillation"})),
    "weak: frozen D": Case("d_weak", {"freeze_d": True, "lr_g": 1e-3}, bad, ALSO({"collapse", "partial_collapse", "oscillation"})),
    "oscillation: momentum, both": Case("oscillation", {"beta1": 0.9, "lr_d": 2e-3, "lr_g": 2e-3}, unsteady, ALSO({"collapse", "partial_collapse", "d_saturated", "d_weak"})),
    "diverging: WGAN without a bound": Case(
        "diverging", {"loss": "wasserstein", "lr_d": 2e-2, "lr_g": 2e-2}, anything, ALSO({"exploding_gradients", "oscillation", "collapse", "partial_collapse"})
    ),
    "overfitting: 120 digits": Case(
        "overfitting", {"holdout": 0.5, "d_hidden": (256, 256), "lr_d": 2e-3, "lr_g": 1e-3, "batch_size": 60}, anything, ALSO({"partial_collapse", "collapse", "d_saturated"}), data=_small_digits
    ),
    "vanishing: deep sigmoid G": Case("vanishing_gradients", {}, bad, ALSO({"d_saturated", "collapse", "partial_collapse", "too_slow"}), _sigmoid_g),
    "exploding: steep D": Case("exploding_gradients", {"lr_d": 1e-5, "lr_g": 1e-4}, anything, ALSO({"d_weak", "d_saturated", "diverging", "oscillation", "collapse", "partial_collapse", "too_slow", "vanishing_gradients"}), _steep_d),
    "slow: both": Case("too_slow", {"lr_d": 1e-6, "lr_g": 1e-6}, bad, ALSO({"d_weak", "d_saturated", "collapse", "partial_collapse"})),
}  # fmt: skip

FAMILIES = {"points": POINTS, "digits": IMAGES}


class Shaped(nn.Module):
    """A fully connected network between flat samples and images of 8x8."""

    def __init__(self, network: nn.Module, *, makes: bool) -> None:
        super().__init__()
        self.network, self.makes = network, makes

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.network(x)).reshape(-1, 1, 8, 8) if self.makes else self.network(x.flatten(1))


def trainer_of(family: str, case: Case, seed: int) -> gw.GANTrainer:
    """Return a trainer of that case that has not begun."""
    settings: dict[str, Any] = {"data": "ring8"} if family == "points" else {"data": "digits", **_IMG}
    settings |= case.settings
    data = settings.pop("data") if case.data is None else case.data(seed)
    settings.pop("data", None)
    own: dict[str, nn.Module] = {}
    if case.own is not None:
        own = case.own(2 if family == "points" else 64, seed)
        settings.pop("g_hidden" if "generator" in own else "d_hidden", None)
        if family == "digits":
            own = {name: Shaped(network, makes=name == "generator") for name, network in own.items()}
    return gw.GANTrainer(data, seed=seed, **own, **settings)


# --- recording ------------------------------------------------------------------------------------


def _plain(signals: Signals) -> dict[str, Any]:
    series = {
        part: {n: [s.iterations.tolist(), s.values.tolist()] for n, s in getattr(signals, part).items()}
        for part in ("columns", "probes")
    }
    rest = {
        "iteration": signals.iteration,
        "kind": signals.kind,
        "settings": {k: v for k, v in signals.settings.items() if k != "data"},
        "epochs": signals.epochs,
        "touched": dict(signals.touched),
    }
    return {**rest, **series}


def _signals(plain: Mapping[str, Any]) -> Signals:
    series = {
        part: {n: Series(np.array(i, np.int64), np.array(v, float)) for n, (i, v) in plain[part].items()}
        for part in ("columns", "probes")
    }
    about = {k: plain[k] for k in ("iteration", "kind", "settings", "epochs")}
    return Signals(**about, **series)


def record(family: str, name: str, case: Case, seed: int) -> dict[str, Any]:
    """Train a run, and return its signals and its quality at each window."""
    trainer = trainer_of(family, case, seed)
    windows, figures = [], []
    stopped = ""
    for at in WINDOWS:
        try:
            trainer.step(at - trainer.iteration)
        except gw.DivergedError as error:
            stopped = str(error)
        figures.append({**trainer.evaluate(1000), **variety(trainer)})
        windows.append(_plain(observe(trainer._session)))
        if stopped:
            break
    return {
        "family": family,
        "case": name,
        "seed": seed,
        "stopped": stopped,
        "figures": figures,
        "floors": dict(trainer.floors(1000)),
        "windows": windows,
    }


def variety(trainer: gw.GANTrainer) -> Figures:
    """Return the mean distance of samples divided by that of real ones, and the share of clusters or classes made."""
    made, real = (each.flatten(1).double() for each in (trainer.sample(1000, 5), trainer.real(1000, 5)))
    found = {"variety": float(torch.pdist(made).mean() / torch.pdist(real).mean())}
    modes = trainer.source.modes
    if modes is not None:
        nearest = torch.cdist(made, modes.centers.double()).argmin(dim=1)
        shares = torch.bincount(nearest, minlength=len(modes.centers)) / len(made)
        found["groups"] = float((shares >= 0.01).double().mean())
    elif trainer.source.labelled:
        shares_by_class = trainer.class_shares(1000, 0)
        found["groups"] = float(np.mean([share >= 0.01 for share in shares_by_class.values()]))
    return found


# --- scoring --------------------------------------------------------------------------------------


def counted(run: Mapping[str, Any]) -> Case | None:
    """Return the case of a run, or None if its quality does not confirm it."""
    case = FAMILIES[run["family"]][run["case"]]
    return case if case.quality(run["figures"], run["floors"]) else None


def found_in(run: Mapping[str, Any], window: int = -1) -> set[str]:
    """Return the symptoms that are found in a window."""
    return {finding.symptom for finding in findings_of(_signals(run["windows"][window]))}


def score(runs: list[dict[str, Any]], *, verbose: bool = False) -> str:
    """Return a table of precision and recall over the last windows, and the share of calm healthy windows."""
    hits, misses, wrong = Counter[str](), Counter[str](), Counter[str]()
    calm = windows = left_out = 0
    for run in runs:
        case = counted(run)
        if case is None:
            left_out += 1
            if verbose:
                print("left out:", run["family"], run["case"], run["seed"])
            continue
        if case.symptom == "healthy":
            for index in range(len(run["windows"])):
                windows += 1
                false = found_in(run, index)
                calm += not false
                if false and verbose:
                    print("false alarm:", run["family"], run["case"], run["seed"], index, false)
            wrong.update(found_in(run))
            continue
        found = found_in(run)
        (hits if case.symptom in found else misses)[case.symptom] += 1
        wrong.update(found - {case.symptom} - case.also)
        if verbose and (case.symptom not in found or found - {case.symptom} - case.also):
            print("differs:", run["family"], run["case"], run["seed"], sorted(found))
    lines = ["| symptom | ill runs | recall | false findings | precision |", "|---|---|---|---|---|"]
    for name in [*sorted({*hits, *misses, *wrong}), "all"]:
        h, m, w = (sum(c.values()) if name == "all" else c[name] for c in (hits, misses, wrong))
        recall = f"{h / (h + m):.2f}" if h + m else "-"
        precision = f"{h / (h + w):.2f}" if h + w else "-"
        lines.append(f"| `{name}` | {h + m} | {recall} | {w} | {precision} |")
    share = f"{calm / windows:.1%}" if windows else "-"
    lines.append("")
    lines.append(
        f"{len(runs) - left_out} runs, {left_out} more left out because their quality did not confirm how they were made. "
    )
    lines.append(f"Healthy windows without a finding: {calm} of {windows} ({share}).")
    return "\n".join(lines)


def main() -> None:
    """Record or score."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["record", "score"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[10, 11, 12])
    parser.add_argument("--family", choices=list(FAMILIES), nargs="+", default=list(FAMILIES))
    parser.add_argument("--folder", type=Path, default=Path("benchmarks/.findings"))
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    jobs = [
        (family, name, seed)
        for seed in arguments.seeds
        for family in arguments.family
        for name in FAMILIES[family]
    ]
    if arguments.what == "record":
        for family, name, seed in jobs:
            file = arguments.folder / f"{family}-{name.replace(': ', '-').replace(' ', '_')}-{seed}.json"
            if file.exists():
                continue
            began = time.perf_counter()
            made = record(family, name, FAMILIES[family][name], seed)
            file.with_suffix(".part").write_text(json.dumps(made))
            file.with_suffix(".part").rename(file)
            print(f"{file.stem}: {time.perf_counter() - began:.1f} s {made['stopped']}", flush=True)
    else:
        runs = [json.loads(file.read_text()) for file in sorted(arguments.folder.glob("*.json"))]
        chosen = [run for run in runs if run["seed"] in arguments.seeds and run["family"] in arguments.family]
        print(
            score(
                [run for run in chosen if run["case"] in FAMILIES[run["family"]]], verbose=arguments.verbose
            )
        )


if __name__ == "__main__":
    main()
