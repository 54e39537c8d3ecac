#!/usr/bin/env python3
"""Set up ganwidgets in a folder of its own, `.venv` beside this file, and start it.

Needs Python 3.11 or later and nothing else; the first run downloads about 5 GB (PyTorch, mostly).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
NOTEBOOK = "notebooks/01_first_gan.ipynb"
OLDEST = (3, 11)
GIGABYTES = 8  # on the disk, pip's cache included

# As many processes as there are processors, but no more than memory is sure to hold; who runs out
# of tests takes over the last of another's. Each begins with its own stretch of them, so the browser's,
# which come first, are one process's for long: two browsers on a small machine keep each other waiting.
SIDE_BY_SIDE = ("--numprocesses=logical", "--maxprocesses=4", "--dist=worksteal")

# The site of the documentation, with warnings as errors and without a network.
SITE = ("--quiet", "--fail-on-warning", "--keep-going", "--builder", "html", "docs", "build/site")

# JupyterLab would cover a part of the first notebook with a question about news.
LAB_SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}
}

COMMANDS = {
    "lab": "open JupyterLab on the first notebook",
    "test": "run the tests",
    "check": "run the linters: style, types, direction of imports, translations, documentation",
}


class Refusal(Exception):  # noqa: N818 - nothing is wrong with the program
    """What cannot be done, in one sentence for the person who asked."""


def main(arguments: list[str]) -> int:
    """Run one command; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="start.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="commands:\n"
        + "".join(f"  {name:8}{summary}\n" for name, summary in COMMANDS.items())
        + "\nWhat follows the command is passed on: `start.py lab --no-browser`, `start.py test -k ring`.\n"
        "Paths there count from the folder of start.py.",
    )
    parser.add_argument("command", choices=COMMANDS, metavar="command", help="one of those below")
    parser.add_argument("further", nargs=argparse.REMAINDER, help="passed on to JupyterLab or to pytest")
    options = parser.parse_args(arguments)
    # Kernels and tests start many processes, and each would compile the package again.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    try:
        require_python()
        return {"lab": lab, "test": test, "check": check}[options.command](options.further)
    except Refusal as refusal:
        print(f"start.py: {refusal}", file=sys.stderr)
        return 1


def lab(further: list[str]) -> int:
    """Open JupyterLab on the first notebook."""
    if not (ROOT / NOTEBOOK).is_file():
        raise Refusal(f"there is no {NOTEBOOK} beside start.py; was only a part of the project copied?")
    install("lab", [".[lab]"])
    quiet()
    as_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return hand_over("-m", "jupyterlab", NOTEBOOK, *(["--allow-root"] if as_root else []), *further)


def test(further: list[str]) -> int:
    """Run the tests."""
    install("test", [".[lab,test]"])
    return hand_over("-m", "pytest", *SIDE_BY_SIDE, *further)


def check(further: list[str]) -> int:
    """Run the linters, all of them, and fail if one of them does."""
    import tomllib

    if further:
        raise Refusal(f"check takes no arguments, but got {' '.join(further)}")
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    install("check", [".[lab,test,docs]", *groups["lint"]])
    checks = {
        "style": ("-m", "ruff", "check"),
        "format": ("-m", "ruff", "format", "--check"),
        "types": ("-m", "mypy"),
        "direction of imports": ("-c", "import importlinter.cli as cli; cli.lint_imports_command()"),
        "translations": ("scripts/catalogs.py", "--check"),
        "documentation": ("-m", "sphinx", *SITE),
    }
    failed = []
    for name, command in checks.items():
        print(f"\n--- {name}", flush=True)
        if hand_over(*command):
            failed.append(name)
    print(f"\nfailed: {', '.join(failed)}" if failed else "\nall checks passed", flush=True)
    return 1 if failed else 0


def require_python() -> None:
    """Refuse a Python that is too old."""
    if sys.version_info < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        raise Refusal(
            f"ganwidgets needs Python {wanted} or later, and this is Python {sys.version.split()[0]} "
            f"({sys.executable}); start it with a newer one, such as `python{wanted} start.py lab`, "
            "or get one from https://www.python.org/downloads/"
        )


def python() -> Path:
    """Return the environment's interpreter."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def install(need: str, requirements: list[str]) -> None:
    """Install `requirements` into the environment unless that was done before.

    What was installed is remembered with a hash of the files that say what is needed, and of this
    folder's path, because a folder that was moved must be installed again.
    """
    state = hashlib.sha256(json.dumps([str(ROOT), requirements]).encode())
    for name in ("setup.cfg", "pyproject.toml"):
        state.update((ROOT / name).read_bytes())
    done = VENV / f"installed-{need}"
    make_environment()
    if done.is_file() and done.read_text(encoding="ascii") == state.hexdigest():
        return
    free = shutil.disk_usage(ROOT).free / 1e9
    if not any(VENV.glob("installed-*")):
        print(f"Installing what ganwidgets needs into {VENV}: about 5 GB the first time.", flush=True)
        if free < GIGABYTES:
            print(f"Only {free:.1f} GB are free here; this may not be enough.", flush=True)
    else:
        print(f"Bringing {VENV} up to date for `{need}`.", flush=True)
    pip = [str(python()), "-m", "pip", "install", "--disable-pip-version-check"]
    # torch and torchvision in one go, so that they fit each other.
    if subprocess.run(
        [*pip, "--editable", requirements[0], *requirements[1:]], cwd=ROOT, check=False
    ).returncode:
        raise Refusal(f"the installation did not succeed; pip says why above. {connection()}")
    done.write_text(state.hexdigest(), encoding="ascii")


def quiet() -> None:
    """Have the environment's JupyterLab neither ask about news nor look for updates: it works offline."""
    overrides = VENV / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    if not overrides.exists():
        overrides.parent.mkdir(parents=True, exist_ok=True)
        overrides.write_text(json.dumps(LAB_SETTINGS, indent=2), encoding="utf-8")


def works() -> bool:
    """Tell whether the environment's interpreter runs, is recent enough and has pip."""
    probe = f"import sys, pip; sys.exit(sys.version_info < {OLDEST})"
    try:
        return subprocess.run([str(python()), "-c", probe], capture_output=True, check=False).returncode == 0
    except OSError:
        return False  # it is not there, or this system cannot run it


def make_environment() -> None:
    """Make the virtual environment, or make it anew where its interpreter does not work."""
    if VENV.exists():
        if works():
            return
        print(f"{VENV} has no working Python {OLDEST[0]}.{OLDEST[1]} with pip; making it anew.", flush=True)
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=False)
    if made.returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        raise Refusal(
            f"{sys.executable} could not make a virtual environment in {VENV}; it says why above "
            "(Debian and Ubuntu have the missing part in the package python3-venv)"
        )


def connection() -> str:
    """Say whether the package index can be reached from here."""
    try:
        with urllib.request.urlopen("https://pypi.org/simple/pip/", timeout=15):
            return "The network is there: https://pypi.org answers."
    except (urllib.error.URLError, OSError) as error:
        return (
            f"There is no network, or none that reaches https://pypi.org ({error}): connect this machine, or "
            "set HTTPS_PROXY (a proxy) or PIP_INDEX_URL (a mirror), and start again."
        )


def hand_over(*command: str) -> int:
    """Run the environment's Python in the project's folder; return its exit status."""
    process = subprocess.Popen([str(python()), *command], cwd=ROOT)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            # Ctrl-C reached the command too, and it may have something to ask or to tidy up.
            continue


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
