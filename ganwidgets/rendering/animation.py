"""A run as a moving picture, one frame for each snapshot of its past."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from ganwidgets.messages import Catalog, Message
from ganwidgets.rendering.poster import poster
from ganwidgets.rendering.snapshot_view import Shown

__all__ = ["Film"]

LENGTH = 8.0
"""Seconds that a film takes, about."""

SHORTEST, LONGEST = 0.08, 1.0
"""Seconds for which each moment is seen; quicker than the first, browsers slow down."""

LAST = 2.0
"""Seconds for which the last moment is seen before it begins again."""

RATE = 25
"""Pictures a second of a video, in which a moment is seen for several of them."""

QUALITY = 14
"""The constant rate factor of H.264: 0 loses nothing, 23 is usual; single pixels are to stay apart."""


@dataclass(frozen=True)
class Film:
    """Frames of one size, and for how long each is seen.

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
        """Return RGB pictures of Pillow of one size, one after the other."""
        frames = list(pictures)
        each = min(max(LENGTH / len(frames), SHORTEST), LONGEST)
        return cls(frames, [each] * (len(frames) - 1) + [LAST])

    def gif(self) -> bytes:
        """Return it as an animated GIF, for ever.

        A GIF has 256 colours in each frame: grey images are exact, others are close.
        """
        return self._animated([_few_colours(frame) for frame in self.frames], "GIF", disposal=1)

    def png(self) -> bytes:
        """Return it as an animated PNG, for ever: every pixel is exact."""
        return self._animated(self.frames, "PNG")

    def webp(self) -> bytes:
        """Return it as an animated WebP, for ever: every pixel is exact."""
        return self._animated(self.frames, "WEBP", lossless=True)

    def _animated(self, frames: list[Any], kind: str, **how: Any) -> bytes:
        file = io.BytesIO()
        first, *others = frames
        durations = [round(1000 * each) for each in self.seconds]
        first.save(file, kind, save_all=True, append_images=others, duration=durations, loop=0, **how)
        return file.getvalue()

    def mp4(self) -> bytes:
        """Return it as a video, H.264 in MP4, which every browser and office program plays.

        Raises
        ------
        ImportError
            If imageio-ffmpeg is not installed, or brings no encoder for this system.
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
        # H.264 has a colour for each two by two pixels, so both sides are even.
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
                # One thread, since a run may be training meanwhile; ready to play before all is loaded.
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
