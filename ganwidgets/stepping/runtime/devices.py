"""Selection of a device."""

from __future__ import annotations

from typing import Any

import torch

from ganwidgets.messages import Message
from ganwidgets.stepping.runtime.ambient import under_pinned_modes

__all__ = ["chosen_device"]


@under_pinned_modes
def chosen_device(asked: Any) -> torch.device:
    """Return the device for `asked`, if this machine has it.

    Parameters
    ----------
    asked : str or torch.device
        ``"auto"`` is the first CUDA GPU if PyTorch finds one, otherwise the CPU.

    Raises
    ------
    ValueError
        If it is not a PyTorch device, or is not usable here.
    """
    if isinstance(asked, str) and asked == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        if not isinstance(asked, str | torch.device):
            raise _refusal(asked)
        device = torch.device(asked)
    except RuntimeError as error:
        raise _refusal(asked) from error
    if device.type == "cuda":
        found = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (device.index or 0) >= found:
            raise _refusal(asked)
        return device
    try:
        torch.empty(1, device=device).add_(1).item()
    except (RuntimeError, AssertionError, NotImplementedError, ImportError) as error:
        raise _refusal(asked) from error
    return device


def _refusal(asked: Any) -> ValueError:
    return ValueError(
        Message(
            'device cannot be {asked}: it must be a device that PyTorch can use here, {known}, or "auto"',
            asked=repr(str(asked) if isinstance(asked, torch.device) else asked)[:80],
            known=", ".join(f'"{name}"' for name in _usable()),
        )
    )


def _usable() -> list[str]:
    """Return the names of the CPU and of the available CUDA GPUs."""
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return ["cpu", *(["cuda"] if gpus else []), *(f"cuda:{index}" for index in range(1, gpus))]
