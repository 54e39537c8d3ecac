"""What all panels' tests share: a page that listens, and English."""

from __future__ import annotations

import pytest
from canvas_wire import Page
from ipycanvas.canvas import _CANVAS_MANAGER

from ganwidgets.messages import Catalog


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Page:
    """A page that has just been opened, and receives what the canvases are told."""
    page = Page()
    monkeypatch.setattr(_CANVAS_MANAGER, "send", page.receive)
    return page


@pytest.fixture
def english() -> Catalog:
    return Catalog("en")
