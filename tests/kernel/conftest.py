"""Real kernels, with and without the subshells that ipykernel 7 brought."""

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
    """Run a kernel, which must end cleanly, also where a test left something running."""
    kernel = KernelSession(folder)
    yield kernel
    if kernel.process.poll() is None:
        status = kernel.close()
        assert status == 0, f"the kernel ended with status {status}; it wrote:\n{kernel.output}"


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[KernelSession]:
    """A kernel of the test's own."""
    yield from running(tmp_path)


@pytest.fixture(scope="session")
def shared_kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KernelSession]:
    """A kernel in which the slow imports happen once; who uses it leaves nothing running."""
    yield from running(tmp_path_factory.mktemp("kernel"))
