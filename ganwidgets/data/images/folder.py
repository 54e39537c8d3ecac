"""Image folders as data."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor

from ganwidgets.data.arrays import in_memory
from ganwidgets.data.images.files import (
    SIXTEEN_BITS,
    Depth,
    flattened,
    grey_numbers,
    is_deep,
    is_grey,
    pixels,
)
from ganwidgets.data.images.folder_files import EXTENSIONS, pictures_below
from ganwidgets.data.images.folder_source import FolderSource
from ganwidgets.data.images.scaling import OF_BYTES, units_of
from ganwidgets.data.images.sizes import Size, common_size, outliers
from ganwidgets.data.images.value_ranges import decided_depth
from ganwidgets.data.modalities import IMAGES
from ganwidgets.data.notices import warn_of_data
from ganwidgets.data.options import NO_OPTIONS, DataOptions
from ganwidgets.data.source import FiniteSource
from ganwidgets.errors import DataError
from ganwidgets.messages import Message
from ganwidgets.validation import checked_path

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["image_folder", "load_folder"]

PROBED = 64
"""Number of pictures of a large folder that decide the value range of all."""

NAMED = 10
"""Maximum number of pictures that a warning or an error names."""

SIZES = (4, 512)
"""Smallest and largest permitted `size`, in pixels."""

READ_AT_ONCE = 250_000_000
"""Maximum bytes of pixels to read on opening; pictures of larger folders are read when needed."""

FEW = 0.05
"""Maximum share of unreadable pictures; up to it they are left out with a warning."""

READERS = 2
"""Number of reading threads; Pillow decodes outside the interpreter's lock."""

SHOWN_AFTER = 2.0
"""Seconds of reading before a progress bar appears."""

T = TypeVar("T")


def image_folder(
    path: str | Path, size: int | None = None, *, value_range: tuple[float, float] | None = None
) -> FiniteSource:
    """Return the pictures in a folder as data for a trainer or a widget.

    A folder's path as data does the same, without the choice of a size.

    Parameters
    ----------
    path
        The folder; pictures in subfolders are included.
    size : int, optional
        Crop every picture to its central square and resize it to this many pixels a side, from 4 to 512. If omitted,
        see Notes.
    value_range : (float, float), optional
        The numbers that mean black and white in the files; for example ``(0, 4095)``. It applies to pictures of more
        than 8 bits if there are any, else to all. If omitted, the range of most numbers decides.

    Raises
    ------
    DataError
        If there is no such folder, no picture in it, or too many unreadable ones; or if `size` is not allowed.

    Warns
    -----
    DataWarning
        If at most one in twenty pictures cannot be read: they are named and left out. If at most a third are far
        smaller than the others, such as spacers: likewise. If links or folders cannot be followed, or if the range of
        the numbers is unlikely.

    Notes
    -----
    If two thirds of the pictures have one size of at most 64 pixels a side, all pictures get that size. Otherwise all
    become squares of the smallest side, at most 64 pixels. Pictures of another size are cropped to their centre and
    resized. Pictures are grey if all are stored without colour, else RGB. Transparent pixels become white. Of an
    animation, the first frame is read. If there are at least two subfolders and every picture is in one, the labels are
    the subfolders' numbers in alphabetical order. Links to folders are followed. Hidden files and folders are skipped.
    Large folders are read during training, in separate threads. If opening takes more than two seconds, a bar on the
    standard error shows the progress.

    Crop and resize use Pillow's Lanczos filter. ``torchvision.transforms.v2.Resize`` calls the same code, so square
    pictures have the same bits. Its ``CenterCrop`` cuts at whole pixels, whereas Pillow crops and resizes in one pass,
    at fractions of a pixel. A folder therefore needs no torchvision, whose import takes seconds and fails if it does
    not match torch. Pillow decodes outside the interpreter's lock, and a large JPEG at a fraction of its size. Stored
    runs find their pictures unchanged.

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
    return load_folder(checked_path("path", path), size, DataOptions(value_range=value_range))


def load_folder(folder: Path, side: int | None = None, options: DataOptions = NO_OPTIONS) -> FiniteSource:
    """Return the source for the pictures below `folder`; see :func:`image_folder`."""
    options.allow(("kind", "value_range"), Message("a folder of images"))
    folder = folder.expanduser()
    if not folder.is_dir():
        raise DataError(
            Message("{path} is a file; {remedy}", path=str(folder), remedy=_reading_of(folder))
            if folder.exists()
            else Message("there is no folder {path}; check the path", path=str(folder))
        )
    files = pictures_below(folder)
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
        if side is None:
            heads = _without_outliers(folder, heads)
        files = list(heads)
        grey = all(head.grey for head in heads.values())
        size = (side, side) if side else common_size([head.size for head in heads.values()])
        depth = _depth(folder, [file for file, head in heads.items() if head.deep], options)
        reader = _Reader(grey, size, depth or SIXTEEN_BITS)
        shape = (1 if grey else 3, size[1], size[0])
        name = Message("folder {name}", name=folder.resolve().name)
        whole = len(files) * prod(shape) <= READ_AT_ONCE
        found = (
            _sound(folder, files, pool.map(_attempt(reader), files))
            if whole
            else _readable(_attempt(reader), _spread(files))
        )
    images = torch.stack(list(found.values()))
    units = OF_BYTES if depth else units_of(images, IMAGES.name, options, name)
    taken = DataOptions(kind=IMAGES.name, value_range=depth.value_range if depth else units.value_range)
    if whole:
        labels = _classes(folder, list(found))
        return in_memory(images, IMAGES.name, units, name=name, labels=labels, options=taken)
    return FolderSource.of(
        folder,
        files,
        reader,
        shape=shape,
        name=name,
        labels=_classes(folder, files),
        units=units,
        options=taken,
    )


def _without_outliers(folder: Path, heads: dict[Path, _Head]) -> dict[Path, _Head]:
    """Return `heads` without pictures that are far smaller than the others, and warn of these."""
    files = list(heads)
    tiny = {files[index] for index in outliers([head.size for head in heads.values()])}
    if tiny:
        named = sorted(tiny)[:NAMED]
        warn_of_data(
            Message(
                "{few} of the {n} images of {path} are left out, because they are far smaller than the others: "
                "{names}{more}; to keep them pass a size: image_folder(path, size=64)",
                few=len(tiny),
                n=len(files),
                path=str(folder),
                names=", ".join(f"{file} ({heads[file].size[0]}x{heads[file].size[1]})" for file in named),
                more=Message(" and {n} more", n=len(tiny) - NAMED) if len(tiny) > NAMED else "",
            )
        )
    return {file: head for file, head in heads.items() if file not in tiny}


def _readable(read: Callable[[Path], T | DataError], files: list[Path]) -> dict[Path, T]:
    """Return the results of `read` for `files`; unreadable files are skipped here, and named when they are needed.

    Raises
    ------
    DataError
        If no file can be read.
    """
    results = {file: read(file) for file in files}
    good = {file: result for file, result in results.items() if not isinstance(result, DataError)}
    for result in results.values():
        if not good and isinstance(result, DataError):
            raise result
    return good


def _spread(files: list[Path]) -> list[Path]:
    """Return an evenly spread subset of `files` for decisions about all."""
    places = torch.linspace(0, len(files) - 1, min(PROBED, len(files)), dtype=torch.float64).long()
    return [files[place] for place in places.tolist()]


def _depth(folder: Path, deep: list[Path], options: DataOptions) -> Depth | None:
    """Return black and white of the pictures of more than 8 bits; None if there are none."""
    if not deep:
        return None
    if options.value_range is not None:
        return Depth(options.value_range, asked_for=True)
    found = _readable(_attempt(lambda file: _opened(file, grey_numbers)), _spread(deep))
    return Depth(
        decided_depth(torch.cat(list(found.values())), Message("folder {name}", name=folder.resolve().name)),
        asked_for=False,
    )


@dataclass(frozen=True)
class _Head:
    """Header of a picture, read before decoding."""

    grey: bool
    size: Size
    deep: bool


def _head(file: Path) -> _Head:
    return _opened(file, lambda image: _Head(is_grey(image), _upright_size(image), is_deep(image)))


@dataclass(frozen=True)
class _Reader:
    """Reads a picture in the run's format: uint8 [C, H, W]."""

    grey: bool
    size: Size
    depth: Depth

    def __call__(self, file: Path) -> Tensor:
        return _opened(file, self._pixels)

    def _pixels(self, image: Image) -> Tensor:
        # A large JPEG can be decoded at an eighth, a quarter or half of its size, several times faster.
        image.draft(None, (2 * self.size[0], 2 * self.size[1]))
        return pixels(_fitted(flattened(image, grey=self.grey, depth=self.depth), self.size))


def _attempt(read: Callable[[Path], T]) -> Callable[[Path], T | DataError]:
    """Return a version of `read` that returns a picture's failure instead of raising it."""

    def attempt(file: Path) -> T | DataError:
        try:
            return read(file)
        except DataError as error:
            return error

    return attempt


def _telling_progress(folder: Path, found: Iterable[T], total: int) -> Iterable[T]:
    """Return `found`, with a progress bar on the standard error if it takes long."""
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
    """Return the readable pictures; warn of a few unreadable ones, raise for many."""
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
    names = "; ".join(str(error) for error in broken[:NAMED])
    more = Message(" and {n} more", n=len(broken) - NAMED) if len(broken) > NAMED else ""
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
    warn_of_data(
        Message(
            "{broken} of the {n} images of {path} are left out, because they cannot be read: {names}{more}",
            broken=len(broken),
            n=len(files),
            path=str(folder),
            names=names,
            more=more,
        )
    )
    return good


def _classes(folder: Path, files: list[Path]) -> Tensor | None:
    parts = [file.relative_to(folder).parts for file in files]
    beside = [part[0] for part in parts if len(part) == 1]
    names = sorted({part[0] for part in parts if len(part) > 1})
    if len(names) < 2:
        return None
    if beside:
        warn_of_data(
            Message(
                "the folder {path} has {count} pictures, such as {name}, beside the folders of classes, so its pictures "
                "train without labels; for labels move every picture into the folder of its class",
                path=str(folder),
                count=len(beside),
                name=beside[0],
            )
        )
        return None
    return torch.tensor([names.index(part[0]) for part in parts])


_READERS = {
    (".csv", ".tsv", ".txt", ".json"): Message("for points pass gw.read_points(path)"),
    (".npy",): Message("pass its array, numpy.load(path)"),
    (".npz",): Message("pass one of its arrays, such as numpy.load(path)['x']"),
    (".pt", ".pth", ".safetensors"): Message("read it first, and pass the tensor"),
    (".parquet", ".xlsx", ".feather"): Message("read it first, such as with pandas, and pass the table"),
    (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar"): Message("unpack it, and pass the folder of the images"),
}
"""Remedies for files that are not image folders, by file extension."""


def _reading_of(file: Path) -> str:
    ends = file.suffix.lower()
    return next(
        (remedy for known, remedy in _READERS.items() if ends in known),
        Message("pass the folder of the images"),
    )


def _opened(file: Path, look: Callable[[Image], T]) -> T:
    import PIL.Image

    try:
        with PIL.Image.open(file) as image:
            return look(image)
    except Exception as error:  # decoders raise many types for damaged files
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


def _fitted(image: Image, size: tuple[int, int]) -> Image:
    from PIL.Image import Resampling
    from PIL.ImageOps import fit

    if image.size == size:
        return image
    return fit(image, size, Resampling.LANCZOS)
