"""A sweep as a PNG, for readers without a kernel: GitHub, nbviewer, a saved notebook."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np

from ganwidgets.rendering.drawing.colors import GENERATED, REAL
from ganwidgets.sweeps.sweep import Sweep
from ganwidgets.widgets.sweep.frames import SweepFrames

__all__ = ["render_sweep"]

CELL, LABEL, GAP = 110, 28, 10
COLUMNS = 8


def render_sweep(frames: SweepFrames, sweep: Sweep) -> bytes:
    """Return miniatures of all runs, each with its settings, as a PNG on white."""
    from PIL import Image, ImageDraw, ImageFont

    samples, (reals, data_of) = frames.samples(), frames.real()
    columns = min(COLUMNS, len(sweep))
    rows = math.ceil(len(sweep) / columns)
    size = (GAP + columns * (CELL + GAP), GAP + rows * (CELL + LABEL + GAP))
    image = Image.new("RGB", size, "white")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(9)
    for index, lane in enumerate(sweep._lanes):
        left = GAP + index % columns * (CELL + GAP)
        top = GAP + index // columns * (CELL + LABEL + GAP)
        settings = lane.session.settings.as_dict()
        names = [*sweep.varied, "seed"]
        text = "\n".join(
            ", ".join(f"{name} {settings[name]}" for name in names[at : at + 2])
            for at in range(0, min(len(names), 4), 2)
        )
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


def _dots(
    pen: Any, points: Any, box: tuple[int, int, int, int], limits: tuple[float, float], color: str
) -> None:
    low, high = limits[0] - 0.3 * (limits[1] - limits[0]), limits[1] + 0.3 * (limits[1] - limits[0])
    for x, y in np.clip((np.nan_to_num(points) - low) / ((high - low) or 1.0), 0, 1):
        px, py = box[0] + x * CELL, box[3] - y * CELL
        pen.ellipse((px - 1, py - 1, px + 1, py + 1), fill=color)
