"""`Timeline`: time travel for users."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import TypeVar

from ganwidgets.runs.record.history import History
from ganwidgets.runs.record.interventions import Intervention
from ganwidgets.runs.record.places import Branch, Position
from ganwidgets.runs.session.session import Session
from ganwidgets.runs.timeline.script import script_of
from ganwidgets.runs.timeline.travel import fork, goto, history_of, switch, tip_of, undo

__all__ = ["Timeline"]

T = TypeVar("T")


class Timeline:
    """The past of a run and its branches; :attr:`GANTrainer.timeline` is one.

    Nothing is ever lost. After travel to the past, the next update begins a new branch, and the old branch is kept.
    Travel alone makes no branch.

    Parameters
    ----------
    session : Session
        The run.
    on_training_thread : callable
        Carries out a function between two steps and returns its result.

    Examples
    --------
    >>> from ganwidgets import GANTrainer
    >>> trainer = GANTrainer("ring8", g_hidden=(8,), d_hidden=(8,))
    >>> record = trainer.step(20)
    >>> trainer.timeline.goto(10)
    >>> trainer.change("calmer", lr_d=1e-4)
    >>> record = trainer.step(5)
    >>> trainer.timeline.branch, trainer.iteration
    ('branch 2', 15)
    >>> trainer.timeline.switch("main")
    >>> trainer.iteration
    20
    """

    def __init__(self, session: Session, on_training_thread: Callable[[Callable[[], T]], T]) -> None:
        self._session = session
        self._between_steps = on_training_thread

    # --- going places ---------------------------------------------------------------------------

    def goto(self, iteration: int, branch: str | None = None) -> None:
        """Travel to the state just after a full step, bit for bit.

        Settings are restored too; later changes are not in force yet.

        Parameters
        ----------
        iteration : int
            From that of the branch's first state (0 after a fresh start) to that of its tip.
        branch : str, optional
            The branch's name; without one, the current branch.

        Raises
        ------
        ValueError
            If that iteration cannot be reached.
        Exception
            Any exception of a network or the data on the way. The run is then where
            it was.
        """
        self._do(partial(goto, self._session, iteration, branch))

    def switch(self, name: str) -> None:
        """Switch to the tip of branch `name`, with its pending settings.

        Raises
        ------
        ValueError
            If there is no such branch.
        """
        self._do(partial(switch, self._session, name))

    def fork(self, name: str) -> None:
        """Begin a branch called `name` at the current place.

        Raises
        ------
        ValueError
            If the name is empty or taken.
        """
        self._do(partial(fork, self._session, name))

    def undo(self, seq: int | None = None) -> None:
        """Travel to the place just before an intervention and all others at that place.

        Parameters
        ----------
        seq : int, optional
            Its number; by default the last on the current path. If no update has used it yet, it is
            taken back, with all that one ``change(...)`` set together with it.

        Raises
        ------
        ValueError
            If there is no such intervention, or the state before it is unreachable.
        """
        self._do(partial(undo, self._session, seq))

    # --- what there is --------------------------------------------------------------------------

    @property
    def branch(self) -> str:
        """Name of the current branch."""
        branches = self._session.branches
        return branches.by_id[branches.current].name

    @property
    def branches(self) -> Mapping[str, Branch]:
        """All branches by name, in order of creation."""
        return MappingProxyType({branch.name: branch for branch in self._session.branches.by_id.values()})

    @property
    def place(self) -> Position:
        """The current place."""
        return self._session.place

    @property
    def at_tip(self) -> bool:
        """True if the next update extends the branch; in the past it begins another one."""
        return self._session.branches.at_tip

    def tip(self, branch: str | None = None) -> int:
        """Return the last iteration of a branch, by default the current one."""
        return tip_of(self._session, self._id(branch)).iteration

    def first(self, branch: str | None = None) -> int:
        """Return the first reachable iteration of a branch, by default the current one."""
        branches = self._session.branches
        return branches.roots[branches.root_of(self._id(branch))].first.iteration

    def history(self, branch: str | None = None) -> History:
        """Return the history of a whole branch, by default the current one, from its first state on.

        :attr:`GANTrainer.history` ends at the current iteration; this continues to the branch's tip.
        """
        return history_of(self._session, self._id(branch))

    @property
    def interventions(self) -> list[Intervention]:
        """All interventions on all branches, by `seq`, without pending ones."""
        return self._session.log.everything

    @property
    def snapshots(self) -> list[Position]:
        """The places with a snapshot; all others need some recomputation."""
        places = [snapshot.place for snapshot in self._session.snapshots]
        return sorted(places, key=lambda place: (place.branch, place.iteration, place.seq))

    def script(self) -> str:
        """Return Python source that reproduces the run up to its current place.

        Data and networks of one's own are left to be filled in; everything else is in it.

        Raises
        ------
        ValueError
            If the run began with a state that was loaded, whose beginning no call can repeat.
        """
        text: str = self._do(partial(script_of, self._session))
        return text

    def _id(self, name: str | None) -> int:
        branches = self._session.branches
        return branches.current if name is None else branches.named(name).id

    def _do(self, function: Callable[[], T]) -> T:
        answer: T = self._between_steps(function)  # type: ignore[arg-type,assignment]
        return answer

    def __repr__(self) -> str:
        return f"<Timeline at iteration {self.place.iteration} of {self.branch!r}>"
