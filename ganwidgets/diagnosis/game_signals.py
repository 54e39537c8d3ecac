"""Signals of every game besides its recorded columns: the spread of exhibits, and dead units."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from ganwidgets.games.game import Game
from ganwidgets.runs.session.session import Session
from ganwidgets.stepping.game_assembly import look

__all__ = ["probes_of_game"]

SAMPLES = 128
"""Number of samples of each exhibit in a probe."""

SEED = 20_141_210
"""Seed of the probes' samples."""


def probes_of_game(session: Session) -> dict[str, float]:
    """Return ``extent`` of generated exhibits and ``dead_units`` of all networks, if the game has them."""
    game = session.state.game
    alive: dict[str, Tensor] = {}
    with _noting(session.state.networks, alive):
        seen = look(session.run, session.in_force(), "show", SAMPLES, SEED)
    found: dict[str, float] = {}
    made, real = (_spread(game, seen, role) for role in ("generated", "real"))
    if made and real:
        found["extent"] = min(made) / max(sum(real) / len(real), 1e-12)
    shares = [1 - float(on.float().mean()) for on in alive.values()]
    if shares:
        found["dead_units"] = max(shares)
    return {name: value for name, value in found.items() if math.isfinite(value)}


def _spread(game: Game, seen: Mapping[str, Tensor], role: str) -> list[float]:
    """Return the square root of the total variance of each exhibit with that role."""
    return [
        float(seen[e.name].reshape(len(seen[e.name]), -1).double().var(dim=0).sum().sqrt())
        for e in game.exhibits
        if e.role == role and e.kind == "samples" and len(seen.get(e.name, ())) > 1
    ]


@contextmanager
def _noting(networks: Mapping[str, nn.Module], alive: dict[str, Tensor]) -> Iterator[None]:
    """Record, for each `nn.ReLU`, the units that are active for some sample."""

    def noter(name: str) -> Callable[..., None]:
        def note(_layer: nn.Module, _inputs: Any, output: Tensor) -> None:
            on = (output.detach() > 0).reshape(len(output), output.shape[1] if output.dim() > 1 else 1, -1)
            units = on.any(dim=2).any(dim=0)
            alive[name] = units if name not in alive else alive[name] | units

        return note

    hooks = [
        layer.register_forward_hook(noter(f"{network}.{name}"))
        for network, module in networks.items()
        for name, layer in module.named_modules()
        if isinstance(layer, nn.ReLU)
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
