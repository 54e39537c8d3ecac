"""Training steps a second while the lab is open and drawing, at GAN Lab's work per step.

GAN Lab (Kahng et al. 2018) does one iteration for each animation frame: two updates of D and one of G on
150 samples, with noise in two dimensions; its "1 hidden layer" of its default model is two layers of ReLU
units, to which the networks here are no smaller (16 units each). Measured in headless Chromium on two cores
its counter moved 30 to 50 times a second, and by its design it cannot pass the display's 60; its picture is
drawn anew each 50 iterations.

Here the same work runs in a widget in JupyterLab, seen in headless Chromium, first with the layers that are
shown at first, then with all of them. A frame counts as drawn when an animation frame of the browser began
after a canvas was drawn anew.

    python benchmarks/lab.py [--rounds 3] [--seconds 8]
"""

from __future__ import annotations

import argparse
from statistics import median

from live_page import Pace, open_notebook, pace, play_in_sight

GAN_LAB = 50
"""GAN Lab's iterations a second at best, on two cores."""

PREPARE = """
import ganwidgets as gw
w = gw.GANTrainerWidget(
    "gaussians", batch_size=150, d_steps=2, g_steps=1, latent_dim=2, noise="gaussian",
    g_hidden=(16, 16), d_hidden=(16, 16), activation="relu",
    optimizer_g="sgd", optimizer_d="sgd", lr_g=0.1, lr_d=0.1,
)
plane = w._dashboard._pictures["points"].view
first = dict(plane.layers)
w.play()
"""

LAYERS = {"first": "first", "all": "{name: True for name in first}"}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each part of a round")
    options = parser.parse_args()
    with open_notebook() as notebook:
        play_in_sight(notebook, PREPARE, "gw-plane")
        pace(notebook, options.seconds)
        measured: dict[str, list[Pace]] = {name: [] for name in LAYERS}
        for number in range(options.rounds):
            for name in LAYERS if number % 2 else reversed(LAYERS):
                notebook.execute(f"plane.layers = {LAYERS[name]}")
                notebook.page.wait_for_timeout(500)
                measured[name].append(pace(notebook, options.seconds))
        for name, found in measured.items():
            steps, frames = median(each.steps for each in found), median(each.drawn for each in found)
            print(
                f"{name} layers: {steps:.0f} steps/s at {frames:.1f} frames/s drawn; "
                f"{steps / GAN_LAB:.1f} times GAN Lab's {GAN_LAB} (medians of {options.rounds} rounds)"
            )


if __name__ == "__main__":
    main()
