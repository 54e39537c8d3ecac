"""What tests and the examples of docstrings share."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(autouse=True, scope="module")
def _registrations() -> Iterator[None]:
    """Forget what a module's tests or examples register, so that no other module's see it."""
    from ganwidgets import networks, optimizers
    from ganwidgets.metrics.registered import OWN_METRICS
    from ganwidgets.modality.modality import _MODALITIES
    from ganwidgets.settings import SETTINGS

    panels = sys.modules.get("ganwidgets.widgets.panels.own_panels")
    registries: list[dict[Any, Any]] = [
        optimizers._own_rules,
        networks._BUILDERS,
        OWN_METRICS,
        _MODALITIES,
        *(SETTINGS[name]._choices for name in ("architecture", "optimizer_d", "optimizer_g")),  # type: ignore[attr-defined]
        *([] if panels is None else [panels._registered]),
    ]
    before = [dict(registry) for registry in registries]
    yield
    for registry, content in zip(registries, before, strict=True):
        registry.clear()
        registry.update(content)
