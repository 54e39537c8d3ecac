"""Image metrics on named features."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import torch
from torch import Tensor

from ganwidgets.messages import N_
from ganwidgets.metrics.feature_metrics import (
    diversity,
    frechet,
    inception_score,
    kernel_inception,
    neighborhoods,
)
from ganwidgets.metrics.features import Reading
from ganwidgets.modality.metric import Metric

__all__ = ["IMAGE_METRICS", "class_shares", "evaluate_images"]

PAIRS_AT_MOST = 5000
"""Maximum number of samples of each set for pairwise figures, whose cost is quadratic."""

IMAGE_METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        "frechet": Metric(
            label=N_("Fréchet distance"),
            help=N_(
                "How far the generated images as a whole are from the real ones; with Inception's features it is known as FID. It falls when images look better and when they become more varied."
            ),
            better="lower",
            format=".2f",
        ),
        "precision": Metric(
            label=N_("Precision"),
            help=N_("The share of generated images that look real: they are close to real ones."),
            better="higher",
            format=".0%",
        ),
        "coverage": Metric(
            label=N_("Coverage"),
            help=N_(
                "The share of real images with a generated one beside them: it is low when the generator makes only a part of what there is."
            ),
            better="higher",
            format=".0%",
        ),
        "modes": Metric(
            label=N_("Classes found"),
            help=N_("How many of the data's classes are read in at least one generated image."),
            unit=N_("classes"),
            better="higher",
            format=".0f",
        ),
        "reverse_kl": Metric(
            label=N_("Imbalance of classes (reverse KL)"),
            help=N_(
                "How unevenly the generated images are spread over the classes, compared with the data; 0 is just as in the data."
            ),
            unit=N_("nats"),
            better="lower",
            format=".3f",
        ),
        "as_asked": Metric(
            label=N_("As asked"),
            help=N_("The share of generated images whose recognised class is the requested one."),
            better="higher",
            format=".0%",
        ),
        "recall": Metric(
            label=N_("Recall"),
            help=N_(
                "The share of real images that are close to a generated one: how much of the data the generator can make."
            ),
            better="higher",
            format=".0%",
        ),
        "density": Metric(
            label=N_("Density"),
            help=N_(
                "How many real images are close to a generated one; like precision, but less sensitive to outliers, and it can be above 1."
            ),
            better="higher",
            format=".2f",
        ),
        "diversity": Metric(
            label=N_("Diversity"),
            help=N_(
                "How different two generated images are from each other, as a share of two real ones; near 0 they all look the same."
            ),
            better="higher",
            format=".0%",
        ),
        "kernel_inception": Metric(
            label=N_("Kernel distance"),
            help=N_(
                "How far the generated images are from the real ones, by another measure, whose mean does not depend on the number of images; with Inception's features it is known as KID."
            ),
            better="lower",
            format=".3f",
        ),
        "inception_score": Metric(
            label=N_("Clear and varied classes"),
            help=N_(
                "High when each generated image clearly belongs to one class and all classes occur; the number of classes is the most. With Inception's classes it is known as Inception Score."
            ),
            better="higher",
            format=".2f",
        ),
    }
)
"""Description of the figures that :func:`evaluate_images` returns."""


def evaluate_images(
    generated: Reading, real: Reading, count: int, shares: Tensor | None, asked: Tensor | None = None
) -> dict[str, float]:
    """Return all metrics of generated images, by name.

    Parameters
    ----------
    generated, real : Reading [n], [m]
        Features of generated and of real images, at least two of each.
    count : int
        Number of images of each set to compare, the first ones; at most 5,000 for pairwise figures. Classes are counted
        over all generated images.
    shares : Tensor, float64 [K], or None
        Each class's share of the data, if the features know the data's classes.
    asked : Tensor, int64 [n], or None
        Index of the requested class of each generated image, if classes were requested.

    Returns
    -------
    dict of str to float
        ``frechet kernel_inception precision recall density coverage diversity`` always, ``inception_score`` if the
        features know classes, ``modes`` and ``reverse_kl`` if these are the data's, and ``as_asked`` if classes were
        requested. If a generated value is not finite, every figure is the worst possible.

    Raises
    ------
    DataError
        If there are fewer than two images.
    """
    if not torch.isfinite(generated.features).all() and generated.probabilities is not None:
        generated = Reading(generated.features, torch.full_like(generated.probabilities, torch.nan))
    a, b = generated.features[:count], real.features[:count]
    near = neighborhoods(a[:PAIRS_AT_MOST], b[:PAIRS_AT_MOST])
    figures = {
        "frechet": frechet(a, b),
        "kernel_inception": kernel_inception(a[:PAIRS_AT_MOST], b[:PAIRS_AT_MOST]),
        "precision": near.precision,
        "recall": near.recall,
        "density": near.density,
        "coverage": near.coverage,
        "diversity": diversity(a[:PAIRS_AT_MOST], b[:PAIRS_AT_MOST]),
    }
    if generated.probabilities is not None:
        figures["inception_score"] = inception_score(generated.probabilities)
        if shares is not None:
            found = class_shares(generated)
            figures["modes"] = float((found > 0).sum())
            if asked is not None:
                right = generated.probabilities.argmax(dim=1) == asked
                figures["as_asked"] = float(right.double().mean()) if found.any() else 0.0
            figures["reverse_kl"] = (
                float(torch.xlogy(found, found / shares).sum()) if found.any() else float("inf")
            )
    return figures


def class_shares(generated: Reading) -> Tensor:
    """Return the share of the images that is classified as each class, float64 [K]; all 0 if one is not finite."""
    assert generated.probabilities is not None
    classes = generated.probabilities.shape[1]
    if not torch.isfinite(generated.probabilities).all():
        return torch.zeros(classes, dtype=torch.float64)
    counts = torch.bincount(generated.probabilities.argmax(dim=1), minlength=classes)
    return counts.double() / len(generated)
