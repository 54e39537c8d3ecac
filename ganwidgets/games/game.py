"""Declaration of a game: players, losses, data, and exhibits.

A game is declarative and keeps no state between calls. The engine (:mod:`ganwidgets.stepping.engine`) carries out the
updates of any game: order, freezing, buffers, gradients, clipping, optimizers, averages and records. Two methods define
an update. :meth:`Game.draw` reads data and draws random numbers, and does nothing else. :meth:`Game.loss` computes the
player's loss from that batch, without drawing or reading. So an update can be repeated, inspected stage by stage, or
computed for many runs at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Literal, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from ganwidgets.messages import Message, N_
from ganwidgets.modality import Metric, Modality
from ganwidgets.settings.types import Setting

__all__ = [
    "Batch",
    "Diagram",
    "Exhibit",
    "Feed",
    "Flow",
    "Game",
    "LookAhead",
    "NetworkFn",
    "Node",
    "Player",
    "Scored",
    "Stage",
    "Stream",
    "StreamShape",
    "Tell",
    "Turn",
]

NOTHING: Mapping[str, Any] = MappingProxyType({})

NetworkFn = Callable[..., Tensor]
"""A network as a function: a module, or a module with other weights or in another precision."""


@dataclass(frozen=True)
class Player:
    """Networks that one optimizer updates to minimise one loss.

    Attributes
    ----------
    name : str
        Key of the player's optimizer in the state: ``"discriminator"``.
    letter : str
        Suffix of its settings (``lr_d``), columns (``loss_d``) and step (``step_d``).
    label : str
        Display name; translatable.
    networks : tuple of str
        Names of the networks whose parameters it updates. Its updates do not change buffers of other networks.
    averaged : str or None
        The network with an exponential moving average while ``ema_decay`` is above 0.
    role : {"generator", "discriminator"} or None
        Selects the colour of its card, curves and nodes. If None, the letters ``g`` and ``d`` do so.
    """

    name: str
    letter: str
    label: str
    networks: tuple[str, ...]
    averaged: str | None = None
    role: Literal["generator", "discriminator"] | None = None


@dataclass(frozen=True)
class Stream:
    """A sequence of real samples with its own cursor.

    Attributes
    ----------
    name : str
        Key of the cursor in the state, and argument of :meth:`Feed.take`.
    label : str
        Display name; translatable.
    paired : bool
        True if each sample has a target; see :attr:`Batch.targets`.
    labelled : bool
        True if the game needs a class label with each sample.
    """

    name: str
    label: str
    paired: bool = False
    labelled: bool = False


@dataclass(frozen=True)
class StreamShape:
    """Sizes for the construction of networks.

    Attributes
    ----------
    shape : tuple of int
        Shape of one sample: ``(F,)`` for points, ``(C, H, W)`` for images.
    targets : tuple of int or None
        Shape of one target, for a paired stream.
    classes : int
        Number of classes; 0 for data without labels.
    """

    shape: tuple[int, ...]
    targets: tuple[int, ...] | None = None
    classes: int = 0


class Batch(NamedTuple):
    """Real samples, in the order of the run.

    Attributes
    ----------
    samples : Tensor, float32 [n, ...]
    labels : Tensor, int64 [n], or None
    targets : Tensor, float32 [n, ...], or None
        The second half of each pair, for a paired stream.
    """

    samples: Tensor
    labels: Tensor | None = None
    targets: Tensor | None = None


class Feed(Protocol):
    """The real samples of one update."""

    def take(self, n: int, stream: str = "data") -> Batch:
        """Return the next `n` samples of `stream`, and advance its cursor by `n`."""

    def draw_labels(self, n: int, generator: torch.Generator, stream: str = "data") -> Tensor:
        """Return `n` labels drawn from the data's distribution, int64 [n]."""


class LookAhead(Protocol):
    """Networks after hypothetical updates, differentiable with respect to the losses' inputs."""

    def __call__(
        self,
        player: str,
        loss_after: Callable[[Mapping[str, NetworkFn], int], Tensor | None],
        steps: int,
        *,
        weight_clip: float = 0.0,
    ) -> Mapping[str, NetworkFn]:
        """Return all networks, those of `player` as they would be after `steps` updates.

        Parameters
        ----------
        player : str
            Its optimizer's rule applies; optimizer and weights do not change.
        loss_after : callable
            ``(networks, number)`` returns the loss of update `number`, counted from 0, or None to skip that update.
        weight_clip : float
            Parameters are clamped to [-weight_clip, weight_clip] after each update; 0 does not clamp.
        """


class Tell(Protocol):
    """Reports a stage of an update to an observer; does nothing in an ordinary step."""

    def __call__(self, stage: str, /, **tensors: Tensor | None) -> None: ...


@dataclass(slots=True)
class Turn:
    """Inputs of an update. Made when settings take effect; the engine updates the counters.

    Attributes
    ----------
    networks : mapping of str to callable
        By name, in the current precision.
    modules : mapping of str to torch.nn.Module
        The same networks as modules, with buffers and attributes. Only :meth:`Game.prepare` changes them.
    settings
        The current values of all settings, as attributes.
    random : mapping of str to torch.Generator
        A CPU generator for each purpose (``"noise"``); all are part of the state.
    device : torch.device
        Device of the networks.
    memory : mapping of str to Tensor
        The game's own tensors in the state; see :meth:`Game.memory` and :attr:`Scored.memory`.
    counts : mapping of str to int
        Number of updates of each player, modulo its :meth:`Game.period`.
    gradient : callable
        ``gradient(function, x)`` returns the gradient of the scalar ``function(x)`` by `x`, detached.
    look_ahead : LookAhead
    tell : Tell
    iteration : int
        Number of full steps so far.
    frozen_players : frozenset of str
        The players that are only measured: frozen, or without trainable parameters.
    frozen : bool
        True if this update is only measured: the weights stay, and its random numbers are not the run's.
    """

    networks: Mapping[str, NetworkFn]
    modules: Mapping[str, nn.Module]
    settings: Any
    random: Mapping[str, torch.Generator]
    device: torch.device
    memory: Mapping[str, Tensor]
    counts: Mapping[str, int]
    gradient: Callable[[Callable[[Tensor], Tensor], Tensor], Tensor]
    look_ahead: LookAhead
    tell: Tell
    frozen_players: frozenset[str] = frozenset()
    iteration: int = 0
    frozen: bool = False


def _no_measures() -> Mapping[str, Tensor | float]:
    return NOTHING


class Scored(NamedTuple):
    """Result of :meth:`Game.loss`.

    Attributes
    ----------
    loss : Tensor
        A scalar, differentiable with respect to the player's parameters.
    terms : mapping of str to Tensor
        Unweighted parts of the loss by name: history columns with a value in every row.
    measures : callable
        Returns further columns, scalars. Called only for measured rows, without gradients, with the buffers of all
        networks preserved.
    memory : mapping of str to Tensor
        New values of the game's tensors; stored when the update is applied.
    """

    loss: Tensor
    terms: Mapping[str, Tensor] = NOTHING
    measures: Callable[[], Mapping[str, Tensor | float]] = _no_measures
    memory: Mapping[str, Tensor] = NOTHING


@dataclass(frozen=True)
class Stage:
    """A stage of an update between draw and loss, reported by ``turn.tell(name, ...)``."""

    name: str
    label: str


@dataclass(frozen=True)
class Exhibit:
    """Something that panels show of a run.

    Attributes
    ----------
    name : str
        Key in the result of :meth:`Game.show`.
    label : str
        Display name; translatable.
    kind : {"samples", "difference", "signed"}
        Samples in the units of the data, a difference of two samples in these units, or other numbers around 0.
    role : {"real", "generated"} or None
        Selects its colour if colours distinguish exhibits.
    """

    name: str
    label: str
    kind: Literal["samples", "difference", "signed"] = "samples"
    role: Literal["real", "generated"] | None = None


@dataclass(frozen=True)
class Node:
    """A box of the overview diagram.

    Attributes
    ----------
    name : str
        A network's, stream's or exhibit's name, or ``loss_<letter>``.
    """

    name: str
    label: str
    kind: Literal["noise", "data", "network", "samples", "scores", "loss"]


@dataclass(frozen=True)
class Flow:
    """An arrow of the overview diagram, from one node to another."""

    source: str
    target: str


@dataclass(frozen=True)
class Diagram:
    """The overview diagram of a game."""

    nodes: tuple[Node, ...]
    flows: tuple[Flow, ...]

    def __post_init__(self) -> None:
        known = {node.name for node in self.nodes}
        for flow in self.flows:
            for end in (flow.source, flow.target):
                if end not in known:
                    raise ValueError(f"the flow {flow.source} -> {flow.target} needs a node named {end}")


class Game(ABC):
    """A game. Subclasses must define `name`, `label`, `players`, `build`, `draw` and `loss`.

    Attributes
    ----------
    name : str
        Stored in the state and in saved runs.
    label : str
        Display name; translatable.
    players : tuple of Player
        In the update order of a full step, unless :meth:`order` is overridden.
    streams : tuple of Stream
    settings : mapping of str to Setting
        The game's own settings, besides those of every game and every player.
    lists_all_settings : bool
        True if `settings` already includes those of every game and every player.
    user_parts : tuple of str
        What users may pass besides the game: ``"generator"``, ``"discriminator"``, ``"objective"``.
    from_noise : bool
        True if the network ``"generator"`` maps latents to samples, the network ``"discriminator"`` returns logits of
        samples, and the settings are those of :class:`ganwidgets.Settings`. Samples can then be drawn, compared with
        real ones and scored. Only ``"gan"`` declares it; others are seen by :meth:`show`, measured by :meth:`evaluate`.
    defaults : mapping
        Defaults of common and players' settings that differ from the usual ones.
    terms, measures : tuple of str
        History columns besides ``loss_<letter>`` and ``grad_norm_<letter>``; see :class:`Scored`.
    optional_measures : tuple of str
        Those of `measures` that are NaN in some runs. They become columns with their first number.
    stages : tuple of Stage
        Between draw and loss; every update reports all of them, in this order.
    draw_stage : Stage
        Name of the drawing stage.
    exhibits : tuple of Exhibit
    metrics : mapping of str to Metric
        What :meth:`evaluate` returns.
    floors : mapping of str to float
        Score of a perfect result for each metric with a known one.
    diagram : Diagram or None
    purposes : tuple of str
        Purposes of random generators that are in the state from the start; others are added at first use.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    players: ClassVar[tuple[Player, ...]]
    streams: ClassVar[tuple[Stream, ...]] = (Stream("data", N_("Data")),)
    settings: ClassVar[Mapping[str, Setting[Any]]] = NOTHING
    lists_all_settings: ClassVar[bool] = False
    user_parts: ClassVar[tuple[str, ...]] = ()
    from_noise: ClassVar[bool] = False
    defaults: ClassVar[Mapping[str, Any]] = NOTHING
    terms: ClassVar[tuple[str, ...]] = ()
    measures: ClassVar[tuple[str, ...]] = ()
    optional_measures: ClassVar[tuple[str, ...]] = ()
    draw_stage: ClassVar[Stage] = Stage("draw", N_("Draw"))
    stages: ClassVar[tuple[Stage, ...]] = ()
    exhibits: ClassVar[tuple[Exhibit, ...]] = ()
    metrics: ClassVar[Mapping[str, Metric]] = NOTHING
    floors: ClassVar[Mapping[str, float]] = NOTHING
    diagram: ClassVar[Diagram | None] = None
    purposes: ClassVar[tuple[str, ...]] = ()

    def __repr__(self) -> str:
        return f"<Game {self.name!r} of {', '.join(player.name for player in self.players)}>"

    @property
    def actions(self) -> dict[str, str]:
        """Names of the single-player steps, ``step_<letter>``, with the player's name."""
        return {f"step_{player.letter}": player.name for player in self.players}

    @property
    def losses(self) -> dict[str, Message]:
        """Loss column of each player, with its display name."""
        return {
            f"loss_{player.letter}": Message("loss of {player}", player=player.letter.upper())
            for player in self.players
        }

    def metrics_of(self, modality: Modality) -> Mapping[str, Metric]:
        """Return the definitions of the metrics of a run on data of this kind."""
        return self.metrics

    def headline(self, modality: Modality) -> str:
        """Return the metric or column that runs are compared by if the user chooses none."""
        return list(self.losses)[-1]

    @property
    def main_exhibit(self) -> Exhibit | None:
        """The main exhibit: the first generated one, else the last."""
        samples = [exhibit for exhibit in self.exhibits if exhibit.kind == "samples"]
        made = [exhibit for exhibit in samples if exhibit.role == "generated"]
        return next(iter([*made, *samples[::-1]]), None)

    # --- training -------------------------------------------------------------------------------

    @abstractmethod
    def build(
        self, settings: Any, data: Mapping[str, StreamShape], weights: torch.Generator
    ) -> dict[str, nn.Module]:
        """Return all networks by name, their initial weights drawn from `weights` alone."""

    def memory(self, settings: Any, data: Mapping[str, StreamShape]) -> dict[str, Tensor]:
        """Return the initial content of the game's own tensors, on the CPU."""
        return {}

    def check_fit(self, settings: Any, data: Mapping[str, StreamShape]) -> Message | None:
        """Return why `settings` are invalid for these data, with the remedy; None if they are valid."""
        return None

    def order(self, settings: Any, iteration: int) -> Iterable[tuple[str, int]]:
        """Return the players of a full step with their number of updates, in order."""
        return [(player.name, getattr(settings, f"{player.letter}_steps")) for player in self.players]

    def prepare(self, player: str, turn: Turn, seen: Mapping[str, int]) -> None:  # noqa: B027
        """Set buffers of `player`'s networks that follow a schedule.

        Called before each full step for every player that is not frozen, and before each update of one player alone.
        It must be a function of the settings, the iteration and `seen`, the samples read from each stream so far.
        """

    @abstractmethod
    def draw(self, player: str, feed: Feed, turn: Turn) -> Any:
        """Return the batch of one update of `player`: real samples from `feed`, random numbers from `turn`.

        Attributes ``noise``, ``real`` and ``labels`` of the batch are shown in the stage "draw".
        """

    @abstractmethod
    def loss(self, player: str, batch: Any, turn: Turn) -> Scored:
        """Return the loss of `player` on `batch`.

        A pure function of the batch, the networks, the settings and the memory, without in-place changes.
        """

    def period(self, player: str, settings: Any) -> int:
        """Return the period of `player`'s loss in updates; ``turn.counts`` counts modulo this."""
        return 1

    def skip_below(self, player: str, settings: Any) -> float | None:
        """Return the loss below which an update of `player` is skipped, or None to skip none."""
        return None

    def constrain(self, player: str, parameters: Sequence[Tensor], settings: Any) -> None:  # noqa: B027
        """Change the parameters of `player` in place, under `torch.no_grad`; called after each of its updates."""

    def sample_costs(
        self, player: str, real: Tensor | None, fake: Tensor | None, settings: Any
    ) -> tuple[Tensor | None, Tensor | None]:
        """Return what each real and each generated sample adds to the loss of `player` beyond a typical one.

        Parameters
        ----------
        real, fake : Tensor [n] or None
            Logits of the update's samples, as the stage ``"classify"`` reported them.

        Returns
        -------
        Tensor [n] or None, Tensor [n] or None
            None if the loss is no mean over these logits.
        """
        return None, None

    def explain(self, player: str, error: Exception, settings: Any) -> Message | None:
        """Return the remedy for a PyTorch error in the backward pass of `player`, or None if unknown."""
        return None

    # --- storing --------------------------------------------------------------------------------

    def to_stored(self, tree: Mapping[str, Any]) -> dict[str, Any]:
        """Return a state's tree under the keys in which runs of this game are stored."""
        return {"game": self.name, **tree}

    def from_stored(self, tree: Mapping[str, Any]) -> dict[str, Any]:
        """Inverse of :meth:`to_stored`."""
        return {key: tree[key] for key in tree if key != "game"}

    # --- display: networks in eval mode, random numbers independent of the run -----------------

    def show(self, n: int, feed: Feed, turn: Turn) -> Mapping[str, Tensor]:
        """Return the exhibits by name, float32 [n, ...]."""
        return {}

    def evaluate(self, n: int, feed: Feed, turn: Turn) -> Mapping[str, float]:
        """Return every metric of :attr:`metrics`, measured on `n` samples."""
        return {}
