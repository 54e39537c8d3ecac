"""Export of a run as a file: picture, animation, page, table, script, or the generator."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import MappingProxyType

from ganwidgets.messages import Catalog, Message, N_
from ganwidgets.rendering.exports import generator_files, tables
from ganwidgets.rendering.exports.animation import Film
from ganwidgets.rendering.exports.generator_files import CARD_BEGINS, card_in
from ganwidgets.rendering.exports.page import Account, Views, page, views_of
from ganwidgets.rendering.pictures.game_views import (
    curves_html,
    film_html,
    game_moments,
    moment_of,
    moment_picture,
    samples_html,
)
from ganwidgets.rendering.pictures.image_grid import columns_of, image_grid
from ganwidgets.rendering.pictures.moments import BetweenSteps
from ganwidgets.rendering.pictures.poster import enlarged, render
from ganwidgets.rendering.pictures.scene import PICTURES, POINTS, scene_of, still_of, stills
from ganwidgets.runs.disk.atomic import chosen_file, reason, whole_file
from ganwidgets.runs.session.session import Session
from ganwidgets.runs.state.environment import environment
from ganwidgets.runs.timeline.branch_view import past_of
from ganwidgets.runs.timeline.script import script_of
from ganwidgets.validation import checked_path

__all__ = ["FORMATS", "Figures", "export"]

Figures = Callable[[], tuple[Mapping[str, float], Mapping[str, float], str]]
"""Returns metrics of the samples, their floors, and the name of the features."""

MOMENTS = 60
"""Maximum number of frames in an animation."""

CHAPTERS = 24
"""Maximum number of moments on a page, including the present."""

IN_A_ROW = 8
"""Maximum number of images of each exhibit."""

LEAST = 512
"""Minimum pixels of the longer side of a grid that is the whole picture."""


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
    """Return the present: only images, points with their curves, or every exhibit of another game."""
    if session.own.game is not None:
        game, n = session.own.game, _shown(session, pictures)
        moment = on_training_thread(partial(moment_of, session, n))
        file = io.BytesIO()
        moment_picture(moment, game, catalog).save(file, "PNG", compress_level=6)
        return file.getvalue()
    now = on_training_thread(lambda: still_of(session, scene_of(session, pictures)))
    if now.modality.on_plane:
        return render(now, catalog)
    file = io.BytesIO()
    enlarged(image_grid(now.generated, columns_of(now)), LEAST).save(file, "PNG")
    return file.getvalue()


def _film(
    session: Session,
    on_training_thread: BetweenSteps,
    catalog: Catalog,
    _figures: Figures,
    pictures: int,
    *,
    kind: Callable[[Film], bytes],
) -> bytes:
    if session.own.game is not None:
        game, n = session.own.game, _shown(session, pictures)
        seen = game_moments(session, on_training_thread, n, MOMENTS)
        return kind(Film.of_pictures(moment_picture(moment, game, catalog) for moment in seen))
    scene = on_training_thread(partial(scene_of, session, pictures))
    return kind(Film.of(stills(session, on_training_thread, scene, MOMENTS), catalog))


def _page(
    session: Session, on_training_thread: BetweenSteps, catalog: Catalog, figures: Figures, pictures: int
) -> bytes:
    game, source = session.own.game, session.run.source
    if game is None:
        scene = on_training_thread(partial(scene_of, session, pictures))
        chapters = list(stills(session, on_training_thread, scene, CHAPTERS))
        iteration, views = chapters[-1].iteration, views_of(chapters, catalog)
        title = catalog(N_("A GAN on {data}"), data=source.name)
    else:
        seen = list(game_moments(session, on_training_thread, _shown(session, pictures), CHAPTERS))
        iteration = seen[-1].iteration
        curves = on_training_thread(partial(curves_html, session, catalog))
        samples = samples_html(seen[-1], game.exhibits, catalog)
        views = Views(samples, film_html(seen, game.exhibits, catalog), curves)
        title = f"{catalog(game.label)}: {source.name}"
    found, floors, features = figures()
    account = on_training_thread(
        lambda: Account(
            data=source.name,
            title=title,
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


def _shown(session: Session, pictures: int) -> int:
    """Return the number of samples of each exhibit: a row of images, or a cloud of points."""
    return POINTS if session.run.source.modality.on_plane else min(pictures, IN_A_ROW)


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
