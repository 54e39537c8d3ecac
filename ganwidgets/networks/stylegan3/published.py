"""List of NVIDIA's published networks, and their download.

Nothing is downloaded unless the user calls :func:`download_stylegan`. NVIDIA documents names and
configurations, but no sizes or checksums. So sizes are computed from the configurations, and a file is
checked by reading it.
"""

from __future__ import annotations

import secrets
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from ganwidgets.errors import CheckpointError, DataError
from ganwidgets.messages import Message

__all__ = ["PUBLISHED", "Published", "download_stylegan"]

SITE = "https://api.ngc.nvidia.com/v2/models/nvidia/research"
CHUNK = 2**20
TOLERANCE = 0.1
"""Permitted relative difference between a file's size and the computed one."""


@dataclass(frozen=True)
class Published:
    """A file that NVIDIA published (stylegan3's and stylegan2's README).

    Attributes
    ----------
    name : str
        Name of the file.
    family : str
        ``"stylegan3-t"``, ``"stylegan3-r"`` or ``"stylegan2"``.
    data : str
        Training data.
    resolution : int
        Side in pixels.
    megabytes : int or None
        Size computed from the configuration; None if it is not known.
    """

    name: str
    family: str
    data: str
    resolution: int
    megabytes: int | None

    @property
    def url(self) -> str:
        """Address of the file."""
        folder = "stylegan2" if self.family == "stylegan2" else "stylegan3"
        return f"{SITE}/{folder}/versions/1/files/{self.name}"


def _stylegan3() -> list[Published]:
    sizes = {"t": {1024: 295, 512: 315, 256: 283}, "r": {1024: 237, 512: 249, 256: 222}}
    data = [(name, 1024) for name in ("ffhq", "ffhqu", "metfaces", "metfacesu")]
    return [
        Published(
            f"stylegan3-{kind}-{name}-{side}x{side}.pkl", f"stylegan3-{kind}", name, side, sizes[kind][side]
        )
        for kind in ("t", "r")
        for name, side in [*data, ("afhqv2", 512), ("ffhqu", 256)]
    ]


def _stylegan2() -> list[Published]:
    sides = {
        "ffhq": (1024, 512, 256),
        "ffhqu": (1024, 256),
        "metfaces": (1024,),
        "metfacesu": (1024,),
        "afhqv2": (512,),
        "afhqcat": (512,),
        "afhqdog": (512,),
        "afhqwild": (512,),
        "brecahad": (512,),
        "cifar10": (32,),
        "celebahq": (256,),
        "lsundog": (256,),
    }
    return [
        Published(f"stylegan2-{name}-{side}x{side}.pkl", "stylegan2", name, side, None)
        for name, found in sides.items()
        for side in found
    ]


PUBLISHED: Mapping[str, Published] = MappingProxyType(
    {each.name: each for each in (*_stylegan3(), *_stylegan2())}
)
"""Published networks by file name."""


def _bar(done: int, total: int) -> None:
    """Print the progress of a download on one line of standard error."""
    share = done / total if total else 0.0
    bar = "#" * round(30 * share)
    sys.stderr.write(f"\r[{bar:<30}] {done / 1e6:.0f} of {total / 1e6:.0f} MB")
    if done >= total:
        sys.stderr.write("\n")
    sys.stderr.flush()


def download_stylegan(
    name: str,
    folder: str | Path = ".",
    *,
    progress: Callable[[int, int], None] = _bar,
) -> Path:
    """Download one of the :data:`PUBLISHED` files if it is missing, and return its path.

    NVIDIA publishes them for non-commercial use.

    Parameters
    ----------
    name : str
        Name such as ``"stylegan3-t-ffhqu-256x256.pkl"``.
    folder : path
        Folder for the file.
    progress : callable
        ``progress(done, total)`` in bytes; the default draws a bar on standard error. If it raises, the download is
        cancelled and its partial file deleted.

    Raises
    ------
    DataError
        If the name is not in the list.
    CheckpointError
        If the download fails, or the file does not have the size expected from its configuration.
    """
    if name not in PUBLISHED:
        raise DataError(
            Message(
                "{name!r} is not in the list of published networks; it has {known}",
                name=name,
                known=", ".join(PUBLISHED),
            )
        )
    found = PUBLISHED[name]
    path = Path(folder) / name
    if path.exists():
        return path
    temporary = path.with_name(f".{name}.{secrets.token_hex(4)}")
    try:
        with urllib.request.urlopen(found.url, timeout=60) as answer, temporary.open("wb") as file:  # noqa: S310 - a fixed https address
            total, done = int(answer.headers.get("Content-Length") or 0), 0
            while chunk := answer.read(CHUNK):
                file.write(chunk)
                done += len(chunk)
                progress(done, max(total, done))
        _check_size(found, done, total)
        temporary.replace(path)
    except (OSError, urllib.error.URLError) as error:
        raise CheckpointError(
            Message(
                "{name} could not be downloaded from {url} ({error}); download it in a browser and pass its path to "
                "gw.load_stylegan",
                name=name,
                url=found.url,
                error=str(error),
            )
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    return path


def _check_size(found: Published, done: int, total: int) -> None:
    expected = found.megabytes and found.megabytes * 1e6
    cut = total and done != total
    if cut or (expected and abs(done - expected) > TOLERANCE * expected):
        raise CheckpointError(
            Message(
                "{name} has {done} bytes, where about {expected} were expected: the download was cut off or the file "
                "is another one; try again",
                name=found.name,
                done=done,
                expected=round(expected or total),
            )
        )
