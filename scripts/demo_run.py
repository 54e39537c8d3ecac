"""Record the run that the page ``demo.html`` of the documentation replays: ``python scripts/demo_run.py``.

``docs/conf.py`` makes the page from the recording and today's panels.
"""

from __future__ import annotations

import json
from pathlib import Path

import ganwidgets as gw
from ganwidgets.recipes import recommended
from ganwidgets.widgets.replay.recording import recorded

FILE = Path(__file__).resolve().parent.parent / "docs" / "demo_run.json"

SMALL = {"g_hidden": (64, 64, 64), "d_hidden": (64, 64, 64), "batch_size": 128, "penalty": "none"}

FRAMES, EVERY = 30, 100
"""Recorded moments, and steps between two of them."""


def main() -> None:
    """Write the recording."""
    widget = gw.GANTrainerWidget("ring8", **{**recommended("ring8"), **SMALL}, seed=1, locale="en")
    recording = recorded(widget, [EVERY * number for number in range(FRAMES + 1)])
    widget.close()
    FILE.write_text(json.dumps(recording, separators=(",", ":"), default=str), "utf-8")
    print(f"{FILE.name}: {FILE.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
