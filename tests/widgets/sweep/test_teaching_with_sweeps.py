"""What a teacher does with the widget of a sweep: undo, errors in the page, runs that are opened and closed, several data sets."""

import base64
import io

import ipywidgets
import numpy as np
import pytest
from PIL import Image
from traitlets import TraitError

import ganwidgets as gw
from ganwidgets.widgets.browser.kernel import displays
from ganwidgets.widgets.sweep import frames
from ganwidgets.widgets.sweep.poster import columns_of

SMALL = {"g_hidden": (8,), "d_hidden": (8,), "batch_size": 20}


@pytest.fixture
def widget():
    sweep = gw.Sweep("ring8", lr_g=[1e-3, 2e-3], lr_d=[1e-3, 3e-3], **SMALL)
    shown = gw.SweepWidget(sweep, locale="en")
    yield shown
    shown.close()


def act(widget, name, **rest):
    widget._on_act({"act": name, **rest})
    widget._runner.call(lambda: None)


def hashes(widget):
    return [run.state_hash() for run in widget.sweep.runs]


def test_each_action_of_the_page_can_be_undone(widget):
    widget.step(3)
    widget.wait()
    states = [hashes(widget)]
    act(widget, "change", runs=[0, 3], setting="lr_d", value="0.004")
    states.append(hashes(widget))
    act(widget, "respawn", runs=[0, 1], source=1, warm=True)
    states.append(hashes(widget))
    act(widget, "kill", runs=[2, 3])
    assert widget._view.state["undo"] == 3
    assert [run.status for run in widget.sweep][1:] == ["running", "stopped", "stopped"]
    for before in reversed(states):
        act(widget, "undo")
        assert hashes(widget) == before
    assert {run.status for run in widget.sweep} == {"running"}
    assert widget._view.state["undo"] == 0
    act(widget, "undo")  # nothing is left
    assert [each.action for each in widget.sweep.acts] == ["change", "respawn", *["kill"] * 2, *["undo"] * 3]
    widget.step(2)
    widget.wait()
    assert {run.iteration for run in widget.sweep} == {5}
    widget.sweep.runs[0].settings.lr_d = 2e-3  # the run that was put back is the sweep's again
    assert widget.sweep.runs[0].settings.lr_d == 2e-3


def test_undo_restores_only_the_setting_that_was_changed(widget):
    act(widget, "change", runs=[0], setting="lr_d", value="0.004")
    widget.sweep.change(0, batch_size=30)
    act(widget, "undo")
    settings = widget.sweep.runs[0].settings
    assert (settings.lr_d, settings.batch_size) == (1e-3, 30)


def test_an_action_that_was_refused_is_not_undone(widget):
    act(widget, "change", runs=[0], setting="lr_d", value="fast")
    assert "lr_d" in widget._view.state["error"]
    assert widget._view.state["undo"] == 0


def test_the_page_says_why_a_step_failed_until_the_runs_go_on(widget):
    for i in range(4):
        widget.sweep.kill(i)
    act(widget, "step")
    assert widget.status == "ended"
    assert "respawn" in widget._view.state["error"]
    act(widget, "respawn", runs=[1])
    act(widget, "step")
    assert (widget.status, widget.error) == ("paused", "")
    assert widget._view.state["error"] == ""


def test_paused_runs_are_measured_at_once(widget, monkeypatch):
    monkeypatch.setattr(frames, "PAUSED", 1e9)
    widget.step(2)
    widget._runner.call(lambda: widget._frames.measure(training=True))
    assert [bool(widget._frames.figures(i)) for i in range(4)] == [True, False, False, False]
    widget._runner.call(lambda: widget._frames.measure(training=False))
    assert widget._frames.measured


def test_a_run_is_closed_by_its_button(widget):
    widget.step(2)
    opened = widget.show_run(3)
    head = widget._detail.children[0]
    assert "run 3 (lr_g 0.002, lr_d 0.003, seed 0) from iteration 2" in head.children[0].value
    button = next(each for each in head.children if isinstance(each, ipywidgets.Button))
    button.click()
    assert widget._detail.children == ()
    assert opened.comm is None


def test_the_stored_picture_shows_the_runs_that_a_cell_waited_for(widget, monkeypatch):
    published = []
    monkeypatch.setattr(displays, "publish_display_data", lambda data, **_: published.append(data))
    widget._ipython_display_()
    widget.play(until=60)
    widget.wait(timeout=60)
    widget.step(60)
    widget.close()
    pictures = [
        np.asarray(Image.open(io.BytesIO(base64.b64decode(each["image/png"]))))
        for each in published
        if "image/png" in each
    ]
    assert len(pictures) == 3  # at the beginning, after the cell, and at the end
    assert not np.array_equal(pictures[0], pictures[1])
    assert not np.array_equal(pictures[1], pictures[2])


def test_runs_on_several_data_sets_have_their_own_real_samples_and_no_common_floor():
    sweep = gw.Sweep(
        configurations=[{"data": "ring8"}, {"data": "moons"}, {"data": "ring8", "seed": 1}], **SMALL
    )
    widget = gw.SweepWidget(sweep)
    scene = widget._view.scene
    assert [run["data"] for run in scene["runs"]] == [0, 1, 0]
    assert len(scene["real"]) == 2
    assert scene["real"][0] != scene["real"][1]
    assert scene["scale"]["floor"] is None
    widget.close()


def test_points_and_images_in_one_widget_are_refused():
    sweep = gw.Sweep(configurations=[{"data": "ring8"}, {"data": "digits"}], **SMALL)
    with pytest.raises(
        gw.DataError, match=r"one kind and shape.*points of \(2,\).*run 1 has images.*a sweep for each"
    ):
        gw.SweepWidget(sweep)
    sweep.step(1)
    assert sweep.iteration == 1


def test_the_page_offers_the_choices_of_a_setting_and_shows_the_values_in_force(widget):
    scene = widget._view.scene
    assert ["hinge", "Hinge"] in scene["choices"]["loss"]
    assert scene["choices"]["freeze_g"] == [["True", "yes"], ["False", "no"]]
    assert "batch_size" not in scene["choices"]
    assert scene["common"]["batch_size"] == "20"
    assert "lr_d" not in scene["common"]  # each run has its own
    act(widget, "change", runs=[1], setting="freeze_g", value="True")
    assert widget.sweep.runs[1].settings.freeze_g is True


def test_a_sweep_that_began_as_a_grid_stays_one(widget):
    assert widget._view.scene["crossed"] is True
    act(widget, "change", runs=[0], setting="lr_d", value="0.004")
    assert widget._view.scene["crossed"] is True
    listed = gw.SweepWidget(
        gw.Sweep("ring8", configurations=[{"lr_d": 1e-3, "lr_g": 1e-3}, {"lr_d": 2e-3}], **SMALL)
    )
    assert listed._view.scene["crossed"] is False
    listed.close()


@pytest.mark.parametrize(
    ("asked", "columns"),
    [
        (
            {"lr_g": [1e-3, 2e-3, 3e-3], "lr_d": [1e-3, 2e-3, 3e-3], "seeds": 3},
            9,
        ),  # a row for each first value
        ({"lr_g": [1e-3, 2e-3, 3e-3, 4e-3], "lr_d": [1e-3, 2e-3]}, 8),  # whole groups of two
        ({"lr_g": [1e-3, 2e-3], "seeds": 6}, 6),
        ({"seeds": 5}, 5),
        ({"lr_g": [1e-3, 2e-3], "seeds": 10}, 8),
    ],
)
def test_rows_of_the_stored_picture_begin_with_a_new_value(asked, columns):
    assert columns_of(gw.Sweep("ring8", **asked, **SMALL)) == columns


def test_the_stored_picture_says_which_runs_ended(widget):
    before = widget._picture()
    widget.sweep.kill(2)
    assert widget._picture() != before


def test_a_second_widget_of_a_sweep_takes_over(widget):
    """A cell that makes the widget is run again: two threads would step the same runs."""
    widget.play()
    widget.wait(iteration=5, timeout=60)
    again = gw.SweepWidget(widget.sweep)
    assert widget.comm is None
    with pytest.raises(RuntimeError, match=r"closed; gw\.SweepWidget"):
        widget.play()
    with pytest.raises(RuntimeError, match=r"closed; gw\.SweepWidget"):
        widget.show_run(0)
    again.step(2)
    again.wait(timeout=60)
    assert widget.sweep._dispatch == again._runner.call
    alone = gw.Sweep("ring8", lr_g=[1e-3, 2e-3], lr_d=[1e-3, 3e-3], **SMALL)
    alone.step(again.iteration)
    assert hashes(again) == [run.state_hash() for run in alone]
    widget.close()  # once more
    assert widget.sweep._dispatch == again._runner.call
    again.close()
    assert widget.sweep._dispatch is None


def test_names_that_the_widget_does_not_have_are_refused(widget):
    with pytest.raises(TraitError, match=r"'lr_g' to set.*w\.sweep\.change\(lr_g=\.\.\.\)"):
        widget.lr_g = 1e-3
    with pytest.raises(TraitError, match=r"'metrics' to set.*did you mean metric\?"):
        widget.metrics = "modes"
    with pytest.raises(TraitError, match="'sweep' to set; it can only be read"):
        widget.sweep = None
    with pytest.raises(TraitError, match=r"metric cannot be 'fid'; choose one of modes"):
        gw.SweepWidget(widget.sweep, metric="fid")
    assert widget.comm is not None  # a refused widget takes nothing over
