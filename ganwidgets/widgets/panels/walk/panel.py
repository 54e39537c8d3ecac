"""The walk through one update: the player of its sub-steps, and a sentence on each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import ipywidgets
import torch
from traitlets import Dict

from ganwidgets.messages import Catalog, N_
from ganwidgets.runs.inspect.substeps import SubStep
from ganwidgets.widgets.browser.assets import script, stylesheet
from ganwidgets.widgets.browser.page.scripted import ScriptedWidget
from ganwidgets.widgets.browser.style.shared_style import SharedStyle

if TYPE_CHECKING:
    from ganwidgets.live import Frame

__all__ = ["WalkPanel", "sentence_on", "spelled_number", "spelled_pair", "words_of"]

STAGES: Mapping[str, str] = {
    "noise": N_("draw noise"),
    "generate": N_("generate"),
    "classify": N_("classify"),
    "loss": N_("loss"),
    "gradients": N_("gradients"),
    "update": N_("update"),
}
"""Label of each stage."""

NETWORKS: Mapping[str, str] = {
    "both": N_("D, then G: a full step"),
    "discriminator": N_("D: the discriminator"),
    "generator": N_("G: the generator"),
}

UPDATE_OF: Mapping[str, str] = {
    "discriminator": N_("Update of the discriminator"),
    "generator": N_("Update of the generator"),
}

SHOWN_NOISE = 150
"""Number of noise vectors drawn by their first two coordinates."""

Move = Callable[[Any, Any], None]


class WalkView(ScriptedWidget):
    """The player in the browser; created once.

    To the browser go two dictionaries: `words`, once, and `scene`, whole at each sub-step: ``network``,
    ``stage`` ("" without a walk), ``title``, ``sentence`` (plain text), ``note``, ``index`` and
    ``noise``, pairs of numbers. From the browser: ``{"move": "begin", "network": ...}``, and the moves
    ``next``, ``back``, ``finish`` and ``leave``. The clock of *Play slowly* runs in the browser, and requests
    the next sub-step only when the last one has arrived.

    Parameters
    ----------
    words : mapping
        All texts, in the reader's language.
    move : callable
        ``move(name, network)``, on the thread of the browser's messages.
    """

    _esm = script("panels/walk/walk")
    _css = stylesheet("panels/walk/walk")

    words = Dict().tag(sync=True)
    scene = Dict().tag(sync=True)

    def __init__(self, words: Mapping[str, Any], scene: Mapping[str, Any], move: Move) -> None:
        self._move = move
        super().__init__(words=dict(words), scene=dict(scene))
        self.on_msg(self._on_message)

    def _on_message(self, _widget: Any, content: Mapping[str, Any], _buffers: Any) -> None:
        move, network = content.get("move"), content.get("network", "both")
        known = [name for name, _ in self.words["networks"]]
        if move in {"begin", "next", "back", "finish", "leave"} and network in known:
            self._move(move, network)


class WalkPanel:
    """The player and its texts.

    Parameters
    ----------
    catalog : Catalog
        The reader's language.
    move : callable
        ``move(name, network)`` begins or continues a walk; returns at once, thread-safe.
    look : SharedStyle, optional
        Layout and styles shared with the rest of one widget.
    below : sequence of Widget, optional
        What follows the player.

    Attributes
    ----------
    name : str
    interval : float
        Minimum seconds between two draws.
    widget : ipywidgets.Box
        Made once.
    """

    name = "walk"
    interval = 0.0

    def __init__(
        self,
        catalog: Catalog,
        move: Move,
        look: SharedStyle | None = None,
        below: Sequence[ipywidgets.Widget] = (),
    ) -> None:
        self._catalog = catalog
        self._move = move
        self._left = False
        self._note = ""
        self._noted_at: int | None = None
        self._step: SubStep | None = None
        self.view = WalkView(self._words(), self._scene(None, None), self._begin_move)
        look = look or SharedStyle()
        self.widget = look.part(self.name, [self.view, *below], "gw-walk", "gw-panel")

    def show_note(self, note: str) -> None:
        """Show `note` from the next frame on, until the run moves; an empty string removes the note."""
        self._note = note
        self._noted_at = None

    def draw(self, frame: Frame) -> None:
        """Show the current sub-step."""
        step = self._substep(frame)
        if step is None and self._step is not None and not self._note and not self._left:
            self.show_note(
                self._catalog(
                    N_("The walk is over. The run is at iteration {iteration}."), iteration=frame.iteration
                )
            )
        if self._noted_at is None:
            self._noted_at = frame.iteration
        if step is None:
            outdated = frame.status == "running" or frame.iteration != self._noted_at
        else:
            outdated = step is not self._step
        if outdated:
            self._note = ""
        self._step = step
        scene = self._scene(step, frame)
        if scene != self.view.scene:
            self.view.scene = scene

    def _begin_move(self, name: str, network: str) -> None:
        """Call `move`; a user who leaves the walk needs no note about its end."""
        self._left = name == "leave"
        self._move(name, network)

    def _words(self) -> dict[str, Any]:
        """Return all texts of the player."""
        return words_of(self._catalog)

    def _substep(self, frame: Any) -> SubStep | None:
        """Return the current sub-step of a frame's walk."""
        return None if frame.inside is None else frame.inside.step

    def _scene(self, step: SubStep | None, frame: Any) -> dict[str, Any]:
        if step is None or frame is None:
            return {"stage": "", "network": "", "note": self._note}
        return self._scene_of(step, frame)

    def _scene_of(self, step: SubStep, frame: Any) -> dict[str, Any]:
        """Return the player's scene of a sub-step."""
        t = self._catalog
        sentence = sentence_on(step, t)
        if frame.modality.on_plane and not step.skipped and (step.network, step.stage) in ON_PLANE:
            sentence += " " + t(ON_PLANE[step.network, step.stage])
        noise = torch.nn.functional.pad(step.noise[:SHOWN_NOISE], (0, 1))[:, :2]
        return {
            "stage": step.stage,
            "network": step.network,
            "index": step.index,
            "title": f"{t(UPDATE_OF[step.network])} {step.number}",
            "sentence": sentence,
            "note": self._note,
            "noise": noise.tolist() if step.stage in {"noise", "generate"} else [],
        }


def sentence_on(step: SubStep, t: Catalog) -> str:
    """Return a sentence on a sub-step, with its numbers."""
    if step.skipped:
        return t(
            N_("The loss {loss} is below the setting skip_d_below, so D is left as it is this time."),
            loss=spelled_number(step.loss),
        )
    return _SENTENCES[step.stage](step, t)


def _on_noise(step: SubStep, t: Catalog) -> str:
    n, dims = len(step.noise), step.noise.shape[1]
    if step.real is not None:
        return t(
            N_("Draw {n} noise vectors of {dims} numbers each, and take {n} real samples from the data."),
            n=n,
            dims=dims,
        )
    return t(
        N_(
            "Draw {n} new noise vectors of {dims} numbers each. G learns from D alone: it needs no real "
            "samples."
        ),
        n=n,
        dims=dims,
    )


def _on_generated(step: SubStep, t: Catalog) -> str:
    sentence = (
        N_("The generator turns the noise into {n} samples. It stays as it is: this update is D's.")
        if step.network == "discriminator"
        else N_("The generator turns the noise into {n} samples. Each one can be traced back to G's weights.")
    )
    return t(sentence, n=len(step.noise))


def _on_loss(step: SubStep, t: Catalog) -> str:
    sentence = (
        N_("D's loss: {loss}. The better D tells real from generated, the lower it is.")
        if step.network == "discriminator"
        else N_("G's loss: {loss}. The more D takes the generated samples for real, the lower it is.")
    )
    text = t(sentence, loss=spelled_number(step.loss))
    if step.frozen:
        text += " " + t(N_("The network is frozen: its loss is measured, and nothing else happens."))
    return text


def _on_verdicts(step: SubStep, t: Catalog) -> str:
    assert step.fake_logits is not None
    fake = step.fake_logits.float().mean().item()
    if step.real_logits is None:
        return t(
            N_(
                "D judges the generated samples: its mean logit is {fake}. A logit of 0 is undecided; the higher, the "
                "more “real”. D stays as it is."
            ),
            fake=spelled_number(fake),
        )
    real = step.real_logits.float().mean().item()
    return t(
        N_(
            "D judges every sample. Its mean logit is {real} for real and {fake} for generated ones. A logit of 0 is undecided; "
            "the higher, the more “real”."
        ),
        real=spelled_number(real),
        fake=spelled_number(fake),
    )


def _on_gradients(step: SubStep, t: Catalog) -> str:
    found = step.gradients
    assert found is not None
    sentence = (
        N_(
            "For each of D's {count} parameters: which way does the loss fall? Together these gradients have "
            "length {norm}. Nothing has moved yet."
        )
        if step.network == "discriminator"
        else N_(
            "Where would each sample have to go for G's loss to fall? Traced back through G this gives the "
            "gradients of its {count} parameters, of length {norm}. Nothing has moved yet."
        )
    )
    return t(
        sentence, count=sum(g.numel() for g in found.parameters.values()), norm=spelled_number(found.norm)
    )


def _on_update(step: SubStep, t: Catalog) -> str:
    effect = step.effect
    assert effect is not None
    sentence = (
        N_("D's parameters move by {distance}. On the same batch its loss goes from {before} to {after}.")
        if step.network == "discriminator"
        else N_(
            "G's parameters move by {distance}. On the same noise its loss goes from {before} to {after}."
        )
    )
    before, after = spelled_pair(step.loss, effect.loss)
    return t(
        sentence,
        distance=spelled_number(effect.distance),
        before=before,
        after=after,
    )


def spelled_pair(before: float | None, after: float | None) -> tuple[str, str]:
    """Return two numbers with as many digits, from 4 to 9, as are needed to distinguish them."""
    for digits in range(4, 9):
        written = spelled_number(before, digits), spelled_number(after, digits)
        if written[0] != written[1]:
            return written
    return spelled_number(before, 4), spelled_number(after, 4)


ON_PLANE: Mapping[tuple[str, str], str] = {
    ("discriminator", "gradients"): N_(
        "In the plane: an arrow points up if D's logit should rise there, down if it should fall."
    ),
    ("generator", "gradients"): N_("The arrows in the plane show it."),
    ("generator", "update"): N_(
        "In the plane: circles show the samples before the update, points show them after it."
    ),
    ("discriminator", "update"): N_("The map in the plane shows D after the update; go back to compare."),
}
"""For points: a hint on what the plane shows."""


_SENTENCES: Mapping[str, Callable[[SubStep, Catalog], str]] = {
    "noise": _on_noise,
    "generate": _on_generated,
    "classify": _on_verdicts,
    "loss": _on_loss,
    "gradients": _on_gradients,
    "update": _on_update,
}


def spelled_number(value: float | None, digits: int = 3) -> str:
    """Return a number as text; None gives an empty string."""
    return "" if value is None else f"{value:.{digits}g}".replace("-", "\N{MINUS SIGN}")


def words_of(t: Catalog) -> dict[str, Any]:
    """Return all texts of the player for the classic game."""
    return {
        "name": t(N_("Look inside one update")),
        "stages": [[stage, t(label)] for stage, label in STAGES.items()],
        "networks": [[name, t(label)] for name, label in NETWORKS.items()],
        "which": t(N_("Which update")),
        "begin": t(N_("Look inside")),
        "beginHelp": t(
            N_("Pause, and go through the next update in slow motion. Nothing changes until its end.")
        ),
        "back": t(N_("Back")),
        "backHelp": t(N_("The sub-step before (left arrow key).")),
        "next": t(N_("Next")),
        "nextHelp": t(N_("The next sub-step (right arrow key); after the last one the step is carried out.")),
        "play": t(N_("Play slowly")),
        "hold": t(N_("Hold")),
        "playHelp": t(N_("Go on by itself, or stop doing so (space bar).")),
        "speed": t(N_("Seconds for each sub-step")),
        "finish": t(N_("Finish")),
        "finishHelp": t(N_("Carry the step out at once and end the walk.")),
        "leave": t(N_("Leave")),
        "leaveHelp": t(N_("End the walk; nothing of the run has changed (escape key).")),
        "unchanged": t(N_("Nothing of the run has changed yet.")),
        "noise": t(N_("The noise, by its first two numbers")),
    }
