"""The buttons that start a run, and controls hidden by a teacher, without a browser."""

import pytest
from traitlets import TraitError

from ganwidgets import GANTrainerWidget
from ganwidgets.recipes import RECOMMENDED, recommended


@pytest.fixture
def widget():
    widget = GANTrainerWidget("ring8", locale="en")
    yield widget
    widget.close()


def press(widget, start):
    widget._dashboard.starts.buttons[start].click()
    widget.wait()


def test_pretrained_continues_a_trained_run_on_the_chosen_data(widget):
    widget.step(2)
    widget.data = "line"
    press(widget, "pretrained")
    assert widget.iteration == RECOMMENDED["line"].steps
    assert widget.trainer.source.name == "line"
    assert widget.latent_dim == 2
    assert widget.trainer.timeline.branch == "pretrained"
    assert not widget.error
    assert "latent_dim=2" in widget._dashboard.starts._code.value


def test_recommended_settings_start_a_new_run(widget):
    widget.step(2)
    press(widget, "recommended")
    assert widget.iteration == 0
    wanted = recommended("ring8")
    assert {name: getattr(widget, name) for name in wanted} == wanted
    assert widget.trainer._session.built["g_hidden"] == wanted["g_hidden"]


def test_pretrained_is_not_offered_for_data_without_a_run(widget):
    buttons = widget._dashboard.starts.buttons
    assert not buttons["pretrained"].disabled
    widget.data = "digits"
    widget.reset()
    widget.wait()
    assert buttons["pretrained"].disabled
    assert not buttons["recommended"].disabled


def test_a_teacher_shows_some_controls_and_hides_the_rest(widget):
    def hidden(part):
        return "gw-hidden" in part._dom_classes

    controls, buttons = widget._dashboard.controls.controls, widget._dashboard.transport.buttons
    tabs = widget._dashboard._groups.tabs
    widget.controls = ("play", "pause", "lr_d", "weight_clip")
    assert not hidden(controls["lr_d"].widget)
    assert hidden(controls["lr_g"].widget)
    assert not hidden(buttons["play"])
    assert hidden(buttons["reset"])
    assert list(tabs.titles) == ["Objective"]
    dashboard, name = widget._dashboard, widget._dashboard._data_name
    assert all(map(hidden, (dashboard.transport.speed.widget, dashboard.timeline.widget)))
    assert not hidden(name)
    assert "Eight Gaussians" in name.value
    assert [hidden(card.widget) for card in widget._dashboard._groups.cards] == [True, False]
    widget.lr_g = 0.01  # A cell can still set it.
    widget.controls = ("speed", "timeline", "data")
    assert not any(map(hidden, (dashboard.transport.speed.widget, dashboard.timeline.widget)))
    assert hidden(name)
    widget.controls = None
    assert not any(hidden(control.widget) for control in controls.values())
    assert len(tabs.titles) == 3
    with pytest.raises(TraitError, match="no 'lr_q'; did you mean lr_g"):
        widget.controls = ("lr_q",)
    with pytest.raises(TraitError, match="no 'lr_q'"):
        GANTrainerWidget("ring8", controls=("lr_q",))


def test_user_text_in_the_line_of_code_is_escaped():
    from ganwidgets.messages import catalog
    from ganwidgets.widgets.panels.recipes.panel import StartPanel

    panel = StartPanel(catalog("en"), lambda _: None)
    panel.show("<i>", "f('<b>&\"')")
    assert "<b>" not in panel._code.value
    assert "f(&#x27;&lt;b&gt;&amp;&quot;&#x27;)" in panel._code.value
