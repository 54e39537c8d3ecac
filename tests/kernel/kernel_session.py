"""A kernel in its own process, used through messages as by a front end."""

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
"""MIME type of published values of expressions."""

PATIENCE = 120.0  # seconds; a bound against waiting forever


class CellError(AssertionError):
    """A cell raised."""


class KernelSession:
    """A running kernel and one client of it.

    Parameters
    ----------
    folder : Path
        An empty folder for the kernel's files and its process's output.
    """

    def __init__(self, folder: Path) -> None:
        self._output = folder / "output.txt"
        self.messages: list[dict[str, Any]] = []
        with self._output.open("wb") as output:
            # Wait longer than the tests do, because a killed kernel does not end cleanly.
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
        """Output of the process itself, outside the kernel's messages."""
        return self._output.read_text(encoding="utf-8", errors="replace")

    def execute(self, code: str, *, subshell: str | None = None) -> str:
        """Run a cell, wait until it has finished, and return its text output.

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
        """Wait until a started cell has finished; return its text output."""
        texts = []
        for message in self.published(request):
            content = message["content"]
            if message["msg_type"] == "stream":
                texts.append(content["text"])
            elif message["msg_type"] == "execute_result":
                texts.append(content["data"]["text/plain"])
        return "".join(texts).strip()

    def published(self, request: str) -> list[dict[str, Any]]:
        """Wait until a cell has finished; return its messages on the IOPub channel, or raise `CellError`."""
        messages = list(self._until_idle(request))
        for message in messages:
            if message["msg_type"] == "error":
                raise CellError(re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(message["content"]["traceback"])))
        return messages

    def value_of(self, expression: str, *, subshell: str | None = None) -> Any:
        """Return the value of an expression; it must be a JSON value."""
        # Not through the streams, because warnings and output of other threads can arrive there at any time.
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

    def wait_until(self, condition: str, *, subshell: str | None = None) -> None:
        """Evaluate `condition` until it is true, in separate cells, so that messages are handled between them."""
        while not self.value_of(f"bool({condition})", subshell=subshell):
            pass

    def new_subshell(self) -> str:
        """Create a subshell, as JupyterLab does for a widget's messages; return its id."""
        return self._ask_control("create_subshell_request", {})["subshell_id"]

    def shell(self, name: str) -> str | None:
        """Return None for ``"main shell"``, a new id for ``"subshell"``; skip the test without subshells."""
        if name == "main shell":
            return None
        if not self.has_subshells:
            pytest.skip("this ipykernel has no subshells")
        return self.new_subshell()

    def send_update(self, widget: str, *, subshell: str | None = None, **state: Any) -> str:
        """Send the message of a browser for a changed control.

        Parameters
        ----------
        widget : str
            Id of the control's model.
        subshell : str, optional
            Subshell that handles the message.
        **state
            New values of the changed traits.

        Returns
        -------
        str
            Id of the message.
        """
        data = {"method": "update", "state": state, "buffer_paths": []}
        return self._send("comm_msg", {"comm_id": widget, "data": data}, subshell)

    def send_click(self, button: str, *, subshell: str | None = None) -> str:
        """Send the message of a browser for a clicked button; return the id of the message."""
        data = {"method": "custom", "content": {"event": "click"}}
        return self._send("comm_msg", {"comm_id": button, "data": data}, subshell)

    def wait_for_update(self, widget: str, **state: Any) -> None:
        """Wait until the kernel has sent these values of a model's traits to the browser."""
        seen = 0
        while True:
            while seen < len(self.messages):
                message = self.messages[seen]
                seen += 1
                if message["msg_type"] != "comm_msg" or message["content"]["comm_id"] != widget:
                    continue
                state_sent = message["content"]["data"].get("state", {})
                if all(name in state_sent and state_sent[name] == value for name, value in state.items()):
                    return
            self._receive()

    def close(self) -> int:
        """Shut down the kernel as a front end does; return its process's exit status."""
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
        """Yield the messages that the kernel publishes for a request, until its status is idle."""
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
                f"the kernel sent nothing for {PATIENCE:.0f} s; it wrote:\n{self.output}"
            ) from None


@contextlib.contextmanager
def blocked(kernel: KernelSession) -> Iterator[None]:
    """Block the kernel's main thread with a cell for the duration of the block."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        cell = kernel.start(f"__import__('socket').create_connection(('127.0.0.1', {port})).recv(1)")
        connection, _ = server.accept()  # the cell is running now
        with connection:
            yield
            connection.send(b".")
        kernel.finish(cell)
