"""Diagnosis, duality gap and autopilot of a trainer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from ganwidgets.diagnosis import Finding, diagnose
from ganwidgets.diagnosis.duality_gap import gap_curve, gap_of
from ganwidgets.diagnosis.rules.autopilot import MODES, Autopilot
from ganwidgets.diagnosis.rules.built_in import built_in_rules
from ganwidgets.diagnosis.rules.rule import Rule, checked_rules
from ganwidgets.errors import DivergedError
from ganwidgets.messages import Message
from ganwidgets.runs.record.interventions import Origin
from ganwidgets.runs.state.user_parts import refuse_without_noise
from ganwidgets.runs.timeline.copies import copy_here
from ganwidgets.trainer.quality import QualityMixin
from ganwidgets.validation import checked_count, checked_seed

__all__ = ["HealthMixin"]


class HealthMixin(QualityMixin):
    """Mixin: diagnosis, duality gap and autopilot."""

    _autopilot: Autopilot | None = None

    def diagnose(self) -> tuple[Finding, ...]:
        """Return the problems of the run as findings, most severe first; empty if none is found.

        Each finding has a symptom of :data:`ganwidgets.diagnosis.SYMPTOMS`, a severity from 0 to 1, the iteration
        from which on it holds, its evidence (a signal over time and the threshold it crossed) and remedies. Signals are
        recorded columns of the last 500 iterations, and probes of network copies at up to seven moments. A short
        history gives no findings. Overfitting is found only if `holdout` is above 0. The state does not change. ``benchmarks/results.md`` has the accuracy.

        Examples
        --------
        >>> from ganwidgets import GANTrainer
        >>> trainer = GANTrainer("gaussians", lr_d=1e-6, lr_g=1e-6)
        >>> record = trainer.step(400)
        >>> "too_slow" in [finding.symptom for finding in trainer.diagnose()]
        True
        """
        return self._between_steps(lambda: diagnose(self._session))

    def duality_gap(self, steps: int = 100, n: int = 1000, seed: int = 0) -> float:
        """Return the duality gap, the run's distance from an equilibrium: 0 at an equilibrium, larger further away.

        The value is max over D' of V(D', G) minus min over G' of V(D, G'). Each maximum or minimum is approximated by
        `steps` updates of a copy (Grnarova et al., "A domain agnostic measure for monitoring and evaluating GANs",
        NeurIPS 2019). The run does not change. ``history.evaluations`` keeps the value.

        Parameters
        ----------
        steps : int
            Number of updates of the copies of D and of G.
        n : int
            Number of samples for V.
        seed : int
            Seed of these samples.

        Examples
        --------
        >>> from ganwidgets import GANTrainer
        >>> trainer = GANTrainer("ring8", seed=0)
        >>> record = trainer.step(20)
        >>> trainer.duality_gap(steps=20) > 0
        True
        """
        refuse_without_noise(self._session.own.game, "duality_gap()")
        steps, n, seed = checked_count(steps), checked_count(n), checked_seed(seed)
        start = self._between_steps(lambda: copy_here(self._session))
        gap = gap_of(start, steps, n, seed)
        at = start.state.iteration
        self._between_steps(lambda: self._session.history.note_evaluation(at, n, seed, {"duality_gap": gap}))
        return gap

    def duality_gap_curve(
        self, points: int = 8, steps: int = 100, n: int = 1000, seed: int = 0
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Return :meth:`duality_gap` over the run, computed at its snapshots.

        Returns
        -------
        iterations : int64 array [points]
        values : float64 array [points]
            Shorter if there are fewer snapshots. The cost is `points` times that of one call.
        """
        refuse_without_noise(self._session.own.game, "duality_gap_curve()")
        points, steps = checked_count(points), checked_count(steps)
        n, seed = checked_count(n), checked_seed(seed)
        curve = self._between_steps(lambda: gap_curve(self._session, points, steps, n, seed))
        return curve.iterations, curve.values

    def autopilot(self, rules: Rule | Sequence[Rule] | None = None, mode: str = "act") -> Autopilot | None:
        """Apply rules to the run from the next step on.

        Rules on recorded columns are evaluated every 10 iterations, rules on findings every 100. Each action is an
        intervention with the author ``"rule"``; its reason is the rule's name and evidence. It can be undone, and a
        replay does not evaluate rules. Each evaluation of findings costs a diagnosis.

        Parameters
        ----------
        rules : Rule or sequence of Rule, optional
            Default: :func:`ganwidgets.built_in_rules`.
        mode : {"off", "advise", "act"}
            ``"advise"`` records the firings without acting.

        Returns
        -------
        Autopilot or None
            Its ``firings`` grow during training. None for ``"off"``.

        Raises
        ------
        TypeError, ValueError
            If an element of `rules` is not a rule, or if the mode is unknown.

        Examples
        --------
        >>> from ganwidgets import GANTrainer, Rule
        >>> trainer = GANTrainer("ring8", lr_d=0.05)
        >>> pilot = trainer.autopilot(Rule("ease", when="loss_d < 5", then={"lr_d": "* 0.5"}, limit=1))
        >>> record = trainer.step(20)
        >>> trainer.settings.lr_d, trainer.interventions[-1].author
        (0.025, 'rule')
        """
        if mode not in MODES:
            raise ValueError(
                Message(
                    "autopilot cannot be {value!r}: choose one of {names}", value=mode, names=", ".join(MODES)
                )
            )
        chosen = checked_rules(built_in_rules(self._session.own.game) if rules is None else rules)

        def arm() -> Autopilot | None:
            pilot = None if mode == "off" else Autopilot(self._session, chosen, mode)
            vars(self)["_autopilot"] = pilot
            return pilot

        return self._between_steps(arm)

    def _advance(
        self, network: str, n: int, interrupted: Callable[[], bool], origin: Origin
    ) -> dict[str, float]:
        """Carry out up to `n` steps, and evaluate the rules when due."""
        pilot = self._autopilot
        if pilot is None or network != "both":
            return super()._advance(network, n, interrupted, origin)
        stopped = False

        def noted() -> bool:
            nonlocal stopped, n
            n -= 1
            stopped = interrupted()
            return stopped

        while True:
            try:
                record = super()._advance(network, min(n, pilot.until()), noted, origin)
            except DivergedError as error:
                if not pilot.after_divergence(error):
                    raise
                record = self._session.record()
            else:
                pilot.look()
            if stopped or n <= 0:
                return record
