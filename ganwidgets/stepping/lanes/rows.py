"""Records of the steps of several runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["LaneRows", "LaneStop", "stop"]


@dataclass(frozen=True)
class LaneStop:
    """A lane that has become non-finite.

    Attributes
    ----------
    steps : int
        Number of this call's steps that left everything finite.
    quantity : str
        Name of the non-finite value: ``"loss_d"``, ``"loss_g"`` or ``"a weight"``.
    value : float
    """

    steps: int
    quantity: str
    value: float


@dataclass(frozen=True)
class LaneRows:
    """Records of one call.

    Attributes
    ----------
    columns : dict of str to float64 [steps, lanes]
        NaN where a column was not measured.
    stops : dict of int to LaneStop
        The lanes that failed; their later rows are meaningless.
    seconds : float
        Seconds per step, all lanes together.
    """

    columns: dict[str, npt.NDArray[np.float64]]
    stops: dict[int, LaneStop]
    seconds: float


def stop(steps: int, found: Mapping[str, float]) -> LaneStop:
    """Return the stop of a lane after `steps` steps, by the columns of the failed one."""
    for quantity in ("loss_d", "loss_g"):
        if not np.isfinite(found.get(quantity, 0.0)):
            return LaneStop(steps, quantity, found[quantity])
    return LaneStop(steps, "a weight", float("nan"))
