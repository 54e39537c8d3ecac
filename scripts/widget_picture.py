"""Make the picture of the widget that the README shows: ``python scripts/widget_picture.py``.

A run on eight Gaussians, 3000 steps old, in JupyterLab 1000 pixels wide. Needs what the
browser tests need, Chromium among it.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

CELL = """import ganwidgets as gw
from ganwidgets.recipes import recommended
small = {'g_hidden': (64, 64, 64), 'd_hidden': (64, 64, 64), 'batch_size': 128, 'penalty': 'none'}
w = gw.GANTrainerWidget('ring8', **{**recommended('ring8'), **small}, seed=1, locale='en')
w"""

PAST = 3000
"""Steps after which the picture is taken: the clusters are found, and D's verdict still has colours."""


def main() -> None:
    """Write ``docs/images/widget.png``."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    from live_page import open_notebook  # type: ignore[import-not-found]  # the path is known only now

    with open_notebook() as notebook:
        page = notebook.page
        page.set_viewport_size({"width": 1000, "height": 1600})
        notebook.theme("Light")
        notebook.run(CELL)
        page.locator(".gw-layer-gradients input").click()
        notebook.execute(f"w.play(until={PAST})")
        for iteration in range(1000, PAST + 1, 1000):  # each within the harness's patience
            notebook.until(f"w.iteration >= {iteration}")
        notebook.execute("w.wait()")
        notebook.page.wait_for_timeout(2000)
        whole, last = (page.locator(f".gw-{part}").first.bounding_box() for part in ("root", "timeline"))
        clip = {**whole, "height": last["y"] + last["height"] - whole["y"] + 4}
        page.screenshot(path=ROOT / "docs" / "images" / "widget.png", clip=clip)


if __name__ == "__main__":
    main()
