"""The picture of a Dirac-GAN: its plane with arrows and one run's path, and the distance from the solution.

The dictionary `scene` is sent to the browser completely at each change:

- ``field``: ``[theta, psi, u, v]`` for each arrow, centred at (theta, psi);
- ``path``: the states ``[theta, psi]`` of the run, start first; null where they left all bounds;
- ``distance``, ``theory``: log10 of the distance from (0, 0) at each step, measured and by the linear
  theory (empty without one);
- ``reach``, ``decades``, ``xticks``, ``yticks``: limits and ticks of the axes;
- ``verdicts``: sentences on stability, as HTML.

From the browser: ``{"start": [theta, psi]}`` for a click.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import anywidget
import numpy as np
from traitlets import Dict

from ganwidgets.dirac import DiracGAN, Dynamics
from ganwidgets.messages import Catalog, N_
from ganwidgets.rendering.drawing.axis_ticks import nice_ticks
from ganwidgets.widgets.browser.assets import script, stylesheet

__all__ = ["REACH", "DiracView", "scene_of"]

REACH = 2.2
"""The plane shows states from -REACH to REACH along both axes."""

HIGHEST = 6
"""Upper limit of the distance axis, as a power of ten."""

ARROWS = 15
"""Number of arrows along each side."""

SMALLEST = 1e-12
"""Smaller distances are drawn as this one."""


class DiracView(anywidget.AnyWidget):
    """Both drawings; created once, later only `scene` changes.

    Parameters
    ----------
    catalog : Catalog
        The reader's language.
    begin : callable
        ``begin(theta, psi)`` is called with the clicked point, on the thread of the browser's messages.
    """

    _esm = script("dirac/dirac")
    _css = stylesheet("dirac/dirac")

    scene = Dict().tag(sync=True)
    words = Dict().tag(sync=True)

    def __init__(self, catalog: Catalog, begin: Callable[[float, float], None]) -> None:
        self._begin = begin
        super().__init__(
            words={
                "theta": catalog(N_("θ: what the generator makes (real is 0)")),
                "psi": catalog(N_("ψ: the slope of the discriminator")),
                "steps": catalog(N_("steps")),
                "distance": catalog(N_("distance from the solution")),
                "plane": catalog(N_("All states of the Dirac-GAN; the arrow keys move the start of the run")),
                "chart": catalog(N_("Distance from the solution at each step, measured and by theory")),
                "hint": catalog(N_("Click or drag: the run starts there.")),
                "play": catalog(N_("Run it")),
            }
        )
        self.on_msg(self._on_message)

    def _on_message(self, _widget: Any, content: Mapping[str, Any], _buffers: Any) -> None:
        if "start" in content:
            theta, psi = content["start"]
            self._begin(float(theta), float(psi))


def scene_of(
    game: DiracGAN, start: tuple[float, float], steps: int, way: Mapping[str, Any], catalog: Catalog
) -> dict[str, Any]:
    """Return the scene of a :class:`DiracView`.

    Parameters
    ----------
    game : DiracGAN
    start : (float, float)
    steps : int
    way : mapping
        ``lr_g lr_d d_steps simultaneous``, as :meth:`DiracGAN.path` takes them.
    catalog : Catalog
        The reader's language.
    """
    path = game.path(start, steps, **way)
    formula = game.path(start, steps, **way, by_formula=True)
    dynamics = None if game.penalty == "gradient_penalty" else game.dynamics(**way)
    distance = _log_distance(path)
    theory = [] if dynamics is None else _theory(distance, dynamics)
    shown = [value for value in (*distance, *theory) if value is not None]
    low, high = math.floor(min(shown) - 0.01), math.ceil(min(max(shown), HIGHEST) + 0.01)
    every = max(1, math.ceil((high - low) / 5))
    return {
        "reach": REACH,
        "field": _arrows(game),
        "path": [[_finite(theta), _finite(psi)] for theta, psi in path.tolist()],
        "distance": distance,
        "theory": theory,
        "decades": [low, high],
        "xticks": [[value, f"{value:g}"] for value in nice_ticks(0, max(1, steps))],
        "yticks": [[power, f"{10.0**power:g}"] for power in range(low, high + 1, every)],
        "verdicts": _verdicts(game, path, formula, dynamics, catalog),
    }


def _arrows(game: DiracGAN) -> list[list[float]]:
    """Return the arrows; the strongest is as long as their spacing, and weak ones stay visible."""
    places = np.linspace(-REACH, REACH, ARROWS + 2)[1:-1]
    theta, psi = (side.reshape(-1) for side in np.meshgrid(places, places))
    u, v = game.field(theta, psi)
    strength = np.hypot(u, v)
    strongest = strength.max() or 1.0
    length = 0.85 * (places[1] - places[0]) * np.sqrt(strength / strongest)
    scale = np.divide(length, strength, out=np.zeros_like(length), where=strength > 0)
    arrows: list[list[float]] = np.stack([theta, psi, u * scale, v * scale], axis=1).round(4).tolist()
    return arrows


def _log_distance(path: np.ndarray) -> list[float | None]:
    with np.errstate(all="ignore"):
        distance = np.log10(np.maximum(np.hypot(path[:, 0], path[:, 1]), SMALLEST))
    return [_finite(value) for value in distance.tolist()]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) and abs(value) < 1e6 else None


def _theory(distance: list[float | None], dynamics: Dynamics) -> list[float]:
    """Return the distance of linear theory: the initial one, multiplied by the spectral radius at each step."""
    first = distance[0] or 0.0
    slope = math.log10(max(dynamics.radius, SMALLEST))
    return [max(first + slope * step, math.log10(SMALLEST)) for step in range(len(distance))]


_VERDICTS = {
    "converges": N_("<b>It gets there.</b> Near the solution each step brings the state closer."),
    "leaves": N_("<b>It is driven away.</b> Near the solution each step moves the state further off."),
    "circles": N_(
        "<b>It circles.</b> Near the solution, to first order, a step brings the state neither closer nor further away."
    ),
}

_UNANCHORED = N_(
    "This loss asks D to say 1 where samples are real, but without a bias D says 0 there, whatever ψ is."
)

_KINK = N_(
    "<b>It never settles.</b> At ψ = 0, the solution, this penalty pushes ψ away: it wants a slope of 1."
)


def _verdicts(
    game: DiracGAN, path: np.ndarray, formula: np.ndarray, dynamics: Dynamics | None, t: Catalog
) -> str:
    """Return the verdict, and theory and measurement side by side, as HTML."""
    first, last = (float(np.hypot(*path[place])) for place in (0, -1))
    rows = [(t(N_("distance at the start, at the end")), f"{first:.3g} → {last:.3g}")]
    if dynamics is not None:
        rows.append((t(N_("eigenvalues of the flow")), _eigenvalues(dynamics)))
        rows.append((t(N_("factor of each step (spectral radius)")), f"{dynamics.radius:.4f}"))
    known = np.isfinite(path).all(axis=1) & np.isfinite(formula).all(axis=1)  # the start always is
    apart = float(np.abs(path[known] - formula[known]).max())
    rows.append((t(N_("measured path against the formulas, at most")), f"{apart:.1g}"))
    verdict = t(_KINK) if dynamics is None else t(_VERDICTS[dynamics.verdict])
    if game.loss == "least_squares":
        verdict = f"{verdict} {t(_UNANCHORED)}"
    cells = "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in rows)
    legend = ""
    if dynamics is not None:
        legend = (
            '<div><svg viewBox="0 0 24 8"><path d="M0 4H24" class="gw-dirac-path"/></svg>'
            f"{t(N_('measured'))} &emsp; "
            '<svg viewBox="0 0 24 8"><path d="M0 4H24" class="gw-dirac-theory"/></svg>'
            f"{t(N_('linear theory'))}</div>"
        )
    return f"{legend}<p>{verdict}</p><table>{cells}</table>"


def _eigenvalues(dynamics: Dynamics) -> str:
    one, other = dynamics.eigenvalues
    if one.imag:
        real = f"{one.real:.3g} " if one.real else ""
        return f"{real}± {abs(one.imag):.3g} i".replace("-", "\N{MINUS SIGN}")
    return f"{one.real + 0:.3g}, {other.real + 0:.3g}".replace("-", "\N{MINUS SIGN}")
