"""A fixture for folders in memory, if the system has them, because many flushes to a disk are slow."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def memory_factory(tmp_path_factory):
    """Return a function that creates a new folder."""
    shared = Path("/dev/shm")  # noqa: S108 - not a fixed name in it
    if not (shared.is_dir() and os.access(shared, os.W_OK)):
        yield lambda: tmp_path_factory.mktemp("memory")
        return
    root = Path(tempfile.mkdtemp(dir=shared))
    yield lambda: Path(tempfile.mkdtemp(dir=root))
    shutil.rmtree(root)
