"""Steps of a trainer: full ones, those of single players, and walks through one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ganwidgets.messages import Message
from ganwidgets.runs.inspect.walk import Walk
from ganwidgets.runs.record.interventions import CODE, Origin, is_update
from ganwidgets.runs.record.step_record import Record
from ganwidgets.stepping.engine import ALL
from ganwidgets.trainer.inspection import InspectionMixin
from ganwidgets.validation import checked_callable, checked_count

__all__ = ["StepsMixin"]


class StepsMixin(InspectionMixin):
    """Mixin: training of the run."""

    def step(self, n: int = 1) -> dict[str, float]:
        """Carry out `n` full steps: `d_steps` updates of D, then `g_steps` of G, in each.

        Returns
        -------
        dict
            The last record: ``iteration loss_d loss_g grad_norm_d grad_norm_g accuracy_real
            accuracy_fake``, from the last updates, before their optimizer steps. ``loss_d`` includes the penalty.
            A frozen or skipped network has no gradient: its norm is NaN.

        Raises
        ------
        DivergedError
            If a number is not finite; the trainer is then at its last good state.
        """
        return self._train(ALL, checked_count(n))

    def step_d(self, n: int = 1) -> dict[str, float]:
        """Update only the discriminator, `n` times; the generator stays the same, bit for bit."""
        return self._train(self._player_of("step_d"), checked_count(n))

    def step_g(self, n: int = 1) -> dict[str, float]:
        """Update only the generator, `n` times; the discriminator stays the same, bit for bit."""
        return self._train(self._player_of("step_g"), checked_count(n))

    def step_player(self, name: str, n: int = 1) -> dict[str, float]:
        """Update only one player, `n` times; the other players' networks stay the same, bit for bit.

        Parameters
        ----------
        name : str
            One of :attr:`players`.

        Raises
        ------
        ValueError
            If the game has no such player.
        """
        if name not in self.players:
            raise ValueError(
                Message(
                    "there is no player {name!r}; players are {known}",
                    name=name,
                    known=", ".join(self.players),
                )
            )
        return self._train(name, checked_count(n))

    def _player_of(self, action: str) -> str:
        """Return the player that ``step_<letter>`` updates."""
        game = self._session.state.game
        if action not in game.actions:
            raise AttributeError(
                Message(
                    "the game {game} has no {action}; it has {known}",
                    game=game.name,
                    action=action,
                    known=", ".join(game.actions),
                )
            )
        return game.actions[action]

    def __getattr__(self, name: str) -> Any:
        # The games' own steps, such as `step_c`.
        if is_update(name) and "_session" in vars(self):
            player = self._player_of(name)
            return lambda n=1: self._train(player, checked_count(n))
        if name in ("generator", "discriminator") and "_session" in vars(self):
            self._network(name)  # raises: the property has failed, and its message would be lost
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def walk(self, network: str = ALL) -> Walk:
        """Begin a walk through the next step, sub-step by sub-step, forward and back.

        Each ``walk.next()`` carries out one more stage of the update (draw noise, generate, classify, loss, gradients,
        update), and shows its result without changing the run. The call after the last sub-step completes the step,
        with the same bits as :meth:`step`, :meth:`step_d` or :meth:`step_g`.

        Parameters
        ----------
        network : {"both", "discriminator", "generator"}
            A full step, or an update of one network.

        Examples
        --------
        >>> from ganwidgets import GANTrainer
        >>> trainer = GANTrainer("ring8", seed=0)
        >>> walk = trainer.walk("generator")
        >>> [walk.next().stage for _ in range(6)]
        ['noise', 'generate', 'classify', 'loss', 'gradients', 'update']
        >>> trainer.state_hash() == GANTrainer("ring8", seed=0).state_hash()
        True
        >>> walk.next() is None, walk.over
        (True, True)
        """
        return self._walk(network, CODE)

    def _walk(self, network: str, origin: Origin) -> Walk:
        walk = vars(self)["_walking"] = Walk(self._session, self._between_steps, network, origin)
        return walk

    def on_step(self, callback: Callable[[Mapping[str, float]], None]) -> Callable[[], None]:
        """Call `callback` with the record after each step, in the training thread.

        The record is read-only: `history` has fixed columns, so an entry added by a callback would be lost.

        Returns
        -------
        callable
            Removes the callback.

        Raises
        ------
        TypeError
            If `callback` is not callable.
        """
        key = object()
        checked_callable("callback", callback)
        self._session.listeners[key] = lambda record: callback(Record(record))

        def remove() -> None:
            self._session.listeners.pop(key, None)

        return remove
