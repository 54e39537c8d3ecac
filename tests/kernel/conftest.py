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


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[KernelSession]:
    """A fresh kernel; it must end cleanly, also where a test left something running."""
    kernel = KernelSession(tmp_path)
    yield kernel
    if kernel.process.poll() is None:
        status = kernel.close()
        assert status == 0, f"the kernel ended with status {status}; it wrote:\n{kernel.output}"


@pytest.fixture(params=["main shell", "subshell"])
def shell(request: pytest.FixtureRequest, kernel: KernelSession) -> str | None:
    """Where messages are to be handled: the id of a subshell, or None for the main shell."""
    if request.param == "main shell":
        return None
    if not kernel.has_subshells:
        pytest.skip("this ipykernel has no subshells")
    return kernel.new_subshell()
