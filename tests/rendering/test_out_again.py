"""Exports for other programs: tables, scripts, and generators that run without ganwidgets."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys

import nbformat
import numpy as np
import pandas as pd
import pytest
import safetensors
import safetensors.torch
import torch

import ganwidgets as gw

SMALL = {"g_hidden": (8,), "d_hidden": (8,), "batch_size": 16}

WITHOUT_GANWIDGETS = """
import sys
sys.modules["ganwidgets"] = None  # an import of it raises
import torch
torch.set_num_threads(1)
z = torch.load(sys.argv[2], weights_only=True)
torch.save(torch.export.load(sys.argv[1]).module()(*z), sys.argv[3])
"""


@pytest.fixture(scope="module")
def trainer():
    trainer = gw.GANTrainer("ring8", **SMALL)
    trainer.step(12)
    trainer.change("slower", lr_d=1e-4)
    trainer.step(8)
    return trainer


def test_a_table_has_every_row_and_column(trainer, tmp_path):
    table = pd.read_csv(trainer.export(tmp_path / "run.csv"))
    assert list(table["iteration"]) == list(range(1, 21))
    for name in trainer.history:
        assert np.allclose(table[name], trainer.history[name], equal_nan=True)


def test_the_script_and_the_notebook_repeat_the_run(trainer, tmp_path):
    found = {}
    exec(trainer.export(tmp_path / "run.py").read_text(), found)  # noqa: S102 - it is our own source
    assert found["trainer"].state_hash() == trainer.state_hash()
    notebook = nbformat.read(trainer.export(tmp_path / "run.ipynb"), as_version=4)
    nbformat.validate(notebook)
    assert notebook.cells[0].source == (tmp_path / "run.py").read_text().rstrip()


def test_the_generator_runs_without_ganwidgets(tmp_path):
    trainer = gw.GANTrainer("digits", conditional=True, latent_dim=4, **SMALL)
    trainer.step(2)
    before = trainer.state_hash()
    program = trainer.export(tmp_path / "g.pt2")
    assert trainer.state_hash() == before
    arguments = [torch.randn(5, trainer.settings.latent_dim), torch.arange(5)]
    torch.save(arguments, tmp_path / "z.pt")
    paths = [str(tmp_path / name) for name in ("z.pt", "x.pt")]
    subprocess.run([sys.executable, "-c", WITHOUT_GANWIDGETS, str(program), *paths], check=True)
    expected = trainer.generator.eval()(*arguments)
    trainer.generator.train()
    assert torch.equal(torch.load(paths[1], weights_only=True), expected)


def test_safetensors_contain_the_weights_and_a_model_card(trainer, tmp_path):
    path = trainer.export(tmp_path / "g.safetensors")
    weights = trainer.generator.state_dict()
    loaded = safetensors.torch.load_file(path)
    assert loaded.keys() == weights.keys()
    assert all(torch.equal(loaded[name], weights[name]) for name in weights)
    with safetensors.safe_open(path, "pt") as file:
        metadata = file.metadata()
    assert json.loads(metadata["config"])["settings"]["lr_d"] == 1e-4
    assert (tmp_path / "g.md").read_text() == metadata["model_card"]
    assert "modes" in metadata["model_card"]


def test_a_users_file_beside_the_weights_is_kept(trainer, tmp_path):
    (tmp_path / "g.md").write_text("my notes")
    trainer.export(tmp_path / "g.safetensors")
    assert (tmp_path / "g.md").read_text() == "my notes"


@pytest.mark.parametrize(
    ("ending", "package"), [("parquet", "pyarrow"), ("onnx", "onnx"), ("onnx", "onnxscript")]
)
def test_a_missing_package_is_named_with_the_remedy(trainer, tmp_path, monkeypatch, ending, package):
    find = importlib.util.find_spec
    absent = {"pyarrow", "fastparquet"} if ending == "parquet" else {package}
    here = {"onnx", "onnxscript"} - absent
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name in absent else object() if name in here else find(name, *rest),
    )
    with pytest.raises(ImportError, match=rf"{package}.*ganwidgets\[{ending}\]"):
        trainer.export(tmp_path / f"run.{ending}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ending", ["csv", "pt2", "safetensors", "py", "html"])
def test_a_special_file_is_refused(trainer, tmp_path, ending):
    path = tmp_path / f"run.{ending}"
    os.mkfifo(path)
    with pytest.raises(OSError, match="pipe"):
        trainer.export(path)


def test_a_network_that_cannot_be_traced_is_refused_with_a_message(tmp_path):
    class Untraceable(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(4, 2)

        def forward(self, z):
            x = self.layer(z)
            return x * 2 if x.sum().item() > 0 else x

    trainer = gw.GANTrainer("ring8", generator=Untraceable(), latent_dim=4, **SMALL)
    with pytest.raises(ValueError, match=r"cannot trace this generator.*safetensors"):
        trainer.export(tmp_path / "g.pt2")


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_a_growing_generator_is_exported_at_its_level(tmp_path, level):
    trainer = gw.GANTrainer(
        torch.rand(8, 1, 16, 16), architecture="progressive", channels=2, batch_size=4, growth_level=level
    )
    trainer.step(1)
    program = torch.export.load(trainer.export(tmp_path / "g.pt2"))
    z = torch.randn(3, trainer.settings.latent_dim)
    expected = trainer.generator.eval()(z)
    trainer.generator.train()
    assert torch.equal(program.module()(z), expected)


def test_the_weights_of_a_game_on_two_arrays_are_exported(tmp_path):
    images = torch.rand(8, 1, 16, 16).numpy()
    trainer = gw.GANTrainer((images, images), game="pix2pix", channels=2, batch_size=4)
    path = trainer.export(tmp_path / "g.safetensors")
    with safetensors.safe_open(path, "pt") as file:
        settings = json.loads(file.metadata()["config"])["settings"]
    assert settings["batch_size"] == 4
    assert "data" not in settings


@pytest.mark.parametrize("architecture", ["msg", "r3gan", "stylegan3_t"])
def test_generators_of_images_are_exported_for_any_batch_size(tmp_path, architecture):
    trainer = gw.GANTrainer(torch.rand(8, 1, 16, 16), architecture=architecture, channels=2, batch_size=4)
    program = torch.export.load(trainer.export(tmp_path / "g.pt2")).module()
    network = trainer.generator.eval()
    for n in (1, 3):
        z = torch.randn(n, trainer.settings.latent_dim)
        assert torch.allclose(program(z), network(z), atol=1e-6)
