"""How much of its speed a run keeps while a page shows it.

The default run plays in a widget in JupyterLab, drawn by headless Chromium. In turns the widget is in
sight, out of sight, and paused while a cell trains an equal trainer without any
widget. What counts is full steps a second; printed is the median over the rounds of the ratios within
one round, so that a machine that gets slower or busier meanwhile does not decide.

A frame counts as drawn when an animation frame of the browser began after a canvas was drawn anew.

    python benchmarks/watched.py [--rounds 10] [--seconds 4] [--data ring8]
"""

from __future__ import annotations

import argparse
from statistics import median

from live_page import hide_view, open_notebook, pace, play_in_sight, show_view

PREPARE = """
import time, ganwidgets as gw
alone = gw.GANTrainer({data!r})
alone.step(200)
w = gw.GANTrainerWidget({data!r})
w.play()
def train_alone(seconds):
    begun, first = time.perf_counter(), alone.iteration
    while time.perf_counter() < begun + seconds:
        alone.step(50)
    return (alone.iteration - first) / (time.perf_counter() - begun)
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each part of a round")
    parser.add_argument("--data", default="gaussians")
    options = parser.parse_args()
    with open_notebook() as notebook:
        play_in_sight(notebook, PREPARE.format(data=options.data), "gw-plane")
        pace(notebook, 2 * options.seconds)
        of_hidden, of_headless, frames = [], [], []
        for number in range(options.rounds):
            measured = {}
            for part in ("seen", "hidden") if number % 2 else ("hidden", "seen"):
                (show_view if part == "seen" else hide_view)(notebook)
                notebook.page.wait_for_timeout(500)
                measured[part] = pace(notebook, options.seconds)
            hide_view(notebook)
            notebook.execute("w.pause(); w.wait()")
            headless = notebook.value_of(f"train_alone({options.seconds})")
            notebook.execute("w.play()")
            (seen, fps, _), hidden = measured["seen"], measured["hidden"].steps
            of_hidden.append(seen / hidden)
            of_headless.append(seen / headless)
            frames.append(fps)
            print(
                f"seen {seen:6.0f} steps/s at {fps:4.1f} frames/s, hidden {hidden:6.0f}, "
                f"headless {headless:6.0f}: {seen / hidden:.2f} and {seen / headless:.2f}",
                flush=True,
            )
    print(
        f"watched / unwatched: {median(of_hidden):.2f}; watched / headless: {median(of_headless):.2f}; "
        f"{median(frames):.1f} frames/s drawn (medians of {options.rounds} rounds)"
    )


if __name__ == "__main__":
    main()
