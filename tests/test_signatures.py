from __future__ import annotations

import inspect

import pytest

import ganwidgets as gw
from ganwidgets.settings import SETTINGS, ChoiceSetting


@pytest.mark.parametrize("cls", [gw.GANTrainer, gw.GANTrainerWidget])
def test_a_signature_lists_every_setting_with_default_and_choices(cls):
    parameters = inspect.signature(cls).parameters
    for name, setting in SETTINGS.items():
        if name != "data":
            assert parameters[name].default == setting.initial, name
        if isinstance(setting, ChoiceSetting):
            assert parameters[name].annotation.__args__ == tuple(setting.choices), name
    assert {"device", "run", "generator", "kind", "columns"} <= parameters.keys()
    assert all(p.kind is not p.VAR_KEYWORD for p in parameters.values())
    assert {"self", *parameters} == inspect.signature(cls.__init__).parameters.keys()


@pytest.mark.parametrize("cls", [gw.GANTrainer, gw.GANTrainerWidget])
def test_listed_settings_are_accepted(cls):
    parameters = inspect.signature(cls).parameters
    keywords = [p for p in parameters.values() if p.kind is p.KEYWORD_ONLY]
    made = cls("ring8", **{p.name: p.default for p in keywords if p.default is not None})
    made.close()


def test_a_subclass_shows_its_own_signature():
    class Small(gw.GANTrainer):
        def __init__(self, width: int) -> None:
            super().__init__(g_hidden=(width,))

    assert list(inspect.signature(Small).parameters) == ["width"]


def test_reprs_are_short_and_name_the_last_action():
    trainer = gw.GANTrainer("ring8", lr_d=0.01)
    trainer.change("too fast", lr_d=0.005)
    trainer.step(3)
    assert repr(trainer.settings) == "Settings(lr_d=0.005, data='ring8')"
    (change,) = trainer.interventions
    assert repr(change) == "<Intervention 0: lr_d 0.01 -> 0.005 after iteration 0, by cell, 'too fast'>"
    assert len(repr(trainer.history)) < 300
    assert "3 iterations" in repr(trainer.history)
    assert "loss_d" in repr(trainer.history)
