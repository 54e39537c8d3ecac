"""Carries out the updates of any game, one after the other, in plain PyTorch.

An update always does the same things in the same order: draw, loss, gradients, clipping, the optimizer's rule, the
game's constraint, the moving average. A frozen player is not updated. Its loss is still measured for its curve, on the
next samples and with separate random numbers: cursors and the run's generators do not advance.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call

from ganwidgets.errors import DataError
from ganwidgets.games.game import NOTHING, Game, NetworkFn, Player, Scored, Turn
from ganwidgets.messages import Message
from ganwidgets.optimizers import (
    clip_gradients_,
    gradient_norm,
    learning_rate,
    match_strides,
    set_hyperparameters,
)
from ganwidgets.rng_routing import RoutedRandomness
from ganwidgets.seeds import seeded
from ganwidgets.stepping.descent import ParameterUpdate, gradients_of
from ganwidgets.stepping.edits.foreign_writes import ForeignWrites
from ganwidgets.stepping.modules.buffers import Buffers
from ganwidgets.stepping.modules.calling import Call
from ganwidgets.stepping.modules.frozen_layers import parameters_of_first_layers
from ganwidgets.stepping.modules.moving_average import MovingAverage
from ganwidgets.stepping.observers import NullObserver, StageObserver
from ganwidgets.stepping.state import TrainingState
from ganwidgets.stepping.streams.feed import SampleStream, StreamFeed
from ganwidgets.stepping.unrolling import looked_ahead

__all__ = ["ALL", "Engine", "NonFiniteError", "number_of"]

ALL = "both"
"""A full step, in place of a player's name."""


class NonFiniteError(ArithmeticError):
    """A number is not finite; `quantity` says which."""

    def __init__(self, quantity: str, value: float) -> None:
        super().__init__(f"{quantity} is {value}")
        self.quantity = quantity
        self.value = value


@dataclass(frozen=True, slots=True)
class _Plan:
    """Objects for the updates of a player, valid while the same settings are in force."""

    player: Player
    parameters: list[Tensor]
    update: ParameterUpdate
    own_buffers: list[Buffers]
    other_buffers: list[Buffers]
    skip_below: float | None
    period: int
    frozen: bool
    held: frozenset[int]
    loss_column: str
    norm_column: str
    average: MovingAverage | None


class Engine:
    """Carries out updates on a `TrainingState`.

    Parameters
    ----------
    state : TrainingState
        Changed by the updates.
    streams : mapping of str to SampleStream
        The real samples, by the names of the game's streams.
    routed : bool
        True if random calls inside the networks are routed to the state's generator ``"network"``.
    calls : mapping of str to Call, optional
        The form in which a network takes its inputs, if that is not the game's.

    Attributes
    ----------
    observer : StageObserver
    settings
        In force; None before the first :meth:`configure`.
    record : dict of str to float
        The most recent value of each column.
    weights : ForeignWrites
        Finds parameters that another thread changed while updates went on.
    """

    def __init__(
        self,
        state: TrainingState,
        streams: Mapping[str, SampleStream],
        *,
        routed: bool,
        calls: Mapping[str, Call] = NOTHING,
    ) -> None:
        self.state = state
        self.game = state.game
        self.streams = streams
        self.routed = routed
        self.calls = calls
        self.observer: StageObserver = NullObserver()
        self.weights = ForeignWrites()
        self.settings: Any = None
        self._feed = StreamFeed(state, streams)
        self._constrains = type(self.game).constrain is not Game.constrain
        self.record: dict[str, float] = dict.fromkeys(
            (
                *(f"loss_{player.letter}" for player in self.game.players),
                *(f"grad_norm_{player.letter}" for player in self.game.players),
                *self.game.terms,
                *self.game.measures,
            ),
            math.nan,
        )

    def configure(self, settings: Any) -> None:
        """Put `settings`, an object with the values of all settings, in force from the next update on."""
        state = self.state
        self.settings = settings
        for player in self.game.players:
            name = getattr(settings, f"optimizer_{player.letter}")
            if state.optimizer_names.get(player.name) != name:
                state.use_optimizer(player.name, name, settings)
            if player.averaged is not None:
                if settings.ema_decay == 0:
                    state.end_average(player.averaged)
                elif player.averaged not in state.averages:
                    state.start_average(player.averaged)
        self._turn = Turn(
            networks={name: self._called(name, network) for name, network in state.networks.items()},
            modules=state.networks,
            settings=settings,
            frozen_players=frozenset(player.name for player in self.game.players if self._is_frozen(player)),
            random=state.random,
            device=state.device,
            memory=state.memory,
            counts=state.counts,
            gradient=_gradient,
            look_ahead=self._look_ahead,
            tell=self.observer.on_stage,
        )
        self._plans = {player.name: self._plan(player) for player in self.game.players}
        self.weights = ForeignWrites()
        self._follow_schedule()

    def turn(self, settings: Any, random: torch.Generator, networks: Mapping[str, NetworkFn]) -> Turn:
        """Return what a game may use that looks at a run: `networks`, and one generator for every purpose."""
        return Turn(
            networks=networks,
            modules=self.state.networks,
            settings=settings,
            random=_OneGenerator(random),
            device=self.state.device,
            memory=self.state.memory,
            counts=self.state.counts,
            gradient=_gradient,
            look_ahead=self._look_ahead,
            tell=NullObserver().on_stage,
            iteration=self.state.iteration,
            frozen=True,
        )

    def _plan(self, player: Player) -> _Plan:
        state, letter = self.state, player.letter
        buffers = state.buffers.items()
        average = None
        if player.averaged is not None and player.averaged in state.averages:
            average = MovingAverage(state.averages[player.averaged], state.networks[player.averaged])
        return _Plan(
            player=player,
            parameters=state.parameters[player.name],
            update=ParameterUpdate(state.optimizers[player.name], state.parameters[player.name]),
            own_buffers=[b for name, b in buffers if name in player.networks and b],
            other_buffers=[b for name, b in buffers if name not in player.networks and b],
            skip_below=self.game.skip_below(player.name, self.settings),
            period=self.game.period(player.name, self.settings),
            frozen=self._is_frozen(player),
            held=self._held(player),
            loss_column=f"loss_{letter}",
            norm_column=f"grad_norm_{letter}",
            average=average,
        )

    def _held(self, player: Player) -> frozenset[int]:
        """Return the positions of those parameters of `player` that its updates leave as they are."""
        layers = getattr(self.settings, f"freeze_layers_{player.letter}", 0)
        if layers == 0:
            return frozenset()
        fixed = parameters_of_first_layers((self.state.networks[name] for name in player.networks), layers)
        return frozenset(
            index for index, p in enumerate(self.state.parameters[player.name]) if id(p) in fixed
        )

    def _is_frozen(self, player: Player) -> bool:
        """Return True if `player` is only measured: it is frozen, or none of its parameters is updated."""
        every = len(self.state.parameters[player.name])
        return getattr(self.settings, f"freeze_{player.letter}") or len(self._held(player)) == every

    def _follow_schedule(self) -> None:
        """Set the hyperparameters of every optimizer for this iteration."""
        settings, state = self.settings, self.state
        for player in self.game.players:
            rate = learning_rate(
                getattr(settings, f"lr_{player.letter}"),
                settings.lr_schedule,
                settings.schedule_steps,
                state.iteration,
                settings.schedule_end,
            )
            name = state.optimizer_names[player.name]
            set_hyperparameters(state.optimizers[player.name], name, settings, rate)

    # --- steps ----------------------------------------------------------------------------------

    def advance(self, what: str, *, measure: bool) -> None:
        """Carry out one full step, or one update of one player.

        Parameters
        ----------
        what : str
            :data:`ALL`, or a player's name.
        measure : bool
            True to record gradient norms and the game's measures; losses and terms are always recorded.
        """
        if self.settings.lr_schedule != "constant":
            self._follow_schedule()
        self._turn.iteration = self.state.iteration
        self._turn.tell = self.observer.on_stage
        for name, plan in self._plans.items():
            if what in (ALL, name) and not plan.frozen:
                self.game.prepare(name, self._turn, self.state.cursors)
        self.weights.begin(self.state.parameters, self.state.iteration)
        with self.state.training_flags.in_train_mode():
            if what == ALL:
                for name, n in self.game.order(self.settings, self.state.iteration):
                    self._update(self._plans[name], n, measure=measure)
                self.state.iteration += 1
            else:
                self._update(self._plans[what], 1, measure=measure)
        self.weights.end(self.state.iteration, thorough=measure)

    def _update(self, plan: _Plan, n: int, *, measure: bool) -> None:
        """Update a player `n` times, or measure it once if it is frozen."""
        if plan.frozen:
            self._measure_frozen(plan)
            return
        for index in range(n):
            self._update_once(plan, measure=measure and index == n - 1)

    def _update_once(self, plan: _Plan, *, measure: bool) -> None:
        game, state, name = self.game, self.state, plan.player.name
        may_skip = plan.skip_below is not None
        before = [buffers.copy() for buffers in plan.own_buffers] if may_skip else []
        batch = game.draw(name, self._feed, self._turn)
        self.observer.on_draw(name, batch, frozen=False)
        if plan.other_buffers or self.routed:
            with self._contained(plan.other_buffers, state.random["network"]):
                scored = game.loss(name, batch, self._turn)
        else:  # the common small networks, for which even an empty context counts
            scored = game.loss(name, batch, self._turn)
        state.counts[name] = (state.counts[name] + 1) % plan.period
        value = self._record_loss(plan.loss_column, scored.loss)
        if scored.terms:
            self._record_terms(scored.terms)
        if measure and game.measures:
            self._record_measures(name, scored.measures)
        if plan.skip_below is not None and value < plan.skip_below:
            for buffers, content in zip(plan.own_buffers, before, strict=True):
                buffers.put_back(content)
            self.record[plan.norm_column] = math.nan
            self.observer.on_update(skipped=True)
            return
        self._apply(plan, scored.loss, measure=measure)
        if scored.memory:
            for key, tensor in scored.memory.items():
                state.memory[key].copy_(tensor.detach())
        self.observer.on_update(skipped=False)

    def _apply(self, plan: _Plan, loss: Tensor, *, measure: bool) -> None:
        """Move the player's parameters by the gradients of `loss`, and its average after them."""
        parameters, name = plan.parameters, plan.player.name
        try:
            found: Sequence[Tensor | None] = gradients_of(loss, parameters)
        except RuntimeError as error:
            explained = self.game.explain(name, error, self.settings)
            if explained is None:
                raise
            raise DataError(explained) from error
        if found and found[0] is None and all(gradient is None for gradient in found):
            raise DataError(
                Message(
                    "no parameter of the {player} has a gradient: its loss does not depend on them; leave out detach(), "
                    "no_grad() and conversions to NumPy on the way from its parameters to the loss",
                    player=name,
                )
            )
        if plan.held:
            found = [None if index in plan.held else gradient for index, gradient in enumerate(found)]
        gradients = match_strides(found, parameters)
        self.observer.on_gradients(gradients)
        if self.settings.grad_clip > 0:
            length = clip_gradients_(parameters, gradients, self.settings.grad_clip)
            if not math.isfinite(length):  # a clipped gradient would be zero, and the failure hidden
                raise NonFiniteError(plan.norm_column, length)
            self.record[plan.norm_column] = length
        elif measure:
            # A gradient that is not finite shows in the next loss, measured or not.
            self.record[plan.norm_column] = gradient_norm(gradients).item()
        self.weights.before_update(name)
        plan.update.apply(gradients)
        if plan.held:
            parameters = [p for index, p in enumerate(parameters) if index not in plan.held]
        if self._constrains:
            with torch.no_grad():
                self.game.constrain(name, parameters, self.settings)
        self.weights.after_update()
        if plan.average is not None:
            plan.average.move(self.settings, self.state.iteration)

    # --- measuring ------------------------------------------------------------------------------

    def attempt(
        self,
        player: str,
        seed: int,
        routing: Callable[[torch.Generator], RoutedRandomness] = RoutedRandomness,
    ) -> Any:
        """Return what the game's `loss` returns for the samples that come next; no update follows, no trace stays.

        Parameters
        ----------
        player : str
        seed : int
            Of all random numbers, those inside the networks included.
        routing : callable
            Makes the context of the loss from the generator of random numbers inside the networks.
        """
        turn = replace(self._turn, random=_OneGenerator(seeded(seed, "attempt", player)))
        batch = self.game.draw(player, StreamFeed(self.state, self.streams, moves=False), turn)
        preserved = [each.still() for each in self.state.buffers.values()]
        flags = self.state.training_flags.in_train_mode()
        with _all_of([flags, *preserved]), routing(seeded(seed, "attempt network", player)):
            scored: object = self.game.loss(player, batch, turn)
            if not isinstance(scored, Scored):  # of a game of the user's own, which a probe tries
                return scored
            # Measured here, because the buffers and the random numbers are those of this attempt.
            measured = scored.measures()
        return scored._replace(measures=lambda: measured)

    def _measure_frozen(self, plan: _Plan) -> None:
        state, name = self.state, plan.player.name
        aside = seeded(state.seed, "frozen", name, state.iteration)
        inside = seeded(state.seed, "frozen network", state.iteration)
        turn = replace(self._turn, random=_OneGenerator(aside), frozen=True)
        batch = self.game.draw(name, StreamFeed(state, self.streams, moves=False), turn)
        self.observer.on_draw(name, batch, frozen=True)
        with self._contained([*plan.own_buffers, *plan.other_buffers], inside):
            scored = self.game.loss(name, batch, turn)
        self._record_loss(plan.loss_column, scored.loss)
        self._record_terms(scored.terms)
        self._record_measures(name, scored.measures)
        self.record[plan.norm_column] = math.nan

    def _record_loss(self, column: str, loss: Tensor) -> float:
        value = loss.item()
        if not math.isfinite(value):
            raise NonFiniteError(column, value)
        self.record[column] = value
        self.observer.on_loss(loss)
        return value

    def _record_terms(self, terms: Mapping[str, Tensor]) -> None:
        for column, tensor in terms.items():
            self.record[column] = tensor.item()

    def _record_measures(self, name: str, measures: Callable[[], Mapping[str, Tensor | float]]) -> None:
        """Record costlier columns; nothing that the game calls for them leaves a trace."""
        state = self.state
        inside = seeded(state.seed, "measures", name, state.iteration) if self.routed else None
        with torch.no_grad(), self._contained([b for b in state.buffers.values() if b], inside):
            for column, value in measures().items():
                self.record[column] = number_of(value)

    # --- parts ----------------------------------------------------------------------------------

    def _contained(
        self, buffers: Sequence[Buffers], inside: torch.Generator | None
    ) -> contextlib.AbstractContextManager[object]:
        """Return a context that preserves `buffers`, and routes random calls inside the networks to `inside`."""
        contexts = [each.still() for each in buffers]
        if self.routed and inside is not None:
            contexts.insert(0, RoutedRandomness(inside))
        return _all_of(contexts) if contexts else _NOTHING

    def _called(self, name: str, network: NetworkFn) -> NetworkFn:
        """Return the network `name` as a function of the game's inputs, in the precision in force."""
        network = self._in_precision(network)
        return self.calls[name].of(network) if name in self.calls else network

    def _in_precision(self, network: NetworkFn) -> NetworkFn:
        """Return `network` as a function that computes in the precision in force and returns float32.

        Only the inside of the network is rounded, layer by layer as torch.autocast decides (Micikevicius et al.,
        "Mixed precision training", 2018; bfloat16 has the range of float32 and needs no scaling of losses).
        Weights, losses, penalties and updates are float32.
        """
        if self.settings.precision == "float32":
            return network
        device = self.state.device.type

        def rounded(*inputs: Any) -> Tensor:
            with torch.autocast(device, torch.bfloat16):
                return network(*inputs).float()

        return rounded

    def _look_ahead(
        self,
        player: str,
        loss_after: Callable[[Mapping[str, NetworkFn], int], Tensor | None],
        steps: int,
        *,
        weight_clip: float = 0.0,
    ) -> Mapping[str, NetworkFn]:
        """Return the networks after `steps` more updates of `player`; see :class:`~ganwidgets.games.game.LookAhead`."""
        state = self.state
        values = looked_ahead(
            state.parameters[player],
            state.optimizers[player],
            state.optimizer_names[player],
            lambda values, number: loss_after(self._networks_with(player, values), number),
            steps,
            grad_clip=self.settings.grad_clip,
            weight_clip=weight_clip,
            held=self._plans[player].held,
        )
        return self._networks_with(player, values)

    def _networks_with(self, player: str, values: Sequence[Tensor]) -> dict[str, NetworkFn]:
        """Return all networks as functions, with `values` in place of the parameters of `player`."""
        networks = dict(self._turn.networks)
        rest = iter(values)
        for name in self._plans[player].player.networks:
            module = self.state.networks[name]
            trained = [key for key, parameter in module.named_parameters() if parameter.requires_grad]
            networks[name] = self._called(name, _replaced(module, {key: next(rest) for key in trained}))
        return networks


@contextlib.contextmanager
def _all_of(contexts: Sequence[contextlib.AbstractContextManager[object]]) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for context in contexts:
            stack.enter_context(context)
        yield


_NOTHING: contextlib.AbstractContextManager[object] = contextlib.nullcontext()


class _OneGenerator(dict[str, torch.Generator]):
    """The same generator for every purpose."""

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self._generator = generator

    def __missing__(self, purpose: str) -> torch.Generator:
        return self._generator


def _gradient(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Return the gradient of the scalar ``function(x)`` by `x`, detached."""
    with torch.enable_grad():
        moved = x.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(function(moved), moved, materialize_grads=True)
    return gradient


def number_of(value: Tensor | float) -> float:
    """Return a scalar as a number; one with a graph too."""
    return value.item() if isinstance(value, Tensor) else float(value)


def _replaced(module: torch.nn.Module, values: Mapping[str, Tensor]) -> NetworkFn:
    return lambda *inputs: functional_call(module, dict(values), inputs)
