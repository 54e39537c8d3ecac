"""A kernel in a process of its own, as a front end sees it: messages in, messages out."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client import KernelManager

ROOT = Path(__file__).resolve().parents[2]
ANSWER = "application/vnd.ganwidgets.answer"
"""The type under which the value of a question is published."""

PATIENCE = 120.0  # seconds; a bound against waiting for ever


class CellError(AssertionError):
    """A cell raised."""


class KernelSession:
    """A running kernel and one client of it.

    Parameters
    ----------
    folder : Path
        An empty folder for the kernel's files and for what its process writes.
    """

    def __init__(self, folder: Path) -> None:
        self._output = folder / "output.txt"
        self.messages: list[dict[str, Any]] = []
        with self._output.open("wb") as output:
            # As patient as the tests are, because a kernel that is ended by force has no clean end.
            self.manager = KernelManager(kernel_name="python3", shutdown_wait_time=2 * PATIENCE)
            self.manager.start_kernel(
                stdout=output, stderr=output, env=self._environment(folder), cwd=str(folder)
            )
        self.process = self.manager.provisioner.process
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=PATIENCE)
        self.client.control_channel.start()
        info = self._ask_control("kernel_info_request", {})
        self.has_subshells = "kernel subshells" in info.get("supported_features", ())

    @property
    def output(self) -> str:
        """What the process itself wrote, past the kernel's messages."""
        return self._output.read_text(encoding="utf-8", errors="replace")

    def execute(self, code: str, *, subshell: str | None = None) -> str:
        """Run a cell and wait until it is done; return the text that it put out.

        Raises
        ------
        CellError
            If the cell raised.
        """
        return self.finish(self.start(code, subshell=subshell))

    def start(self, code: str, *, subshell: str | None = None) -> str:
        """Run a cell without waiting; return the id of the request."""
        content = {
            "code": code,
            "silent": False,
            "store_history": False,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": False,
        }
        return self._send("execute_request", content, subshell)

    def finish(self, request: str) -> str:
        """Wait until a cell that was started is done; return the text that it put out."""
        texts = []
        for message in self.published(request):
            content = message["content"]
            if message["msg_type"] == "stream":
                texts.append(content["text"])
            elif message["msg_type"] == "execute_result":
                texts.append(content["data"]["text/plain"])
        return "".join(texts).strip()

    def published(self, request: str) -> list[dict[str, Any]]:
        """Wait until a cell is done; return what the kernel published for it, or raise `CellError`."""
        messages = list(self._until_idle(request))
        for message in messages:
            if message["msg_type"] == "error":
                raise CellError(re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(message["content"]["traceback"])))
        return messages

    def ask(self, expression: str, *, subshell: str | None = None) -> Any:
        """Return the value of an expression, one that JSON can carry."""
        # Not through the streams: warnings and the prints of other threads arrive there at any moment.
        request = self.start(
            f"__import__('IPython').display.display({{{ANSWER!r}: __import__('json').dumps({expression})}}, raw=True)",
            subshell=subshell,
        )
        [answer] = [
            message["content"]["data"][ANSWER]
            for message in self.published(request)
            if message["msg_type"] == "display_data" and ANSWER in message["content"]["data"]
        ]
        return json.loads(answer)

    def until(self, condition: str, *, subshell: str | None = None) -> None:
        """Ask until `condition` is true; each question is a cell of its own, between which messages get through."""
        while not self.ask(f"bool({condition})", subshell=subshell):
            pass

    def new_subshell(self) -> str:
        """Make a subshell, as JupyterLab does for a widget's messages; return its id."""
        return self._ask_control("create_subshell_request", {})["subshell_id"]

    def shell(self, name: str) -> str | None:
        """Return None for the ``"main shell"``, the id of a new one for ``"subshell"``; skip the test if there are none."""
        if name == "main shell":
            return None
        if not self.has_subshells:
            pytest.skip("this ipykernel has no subshells")
        return self.new_subshell()

    def turn(self, widget: str, *, subshell: str | None = None, **state: Any) -> str:
        """Send what a browser sends when somebody turns a control.

        Parameters
        ----------
        widget : str
            The id of the control's model.
        subshell : str, optional
            Where the kernel shall handle it.
        **state
            The traits that changed.

        Returns
        -------
        str
            The id of the message.
        """
        data = {"method": "update", "state": state, "buffer_paths": []}
        return self._send("comm_msg", {"comm_id": widget, "data": data}, subshell)

    def press(self, button: str, *, subshell: str | None = None) -> str:
        """Send what a browser sends when somebody presses a button; return the id of the message."""
        data = {"method": "custom", "content": {"event": "click"}}
        return self._send("comm_msg", {"comm_id": button, "data": data}, subshell)

    def wait_for_update(self, widget: str, **state: Any) -> None:
        """Wait until the kernel has told the browser that a model's traits have these values."""
        seen = 0
        while True:
            while seen < len(self.messages):
                message = self.messages[seen]
                seen += 1
                if message["msg_type"] != "comm_msg" or message["content"]["comm_id"] != widget:
                    continue
                told = message["content"]["data"].get("state", {})
                if all(name in told and told[name] == value for name, value in state.items()):
                    return
            self._receive()

    def close(self) -> int:
        """Shut the kernel down as a front end does; return its process's exit status."""
        self.client.stop_channels()
        self.manager.shutdown_kernel()
        return self.process.wait()

    def _environment(self, folder: Path) -> dict[str, str]:
        return os.environ | {
            "JUPYTER_CONFIG_DIR": str(folder / "config"),
            "JUPYTER_DATA_DIR": str(folder / "data"),
            "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
            "IPYTHONDIR": str(folder / "ipython"),
            "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")])),
            "OMP_NUM_THREADS": "1",
        }

    def _send(self, kind: str, content: dict[str, Any], subshell: str | None) -> str:
        message = self.client.session.msg(kind, content)
        if subshell is not None:
            message["header"]["subshell_id"] = subshell
        self.client.shell_channel.send(message)
        return message["header"]["msg_id"]

    def _ask_control(self, kind: str, content: dict[str, Any]) -> dict[str, Any]:
        message = self.client.session.msg(kind, content)
        self.client.control_channel.send(message)
        while True:
            reply = self.client.get_control_msg(timeout=PATIENCE)
            if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                return reply["content"]

    def _until_idle(self, request: str) -> Iterator[dict[str, Any]]:
        """Yield what the kernel publishes for a request, until it says that it is idle again."""
        seen = 0
        while True:
            while seen < len(self.messages):
                message = self.messages[seen]
                seen += 1
                if message["parent_header"].get("msg_id") != request:
                    continue
                if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                    return
                yield message
            self._receive()

    def _receive(self) -> None:
        try:
            self.messages.append(self.client.get_iopub_msg(timeout=PATIENCE))
        except queue.Empty:
            raise TimeoutError(
                f"the kernel said nothing for {PATIENCE:.0f} s; it wrote:\n{self.output}"
            ) from None


@contextlib.contextmanager
def blocked(kernel: KernelSession) -> Iterator[None]:
    """Keep the kernel's main thread busy with a cell, exactly as long as the block lasts."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        cell = kernel.start(f"__import__('socket').create_connection(('127.0.0.1', {port})).recv(1)")
        connection, _ = server.accept()  # now the cell runs
        with connection:
            yield
            connection.send(b".")
        kernel.finish(cell)
