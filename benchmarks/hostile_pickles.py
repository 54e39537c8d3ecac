"""Load hostile, forged and damaged network pickles, and count what the reader did with each.

Valid files of four kinds are written in the published format. Each is then damaged (cut, bytes changed, moved or
repeated) or forged (one part replaced by another value). Files that execute code or exhaust memory in a careless reader
are added. A file is refused, loaded whole (the damage met a number within a weight, which the format cannot show),
or a failure: code was executed, another exception than CheckpointError was raised, or a part is missing.

    python benchmarks/hostile_pickles.py [--files 2000] [--seed 0]
"""

from __future__ import annotations

import argparse
import pickle
import random
import resource
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from published_pickles import (
    KINDS,
    damaged,
    forged,
    hostile,
    loaded_whole,
    published,
    published_code,
    replaced,
    shared_modules,
)

from ganwidgets.errors import CheckpointError
from ganwidgets.networks.stylegan3 import load_stylegan


def main() -> None:
    """Print a row for each kind of file, the longest time and the peak memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    draw = random.Random(arguments.seed)  # noqa: S311 - repeatable
    networks = {kind: published(kind) for kind in KINDS}
    counts: dict[str, Counter[str]] = {}
    slowest = 0.0
    with published_code(), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hostile.pkl"

        def load(what: str, content: bytes, network: torch.nn.Module | None) -> None:
            nonlocal slowest
            path.write_bytes(content)
            path.with_suffix(".safetensors").unlink(missing_ok=True)
            began = time.process_time()
            try:
                loaded = load_stylegan(path)
            except CheckpointError:
                found = "refused"
            except Exception as error:  # noqa: BLE001 - this is what is counted
                found = f"FAILURE: {type(error).__name__}"
            else:
                whole = network is not None and loaded_whole(loaded, network)
                found = "loaded whole" if whole else "FAILURE: loaded in part"
            slowest = max(slowest, time.process_time() - began)
            counts.setdefault(what, Counter())[found] += 1

        for protocol in range(6):
            for each in hostile():
                load("code", pickle.dumps({"G_ema": each}, protocol), None)
        for content in (*forged().values(), pickle.dumps(shared_modules(), 4)):
            load("exhausting", content, None)
        for number in range(arguments.files):
            network, content = networks[draw.choice(list(KINDS))]
            if number % 2:
                load("damaged", damaged(pickle.dumps(content, 4), draw), network)
            else:
                load("forged", pickle.dumps(replaced(content, draw), 4), network)
    for what, found in counts.items():
        print(f"{what}: {', '.join(f'{n} {name}' for name, n in found.items())}")
    print(f"slowest {slowest:.2f} processor seconds")
    print(f"peak memory of the process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GB")


if __name__ == "__main__":
    main()
