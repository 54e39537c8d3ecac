"""Moments of a run of any game but the classic one, for animations and pages."""

from __future__ import annotations

import base64
import html
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from ganwidgets.games.game import Exhibit, Game
from ganwidgets.messages import Catalog, N_
from ganwidgets.rendering.drawing.phrases import spell_count
from ganwidgets.rendering.drawing.tones import column_tones, exhibit_tones
from ganwidgets.rendering.pictures.exhibits import exhibits_picture, row_of, scatter_of
from ganwidgets.rendering.pictures.moments import BetweenSteps, moments
from ganwidgets.rendering.pictures.scene import SEED, drawn_small
from ganwidgets.rendering.pictures.svg import Line, chart
from ganwidgets.runs.record.envelope import Envelope
from ganwidgets.runs.record.snapshots import Snapshot
from ganwidgets.runs.session.session import Session
from ganwidgets.runs.timeline.past_networks import NetworkReplicas
from ganwidgets.stepping.game_assembly import look

__all__ = [
    "GameMoment",
    "curves_html",
    "film_html",
    "game_moments",
    "moment_of",
    "moment_picture",
    "samples_html",
]

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class GameMoment:
    """The exhibits of a run at one moment, as copies.

    Attributes
    ----------
    iteration : int
    exhibits : mapping of str to float32 array [n, ...]
        As :meth:`ganwidgets.GANTrainer.show` returns them.
    record : mapping of str to float
        Values of the last updates.
    """

    iteration: int
    exhibits: Mapping[str, Floats]
    record: Mapping[str, float]


def moment_of(session: Session, n: int) -> GameMoment:
    """Return the present with `n` samples of each exhibit; call this between two steps."""
    session.roll_back()
    seen = look(session.run, session.in_force(), "show", n, SEED)
    return GameMoment(session.state.iteration, _arrays(seen), session.record())


def game_moments(
    session: Session, on_training_thread: BetweenSteps, n: int, most: int
) -> Iterator[GameMoment]:
    """Yield at most `most` moments, evenly spread over the snapshots of the run; the last one is the present."""
    now = partial(moment_of, session, n)
    return moments(session, on_training_thread, most, now, partial(_moment_then, session, n))


def _moment_then(session: Session, n: int, replicas: NetworkReplicas, snapshot: Snapshot) -> GameMoment:
    seen = look(
        session.run,
        session.in_force(),
        "show",
        n,
        SEED,
        networks=replicas.networks,
        memory=replicas.memory,
    )
    iteration = snapshot.place.iteration
    return GameMoment(iteration, _arrays(seen), session.history.until(iteration).record())


def _arrays(seen: Mapping[str, Any]) -> dict[str, Floats]:
    return {name: np.array(tensor.numpy(), np.float32) for name, tensor in seen.items()}


def moment_picture(moment: GameMoment, game: Game, catalog: Catalog) -> Any:
    """Return a moment as an RGB Pillow image: every exhibit with its name, and a line with the losses."""
    parts = [catalog(N_("iteration {count}"), count=spell_count(moment.iteration, " "))]
    for player in game.players:
        value = moment.record.get(f"loss_{player.letter}", math.nan)
        if math.isfinite(value):
            label = catalog(N_("loss of {player}"), player=catalog(player.label))
            parts.append(f"{label} {value:.3f}")
    return exhibits_picture(game.exhibits, moment.exhibits, "   \N{MIDDLE DOT}   ".join(parts), catalog)


# --- parts of a page ------------------------------------------------------------------------------


def samples_html(moment: GameMoment, exhibits: Sequence[Exhibit], catalog: Catalog) -> str:
    """Return every exhibit as a figure; exhibits of points share one plane."""
    rows, flat = [], []
    for exhibit in exhibits:
        seen = moment.exhibits.get(exhibit.name)
        if seen is None:
            continue
        if seen.ndim != 4:
            flat.append(exhibit)
            continue
        png, _, largest = row_of(seen, exhibit.kind)
        label = catalog(exhibit.label)
        if exhibit.kind != "samples":
            label += f" ({catalog(N_('white is +{most:.3g}'), most=largest)})"
        rows.append(
            f"<figure><figcaption><b>{html.escape(label)}</b></figcaption>{_image(png, label)}</figure>"
        )
    if flat:
        tones = exhibit_tones(flat)
        chips = "".join(
            f'<span class="chip"><svg viewBox="0 0 24 8"><circle class="{tones[exhibit.name]}" cx="12" cy="4" r="4"/>'
            f"</svg>{html.escape(catalog(exhibit.label))}</span>"
            for exhibit in flat
        )
        label = ", ".join(catalog(exhibit.label) for exhibit in flat)
        plane = _image(scatter_of(flat, moment.exhibits), label, "plane")
        rows.append(f"<figure><figcaption>{chips}</figcaption>{plane}</figure>")
    return f'<div class="rows">{"".join(rows)}</div>' if rows else ""


def film_html(seen: Sequence[GameMoment], exhibits: Sequence[Exhibit], catalog: Catalog) -> list[str]:
    """Return a figure for each moment."""
    return [
        f"<figure>{samples_html(moment, exhibits, catalog)}"
        f"<figcaption>{html.escape(catalog(N_('iteration {count}'), count=spell_count(moment.iteration)))}"
        "</figcaption></figure>"
        for moment in seen
    ]


def curves_html(session: Session, catalog: Catalog) -> str:
    """Return a chart of the players' losses, one of their gradient norms, and one of terms and measures."""
    game, tones = session.state.game, column_tones(session.state.game)
    tones |= {f"grad_norm_{player.letter}": tones[f"loss_{player.letter}"] for player in game.players}
    norms = {f"grad_norm_{player.letter}": player.label for player in game.players}
    losses = {f"loss_{player.letter}": player.label for player in game.players}
    others = {name: name.replace("_", " ") for name in (*game.terms, *game.measures)}
    drawn = []
    for title, unit, columns in (
        (N_("Losses"), N_("loss"), losses),
        (N_("Gradient norms"), N_("norm"), norms),
        (N_("Terms and measures"), N_("value"), others),
    ):
        lines = [Line(catalog(label), tones[name], _curve(session, name)) for name, label in columns.items()]
        if any(len(line.envelope[0]) for line in lines):
            drawn.append(chart(catalog(title), lines, catalog(N_("iteration")), catalog(unit), catalog))
    return f'<div class="pair">{"".join(drawn)}</div>' if drawn else ""


def _curve(session: Session, name: str) -> Envelope:
    return drawn_small(session.history, name)


def _image(png: bytes, label: str, css_class: str = "row") -> str:
    data = base64.b64encode(png).decode("ascii")
    return f'<img class="{css_class}" src="data:image/png;base64,{data}" alt="{html.escape(label)}">'
