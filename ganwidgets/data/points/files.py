"""Points from a CSV file or from pasted text."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from ganwidgets.errors import DataError
from ganwidgets.messages import Message
from ganwidgets.validation import checked_path

__all__ = ["points_in", "read_points"]


def read_points(source: str | os.PathLike[str]) -> npt.NDArray[np.float32]:
    r"""Return the points in a table: one a line, its numbers separated by commas, semicolons, tabs or blanks.

    A header line, empty lines and lines that begin with ``#`` are skipped. If semicolons separate, a comma may be the
    decimal sign, as in French spreadsheets.

    Parameters
    ----------
    source : str or path
        A file's path; or the text itself, if it has more than one line.

    Returns
    -------
    float32 array [N, F]
        Data for :class:`GANTrainer`; the plane shows points with ``F = 2`` directly.

    Raises
    ------
    DataError
        If the file cannot be read, or if a line is not a point; the message names the line and the remedy.

    Examples
    --------
    >>> read_points("x;y\n0,5;1\n-1;2,25")
    array([[ 0.5 ,  1.  ],
           [-1.  ,  2.25]], dtype=float32)
    """
    return points_in(source if isinstance(source, str) and "\n" in source else _content(source))


def points_in(text: str) -> npt.NDArray[np.float32]:
    """Return the points in a table's text; see :func:`read_points`."""
    lines = [
        (number, line)
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    points: list[list[float]] = []
    for place, (number, row) in enumerate(_rows(lines)):
        values = [_number(entry, decimal_comma=";" in text) for entry in row]
        if place == 0 and all(value is None for value in values):
            continue  # names of the columns
        for entry, value in zip(row, values, strict=True):
            if value is None or not math.isfinite(value):
                raise DataError(
                    Message(
                        "line {number}: {entry!r} is not a number; each line is one point, such as 0.5, -1.2",
                        number=number,
                        entry=entry,
                    )
                )
        if points and len(values) != len(points[0]):
            raise DataError(
                Message(
                    "line {number} has {count} numbers, but the lines before it have {expected}; give each point "
                    "equally many",
                    number=number,
                    count=len(values),
                    expected=len(points[0]),
                )
            )
        points.append([value for value in values if value is not None])
    if not points:
        raise DataError(Message("there is no point in this text; each line is one point, such as 0.5, -1.2"))
    largest = float(np.finfo(np.float32).max)
    found = np.array(points, np.float64)
    if np.abs(found).max() > largest:
        which = int(np.abs(found).max(axis=1).argmax()) + 1
        raise DataError(
            Message("point {which} has a number beyond the range of float32; scale the points", which=which)
        )
    return found.astype(np.float32)


def _content(source: str | os.PathLike[str]) -> str:
    path = checked_path("source", source)
    try:
        return path.read_text("utf-8-sig")
    except (OSError, ValueError) as error:
        raise DataError(
            Message(
                "{path} cannot be read as a table of points ({reason}); pass the path of a text file such as "
                "a CSV, or text of at least two lines",
                path=str(source)[:200],
                reason=getattr(error, "strerror", None) or type(error).__name__,
            )
        ) from error


def _rows(lines: Sequence[tuple[int, str]]) -> Iterator[tuple[int, list[str]]]:
    """Yield each line's number and its entries."""
    separator = next((each for each in (";", "\t", ",") if any(each in line for _, line in lines)), None)
    for number, line in lines:
        if separator is None:
            entries = line.split()
        else:
            entries = next(csv.reader([line], delimiter=separator))
            if not entries[-1].strip():  # a separator at the end of each line
                entries.pop()
        yield number, [entry.strip() for entry in entries]


def _number(entry: str, *, decimal_comma: bool) -> float | None:
    plain = entry.replace(",", ".") if decimal_comma and entry.count(",") == 1 else entry
    plain = plain.replace("\N{MINUS SIGN}", "-")
    try:
        return float(plain)
    except ValueError:
        return None
