"""Notes, what-if experiments and explanations of a trainer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor

from ganwidgets.messages import Message
from ganwidgets.runs.inspect.sampling import shown
from ganwidgets.runs.record.notes import Note, checked_text, notes_on
from ganwidgets.settings import check_names
from ganwidgets.trainer.quality import QualityMixin

if TYPE_CHECKING:
    from ganwidgets.explanation.explanation import Explanation
    from ganwidgets.trainer.what_if import WhatIf

__all__ = ["UnderstandingMixin"]


class UnderstandingMixin(QualityMixin):
    """Mixin: notes, what-ifs and explanations; the run's state does not change."""

    def what_if(self, steps: int = 500, *, seeds: int = 1, **changes: Any) -> WhatIf:
        """Return two futures from the current state, without and with `changes`, under the same noise and batches.

        Both are computed on exact copies; the run does not change. ``take()`` adds a future to the timeline as a
        branch. ``drop()`` discards both.

        Parameters
        ----------
        steps : int
            Number of steps of each future.
        seeds : int
            Number of noise seeds, the run's own first. With several, :meth:`WhatIf.difference` says whether a
            difference is more than chance.
        **changes
            Settings by name, in force from the next update on.

        Raises
        ------
        traitlets.TraitError
            If a name is unknown, a value is not allowed, or a setting takes effect only at a fresh start.

        Examples
        --------
        >>> from ganwidgets import GANTrainer
        >>> trainer = GANTrainer("ring8", g_hidden=(8,), d_hidden=(8,))
        >>> record = trainer.step(10)
        >>> both = trainer.what_if(steps=20, lr_d=1e-4)
        >>> both.changed.iteration, len(both.difference("loss_d"))
        (30, 20)
        >>> both.take()
        >>> trainer.iteration, trainer.timeline.branch, trainer.settings.lr_d
        (30, 'what if lr_d=0.0001', 0.0001)
        """
        from ganwidgets.trainer.what_if import WhatIf

        check_names(
            changes,
            "what_if",
            also=("steps", "seeds"),
            definitions=self._session.settings.definitions,
        )
        return WhatIf(self, steps, seeds, changes)  # type: ignore[arg-type]

    def _samples_of_the_run(self, n: int, seed: int = 0) -> Tensor | None:
        """Return the run's first `n` displayed samples; None if the game has no sample exhibit."""
        session = self._session
        exhibit = session.state.game.main_exhibit
        if exhibit is None:
            return None
        return self._between_steps(lambda: shown(session, n, seed)).get(exhibit.name)

    def explain(self, iteration: int) -> Explanation:
        """Return an explanation of one iteration: its exact update, recomputed on copies.

        It has the real batch, the latents, the samples with the highest cost, the gradient norm of each layer compared
        with the iterations before, and the last intervention. Two replays separate the causes: one with other real
        samples instead of this batch, and one without that intervention. The run does not change.

        Parameters
        ----------
        iteration : int
            A full step on the path to the current iteration.

        Raises
        ------
        ValueError
            If there is no such step, or if it precedes the loading of the run.

        Examples
        --------
        >>> from ganwidgets import GANTrainer
        >>> trainer = GANTrainer("ring8", g_hidden=(8,), d_hidden=(8,))
        >>> record = trainer.step(20)
        >>> why = trainer.explain(15)
        >>> why.real.shape, why.equal
        (torch.Size([150, 2]), True)
        """
        from ganwidgets.explanation.explanation import explained

        return self._between_steps(lambda: explained(self._session, iteration))

    def note(self, text: str, iteration: int | None = None) -> None:
        """Add a note about an iteration, by default the current one.

        The timeline and :func:`ganwidgets.compare` show notes. Run folders and saved files store them. They are not
        part of the state: :meth:`GANTrainer.state_hash` does not change.

        Parameters
        ----------
        text : str
        iteration : int, optional
            From 0 to the current iteration.

        Raises
        ------
        ValueError
            If the text is empty or too long, or the run has no such iteration.

        Examples
        --------
        >>> from ganwidgets import GANTrainer
        >>> trainer = GANTrainer("ring8")
        >>> record = trainer.step(5)
        >>> trainer.note("both losses fall")
        >>> trainer.notes
        [Note(branch=0, iteration=5, text='both losses fall')]
        """
        text = checked_text(text)
        self._between_steps(lambda: self._note(text, iteration))

    def _note(self, text: str, iteration: Any) -> None:
        session = self._session
        here = session.state.iteration
        at = here if iteration is None else iteration
        if isinstance(at, bool) or not isinstance(at, int) or not 0 <= at <= here:
            raise ValueError(
                Message(
                    "there is no iteration {iteration!r} to note something about; the run goes from 0 to {last}",
                    iteration=at,
                    last=here,
                )
            )
        branch = session.branches.owner(session.branches.current, at)
        session.notes = [*session.notes, Note(branch, at, text)]
        session.autosave.save()

    @property
    def notes(self) -> list[Note]:
        """The notes up to the current iteration, by iteration."""
        session = self._session
        branches = session.branches
        return notes_on(session.notes, branches, branches.current, session.state.iteration)
