"""The timeline: a slider through the run's past, the tree of its branches, and buttons for travelling."""

from __future__ import annotations

import html
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ganwidgets.messages import Catalog, N_
from ganwidgets.rendering.drawing.phrases import spell_count
from ganwidgets.widgets.browser.style.shared_style import SharedStyle
from ganwidgets.widgets.controls.locked_inputs import GuardedDropdown, GuardedSlider, GuardedText
from ganwidgets.widgets.panels.timeline.branch_tree import scale_of, tree

if TYPE_CHECKING:
    from ganwidgets.live.frames.frame import Frame
    from ganwidgets.runs.timeline.branch_view import TimelineView

__all__ = ["TimelinePanel"]

TravelTo = Callable[[str, Any], int]

HELP = {
    "scrubber": N_("Drag to see the run as it was at any iteration: samples, curves and settings."),
    "branch": N_("Shows another branch at its last place."),
    "compare": N_("Draws the losses of another branch beside those of this one, in thin lines."),
    "name": N_("The name of the next branch."),
    "continue": N_("Train on from the iteration that is shown; what came after it stays on its branch."),
    "fork": N_("Begin a branch of that name here."),
    "undo": N_("Go back to just before the last change; the next step begins a branch."),
    "verify": N_(
        "Compute the stored run again from its seed and all changes, and compare every stored state, bit for bit."
    ),
}


class TimelinePanel:
    """Controls for travelling through the past of a run.

    Parameters
    ----------
    catalog : Catalog
        The reader's language.
    travel : callable
        ``travel(kind, value)`` with ``("goto", iteration)``, ``("switch", name)``, ``("fork", name)``
        or ``("undo", seq or None)`` queues a journey and returns its ticket; called on the thread that
        handles the browser's messages.
    go_on : callable
        Makes the run continue training from the current place.
    compare : callable
        Called with the name of the branch to compare, or None.
    verify : callable or None
        Called to verify the run; None if it is not stored.
    look : SharedStyle, optional
        Layout and styles shared with the rest of one widget.

    Attributes
    ----------
    name : str
    interval : float
        Minimum seconds between two draws.
    widget : ipywidgets.Box
        Created once; later only its traits change.
    """

    name = "timeline"
    interval = 1.0

    def __init__(
        self,
        catalog: Catalog,
        travel: TravelTo,
        go_on: Callable[[], None],
        compare: Callable[[str | None], None],
        verify: Callable[[], None] | None,
        look: SharedStyle | None = None,
    ) -> None:
        self._catalog = catalog
        self._travel = travel
        self._compare = compare
        self._guard = threading.RLock()
        self._past: TimelineView | None = None
        self._held: int | None = None
        self._refusal = ""
        look = look or SharedStyle()
        title = look.html(f"<strong>{html.escape(catalog(N_('Timeline')))}</strong>", "gw-timeline-title")
        self._message = look.html("", "gw-timeline-message")
        self.branch, self.compare = (
            GuardedDropdown(
                self._guard, chosen, description=catalog(label), **look.of(GuardedDropdown, f"gw-{name}")
            )
            for name, label, chosen in (
                ("branch", N_("Branch"), self._switched),
                ("compare", N_("Compare"), self._compared),
            )
        )
        self.fork_name = GuardedText(
            self._guard,
            lambda _: None,
            placeholder=catalog(N_("name of a new branch")),
            **look.of(GuardedText, "gw-branch-name"),
        )
        self.buttons = {
            action: look.button(catalog(label), act, f"gw-{action}", tooltip=catalog(HELP[action]))
            for action, label, act in (
                ("continue", N_("Continue from here"), go_on),
                ("fork", N_("New branch"), self._forked),
                ("undo", N_("Undo"), lambda: travel("undo", None)),
                *(() if verify is None else (("verify", N_("Verify"), verify),)),
            )
        }
        self._verdict = look.html("", "gw-replay-verdict")
        self.scrubber = GuardedSlider(
            self._guard,
            self._moved,
            max=scale_of(0),
            readout=False,
            **look.of(GuardedSlider, "gw-scrubber"),
        )
        self._tree = look.html("", "gw-tree-holder")
        head = look.box([title, self._message, self.branch, self.compare], "gw-timeline-head")
        foot = look.box(
            [
                *(button for action, button in self.buttons.items() if action != "fork"),
                self.fork_name,
                self.buttons["fork"],
            ],
            "gw-timeline-foot",
        )
        parts = [head, self.scrubber, self._tree, foot, self._verdict]
        self.widget = look.part(self.name, parts, f"gw-{self.name}", "gw-panel")

    @property
    def names(self) -> dict[str, tuple[str, str]]:
        """Accessible name and tooltip of each input, by CSS class."""
        t = self._catalog
        return {
            "gw-scrubber": (t(N_("Iteration")), t(HELP["scrubber"])),
            "gw-branch": (t(N_("Branch")), t(HELP["branch"])),
            "gw-compare": (t(N_("Compare")), t(HELP["compare"])),
            "gw-branch-name": (t(N_("name of a new branch")), t(HELP["name"])),
        }

    def draw(self, frame: Frame) -> None:
        """Show `frame`'s past."""
        past = frame.past
        with self._guard:
            self._past = past
            names = tuple(branch_view.name for branch_view in past.branches)
            if self.branch.options != names:
                self.branch.options = names
                kept = self.compare.value
                self.compare.options = [(self._catalog(N_("none")), ""), *((name, name) for name in names)]
                self.compare.value = kept if kept in names else ""
            self.branch.value = past.current.name
            if self._held is None:
                scale = scale_of(past.last)
                self.scrubber.max = max(self.scrubber.max, scale)
                self.scrubber.value = past.iteration
                self.scrubber.max = scale
            self.buttons["continue"].disabled = past.at_tip
            self.buttons["undo"].disabled = not any(r.branch in past.lineage for r in past.interventions)
        self._message.value = self._words(past)
        self._tree.value = tree(past, self._catalog)

    def arrived(self, ticket: int | None, refusal: str = "") -> None:
        """Handle the end of a journey by its ticket, or its refusal."""
        with self._guard:
            if ticket == self._held:
                self._held = None
            self._refusal = refusal

    def verified(self, sentence: str, *, over: bool) -> None:
        """Show the result of verifying the run, or that it is in progress."""
        self._verdict.value = f'<p role="status">{html.escape(sentence)}</p>'
        self.buttons["verify"].disabled = not over

    def go(self, where: str) -> None:
        """Travel to the element clicked in the tree: ``"switch:<name>"`` or ``"undo:<seq>"``."""
        kind, _, value = where.partition(":")
        if kind == "switch":
            self._travel("switch", value)
        elif kind == "undo" and value.isascii() and value.isdecimal():
            self._travel("undo", int(value))

    def _moved(self, iteration: int) -> None:
        past = self._past
        if past is None:
            return
        reached = min(max(iteration, past.first), past.current.last)
        with self._guard:
            self._held = self._travel("goto", reached)

    def _switched(self, name: str) -> None:
        self._travel("switch", name)

    def _compared(self, name: str) -> None:
        self._compare(name or None)

    def _forked(self) -> None:
        with self._guard:
            name, self.fork_name.value = self.fork_name.value, ""
        self._travel("fork", name)

    def _words(self, past: TimelineView) -> str:
        t = self._catalog
        where = t(
            N_("iteration {iteration} of {last}"),
            iteration=spell_count(past.iteration),
            last=spell_count(past.current.last),
        )
        hint = "" if past.at_tip else t(N_("in the past: the next step begins a new branch"))
        refusal = f'<span class="gw-refusal">{html.escape(self._refusal)}</span>' if self._refusal else ""
        at = ' class="gw-at-tip"' if past.at_tip else ""
        return (
            f'<span{at}>{html.escape(where)}</span><span class="gw-past">{html.escape(hint)}</span>{refusal}'
        )
