"""A setting and a game are one declaration each; for other parts see ``test_registration.py`` and ``modality/``."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import nn

import ganwidgets as gw
from ganwidgets.games import Exhibit, Game, Player, Scored
from ganwidgets.metrics import Metric
from ganwidgets.settings.types import FloatSetting

BRIGHTNESS = """
import sys
from importlib.machinery import SourceFileLoader

ENTRY = '''
    brightness = FloatSetting(0.5, min=0, max=1, label="Brightness", help="How bright.", group="objective")
    loss = ChoiceSetting('''


path_stats, get_data = SourceFileLoader.path_stats, SourceFileLoader.get_data


def stats_of(self, path):
    if path.endswith("definitions.py"):
        raise OSError("no stored bytecode")
    return path_stats(self, path)


def with_one_more(self, path):
    data = get_data(self, path)
    if not path.endswith("settings/definitions.py"):
        return data
    return data.replace(b"\\n    loss = ChoiceSetting(", ENTRY.encode(), 1)


SourceFileLoader.path_stats, SourceFileLoader.get_data = stats_of, with_one_more
"""

USED = """
import ganwidgets as gw

small = {"g_hidden": (4,), "d_hidden": (4,), "batch_size": 8}
trainer = gw.GANTrainer("ring8", brightness=0.25, **small)
assert trainer.state_hash() != gw.GANTrainer("ring8", brightness=0.75, **small).state_hash()
try:
    trainer.settings.brightness = 2
except Exception as error:
    assert "brightness" in str(error) and "1" in str(error), error
w = gw.GANTrainerWidget(trainer)
w.brightness = 1
w.step(1)
w.wait(timeout=60)
assert trainer.settings.brightness == 1
assert [(each.setting, each.old, each.new) for each in trainer.interventions] == [("brightness", 0.25, 1.0)]
control = w._dashboard.controls.controls["brightness"].widget
assert "gw-brightness" in control._dom_classes, control._dom_classes
w.close()
trainer.save(sys.argv[1])
assert gw.GANTrainer.load(sys.argv[1]).settings.brightness == 1
"""


def test_a_setting_is_one_entry_in_the_table(tmp_path):
    command = [sys.executable, "-c", BRIGHTNESS + USED, str(tmp_path / "file")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


class Fit(Game):
    """A game with one player that learns the mean of the data."""

    name = "fit"
    label = "Fit"
    players = (Player("model", "m", "Model", networks=("model",)),)
    settings: ClassVar = {
        "pull": FloatSetting(
            0.5, min=0, max=1, label="Pull", group="objective", help="How strong the pull is."
        ),
    }
    metrics: ClassVar = {
        "distance": Metric("Distance", "How far the model is from the mean.", "lower", ".3f")
    }
    exhibits = (Exhibit("real", "Real", role="real"), Exhibit("made", "Made", role="generated"))

    def build(self, settings, data, weights):
        model = nn.Linear(1, data["data"].shape[0], bias=False)
        nn.init.zeros_(model.weight)
        return {"model": model}

    def draw(self, player, feed, turn):
        return feed.take(turn.settings.batch_size).samples

    def loss(self, player, batch, turn):
        made = turn.networks["model"](torch.ones(len(batch), 1))
        return Scored(turn.settings.pull * (made - batch).square().mean())

    def show(self, n, feed, turn):
        return {"real": feed.take(n).samples, "made": turn.networks["model"](torch.ones(n, 1))}

    def evaluate(self, n, feed, turn):
        return {"distance": float((turn.networks["model"](torch.ones(1, 1)) - 1).abs().mean())}


def test_a_game_is_one_declaration(tmp_path):
    data = np.ones((40, 2), np.float32)
    trainer = gw.GANTrainer(data, game=Fit(), batch_size=8, lr_m=0.05, run=tmp_path / "run")
    w = gw.GANTrainerWidget(trainer)
    try:
        w.pull = 0.75
        w.step(30)
        w.wait(timeout=60)
        assert "gw-pull" in w._dashboard.controls.controls["pull"].widget._dom_classes
        assert w.error == ""
        assert [each.setting for each in trainer.interventions] == ["pull"]
        assert trainer.evaluate()["distance"] < 0.2
        assert trainer.history["loss_m"][-1] < trainer.history["loss_m"][0]
    finally:
        w.close()
    end = trainer.state_hash()
    trainer.timeline.goto(10)
    trainer.timeline.goto(30)
    assert trainer.state_hash() == end
    trainer.export(tmp_path / "run.html")
    trainer.close()


def test_no_module_recognizes_gan_by_a_missing_game():
    package = Path(gw.__file__).parent
    asked = re.compile(r"\bgame is (?:not )?None|\.name [!=]= (?:\"gan\"|GAN\.name|DEFAULT)")
    found = {
        str(file.relative_to(package))
        for file in package.rglob("*.py")
        if asked.search(file.read_text(encoding="utf-8"))
    }
    # A missing keyword of a reset or an open call, and the fields that a stored run omits.
    assert found == {"trainer/trainer.py", "runs/state/user_parts.py", "games/__init__.py"}
