"""Make the pictures of the widget that the README and the documentation show: ``python scripts/widget_picture.py``.

A run on eight Gaussians in JupyterLab, 1000 pixels wide, in the light and the dark theme: a film of its plane and its
losses, and the whole widget after 3000 steps. Needs what the browser tests need, Chromium among it.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "images"

CELL = """import ganwidgets as gw
from ganwidgets.recipes import recommended
small = {'g_hidden': (64, 64, 64), 'd_hidden': (64, 64, 64), 'batch_size': 128, 'penalty': 'none'}
small['penalty_weight'] = gw.Settings().penalty_weight
w = gw.GANTrainerWidget('ring8', **{**recommended('ring8'), **small}, seed=1, locale='en')
w"""
"""Another penalty weight than the default would have no effect without a penalty, and the widget would say so."""

PAST = 3000
"""Steps after which the still picture is taken: the clusters are found, and D's verdict still has colours."""

FRAMES, EVERY = 24, 125
"""Pictures of the film, and steps between two of them."""

WIDE, HIGH, COLORS, SHOWN = 560, 331, 64, 180
"""Size of the film in pixels, its colours, and milliseconds for which a picture is shown."""


def main() -> None:
    """Write ``docs/images/widget.png`` and ``widget.gif``, and both again with ``_dark`` in their names."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    from live_page import open_notebook  # type: ignore[import-not-found]  # the path is known only now

    for ending, theme in (("", "Light"), ("_dark", "Dark")):
        with open_notebook() as notebook:
            page = notebook.page
            page.set_viewport_size({"width": 1000, "height": 1800})
            notebook.theme(theme)
            notebook.run(CELL)
            film: list[Image.Image] = []
            for step in range(EVERY, PAST + 1, EVERY):
                notebook.execute(f"w.play(until={step}); w.wait()")
                page.wait_for_timeout(250)  # the page paints what has arrived
                film.append(picture(page, "main").resize((WIDE, HIGH)))
            # The front end's status line covers the end of the page; the whole widget must be above it.
            tall = page.locator(".gw-root").first.bounding_box()["height"]
            page.set_viewport_size({"width": 1000, "height": int(tall) + 400})
            page.locator(".gw-root").first.evaluate("root => root.scrollIntoView()")
            page.wait_for_timeout(1000)
            whole, last = (page.locator(f".gw-{part}").first.bounding_box() for part in ("root", "timeline"))
            clip = {**whole, "height": last["y"] + last["height"] - whole["y"] + 4}
            page.screenshot(path=FOLDER / f"widget{ending}.png", clip=clip)
        first, *others = [each.quantize(COLORS) for each in film]
        durations = [SHOWN] * len(others) + [2000]
        first.save(
            FOLDER / f"widget{ending}.gif", save_all=True, append_images=others, duration=durations, loop=0
        )


def picture(page: Any, part: str) -> Image.Image:
    """Return what the page shows of one part of the widget."""
    return Image.open(io.BytesIO(page.locator(f".gw-{part}").first.screenshot())).convert("RGB")


if __name__ == "__main__":
    main()
