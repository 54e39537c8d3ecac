"""Cache, compilation and loading of compiled steps.

PyTorch's AOTInductor compiles a step ahead of time in a separate process. Loading the result compiles nothing and takes
about 50 ms, so it does not disturb an eager run in this process. Programs are cached in the user's cache folder. The
key covers everything that decides their bits: the plan, this package's code of a step, PyTorch, and the machine.
"""

from __future__ import annotations

import atexit
import functools
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganwidgets.errors import CompilerError
from ganwidgets.messages import Message
from ganwidgets.stepping.compiled.plan import StepPlan

__all__ = ["Program", "compiler", "program_for", "program_now"]

PACKAGE = Path(__file__).parents[2]

CODE = ("stepping/compiled", "stepping/lanes", "objectives", "optimizers.py")
"""Modules of this package that decide the bits of a compiled step."""

COMPILERS = ("g++", "clang++", "c++", "cl")

MOST_COMPILERS = 2
"""Maximum number of compilers to run at a time; each takes a processor and 0.7 GB."""

FOLDER = "GANWIDGETS_CACHE"
"""An environment variable with the folder for compiled steps, instead of the user's cache folder."""


class Program:
    """The compiled functions of a plan.

    Parameters
    ----------
    file : Path
        What :func:`~ganwidgets.stepping.compiled.build.build` wrote.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._step = _loaded(file, "step")

    def step(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Return the outputs of the step; see :class:`~ganwidgets.stepping.compiled.step.CompilableStep`."""
        outputs: list[Tensor] = self._step.run(list(inputs))
        return outputs

    @functools.cached_property
    def _words(self) -> Any:
        return _loaded(self._file, "words")

    def words(self, window: Tensor) -> list[Tensor]:
        """Return the next window and words; see :func:`~ganwidgets.stepping.compiled.mersenne_twister.next_words`.

        Only of a plan whose :func:`~ganwidgets.stepping.compiled.noise.words_at_once` is not zero.
        """
        outputs: list[Tensor] = self._words.run([window])
        return outputs


def _loaded(file: Path, name: str) -> Any:
    load: Any = torch._C._aoti.AOTIModelPackageLoader
    # The package itself, not torch._inductor: importing that takes seconds.
    return load(str(file), name, True, 1, -1)


def compiler() -> str | None:
    """Return the C++ compiler that PyTorch will use, or None."""
    names = [os.environ["CXX"]] if os.environ.get("CXX") else COMPILERS
    return next((found for name in names if (found := shutil.which(name))), None)


def program_for(plan: StepPlan) -> Program | None:
    """Return the program of a plan if it is cached; otherwise start compiling and return None.

    At most :data:`MOST_COMPILERS` run at a time; a later call starts the compiler of another plan.

    Raises
    ------
    CompilerError
        If there is no compiler, or if compiling failed before.
    """
    with _LOCK:
        running = sum(process.poll() is None for process in _RUNNING)
        if plan.key not in _COMPILATIONS and running >= MOST_COMPILERS and not _file_of(plan).exists():
            return None
        return _compilation_of(plan).program()


def program_now(plan: StepPlan) -> Program:
    """Return the program of a plan; wait for the compiler if necessary.

    Raises
    ------
    CompilerError
        If it cannot be compiled.
    """
    with _LOCK:
        compilation = _compilation_of(plan)
    compilation.wait()
    found = program_for(plan)
    assert found is not None
    return found


def _compilation_of(plan: StepPlan) -> _Compilation:
    if plan.key not in _COMPILATIONS:
        _COMPILATIONS[plan.key] = _Compilation(plan)
    return _COMPILATIONS[plan.key]


def _file_of(plan: StepPlan) -> Path:
    return cache_folder() / f"{plan.key}-{_versions()}.pt2"


class _Compilation:
    """One program: being compiled, loaded, or failed."""

    def __init__(self, plan: StepPlan) -> None:
        self._file = _file_of(plan)
        self._program: Program | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._fault: CompilerError | None = None
        if not self._file.exists():
            self._begin(plan)

    def _begin(self, plan: StepPlan) -> None:
        if compiler() is None:
            self._fault = CompilerError(
                Message(
                    "there is no C++ compiler, so steps stay eager; install g++ or clang++, or set stepper to 'eager'"
                )
            )
            return
        request = self._file.with_suffix(".json")
        request.write_text(plan.to_json(), encoding="utf-8")
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the compiler has ended
        paths = [str(PACKAGE.parent), os.environ.get("PYTHONPATH", "")]
        self._process = subprocess.Popen(  # noqa: S603 - this Python, with files of our own
            [sys.executable, "-m", "ganwidgets.stepping.compiled.build", str(request), str(self._file)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "OMP_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )
        _RUNNING.add(self._process)

    def wait(self) -> None:
        """Return when the compiler has ended."""
        if self._process is not None:
            self._process.wait()

    def program(self) -> Program | None:
        """Return the program, or None while it is being compiled.

        Raises
        ------
        CompilerError
            If it could not be compiled.
        """
        if self._fault is not None:
            raise self._fault
        if self._program is None:
            if self._process is not None:
                if self._process.poll() is None:
                    return None
                self._end(self._process)
            self._program = Program(self._file)
        return self._program

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        _RUNNING.discard(process)
        self._process = None
        if process.returncode or not self._file.exists():
            self._log.seek(0)
            said = self._log.read().decode(errors="replace").strip().splitlines() or ["no output"]
            self._fault = CompilerError(
                Message("the step could not be compiled, so steps stay eager: {why}", why=said[-1])
            )
        self._log.close()
        if self._fault is not None:
            raise self._fault


_COMPILATIONS: dict[str, _Compilation] = {}
_RUNNING: set[subprocess.Popen[bytes]] = set()
_LOCK = threading.Lock()


def _stop_compilers() -> None:
    for process in list(_RUNNING):
        process.kill()


atexit.register(_stop_compilers)


def cache_folder() -> Path:
    """Return the folder for compiled steps; it must belong to the user, because its files are executed."""
    home = Path.home()
    folders = {
        "darwin": home / "Library" / "Caches",
        "win32": Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local")),
    }
    usual = folders.get(sys.platform, Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache"))
    folder = Path(os.environ.get(FOLDER) or usual / "ganwidgets" / "steps")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not os.access(folder, os.W_OK):
            raise PermissionError(folder)
    except OSError:
        return _own_folder()
    return folder


@functools.cache
def _own_folder() -> Path:
    made = Path(tempfile.mkdtemp(prefix="ganwidgets-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


@functools.cache
def _versions() -> str:
    """Return a hash of everything except the plan that decides the bits of a compiled step."""
    root = PACKAGE
    files = [
        f for name in CODE for f in ([root / name] if name.endswith(".py") else root.glob(f"{name}/*.py"))
    ]
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(file.read_bytes())
    machine = (
        torch.__version__,
        platform.platform(),
        platform.node(),
        torch.backends.cpu.get_cpu_capability(),
    )
    digest.update(repr(machine).encode())
    return digest.hexdigest()[:16]
