"""Which panels a widget shows: presets, names in order, and what is refused."""

from __future__ import annotations

import pytest
from traitlets import TraitError

import ganwidgets as gw
from ganwidgets.widgets.trainer.panel_layout import PANELS, PRESETS


@pytest.fixture(scope="module")
def w():
    widget = gw.GANTrainerWidget("ring8", g_hidden=(8,), d_hidden=(8,))
    yield widget
    widget.close()


def classes(widget):
    """Return the CSS classes of a widget and of all in it, in the order of the page."""
    found = list(widget._dom_classes) if hasattr(widget, "_dom_classes") else []
    for child in getattr(widget, "children", ()):
        found += classes(child)
    return found


def test_a_preset_chooses_the_panels_and_full_is_the_beginning(w):
    before = w.children
    assert w.panels == PANELS
    for preset in ("projector", "compact"):
        w.layout_preset = preset
        assert w.panels == PRESETS[preset]
        shown = classes(w)
        assert {"gw-plane", "gw-curves", "gw-play", "gw-step", "gw-status", "gw-lr_d"} <= set(shown)
        assert not {"gw-graph", "gw-timeline", "gw-tabs"} & set(shown)
        assert f"gw-preset-{preset}" in w._dom_classes
    w.layout_preset = "full"
    assert w.children == before
    assert not any("projector" in name or "compact" in name for name in w._dom_classes)


def test_panels_are_shown_in_their_order(w):
    w.panels = ["curves", "status", "plane", "transport"]
    assert w.panels == ("curves", "status", "plane", "transport")
    order = [name for name in classes(w) if name in {"gw-curves", "gw-status", "gw-plane", "gw-transport"}]
    assert order == ["gw-curves", "gw-status", "gw-plane", "gw-transport"]
    w.layout_preset = "compact"
    w.layout_preset = "full"
    assert w.panels == PANELS


@pytest.mark.parametrize("bad", ["huge", None, 3, "Full"])
def test_another_preset_is_refused_by_value_and_choices(w, bad):
    with pytest.raises(TraitError, match=r"layout_preset cannot be .*full, projector, compact"):
        w.layout_preset = bad
    assert w.layout_preset == "full"


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (("plain",), "'plain'.*did you mean plane"),
        (("plane", "plane"), "twice"),
        ((3,), "3, which is no panel"),
        (("graph", "controls"), "leave one of them out"),
    ],
)
def test_other_panels_are_refused_and_nothing_changes(w, bad, said):
    before, children = w.panels, w.children
    with pytest.raises(TraitError, match=said):
        w.panels = bad
    assert (w.panels, w.children) == (before, children)


def test_a_teacher_chooses_the_six_controls(w):
    w.controls = ("play", "beta1", "lr_g")
    w.layout_preset = "compact"
    assert {"gw-beta1", "gw-lr_g"} <= set(classes(w))
    assert "gw-batch_size" not in classes(w)
    w.layout_preset, w.controls = "full", None


def test_the_constructor_takes_both():
    w = gw.GANTrainerWidget("digits", layout_preset="projector", latent_dim=4, g_hidden=(8,), d_hidden=(8,))
    assert w.layout_preset == "projector"
    assert "gw-samples" in classes(w)
    w.close()
    with pytest.raises(TraitError):
        gw.GANTrainerWidget("ring8", layout_preset="wide")
