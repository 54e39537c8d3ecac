"""A run as a short Python script of public calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganwidgets.data import Source
from ganwidgets.games import GAMES, Game, named
from ganwidgets.messages import Message
from ganwidgets.runs.record.interventions import EDIT, SWITCH, Intervention, is_update
from ganwidgets.runs.session.session import Session
from ganwidgets.runs.state.state_tree import data_name, is_preset
from ganwidgets.settings import ScheduleSetting

__all__ = ["code_of", "script_of"]

ALWAYS = ("batch_size", "seed")
"""Settings that are always written, even with default values, so that scripts do not depend on defaults."""


def script_of(session: Session) -> str:
    """Return the source of calls that bring a trainer to the run's current state."""
    branches, log = session.branches, session.log
    number = branches.root_of(branches.current)
    root, branch = branches.roots[number], branches.by_id[number]
    if branch.origin == "load":
        raise ValueError(
            Message(
                "branch {name!r} began with a state that was loaded, so no script can reproduce it; save the "
                "run to a file instead",
                name=branch.name,
            )
        )
    writer = Writer(session, root.settings)
    records = log.records(session.state.iteration)
    done = [record for record in records[: len(log.lineage)] if root.first.seq <= record.seq]
    for record in done:
        writer.add(record, log.value(record.seq))
    writer.step_to(session.state.iteration)
    for name, (origin, value) in log.asked.items():
        writer.change(name, value, origin.reason, "")
    writer.flush()
    return writer.text()


def code_of(session: Session, maker: str) -> str:
    """Return source that repeats this run: one call of `maker` until the first change, then the script.

    No source makes a run that began with a state that was loaded, or whose networks were changed by hand. Its
    settings are returned with a comment.

    Parameters
    ----------
    session : Session
    maker : {"gw.GANTrainer", "gw.GANTrainerWidget"}
        The last line of the script calls it with the trainer, unless it is the class of the trainer itself.
    """
    branches = session.branches
    number = branches.root_of(branches.current)
    first = branches.roots[number].first.seq
    everything = session.log.everything
    done = [everything[seq] for seq in session.log.lineage if seq >= first]
    without = ""
    if branches.by_id[number].origin == "load":
        without = "its first state was loaded"
    elif any(record.setting == EDIT for record in done):
        without = "its networks were changed by hand"
    if done and not without:
        shown = "" if maker == "gw.GANTrainer" else f"w = {maker}(trainer)\n"
        return script_of(session) + shown
    settings = session.settings.as_dict()
    line = f"{maker}({', '.join(Writer(session, settings).arguments(settings))})"
    return f"{line}  # its settings; {without}" if without else line


class Writer:
    """Writes one call after the other.

    Parameters
    ----------
    session : Session
    settings : mapping
        Initial settings.
    """

    def __init__(self, session: Session, settings: Mapping[str, Any]) -> None:
        self._session = session
        self._head = ["import ganwidgets as gw", ""]
        self._names: list[tuple[Any, str]] = []
        self._schedules: dict[str, str] = {}
        self._calls: list[str] = []
        self._iteration = 0
        self._moment: tuple[str, str] = ("", "")
        self._changes: dict[str, str] = {}
        self._calls.append(f"trainer = gw.GANTrainer({', '.join(self.arguments(settings))})")

    def arguments(self, settings: Mapping[str, Any]) -> list[str]:
        """Return the arguments of a trainer that begins with `settings`; objects without source get a name."""
        session = self._session
        arguments = [self._value("data", settings["data"])]
        for name, network in session.own.networks.items():
            if network is not None:
                self._head.append(f"{name} = ...  # a network like the run's own, as it was at the beginning")
                arguments.append(f"{name}={name}")
        if session.own.objective is not None:
            self._head.append("objective = ...  # an objective like the run's own")
            arguments.append("objective=objective")
        if named(session.own.game):
            arguments.append(f"game={self._game(session.own.game)}")
        for name, setting in session.settings.definitions.items():
            if name != "data" and (settings[name] != setting.initial or name in ALWAYS):
                arguments.append(f"{name}={self._value(name, settings[name])}")
        if session.device.type != "cpu":
            arguments.append(f"device={str(session.device)!r}")
        return arguments

    def add(self, record: Intervention, value: Any) -> None:
        """Write an intervention, and the steps before it."""
        self.step_to(record.iteration)
        if record.setting == EDIT:
            raise ValueError(
                Message(
                    "networks were changed by hand after iteration {iteration} ({what}), so no script can reproduce the "
                    "run; save the run to a file instead",
                    iteration=record.iteration,
                    what=record.new,
                )
            )
        if record.setting == SWITCH:
            self.flush()
            self._calls.append(f"# from here on, steps were carried out by {record.new}")
        elif is_update(record.setting):
            self.flush()
            self._calls.append(f"trainer.{record.setting}({record.new:d})")
        else:
            self.change(record.setting, value, record.reason, record.hash_before)

    def change(self, name: str, value: Any, reason: str, moment: str) -> None:
        """Write a change of a setting; changes of one moment and one reason share one call."""
        if name not in self._session.settings.definitions:
            raise ValueError(Message("{name!r} is no setting, so no script can change it", name=name))
        if (reason, moment) != self._moment or name in self._changes:
            self.flush()
        self._moment = reason, moment
        self._changes[name] = self._value(name, value)

    def step_to(self, iteration: int) -> None:
        """Write the steps up to `iteration`."""
        if iteration > self._iteration:
            self.flush()
            self._calls.append(f"trainer.step({iteration - self._iteration})")
            self._iteration = iteration

    def flush(self) -> None:
        """Write the collected changes."""
        if self._changes:
            reason = [repr(self._moment[0])] if self._moment[0] else []
            values = [f"{name}={value}" for name, value in self._changes.items()]
            self._calls.append(f"trainer.change({', '.join([*reason, *values])})")
            self._changes = {}

    def text(self) -> str:
        """Return the source."""
        gap = [""] if self._head[-1] else []
        return "\n".join([*self._head, *gap, *self._calls, ""])

    def _value(self, name: str, value: Any) -> str:
        """Return the source of a value; data that is not a preset gets a name."""
        setting = self._session.settings.definitions.get(name)
        if isinstance(setting, ScheduleSetting) and value not in setting.choices:
            return self._schedule(value)
        if name != "data" or (isinstance(value, str) and is_preset(value)):
            return repr(value)
        for known, variable in self._names:
            if known is value:
                return variable
        source = self._session.sources.of(value)
        variable = "data" if not self._names else f"data_{len(self._names) + 1}"
        read = "..."
        has_options = isinstance(value, Source) or source.standardization is not None
        if has_options and (options := source.options.given()):
            read = f"gw.dataset(..., {', '.join(f'{key}={option!r}' for key, option in options.items())})"
        self._head.append(f"{variable} = {read}  # {_printable(source.name)}, {data_name(source)}")
        self._names.append((value, variable))
        return variable

    def _game(self, game: Game) -> str:
        """Return the source of a game; an instance of a user's class gets a name."""
        if GAMES.get(game.name) is type(game):
            return repr(game.name)
        self._head.append(f"game = ...  # an instance of {type(game).__qualname__}, the game {game.name!r}")
        return "game"

    def _schedule(self, value: str) -> str:
        """Return the name of the variable that holds a learning-rate schedule of the user's own."""
        if value not in self._schedules:
            number = len(self._schedules) + 1
            self._schedules[value] = "schedule" if number == 1 else f"schedule_{number}"
            self._head.append(f"{self._schedules[value]} = ...  # the function registered as {value!r}")
        return self._schedules[value]


def _printable(text: str) -> str:
    """Return `text` for a comment: on one line, without invisible or reordering characters."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
