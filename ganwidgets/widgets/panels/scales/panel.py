"""The resolutions of progressive networks, which users can unlock, and those of MSG-GAN."""

from __future__ import annotations

import base64
import html
import math
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ganwidgets.games.resolutions import SCALE_NORM
from ganwidgets.messages import Catalog, N_
from ganwidgets.rendering.pictures.image_grid import as_png, levels
from ganwidgets.widgets.browser.style.shared_style import SharedStyle, set_hidden
from ganwidgets.widgets.controls.locked_inputs import GuardedSlider
from ganwidgets.widgets.panels.graph.texts import number_of

if TYPE_CHECKING:
    from ganwidgets.live.frames.frame import Frame
    from ganwidgets.live.observations.scales import Scales

__all__ = ["ScalesPanel"]

STOPS = 100
"""Number of slider positions from one resolution to the next."""

LEAST = 96
"""Minimum side of an image on the page, in pixels."""

GAP = 2
"""Pixels between two images on the page."""


class ScalesPanel:
    """The stack of resolutions and its controls; hidden for networks with one resolution.

    For networks that grow: the stack of both networks, a button that unlocks the next resolution, and a slider for
    the level, whose fraction is alpha. For MSG-GAN: samples at every resolution, and the norm of the gradient
    of G's loss with respect to them.

    Parameters
    ----------
    catalog : Catalog
        The reader's language.
    ask : callable
        ``ask(name, value)`` requests a value of a setting.
    unlocked : callable
        Returns the requested value of the setting `growth_level`.
    look : SharedStyle
        Layout and styles shared with the rest of one widget.

    Attributes
    ----------
    name : str
    interval : float
        Minimum seconds between two draws.
    needs : frozenset of str
        Observations that frames must contain.
    widget : ipywidgets.Box
        The images of all scales. Created once; later only its traits change.
    growth : ipywidgets.Box
        The stack of both networks, with its controls: a part of the overview.
    """

    name = "scales"
    interval = 0.5
    needs = frozenset({"scales"})

    def __init__(
        self,
        catalog: Catalog,
        ask: Callable[[str, Any], None],
        unlocked: Callable[[], float],
        look: SharedStyle,
    ) -> None:
        self._catalog, self._ask, self._unlocked = catalog, ask, unlocked
        self._guard = threading.RLock()
        self.unlock = look.button(
            catalog(N_("Unlock now")),
            lambda: self._ask("growth_level", math.floor(self._unlocked()) + 1.0),
            "gw-unlock",
            tooltip=catalog(N_("The next resolution takes part from the next step on.")),
        )
        self.alpha = GuardedSlider(
            self._guard,
            self._moved,
            max=STOPS,
            readout=False,
            description=catalog(N_("Level")),
            **look.of(GuardedSlider, "gw-alpha"),
        )
        self._stacks = look.html("", "gw-stack-holder")
        controls = look.box([self.unlock, self.alpha], "gw-growth")
        self.growth = look.box([self._stacks, controls], "gw-stacks", "gw-hidden")
        self._pictures = look.html("", "gw-scale-rows")
        self.widget = look.box([self._pictures], f"gw-{self.name}", "gw-panel", "gw-hidden")

    @property
    def names(self) -> dict[str, tuple[str, str]]:
        """Accessible name and tooltip of the slider, by CSS class."""
        t = self._catalog
        text = N_("Drag to fade resolutions in and out by hand; the schedule then stops.")
        return {"gw-alpha": (t(N_("Level")), t(text))}

    def draw(self, frame: Frame) -> None:
        """Show the resolutions of `frame`."""
        scales: Scales | None = frame.seen.get("scales")
        grows = scales is not None and scales.level is not None
        set_hidden(self.growth, not grows)
        set_hidden(self.widget, scales is None or grows)
        if scales is None:
            return
        if scales.level is None:
            self._pictures.value = self._drawn_pictures(frame, scales)
            return
        top = len(scales.sides) - 1
        with self._guard:
            self.alpha.max = top * STOPS
            self.alpha.value = round(scales.level * STOPS)
        self.unlock.disabled = scales.level >= top
        self._stacks.value = self._drawn_stacks(scales, scales.level)

    def _moved(self, place: int) -> None:
        # Without the schedule, the level is the value chosen here.
        self._ask("growth_samples", 0)
        self._ask("growth_level", place / STOPS)

    def _drawn_stacks(self, scales: Scales, level: float) -> str:
        t = self._catalog
        numbers = range(len(scales.sides))
        generator = [self._block(scales, number) for number in numbers]
        rows = ((N_("Generator"), "g", generator), (N_("Discriminator"), "d", generator[::-1]))
        whole = int(level)
        alpha = level - whole
        text = (
            t(
                N_("{side}x{side}, and {next}x{next} fades in: alpha {alpha:.2f}"),
                side=scales.sides[whole],
                next=scales.sides[whole + 1],
                alpha=alpha,
            )
            if alpha > 0
            else t(N_("{side}x{side}"), side=scales.sides[whole])
        )
        drawn = "".join(
            f'<div class="gw-stack gw-stack-{letter}"><span class="gw-cell-label">{html.escape(t(label))}</span>'
            f"{''.join(blocks)}</div>"
            for label, letter, blocks in rows
        )
        return f'<div class="gw-stack-caption" role="status">{html.escape(text)}</div>{drawn}'

    def _block(self, scales: Scales, number: int) -> str:
        side, share = scales.sides[number], scales.share(number)
        state = "locked" if share == 0 else "fading" if share < 1 else "active"
        return (
            f'<span class="gw-stack-block gw-stack-{state}" style="height:{14 + 8 * number}px">'
            f'<i style="height:{share:.0%}"></i><b>{side}\N{SUPERSCRIPT TWO}</b></span>'
        )

    def _drawn_pictures(self, frame: Frame, scales: Scales) -> str:
        t = self._catalog
        norms = [_newest(frame, f"{SCALE_NORM}{side}") for side in scales.sides]
        most = max((norm for norm in norms if math.isfinite(norm)), default=1.0) or 1.0
        rows = []
        for side, images, norm in zip(scales.sides, scales.images, norms, strict=True):
            label = html.escape(t(N_("{side}x{side}"), side=side))
            share = norm / most if math.isfinite(norm) else 0.0
            text = html.escape(t(N_("gradient of G's loss by these images: {norm}"), norm=number_of(norm)))
            rows.append(
                f'<figure class="gw-scale"><img alt="{label}" src="{_row_of(images)}"/><figcaption>{label}'
                f'<span class="gw-scale-norm" title="{text}"><i style="width:{share:.0%}"></i></span>'
                f"<span>{html.escape(number_of(norm))}</span></figcaption></figure>"
            )
        head = html.escape(t(N_("The same samples at every resolution; bars: gradient of G's loss by them")))
        return f'<div class="gw-stack-caption">{head}</div>{"".join(rows)}'


def _newest(frame: Frame, column: str) -> float:
    envelope = frame.losses.get(column)
    known = np.array([]) if envelope is None else envelope[2][np.isfinite(envelope[2])]
    return float(known[-1]) if len(known) else math.nan


def _row_of(images: Sequence[np.ndarray] | np.ndarray) -> str:
    """Return images [n, C, side, side] in one row, enlarged without blur, as a PNG data URL."""
    shown = levels(np.asarray(images))
    factor = max(LEAST // 2 // shown.shape[1], 1)
    enlarged = shown.repeat(factor, 1).repeat(factor, 2)
    spaced = np.pad(enlarged, ((0, 0), (0, 0), (0, GAP), (0, 0)), constant_values=128)
    return "data:image/png;base64," + base64.b64encode(as_png(np.concatenate(list(spaced), 1))).decode()
