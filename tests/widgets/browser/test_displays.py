"""Widgets that are displayed with a stored picture."""

from __future__ import annotations

import pytest

from ganwidgets.widgets.browser.kernel.displays import Displayed


def test_a_displayed_widget_without_a_picture_is_refused_when_it_is_defined():
    with pytest.raises(TypeError, match=r"Pictureless must define _picture"):
        type("Pictureless", (Displayed,), {})
    assert type("Pictured", (Displayed,), {"_picture": lambda self: b""})
