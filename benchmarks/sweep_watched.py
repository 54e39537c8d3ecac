"""A sweep in JupyterLab: drawn frames a second, and its steps a second in sight against out of sight.

A :class:`SweepWidget` with 9 and with 64 runs (16 hidden units, batch 150) plays in a page in headless Chromium. Parts in
which it is seen and parts in which it is not take turns; the figure is the median of the pairs' ratios. A frame counts as
drawn when an animation frame of the browser began after a canvas was drawn anew.

    python benchmarks/sweep_watched.py [--rounds 5] [--seconds 6]
"""

from __future__ import annotations

import argparse
from statistics import median

from live_page import (
    BenchmarkPage,
    drawn_frames,
    hide_view,
    leave_alone,
    open_notebook,
    show_view,
    show_widget,
)

PREPARE = """
import time
import ganwidgets as gw
rates = [1e-3 * (1 + i / 8) for i in range({side})]
sweep = gw.Sweep("ring8", lr_g=rates, lr_d=rates, g_hidden=(16, 16), d_hidden=(16, 16), batch_size=150)
w = gw.SweepWidget(sweep, locale="en")
def now():
    return time.perf_counter(), w._runner.iteration
"""

AT_LEAST = {3: 10, 8: 3}
"""Frames a second that are asked for, by the runs on a side of the grid."""


def pace(notebook: BenchmarkPage, seconds: float) -> tuple[float, float]:
    """Return the steps and the drawn frames a second over the next seconds."""
    drawn = drawn_frames(notebook)
    began, first = notebook.value_of("now()")
    notebook.page.wait_for_timeout(1000 * seconds)
    ended, last = notebook.value_of("now()")
    took = ended - began
    return (last - first) / took, (drawn_frames(notebook) - drawn) / took


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6.0, help="of each part of a round")
    options = parser.parse_args()
    for side, least in AT_LEAST.items():
        with open_notebook() as notebook:
            notebook.run(PREPARE.format(side=side))
            show_widget(notebook, "gw-sweep")
            leave_alone(notebook)
            notebook.execute("w.play()")
            pace(notebook, options.seconds)
            frames, ratios = [], []
            for _ in range(options.rounds):
                seen, drawn = pace(notebook, options.seconds)
                hide_view(notebook)
                alone, _ = pace(notebook, options.seconds)
                show_view(notebook)
                frames.append(drawn)
                ratios.append(seen / alone)
            print(
                f"{side * side} runs: {median(frames):.1f} frames/s drawn ({min(frames):.1f} to {max(frames):.1f}), "
                f"at least {least}; steps in sight / out of sight {median(ratios):.2f} "
                f"({min(ratios):.2f} to {max(ratios):.2f}), at least 0.8",
                flush=True,
            )


if __name__ == "__main__":
    main()
