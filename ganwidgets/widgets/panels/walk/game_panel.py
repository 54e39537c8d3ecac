"""The walk through one update of any game but the classic one, with the game's stages and players."""

from __future__ import annotations

import base64
import html
from typing import TYPE_CHECKING, Any

import torch

from ganwidgets.games.game import Game
from ganwidgets.messages import Catalog, N_
from ganwidgets.rendering.pictures.exhibits import row_of
from ganwidgets.runs.inspect.substeps import SubStep, stages_of
from ganwidgets.widgets.browser.style.shared_style import SharedStyle
from ganwidgets.widgets.panels.walk.panel import SHOWN_NOISE, Move, WalkPanel, spelled_number, words_of

if TYPE_CHECKING:
    from ganwidgets.live.frames.game_camera import GameFrame

__all__ = ["GameWalkPanel"]

IMAGES = 8
"""Number of displayed images of the batch."""

LAST_STAGES = {"loss": N_("loss"), "gradients": N_("gradients"), "update": N_("update")}


class GameWalkPanel(WalkPanel):
    """The player, the numbers of each sub-step, and the images that the update has made so far.

    Parameters
    ----------
    catalog, move, look
        As for :class:`WalkPanel`.
    game : Game
    """

    def __init__(self, catalog: Catalog, move: Move, game: Game, look: SharedStyle) -> None:
        self._game = game
        self._labels = {player.name: catalog(player.label) for player in game.players}
        stages = {stage.name: catalog(stage.label) for stage in (game.draw_stage, *game.stages)}
        self._stages = {**stages, **{name: catalog(label) for name, label in LAST_STAGES.items()}}
        self._images = look.html("", "gw-walk-images")
        super().__init__(catalog, move, look, [self._images])

    def _words(self) -> dict[str, Any]:
        full = self._catalog(N_("every player in turn: a full step"))
        return {
            **words_of(self._catalog),
            "stages": [[name, self._stages[name]] for name in stages_of(self._game)],
            "networks": [["both", full], *map(list, self._labels.items())],
        }

    def draw(self, frame: Any) -> None:
        """Show the current sub-step."""
        super().draw(frame)
        step = self._step
        made = None if step is None else step.generated
        if step is not None and made is None:
            made = next((t for t in step.found.values() if t.ndim == 4 and t.shape[1] in {1, 3}), None)
        self._images.value = "" if made is None or made.ndim != 4 else self._row(made[:IMAGES])

    def _row(self, images: torch.Tensor) -> str:
        signed = bool((images < 0).any())
        png, _, _ = row_of(images.float().numpy(), "signed" if signed else "samples")
        label = html.escape(self._catalog(N_("Images of this batch")))
        data = base64.b64encode(png).decode("ascii")
        return (
            f'<figure class="gw-exhibit"><figcaption>{label}</figcaption>'
            f'<img class="gw-exhibit-image" alt="{label}" src="data:image/png;base64,{data}"/></figure>'
        )

    def _substep(self, frame: GameFrame) -> SubStep | None:
        return frame.walk

    def _scene_of(self, step: SubStep, frame: Any) -> dict[str, Any]:
        del frame
        t = self._catalog
        noise = torch.nn.functional.pad(step.noise.flatten(1)[:SHOWN_NOISE], (0, 1))[:, :2]
        first = step.stage == self._game.draw_stage.name
        return {
            "stage": step.stage,
            "network": step.network,
            "index": step.index,
            "title": t(
                N_("{player}: update {number}"), player=self._labels[step.network], number=step.number
            ),
            "sentence": self._sentence(step),
            "note": self._note,
            "noise": noise.tolist() if first and step.noise.numel() else [],
        }

    def _sentence(self, step: SubStep) -> str:
        t, player, stage = self._catalog, self._labels[step.network], step.stage
        loss = spelled_number(step.loss)
        if step.skipped:
            sentence = t(N_("The loss {loss} is so low that this update is skipped."), loss=loss)
        elif step.frozen and stage == "loss":
            sentence = t(
                N_("{player} is frozen: its loss {loss} is measured, and nothing moves."),
                player=player,
                loss=loss,
            )
        elif stage == "loss":
            sentence = t(N_("What {player} minimises is {loss} on this batch."), player=player, loss=loss)
        elif stage == "gradients":
            sentence = t(
                N_("The gradient of that loss by the parameters of {player} has the norm {norm}."),
                player=player,
                norm=spelled_number(None if step.gradients is None else step.gradients.norm),
            )
        elif stage == "update":
            sentence = self._on_update(step)
        elif stage == self._game.draw_stage.name:
            sentence = t(
                N_(
                    "Read the real samples of this update and draw its random numbers; nothing is computed yet."
                )
            )
        else:
            sentence = f"{self._stages[stage]}{self._means(step)}"
        return sentence

    def _on_update(self, step: SubStep) -> str:
        if step.effect is None:
            return self._catalog(N_("Nothing moves in this update."))
        return self._catalog(
            N_("The parameters move by {distance}. On the same batch the loss becomes {loss}."),
            distance=spelled_number(step.effect.distance),
            loss=spelled_number(step.effect.loss),
        )

    def _means(self, step: SubStep) -> str:
        """Return the mean of each tensor that the stage reported."""
        known = {**step.found}
        if step.generated is not None:
            known["samples"] = step.generated
        for name in ("real_logits", "fake_logits"):
            tensor = getattr(step, name)
            if tensor is not None:
                known[name] = tensor
        parts = [
            self._catalog(
                N_("mean of {name} {mean}"),
                name=name.replace("_", " "),
                mean=spelled_number(tensor.float().mean().item()),
            )
            for name, tensor in known.items()
            if tensor.numel()
        ]
        return ": " + ", ".join(parts) if parts else ""
