"""Compare the time that `import ganwidgets` takes with that of `import torch`.

Each in a process of its own, in turn; the median of the ratios, pair by pair.

    python benchmarks/import_time.py [--pairs 11]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time


def seconds(module: str) -> float:
    """Return how long a process takes that imports `module` and ends."""
    # Bytecode may be stored, as is usual: torch's was when it was installed.
    usual = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True, env=usual)  # noqa: S603 - our own command
    return time.perf_counter() - began


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=11)
    pairs = parser.parse_args().pairs
    seconds("torch")
    seconds("ganwidgets")
    ratios = []
    for pair in range(pairs):
        modules = ("torch", "ganwidgets") if pair % 2 else ("ganwidgets", "torch")
        spent = {module: seconds(module) for module in modules}
        ratios.append(spent["ganwidgets"] / spent["torch"])
    print(
        f"import ganwidgets to import torch: median {statistics.median(ratios):.3f} "
        f"(min {min(ratios):.3f}, max {max(ratios):.3f})"
    )


if __name__ == "__main__":
    main()
