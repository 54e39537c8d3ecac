"""Controls of settings: they show values, request changes by the user, and send no request for a shown value."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from traitlets import TraitError

from ganwidgets.messages import Catalog, Message
from ganwidgets.settings import SETTINGS
from ganwidgets.widgets.browser.style.shared_style import SharedStyle
from ganwidgets.widgets.controls.controls import Control, ControlSet

PRESETS = {"gaussians": "Two Gaussians", "ring8": "Ring of eight"}


class Desk:
    """A control and a list of its requests."""

    def __init__(self, name, refuse=None, **options):
        self.asked = []
        self.refuse = refuse
        self.control = Control(name, SETTINGS[name], Catalog("en"), self.ask, presets=PRESETS, **options)
        self.editor = self.control.editor

    def ask(self, name, value):
        self.asked.append((name, value))
        if self.refuse is not None:
            raise self.refuse

    @property
    def note(self):
        children = self.control.widget.children[len(self.editor.widgets) :]
        return "".join(child.value for child in children)


@pytest.mark.parametrize("name", SETTINGS)
class TestEverySetting:
    def test_carries_its_class_its_label_and_its_help(self, name):
        desk = Desk(name)
        assert f"gw-{name}" in desk.control.widget._dom_classes
        first_with_label = [w.description for w in desk.editor.widgets if w.description]
        assert len(first_with_label) == 1
        assert first_with_label[0].startswith(SETTINGS[name].label)
        assert all(w.tooltip == SETTINGS[name].help for w in desk.editor.widgets)
        assert desk.control.names[1] == SETTINGS[name].help

    def test_shows_its_default_without_asking(self, name):
        desk = Desk(name)
        desk.control.show(SETTINGS[name].initial)
        assert desk.asked == []


class TestNumbers:
    def test_slider_and_box_follow_each_other_and_each_edit_is_one_request(self):
        desk = Desk("lr_d")
        slider, box = desk.editor.slider, desk.editor.box
        slider.set_state({"value": 0})
        assert box.value == 1e-5
        box.set_state({"value": 1.0})
        assert slider.value == slider.max
        assert desk.asked == [("lr_d", 1e-5), ("lr_d", 1.0)]

    def test_a_whole_number_is_requested_as_int(self):
        desk = Desk("batch_size")
        desk.editor.slider.set_state({"value": 3})
        ((_, value),) = desk.asked
        assert isinstance(value, int)

    def test_the_box_allows_values_beyond_the_slider(self):
        desk = Desk("lr_d")
        desk.editor.box.set_state({"value": 7.5})
        assert desk.asked == [("lr_d", 7.5)]
        assert desk.editor.box.value == 7.5

    def test_a_value_from_a_cell_is_shown_exactly_although_the_slider_rounds_it(self):
        desk = Desk("lr_d")
        desk.control.show(3.3333e-4)
        assert desk.editor.box.value == 3.3333e-4
        # The browser sends back the slider position that it received.
        desk.editor.slider.set_state({"value": desk.editor.slider.value})
        assert desk.editor.box.value == 3.3333e-4
        assert desk.asked == []

    def test_zero_is_named_and_at_the_left_end(self):
        desk = Desk("weight_decay")
        assert (desk.editor.slider.value, desk.editor.box.value) == (0, 0)
        assert "off" in desk.note
        desk.editor.slider.set_state({"value": 1})
        assert desk.note == ""
        desk.editor.slider.set_state({"value": 0})
        assert desk.asked[-1] == ("weight_decay", 0)
        assert "off" in desk.note

    def test_each_stop_of_a_slider_has_a_text(self):
        desk = Desk("weight_decay")
        desk.control.show(0.0)
        assert desk.control.places[desk.editor.slider.value] == "off"
        assert len(desk.control.places) == desk.editor.slider.max + 1
        assert Desk("loss").control.places == []

    def test_the_arrow_keys_of_the_box_take_steps_that_suit_the_value(self):
        desk = Desk("lr_d")
        desk.control.show(0.02)
        assert desk.editor.box.step == pytest.approx(0.001)
        desk.control.show(0.0)
        assert desk.editor.box.step > 0


@given(st.floats(0, 10), st.floats(0, 10))
def test_showing_a_value_sends_no_request(one, other):
    desk = Desk("lr_g")
    desk.control.show(one)
    desk.control.show(other)
    assert desk.asked == []
    assert desk.editor.box.value == other


class TestOtherKinds:
    def test_a_choice_is_requested_and_shown(self):
        desk = Desk("loss")
        desk.control.show("hinge")
        assert desk.editor.list.label == "Hinge"
        desk.editor.list.set_state({"index": 0})
        assert desk.asked == [("loss", "minimax")]

    def test_a_switch_is_requested_and_shown(self):
        desk = Desk("freeze_d")
        desk.editor.box.set_state({"value": True})
        assert desk.asked == [("freeze_d", True)]
        desk.control.show(False)
        assert desk.editor.box.value is False

    @pytest.mark.parametrize("text", ["32, 16", "32 16", "(32,16)", "[32;16]"])
    def test_widths_are_parsed_in_any_spelling_and_shown_in_one(self, text):
        desk = Desk("g_hidden")
        desk.editor.text.set_state({"value": text})
        assert desk.asked == [("g_hidden", (32, 16))]
        assert desk.editor.text.value == "32, 16"

    def test_no_hidden_layer(self):
        desk = Desk("g_hidden")
        desk.editor.text.set_state({"value": " "})
        assert desk.asked == [("g_hidden", ())]

    def test_data_of_the_user_has_an_entry_while_it_is_in_use(self):
        desk = Desk("data")
        own = np.zeros((3, 2))
        desk.control.show(own)
        assert desk.editor.list.label == "own data"
        desk.editor.list.set_state({"index": 2})
        assert desk.asked == [("data", "ring8")]
        desk.editor.list.set_state({"index": 0})
        assert desk.asked[-1][1] is own

    def test_a_tuple_of_arrays_is_compared_by_identity(self):
        desk = Desk("data")
        pair = (np.zeros((3, 2)), np.zeros(3))
        desk.control.show(pair)
        desk.control.show((np.ones((3, 2)), np.zeros(3)))
        desk.control.show_in_force(pair)
        assert "own data" in desk.note


class TestRefusals:
    def test_an_invalid_entry_shows_the_error_and_the_field_is_restored(self):
        desk = Desk("g_hidden")
        desk.editor.text.set_state({"value": "64, abc"})
        assert desk.asked == []
        assert desk.editor.text.value == "64, 64"
        assert 'role="alert"' in desk.note
        assert "up to 8 whole numbers" in desk.note

    @pytest.mark.parametrize("value", [20.0, -1.0])
    def test_a_number_out_of_bounds_shows_the_bounds_and_the_field_is_restored(self, value):
        desk = Desk("lr_d")
        desk.editor.box.set_state({"value": value})
        assert desk.asked == []
        assert desk.editor.box.value == SETTINGS["lr_d"].initial
        assert "a number from 0 to 10" in desk.note

    def test_the_run_may_refuse_a_value_that_the_setting_allows(self):
        desk = Desk("batch_size", TraitError(Message("batch_size {n} is more than the data", n=512)))
        desk.editor.box.set_state({"value": 512})
        assert desk.asked == [("batch_size", 512)]
        assert "512 is more than the data" in desk.note
        assert desk.editor.box.value == SETTINGS["batch_size"].initial
        assert desk.editor.slider.value == Desk("batch_size").editor.slider.value

    def test_typed_text_is_escaped_in_the_page(self):
        desk = Desk("g_hidden")
        desk.editor.text.set_state({"value": "<img src=x>"})
        assert "<img" not in desk.note
        assert "&lt;img" in desk.note

    def test_the_next_valid_value_removes_the_error(self):
        desk = Desk("g_hidden")
        desk.editor.text.set_state({"value": "no"})
        desk.editor.text.set_state({"value": "8"})
        assert desk.note == ""

    def test_entering_the_value_in_force_removes_the_error(self):
        desk = Desk("g_hidden")
        desk.editor.text.set_state({"value": "no"})
        desk.editor.text.set_state({"value": "64 64"})
        assert desk.note == ""
        assert desk.asked == []

    def test_a_late_refusal_restores_the_control(self):
        desk = Desk("lr_d")
        desk.editor.box.set_state({"value": 0.5})
        desk.control.refuse(ValueError("the disk is <full>"), 0.001)
        assert desk.editor.box.value == 0.001
        assert "&lt;full&gt;" in desk.note

    def test_an_exception_that_is_no_refusal_is_raised(self):
        desk = Desk("lr_d", ZeroDivisionError())
        with pytest.raises(ZeroDivisionError):
            desk.editor.box.set_state({"value": 0.5})


class TestOrderOfRequests:
    def test_the_confirmation_of_the_latest_request_does_not_move_the_control(self):
        desk = Desk("lr_d")
        desk.editor.box.set_state({"value": 0.5})
        desk.editor.box.value = 0.7  # the browser has already moved on
        desk.control.show(0.5)
        assert desk.editor.box.value == 0.7

    def test_any_other_value_from_the_kernel_is_shown(self):
        desk = Desk("lr_d")
        desk.editor.box.set_state({"value": 0.5})
        desk.control.show(0.25)
        assert desk.editor.box.value == 0.25
        desk.control.show(0.5)
        assert desk.editor.box.value == 0.5

    def test_requests_are_made_without_holding_a_lock(self):
        """`ask` may wait for a thread that shows a value in the same control."""
        done = threading.Event()

        def ask(*_):
            thread = threading.Thread(target=lambda: (control.show(0.25), done.set()))
            thread.start()
            thread.join(timeout=30)

        control = Control("lr_d", SETTINGS["lr_d"], Catalog("en"), ask)
        control.editor.box.set_state({"value": 0.5})
        assert done.is_set()


class TestPending:
    def test_a_pending_value_shows_the_value_in_force(self):
        desk = Desk("g_hidden")
        desk.control.show_in_force((64, 64))
        assert desk.note == ""
        desk.editor.text.set_state({"value": "8"})
        assert "Reset" in desk.note
        assert "64, 64" in desk.note
        desk.control.show_in_force((8,))
        assert desk.note == ""


class TestSet:
    def test_it_has_a_control_for_every_setting_each_in_a_group(self):
        controls = ControlSet(Catalog("en"), lambda name, value: None)
        assert list(controls.controls) == list(SETTINGS)
        groups = {setting.group for setting in SETTINGS.values()}
        grouped = [control.name for group in groups for control in controls.in_group(group)]
        assert sorted(grouped) == sorted(SETTINGS)
        assert all(controls.title(group) for group in groups)
        assert "loss" not in [c.name for c in controls.in_group("objective", without=["loss"])]

    def test_it_shows_many_values_and_marks_only_the_pending_ones(self):
        controls = ControlSet(Catalog("en"), lambda name, value: None)
        controls.show({"lr_d": 0.5, "latent_dim": 9})
        controls.show_in_force({"lr_d": 0.001, "latent_dim": 2})
        assert controls.controls["lr_d"].editor.box.value == 0.5
        waiting = controls.controls["latent_dim"].widget.children[-1].value
        assert "now 2" in waiting
        assert "asked for; now 0.001" in controls.controls["lr_d"].widget.children[-1].value
        controls.show_in_force({"lr_d": 0.5})
        assert controls.controls["lr_d"].widget.children[-1].value == ""

    def test_all_controls_share_one_layout(self):
        look = SharedStyle()
        controls = ControlSet(Catalog("en"), lambda name, value: None, look=look)
        boxes = [control.widget for control in controls.controls.values()]
        layouts = {w.layout for box in boxes for w in (box, *box.children)}
        assert layouts == {look.layout}

    def test_french(self):
        french = Catalog("fr")
        control = Control("lr_d", SETTINGS["lr_d"], french, lambda name, value: None)
        assert control.editor.box.description.startswith(french(SETTINGS["lr_d"].label))


OF_ARCHITECTURE = {
    "mlp": {"g_hidden", "d_hidden", "activation", "spectral_norm"},
    "dcgan": {"channels", "norm", "spectral_norm"},
    "resnet": {"channels", "norm", "spectral_norm"},
    "r3gan": {"channels"},
    "progressive": {"channels", "growth_samples", "growth_level"},
    "msg": {"channels"},
    "stylegan3_t": {"channels", "mapping_layers", "synthesis_layers"},
    "stylegan3_r": {"channels", "mapping_layers", "synthesis_layers"},
}
"""What each is built from that another is not."""


class TestControlsWithoutEffect:
    def make(self, **values):
        controls = ControlSet(Catalog("en"), lambda name, value: None, presets=PRESETS)
        controls.show(
            {
                "architecture": "mlp",
                "data": "gaussians",
                "penalty": "r1",
                "lr_schedule": "linear",
                "augment": "ada",
                "ema_decay": 0.9,
                **values,
            }
        )
        return controls

    def idle(self, controls):
        return {name for name, c in controls.controls.items() if "gw-idle" in c.widget._dom_classes}

    def note(self, controls, name):
        return controls.controls[name].widget.children[-1].value

    @given(st.lists(st.sampled_from(list(OF_ARCHITECTURE)), min_size=1, max_size=4))
    def test_settings_of_another_architecture_have_a_note(self, chosen):
        controls = self.make()
        for name in chosen:
            controls.controls["architecture"].editor.list.set_state(
                {"index": list(OF_ARCHITECTURE).index(name)}
            )  # by the user
        everything = set().union(*OF_ARCHITECTURE.values())
        assert self.idle(controls) == everything - OF_ARCHITECTURE[chosen[-1]]
        controls.show({"architecture": "mlp"})  # by a cell
        assert self.idle(controls) == everything - OF_ARCHITECTURE["mlp"]
        assert "only for Convolutional (DCGAN), Residual (ResNet)" in self.note(controls, "norm")

    def test_a_refused_architecture_does_not_change_the_notes_of_other_settings(self):
        controls = ControlSet(Catalog("en"), lambda *_: SETTINGS["lr_d"].check("refuse"))
        controls.controls["architecture"].editor.list.set_state({"index": 1})
        assert "number" in self.note(controls, "architecture")
        assert "g_hidden" not in self.idle(controls)

    @pytest.mark.parametrize("own", [set(), {"generator"}, {"discriminator"}, {"generator", "discriminator"}])
    def test_settings_that_build_networks_have_a_note_if_the_user_passed_networks(self, own):
        controls = self.make(architecture="dcgan")
        controls.suit(labelled=True, own=own)
        both = {"architecture", "activation", "channels", "norm"} if len(own) == 2 else set()
        one = ({"g_hidden"} if "generator" in own else set()) | (
            {"d_hidden", "spectral_norm"} if "discriminator" in own else set()
        )
        elsewhere = {"growth_samples", "growth_level", "mapping_layers", "synthesis_layers"}
        assert self.idle(controls) == {"g_hidden", "d_hidden", "activation"} | elsewhere | one | both
        assert ("of your own" in self.note(controls, "g_hidden")) == ("generator" in own)

    def test_augmentation_has_a_note_for_points(self):
        controls = self.make()
        for images in (False, True):
            controls.suit(labelled=True, own=(), augmentable=images)
            assert ("augment" in self.idle(controls)) != images

    @pytest.mark.parametrize(
        ("without", "with_one", "names", "sentence"),
        [
            ({"penalty": "none"}, {"penalty": "r2"}, {"penalty_weight", "penalty_interval"}, "without a penalty"),
            ({"lr_schedule": "constant"}, {"lr_schedule": "cosine"}, {"schedule_steps", "schedule_end", "penalty_end"}, "is constant"),
            ({"optimizer_d": "sgd", "optimizer_g": "rmsprop"}, {"optimizer_g": "adam"}, {"beta1"}, "optimizers"),
            ({"optimizer_d": "sgd", "optimizer_g": "momentum"}, {"optimizer_d": "rmsprop"}, {"beta2"}, "optimizers"),
        ],
    )  # fmt: skip
    def test_settings_without_effect_under_another_setting_have_a_note(
        self, without, with_one, names, sentence
    ):
        controls = self.make()
        everywhere = self.idle(controls)
        controls.show(without)
        assert self.idle(controls) == everywhere | names
        assert all(sentence in self.note(controls, name) for name in names)
        controls.show(with_one)
        assert self.idle(controls) == everywhere

    def test_objects_passed_by_the_user_are_listed_while_in_use(self):
        controls = self.make()
        editor = controls.controls["loss"].editor
        assert "own" not in dict(map(reversed, editor.list.options))
        controls.show({"loss": "own"})
        assert editor.list.value == "own"
        controls.show({"loss": "hinge"})
        assert "own" in dict(map(reversed, editor.list.options))

    def test_conditional_has_a_note_if_the_data_has_no_labels(self):
        controls = self.make()
        for labelled, known in ((False, True), (None, False), (True, False)):
            controls.suit(labelled=labelled, own=())
            assert ("conditional" in self.idle(controls)) == known
        controls.suit(labelled=False, own=())
        controls.show_in_force({"data": "gaussians"})
        assert "conditional" in self.idle(controls)
        controls.show({"data": "ring8"})  # its labels are not known yet
        assert "conditional" not in self.idle(controls)

    def test_a_setting_with_a_note_can_be_set_and_a_refusal_has_priority(self):
        desk = Desk("channels", refuse=TraitError(Message("not that")))
        desk.control.show_idle("only for something")
        assert "only for something" in desk.note
        desk.editor.box.set_state({"value": 20})
        assert desk.asked == [("channels", 20)]
        assert "not that" in desk.note
