"""Export of a run as a file: picture, animation, page, table, script, or the generator."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import MappingProxyType

from ganwidgets.messages import Catalog, Message
from ganwidgets.rendering.exports import generator_files, tables
from ganwidgets.rendering.exports.animation import Film
from ganwidgets.rendering.exports.generator_files import CARD_BEGINS, card_in
from ganwidgets.rendering.exports.page import Account, page
from ganwidgets.rendering.exports.run_pictures import pictures_of
from ganwidgets.rendering.pictures.moments import BetweenSteps
from ganwidgets.rendering.pictures.scene import PICTURES
from ganwidgets.runs.disk.atomic import chosen_file, reason, whole_file
from ganwidgets.runs.session.session import Session
from ganwidgets.runs.state.environment import environment
from ganwidgets.runs.timeline.branch_view import past_of
from ganwidgets.runs.timeline.script import script_of
from ganwidgets.validation import checked_path

__all__ = ["FORMATS", "Figures", "export"]

Figures = Callable[[], tuple[Mapping[str, float], Mapping[str, float], str]]
"""Returns metrics of the samples, their floors, and the name of the features."""


def export(
    session: Session,
    on_training_thread: BetweenSteps,
    path: str | os.PathLike[str],
    catalog: Catalog,
    figures: Figures,
    pictures: int = PICTURES,
) -> Path:
    """Write a run to `path` atomically, in the format that its ending names.

    Parameters
    ----------
    session : Session
    on_training_thread : BetweenSteps
        Called for one moment at a time; training goes on meanwhile.
    path : path
    catalog : Catalog
        The reader's language.
    figures : callable
        Called only for formats with metrics.
    pictures : int
        Number of images.

    Raises
    ------
    ValueError
        If the path's ending is not one of :data:`FORMATS`.
    ImportError
        If an optional package of the format is missing.
    OSError
        If the file cannot be written; the old file is kept.
    """
    target = checked_path("path", path)
    make = FORMATS.get(target.suffix.lower())
    if make is None:
        raise ValueError(
            Message(
                "{path!r} cannot be exported: its ending is {ending!r}; choose one of {known}",
                path=str(path),
                ending=target.suffix,
                known=", ".join(FORMATS),
            )
        )
    with _writing(target):
        chosen_file(target)  # before the costly rendering
    content = make(session, on_training_thread, catalog, figures, pictures)
    with _writing(target), whole_file(chosen_file(target)) as file:
        file.write(content)
    if target.suffix.lower() == ".safetensors":
        _write_card(content, target.with_suffix(".md"))
    return target


def _write_card(content: bytes, target: Path) -> None:
    """Write the model card of a safetensors header to `target`, unless another kind of file exists there."""
    with _writing(target):
        if target.exists() and not chosen_file(target).read_text("utf-8", "replace").startswith(CARD_BEGINS):
            return
        with whole_file(chosen_file(target)) as file:
            file.write(card_in(content).encode("utf-8"))


@contextmanager
def _writing(target: Path) -> Iterator[None]:
    """Raise an `OSError` with path, reason and remedy if the block cannot write `target`."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise OSError(
            Message(
                "{path!r} cannot be written: {reason}; choose another folder or name",
                path=str(target),
                reason=reason(error),
            )
        ) from error


def _picture(
    session: Session, on_training_thread: BetweenSteps, catalog: Catalog, _figures: Figures, pictures: int
) -> bytes:
    return pictures_of(session, on_training_thread, catalog, pictures).png()


def _film(
    session: Session,
    on_training_thread: BetweenSteps,
    catalog: Catalog,
    _figures: Figures,
    pictures: int,
    *,
    kind: Callable[[Film], bytes],
) -> bytes:
    return kind(pictures_of(session, on_training_thread, catalog, pictures).film())


def _page(
    session: Session, on_training_thread: BetweenSteps, catalog: Catalog, figures: Figures, pictures: int
) -> bytes:
    source = session.run.source
    drawn = pictures_of(session, on_training_thread, catalog, pictures)
    views, iteration = drawn.views()
    found, floors, features = figures()
    account = on_training_thread(
        lambda: Account(
            data=source.name,
            title=drawn.title,
            taken_as="" if source.preset else source.taken_as,
            settings=vars(session.in_force()),
            past=past_of(session),
            views=views,
            iteration=iteration,
            metrics=session.state.game.metrics_of(source.modality),
            definitions=session.settings.definitions,
            figures=found,
            floors=floors,
            features=features,
            exact=session.run.exact,
            environment=environment(session.state.device, session.run.threads),
            script=_script(session),
        )
    )
    return page(account, catalog)


def _script(session: Session) -> str:
    try:
        return script_of(session)
    except ValueError:  # the run began from a loaded state
        return ""


def _between(
    session: Session,
    on_training_thread: BetweenSteps,
    _catalog: Catalog,
    _figures: Figures,
    _pictures: int,
    *,
    make: Callable[[Session], bytes],
) -> bytes:
    """Return the result of `make`, called between two steps."""
    return on_training_thread(partial(make, session))


def _safetensors(
    session: Session, on_training_thread: BetweenSteps, _catalog: Catalog, figures: Figures, _pictures: int
) -> bytes:
    found, floors, _ = figures()
    return on_training_thread(partial(generator_files.safetensors_file, session, found, floors))


FORMATS: Mapping[str, Callable[[Session, BetweenSteps, Catalog, Figures, int], bytes]] = MappingProxyType(
    {
        ".png": _picture,
        ".gif": partial(_film, kind=Film.gif),
        ".webp": partial(_film, kind=Film.webp),
        ".apng": partial(_film, kind=Film.png),
        ".mp4": partial(_film, kind=Film.mp4),
        ".html": _page,
        ".csv": partial(_between, make=tables.csv),
        ".parquet": partial(_between, make=tables.parquet),
        ".py": partial(_between, make=tables.script),
        ".ipynb": partial(_between, make=tables.notebook),
        ".pt2": partial(_between, make=generator_files.torch_export),
        ".onnx": partial(_between, make=generator_files.onnx),
        ".safetensors": _safetensors,
    }
)
"""Renderer of each format, by file ending."""
