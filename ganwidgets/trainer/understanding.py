"""What helps a user understand a run: notes, two futures side by side, one update looked at closely."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor

from ganwidgets.messages import Message
from ganwidgets.runs.inspect.sampling import sample, shown
from ganwidgets.runs.record.notes import Note, checked_text, notes_on
from ganwidgets.settings import check_names
from ganwidgets.trainer.quality import QualityMixin

if TYPE_CHECKING:
    from ganwidgets.explanation.explanation import Explanation
    from ganwidgets.trainer.what_if import WhatIf

__all__ = ["UnderstandingMixin"]


class UnderstandingMixin(QualityMixin):
    """A trainer that can be asked why, and what if; the run's state is untouched by it."""

    def what_if(self, steps: int = 500, *, seeds: int = 1, **changes: Any) -> WhatIf:
        """Return two futures from this very state, without and with `changes`, under the same noise and batches.

        Both are computed on exact copies, and this run notices nothing of them. ``take()`` puts a future on the timeline
        as a branch; ``drop()`` leaves no trace.

        Parameters
        ----------
        steps : int
            How far each future goes.
        seeds : int
            Repeat both under so many noise seeds, the run's own first; then :meth:`WhatIf.difference` says whether a
            difference is more than chance.
        **changes
            Settings by name, in force from the next update on.

        Raises
        ------
        traitlets.TraitError
            For an unknown name, a value that is not allowed, or a setting that takes effect at a fresh start only.

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
        """Return `n` samples that stand for the run, as they are shown; None for a game without such an exhibit."""
        session = self._session
        if session.own.game is None:
            return self._between_steps(lambda: sample(session, n, seed, None))
        exhibit = session.own.game.main_exhibit
        if exhibit is None:
            return None
        return self._between_steps(lambda: shown(session, n, seed)).get(exhibit.name)

    def explain(self, iteration: int) -> Explanation:
        """Return why an iteration came out as it did: the exact update, carried out again on copies.

        It shows the real batch, the latents, the samples that cost most, the gradient norm of each layer against those
        of the iterations before, and the last intervention. Two replays decide what caused it: one with other real
        samples in the place of this batch, and one without that intervention. The run notices nothing.

        Parameters
        ----------
        iteration : int
            A full step that led to where the run stands.

        Raises
        ------
        ValueError
            If there is no such step, or it was taken before the run was loaded.

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
        """Note something about an iteration, by default the one at which the run stands.

        Notes are shown on the timeline and in :func:`ganwidgets.compare`, and are kept in the run's folder and in saved
        files. They belong to no state: :meth:`GANTrainer.state_hash` does not change.

        Parameters
        ----------
        text : str
        iteration : int, optional
            From 0 to that at which the run stands.

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
        """The notes up to where the run stands, in the order of their iterations."""
        session = self._session
        branches = session.branches
        return notes_on(session.notes, branches, branches.current, session.state.iteration)
