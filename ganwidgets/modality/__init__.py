"""The kinds of data: one declaration each, from which every room reads what it needs."""

from __future__ import annotations

from ganwidgets.modality.metric import OVERFITTING, Metric
from ganwidgets.modality.modality import MODALITIES, Modality, View, register_modality

__all__ = ["MODALITIES", "OVERFITTING", "Metric", "Modality", "View", "register_modality"]
