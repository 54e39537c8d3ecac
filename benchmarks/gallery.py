"""How much of its speed a run on images keeps while its gallery is in sight.

A small DCGAN on made-up 64x64 colour images plays in a widget in JupyterLab, drawn by headless Chromium, with
36 samples in the gallery. In turns the widget is in sight and out of sight. What counts is full steps a
second; printed is the median over the rounds of the ratios within one round, so that a machine that gets
slower or busier meanwhile does not decide.

An update counts when the browser drew the grid anew. Printed too is how much more processor time a step takes
in the thread that trains: what watching costs where other cores have room for the browser, however busy the
machine is.

There are never more new pictures than steps, so that one run has batches of 64, as DCGANs usually have, and
another small ones, whose steps are short on any machine.

    python benchmarks/gallery.py [--rounds 8] [--seconds 8] [--batch-sizes 64 16] [--walk]
"""

from __future__ import annotations

import argparse
from statistics import median

from live_page import hide_view, open_notebook, pace, play_in_sight, show_view

WANTED = 5.0
"""Updates a second that are asked for."""

PREPARE = """
import torch, ganwidgets as gw
images = torch.rand(512, 3, 64, 64, generator=torch.Generator().manual_seed(0))
w = gw.GANTrainerWidget(images, architecture="dcgan", channels={channels}, batch_size={batch_size}, latent_dim=64)
gallery = w._dashboard._samples.view
gallery.count = 36
w.play()
"""


def measure(batch_size: int, options: argparse.Namespace) -> None:
    """Measure one run and print."""
    with open_notebook() as notebook:
        play_in_sight(
            notebook, PREPARE.format(channels=options.channels, batch_size=batch_size), "gw-samples"
        )
        if options.walk:
            notebook.execute("gallery.chosen = [3, 20]; gallery.direction = 'strongest 0'")
        pace(notebook, 2 * options.seconds)
        ratios, updates, costs, alone = [], [], [], []
        for number in range(options.rounds):
            measured = {}
            for part in ("seen", "hidden") if number % 2 else ("hidden", "seen"):
                (show_view if part == "seen" else hide_view)(notebook)
                notebook.page.wait_for_timeout(500)
                measured[part] = pace(notebook, options.seconds)
            (seen, drawn, cost), (hidden, _, cost_alone) = measured["seen"], measured["hidden"]
            ratios.append(seen / hidden)
            costs.append(cost / cost_alone)
            updates.append(drawn)
            alone.append(hidden)
            print(
                f"seen {seen:5.1f} steps/s at {drawn:3.1f} updates/s, hidden {hidden:5.1f}: "
                f"{seen / hidden:.2f}; processor time a step {cost / cost_alone:.2f}",
                flush=True,
            )
    print(
        f"batches of {batch_size}: watched / unwatched: {median(ratios):.2f}; {median(updates):.1f} updates/s of 36 "
        f"images of 64x64; processor time of the training thread a step {median(costs):.2f} "
        f"(medians of {options.rounds} rounds)"
    )
    if median(alone) < WANTED:
        print(
            f"a step takes {1000 / median(alone):.0f} ms here, so that there are no {WANTED:.0f} new pictures a second"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each part of a round")
    parser.add_argument("--channels", type=int, default=16, help="of the DCGAN's widest images")
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[64, 16], help="one run of each")
    parser.add_argument("--walk", action="store_true", help="with two samples chosen, a walk between them")
    options = parser.parse_args()
    for batch_size in options.batch_sizes:
        measure(batch_size, options)


if __name__ == "__main__":
    main()
