"""Time travel as users hold it: every state of a run can be returned to and gone on from."""

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

    Nothing that happened is ever lost. After going back, the next update begins a branch of its own,
    and what was there before stays where it was left. Looking around makes no branch.

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
        """Stand where a full step had just been completed, bit for bit, and nothing after it done.

        Settings are then as they were; what was asked for afterwards is as it was not yet.

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
            Whatever a network or the data raises on the way. After any of them the run stands where
            it was.
        """
        self._do(partial(goto, self._session, iteration, branch))

    def switch(self, name: str) -> None:
        """Stand where branch `name` was left, with the settings that had been asked for there.

        Raises
        ------
        ValueError
            If there is no such branch.
        """
        self._do(partial(switch, self._session, name))

    def fork(self, name: str) -> None:
        """Begin a branch called `name` where the run stands, and go on there.

        Raises
        ------
        ValueError
            If the name is empty or taken.
        """
        self._do(partial(fork, self._session, name))

    def undo(self, seq: int | None = None) -> None:
        """Stand just before an intervention took force, and those that did in the same moment.

        Parameters
        ----------
        seq : int, optional
            Its number; without one, the last that led to where the run stands. If no update has obeyed it yet, it is
            taken back, with all that one ``change(...)`` set together with it.

        Raises
        ------
        ValueError
            If there is no such intervention, or what was before it cannot be reached.
        """
        self._do(partial(undo, self._session, seq))

    # --- what there is --------------------------------------------------------------------------

    @property
    def branch(self) -> str:
        """The name of the branch on which the run stands."""
        branches = self._session.branches
        return branches.by_id[branches.current].name

    @property
    def branches(self) -> Mapping[str, Branch]:
        """All branches by name, in order of creation."""
        return MappingProxyType({branch.name: branch for branch in self._session.branches.by_id.values()})

    @property
    def place(self) -> Position:
        """Where the run stands."""
        return self._session.place

    @property
    def at_tip(self) -> bool:
        """Whether going on prolongs the branch; in its past, the next update begins another one."""
        return self._session.branches.at_tip

    def tip(self, branch: str | None = None) -> int:
        """Return the last iteration of a branch, by default the current one."""
        return tip_of(self._session, self._id(branch)).iteration

    def first(self, branch: str | None = None) -> int:
        """Return the first iteration that can be returned to on a branch, by default the current one."""
        branches = self._session.branches
        return branches.roots[branches.root_of(self._id(branch))].first.iteration

    def history(self, branch: str | None = None) -> History:
        """Return the numbers of a whole branch, by default the current one, from its first state on.

        :attr:`GANTrainer.history` ends where the run stands; this goes on to the branch's tip.
        """
        return history_of(self._session, self._id(branch))

    @property
    def interventions(self) -> list[Intervention]:
        """Everything that was ever changed, on all branches, by `seq`; without what is provisional."""
        return self._session.log.everything

    @property
    def snapshots(self) -> list[Position]:
        """The places that are reached at once; all others take a little computing."""
        places = [snapshot.place for snapshot in self._session.snapshots]
        return sorted(places, key=lambda place: (place.branch, place.iteration, place.seq))

    def script(self) -> str:
        """Return Python source that reproduces the run, up to where it stands, by public calls.

        Data and networks of one's own are left to be filled in; everything else is in it.

        Raises
        ------
        ValueError
            If the run began with a state that was loaded, of which no call knows the beginning.
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
