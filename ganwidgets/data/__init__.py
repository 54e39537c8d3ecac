"""Training data: presets of points and images, arrays, Datasets, and image folders."""

from __future__ import annotations

from ganwidgets.data.arrays import restored_array
from ganwidgets.data.images.presets import IMAGE_PRESETS
from ganwidgets.data.load import dataset, load_data
from ganwidgets.data.modalities import IMAGES, POINTS
from ganwidgets.data.options import DATA_OPTIONS, DataOptions
from ganwidgets.data.points.presets import POINT_PRESETS
from ganwidgets.data.sample_order import SampleOrder
from ganwidgets.data.source import Modes, Source

__all__ = [
    "DATA_OPTIONS",
    "IMAGES",
    "IMAGE_PRESETS",
    "POINTS",
    "POINT_PRESETS",
    "DataOptions",
    "Modes",
    "SampleOrder",
    "Source",
    "dataset",
    "load_data",
    "restored_array",
]
