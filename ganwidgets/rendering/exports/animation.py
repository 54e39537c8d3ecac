"""Animation of a run, one frame for each snapshot."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from ganwidgets.messages import Catalog, Message
from ganwidgets.rendering.pictures.poster import poster
from ganwidgets.rendering.pictures.snapshot_view import Shown

__all__ = ["Film"]

LENGTH = 8.0
"""Approximate duration of an animation, in seconds."""

SHORTEST, LONGEST = 0.08, 1.0
"""Minimum and maximum seconds for each frame; browsers slow down quicker animations."""

LAST = 2.0
"""Seconds of the last frame before the animation repeats."""

RATE = 25
"""Frame rate of a video; each moment lasts for several frames."""

QUALITY = 14
"""H.264's constant rate factor: 0 is lossless, 23 the usual value; this one keeps single pixels distinct."""


@dataclass(frozen=True)
class Film:
    """Frames of one size, with their durations.

    Attributes
    ----------
    frames : list of PIL.Image.Image
        In RGB.
    seconds : list of float
    """

    frames: list[Any]
    seconds: list[float]

    @classmethod
    def of(cls, moments: Iterable[Shown], catalog: Catalog) -> Self:
        """Return the moments, one after the other."""
        return cls.of_pictures(poster(moment, catalog) for moment in moments)

    @classmethod
    def of_pictures(cls, pictures: Iterable[Any]) -> Self:
        """Return RGB Pillow images of one size, one after the other."""
        frames = list(pictures)
        each = min(max(LENGTH / len(frames), SHORTEST), LONGEST)
        return cls(frames, [each] * (len(frames) - 1) + [LAST])

    def gif(self) -> bytes:
        """Return an endless animated GIF.

        A GIF has 256 colours in each frame: grey images are exact, others are close.
        """
        return self._animated([_few_colours(frame) for frame in self.frames], "GIF", disposal=1)

    def png(self) -> bytes:
        """Return an endless animated PNG: every pixel is exact."""
        return self._animated(self.frames, "PNG")

    def webp(self) -> bytes:
        """Return an endless animated WebP: every pixel is exact."""
        return self._animated(self.frames, "WEBP", lossless=True)

    def _animated(self, frames: list[Any], kind: str, **how: Any) -> bytes:
        file = io.BytesIO()
        first, *others = frames
        durations = [round(1000 * each) for each in self.seconds]
        first.save(file, kind, save_all=True, append_images=others, duration=durations, loop=0, **how)
        return file.getvalue()

    def mp4(self) -> bytes:
        """Return an H.264 video in MP4.

        Raises
        ------
        ImportError
            If imageio-ffmpeg is not installed, or contains no encoder for this system.
        """
        try:
            import imageio_ffmpeg

            imageio_ffmpeg.get_ffmpeg_exe()
        except (ImportError, RuntimeError) as error:
            raise ImportError(
                Message(
                    "a video needs imageio-ffmpeg, which does not work here ({error}); install it by pip install "
                    "ganwidgets[video], or choose a film that needs nothing else: .gif, .webp or .apng",
                    error=str(error),
                )
            ) from error
        width, height = self.frames[0].size
        # H.264 stores one colour for each block of 2 by 2 pixels, so both sides must be even.
        wide, high = width + width % 2, height + height % 2
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "film.mp4"
            writer = imageio_ffmpeg.write_frames(
                str(path),
                (wide, high),
                fps=RATE,
                codec="libx264",
                quality=None,
                macro_block_size=2,
                ffmpeg_log_level="error",
                # One thread, because a run may be training meanwhile; playable before it is completely loaded.
                output_params=["-crf", str(QUALITY), "-threads", "1", "-movflags", "+faststart"],
            )
            writer.send(None)
            for frame, seconds in zip(self.frames, self.seconds, strict=True):
                picture = np.asarray(frame.convert("RGB"))
                picture = np.pad(picture, ((0, high - height), (0, wide - width), (0, 0)), "edge")
                for _ in range(max(1, round(seconds * RATE))):
                    writer.send(picture.tobytes())
            writer.close()
            return path.read_bytes()


def _few_colours(image: Any) -> Any:
    from PIL import Image

    red, green, blue = image.split()
    if red.tobytes() == green.tobytes() == blue.tobytes():
        return red
    return image.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
