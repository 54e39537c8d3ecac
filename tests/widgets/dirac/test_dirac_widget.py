"""The Dirac-GAN widget without a browser."""

from __future__ import annotations

import base64
import io
import json
import math

import numpy as np
import pytest
from PIL import Image
from traitlets import TraitError

from ganwidgets import DiracWidget
from ganwidgets.dirac import DiracGAN


@pytest.fixture
def widget():
    widget = DiracWidget(locale="en")
    yield widget
    widget.close()


def test_the_picture_follows_every_choice(widget):
    def path():
        return np.array(widget._view.scene["path"])

    for name, value in {
        "loss": "wasserstein",
        "penalty": "r1",
        "penalty_weight": 1.0,
        "lr_g": 0.1,
        "lr_d": 0.3,
        "d_steps": 3,
        "simultaneous": True,
        "steps": 50,
        "theta": -0.5,
        "psi": 0.25,
        "weight_clip": 0.3,
    }.items():
        before = path()
        setattr(widget, name, value)
        assert path().shape != before.shape or (path() != before).any(), name
    game = DiracGAN("wasserstein", "r1", 1.0, 0.3)
    expected = game.path((-0.5, 0.25), 50, lr_g=0.1, lr_d=0.3, d_steps=3, simultaneous=True)
    np.testing.assert_array_equal(path(), expected)


def test_a_click_sets_the_start_and_a_control_sets_a_choice(widget):
    widget._view._handle_custom_msg({"start": [-1.5, 0.5]}, [])
    assert (widget.theta, widget.psi) == (-1.5, 0.5)
    assert widget._view.scene["path"][0] == [-1.5, 0.5]
    widget._controls.controls["loss"].editor.list.set_state({"index": 4})
    assert widget.loss == "hinge"
    widget.lr_d = 0.05
    assert widget._controls.controls["lr_d"].editor.box.value == 0.05


def test_the_arrows_have_the_direction_of_the_field(widget):
    theta, psi, u, v = np.array(widget._view.scene["field"]).T
    along = widget.game.field(theta, psi)
    turned = u * along[1] - v * along[0]
    assert np.abs(turned).max() < 1e-3
    assert (u * along[0] + v * along[1] >= 0).all()


@pytest.mark.parametrize("loss", ["minimax", "least_squares", "wasserstein"])
@pytest.mark.parametrize("penalty", ["none", "r1", "gradient_penalty"])
def test_every_combination_of_choices_can_be_serialized_and_drawn(widget, loss, penalty):
    widget.loss, widget.penalty, widget.simultaneous = loss, penalty, True
    widget.lr_g = widget.lr_d = 10.0  # overflows within a few steps
    json.dumps(widget._view.scene, allow_nan=False)
    picture = Image.open(io.BytesIO(base64.b64decode(widget._repr_mimebundle_()["image/png"])))
    assert picture.size == (900, 420)


def test_a_value_out_of_bounds_or_a_misspelt_name_is_refused(widget):
    with pytest.raises(TraitError, match="lr_g cannot be -1"):
        widget.lr_g = -1
    with pytest.raises(TypeError, match="no 'lr'"):
        DiracWidget(lr=1)
    assert math.isclose(widget.lr_g, 0.2)


def test_it_speaks_french():
    widget = DiracWidget(locale="fr")
    assert "pas" in widget._view.words["steps"]
    widget.close()
