"""Folders of pictures."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor

from ..errors import DataError
from ..messages import Message
from .arrays import ArraySource, in_memory
from .pictures import flattened, is_grey, pixels

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["load_folder"]

EXTENSIONS = ("png", "jpg", "jpeg", "bmp", "gif", "webp", "tif", "tiff")

LARGEST_SIDE = 64
"""Pixels; larger pictures are made smaller."""

LARGEST_FOLDER = 1_000_000_000
"""Bytes of pixels that are held in memory."""

T = TypeVar("T")


def load_folder(folder: Path) -> ArraySource:
    """Return the source for the pictures below `folder`, read once.

    Pictures of one size of at most 64 pixels a side stay as they are; others are cropped to their
    central square and resized to the smallest side of all, at most 64 pixels. They are grey if all
    of them are stored without colour, else RGB; what is transparent becomes white; of an animation
    the first frame counts. Where every picture lies in a folder of its class, and there are two
    classes or more, the labels are the classes' numbers in alphabetical order. Hidden files and
    folders are passed over.

    Raises
    ------
    DataError
        If there is no such folder, no picture in it, a picture that cannot be read (it is named),
        or too many for the memory.
    """
    folder = folder.expanduser()
    if not folder.is_dir():
        raise DataError(
            Message("{path} is a file; pass the folder of the images", path=str(folder))
            if folder.exists()
            else Message("there is no folder {path}; check the path", path=str(folder))
        )
    files = _pictures_below(folder)
    if not files:
        raise DataError(
            Message(
                "the folder {path} holds no images; it needs files that end in {extensions}",
                path=str(folder),
                extensions=", ".join(EXTENSIONS),
            )
        )
    heads = [_opened(file, lambda image: (is_grey(image), _upright_size(image))) for file in files]
    grey = all(colourless for colourless, _ in heads)
    size = _common_size({size for _, size in heads})
    shape = (1 if grey else 3, size[1], size[0])
    if len(files) * prod(shape) > LARGEST_FOLDER:
        raise DataError(
            Message(
                "the {n} images of {path} need {gigabytes:.1f} GB of memory, and at most {most:.0f} GB are used; "
                "pass fewer, or a torch Dataset that reads each when it is needed",
                n=len(files),
                path=str(folder),
                gigabytes=len(files) * prod(shape) / 1e9,
                most=LARGEST_FOLDER / 1e9,
            )
        )
    images = torch.empty(len(files), *shape, dtype=torch.uint8)
    for place, file in zip(images, files, strict=True):
        place.copy_(_opened(file, lambda image: pixels(_fitted(flattened(image, grey=grey), size))))
    name = Message("folder {name}", name=folder.resolve().name)
    return in_memory(images, "images", "bytes", name=name, labels=_classes(folder, files))


def _pictures_below(folder: Path) -> list[Path]:
    """Return the pictures in an order that does not depend on the file system."""
    found = []
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        if path.suffix[1:].lower() in EXTENSIONS and not any(part.startswith(".") for part in parts):
            found.append((parts, path))
    return [path for _, path in sorted(found) if path.is_file()]


def _classes(folder: Path, files: list[Path]) -> Tensor | None:
    parts = [file.relative_to(folder).parts for file in files]
    names = sorted({part[0] for part in parts})
    if len(names) < 2 or any(len(part) == 1 for part in parts):
        return None
    return torch.tensor([names.index(part[0]) for part in parts])


def _opened(file: Path, look: Callable[[Image], T]) -> T:
    import PIL.Image

    try:
        with PIL.Image.open(file) as image:
            return look(image)
    except Exception as error:  # a damaged file raises whatever its decoder stumbled over
        raise DataError(
            Message(
                "the image {path} cannot be read: {error}; repair it or take it out of the folder",
                path=str(file),
                error=error.args[0] if isinstance(error, DataError) else str(error),
            )
        ) from error


_ORIENTATION = 0x0112  # the EXIF tag; 5 to 8 swap width and height


def _upright_size(image: Image) -> tuple[int, int]:
    width, height = image.size
    return (height, width) if image.getexif().get(_ORIENTATION, 1) in range(5, 9) else (width, height)


def _common_size(sizes: set[tuple[int, int]]) -> tuple[int, int]:
    """Return the width and height that all pictures get."""
    if len(sizes) == 1 and max(only := next(iter(sizes))) <= LARGEST_SIDE:
        return only
    side = min(LARGEST_SIDE, *(min(size) for size in sizes))
    return side, side


def _fitted(image: Image, size: tuple[int, int]) -> Image:
    from PIL.Image import Resampling
    from PIL.ImageOps import fit

    if image.size == size:
        return image
    return fit(image, size, Resampling.LANCZOS)
