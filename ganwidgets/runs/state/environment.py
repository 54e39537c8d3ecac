"""Environment on which the last bits of results depend."""

from __future__ import annotations

import platform

import torch

__all__ = ["environment"]


def environment(device: torch.device, threads: int) -> dict[str, str]:
    """Return the environment of a run on `device` with `threads` threads, as texts by name."""
    where = str(device)
    if device.type == "cuda":
        where += f" ({torch.cuda.get_device_name(device)})"
    return {
        "torch": torch.__version__,
        "python": platform.python_version(),
        "device": where,
        "processor": f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}",
        "threads": str(threads),
    }
