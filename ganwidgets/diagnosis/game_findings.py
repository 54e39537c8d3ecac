"""Findings from signals of every game: losses, gradients, exhibits, units.

Losses of different games have no common scale, so there are fewer symptoms than for samples from noise. Thresholds are
those of :mod:`ganwidgets.diagnosis.symptoms` if the signal is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from ganwidgets.diagnosis.finding import Evidence, Finding, Remedy, gravest
from ganwidgets.diagnosis.ineffective import without_effect
from ganwidgets.diagnosis.signals import SIGNALS, Series, Signals
from ganwidgets.games import settings_of
from ganwidgets.games.game import Game, Player
from ganwidgets.messages import Message, N_
from ganwidgets.metrics.interpretation import BEGINNING, DEAD, SHRUNKEN

__all__ = ["findings_of_game"]

BLOCKS = 10
"""Number of parts of the window; the median of each is one smoothed value."""

GREAT, EXPLODED, FEEBLE = 100.0, 100.0, 1e-3
"""Bounds: of the sum of all losses, of a gradient's norm, of first layer / last layer."""

FIRST_LAYER = 1e-4
"""Gradient norm of a first layer below which it hardly learns."""


# --- findings -------------------------------------------------------------------------------------


def findings_of_game(seen: Signals, game: Game) -> tuple[Finding, ...]:
    """Return the findings for a run of `game`, most severe first."""
    finders = (_diverging, _collapse, _dead, *(_of_player(player) for player in game.players))
    found = gravest(finding for find in finders for finding in find(seen, game))
    return tuple(sorted([*found, *_without_effect(seen, game)], key=lambda finding: -finding.severity))


def _diverging(seen: Signals, game: Game) -> Iterator[Finding]:
    columns = [series for name in game.losses if len(series := seen.series(name))]
    if seen.iteration < 20 or not columns:
        return
    n = min(len(series) for series in columns)
    total = Series(columns[0].iterations[-n:], sum(np.abs(series.values[-n:]) for series in columns))  # type: ignore[arg-type]
    size = n // BLOCKS
    if size < 1:
        return
    values = np.median(total.values[-size * BLOCKS :].reshape(BLOCKS, size), axis=1)
    series = Series(total.iterations[-size * BLOCKS :].reshape(BLOCKS, size)[:, -1], values)
    # Losses of some games are large from the start: only growing losses count.
    if (values[-3:] > GREAT).all() and values[-3:].mean() > 3 * values[:3].mean():
        remedies = (*(_slower(seen, game, player, 0.1) for player in game.players), _clipped(seen))
        yield _finding(
            "diverging",
            "loss_size",
            series,
            GREAT,
            1e4,
            "sum of the losses above 100 and three times what it was; AutoTrainer, ICSE 2021, stops at 1,000",
            remedies,
            N_("The losses grow without end: the run will soon break down."),
        )


def _collapse(seen: Signals, game: Game) -> Iterator[Finding]:
    series = seen.series("extent")
    if seen.iteration >= BEGINNING and len(series) and series.values[-1] < SHRUNKEN:
        makers = [p for p in game.players if p.role == "generator" or p.letter == "g"] or list(game.players)
        yield _finding(
            "collapse",
            "extent",
            series,
            SHRUNKEN,
            0.0,
            "total variance of generated samples / total variance of real samples",
            tuple(_slower(seen, game, player, 0.1) for player in makers),
            N_("Nearly all samples are alike: the generator makes one thing only."),
        )


def _dead(seen: Signals, game: Game) -> Iterator[Finding]:
    series = seen.series("dead_units")
    if seen.iteration >= 20 and len(series) and series.values[-1] > DEAD:
        yield _finding(
            "dead_units",
            "dead_units",
            series,
            DEAD,
            1.0,
            "share of ReLU units that are 0 for every sample, in one layer; AutoTrainer, ICSE 2021, has .7; bound tuned",
            tuple(_slower(seen, game, player, 0.3) for player in game.players),
            N_("Most units of a layer are off for every sample and can no longer learn."),
        )


def _of_player(player: Player) -> Callable[[Signals, Game], Iterator[Finding]]:
    def find(seen: Signals, game: Game) -> Iterator[Finding]:
        if seen.iteration < 20:
            return
        norms = seen.series(f"grad_norm_{player.letter}")
        if len(norms) >= 5 and (norms.values[-5:] > EXPLODED).all():
            yield _finding(
                "exploding_gradients",
                "grad_norm",
                norms,
                EXPLODED,
                1e4,
                "norm of the whole gradient in five measured updates; usual norms are .01 to 30",
                (_clipped(seen), _slower(seen, game, player, 0.1)),
                N_("The gradients are far too long: one update can destroy what was learnt."),
            )
        layers = seen.series(f"layers_{player.letter}").values
        if len(layers) > 2 and layers[0] < FIRST_LAYER and layers[0] / max(layers[-1], 1e-30) < FEEBLE:
            ratio = Series(np.array([seen.iteration]), np.array([layers[0] / max(layers[-1], 1e-30)]))
            yield _finding(
                "vanishing_gradients",
                "layer_ratio",
                ratio,
                FEEBLE,
                0.0,
                "first layer / last layer < 1e-3 and first layer < 1e-4; AutoTrainer, ICSE 2021",
                (),
                N_("The gradient dies on its way through a network: its first layers learn nothing."),
            )

    return find


def _without_effect(seen: Signals, game: Game) -> Iterator[Finding]:
    definitions = settings_of(game)
    for player in game.players:
        letter = player.letter

        def frozen(rules: Mapping[str, Any], letter: str = letter) -> bool:
            return bool(rules[f"freeze_{letter}"])

        for name in (f"lr_{letter}", f"{letter}_steps", f"optimizer_{letter}"):
            release = {f"freeze_{letter}": False}
            finding = without_effect(seen, definitions[name], frozen, release)
            if finding is not None:
                yield finding


def _finding(
    symptom: str,
    signal: str,
    series: Series,
    threshold: float,
    worst: float,
    source: str,
    remedies: tuple[Remedy | None, ...],
    sentence: str,
) -> Finding:
    above = worst > threshold
    ill = series.values > threshold if above else series.values < threshold
    first = len(ill) - int(np.argmin(ill[::-1])) if not ill.all() else 0
    return Finding(
        symptom,
        float(np.clip((float(series.values[-1]) - threshold) / (worst - threshold), 0, 1)),
        int(series.iterations[first]),
        Evidence(
            signal,
            SIGNALS[signal],
            tuple(map(int, series.iterations)),
            tuple(map(float, series.values)),
            threshold,
            above,
            source,
        ),
        tuple(remedy for remedy in remedies if remedy is not None),
        sentence,
    )


# --- remedies -------------------------------------------------------------------------------------


def _slower(seen: Signals, game: Game, player: Player, factor: float) -> Remedy | None:
    name = f"lr_{player.letter}"
    setting: Any = settings_of(game)[name]
    before = seen.settings[name]
    after = float(f"{max(before * factor, setting.min):.3g}")
    if after >= before:
        return None
    label = Message(
        "{setting} from {before:.3g} to {after:.3g}",
        setting=Message(setting.label),
        before=before,
        after=after,
    )
    return Remedy(label, MappingProxyType({name: after}))


def _clipped(seen: Signals) -> Remedy | None:
    if seen.settings["grad_clip"] > 0:
        return None
    return Remedy(N_("Shorten long gradients"), MappingProxyType({"grad_clip": 1.0}))
