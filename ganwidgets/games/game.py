"""What a game is: its players, what each of them minimises, on which data, and what is shown of it.

A game declares; it keeps nothing between two calls. The engine (:mod:`ganwidgets.stepping.engine`) carries out the
updates of any game: order, freezing, buffers, gradients, clipping, optimizers, averages and records. Two methods
make up an update. :meth:`Game.draw` reads data and draws random numbers, and does nothing else.
:meth:`Game.loss` computes the player's loss from that batch, and draws and reads nothing else. So the same update
can be repeated, looked at stage by stage, or computed for many runs at once.
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
from ganwidgets.metrics.metric import Metric
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
    """Networks that one optimizer moves against one loss.

    Attributes
    ----------
    name : str
        Key of the player's optimizer in the state: ``"discriminator"``.
    letter : str
        Ends the names of its settings (``lr_d``), of its columns (``loss_d``) and of its step (``step_d``).
    label : str
        Shown to people; to be translated.
    networks : tuple of str
        Names of the networks whose parameters it moves. Buffers of all other networks stay unchanged in its
        updates.
    averaged : str or None
        The network whose exponential moving average is kept while ``ema_decay`` is above 0.
    role : {"generator", "discriminator"} or None
        Chooses the colour of its card, curves and nodes. By default the letters ``g`` and ``d`` do so.
    """

    name: str
    letter: str
    label: str
    networks: tuple[str, ...]
    averaged: str | None = None
    role: Literal["generator", "discriminator"] | None = None


@dataclass(frozen=True)
class Stream:
    """A sequence of real samples with a cursor of its own.

    Attributes
    ----------
    name : str
        Key of the cursor in the state, and argument of :meth:`Feed.take`.
    label : str
        Shown to people; to be translated.
    paired : bool
        Whether each sample has a target; see :attr:`Batch.targets`.
    labelled : bool
        Whether the game needs a class label with each sample.
    """

    name: str
    label: str
    paired: bool = False
    labelled: bool = False


@dataclass(frozen=True)
class StreamShape:
    """What the networks have to fit.

    Attributes
    ----------
    shape : tuple of int
        Of one sample: ``(F,)`` for points, ``(C, H, W)`` for images.
    targets : tuple of int or None
        Shape of one target, for a paired stream.
    classes : int
        Number of classes, numbered from 0; 0 for data without labels.
    """

    shape: tuple[int, ...]
    targets: tuple[int, ...] | None = None
    classes: int = 0


class Batch(NamedTuple):
    """Real samples, in the order in which the run sees them.

    Attributes
    ----------
    samples : Tensor, float32 [n, ...]
    labels : Tensor, int64 [n], or None
    targets : Tensor, float32 [n, ...], or None
        The other half of each pair, for a paired stream.
    """

    samples: Tensor
    labels: Tensor | None = None
    targets: Tensor | None = None


class Feed(Protocol):
    """The real samples of one update."""

    def take(self, n: int, stream: str = "data") -> Batch:
        """Return the next `n` samples of `stream`, and move its cursor by `n`."""

    def draw_labels(self, n: int, generator: torch.Generator, stream: str = "data") -> Tensor:
        """Return `n` labels drawn from the distribution of the data, int64 [n]."""


class LookAhead(Protocol):
    """Networks as they would be after some updates, differentiable by whatever made the losses."""

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
            Its optimizer's rule is followed; the optimizer and the weights themselves stay unchanged.
        loss_after : callable
            ``(networks, number)`` returns the loss that update `number`, from 0 on, would minimise, or None if
            that update would be skipped.
        weight_clip : float
            Parameters are clamped to [-weight_clip, weight_clip] after each update; 0 clamps nothing.
        """


class Tell(Protocol):
    """Reports a stage of an update to an observer; does nothing in an ordinary step."""

    def __call__(self, stage: str, /, **tensors: Tensor | None) -> None: ...


@dataclass(slots=True)
class Turn:
    """What an update may use. Made when settings take force; the engine renews the counters.

    Attributes
    ----------
    networks : mapping of str to callable
        By name, in the precision in force.
    modules : mapping of str to torch.nn.Module
        The same networks as modules, whose buffers and attributes a game reads. Only :meth:`Game.prepare` sets them.
    settings
        The values of all settings in force, as attributes.
    random : mapping of str to torch.Generator
        A CPU generator for each purpose (``"noise"``); all are part of the state.
    device : torch.device
        Where the networks compute.
    memory : mapping of str to Tensor
        The game's own tensors in the state; see :meth:`Game.memory` and :attr:`Scored.memory`.
    counts : mapping of str to int
        For each player, updates since the last multiple of its :meth:`Game.period`.
    gradient : callable
        ``gradient(function, x)`` returns the gradient of the scalar ``function(x)`` by `x`, detached.
    look_ahead : LookAhead
    tell : Tell
    iteration : int
        Full steps so far.
    frozen_players : frozenset of str
        The players that are only measured: frozen, or with no parameter that is trained.
    frozen : bool
        Whether this update is only measured: no update follows, and the random numbers are not the run's.
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
    """What :meth:`Game.loss` returns.

    Attributes
    ----------
    loss : Tensor
        A scalar, differentiable by the player's parameters.
    terms : mapping of str to Tensor
        Named parts of the loss, before their weights: columns of the history with a value in every row.
    measures : callable
        Returns further columns, scalars; called only in rows that are measured, without gradients, and with the
        buffers of all networks preserved.
    memory : mapping of str to Tensor
        New content of the game's tensors; stored when the update is carried out.
    """

    loss: Tensor
    terms: Mapping[str, Tensor] = NOTHING
    measures: Callable[[], Mapping[str, Tensor | float]] = _no_measures
    memory: Mapping[str, Tensor] = NOTHING


@dataclass(frozen=True)
class Stage:
    """A stage of an update between drawing and the loss, reported by ``turn.tell(name, ...)``."""

    name: str
    label: str


@dataclass(frozen=True)
class Exhibit:
    """Something that is shown of a run.

    Attributes
    ----------
    name : str
        Key in what :meth:`Game.show` returns.
    label : str
        Shown to people; to be translated.
    kind : {"samples", "difference", "signed"}
        Samples in the units of the data, a difference of two samples in these units, or other numbers around 0.
    role : {"real", "generated"} or None
        Chooses its colour where colours tell exhibits apart. None is neither.
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
        Kept in the state and in stored runs.
    label : str
        Shown to people; to be translated.
    players : tuple of Player
        In the order in which a full step updates them, unless :meth:`order` is overridden.
    streams : tuple of Stream
    settings : mapping of str to Setting
        The game's own, beside those of every game and of every player.
    defaults : mapping
        Values of common settings and of players' settings that differ from their usual defaults.
    terms, measures : tuple of str
        Columns of the history beside ``loss_<letter>`` and ``grad_norm_<letter>``; see :class:`Scored`.
    stages : tuple of Stage
        Between drawing and the loss; every update reports all of them, in this order.
    draw_stage : Stage
        What the stage of drawing is called.
    exhibits : tuple of Exhibit
    metrics : mapping of str to Metric
        What :meth:`evaluate` returns.
    floors : mapping of str to float
        What a perfect result scores at metrics for which that is known.
    diagram : Diagram or None
    purposes : tuple of str
        Purposes of random numbers whose generators are in the state from the start; others join when they are
        first used.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    players: ClassVar[tuple[Player, ...]]
    streams: ClassVar[tuple[Stream, ...]] = (Stream("data", N_("Data")),)
    settings: ClassVar[Mapping[str, Setting[Any]]] = NOTHING
    defaults: ClassVar[Mapping[str, Any]] = NOTHING
    terms: ClassVar[tuple[str, ...]] = ()
    measures: ClassVar[tuple[str, ...]] = ()
    draw_stage: ClassVar[Stage] = Stage("draw", N_("Draw"))
    stages: ClassVar[tuple[Stage, ...]] = ()
    exhibits: ClassVar[tuple[Exhibit, ...]] = ()
    metrics: ClassVar[Mapping[str, Metric]] = NOTHING
    floors: ClassVar[Mapping[str, float]] = NOTHING
    diagram: ClassVar[Diagram | None] = None
    purposes: ClassVar[tuple[str, ...]] = ()

    @property
    def actions(self) -> dict[str, str]:
        """The updates of single players: from ``step_<letter>`` to the player's name."""
        return {f"step_{player.letter}": player.name for player in self.players}

    @property
    def losses(self) -> dict[str, Message]:
        """The column of each player's loss, and what people call it."""
        return {
            f"loss_{player.letter}": Message("loss of {player}", player=player.letter.upper())
            for player in self.players
        }

    @property
    def main_exhibit(self) -> Exhibit | None:
        """The exhibit that stands for the run where only one is shown: the first generated one, else the last."""
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
        """Return why `settings` cannot be in force with these data, and the remedy; None if they can."""
        return None

    def order(self, settings: Any, iteration: int) -> Iterable[tuple[str, int]]:
        """Return which player is updated how many times in a full step, in this order."""
        return [(player.name, getattr(settings, f"{player.letter}_steps")) for player in self.players]

    def prepare(self, player: str, turn: Turn, seen: Mapping[str, int]) -> None:  # noqa: B027
        """Set buffers of the networks of `player` that follow a schedule.

        Called before each full step for every player that is not frozen, and before each update of one player alone.
        It must be a function of the settings, the iteration and `seen`, the samples read from each stream so far.
        """

    @abstractmethod
    def draw(self, player: str, feed: Feed, turn: Turn) -> Any:
        """Return the batch of one update of `player`: real samples from `feed`, random numbers from `turn`.

        An attribute ``noise``, ``real`` or ``labels`` of the batch is shown in the stage "draw".
        """

    @abstractmethod
    def loss(self, player: str, batch: Any, turn: Turn) -> Scored:
        """Return what `player` minimises on `batch`.

        A pure function of the batch, the networks, the settings and the memory: it changes nothing in place.
        """

    def period(self, player: str, settings: Any) -> int:
        """Return after how many updates of `player` its loss repeats; ``turn.counts`` counts modulo this."""
        return 1

    def skip_below(self, player: str, settings: Any) -> float | None:
        """Return the loss below which an update of `player` is skipped, or None if none ever is."""
        return None

    def constrain(self, player: str, parameters: Sequence[Tensor], settings: Any) -> None:  # noqa: B027
        """Change the parameters of `player` in place, under `torch.no_grad`; called after each of its updates."""

    def explain(self, player: str, error: Exception, settings: Any) -> Message | None:
        """Return what helps against an error of PyTorch in the backward pass of `player`, or None if unknown."""
        return None

    # --- storing --------------------------------------------------------------------------------

    def to_stored(self, tree: Mapping[str, Any]) -> dict[str, Any]:
        """Return the tree of a state under the keys in which runs of this game are stored."""
        return {"game": self.name, **tree}

    def from_stored(self, tree: Mapping[str, Any]) -> dict[str, Any]:
        """Return the tree of which :meth:`to_stored` returned `tree`."""
        return {key: tree[key] for key in tree if key != "game"}

    # --- looking: networks in eval mode, random numbers apart from the run's --------------------

    def show(self, n: int, feed: Feed, turn: Turn) -> Mapping[str, Tensor]:
        """Return what is shown by the name of its exhibit, float32 [n, ...]."""
        return {}

    def evaluate(self, n: int, feed: Feed, turn: Turn) -> Mapping[str, float]:
        """Return every metric of :attr:`metrics`, measured on `n` samples."""
        return {}
