"""Construction of a run of any game."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn

from ganwidgets.data import Source
from ganwidgets.data.two_sources import split_parts
from ganwidgets.errors import DataError
from ganwidgets.games import GAMES
from ganwidgets.games.game import Game
from ganwidgets.messages import Message
from ganwidgets.objectives import Objective
from ganwidgets.rng_routing import RoutedRandomness
from ganwidgets.seeds import derive, seeded
from ganwidgets.stepping.assembly import (
    Assembled,
    assemble,
    check_fit,
    exact_because,
    refuse_inference_tensors,
)
from ganwidgets.stepping.checks.game_probe import (
    built,
    check_declared,
    check_networks,
    check_order,
    first_memory,
    probe_game,
)
from ganwidgets.stepping.engine import Engine
from ganwidgets.stepping.modules.buffers import evaluation_mode
from ganwidgets.stepping.runtime.ambient import pinned
from ganwidgets.stepping.runtime.threads import threads_for
from ganwidgets.stepping.state import TrainingState
from ganwidgets.stepping.streams.feed import feed_from
from ganwidgets.stepping.streams.game_data import shapes_of, streams_of

__all__ = ["Parts", "assembled", "check_settings", "look"]


class Parts(Protocol):
    """The game of a run, and what the user passed for it."""

    game: Game
    networks: dict[str, nn.Module | None]
    objective: Objective | None


def assembled(settings: Any, source: Source, parts: Parts, device: torch.device) -> Assembled:
    """Return a new run.

    Parameters
    ----------
    settings
        Anything with the attributes that :func:`~ganwidgets.games.definitions.settings_of` names.
    source : Source
        As :func:`~ganwidgets.stepping.streams.game_data.load_for` returns it.

    Raises
    ------
    DataError
        If a batch is larger than the data, or the game, its networks and the data do not fit together.
    """
    if parts.game.from_noise:
        return assemble(settings, source, parts.networks, device, parts.objective)
    return assemble_game(settings, source, parts.game, device)


def assemble_game(settings: Any, source: Source, game: Game, device: torch.device) -> Assembled:
    """Return a new run of a game that builds its networks itself; see :func:`assembled`."""
    check_declared(game)
    training, held_out = split_parts(source, settings.holdout)
    wrong = check_fit("batch_size", settings.batch_size, training, 1)
    shapes = shapes_of(game, source)
    wrong = wrong or game.check_fit(settings, shapes)
    if wrong is not None:
        raise DataError(wrong)
    networks = built(game, settings, shapes, seeded(settings.seed, "weights"))
    check_networks(game, networks)
    for name, network in networks.items():
        refuse_inference_tensors(name, network)
        network.to(device)
    memory = first_memory(game, settings, shapes)
    check_order(game, settings)
    streams = streams_of(game, training, settings.seed)
    # The trial leaves optimizer state, and so uses a separate training state.
    tried = TrainingState(
        game, networks, settings.seed, device, {key: tensor.clone() for key, tensor in memory.items()}
    )
    trial = Engine(tried, streams, routed=True)
    trial.configure(settings)
    with pinned(threads_for(*networks.values()), device):
        found = probe_game(trial)
    state = TrainingState(game, networks, settings.seed, device, memory)
    threads = threads_for(*networks.values())
    return Assembled(
        source=source,
        training=training,
        held_out=held_out,
        state=state,
        engine=Engine(state, streams, routed=found.routed),
        labels=None,
        exact=found.exact and source.exact and device.type == "cpu",
        exact_because=exact_because(found, source, device, threads),
        threads=threads,
        user_code=GAMES.get(game.name) is not type(game),
    )


def check_settings(run: Assembled, settings: Any) -> Message | None:
    """Return why `settings` are invalid in `run`, with the remedy; None if they are valid."""
    return run.state.game.check_fit(settings, shapes_of(run.state.game, run.source))


def look(
    run: Assembled,
    settings: Any,
    method: Literal["show", "evaluate"],
    n: int,
    seed: int,
    *,
    average: bool = False,
    networks: Mapping[str, nn.Module] | None = None,
    memory: Mapping[str, Tensor] | None = None,
) -> Any:
    """Return the result of :meth:`Game.show` or :meth:`Game.evaluate` for `n` samples; no state changes.

    Held-out samples are used if there are any, else all samples.

    Parameters
    ----------
    settings
        Current values, as attributes.
    seed : int
        Seed of the choice of samples and of all random numbers.
    average : bool
        Use moving averages if they exist.
    networks, memory : mapping, optional
        Networks and tensors of the game instead of the current ones, such as those of a snapshot.
    """
    state, engine = run.state, run.engine
    game = state.game
    source: Source = run.training if run.held_out is None else run.held_out
    if source.size is not None:
        n = min(n, source.size)
    if networks is None:
        networks = {
            name: state.averaged(name) if average else network for name, network in state.networks.items()
        }
    streams = streams_of(game, source, derive(seed, method))
    turn = engine.turn(settings, seeded(seed, method, "random"), networks)
    if memory is not None:
        turn = replace(turn, memory=memory, modules=networks)
    inside = torch.Generator().manual_seed(derive(seed, method, "network"))
    routing = RoutedRandomness(inside) if engine.routed else nullcontext()
    feed = feed_from(streams, state.device)
    with (
        pinned(run.threads, state.device),
        torch.no_grad(),
        evaluation_mode(*networks.values()),
        routing,
    ):
        found = getattr(game, method)(n, feed, turn)
    declared = game.metrics if method == "evaluate" else {exhibit.name for exhibit in game.exhibits}
    if unknown := [name for name in found if name not in declared]:
        raise DataError(
            Message(
                "{method}() of the game {game} returned {name!r}, which the game does not declare; declare it in {where}",
                method=method,
                game=game.name,
                name=unknown[0],
                where="metrics" if method == "evaluate" else "exhibits",
            )
        )
    if method == "evaluate":
        return {name: float(value) for name, value in found.items()}
    kinds = {exhibit.name: exhibit.kind for exhibit in game.exhibits}
    return {
        name: _in_shown_units(run, tensor.detach().cpu().float(), kinds.get(name, "samples"))
        for name, tensor in found.items()
    }


def _in_shown_units(run: Assembled, tensor: Tensor, kind: str) -> Tensor:
    if kind == "samples":
        return run.source.in_own_units(run.shown(tensor))
    return run.source.modality.shown_difference(tensor) if kind == "difference" else tensor
