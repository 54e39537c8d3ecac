"""Coarse images from the features of early layers."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import interpolate

__all__ = ["Readout"]

RIDGE = 1e-3
"""Ridge penalty, relative to the features' mean square."""

MOST_SIDE = 64
"""Maximum side of the fitted features."""


class Readout:
    """A linear map from a stage's features to colours, by ridge regression on the last full image.

    Early layers have no image of their own. Near the fitted place, the map approximates the remaining layers.

    Attributes
    ----------
    stage : int or None
        The stage of the fitted features; None before the first fit.
    """

    def __init__(self) -> None:
        self.stage: int | None = None
        self._weight = torch.empty(0)
        self._side = (0, 0)
        self._margin = 0

    def fit(self, features: Tensor, image: Tensor, stage: int) -> None:
        """Fit the map to the features [C, h, w] of `stage` and the resulting image [c, H, W]."""
        side = min(features.shape[1], image.shape[1], MOST_SIDE)
        self._side = (side, side)
        design = self._design(features)
        colours = interpolate(image[None], self._side, mode="area")[0].flatten(1).T
        gram = design.T @ design
        ridge = RIDGE * gram.diagonal().mean().clamp(min=1e-12)
        self._weight = torch.linalg.solve(gram + ridge * torch.eye(len(gram)), design.T @ colours)
        self.stage = stage

    def image(self, features: Tensor) -> Tensor:
        """Return a coarse image [c, h, w]."""
        return (self._design(features) @ self._weight).T.reshape(-1, *self._side)

    def _design(self, features: Tensor) -> Tensor:
        resized = interpolate(features[None], self._side, mode="bilinear", align_corners=False)[0]
        rows = resized.flatten(1).T
        return torch.cat([rows, torch.ones(len(rows), 1)], 1)
