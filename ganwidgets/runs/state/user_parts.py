"""The user's own parts of a run: a game, networks and an objective."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor, nn
from traitlets import TraitError

from ganwidgets.errors import CheckpointError, DataError
from ganwidgets.games import DEFAULT, GAMES, GAN, Game, named
from ganwidgets.messages import Message
from ganwidgets.objectives import Objective, name_of, with_defaults
from ganwidgets.settings import OWN
from ganwidgets.settings.types import nearest
from ganwidgets.stepping.checks.game_probe import check_declared
from ganwidgets.stepping.modules.tensors import put_tensors, tensors_of

__all__ = [
    "UserParts",
    "brought",
    "built_in_game_of",
    "chosen_game",
    "refuse_another_game",
    "refuse_without_noise",
    "with_game_of",
]


def game_named(name: str) -> Game:
    """Return a built-in game.

    Raises
    ------
    DataError
        If there is no such game.
    """
    if name not in GAMES:
        raise DataError(
            Message(
                "there is no game {name!r}{hint}; games are {known}",
                name=name,
                hint=nearest(name, GAMES),
                known=", ".join(GAMES),
            )
        )
    return GAMES[name]()


def chosen_game(game: Any, others: Mapping[str, Any]) -> Game:
    """Return the game for a name or object.

    Parameters
    ----------
    others : mapping
        What else the user brought, by name.

    Raises
    ------
    DataError
        If there is no such game, or it does not accept the user's parts.
    """
    if isinstance(game, str):
        played = game_named(game)
    elif isinstance(game, GAN) and game != GAN():
        raise DataError(Message("the classic game is made from the settings; pass game='gan'"))
    else:
        check_declared(game)
        if game.name in GAMES and not isinstance(game, GAMES[game.name]):
            raise DataError(
                Message(
                    "the name {name!r} is that of a built-in game, by which its runs are opened; choose another name",
                    name=game.name,
                )
            )
        played = game
    given = [name for name, part in others.items() if part is not None and name not in played.user_parts]
    if given:
        raise DataError(
            Message(
                "the game {game} makes its networks and losses itself; leave {name} out, or override build in a "
                "subclass of it",
                game=played.name,
                name=given[0],
            )
        )
    return played


def brought(
    generator: nn.Module | None,
    discriminator: nn.Module | None,
    objective: Objective | None,
    game: str | Game | None,
) -> dict[str, Any]:
    """Return the user's arguments for opening a stored run; :func:`with_game_of` adds the game if none was passed."""
    parts = {"generator": generator, "discriminator": discriminator, "objective": objective}
    return parts if game is None else {**parts, "game": chosen_game(game, parts)}


def refuse_another_game(game: Game, asked: str | Game) -> None:
    """Raise `DataError` unless `asked` is the game of the run."""
    wanted = chosen_game(asked, {})
    if game.name != wanted.name:
        raise DataError(
            Message(
                "the run is one of the game {game} and cannot become one of {asked}: settings, columns and networks follow "
                "from the game; make another trainer, gw.GANTrainer(data, game={asked!r})",
                game=game.name,
                asked=wanted.name,
            )
        )


def refuse_without_noise(game: Game, method: str) -> None:
    """Raise `DataError` unless `game` draws samples from noise, as `method` needs."""
    if not game.from_noise:
        raise DataError(
            Message(
                "the game {game} has no {method}, which needs one generator of noise against one discriminator; use "
                "trainer.show(n) to see it and trainer.evaluate() to measure it",
                game=game.name,
                method=method,
            )
        )


def built_in_game_of(described: Mapping[str, Any]) -> Game:
    """Return the game of a stored run that is read without the user's parts.

    Raises
    ------
    CheckpointError
        If it is no built-in game.
    """
    wanted = described.get("game", DEFAULT)
    if wanted not in GAMES:
        raise CheckpointError(
            Message(
                "the run is one of the game {wanted!r}; open it by gw.open_run(path, game=...), a saved file by "
                "gw.GANTrainer.load(path, game=...), and pass the trainer instead of its path",
                wanted=wanted,
            )
        )
    return game_named(wanted)


def with_game_of(given: Mapping[str, Any], described: Mapping[str, Any]) -> dict[str, Any]:
    """Return `given` with the game of a stored run: the passed one, or the built-in one that the run names.

    Parameters
    ----------
    given : mapping
        As :func:`brought` returns it.
    described : mapping
        As :meth:`UserParts.described` returns it. Without ``"game"`` the run is one of the default game.

    Raises
    ------
    CheckpointError
        If the run is one of another game than the one that was passed, or of one that must be passed.
    """
    wanted = described.get("game", DEFAULT)
    if "game" not in given and wanted in GAMES:
        return {**given, "game": game_named(wanted)}
    if "game" in given and given["game"].name == wanted:
        return dict(given)
    raise CheckpointError(
        Message(
            "the run is one of the game {wanted!r}; pass that game as game=..., as the run began with it",
            wanted=str(wanted),
        )
    )


class UserParts:
    """Networks and an objective of the user's own.

    Parameters
    ----------
    given : mapping
        ``"generator"``, ``"discriminator"`` and, if there is one, ``"objective"``; None for
        built in. ``"game"`` is always a game.
    """

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.networks: dict[str, nn.Module | None] = {
            name: given[name] for name in ("generator", "discriminator")
        }
        self.objective: Objective | None = given.get("objective")
        self.game: Game = given["game"]
        self._gradients: list[tuple[Tensor, bool]] = []

    def described(self) -> dict[str, Any]:
        """Return the stored description of the user's parts: which networks, and the objective's name."""
        which: dict[str, Any] = {name: network is not None for name, network in self.networks.items()}
        which |= named(self.game)
        return which if self.objective is None else {**which, "objective": name_of(self.objective)}

    def given(self) -> dict[str, Any]:
        """Return the user's parts, as passed."""
        return {**self.networks, "objective": self.objective, "game": self.game}

    def chosen(self) -> dict[str, str]:
        """Return the settings that select the objective, unless others are requested."""
        if self.objective is None:
            return {}
        penalty = {"penalty": OWN} if with_defaults(self.objective).penalty is not None else {}
        return {"loss": OWN, **penalty}

    def admit(self, settings: Mapping[str, Any]) -> None:
        """Raise `TraitError` if these settings need parts that the user did not pass."""
        if settings.get("loss") == OWN and self.objective is None:
            raise TraitError(
                Message(
                    "loss cannot be 'own': no objective was passed; pass one as objective=..., or choose another loss"
                )
            )
        if settings.get("penalty") == OWN and (
            self.objective is None or with_defaults(self.objective).penalty is None
        ):
            raise TraitError(
                Message(
                    "penalty cannot be 'own': no objective with a penalty was passed; pass one as objective=..., or "
                    "choose another penalty"
                )
            )

    def begin_training(self) -> None:
        """Put the networks into train mode, once: afterwards their flags belong to the user.

        Also remember which parameters have gradients; every fresh start begins with these.
        """
        for _, network in self._given():
            network.train()
            self._gradients += [(parameter, parameter.requires_grad) for parameter in network.parameters()]

    def put_gradient_flags(self) -> None:
        """Restore ``requires_grad`` of every parameter to its value at the start of training."""
        for parameter, flag in self._gradients:
            parameter.requires_grad_(flag)

    def content(self) -> dict[str, dict[str, Tensor]]:
        """Return copies of the networks' parameters and buffers."""
        return {
            name: {key: tensor.detach().clone() for key, tensor in tensors_of(network).items()}
            for name, network in self._given()
        }

    def checked_content(self, content: Any) -> dict[str, dict[str, Tensor]]:
        """Return `content` if it fits the networks; otherwise raise `ValueError`.

        Raises
        ------
        ValueError
            If it belongs to other networks.
        """
        for name, network in self._given():
            wanted = {key: (t.shape, t.dtype) for key, t in tensors_of(network).items()}
            found = {key: (t.shape, t.dtype) for key, t in content[name].items()}
            if found != wanted:
                raise ValueError(f"the initial content of the {name} does not fit the {name}")
        return dict(content)

    def put(self, content: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Restore the networks' content from :meth:`content`."""
        for name, network in self._given():
            put_tensors(network, content[name])

    def _given(self) -> Iterator[tuple[str, nn.Module]]:
        for name, network in self.networks.items():
            if network is not None:
                yield name, network
