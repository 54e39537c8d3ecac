"""The panels of a widget: presets, the order of names, and refused values."""

from __future__ import annotations

import os

import numpy as np
import pytest
from traitlets import TraitError

import ganwidgets as gw
from ganwidgets.widgets.trainer.layout.layout_values import PANELS, PRESETS


@pytest.fixture(scope="module")
def w():
    widget = gw.GANTrainerWidget("ring8", g_hidden=(8,), d_hidden=(8,))
    yield widget
    widget.close()


def classes(widget):
    """Return the CSS classes of a widget and its descendants, in the order of the page."""
    found = list(widget._dom_classes) if hasattr(widget, "_dom_classes") else []
    for child in getattr(widget, "children", ()):
        found += classes(child)
    return found


def test_a_preset_chooses_the_panels_and_full_is_the_default(w):
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


def test_panels_are_shown_in_the_given_order(w):
    w.panels = ["curves", "status", "plane", "transport"]
    assert w.panels == ("curves", "status", "plane", "transport")
    order = [name for name in classes(w) if name in {"gw-curves", "gw-status", "gw-plane", "gw-transport"}]
    assert order == ["gw-curves", "gw-status", "gw-plane", "gw-transport"]
    w.layout_preset = "compact"
    w.layout_preset = "full"
    assert w.panels == PANELS


@pytest.mark.parametrize("bad", ["huge", None, 3, "Full"])
def test_an_unknown_preset_is_refused_by_value_and_choices(w, bad):
    with pytest.raises(TraitError, match=r"layout_preset cannot be .*full, projector, compact"):
        w.layout_preset = bad
    assert w.layout_preset == "full"


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (("plan",), "'plan'.*did you mean plane"),
        (("plane", "plane"), "twice"),
        ((3,), "3, which is no panel"),
        (("graph", "controls"), "leave one of them out"),
    ],
)
def test_invalid_panels_are_refused_and_nothing_changes(w, bad, message):
    before, children = w.panels, w.children
    with pytest.raises(TraitError, match=message):
        w.panels = bad
    assert (w.panels, w.children) == (before, children)


def test_a_teacher_chooses_the_controls(w):
    w.controls = ("play", "beta1", "lr_g")
    w.layout_preset = "compact"
    assert {"gw-beta1", "gw-lr_g"} <= set(classes(w))
    assert "gw-batch_size" not in classes(w)
    w.layout_preset, w.controls = "full", None


def test_the_constructor_takes_panels_and_controls():
    w = gw.GANTrainerWidget("digits", layout_preset="projector", latent_dim=4, g_hidden=(8,), d_hidden=(8,))
    assert w.layout_preset == "projector"
    assert "gw-samples" in classes(w)
    w.close()
    with pytest.raises(TraitError):
        gw.GANTrainerWidget("ring8", layout_preset="wide")


@pytest.mark.parametrize(
    "bad",
    [
        3,
        {"plain": (200, 200)},
        {"curves": 200},
        {"curves": (200, 20)},
        {"curves": (200.5, 200)},
        {"curves": (True, 200)},
    ],
)
def test_invalid_sizes_are_refused_and_nothing_changes(w, bad):
    w.panel_sizes = {"metrics": (300, 200)}
    with pytest.raises(TraitError, match=r"panel_sizes|the size of"):
        w.panel_sizes = bad
    assert w.panel_sizes == {"metrics": (300, 200)}
    w.layout_preset = "compact"
    assert w.panel_sizes == {}
    w.layout_preset = "full"


def by_hand(widget, **message):
    tools = widget._dashboard.layout_tools
    tools._on_message(tools, message, [])
    return tools


def test_panels_are_arranged_in_the_page(w):
    tools = by_hand(w, show=["status", "curves"])
    assert w.panels == ("status", "curves")
    assert tools.shown == ["status", "curves"]
    assert classes(w).count("gw-layout-tools") == 1, "they are there where the buttons are hidden"
    by_hand(w, size=["curves", 600, 300])
    assert w.panel_sizes == {"curves": (600, 300)}
    assert tools.sizes == {"curves": [600, 300]}
    assert "size of 'curves'" in by_hand(w, size=["curves", 600, 3]).message
    assert by_hand(w, show=["nothing"]).message
    assert (w.panels, w.panel_sizes) == (("status", "curves"), {"curves": (600, 300)})
    by_hand(w, size=["curves", 0, 0])
    assert w.panel_sizes == {}
    by_hand(w, preset="full")
    assert w.panels == PANELS
    assert classes(w).count("gw-layout-tools") == 1


def by_chart(widget, chart, **message):
    tools = widget._dashboard.charts[chart].tools
    tools._on_message(tools, message, [])
    return tools


def test_axis_and_curves_of_a_chart_are_chosen_in_the_page_and_by_code(w):
    tools = by_chart(w, "curves", scale="log", curves=["loss_d", "accuracy_real"])
    assert w.chart_scales == {"curves": "log"}
    assert w.chart_curves == {"curves": ("loss_d", "accuracy_real")}
    w.trainer.step(20)
    w.wait()
    assert (tools.scale, tools.shown) == ("log", ["loss_d", "accuracy_real"])
    by_hand(w, present=True)
    assert w.chart_scales == {"curves": "log"}, "the presentation shows the same curves"
    by_hand(w, present=False)
    w.chart_curves = {"metrics": ["modes", "sliced_wasserstein"]}
    w.chart_scales = {}
    w.wait()
    assert (tools.scale, tools.shown) == ("linear", ["loss_d", "loss_g"])
    by_chart(w, "metrics", curves=[])
    assert w.chart_curves == {}
    w.reset()
    w.wait()


@pytest.mark.parametrize(
    ("trait", "bad", "message"),
    [
        ("chart_scales", 3, "chart_scales must be a mapping"),
        ("chart_scales", {"curves": "cubic"}, "the axis of 'curves' cannot be 'cubic'.*linear, log"),
        ("chart_scales", {"curve": "log"}, "'curve', which is no chart; did you mean curves"),
        ("chart_curves", {"curves": "loss_d"}, "at most 6 names"),
        ("chart_curves", {"curves": ("loss_d", "loss_d")}, "each once"),
        ("chart_curves", {"metrics": ("mode",)}, "'metrics' has no curve 'mode'; did you mean modes"),
    ],
)
def test_invalid_axes_and_curves_are_refused_and_nothing_changes(w, trait, bad, message):
    before = getattr(w, trait)
    with pytest.raises(TraitError, match=message):
        setattr(w, trait, bad)
    assert getattr(w, trait) == before


@pytest.fixture
def settings_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "settings"))
    return tmp_path / "settings"


SMALL = {"g_hidden": (8,), "d_hidden": (8,)}


@pytest.mark.usefixtures("settings_folder")
def test_a_layout_is_stored_with_the_run_and_as_the_default(tmp_path):
    first = gw.GANTrainerWidget("ring8", run=tmp_path / "run", **SMALL)
    by_hand(first, show=["curves", "transport", "plane"])
    by_hand(first, size=["plane", 500, 500])
    by_chart(first, "curves", scale="log", curves=["loss_g", "modes"])
    first.close()
    again = gw.GANTrainerWidget(gw.open_run(tmp_path / "run"))
    assert again.panels == ("curves", "transport", "plane")
    assert again.panel_sizes == {"plane": (500, 500)}
    assert (again.chart_scales, again.chart_curves) == ({"curves": "log"}, {"curves": ("loss_g", "modes")})
    by_hand(again, keep=True)
    again.close()
    again.trainer.close()
    other, asked = (
        gw.GANTrainerWidget("ring8", **SMALL),
        gw.GANTrainerWidget("ring8", layout_preset="compact", **SMALL),
    )
    assert other.panels == ("curves", "transport", "plane")
    assert asked.panels == PRESETS["compact"]
    by_hand(other, forget=True)
    plain = gw.GANTrainerWidget("ring8", **SMALL)
    assert plain.panels == PANELS
    for widget in (other, asked, plain):
        widget.close()


@pytest.mark.usefixtures("settings_folder")
def test_a_layout_is_stored_in_a_saved_file(tmp_path):
    first = gw.GANTrainerWidget("ring8", **SMALL)
    before = first.trainer.state_hash()
    by_hand(first, show=["curves", "transport"])
    by_chart(first, "curves", scale="log", curves=["loss_g"])
    first.trainer.save(tmp_path / "run.gan")
    assert first.trainer.state_hash() == before
    first.close()
    again = gw.GANTrainerWidget(gw.GANTrainer.load(tmp_path / "run.gan"))
    assert again.panels == ("curves", "transport")
    assert (again.chart_scales, again.chart_curves) == ({"curves": "log"}, {"curves": ("loss_g",)})
    second = gw.GANTrainerWidget(again.trainer)
    assert second.panels == again.panels, "a second widget of the run shows the same"
    again.trainer.save(tmp_path / "again.gan")
    assert gw.GANTrainer.load(tmp_path / "again.gan")._session.layout == again.trainer._session.layout
    for widget in (again, second):
        widget.close()


@pytest.mark.usefixtures("settings_folder")
def test_the_layout_of_a_game_is_stored_with_the_run(tmp_path):
    images = np.linspace(0, 1, 512, dtype=np.float32).reshape(8, 1, 8, 8)
    small = {"channels": 2, "batch_size": 2, "pool_size": 2}
    w = gw.GANTrainerWidget((images, 1 - images), game="cyclegan", run=tmp_path / "run", **small)
    by_hand(w, show=["curves", "samples"])
    by_chart(w, "terms", scale="log", curves=["loss_d"])
    with pytest.raises(TraitError, match="'terms' has no curve 'modes'"):
        w.chart_curves = {"terms": ("modes",)}
    w.close()
    again = gw.GANTrainerWidget(gw.open_run(tmp_path / "run"))
    assert again.panels == ("curves", "samples")
    assert (again.chart_scales, again.chart_curves) == ({"terms": "log"}, {"terms": ("loss_d",)})
    again.trainer.step(2)
    again.wait()
    assert again._dashboard.charts["terms"].tools.shown == ["loss_d"]
    again.close()
    again.trainer.close()


@pytest.mark.parametrize(
    "content", ["", "[1]", '{"panels": ["nothing"], "panel_sizes": 3, "layout_preset": []}', "\x00"]
)
def test_a_widget_opens_with_a_damaged_layout(settings_folder, content):
    settings_folder.mkdir()
    (settings_folder / "ganwidgets-layout.json").write_text(content)
    widget = gw.GANTrainerWidget("ring8", **SMALL)
    assert widget.panels == PANELS
    widget.close()


def linked(path, outside):
    path.symlink_to(outside)


def linked_hard(path, outside):
    path.hardlink_to(outside)


def piped(path, _outside):
    os.mkfifo(path)


@pytest.mark.parametrize("kind", [linked, linked_hard, piped])
def test_links_in_a_layout_file_are_not_followed(tmp_path, kind):
    gw.GANTrainer("ring8", **SMALL, run=tmp_path / "run").close()
    outside = tmp_path / "outside.json"
    outside.write_text('{"layout_preset": "compact"}')
    kind(tmp_path / "run" / "layout.json", outside)
    widget = gw.GANTrainerWidget(gw.open_run(tmp_path / "run"))
    assert widget.layout_preset == "full"
    widget.layout_preset = "projector"
    assert outside.read_text() == '{"layout_preset": "compact"}'
    widget.close()
    widget.trainer.close()


def test_a_run_opens_with_a_deeply_nested_layout(tmp_path):
    gw.GANTrainer("ring8", **SMALL, run=tmp_path / "run").close()
    (tmp_path / "run" / "layout.json").write_text("[" * 200_000)
    widget = gw.GANTrainerWidget(gw.open_run(tmp_path / "run"))
    assert widget.panels == PANELS
    widget.close()
    widget.trainer.close()


def test_the_users_own_layout_file_may_be_a_link(settings_folder, tmp_path):
    settings_folder.mkdir()
    (settings_folder / "ganwidgets-layout.json").symlink_to(tmp_path / "mine.json")
    for preset in ("compact", "projector"):
        widget = gw.GANTrainerWidget("ring8", **SMALL, layout_preset=preset)
        widget.keep_layout()
        widget.close()
        again = gw.GANTrainerWidget("ring8", **SMALL)
        assert again.layout_preset == preset
        again.close()
    assert (settings_folder / "ganwidgets-layout.json").is_symlink()


def test_keys_of_the_presentation_mode_control_the_run(w):
    by_hand(w, present=True)
    assert w.layout_preset == "projector"
    w.trainer.step(3)
    for key, done in (("step", 4), ("back", 3)):
        by_hand(w, key=key)
        w.wait()
        assert w.iteration == done
    before = w.trainer.state_hash()
    by_hand(w, key="step_d")
    w.wait()
    assert w.trainer.state_hash() != before
    assert w.iteration == 3
    by_hand(w, key="toggle")
    w.wait(iteration=10)
    by_hand(w, key="toggle")
    w.wait()
    assert not w.playing
    by_hand(w, present=False)
    assert w.layout_preset == "full"


@pytest.fixture(scope="module", params=["pix2pix", "cyclegan", "adversarial_training"])
def game_widget(request):
    images = np.random.default_rng(0).random((12, 1, 16, 16), dtype=np.float32)
    data = (images, np.arange(12) % 2) if request.param == "adversarial_training" else (images, images)
    widget = gw.GANTrainerWidget(data, game=request.param, batch_size=4)
    yield widget
    widget.close()


def test_the_widget_of_a_game_has_the_presets(game_widget):
    w = game_widget
    before = w.children
    rates = {f"gw-lr_{player.letter}" for player in w.game.players}
    for preset in ("projector", "compact"):
        w.layout_preset = preset
        shown = set(classes(w))
        assert {"gw-exhibits", "gw-curves", "gw-play", "gw-step", "gw-status"} | rates <= shown
        assert not {"gw-game", "gw-timeline", "gw-tabs"} & shown
        assert len(w._dashboard._groups.quick.children) == 6
    w.layout_preset = "full"
    assert w.children == before


def test_the_widget_of_a_game_shows_its_panels_in_the_given_order(game_widget):
    w = game_widget
    w.panels = ["curves", "rules", "samples", "transport", "graph"]  # these games have no rules
    order = [
        name
        for name in classes(w)
        if name in {"gw-curves", "gw-exhibits", "gw-transport", "gw-game", "gw-timeline"}
    ]
    assert order == ["gw-curves", "gw-exhibits", "gw-transport", "gw-game"]
    w.step(1)
    w.wait(timeout=60)
    w.panels = ["samples"]
    assert "gw-layout-tools" in classes(w)  # the way back
    with pytest.raises(TraitError, match="is no panel"):
        w.panels = ["picture"]
    w.panels = PANELS


def test_chosen_controls_are_the_quick_controls_of_the_compact_layout(game_widget):
    w = game_widget
    letter = w.game.players[-1].letter
    w.layout_preset = "compact"
    w.controls = (f"freeze_{letter}",)
    assert list(w._dashboard._groups.quick.children) == [
        w._dashboard.controls.controls[f"freeze_{letter}"].widget
    ]
    w.controls = None
    w.layout_preset = "full"


def test_the_buttons_of_a_game_are_translated():
    images = np.random.default_rng(0).random((12, 1, 16, 16), dtype=np.float32)
    w = gw.GANTrainerWidget(
        (images, np.arange(12) % 2), game="adversarial_training", batch_size=4, locale="fr"
    )
    assert w._dashboard.transport.buttons["step_c"].description == "Pas C"
    w.close()
