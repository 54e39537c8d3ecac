"""Write the golden bits anew: python tests/golden/write.py. Only for a change that is meant to alter what runs compute."""

from __future__ import annotations

import json
import platform
from pathlib import Path

import torch
from bits import arithmetic, bits
from configurations import TRAINERS, played

PAGE = Path(__file__).with_name("bits.json")
FIRST = 3
"""Rows whose numbers are kept too, for processors that add in another order."""


def main() -> None:
    torch.set_num_threads(1)
    runs = {}
    for name in TRAINERS:
        trainer = played(name)
        first = {column: trainer.history[column][:FIRST].tolist() for column in ("loss_d", "loss_g")}
        runs[name] = {**bits(trainer), "first_losses": first}
    where = {
        "torch": torch.__version__,
        "processor": platform.machine(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "arithmetic": arithmetic(),
    }
    PAGE.write_text(json.dumps({"where": where, "runs": runs}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
