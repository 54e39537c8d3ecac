"""A Jupyter server for the tests, with JupyterLab, Notebook 7 and Voila."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import threading
import urllib.request
from collections import deque
from pathlib import Path
from typing import Any

import nbformat

ROOT = Path(__file__).resolve().parents[2]

CONFIGURATION = """
c.ServerApp.open_browser = False
c.ServerApp.allow_root = True
c.ServerApp.port_retries = 0
c.LabApp.expose_app_in_browser = True
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.LabApp.extension_manager = "readonly"
c.JupyterNotebookApp.expose_app_in_browser = True
c.VoilaConfiguration.show_tracebacks = True
"""

# These user settings stop the front ends from asking or fetching anything by themselves.
SETTINGS = {
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
}


class Server:
    """A Jupyter server in a folder with its notebooks, configuration and run-time files.

    Parameters
    ----------
    folder : Path
        An empty folder.
    """

    def __init__(self, folder: Path) -> None:
        self.notebooks = folder / "notebooks"
        self.notebooks.mkdir(parents=True)
        self.token = secrets.token_hex(16)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._log: deque[str] = deque(maxlen=200)
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "jupyterlab",
                f"--ServerApp.port={self.port}",
                f"--ServerApp.root_dir={self.notebooks}",
                f"--IdentityProvider.token={self.token}",
            ],
            env=self._environment(folder),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._listening = threading.Event()
        threading.Thread(target=self._read_log, daemon=True).start()
        self._listening.wait()
        if self._process.poll() is not None:
            raise RuntimeError("the Jupyter server did not start:\n" + self.log)

    @property
    def log(self) -> str:
        """The last lines of output of the server and its kernels."""
        return "".join(self._log)

    def write_notebook(self, name: str, *cells: str) -> str:
        """Write a notebook of code cells; return its path on the server."""
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in cells],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        )
        nbformat.write(notebook, self.notebooks / name)
        return name

    def request(self, method: str, path: str) -> Any:
        """Send a request to the server's REST API; return the JSON response, or None if it is empty."""
        request = urllib.request.Request(
            f"{self.url}/{path}", method=method, headers={"Authorization": f"token {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            body = response.read()
        return json.loads(body) if body else None

    def stop_kernels(self) -> None:
        """Stop every kernel, and wait until it has ended."""
        for kernel in self.request("GET", "api/kernels"):
            self.request("DELETE", f"api/kernels/{kernel['id']}")

    def close(self) -> None:
        """Stop the server and its kernels."""
        self.stop_kernels()
        self._process.terminate()
        self._process.wait()

    def _environment(self, folder: Path) -> dict[str, str]:
        settings = folder / "settings"
        for name, values in SETTINGS.items():
            file = settings / f"{name}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(values), encoding="utf-8")
        configuration = folder / "config"
        configuration.mkdir()
        (configuration / "jupyter_server_config.py").write_text(CONFIGURATION, encoding="utf-8")
        return os.environ | {
            "JUPYTER_CONFIG_DIR": str(configuration),
            "JUPYTER_DATA_DIR": str(folder / "data"),
            "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
            "JUPYTERLAB_SETTINGS_DIR": str(settings),
            "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
            "IPYTHONDIR": str(folder / "ipython"),
            "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")])),
            "OMP_NUM_THREADS": "1",
        }

    def _read_log(self) -> None:
        for line in self._process.stdout or ():
            self._log.append(line)
            if "is running at" in line:
                self._listening.set()
        self._process.wait()
        self._listening.set()
