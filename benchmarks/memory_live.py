"""What kernel and page grow by in minutes of play: seen, in a hidden tab, with a browser that stopped.

The default run plays as fast as it goes, in JupyterLab in headless Chromium. After a warm-up, one after
the other: the tab is visible; the tab is hidden (the page says so, and gets no animation frames); every
process of Chromium is stopped (SIGSTOP), and goes on after the measurement. Before and after each are
measured, after garbage collections: the kernel's resident memory, the page's JavaScript heap and the
renderer's resident memory. The history and the snapshots of the timeline may grow by what they declare
(MEMORY_BUDGET in ganwidgets.runs.record.history and ganwidgets.runs.record.snapshots); rows and snapshots held in memory are
counted, and what they take is left out of the kernel's growth.

Comm messages from the kernel to the page are counted too, and the speed of the run.

    python benchmarks/memory_live.py [--minutes 10] [--warm-up 1]
"""

from __future__ import annotations

import argparse
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil
from live_page import drawn_frames, hide_tab, open_notebook, show_tab, show_widget

from notebook_page import NotebookPage

MEBI = 2**20
ROW = 8 * (2 + 4 / 10)
"""Bytes of history for each iteration: two columns in every row, four in each tenth."""

PREPARE = """
import gc, os, time, psutil, ganwidgets as gw
from ganwidgets.runs.record.history import MEMORY_BUDGET
messages = 0
w = gw.GANTrainerWidget({data!r})
def count(kind):
    original = kind.publish_msg
    def publish_msg(self, *args, **kwargs):
        global messages
        messages += 1
        return original(self, *args, **kwargs)
    kind.publish_msg = publish_msg
count(type(w.comm))
def now():
    gc.collect()
    return dict(rss=psutil.Process().memory_info().rss, iteration=w._runner.state.iteration,
                time=time.monotonic(), messages=messages, budget=MEMORY_BUDGET,
                snapshots=w.trainer._session.snapshots._in_memory)
w.play()
"""


@dataclass
class Moment:
    """How much everything takes, in bytes, and how far the run is."""

    kernel: dict[str, float]
    heap: float
    renderer: int
    drawn: int


def measure(notebook: NotebookPage) -> Moment:
    """Return the current figures; the page is visible."""
    cdp = notebook.page.context.new_cdp_session(notebook.page)
    cdp.send("Performance.enable")
    cdp.send("HeapProfiler.collectGarbage")
    metrics = {each["name"]: each["value"] for each in cdp.send("Performance.getMetrics")["metrics"]}
    cdp.detach()
    renderers = [process for process in chromium() if "--type=renderer" in process.cmdline()]
    return Moment(
        kernel=notebook.value_of("now()"),
        heap=metrics["JSHeapUsedSize"],
        renderer=max(process.memory_info().rss for process in renderers),
        drawn=drawn_frames(notebook),
    )


def chromium() -> list[psutil.Process]:
    """Return the browser's processes."""
    children = psutil.Process().children(recursive=True)
    return [child for child in children if "chrom" in child.name()]


def watch(notebook: NotebookPage, seconds: float) -> None:
    """Let the run play in sight."""
    notebook.page.wait_for_timeout(1000 * seconds)


def hide(notebook: NotebookPage, seconds: float) -> None:
    """Let the run play in a hidden tab."""
    hide_tab(notebook)
    notebook.page.wait_for_timeout(1000 * seconds)
    show_tab(notebook)


def stop(notebook: NotebookPage, seconds: float) -> None:
    """Let the run play while the browser answers nothing."""
    processes = chromium()
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    try:
        time.sleep(seconds)
    finally:
        for process in processes:
            process.send_signal(signal.SIGCONT)
    # What waited for the page is drawn now.
    notebook.page.wait_for_timeout(5000)


CONDITIONS: dict[str, Callable[[NotebookPage, float], None]] = {
    "visible": watch,
    "hidden tab": hide,
    "stopped browser": stop,
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="of play in each condition")
    parser.add_argument("--warm-up", type=float, default=1.0, help="minutes of play before")
    parser.add_argument("--data", default="gaussians")
    parser.add_argument("--conditions", nargs="+", choices=CONDITIONS, default=list(CONDITIONS))
    options = parser.parse_args()
    with open_notebook() as notebook:
        notebook.run(PREPARE.format(data=options.data))
        show_widget(notebook, "gw-curves")
        watch(notebook, 60 * options.warm_up)
        for name in options.conditions:
            before = measure(notebook)
            CONDITIONS[name](notebook, 60 * options.minutes)
            report(name, before, measure(notebook))


def report(name: str, before: Moment, after: Moment) -> None:
    """Print what came between two moments."""
    begun, ended = before.kernel, after.kernel
    seconds = ended["time"] - begun["time"]
    steps = ended["iteration"] - begun["iteration"]
    history = min(ROW * steps, max(0.0, ended["budget"] - ROW * begun["iteration"]))
    snapshots = ended["snapshots"] - begun["snapshots"]
    kernel = ended["rss"] - begun["rss"]
    print(
        f"{name}, {seconds / 60:.1f} minutes, {steps:.0f} steps ({steps / seconds:.0f} a second): kernel "
        f"{kernel / MEBI:+.1f} MiB, including history {history / MEBI:.1f} and snapshots {snapshots / MEBI:.1f}, so "
        f"{(kernel - history - snapshots) / MEBI:+.1f} beyond them; page {(after.heap - before.heap) / MEBI:+.1f} MiB of JavaScript, renderer "
        f"{(after.renderer - before.renderer) / MEBI:+.1f} MiB; "
        f"{(ended['messages'] - begun['messages']) / seconds:.2f} messages and "
        f"{(after.drawn - before.drawn) / seconds:.1f} drawn frames a second",
        flush=True,
    )


if __name__ == "__main__":
    main()
