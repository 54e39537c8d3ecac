"""Sub-steps of an update, as copies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from ganwidgets.games.game import Game
from ganwidgets.stepping.engine import Engine
from ganwidgets.stepping.modules.tensors import tensors_of
from ganwidgets.stepping.observers import StageObserver

__all__ = ["Effect", "FarEnough", "Gradients", "Recorder", "SubStep", "stages_of"]

SAMPLES = "samples"
"""Stage tensor that panels show as generated samples."""

LOGITS = ("real_logits", "fake_logits")
"""Stage tensors with their own fields."""


def stages_of(game: Game) -> tuple[str, ...]:
    """Return the names of the stages of an update, in order."""
    return game.draw_stage.name, *(stage.name for stage in game.stages), "loss", "gradients", "update"


@dataclass(frozen=True, eq=False)
class Gradients:
    """The gradients of the loss of an update, before parameters change.

    Attributes
    ----------
    parameters : mapping of str to Tensor
        Gradients by the trained parameters of the player, by name. Names begin with the network's name if the player
        has several. Parameters that the loss does not depend on are missing.
    norm : float
        Norm of all of them together.
    samples : Tensor [N, ...] or None
        Gradients by the generated samples of an update of the generator, in the units of training. The loss is a
        mean, so each is the gradient of the sample's own loss divided by N.
    real_logits, fake_logits : Tensor or None
        Gradients by the logits, without the discriminator's penalty. None if the loss or the player does not use them.
    others : mapping of str to Tensor or None
        Gradients by other tensors of the game's stages.
    """

    parameters: Mapping[str, Tensor]
    norm: float
    samples: Tensor | None
    real_logits: Tensor | None
    fake_logits: Tensor | None
    others: Mapping[str, Tensor | None] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Effect:
    """The same batch evaluated with the updated parameters.

    Attributes
    ----------
    generated : Tensor [N, ...]
        In the units that are drawn: images in [0, 1], points as they train.
    real_logits, fake_logits : Tensor
    loss : float
    tensors : mapping of str to mapping
        Every parameter and buffer of the player's networks, as they will be, by network and name.
    distance : float
        How far the parameters move: the norm of their change.
    """

    generated: Tensor | None
    real_logits: Tensor | None
    fake_logits: Tensor | None
    loss: float
    tensors: Mapping[str, Mapping[str, Tensor]]
    distance: float


@dataclass(frozen=True, eq=False)
class SubStep:
    """One sub-step of an update: all values known after its stage.

    Attributes
    ----------
    index : int
        Number of the sub-step within the whole walk, from 0.
    network : str
        The player whose update it belongs to.
    number : int
        Number of the update among those of this player in the walk, from 1.
    stage : str
        See :func:`stages_of`.
    frozen : bool
        True if the player is frozen: its loss is measured, and nothing else is done.
    skipped : bool
        True if the update is skipped because its loss is too low.
    noise : Tensor [N, latent_dim]
        [0, 0] in a game without noise.
    real : Tensor [N, ...] or None
        In the units of panels: images in [0, 1], points as they train. None if the update uses no real samples.
    labels : Tensor or None
        int64 [N].
    generated : Tensor [N, ...] or None
        In the units of panels. This and all following attributes are None before their stages.
    real_logits, fake_logits : Tensor or None
        [N], or one for each pack if the discriminator judges packs.
    loss : float or None
    gradients : Gradients or None
    effect : Effect or None
        Changes of the update. None if nothing changes.
    changed : mapping of str to mapping
        Every parameter and buffer of the networks that earlier updates of this walk would have changed, by network
        and name.
    found : mapping of str to Tensor
        Other tensors of the game's stages, by name.
    """

    index: int
    network: str
    number: int
    stage: str
    frozen: bool
    noise: Tensor
    real: Tensor | None
    labels: Tensor | None
    skipped: bool = False
    generated: Tensor | None = None
    real_logits: Tensor | None = None
    fake_logits: Tensor | None = None
    loss: float | None = None
    gradients: Gradients | None = None
    effect: Effect | None = None
    changed: Mapping[str, Mapping[str, Tensor]] = field(default_factory=dict)
    found: Mapping[str, Tensor] = field(default_factory=dict)


class FarEnough(Exception):  # noqa: N818 - not an error: it ends an update at a walk's sub-step
    """Signals that the requested stage has been carried out."""


class Recorder(StageObserver):
    """Records an update up to sub-step `wanted`, and stops it there.

    Parameters
    ----------
    engine : Engine
        It carries out the update; its state is put back by others.
    shown : callable
        From samples in the units of training to those that people see.
    wanted : int
        The index of the sub-step.

    Attributes
    ----------
    reached : SubStep or None
        The last sub-step that was reached.
    """

    def __init__(self, engine: Engine, shown: Callable[[Tensor], Tensor], wanted: int) -> None:
        self.reached: SubStep | None = None
        self._engine = engine
        self._players = {player.name: player for player in engine.game.players}
        self._shown = shown
        self._wanted = wanted
        self._index = -1
        self._numbers = dict.fromkeys(self._players, 0)
        self._live: dict[str, Tensor] = {}
        self._gradients: dict[str, Tensor | None] = {}
        self._changed: dict[str, Mapping[str, Tensor]] = {}
        self._begin()

    def _begin(self) -> None:
        """Record the sources of the next update's draws, so that the batch can be drawn again."""
        self._draw_again = self._engine.state.copy_drawing()

    def _reach(self, stage: str, **found: Any) -> None:
        self._index += 1
        self.reached = replace(self._here, index=self._index, stage=stage, **found)
        if self._index == self._wanted:
            raise FarEnough

    @property
    def _here(self) -> SubStep:
        assert self.reached is not None
        return self.reached

    def on_draw(self, player: str, batch: Any, *, frozen: bool) -> None:
        self._numbers[player] += 1
        self._live, self._gradients = {}, {}
        self._parameters = [p.detach().clone() for p in self._engine.state.parameters[player]]
        noise, real, labels = (getattr(batch, name, None) for name in ("noise", "real", "labels"))
        stage = self._engine.game.draw_stage.name
        self.reached = SubStep(
            index=self._index,
            network=player,
            number=self._numbers[player],
            stage=stage,
            frozen=frozen,
            noise=torch.empty(0, 0) if noise is None else _copy(noise),
            real=None if real is None else self._seen(real),
            labels=None if labels is None else _copy(labels),
            changed=dict(self._changed),
        )
        self._reach(stage)

    def on_stage(self, stage: str, /, **tensors: Tensor | None) -> None:
        given = {name: tensor for name, tensor in tensors.items() if tensor is not None}
        self._live |= given
        copies = {name: _copy(tensor) for name, tensor in given.items()}
        found: dict[str, Any] = {name: copies.pop(name) for name in LOGITS if name in copies}
        if SAMPLES in copies:
            found["generated"] = self._shown(copies.pop(SAMPLES))
        self._reach(stage, **found, found={**self._here.found, **copies})

    def on_loss(self, loss: Tensor) -> None:
        self._reach("loss", loss=loss.item())
        if loss.requires_grad:
            live = {name: tensor for name, tensor in self._live.items() if tensor.requires_grad}
            found: tuple[Tensor | None, ...] = ()
            if live:
                found = torch.autograd.grad(loss, list(live.values()), retain_graph=True, allow_unused=True)
            self._gradients = {
                name: None if gradient is None else _copy(gradient)
                for name, gradient in zip(live, found, strict=True)
            }

    def on_gradients(self, gradients: Sequence[Tensor | None]) -> None:
        named = {n: _copy(g) for n, g in zip(self._names(), gradients, strict=True) if g is not None}
        flat = [gradient.reshape(-1) for gradient in named.values()]
        others = dict(self._gradients)
        found = Gradients(
            parameters=named,
            norm=torch.linalg.vector_norm(torch.cat(flat)).item() if flat else 0.0,
            samples=others.pop(SAMPLES, None),
            real_logits=others.pop("real_logits", None),
            fake_logits=others.pop("fake_logits", None),
            others=others,
        )
        self._reach("gradients", gradients=found)

    def _names(self) -> Iterator[str]:
        """Return the names of the player's trained parameters, in order."""
        networks = self._players[self._here.network].networks
        for network in networks:
            prefix = f"{network}." if len(networks) > 1 else ""
            for name, parameter in self._engine.state.networks[network].named_parameters():
                if parameter.requires_grad:
                    yield prefix + name

    def on_update(self, *, skipped: bool) -> None:
        effect = None
        if not skipped and self._index + 1 == self._wanted:
            effect = self._effect()
        self._reach("update", skipped=skipped, effect=effect)
        if not skipped:
            self._changed |= self._tensors()
        self._begin()

    def _tensors(self) -> dict[str, dict[str, Tensor]]:
        """Return copies of all tensors of the player's networks."""
        networks, state = self._players[self._here.network].networks, self._engine.state
        return {
            network: {name: _copy(tensor) for name, tensor in tensors_of(state.networks[network]).items()}
            for network in networks
        }

    def _effect(self) -> Effect:
        """Repeat the update up to its loss, with the new parameters."""
        player, engine = self._here.network, self._engine
        state, tensors = engine.state, self._tensors()
        moved = [
            (now.detach() - then).reshape(-1)
            for now, then in zip(state.parameters[player], self._parameters, strict=True)
        ]
        self._draw_again()
        again = Recorder(engine, self._shown, wanted=stages_of(engine.game).index("loss"))
        engine.observer = again
        try:
            engine.advance(player, measure=False)
        except FarEnough:
            pass
        finally:
            engine.observer = self
        found = again.reached
        assert found is not None
        assert found.loss is not None
        return Effect(
            generated=found.generated,
            real_logits=found.real_logits,
            fake_logits=found.fake_logits,
            loss=found.loss,
            tensors=tensors,
            distance=torch.linalg.vector_norm(torch.cat(moved)).item() if moved else 0.0,
        )

    def _seen(self, samples: Tensor) -> Tensor:
        return self._shown(_copy(samples))


def _copy(tensor: Tensor) -> Tensor:
    return tensor.detach().to("cpu", copy=True)
