"""What a browser is sent by the canvases, read as it reads it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ipycanvas.canvas import _CMD_LIST, Canvas


@dataclass
class Command:
    """One command as the browser reads it; `canvas` is its model's name there, None where it was not told."""

    canvas: str | None
    name: str
    args: list[Any]
    buffers: list[Any]


@dataclass
class Page:
    """What a page was sent, message by message, since it was opened."""

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
        """Forget, as a page that is loaded again does."""
        self.messages.clear()
        self.current = None

    def on(self, canvas: Canvas) -> list[Command]:
        """The commands of the last message for one canvas."""
        return [each for each in self.messages[-1] if each.canvas == f"IPY_MODEL_{canvas.model_id}"]


def arrays(command: Command) -> list[np.ndarray]:
    """The arrays among a command's arguments."""
    return [
        np.frombuffer(command.buffers[arg["idx"]], arg["dtype"]).reshape(arg["shape"])
        for arg in command.args
        if isinstance(arg, dict)
    ]
