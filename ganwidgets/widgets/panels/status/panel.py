"""The status line with the state and numbers of the run, and the box with its error."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import ipywidgets

from ganwidgets.messages import Catalog, N_
from ganwidgets.rendering.drawing.phrases import NONE, STATES, spell_count, spell_loss
from ganwidgets.widgets.browser.style.shared_style import SharedStyle

if TYPE_CHECKING:
    from ganwidgets.live.frames.frame import Frame

__all__ = ["Cell", "StatusPanel"]

MOSTLY = 0.9
"""Share of verdicts within one per cent of 1/2 above which D counts as undecided: whether it is right is then
decided by the last bits of its logits."""

TROUBLE: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "diverged": (
            N_("The training diverged."),
            N_(
                "Recover goes back to the last good state; a lower learning rate or a penalty usually keeps it from happening again."
            ),
        ),
        "error": (
            N_("The run was stopped by an error."),
            N_(
                "Repair the cause, then Recover goes back to the last good state and Play goes on from there."
            ),
        ),
    }
)
"""General description and remedy for each status with an error."""


class Cell(NamedTuple):
    """A number of the status line.

    Attributes
    ----------
    label, value : str
    mark : str
        A tone, or the name of what the number belongs to.
    in_overview : bool
        True if the overview shows the number too; the line then shows it only without the overview.
    """

    label: str
    value: str
    mark: str = ""
    in_overview: bool = False


class StatusPanel:
    """State, iteration, steps per second, both losses, D's accuracy; and any trouble.

    Parameters
    ----------
    catalog : Catalog
        The reader's language.
    look : SharedStyle, optional
        Layout and styles shared with the rest of one widget.
    below : sequence of Widget, optional
        What follows the box of the error.

    Attributes
    ----------
    name : str
    interval : float
        Minimum seconds between two draws.
    widget : ipywidgets.Box
        Created once; later only its traits change.
    """

    name = "status"
    interval = 0.2

    def __init__(
        self,
        catalog: Catalog,
        look: SharedStyle | None = None,
        below: Sequence[ipywidgets.Widget] = (),
    ) -> None:
        self._catalog = catalog
        look = look or SharedStyle()
        self._line = look.html(self._state("idle"), "gw-line")
        self._box = look.html("", "gw-trouble")
        self._trouble: tuple[str, BaseException | None] = ("", None)
        self._notice = ""
        self.widget = look.part(self.name, [self._line, self._box, *below], f"gw-{self.name}")

    def draw(self, frame: Frame) -> None:
        """Show the numbers of `frame`."""
        self._line.value = (
            f'<div role="status" aria-live="polite" class="gw-status-line">'
            f"{self._state(frame.status)}{self._numbers(frame)}{self._data(frame)}</div>"
        )
        status, error = self._trouble
        if status and status != frame.status:
            self.report(frame.status, error if frame.status in TROUBLE else None)

    def notify(self, notice: str) -> None:
        """Show the result of a recovery until the run continues; an empty text shows nothing."""
        self._notice = (
            f'<div role="status" class="gw-trouble-box"><p>{html.escape(self._catalog(notice))}</p></div>'
            if notice
            else ""
        )
        self._box.value = self._notice

    def report(self, status: str, error: BaseException | None) -> None:
        """Show the error of the run, or close its box.

        Parameters
        ----------
        status : str
            ``"diverged"`` and ``"error"`` open the box, any other status closes it.
        error : exception or None
            What stopped the run.
        """
        self._trouble = (status, error)
        if status == "running" or status in TROUBLE:
            self._notice = ""
        self._box.value = self._sentence(status, error) if status in TROUBLE else self._notice

    def _sentence(self, status: str, error: BaseException | None) -> str:
        headline, remedy = map(self._catalog, TROUBLE[status])
        detail = f"<p>{html.escape(self._catalog.error(error))}</p>" if error is not None else ""
        return (
            f'<div role="alert" class="gw-trouble-box"><strong>{html.escape(headline)}</strong>'
            f"{detail}<p>{html.escape(remedy)}</p></div>"
        )

    def _state(self, status: str) -> str:
        text = html.escape(self._catalog(STATES.get(status, status)))
        return f'<span class="gw-state gw-state-{html.escape(status)}">{text}</span>'

    def cells(self, frame: Frame) -> list[Cell]:
        """Return each number."""
        record = frame.record
        return [
            *self.progress(frame),
            Cell(N_("loss of D"), spell_loss(record.get("loss_d")), "d", in_overview=True),
            Cell(N_("loss of G"), spell_loss(record.get("loss_g")), "g", in_overview=True),
            Cell(N_("D right on real"), self._right(frame, "accuracy_real"), "real"),
            Cell(N_("on generated"), self._right(frame, "accuracy_fake"), "fake"),
        ]

    def progress(self, frame: Frame) -> list[Cell]:
        """Return the iteration and the rate."""
        return [
            Cell(N_("iteration"), spell_count(frame.iteration), "iteration"),
            Cell(N_("steps/s"), _rate(frame.steps_per_second)),
        ]

    def _numbers(self, frame: Frame) -> str:
        return "".join(map(self._written, self.cells(frame)))

    def _written(self, cell: Cell) -> str:
        mark = f" gw-mark-{cell.mark}" if cell.mark else ""
        elsewhere = " gw-in-overview" if cell.in_overview else ""
        return (
            f'<span class="gw-cell{mark}{elsewhere}">'
            f'<span class="gw-cell-label">{html.escape(self._catalog(cell.label))}</span> '
            f'<span class="gw-cell-value">{cell.value}</span></span>'
        )

    def _data(self, frame: Frame) -> str:
        """Return how the user's own data was read."""
        if not frame.taken_as:
            return ""
        return (
            f'<span class="gw-cell gw-cell-data"><span class="gw-cell-label">{html.escape(self._catalog(N_("data")))}'
            f'</span> <span class="gw-cell-value">{html.escape(self._catalog(frame.taken_as))}</span></span>'
        )

    def _right(self, frame: Frame, column: str) -> str:
        """Return an accuracy of D as text; an undecided D is neither right nor wrong."""
        if frame.signs.get("undecided", 0.0) > MOSTLY:
            return html.escape(self._catalog(N_("undecided")))
        return _share(frame.record.get(column))


def _rate(value: float) -> str:
    if not math.isfinite(value) or value <= 0:
        return NONE
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def _share(value: float | None) -> str:
    return NONE if value is None or not math.isfinite(value) else f"{value:.0%}"
