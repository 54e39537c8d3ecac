#!/usr/bin/env python3
"""Install ganwidgets with the lowest versions that setup.cfg declares, and run some of the tests with them.

Makes a virtual environment outside the repository, by default in a temporary folder that is removed at the end.
PyTorch downloads about 5 GB there, so this is a job of its own and no part of `.ci/run`. What follows `--` is
passed on to pytest in place of the default tests.
"""

from __future__ import annotations

import argparse
import configparser
import os
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

TESTS = (
    "tests/test_settings.py",
    "tests/test_signatures.py",
    "tests/stepping/runtime/test_devices.py",
    "tests/stepping/test_one_step.py",
    "tests/test_optimizers.py",
    "tests/test_package.py",
    "tests/runs/files/test_session_file.py",
    "tests/data/test_folder_data.py",
    "tests/data/test_dataset_data.py",
    "tests/data/test_standardization.py",
    "tests/rendering/test_export.py",
    "tests/kernel/test_widget_in_kernel.py",
)
"""Tests that use the required packages, the widget in a kernel among them; they take minutes."""

TOOLS = ("pytest>=8.2", "pytest-timeout>=2.3", "hypothesis>=6.100", "nbformat>=5.10")
"""What the tests themselves need. Their versions are not those that users install."""


def lowest(configuration: Path = ROOT / "setup.cfg") -> dict[str, str]:
    """Return the lowest version of each required package, by name.

    Raises
    ------
    ValueError
        For a requirement without a lower bound.
    """
    parser = configparser.ConfigParser()
    parser.read(configuration, encoding="utf-8")
    found = {}
    for line in parser["options"]["install_requires"].splitlines():
        requirement = line.split("#")[0].strip()
        if not requirement:
            continue
        bound = re.fullmatch(r"([\w.-]+)\s*>=\s*([\w.]+)(,.*)?", requirement)
        if bound is None:
            raise ValueError(
                f"{requirement!r} in {configuration.name} has no lower bound; write name>=version"
            )
        found[bound[1]] = bound[2]
    return found


def main(arguments: list[str]) -> int:
    """Make the environment, install, test; return pytest's exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--environment", type=Path, help="a folder to keep the environment in")
    parser.add_argument("tests", nargs="*", default=TESTS, help="passed on to pytest")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="ganwidgets-lowest-") as temporary:
        folder = options.environment or Path(temporary) / "environment"
        return run(folder, options.tests)


def run(folder: Path, tests: list[str]) -> int:
    """Install the lowest versions into the environment `folder` and run `tests` there."""
    if not (folder / "pyvenv.cfg").is_file():
        venv.create(folder, with_pip=True)
    python = str(folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
    pins = [f"{name}=={version}" for name, version in lowest().items()]
    subprocess.run([python, "-m", "pip", "install", *pins, *TOOLS], check=True)
    # The package itself comes from this folder, without asking again for what it needs.
    subprocess.run([python, "-m", "pip", "install", "--no-deps", "--editable", str(ROOT)], check=True)
    subprocess.run([python, "-m", "pip", "check"], check=True)
    return subprocess.run([python, "-m", "pytest", "-q", *tests], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
