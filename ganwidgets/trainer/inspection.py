"""Read access to a trainer: networks, samples, history, timeline, and exactness."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from ganwidgets.games.game import Game
from ganwidgets.messages import Message
from ganwidgets.runs.inspect.sampling import logits_of, sample, sample_real, shown
from ganwidgets.runs.record.interventions import gathered
from ganwidgets.runs.state.user_parts import refuse_without_noise
from ganwidgets.runs.timeline.timeline import Timeline
from ganwidgets.trainer.dispatch import on_training_thread
from ganwidgets.trainer.hosting import RunnerFacing
from ganwidgets.validation import checked_count, checked_size, seed_or_new

if TYPE_CHECKING:
    from ganwidgets.data import Source
    from ganwidgets.runs.record.history import History
    from ganwidgets.runs.record.interventions import Intervention

__all__ = ["InspectionMixin"]


class InspectionMixin(RunnerFacing):
    """Mixin: read access to the run; it changes nothing."""

    @property
    def iteration(self) -> int:
        """Number of full steps since the start of the run."""
        return self._session.state.iteration

    @property
    def samples_seen(self) -> int:
        """Number of real samples drawn since the start of the run."""
        return self._session.state.samples_seen

    @property
    def generator(self) -> nn.Module:
        """The generator; do not call it while a widget trains it: use :meth:`sample`."""
        return self._network("generator")

    @property
    def discriminator(self) -> nn.Module:
        """The discriminator; it returns logits."""
        return self._network("discriminator")

    @property
    def game(self) -> Game:
        """The game: its players, their losses, and its exhibits."""
        return self._session.state.game

    @property
    def players(self) -> tuple[str, ...]:
        """The names of the game's players, in the order in which a full step updates them."""
        return tuple(player.name for player in self._session.state.game.players)

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        """Every network by name; do not call them while a widget trains them."""
        return MappingProxyType(self._session.state.networks)

    def _network(self, name: str) -> nn.Module:
        networks = self._session.state.networks
        if name not in networks:
            raise AttributeError(
                Message(
                    "this game has no {name}; it has trainer.networks: {known}",
                    name=name,
                    known=", ".join(networks),
                )
            )
        return networks[name]

    @on_training_thread
    def show(self, n: int = 8, seed: int = 0, ema: bool = False) -> dict[str, Tensor]:
        """Return the game's exhibits by name; the run's state does not change.

        Parameters
        ----------
        n : int
            Number of samples of each exhibit; held-out samples if there are any.
        seed : int
            Seed of the choice of samples and of all random numbers.
        ema : bool
            Use moving averages if the setting `ema_decay` is above 0.

        Returns
        -------
        dict of str to Tensor
            float32 on the CPU. Samples are in the units of :meth:`sample`, differences in the same units.
        """
        return shown(self._session, checked_size(n), seed_or_new(seed), average=ema)

    @property
    def source(self) -> Source:
        """The source of the real samples."""
        return self._session.run.source

    @property
    def history(self) -> History:
        """The recorded columns of every iteration up to the current one."""
        return self._session.history

    @property
    def interventions(self) -> list[Intervention]:
        """The interventions that led to the current state: author, change, iteration and reason."""
        return gathered(self._session.log.records(self.iteration, self.samples_seen))

    @property
    def timeline(self) -> Timeline:
        """The run's past and its branches; travel to any iteration and continue from there."""
        return Timeline(self._session, self._between_steps)

    @property
    def run(self) -> Path | None:
        """The run's folder; None if the run is not stored."""
        return self._session.autosave.path

    @property
    def exact(self) -> bool:
        """True if the run repeats bit for bit on the same torch version, device and thread count.

        False ("close, not exact") if a Dataset or network draws random numbers that cannot be routed to the run's own
        generators. False also on a GPU, where two runs of one seed were observed to differ in their last bits, in
        either precision.
        """
        return self._session.run.exact

    @property
    def exact_because(self) -> str:
        """One sentence: why the run is exact, or each cause why it is not.

        Examples
        --------
        >>> from ganwidgets import GANTrainer
        >>> GANTrainer("ring8").exact_because.split(":")[0]
        'exact'
        """
        return self._session.run.exact_because

    @on_training_thread
    def sample(self, n: int, seed: int | None = None, labels: Any = None, ema: bool = False) -> Tensor:
        """Return `n` generated samples; the run's state does not change.

        Parameters
        ----------
        n : int
            Number of samples.
        seed : int, optional
            Seed of the latents; if omitted, they differ at each call.
        labels : int or sequence of int, optional
            The label of all samples, or one for each, if the generator takes labels (`conditional`).
            If omitted, labels are drawn from the data's distribution.
        ema : bool
            Use the moving average of the generator; the setting `ema_decay` must be above 0.

        Returns
        -------
        Tensor
            float32 on the CPU, ``[n, F]`` points in the data's own units or ``[n, C, H, W]`` images in [0, 1].

        Raises
        ------
        DataError
            If a label does not occur in the data, or if the generator takes no labels.
        """
        refuse_without_noise(self._session.own.game, "sample()")
        return sample(self._session, checked_count(n), seed_or_new(seed), labels, average=ema)

    @on_training_thread
    def real(self, n: int, seed: int | None = None) -> Tensor:
        """Return `n` real samples in the units of :meth:`sample`; the run's state does not change."""
        return sample_real(self._session, checked_count(n), seed_or_new(seed))

    @on_training_thread
    def _look(self, samples: Tensor, labels: Any = None) -> Tensor:
        """Return the discriminator's logits ``[n]`` for `samples` in the units of training."""
        return logits_of(self._session, samples, labels)
