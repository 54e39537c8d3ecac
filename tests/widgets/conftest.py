"""Fixtures of the panels' tests: a page that receives messages, and the English catalog."""

from __future__ import annotations

import pytest
from canvas_wire import Page
from ipycanvas.canvas import _CANVAS_MANAGER

from ganwidgets.messages import Catalog


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Page:
    """A newly opened page that receives the messages of the canvases."""
    page = Page()
    monkeypatch.setattr(_CANVAS_MANAGER, "send", page.receive)
    return page


@pytest.fixture
def english() -> Catalog:
    return Catalog("en")
