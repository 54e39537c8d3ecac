"""A sweep as a PNG, for readers without a kernel: GitHub, nbviewer, a saved notebook."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ganwidgets.rendering.drawing.colors import GENERATED, REAL
from ganwidgets.sweeps.sweep import Sweep
from ganwidgets.widgets.sweep.frames import SweepFrames

__all__ = ["columns_of", "render_sweep"]

CELL, LABEL, GAP = 110, 28, 10
COLUMNS, MOST_COLUMNS = 8, 9


def render_sweep(frames: SweepFrames, sweep: Sweep, words: Mapping[str, str]) -> bytes:
    """Return miniatures of all runs, each with its settings and its end, as a PNG on white.

    Parameters
    ----------
    frames : SweepFrames
    sweep : Sweep
    words : mapping
        Texts of the statuses.
    """
    from PIL import Image, ImageDraw, ImageFont

    samples, (reals, data_of) = frames.samples(), frames.real()
    columns = columns_of(sweep)
    rows = math.ceil(len(sweep) / columns)
    size = (GAP + columns * (CELL + GAP), GAP + rows * (CELL + LABEL + GAP))
    image = Image.new("RGB", size, "white")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(9)
    for index, lane in enumerate(sweep._lanes):
        left = GAP + index % columns * (CELL + GAP)
        top = GAP + index // columns * (CELL + LABEL + GAP)
        settings = lane.session.settings.as_dict()
        names = [*sweep.varied, "seed"]
        facts = [f"{name} {settings[name]}" for name in names[:4]]
        if not lane.alive:
            facts = [*facts[:3], words[lane.status]]
        text = "\n".join(", ".join(facts[at : at + 2]) for at in range(0, len(facts), 2))
        pen.multiline_text((left, top), text, "#444444", font, spacing=2)
        box = (left, top + LABEL, left + CELL, top + LABEL + CELL)
        if frames.modality.on_plane:
            pen.rectangle(box, outline="#bbbbbb")
            real = reals[data_of[index]]
            low, high = real.min(), real.max()
            for points, color in ((real, REAL), (samples[index], GENERATED)):
                _dots(pen, points, box, (float(low), float(high)), color)
        else:
            strip = np.concatenate(list(samples[index][:4]), 1)
            picture = Image.fromarray(strip.squeeze() if strip.shape[-1] == 1 else strip)
            height = max(1, round(CELL * picture.height / picture.width))
            image.paste(picture.resize((CELL, height), Image.Resampling.NEAREST).convert("RGB"), box[:2])
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=6)
    return file.getvalue()


def columns_of(sweep: Sweep) -> int:
    """Return the number of miniatures in a row: whole groups of runs with the same first setting, if they are equally long."""
    names = sweep.varied or ("seed",)
    values = [lane.session.settings.as_dict()[names[0]] for lane in sweep._lanes]
    group = next((i for i, value in enumerate(values) if value != values[0]), len(values))
    if group <= MOST_COLUMNS and len(values) % group == 0:
        return min(group * max(1, MOST_COLUMNS // group), len(values))
    return min(COLUMNS, len(values))


def _dots(
    pen: Any, points: Any, box: tuple[int, int, int, int], limits: tuple[float, float], color: str
) -> None:
    low, high = limits[0] - 0.3 * (limits[1] - limits[0]), limits[1] + 0.3 * (limits[1] - limits[0])
    for x, y in np.clip((np.nan_to_num(points) - low) / ((high - low) or 1.0), 0, 1):
        px, py = box[0] + x * CELL, box[3] - y * CELL
        pen.ellipse((px - 1, py - 1, px + 1, py + 1), fill=color)
