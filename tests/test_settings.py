"""Each setting is defined once, accepts every valid value and refuses all others by name."""

from __future__ import annotations

import math
import pickle
from decimal import Decimal

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from traitlets import TraitError

from ganwidgets import Settings
from ganwidgets.messages import Message
from ganwidgets.settings import (
    SETTINGS,
    BoolSetting,
    ChoiceSetting,
    FloatSetting,
    IntSetting,
    LayerWidthsSetting,
    NumberSetting,
    Setting,
    settings_table,
)

NEXT_UPDATE = [
    "batch_size",
    "noise",
    "loss",
    "penalty",
    "penalty_weight",
    "penalty_interval",
    "augment",
    "unroll_steps",
    "weight_clip",
    "optimizer_g",
    "optimizer_d",
    "lr_g",
    "lr_d",
    "beta1",
    "beta2",
    "weight_decay",
    "grad_clip",
    "precision",
    "lr_schedule",
    "schedule_steps",
    "schedule_end",
    "penalty_end",
    "ema_rampup",
    "growth_samples",
    "growth_level",
    "g_steps",
    "d_steps",
    "freeze_g",
    "freeze_d",
    "skip_d_below",
    "freeze_layers_d",
    "augment_target",
    "augment_p",
    "augment_samples",
    "stepper",
    "ema_decay",
]
FRESH_START = [
    "data",
    "architecture",
    "conditional",
    "packing",
    "latent_dim",
    "g_hidden",
    "d_hidden",
    "activation",
    "channels",
    "norm",
    "spectral_norm",
    "mapping_layers",
    "synthesis_layers",
    "holdout",
    "seed",
]

BY_KIND = {
    kind: [n for n, s in SETTINGS.items() if isinstance(s, kind)]
    for kind in (NumberSetting, FloatSetting, IntSetting, ChoiceSetting, BoolSetting, LayerWidthsSetting)
}


def refusal(name, value):
    """Return the error for setting `name` to `value`; nothing may change."""
    settings = Settings()
    before = settings.as_dict()
    with pytest.raises(TraitError) as by_assignment:
        setattr(settings, name, value)
    with pytest.raises(TraitError):
        settings.update({"lr_d": 0.125, name: value})
    with pytest.raises(TraitError):
        Settings(**{name: value})
    assert settings.as_dict() == before
    return by_assignment.value.args[0]


def test_the_settings_are_those_of_the_contract():
    assert sorted(SETTINGS) == sorted(NEXT_UPDATE + FRESH_START)


def test_settings_that_apply_at_a_reset_are_those_that_build_the_networks():
    pending = {name for name, setting in SETTINGS.items() if setting.effect == "fresh start"}
    assert pending == set(FRESH_START)


def test_a_setting_class_without_a_check_cannot_be_used():
    class Unchecked(Setting[int]):
        pass

    with pytest.raises(TypeError, match=r"abstract.*allowed.*check"):
        Unchecked(0, label="Any", help="Anything.", group="run")


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_describes_itself(name):
    setting = SETTINGS[name]
    assert setting.label
    assert setting.help.endswith(".")
    assert isinstance(setting.allowed, Message)
    assert setting.check(setting.initial) == setting.initial
    assert f"| `{name}` |" in settings_table()


@pytest.mark.parametrize("name", BY_KIND[NumberSetting])
def test_bounds_are_inclusive(name):
    setting = SETTINGS[name]
    for bound in (setting.min, setting.max):
        assert getattr(Settings(**{name: bound}), name) == bound
    beyond = 1 if name in BY_KIND[IntSetting] else 1e-6
    for value in (setting.min - beyond, setting.max + beyond, setting.max * 10 + 1, 10**400, 10**5000):
        text = refusal(name, value)
        assert name in text
        assert f"{setting.max:g}" in text or str(setting.max) in text
    low, high = setting.slider
    assert setting.min <= low < high <= setting.max


@pytest.mark.parametrize("name", BY_KIND[NumberSetting])
@pytest.mark.parametrize(
    "value",
    [
        True,
        False,
        np.True_,
        math.nan,
        math.inf,
        -math.inf,
        np.float32("nan"),
        "1",
        None,
        [1],
        1j,
        Decimal(1),
        torch.tensor(1),
    ],
    ids=repr,
)
def test_number_settings_refuse_non_numbers(name, value):
    assert name in refusal(name, value)


@pytest.mark.parametrize("name", BY_KIND[FloatSetting])
def test_real_numbers_become_plain_floats(name):
    middle = SETTINGS[name].max / 2
    for value in (
        middle,
        np.float64(middle),
        np.float32(middle),
        int(SETTINGS[name].max),
        np.int64(SETTINGS[name].max),
    ):
        given_back = getattr(Settings(**{name: value}), name)
        assert type(given_back) is float
        assert given_back == value
    assert math.copysign(1, getattr(Settings(**{name: -0.0}), name)) == 1


@pytest.mark.parametrize("name", BY_KIND[IntSetting])
def test_whole_numbers_become_plain_integers(name):
    for value in (7, np.int64(7), np.uint8(7)):
        given_back = getattr(Settings(**{name: value}), name)
        assert type(given_back) is int
        assert given_back == 7
    assert name in refusal(name, 7.0)
    assert name in refusal(name, np.float64(7))


@pytest.mark.parametrize("name", BY_KIND[ChoiceSetting])
def test_choices_list_the_valid_names_and_suggest_the_closest(name):
    for choice in SETTINGS[name].choices:
        assert type(getattr(Settings(**{name: np.str_(choice)}), name)) is str
        text = refusal(name, choice[:-1] + "_")
        assert name in text
        assert all(other in text for other in SETTINGS[name].choices)
        assert "did you mean" in text
    for value in ("", "nonsense", 0, None, True, ["adam"], choice.upper()):
        assert name in refusal(name, value)


@pytest.mark.parametrize("name", BY_KIND[BoolSetting])
def test_switches_accept_booleans_only(name):
    assert getattr(Settings(**{name: np.True_}), name) is True
    for value in (0, 1, 1.0, "True", None, []):
        assert name in refusal(name, value)


@pytest.mark.parametrize("name", BY_KIND[LayerWidthsSetting])
def test_widths_become_tuples(name):
    asked = [8, np.int64(16)]
    settings = Settings(**{name: asked})
    asked.append(3)
    assert getattr(settings, name) == (8, 16)
    assert all(type(width) is int for width in getattr(settings, name))
    assert getattr(Settings(**{name: np.array([4, 5])}), name) == (4, 5)
    assert getattr(Settings(**{name: ()}), name) == ()
    for value in (
        "88",
        8,
        None,
        [0],
        [-1],
        [4097],
        [True],
        [8.0],
        [[8]],
        [8] * 9,
        {8, 16},
        {8: 16},
        iter([8]),
    ):
        assert name in refusal(name, value)


@pytest.mark.parametrize("value", [None, True, 3, 2.5])
def test_data_refuses_a_number(value):
    assert "data" in refusal("data", value)


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [("lrd", "lr_d"), ("batchsize", "batch_size"), ("lr_D", "lr_d"), ("optimiser_d", "optimizer_d")],
)
def test_a_misspelt_name_raises_with_a_suggestion(wrong, meant):
    settings = Settings()
    for attempt in (
        lambda: Settings(**{wrong: 1}),
        lambda: setattr(settings, wrong, 1),
        lambda: settings.update({wrong: 1}),
    ):
        with pytest.raises(TraitError, match=f"no '{wrong}'; did you mean {meant}"):
            attempt()
    assert not hasattr(settings, wrong)


def test_an_error_is_a_translatable_message_and_survives_pickling():
    text = refusal("lr_d", 11)
    assert text.template == "{setting} cannot be {value}: it must be {allowed}{hint}"
    assert pickle.loads(pickle.dumps(text)).values == text.values  # noqa: S301 - pickled in this line


def test_a_value_whose_repr_raises_is_refused():
    class Unshowable:
        def __repr__(self):
            raise RuntimeError

    assert "<Unshowable>" in refusal("lr_d", Unshowable())
    assert len(refusal("lr_d", "x" * 10_000)) < 200


def test_several_changes_at_once_are_applied_all_or_none():
    settings = Settings()
    settings.update({"lr_d": 0.5, "loss": "hinge"})
    assert (settings.lr_d, settings.loss) == (0.5, "hinge")
    with pytest.raises(TraitError):
        settings.update({"lr_d": 0.25, "loss": "hing"})
    assert (settings.lr_d, settings.loss) == (0.5, "hinge")


def test_its_repr_shows_the_differences_from_the_defaults():
    assert repr(Settings()) == "Settings()"
    assert repr(Settings(lr_d=0.5, g_hidden=[8])) == "Settings(lr_d=0.5, g_hidden=(8,))"


numbers = st.one_of(st.floats(), st.integers(), st.floats(width=32).map(np.float32), st.booleans())


@given(st.sampled_from(BY_KIND[NumberSetting]), numbers)
def test_a_number_is_accepted_exactly_if_it_is_within_the_bounds(name, value):
    setting = SETTINGS[name]
    of_the_kind = not isinstance(value, bool) and (name in BY_KIND[FloatSetting] or isinstance(value, int))
    if of_the_kind and setting.min <= value <= setting.max:
        assert getattr(Settings(**{name: value}), name) == value
    else:
        assert name in refusal(name, value)


def test_different_data_are_unequal_without_being_read():
    class Endless:
        def __len__(self):
            return 3

        def __getitem__(self, index):
            raise AssertionError("it was read")

    notified = []
    settings = Settings(data=np.zeros((3, 2)))
    settings.observe(lambda change: notified.append(change.new), "data")
    given = Endless()
    settings.data = given
    settings.data = given
    assert notified == [given]
    settings.data = "ring8"
    settings.data = str(b"ring8", "ascii")
    assert notified == [given, "ring8"]
