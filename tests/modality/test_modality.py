"""Kinds of data: each is one declaration, and no other module compares their names."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import ganwidgets as gw
from ganwidgets.modality import MODALITIES, Metric

PACKAGE = Path(gw.__file__).parent
DECLARATIONS = PACKAGE / "data" / "modalities.py"
SMALL = {"g_hidden": (8,), "d_hidden": (8,), "batch_size": 16}


def loudness(samples, reference, *_):
    return {"loudness": float(np.abs(samples - 0.5).mean() / np.abs(reference - 0.5).mean())}


def as_images(samples):
    """Each channel of a waveform as a row of grey pixels, four pixels high."""
    return np.repeat(samples[:, None], 4, axis=2)


WAVES = gw.Modality(
    name="waves",
    bounded=True,
    metrics={"loudness": Metric("Loudness", "Mean amplitude, real samples: 1.", "higher", ".2f")},
    evaluate=loudness,
    picture=as_images,
)


@pytest.fixture(scope="module")
def waves():
    """Stereo sine waves, float32 [200, 2, 12]."""
    gw.register_modality(WAVES)
    phases = np.random.default_rng(0).uniform(0, 2 * np.pi, (200, 2, 1))
    return np.sin(phases + np.arange(12) / 2).astype(np.float32)


def test_a_declared_kind_trains_is_measured_stored_and_exported(waves, tmp_path):
    trainer = gw.GANTrainer(waves, kind="waves", run=tmp_path / "run", **SMALL)
    trainer.step(12)
    assert trainer.source.kind == "waves"
    assert "waves" in repr(trainer.source)
    samples = trainer.sample(5, seed=0)
    assert samples.shape == (5, 2, 12)
    assert 0 <= samples.min() < samples.max() <= 1
    assert trainer.evaluate(100).keys() == trainer.floors(100).keys() == {"loudness"}
    trainer.diagnose()
    end = trainer.state_hash()
    for name in ("run.html", "run.png", "generator.safetensors"):
        trainer.export(tmp_path / name)
        assert (tmp_path / name).stat().st_size > 0
    trainer.save(tmp_path / "file")
    trainer.timeline.goto(5)
    trainer.timeline.goto(12)
    assert trainer.state_hash() == end
    trainer.close()
    assert gw.GANTrainer.load(tmp_path / "file").state_hash() == end
    opened = gw.open_run(tmp_path / "run")
    assert opened.state_hash() == end
    opened.close()


def test_a_widget_shows_a_declared_kind(waves):
    trainer = gw.GANTrainer(waves, kind="waves", **SMALL)
    w = gw.GANTrainerWidget(trainer)
    try:
        w.step(3)
        w.wait(timeout=60)
        frame = w._camera.take(complete=True)
        assert frame.generated.shape == (frame.real.shape[0], 1, 8, 12)
        assert 0 <= frame.generated.min() <= frame.generated.max() <= 1
        assert w.metrics["loudness"] > 0
        assert w.error == ""
    finally:
        w.close()


def test_units_are_inverted(waves):
    samples = torch.from_numpy(waves)
    torch.testing.assert_close(WAVES.trained(WAVES.shown(samples)), samples)
    points = MODALITIES["points"]
    assert points.shown(samples) is samples
    assert WAVES.shown(torch.tensor([torch.inf])).isnan().all()


def test_a_kind_that_recognizes_its_samples_needs_no_name():
    taken = gw.Modality(
        name="seven",
        recognizes=lambda shape, what, pixels: shape == (7, 5, 3),
        evaluate=loudness,
        metrics=WAVES.metrics,
        picture=lambda samples: samples[:, :1],
    )
    gw.register_modality(taken)
    assert gw.dataset(np.zeros((4, 7, 5, 3))).kind == "seven"
    assert gw.dataset(np.zeros((4, 1, 8, 8))).kind == "images"
    assert gw.dataset(np.zeros((4, 7))).kind == "points"


@pytest.mark.parametrize(
    ("name", "pattern"), [("points", "already"), ("My kind", "no name"), (7, "7 is no name")]
)
def test_a_kind_needs_a_unique_name(name, pattern):
    with pytest.raises(ValueError, match=pattern):
        gw.register_modality(gw.Modality(name=name))


@pytest.mark.parametrize(
    ("part", "pattern"),
    [
        (
            {"metrics": {}, "headline": "loudness"},
            "headline of the kind of data 'waves' cannot be 'loudness'.*none",
        ),
        ({"headline": "loud"}, "headline .* cannot be 'loud': it must be one of its metrics: loudness"),
        ({"metrics": {"loudness": "Loudness"}}, r"metrics\['loudness'\] .* must be a Metric\(label, help"),
        (
            {"metrics": {"loudness": Metric("L", "L.", "more", ".2f")}},
            "better .* cannot be 'more'.*'higher' or",
        ),
        ({"metrics": ["loudness"]}, r"metrics .* must be a dictionary"),
        ({"evaluate": None}, "declares the metrics loudness and no evaluate.*pass evaluate=function"),
        ({"evaluate": 0.5}, "evaluate .* cannot be 0.5: it must be a function"),
        ({"picture": None}, "picture .* cannot be None: it must be a function"),
        ({"view": "sound"}, "view .* cannot be 'sound': it must be 'plane' or 'gallery'"),
        (
            {"options": {"rate"}},
            "options .* cannot be {'rate'}: it must be a set of 'value_range' and 'standardize'",
        ),
        ({"stored": {"float32"}}, "stored .* such as torch.float32"),
        ({"frame_rate": 0}, "frame_rate .* cannot be 0: it must be a number above 0"),
        ({"panel_share": 2}, "panel_share .* cannot be 2.* at most 1"),
        ({"panel_pause": "1 s"}, "panel_pause .* cannot be '1 s'.* seconds from 0 on"),
    ],
    ids=lambda value: ", ".join(value) if isinstance(value, dict) else "",
)
def test_an_incomplete_declaration_is_refused_by_part_value_and_remedy(part, pattern):
    known = dict(MODALITIES)
    with pytest.raises((TypeError, ValueError), match=pattern):
        gw.register_modality(replace(WAVES, **part))
    assert known == MODALITIES, "nothing is registered"


def test_an_object_that_is_no_declaration_is_refused():
    with pytest.raises(TypeError, match=r"cannot be \{'name': 'waves'\}; pass gw.Modality\(name="):
        gw.register_modality({"name": "waves"})


def test_a_kind_without_evaluate_has_the_metrics_of_images():
    scans = gw.register_modality(gw.Modality(name="scans", bounded=True))
    assert scans.metrics == MODALITIES["images"].metrics
    assert scans.headline == "frechet"
    assert gw.dataset(np.zeros((4, 3, 8, 8), np.float32), kind="scans").shape == (3, 8, 8)


@pytest.mark.parametrize(
    ("part", "pattern"),
    [
        (
            {"picture": lambda samples: samples},
            r"makes \[1, 2, 12\] of one sample of shape \(2, 12\); return images",
        ),
        ({"view": "plane"}, r"shape \(2, 12\), and its view 'plane' draws \(F,\).*view='gallery'"),
        (
            {"evaluate": None, "metrics": {}, "headline": ""},
            r"shape \(2, 12\) and are no images.*declare evaluate",
        ),
    ],
    ids=["picture", "plane", "features"],
)
def test_data_that_a_kind_cannot_draw_or_measure_are_refused(part, pattern):
    kind = gw.register_modality(replace(WAVES, name="odd_waves", **part)).name
    with pytest.raises(gw.DataError, match=pattern):
        gw.dataset(np.zeros((4, 2, 12), np.float32), kind=kind)


def test_evaluate_returns_the_declared_metrics():
    kind = gw.register_modality(replace(WAVES, name="odd_waves", evaluate=lambda *_: {"volume": 1.0})).name
    trainer = gw.GANTrainer(np.zeros((20, 2, 12), np.float32), kind=kind, **SMALL)
    with pytest.raises(gw.DataError, match=r"'odd_waves' returned volume; return .* metrics: loudness"):
        trainer.evaluate(10)


def test_a_file_of_an_unregistered_kind_names_the_remedy(waves, tmp_path, monkeypatch):
    trainer = gw.GANTrainer(waves, kind="waves", **SMALL)
    trainer.save(tmp_path / "file")
    from ganwidgets.modality import modality

    monkeypatch.delitem(modality._MODALITIES, "waves")
    with pytest.raises(gw.CheckpointError, match="register_modality"):
        gw.GANTrainer.load(tmp_path / "file")


def test_a_metric_for_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="no kind of data 'sounds'"):
        gw.register_metric("of_sounds", lambda samples, real: 0.0, kind="sounds")


# --- no module but the declaration compares kinds by name ------------------------------------------

BUILT_IN = {"points", "images"}


def comparisons(source: str) -> list[int]:
    """Return the lines of Python that compare with the name of a built-in kind of data."""
    if not re.search(r"""["'](points|images)["']|import .*(POINTS|IMAGES)""", source):
        return []
    found = []
    tree = ast.parse(source)
    declared = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and node.module in {"ganwidgets.data", "ganwidgets.data.modalities"}
        for alias in node.names
        if alias.name in {"IMAGES", "POINTS"}
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare | ast.MatchValue | ast.Subscript):
            chosen = node.slice if isinstance(node, ast.Subscript) else node
            parts = list(ast.walk(chosen))
        elif isinstance(node, ast.Dict) and node.keys:
            keys = [getattr(key, "value", None) for key in node.keys]
            parts = [*filter(None, node.keys)] if set(keys) <= BUILT_IN else []
        else:
            continue
        names = {
            part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)
        }
        objects = {part.id for part in parts if isinstance(part, ast.Name)}
        if names & BUILT_IN or objects & declared:
            found.append(node.lineno)
    return found


@pytest.mark.parametrize(
    "line",
    [
        'if source.kind == "points": pass',
        'if kind in ("points", "images"): pass',
        'X = {"points": 12, "images": 5}',
        'METRICS["images"]',
        'match kind:\n    case "points": pass',
        'def f(kind: Literal["points", "images"]): pass',
        "from ganwidgets.data import IMAGES\nif source.modality is IMAGES: pass",
    ],
)
def test_every_form_of_comparison_is_detected(line):
    assert comparisons(line)


def test_no_module_but_the_declaration_compares_kinds_by_name():
    found = {
        str(path.relative_to(PACKAGE)): lines
        for path in PACKAGE.rglob("*.py")
        if path != DECLARATIONS and (lines := comparisons(path.read_text("utf-8")))
    }
    assert found == {}


def test_no_script_compares_kinds_by_name():
    compared = re.compile(r"""[=!]==?\s*["'`](points|images)["'`]|case\s+["'`](points|images)["'`]""")
    assert compared.search('if (frame.kind === "points") {')
    assert [path.name for path in PACKAGE.rglob("*.js") if compared.search(path.read_text("utf-8"))] == []
