"""Fixtures with real kernels, with and without the subshells of ipykernel 7."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kernel_session import KernelSession


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.kernel)


def running(folder: Path) -> Iterator[KernelSession]:
    """Run a kernel; it must end cleanly even if a test left something running."""
    kernel = KernelSession(folder)
    yield kernel
    if kernel.process.poll() is None:
        status = kernel.close()
        assert status == 0, f"the kernel ended with status {status}; it wrote:\n{kernel.output}"


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[KernelSession]:
    """A kernel for this test alone."""
    yield from running(tmp_path)


@pytest.fixture(scope="session")
def shared_kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KernelSession]:
    """A kernel shared by all tests, for importing once; its users must leave nothing running."""
    yield from running(tmp_path_factory.mktemp("kernel"))
