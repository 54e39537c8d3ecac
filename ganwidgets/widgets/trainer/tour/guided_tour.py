"""A guided tour of one widget: the button "?", and a card that moves through ten parts.

Everything happens in the browser. The kernel sends the stops once and receives nothing.
"""

from __future__ import annotations

from typing import Any

from traitlets import Dict, List

from ganwidgets.messages import Catalog, N_
from ganwidgets.widgets.browser.assets import script, stylesheet
from ganwidgets.widgets.browser.page.scripted import ScriptedWidget

__all__ = ["STOPS", "GuidedTour"]

STOPS: tuple[tuple[str, str, str], ...] = (
    (
        "gw-transport",
        N_("Buttons"),
        N_(
            "Play trains step after step, Pause stops. Step makes one full step. Speed slows the run down so that you can follow it."
        ),
    ),
    (
        "gw-status",
        N_("The status"),
        N_(
            "The number of steps so far, and how many are made each second. If training stops by itself, the reason is written here."
        ),
    ),
    (
        "gw-graph",
        N_("The two networks"),
        N_(
            "G turns noise into samples. D sees real and generated samples, and says which are real. Both learn from D's answer."
        ),
    ),
    (
        "gw-diagram",
        N_("The players"),
        N_(
            "Boxes are networks and losses, and arrows show which output enters which network. The box of a loss shows its newest value."
        ),
    ),
    (
        "gw-lr_d",
        N_("A control"),
        N_(
            "Move a slider while the run goes on: the next step obeys. The small ? beside it compares two futures, with and without a change."
        ),
    ),
    (
        "gw-plane",
        N_("The picture"),
        N_(
            "Blue squares are real, orange dots are generated. The ground shows D's answer at each place. Switch layers on and off below."
        ),
    ),
    (
        "gw-samples",
        N_("The picture"),
        N_(
            "Generated images. Each place keeps its noise, so you see one sample change while G learns. If all look alike, G has collapsed."
        ),
    ),
    (
        "gw-exhibits",
        N_("The picture"),
        N_("What the players see and make now, side by side. The rows are named at their left."),
    ),
    (
        "gw-curves",
        N_("The losses"),
        N_(
            "Each network's loss over the steps. In a game no loss has to fall to zero: look for a balance that holds."
        ),
    ),
    (
        "gw-metrics",
        N_("Is it good?"),
        N_("Figures of quality. Each is shown beside the score of a perfect generator."),
    ),
    (
        "gw-health",
        N_("What is wrong?"),
        N_(
            "If the run is ill, the symptom, its evidence and possible remedies are listed here. A remedy is tried on a copy first."
        ),
    ),
    (
        "gw-walk",
        N_("Inside one update"),
        N_("Walk through one update in small stages. Nothing changes before the last stage."),
    ),
    (
        "gw-timeline",
        N_("Back in time"),
        N_(
            "Drag the slider to return to any earlier step, bit for bit. If you train on from there, a branch begins; nothing is lost."
        ),
    ),
)
"""CSS class, title and text of each stop, in order. A stop whose part is not shown is skipped."""

WORDS = {
    "tour": N_("Guided tour"),
    "tour_help": N_("Visit the parts of this widget one by one."),
    "next": N_("Next"),
    "before": N_("Back"),
    "skip": N_("End the tour"),
    "place": N_("{number} of {count}"),
}


class GuidedTour(ScriptedWidget):
    """The button that begins the tour, and its card.

    Parameters
    ----------
    catalog : Catalog
        The reader's language.
    """

    _esm = script("trainer/tour/guided_tour")
    _css = stylesheet("trainer/tour/guided_tour")

    words = Dict().tag(sync=True)
    stops: Any = List(help="CSS class, title and text of each stop.").tag(sync=True)

    def __init__(self, catalog: Catalog) -> None:
        super().__init__(
            words={name: catalog(text) for name, text in WORDS.items()},
            stops=[[name, catalog(title), catalog(text)] for name, title, text in STOPS],
            _dom_classes=("gw-guide",),
        )
