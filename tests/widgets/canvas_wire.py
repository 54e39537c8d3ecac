"""Messages of the canvases, decoded like in the browser."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ipycanvas.canvas import _CMD_LIST, Canvas


@dataclass
class Command:
    """One decoded command; `canvas` is the name of its model, or None before the command that selects one."""

    canvas: str | None
    name: str
    args: list[Any]
    buffers: list[Any]


@dataclass
class Page:
    """The messages that a page has received since it was opened."""

    messages: list[list[Command]] = field(default_factory=list)
    current: str | None = None

    def receive(self, _content: dict[str, Any], buffers: list[Any]) -> None:
        commands = json.loads(bytes(buffers[0]))
        buffers = list(buffers[1:])
        message = []
        for index, args, *count in commands if isinstance(commands[0], list) else [commands]:
            name = _CMD_LIST[index]
            own = [buffers.pop(0) for _ in range(count[0] if count else 0)]
            if name == "switchCanvas":
                self.current = args[0]
            else:
                message.append(Command(self.current, name, args, own))
        self.messages.append(message)

    def reload(self) -> None:
        """Forget all messages, like a reloaded page."""
        self.messages.clear()
        self.current = None

    def on(self, canvas: Canvas) -> list[Command]:
        """Return the commands of the last message for one canvas."""
        return [each for each in self.messages[-1] if each.canvas == f"IPY_MODEL_{canvas.model_id}"]


def arrays(command: Command) -> list[np.ndarray]:
    """Return the arrays among a command's arguments."""
    return [
        np.frombuffer(command.buffers[arg["idx"]], arg["dtype"]).reshape(arg["shape"])
        for arg in command.args
        if isinstance(arg, dict)
    ]
