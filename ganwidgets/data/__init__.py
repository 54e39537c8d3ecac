"""The real samples: point clouds and images known by name, arrays, Datasets, folders of pictures."""

from __future__ import annotations

from .arrays import restored_array
from .images import IMAGE_PRESETS
from .load import dataset, load_data
from .options import DATA_OPTIONS, DataOptions
from .order import Order
from .points import POINT_PRESETS
from .source import Modes, Source

__all__ = [
    "DATA_OPTIONS",
    "IMAGE_PRESETS",
    "POINT_PRESETS",
    "DataOptions",
    "Modes",
    "Order",
    "Source",
    "dataset",
    "load_data",
    "restored_array",
]
