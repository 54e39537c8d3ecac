"""Check of a game on one batch before training; errors name the game, the part and the remedy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from traitlets import HasTraits, TraitError

from ganwidgets.draw_detection import RandomDrawDetector
from ganwidgets.errors import DataError
from ganwidgets.games.definitions import names_of_every_game, settings_of
from ganwidgets.games.game import Game, Player, Scored
from ganwidgets.games.gan import GAN
from ganwidgets.messages import Message
from ganwidgets.rng_routing import _HANDLERS as ROUTED
from ganwidgets.rng_routing import RoutedRandomness
from ganwidgets.seeds import seeded
from ganwidgets.settings.types import Setting
from ganwidgets.stepping.checks.probe import Probe
from ganwidgets.stepping.engine import Engine, number_of

__all__ = ["built", "check_declared", "check_networks", "check_order", "first_memory", "probe_game"]

NEEDED = ("name", "label", "players", "streams")

RESERVED = frozenset({*dir(HasTraits), "generator", "discriminator", "device", "run", "game"})
"""Names that no setting can have: attributes of the settings, and arguments of a trainer."""


def check_declared(game: Any) -> None:
    """Raise `DataError` unless `game`'s declarations are complete and consistent."""
    if isinstance(game, type) and issubclass(game, Game):
        raise DataError(
            Message("game is the class {game}; pass an instance of it, {game}()", game=game.__name__)
        )
    if not isinstance(game, Game):
        raise DataError(
            Message(
                "game is a {type}; pass the name of a built-in game, or an instance of a subclass of ganwidgets.games.Game",
                type=type(game).__name__,
            )
        )
    for member in NEEDED:
        if not getattr(game, member, None):
            raise DataError(
                Message(
                    "the game {game} has no {member}; declare it", game=type(game).__name__, member=member
                )
            )
    if game.from_noise and not isinstance(game, GAN):
        raise DataError(
            Message(
                "the game {game} declares from_noise, which needs the networks and settings of 'gan'; remove it, and "
                "override show and evaluate",
                game=game.name,
            )
        )
    _check_types(game)
    names = [name for player in game.players for name in player.networks]
    columns = [
        *(f"{column}_{player.letter}" for player in game.players for column in ("loss", "grad_norm")),
        *game.terms,
        *game.measures,
    ]
    for what, found in (
        ("player", [player.name for player in game.players]),
        ("letter", [player.letter for player in game.players]),
        ("network", names),
        ("column", columns),
        ("stream", [stream.name for stream in game.streams]),
    ):
        twice = [name for name, count in Counter(found).items() if count > 1]
        if twice:
            raise DataError(
                Message(
                    "the game {game} declares the {what} {name!r} twice; give each a name of its own",
                    game=game.name,
                    what=what,
                    name=twice[0],
                )
            )
    unknown = [name for name in game.optional_measures if name not in game.measures]
    if unknown:
        raise DataError(
            Message(
                "the game {game} has {name!r} in optional_measures only; add it to measures, or remove it",
                game=game.name,
                name=unknown[0],
            )
        )
    for player in game.players:
        if not player.networks:
            raise DataError(
                Message(
                    "the player {player!r} of the game {game} moves no network; name one",
                    player=player.name,
                    game=game.name,
                )
            )


def _check_types(game: Game) -> None:
    """Raise `DataError` for players, settings and defaults of a wrong type or with unknown names."""
    players: Iterable[Any] = game.players
    for player in players:
        if not isinstance(player, Player):
            raise DataError(
                Message(
                    "players of the game {game} holds {player!r}; declare each as Player(name, letter, label, networks)",
                    game=game.name,
                    player=player,
                )
            )
        if len(player.letter) != 1 or not player.letter.islower():
            raise DataError(
                Message(
                    "the player {player!r} of the game {game} has the letter {letter!r}; it must be one small letter",
                    player=player.name,
                    game=game.name,
                    letter=player.letter,
                )
            )
        if player.averaged is not None and player.averaged not in player.networks:
            raise DataError(
                Message(
                    "the player {player!r} of the game {game} averages {averaged!r}, which is none of its networks: {known}",
                    player=player.name,
                    game=game.name,
                    averaged=player.averaged,
                    known=", ".join(player.networks),
                )
            )
    settings: Mapping[str, Any] = game.settings
    for name, setting in settings.items():
        if not isinstance(setting, Setting):
            raise DataError(
                Message(
                    "the setting {name!r} of the game {game} is a {type}; declare it with a class of "
                    "ganwidgets.settings.types, such as FloatSetting",
                    name=name,
                    game=game.name,
                    type=type(setting).__name__,
                )
            )
        if not name.isidentifier() or name in RESERVED:
            raise DataError(
                Message(
                    "the game {game} cannot have a setting {name!r}; choose a word that is no attribute of all settings",
                    game=game.name,
                    name=name,
                )
            )
        if name in names_of_every_game(game):
            raise DataError(
                Message(
                    "the game {game} declares the setting {name!r}, which it has without that; set its default in "
                    "defaults, or choose another name",
                    game=game.name,
                    name=name,
                )
            )
    known = settings_of(game, defaults=False)
    for name, value in game.defaults.items():
        if name not in known:
            raise DataError(
                Message(
                    "the game {game} has a default of {name!r}, which is no setting of it; settings are {known}",
                    game=game.name,
                    name=name,
                    known=", ".join(known),
                )
            )
        try:
            known[name].check(value)
        except TraitError as error:
            raise DataError(
                Message(
                    "the game {game} has an invalid default: {error}", game=game.name, error=error.args[0]
                )
            ) from error


def built(game: Game, settings: Any, shapes: Any, weights: torch.Generator) -> dict[str, nn.Module]:
    """Return the result of :meth:`Game.build`.

    What it draws without a generator, such as the initial weights of ``nn.Linear``, comes from a second generator with a
    seed of its own, so that the weights follow from the run's seed.

    Raises
    ------
    DataError
        If it fails, or does not return networks by name.
    """
    with RoutedRandomness(seeded(weights.initial_seed(), "builder")):
        made = _called(game, "build", settings, shapes, weights)
    if not isinstance(made, Mapping):
        raise DataError(
            Message(
                "build() of the game {game} returned a {type}; return a dictionary of torch.nn.Module by name",
                game=game.name,
                type=type(made).__name__,
            )
        )
    return dict(made)


def first_memory(game: Game, settings: Any, shapes: Any) -> dict[str, Tensor]:
    """Return the result of :meth:`Game.memory`.

    Raises
    ------
    DataError
        If it fails, or does not return tensors by name.
    """
    made = _called(game, "memory", settings, shapes)
    if not isinstance(made, Mapping) or not all(isinstance(each, Tensor) for each in made.values()):
        raise DataError(
            Message(
                "memory() of the game {game} returned a {type}; return a dictionary of tensors by name",
                game=game.name,
                type=type(made).__name__,
            )
        )
    return dict(made)


def check_order(game: Game, settings: Any) -> None:
    """Raise `DataError` unless :meth:`Game.order` names players of the game."""
    names = [player.name for player in game.players]
    for pair in _called(game, "order", settings, 0):
        name, times = pair if isinstance(pair, tuple | list) and len(pair) == 2 else (None, None)
        if type(times) is not int or times < 0:
            raise DataError(
                Message(
                    "order() of the game {game} returned {pair!r}; return pairs of a player's name and its number of "
                    "updates",
                    game=game.name,
                    pair=pair,
                )
            )
        if name not in names:
            raise DataError(
                Message(
                    "order() of the game {game} names the player {name!r}, which it does not have; players are {known}",
                    game=game.name,
                    name=name,
                    known=", ".join(names),
                )
            )


def _called(game: Game, method: str, *arguments: Any) -> Any:
    try:
        return getattr(game, method)(*arguments)
    except DataError:
        raise
    except Exception as error:
        raise DataError(
            Message(
                "{method}() of the game {game} failed: {error}",
                method=method,
                game=game.name,
                error=f"{type(error).__name__}: {error}",
            )
        ) from error


def check_networks(game: Game, networks: Mapping[str, Any]) -> None:
    """Raise `DataError` unless the `networks` from :meth:`Game.build` can be trained separately."""
    owners: dict[nn.Parameter, str] = {}
    for player in game.players:
        for name in player.networks:
            network = networks.get(name)
            if not isinstance(network, nn.Module):
                raise DataError(
                    Message(
                        "build() of the game {game} returns {found} as {network!r}, which the player {player!r} moves; "
                        "return a torch.nn.Module",
                        game=game.name,
                        found=Message("nothing") if network is None else type(network).__name__,
                        network=name,
                        player=player.name,
                    )
                )
            for parameter in filter(lambda p: p.requires_grad, network.parameters()):
                other = owners.setdefault(parameter, name)
                if other != name:
                    raise DataError(
                        Message(
                            "the networks {one!r} and {other!r} of the game {game} share a parameter, so that neither "
                            "could be trained alone; give each its own, or make them one network",
                            one=other,
                            other=name,
                            game=game.name,
                        )
                    )
        if not set(player.networks) & set(owners.values()):
            raise DataError(
                Message(
                    "the player {player!r} of the game {game} has no parameter that could be trained; at least one must "
                    "have requires_grad=True",
                    player=player.name,
                    game=game.name,
                )
            )


def probe_game(engine: Engine) -> Probe:
    """Try one update of every player on the next samples, without applying it or changing any state.

    Raises
    ------
    DataError
        If `draw` or `loss` fails, returns an invalid result, or changes networks or memory in place.
    """
    routed, exact = False, True
    for player in engine.game.players:
        before = _contents(engine)
        with RandomDrawDetector() as draws:
            first, drew_inside = _attempted(engine, player)
        _check(engine, player, first)
        again, _ = _attempted(engine, player)
        for what, tensors in _contents(engine).items():
            if not _same(before[what], tensors):
                raise DataError(
                    Message(
                        "the loss of {player!r} in the game {game} changes {what} in place; compute new tensors, and return "
                        "new content of the memory as Scored(..., memory=...)",
                        player=player.name,
                        game=engine.game.name,
                        what=what,
                    )
                )
        routed = routed or drew_inside
        exact = exact and not draws.unrouted and _numbers(first) == _numbers(again)
    because = (
        ""
        if exact
        else Message(
            "the game {game} draws random numbers that are not its own, or gave other numbers for one batch; draw with "
            "generator=turn.random[...]",
            game=engine.game.name,
        )
    )
    return Probe(routed=routed, exact=exact, inexact_because=because)


class _NotingRandomness(RoutedRandomness):
    """Records whether a random call without its own generator was routed."""

    noted = False

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if func in ROUTED and (kwargs or {}).get("generator") is None:
            self.noted = True
        return super().__torch_function__(func, types, args, kwargs)


def _attempted(engine: Engine, player: Player) -> tuple[Scored, bool]:
    """Return the game's result for a player, and True if its loss made routed draws."""
    routings: list[_NotingRandomness] = []

    def routing(generator: torch.Generator) -> RoutedRandomness:
        routings.append(_NotingRandomness(generator))
        return routings[-1]

    try:
        with torch.enable_grad():
            scored = engine.attempt(player.name, 0, routing)
    except DataError:
        raise
    except Exception as error:
        raise DataError(
            Message(
                "an update of {player!r} in the game {game} failed on the first batch: {error}",
                player=player.name,
                game=engine.game.name,
                error=f"{type(error).__name__}: {error}",
            )
        ) from error
    if not isinstance(scored, Scored):
        raise DataError(
            Message(
                "loss() of the game {game} returned a {type} for {player!r}; return Scored(loss)",
                game=engine.game.name,
                type=type(scored).__name__,
                player=player.name,
            )
        )
    return scored, routings[0].noted


def _check(engine: Engine, player: Player, scored: Scored) -> None:
    """Raise `DataError` unless the loss is differentiable, and all other results are declared."""
    game = engine.game
    loss: object = scored.loss  # what the user's code returned
    if not isinstance(loss, Tensor) or loss.ndim != 0 or not loss.is_floating_point():
        found = f"shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else type(loss).__name__
        raise DataError(
            Message(
                "the loss of {player!r} in the game {game} is a tensor of {found}; it must be one number, such as a mean "
                "over the batch",
                player=player.name,
                game=game.name,
                found=found,
            )
        )
    parameters = engine.state.parameters[player.name]
    slopes = torch.autograd.grad(loss, parameters, allow_unused=True) if loss.requires_grad else (None,)
    if all(slope is None for slope in slopes):
        raise DataError(
            Message(
                "the loss of {player!r} in the game {game} does not depend on {networks}, or not differentiably; compute it "
                "with turn.networks, without detach or no_grad",
                player=player.name,
                game=game.name,
                networks=", ".join(player.networks),
            )
        )
    for what, returned, declared in (
        ("term", set(scored.terms), tuple(game.terms)),
        ("measure", set(scored.measures()), tuple(game.measures)),
        ("memory", set(scored.memory), tuple(engine.state.memory)),
    ):
        unknown = sorted(returned.difference(declared))
        if unknown:
            raise DataError(
                Message(
                    "the loss of {player!r} in the game {game} returns the {what} {name!r}, which the game does not declare; "
                    "declared are: {declared}",
                    player=player.name,
                    game=game.name,
                    what=what,
                    name=unknown[0],
                    declared=", ".join(declared) or Message("none"),
                )
            )
    for name, tensor in scored.memory.items():
        kept = engine.state.memory[name]
        if (tensor.shape, tensor.dtype) != (kept.shape, kept.dtype):
            raise DataError(
                Message(
                    "the memory {name!r} of the game {game} becomes {found} and was {kept}; its shape and type cannot change",
                    name=name,
                    game=game.name,
                    found=f"{tensor.dtype} {tuple(tensor.shape)}",
                    kept=f"{kept.dtype} {tuple(kept.shape)}",
                )
            )


def _contents(engine: Engine) -> dict[str, list[Tensor]]:
    state = engine.state
    networks: Iterable[tuple[str, nn.Module]] = state.networks.items()
    found = {f"network {n!r}": [*module.parameters(), *module.buffers()] for n, module in networks}
    found |= {f"memory {name!r}": [tensor] for name, tensor in state.memory.items()}
    return {what: [tensor.detach().clone() for tensor in tensors] for what, tensors in found.items()}


def _same(old: list[Tensor], now: list[Tensor]) -> bool:
    return all(torch.equal(a.nan_to_num(), b.nan_to_num()) for a, b in zip(old, now, strict=True))


def _numbers(scored: Scored) -> list[str]:
    beside = [*scored.terms.values(), *scored.measures().values()]
    return [repr(number_of(value)) for value in (scored.loss, *beside)]
