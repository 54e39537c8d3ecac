import json

import pytest

import ganwidgets as gw

SMALL = {"g_hidden": (8,), "d_hidden": (8,), "batch_size": 16}


@pytest.fixture
def folder(tmp_path):
    for number, rate in enumerate((1e-3, 2e-3)):
        trainer = gw.GANTrainer("ring8", run=tmp_path / f"<b>{number}", lr_d=rate, seed=number, **SMALL)
        trainer.step(300)
        trainer.close()
    return tmp_path


def test_a_comparison_displays_a_widget(folder):
    comparison = gw.compare(folder / "*")
    bundle = comparison._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert "&lt;b&gt;0" in bundle["text/html"]
    assert "<b>0" not in bundle["text/html"]
    again = comparison._repr_mimebundle_()
    view = "application/vnd.jupyter.widget-view+json"
    assert again[view]["model_id"] == bundle[view]["model_id"]


def test_the_table_and_the_curves_are_updated_with_the_runs(folder):
    widget = gw.ComparisonWidget(gw.compare(folder / "*"), locale="fr")
    assert [row["name"] for row in widget.table["rows"]] == ["<b>0", "<b>1"]
    assert {"lr_d", "seed"} <= set(widget.table["columns"])
    assert widget.table["axes"]["seconds"] != "seconds of training"
    assert len(widget.curves["<b>0"][0]) <= 250
    json.dumps([widget.table, widget.curves], allow_nan=False)
    before = widget.table
    widget._on_message(widget, {"look": True}, [])
    assert widget.table is before, "nothing is sent where nothing is new"
    newer = gw.GANTrainer("ring8", run=folder / "newer", lr_d=5e-3, **SMALL)
    newer.step(5)
    newer.close()
    widget._on_message(widget, {"look": True}, [])
    assert [row["name"] for row in widget.table["rows"]] == ["<b>0", "<b>1", "newer"]


def test_choices_in_the_browser_change_the_curves(folder):
    widget = gw.ComparisonWidget(gw.compare(folder / "*"))
    losses = widget.curves
    widget.column = "grad_norm_g"
    assert widget.curves != losses
    widget.against = "samples_seen"
    assert widget.curves["<b>0"][0][-1] > 300
    assert len({row["color"] for row in widget.table["rows"]}) == 2
    widget.colour = "lr_g"
    widget._on_message(widget, {"samples": True}, [])
    assert widget.pictures.count("<svg") == 2


def test_runs_of_a_sweep_are_compared():
    sweep = gw.Sweep("ring8", lr_d=[1e-3, 2e-3], seeds=2, **SMALL)
    sweep.step(5)
    comparison = gw.compare(sweep)
    assert len(comparison) == 4
    assert list(comparison.groups()) == ["lr_d=0.001", "lr_d=0.002"]
    assert comparison.curves("loss_d").shape == (5, 4)
    assert len(comparison.samples(3)) == 4
