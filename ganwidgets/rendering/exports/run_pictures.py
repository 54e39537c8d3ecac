"""Pictures of a run for files: the present, an animation of its past, and the parts of a page.

Samples from noise are drawn as a scene: the data, its plane with the verdicts of D, and the losses. Every other game is
drawn by its exhibits.
"""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from ganwidgets.messages import Catalog, N_
from ganwidgets.rendering.exports.animation import Film
from ganwidgets.rendering.exports.page import Views, views_of
from ganwidgets.rendering.pictures.game_views import (
    GameMoment,
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
from ganwidgets.rendering.pictures.scene import (
    PICTURES,
    POINTS,
    Scene,
    scene_of,
    still_of,
    stills,
)
from ganwidgets.rendering.pictures.snapshot_view import Still
from ganwidgets.runs.session.session import Session

__all__ = ["RunPictures", "pictures_of"]

MOMENTS = 60
"""Maximum number of frames in an animation."""

CHAPTERS = 24
"""Maximum number of moments on a page, including the present."""

IN_A_ROW = 8
"""Maximum number of images of each exhibit."""

LEAST = 512
"""Minimum pixels of the longer side of a grid that is the whole picture."""

Pixels = npt.NDArray[np.uint8]


class RunPictures(ABC):
    """Pictures of one run.

    Parameters
    ----------
    session : Session
    on_training_thread : BetweenSteps
        Called for one moment at a time; training goes on meanwhile.
    catalog : Catalog
        The reader's language.
    pictures : int
        Number of images.
    """

    def __init__(
        self, session: Session, on_training_thread: BetweenSteps, catalog: Catalog, pictures: int
    ) -> None:
        self._session = session
        self._between = on_training_thread
        self._catalog = catalog
        self._pictures = pictures

    @property
    @abstractmethod
    def title(self) -> str:
        """Title of a page, in the reader's language."""

    @abstractmethod
    def png(self) -> bytes:
        """Return the present as a PNG file."""

    @abstractmethod
    def logged(self) -> tuple[str, Pixels, int]:
        """Return the present as pixels [H, W, 3], with what they show and their iteration."""

    @abstractmethod
    def film(self) -> Film:
        """Return the past as an animation."""

    @abstractmethod
    def views(self) -> tuple[Views, int]:
        """Return the pictures of a page, and the iteration of the present."""


class _ScenePictures(RunPictures):
    """Pictures of samples from noise."""

    @property
    def title(self) -> str:
        return self._catalog(N_("A GAN on {data}"), data=self._session.run.source.name)

    def png(self) -> bytes:
        now = self._present()
        if now.modality.on_plane:
            return render(now, self._catalog)
        file = io.BytesIO()
        enlarged(image_grid(now.generated, columns_of(now)), LEAST).save(file, "PNG")
        return file.getvalue()

    def logged(self) -> tuple[str, Pixels, int]:
        from PIL import Image

        now = self._present()
        if now.modality.on_plane:
            drawn = Image.open(io.BytesIO(render(now, self._catalog))).convert("RGB")
            return "run", np.asarray(drawn), now.iteration
        return "generated", image_grid(now.generated, columns_of(now))[..., :3], now.iteration

    def film(self) -> Film:
        return Film.of(stills(self._session, self._between, self._scene(), MOMENTS), self._catalog)

    def views(self) -> tuple[Views, int]:
        chapters = list(stills(self._session, self._between, self._scene(), CHAPTERS))
        return views_of(chapters, self._catalog), chapters[-1].iteration

    def _scene(self) -> Scene:
        return self._between(partial(scene_of, self._session, self._pictures))

    def _present(self) -> Still:
        session, n = self._session, self._pictures
        return self._between(lambda: still_of(session, scene_of(session, n)))


class _ExhibitPictures(RunPictures):
    """Pictures of the exhibits that a game declares."""

    @property
    def title(self) -> str:
        return f"{self._catalog(self._session.state.game.label)}: {self._session.run.source.name}"

    def png(self) -> bytes:
        file = io.BytesIO()
        self._drawn(self._present()).save(file, "PNG", compress_level=6)
        return file.getvalue()

    def logged(self) -> tuple[str, Pixels, int]:
        now = self._present()
        return "run", np.asarray(self._drawn(now)), now.iteration

    def film(self) -> Film:
        seen = game_moments(self._session, self._between, self._shown(), MOMENTS)
        return Film.of_pictures(map(self._drawn, seen))

    def views(self) -> tuple[Views, int]:
        exhibits = self._session.state.game.exhibits
        seen = list(game_moments(self._session, self._between, self._shown(), CHAPTERS))
        curves = self._between(partial(curves_html, self._session, self._catalog))
        samples = samples_html(seen[-1], exhibits, self._catalog)
        return Views(samples, film_html(seen, exhibits, self._catalog), curves), seen[-1].iteration

    def _present(self) -> GameMoment:
        return self._between(partial(moment_of, self._session, self._shown()))

    def _drawn(self, moment: GameMoment) -> Any:
        return moment_picture(moment, self._session.state.game, self._catalog)

    def _shown(self) -> int:
        """Return the number of samples of each exhibit: a row of images, or a cloud of points."""
        on_plane = self._session.run.source.modality.on_plane
        return POINTS if on_plane else min(self._pictures, IN_A_ROW)


def pictures_of(
    session: Session, on_training_thread: BetweenSteps, catalog: Catalog, pictures: int = PICTURES
) -> RunPictures:
    """Return the pictures of a run, in the form for its game."""
    kind = _ScenePictures if session.state.game.from_noise else _ExhibitPictures
    return kind(session, on_training_thread, catalog, pictures)
