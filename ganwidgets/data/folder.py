"""Folders of pictures."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor

from ..errors import DataError, DataWarning
from ..messages import Message
from .arrays import in_memory
from .folder_source import FolderSource
from .options import NO_OPTIONS, DataOptions
from .pictures import flattened, is_grey, pixels
from .source import FiniteSource
from .units import OF_BYTES

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["image_folder", "load_folder"]

EXTENSIONS = ("png", "jpg", "jpeg", "bmp", "gif", "webp", "tif", "tiff")

LARGEST_SIDE = 64
"""Pixels; larger pictures are made smaller, unless a size was asked for."""

SIZES = (4, 512)
"""Pixels a side, at least and at most, that can be asked for."""

READ_AT_ONCE = 250_000_000
"""Bytes of pixels up to which all pictures are read when the folder is opened; else each when it is needed."""

FEW = 0.05
"""The share of pictures that may be broken; they are left out, and named."""

READERS = 2
"""Threads that read pictures side by side; Pillow decodes outside the interpreter's lock."""

SHOWN_AFTER = 2.0
"""Seconds of reading after which it is shown how far that has come."""

T = TypeVar("T")


def image_folder(path: str | Path, size: int | None = None) -> FiniteSource:
    """Return the pictures below a folder as data for a trainer or a widget.

    Naming the folder as data does the same, without the choice of a size.

    Parameters
    ----------
    path
        The folder; every picture in it and in the folders below it counts.
    size : int, optional
        Every picture is cropped to its central square and resized to this many pixels a side, from
        4 to 512. Without it, see Notes.

    Raises
    ------
    DataError
        If there is no such folder, no picture in it, or too many that cannot be read; or if `size`
        is not allowed.

    Warns
    -----
    DataWarning
        If a few pictures cannot be read, at most one in twenty: they are named and left out.

    Notes
    -----
    Pictures of one size of at most 64 pixels a side stay as they are; others are cropped to their
    central square and resized to the smallest side of all, at most 64 pixels. They are grey if all
    of them are stored without colour, else RGB; what is transparent becomes white; of an animation
    the first frame counts. Where every picture lies in a folder of its class, and there are two
    classes or more, the labels are the classes' numbers in alphabetical order. Hidden files and
    folders are passed over. Large folders are read while training goes on, in threads of their own; where
    opening one takes more than two seconds, a bar on the standard error shows how far it has come.

    Crop and resize are Pillow's, by Lanczos' filter. ``torchvision.transforms.v2.Resize`` hands a picture to the same
    code, so that a square one comes out in the same bits; its ``CenterCrop`` cuts at whole pixels, where Pillow crops
    and resizes in one pass, at fractions of a pixel and with what lies beside the crop under the filter. So a folder
    needs no torchvision, whose import takes seconds and fails where it does not suit torch; Pillow decodes outside the interpreter's lock, and a large JPEG at a fraction of its size; and runs that
    were kept find their pictures as they were.

    Examples
    --------
    >>> faces = image_folder("photos/faces", size=32)  # doctest: +SKIP
    >>> trainer = GANTrainer(faces, architecture="dcgan")  # doctest: +SKIP
    """
    if size is not None and not (type(size) is int and SIZES[0] <= size <= SIZES[1]):
        raise DataError(
            Message(
                "size cannot be {size!r}: it must be a whole number of pixels from {least} to {most}",
                size=size,
                least=SIZES[0],
                most=SIZES[1],
            )
        )
    return load_folder(Path(path), size)


def load_folder(folder: Path, side: int | None = None, options: DataOptions = NO_OPTIONS) -> FiniteSource:
    """Return the source for the pictures below `folder`; see :func:`image_folder`."""
    options.allow(("kind", "value_range"), Message("a folder of images"))
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
    with ThreadPoolExecutor(READERS, thread_name_prefix="ganwidgets-pictures") as pool:
        heads = _sound(folder, files, pool.map(_attempt(_head), files))
        files = list(heads)
        grey = all(head.grey for head in heads.values())
        size = (side, side) if side else _common_size({head.size for head in heads.values()})
        reader = _Reader(grey, size)
        shape = (1 if grey else 3, size[1], size[0])
        name = Message("folder {name}", name=folder.resolve().name)
        if len(files) * prod(shape) > READ_AT_ONCE:
            labels = _classes(folder, files)
            return FolderSource.of(
                folder, files, reader, shape=shape, name=name, labels=labels, units=OF_BYTES
            )
        found = _sound(folder, files, pool.map(_attempt(reader), files))
    images = torch.stack(list(found.values()))
    return in_memory(images, "images", OF_BYTES, name=name, labels=_classes(folder, list(found)))


@dataclass(frozen=True)
class _Head:
    """What a picture says of itself before it is decoded."""

    grey: bool
    size: tuple[int, int]


def _head(file: Path) -> _Head:
    return _opened(file, lambda image: _Head(is_grey(image), _upright_size(image)))


@dataclass(frozen=True)
class _Reader:
    """Reads a picture as the run sees it: uint8 [C, H, W]."""

    grey: bool
    size: tuple[int, int]

    def __call__(self, file: Path) -> Tensor:
        return _opened(file, self._pixels)

    def _pixels(self, image: Image) -> Tensor:
        # A large JPEG can be decoded at an eighth, a quarter or half of its size, several times faster.
        image.draft(None, (2 * self.size[0], 2 * self.size[1]))
        return pixels(_fitted(flattened(image, grey=self.grey), self.size))


def _attempt(read: Callable[[Path], T]) -> Callable[[Path], T | DataError]:
    """Return `read`, which gives back a picture's failure instead of raising it."""

    def attempt(file: Path) -> T | DataError:
        try:
            return read(file)
        except DataError as error:
            return error

    return attempt


def _telling_progress(folder: Path, found: Iterable[T], total: int) -> Iterable[T]:
    """Return `found`, with a bar on the standard error, which a notebook shows below the cell, where it takes long."""
    from tqdm import tqdm

    class Bar(tqdm):  # type: ignore[misc]
        monitor_interval = 0  # no thread that stays

    bar: Iterable[T] = Bar(
        found,
        desc=folder.resolve().name,
        total=total,
        delay=SHOWN_AFTER,
        mininterval=0.5,
        miniters=1,
        leave=False,
    )
    return bar


def _sound(folder: Path, files: list[Path], found: Iterable[T | DataError]) -> dict[Path, T]:
    """Return what was found of each picture; where a few are broken warn of them, where many are raise."""
    good: dict[Path, T] = {}
    broken: list[DataError] = []
    for file, result in _telling_progress(folder, zip(files, found, strict=True), len(files)):
        if isinstance(result, DataError):
            broken.append(result)
        else:
            good[file] = result
    if not broken:
        return good
    if len(broken) == 1 and len(files) * FEW < 1:
        raise broken[0]
    names = "; ".join(str(error) for error in broken[:10])
    more = Message(" and {n} more", n=len(broken) - 10) if len(broken) > 10 else ""
    if len(broken) > len(files) * FEW:
        raise DataError(
            Message(
                "{broken} of the {n} images of {path} cannot be read: {names}{more}",
                broken=len(broken),
                n=len(files),
                path=str(folder),
                names=names,
                more=more,
            )
        )
    warnings.warn(
        Message(
            "{broken} of the {n} images of {path} are left out, because they cannot be read: {names}{more}",
            broken=len(broken),
            n=len(files),
            path=str(folder),
            names=names,
            more=more,
        ),
        DataWarning,
        stacklevel=4,  # the line that called image_folder
    )
    return good


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
