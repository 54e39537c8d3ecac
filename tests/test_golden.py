"""Runs compute the same bits as the version that wrote ``tests/golden``, and open what that version stored.

``golden/bits.json`` holds the hashes of the runs in ``golden/configurations.py``, written by
``golden/write.py`` with PyTorch 2.14.1 on an x86-64 processor with AVX-512. Bits depend on the version of PyTorch
and on the processor, so they are compared only if a fixed set of plain PyTorch calculations
(``golden/bits.py: arithmetic``) gives the stored bits too. Elsewhere the first losses are compared with a tolerance;
``stepping/test_one_step.py`` holds every update to a loop written by hand, on any processor.
"""

from __future__ import annotations

import json
import sys
import zipfile
from collections import Counter
from pathlib import Path

import pytest
import torch

import ganwidgets as gw

GOLDEN = Path(__file__).with_name("golden")
sys.path.insert(0, str(GOLDEN))

from bits import arithmetic, bits  # noqa: E402
from configurations import TRAINERS, played  # noqa: E402

STORED = json.loads((GOLDEN / "bits.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def same_arithmetic():
    return arithmetic() == STORED["where"]["arithmetic"]


def test_every_configuration_has_its_bits():
    assert STORED["runs"].keys() == TRAINERS.keys()


@pytest.mark.filterwarnings("ignore:.*with batch norm:ganwidgets.DataWarning")
@pytest.mark.parametrize("name", TRAINERS)
def test_the_bits_of_a_run_equal_the_stored_ones(name, same_arithmetic):
    golden = STORED["runs"][name]
    trainer = played(name)
    assert trainer.samples_seen == golden["samples_seen"]
    for column, first in golden["first_losses"].items():
        found = torch.from_numpy(trainer.history[column][: len(first)]).double()
        torch.testing.assert_close(found, torch.tensor(first).double(), rtol=1e-3, atol=1e-4)
    if not same_arithmetic:
        return
    found = bits(trainer)
    assert found["networks"] == golden["networks"]
    assert found["history"] == golden["history"]
    missing = Counter(golden["state"]) - Counter(found["state"])
    assert not missing, "tensors of the state that no longer have the stored bits"


@pytest.fixture(scope="module")
def stored_runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    with zipfile.ZipFile(GOLDEN / "runs.zip") as archive:
        archive.extractall(folder)
    return folder, json.loads((folder / "then.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["points", "points.gan", "images", "images.gan"])
def test_a_stored_run_opens_verifies_and_continues(name, stored_runs, same_arithmetic):
    folder, then = stored_runs
    path, wanted = folder / name, then[Path(name).stem]
    if path.is_dir():
        report = gw.replay(path)
        assert report.verdict == "equal" if same_arithmetic else report.verdict in {"equal", "close"}
        trainer = gw.open_run(path)
    else:
        trainer = gw.GANTrainer.load(path)
    assert trainer.iteration == wanted["iteration"]
    trainer.step(len(wanted["next_losses"]["loss_d"]))
    for column, losses in wanted["next_losses"].items():
        found = torch.from_numpy(trainer.history[column][-len(losses) :]).double()
        exact = {"rtol": 0, "atol": 0} if same_arithmetic else {"rtol": 1e-3, "atol": 1e-4}
        torch.testing.assert_close(found, torch.tensor(losses).double(), **exact)
    trainer.close()
