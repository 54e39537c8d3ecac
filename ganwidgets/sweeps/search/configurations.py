"""Configurations of a sweep: a grid, a list, or random draws, each with several seeds."""

from __future__ import annotations

import itertools
import math
import numbers
import random
import warnings
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from traitlets import TraitError

from ganwidgets.games import DEFAULT, GAMES
from ganwidgets.messages import Message
from ganwidgets.seeds import derive
from ganwidgets.settings import SETTINGS, check_names
from ganwidgets.settings.types import NumberSetting

__all__ = [
    "KEYWORDS",
    "Between",
    "between",
    "checked_changes",
    "checked_space",
    "expanded",
    "refuse_other_games",
]

KEYWORDS = (
    "configurations",
    "seeds",
    "draws",
    "draw_seed",
    "generator",
    "discriminator",
    "objective",
    "device",
    "run",
    "cluster",
)
"""Arguments of a sweep that are not settings."""


@dataclass(frozen=True)
class Between:
    """A range from which a sweep draws values of one setting; see :func:`between`."""

    low: float
    high: float
    log: bool | None = None

    def draw(self, name: str, source: random.Random) -> float:
        """Return a random value for the setting `name`, uniform or log-uniform."""
        if self.logarithmic(name):
            value = math.exp(source.uniform(math.log(self.low), math.log(self.high)))
        else:
            value = source.uniform(self.low, self.high)
        value = min(max(value, self.low), self.high)
        return round(value) if isinstance(SETTINGS[name].initial, int) else value

    def logarithmic(self, name: str) -> bool:
        """Return True if values of the setting `name` are drawn log-uniformly."""
        setting = SETTINGS[name]
        asked = self.log
        if asked is None:
            asked = isinstance(setting, NumberSetting) and setting.scale == "logarithmic"
        return asked and self.low > 0


def between(low: float, high: float, *, log: bool | None = None) -> Between:
    """Return the range from `low` to `high`, for ``Sweep(..., draws=n)``.

    Parameters
    ----------
    low, high : float
        Both inclusive.
    log : bool, optional
        Draw log-uniformly; by default if the setting's slider is logarithmic.

    Raises
    ------
    ValueError
        If the bounds are not finite numbers with low < high.

    Examples
    --------
    >>> between(1e-4, 1e-2)
    Between(low=0.0001, high=0.01, log=None)
    """
    bounds: tuple[Any, Any] = (low, high)
    if not all(isinstance(b, numbers.Real) and math.isfinite(b) for b in bounds) or not low < high:
        raise ValueError(
            Message(
                "between({low!r}, {high!r}) is no range; give two numbers, the lower first",
                low=low,
                high=high,
            )
        )
    return Between(low, high, log)


def expanded(
    settings: Mapping[str, Any],
    configurations: Iterable[Mapping[str, Any]] | None,
    seeds: Any,
    draws: Any,
    draw_seed: int,
) -> tuple[list[str], list[dict[str, Any]]]:
    """Return the names of the varying settings, and the settings of each run, including its seed.

    Parameters
    ----------
    settings : mapping
        By name: one value for all runs, a list of values, or a :class:`Between`.
    configurations : iterable of mapping, optional
        Settings of each configuration, added to `settings`.
    seeds : int or sequence of int
        Number of seeds, from 0, or the seeds; each configuration runs with every seed.
    draws : int, optional
        Configurations drawn at random, instead of the whole grid.
    draw_seed : int
        Seed of the draws.

    Raises
    ------
    TraitError
        If a setting is unknown, or a value is not allowed.
    """
    check_names(settings, "Sweep", also=KEYWORDS)
    axes = {name: _axis(name, value) for name, value in settings.items() if _varies(name, value)}
    fixed = {name: _checked(name, value) for name, value in settings.items() if name not in axes}
    every_seed = _seeds(seeds, fixed)
    fixed.pop("seed", None)
    if configurations is not None:
        if axes or draws is not None:
            asked = next(iter(axes), "draws")
            raise TraitError(
                Message(
                    "configurations cannot be combined with {name}: a list of configurations is no grid; put {name} "
                    "into each configuration",
                    name=asked,
                )
            )
        points = _listed(configurations)
        varied = list(dict.fromkeys(name for point in points for name in point))
    elif draws is not None:
        points = _drawn(axes, _count("draws", draws), draw_seed)
        varied = list(axes)
    else:
        lists = {name: _values(name, axis) for name, axis in axes.items()}
        points = [dict(zip(lists, values, strict=True)) for values in itertools.product(*lists.values())]
        varied = list(axes)
    runs = [
        {**fixed, **{name: value for name, value in point.items() if name != "seed"}, "seed": seed}
        for point in points
        for seed in ([point["seed"]] if "seed" in point else every_seed)
    ]
    return [name for name in varied if name != "seed"], runs


def refuse_other_games(game: Any) -> None:
    """Raise `TraitError` unless the lanes of a sweep can train `game`; None is the default game."""
    name = getattr(game or DEFAULT, "name", game or DEFAULT)
    if isinstance(name, str) and name in GAMES and GAMES[name].from_noise:
        return
    raise TraitError(
        Message(
            "a sweep trains the game 'gan' only, not {game!r}; make a GANTrainer with game={game!r} for each "
            "configuration, and compare them with gw.compare(...)",
            game=getattr(game, "name", game),
        )
    )


def checked_space(space: Mapping[str, Any]) -> dict[str, list[Any] | Between]:
    """Return the search space: for each setting a list of values or a range.

    Raises
    ------
    TraitError
        If a setting is unknown or has only one value, or a value is not allowed.
    """
    check_names(space, "Sweep.search")
    if not space:
        raise TraitError(
            Message("search has nothing to choose from; give a setting as a list or as gw.between(low, high)")
        )
    for name, value in space.items():
        if not _varies(name, value):
            raise TraitError(
                Message(
                    "{name}={value!r} leaves nothing to choose; give a list of values or gw.between(low, high)",
                    name=name,
                    value=value,
                )
            )
    return {name: _axis(name, value) for name, value in space.items()}


def checked_changes(owner: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return `changes` of settings in canonical form.

    Raises
    ------
    TraitError
        If a setting is unknown, or a value is not allowed.
    """
    check_names(changes, owner)
    return {name: _checked(name, value) for name, value in changes.items()}


def _varies(name: str, value: Any) -> bool:
    if name == "data" or isinstance(value, str):
        return False
    if isinstance(value, tuple):
        return not isinstance(SETTINGS[name].initial, tuple)
    if isinstance(value, Mapping | AbstractSet) or getattr(value, "ndim", 1) == 0:
        return False  # without an order, or a single number
    return isinstance(value, Between) or (isinstance(value, Iterable) and not isinstance(value, bytes))


def _axis(name: str, value: Any) -> list[Any] | Between:
    if isinstance(value, Between):
        for bound in (value.low, value.high):
            _checked(name, round(bound) if isinstance(SETTINGS[name].initial, int) else bound)
        return value
    if name == "seed":
        raise TraitError(Message("seed={value!r}: pass several seeds as seeds={value!r}", value=value))
    values = [_checked(name, each.item() if getattr(each, "ndim", 1) == 0 else each) for each in value]
    if not values:
        raise TraitError(Message("{name} has no value: the list is empty; give at least one", name=name))
    for index, each in enumerate(values):
        if each in values[:index]:
            raise TraitError(
                Message("{name} has the value {value!r} twice; give each value once", name=name, value=each)
            )
    return values


def _values(name: str, axis: list[Any] | Between) -> list[Any]:
    """Return the values of a setting in a grid."""
    if isinstance(axis, Between):
        raise TraitError(
            Message(
                "{name} is a range, from which a grid cannot take values; pass draws=n, or a list of values",
                name=name,
            )
        )
    return axis


def _checked(name: str, value: Any) -> Any:
    if name == "data":
        return value
    try:
        return SETTINGS[name].check(value)
    except TraitError as error:
        if isinstance(value, AbstractSet):
            raise TraitError(
                Message("{name} cannot be {value!r}: a set has no order; pass a list", name=name, value=value)
            ) from error
        if isinstance(SETTINGS[name].initial, tuple) and isinstance(value, numbers.Integral):
            raise TraitError(
                Message(
                    "{name} cannot be {value!r}: a list holds one value for each run, and each value is a tuple of "
                    "widths, such as {name}=[(16, 16), (64, 64)]; write a single value as a tuple",
                    name=name,
                    value=value,
                )
            ) from error
        raise


def _seeds(seeds: Any, fixed: Mapping[str, Any]) -> list[int]:
    if seeds is None:
        return [fixed.get("seed", 0)]
    if "seed" in fixed:
        raise TraitError(
            Message("seed and seeds cannot both be given; write seeds=[{seed}, ...]", seed=fixed["seed"])
        )
    if isinstance(seeds, numbers.Integral):
        return list(range(_count("seeds", seeds)))
    if isinstance(seeds, str) or not isinstance(seeds, Iterable):
        raise TraitError(
            Message("seeds cannot be {value!r}: it must be a number of seeds or a list of seeds", value=seeds)
        )
    checked = [SETTINGS["seed"].check(seed) for seed in seeds]
    if not checked or len(set(checked)) < len(checked):
        raise TraitError(
            Message("seeds cannot be {value!r}: give at least one seed, and each once", value=list(checked))
        )
    return checked


def _count(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
        raise TraitError(
            Message("{name} cannot be {value!r}: it must be a whole number from 1 on", name=name, value=value)
        )
    return int(value)


def _listed(configurations: Any) -> list[dict[str, Any]]:
    if (
        isinstance(configurations, Mapping | str)
        or hasattr(configurations, "columns")
        or not isinstance(configurations, Iterable)
    ):
        raise TraitError(
            Message(
                "configurations cannot be a {type}: it must be a list of dictionaries, such as "
                "[{{'lr_d': 1e-3}}, {{'lr_d': 2e-3}}]",
                type=type(configurations).__name__,
            )
        )
    points = []
    for number, point in enumerate(configurations):
        if not isinstance(point, Mapping):
            raise TraitError(
                Message(
                    "configuration {number} is a {type}; it must be a dictionary of settings",
                    number=number,
                    type=type(point).__name__,
                )
            )
        points.append(_configuration(Message("configuration {number}", number=number), point))
    if not points:
        raise TraitError(Message("configurations is empty; give at least one dictionary of settings"))
    for number, point in enumerate(points):
        if "data" not in point and point in points[:number]:
            warnings.warn(
                Message(
                    "configurations {first} and {number} are equal: their runs have the same bits; to train one "
                    "configuration several times, pass seeds=n",
                    first=points.index(point),
                    number=number,
                ),
                stacklevel=5,
            )
            break
    return points


def _configuration(owner: Message, point: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return checked_changes(owner, point)
    except TraitError as error:
        if any(name not in SETTINGS for name in point):
            raise  # the message begins with the owner
        listed = [name for name, value in point.items() if _varies(name, value)]
        remedy = (
            Message(
                "; one configuration has one value for each setting: write a configuration for each value, or pass "
                "{name}=[...] for a grid",
                name=listed[0],
            )
            if listed
            else ""
        )
        raise TraitError(
            Message("{owner}: {reason}{remedy}", owner=owner, reason=error.args[0], remedy=remedy)
        ) from error


def _drawn(axes: Mapping[str, Any], n: int, seed: int) -> list[dict[str, Any]]:
    if not axes:
        raise TraitError(
            Message(
                "draws={n} has nothing to draw from; give a setting as a list or as gw.between(low, high)",
                n=n,
            )
        )
    most = math.prod(_possible(name, axis) for name, axis in axes.items())
    if n > most:
        raise TraitError(
            Message(
                "draws={n} is more than the {most} different configurations of {names}; pass at most draws={most}, or "
                "omit draws for the whole grid, with seeds=n for several runs of each",
                n=n,
                most=int(most),
                names=", ".join(axes),
            )
        )
    source = random.Random(derive(seed, "draws"))  # noqa: S311 - it chooses settings
    points: list[dict[str, Any]] = []
    while len(points) < n:
        point = {
            name: _checked(
                name, axis.draw(name, source) if isinstance(axis, Between) else source.choice(axis)
            )
            for name, axis in axes.items()
        }
        if point not in points:  # an equal configuration would have the same bits
            points.append(point)
    return points


def _possible(name: str, axis: list[Any] | Between) -> float:
    """Return the number of different values of an axis."""
    if not isinstance(axis, Between):
        return len(axis)
    return round(axis.high) - round(axis.low) + 1 if isinstance(SETTINGS[name].initial, int) else math.inf
