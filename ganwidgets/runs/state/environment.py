"""What results depend on in their last bits, besides the run itself."""

from __future__ import annotations

import platform

import torch

__all__ = ["environment"]


def environment(device: torch.device, threads: int) -> dict[str, str]:
    """Return, as texts by name, with what a run computes on `device` with so many threads."""
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
