"""How soon a run obeys a slider, and a cell gets its answer, while the default run plays and is drawn.

The widget is open in JupyterLab, drawn by headless Chromium, and trains as fast as it can. In turns a
key is pressed on D's learning rate's slider, and a cell's ``1+1`` is sent to the kernel. Measured are

- from the page's own ``keydown`` event to the beginning of the first step that the new value is in
  force for, by the clock of this machine, which page and kernel share;
- from sending ``1+1`` to its answer, in the page, and the same while the run is paused.

    python benchmarks/latency.py [--events 120] [--data gaussians]
"""

from __future__ import annotations

import argparse
from statistics import quantiles

from live_page import drawn_frames, open_notebook, show_widget

PREPARE = """
import time, ganwidgets as gw
w = gw.GANTrainerWidget({data!r})
stepped = []
def first_step_after(event):
    # On the thread that trains, right before its next step.
    if event.kind == "change":
        stepped.append(1000 * time.time())
w._runner.subscribe(first_step_after)
w.play()
"""

# Presses the slider's key after a random pause, which keeps no step with the frames.
PRESS = """([selector, key]) => new Promise(resolve => setTimeout(() => {
  const handle = document.querySelector(selector);
  const began = performance.timeOrigin + performance.now();
  handle.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
  resolve(began);
}, 400 + 200 * Math.random()))"""

ANSWER = """() => new Promise(resolve => setTimeout(async () => {
  const began = performance.now();
  let answered = null;
  const future = harness.kernel().requestExecute({ code: '1+1' });
  future.onIOPub = message => {
    if (message.header.msg_type === 'execute_result') answered = performance.now();
  };
  await future.done;
  resolve(answered - began);
}, 200 * Math.random()))"""


def spread(milliseconds: list[float]) -> str:
    """Return the median and the 95th percentile, in words."""
    percentiles = quantiles(milliseconds, n=100)
    return f"p50 {percentiles[49]:.0f} ms, p95 {percentiles[94]:.0f} ms ({len(milliseconds)} events)"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=120)
    parser.add_argument("--data", default="gaussians")
    options = parser.parse_args()
    slider: list[float] = []
    answers: list[float] = []
    at_rest: list[float] = []
    with open_notebook() as notebook:
        notebook.run(PREPARE.format(data=options.data))
        handle = ".gw-lr_d [role=slider]"
        show_widget(notebook, "gw-lr_d")
        notebook.page.locator(handle).first.wait_for()
        notebook.page.wait_for_timeout(8000)
        began, drawn = notebook.value_of("time.time()"), drawn_frames(notebook)
        for number in range(options.events):
            before = notebook.value_of("len(stepped)")
            key = "ArrowRight" if number % 2 else "ArrowLeft"
            pressed = notebook.page.evaluate(PRESS, [handle, key])
            notebook.wait_until(f"len(stepped) > {before}")
            slider.append(notebook.value_of(f"stepped[{before}]") - pressed)
            answers.append(notebook.page.evaluate(ANSWER))
            if number % 10 == 9:
                notebook.execute("w.pause(); w.wait()")
                at_rest += [notebook.page.evaluate(ANSWER) for _ in range(10)]
                notebook.execute("w.play()")
        fps = (drawn_frames(notebook) - drawn) / (notebook.value_of("time.time()") - began)
    print(f"from a slider's key to the first step that obeys: {spread(slider)}")
    print(f"from 1+1 to its answer in the page: {spread(answers)}")
    print(f"the same while the run is paused: {spread(at_rest)}")
    print(f"{fps:.1f} frames/s drawn meanwhile")


if __name__ == "__main__":
    main()
