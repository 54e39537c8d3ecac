"""The built-in kinds of data: points and images."""

from __future__ import annotations

from math import prod

import torch

from ganwidgets.data.images.scaling import units_of_images, units_of_points
from ganwidgets.data.points.standardization import Standardization
from ganwidgets.data.shapes import are_images, are_points, image_shape
from ganwidgets.data.source import Source
from ganwidgets.messages import Message, N_
from ganwidgets.metrics import IMAGE_METRICS, POINT_METRICS, evaluate_points
from ganwidgets.metrics.interpretation import IMAGE_RULES, POINT_RULES
from ganwidgets.metrics.spread import point_signs
from ganwidgets.modality import Modality
from ganwidgets.modality.modality import declare

__all__ = ["IMAGES", "POINTS"]

NEGLIGIBLE = 1e-3
"""Maximum |mean| of a column, in its standard deviations, that descriptions show as 0."""

DESCRIBED = 4
"""Number of columns whose mean and standard deviation a description shows."""


def _described_points(source: Source) -> Message:
    (features,) = source.shape
    if source.standardization is None and features == 1:
        return Message("points of 1 number, unscaled")
    if source.standardization is None:
        return Message("points of {features} numbers, unscaled", features=features)
    if features == 1:
        return Message(
            "points of 1 number, standardized ({columns})",
            columns=_columns_in_words(source, source.standardization),
        )
    return Message(
        "points of {features} numbers, standardized ({columns})",
        features=features,
        columns=_columns_in_words(source, source.standardization),
    )


def _columns_in_words(source: Source, columns: Standardization) -> str:
    names = source.column_names or tuple(str(number + 1) for number in range(len(columns.centers)))
    described = [
        Message("{name} constant {center:.6g}", name=name, center=center)
        if scale == 0
        else Message(
            "{name} {center:.4g} ± {scale:.2g}",
            name=name,
            center=center if abs(center) > NEGLIGIBLE * scale else 0.0,
            scale=scale,
        )
        for name, center, scale in zip(names, columns.centers, columns.scales, strict=True)
    ]
    return ", ".join([*described[:DESCRIBED], *(["\u2026"] if len(described) > DESCRIBED else [])])


def _described_images(source: Source) -> Message:
    channels, height, width = source.shape
    colour = Message("grey") if channels == 1 else Message("RGB")
    if source.options.value_range is None:
        return Message("{colour} images of {height}x{width}", colour=colour, height=height, width=width)
    black, white = source.options.value_range
    return Message(
        "{colour} images of {height}x{width}, black {black:g}, white {white:g}",
        colour=colour,
        height=height,
        width=width,
        black=black,
        white=white,
    )


POINTS = declare(
    Modality(
        name="points",
        label=N_("points"),
        array_name=N_("array of {n} points"),
        dataset_name=N_("{type} of {n} points"),
        recognizes=are_points,
        shape_of=lambda shape, _: (prod(shape),),
        options=frozenset({"standardize"}),
        units=units_of_points,
        describe=_described_points,
        metrics=POINT_METRICS,
        headline="sliced_wasserstein",
        evaluate=evaluate_points,
        signs=point_signs,
        rules=POINT_RULES,
        view="plane",
    )
)

IMAGES = declare(
    Modality(
        name="images",
        label=N_("images"),
        array_name=N_("array of {n} images"),
        dataset_name=N_("{type} of {n} images"),
        recognizes=are_images,
        shape_of=image_shape,
        options=frozenset({"value_range"}),
        units=units_of_images,
        describe=_described_images,
        stored=frozenset({torch.float32, torch.uint8}),
        bounded=True,
        augmentable=True,
        metrics=IMAGE_METRICS,
        headline="frechet",
        rules=IMAGE_RULES,
        # Each frame costs a batch through the generator, and the miniatures of the overview more than the gallery.
        # Curves that move once a second are fast enough, and drawing them costs as much as four galleries.
        frame_rate=5.5,
        panel_share=0.05,
        panel_pause=1.0,
    )
)
