"""What a trainer says about its own health, and the rules that look after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from ganwidgets.diagnosis import Finding, diagnose
from ganwidgets.diagnosis.autopilot import MODES, Autopilot
from ganwidgets.diagnosis.built_in import built_in_rules
from ganwidgets.diagnosis.duality_gap import gap_curve, gap_of
from ganwidgets.diagnosis.rules import Rule, checked_rules
from ganwidgets.errors import DivergedError
from ganwidgets.messages import Message
from ganwidgets.runs.record.interventions import Origin
from ganwidgets.runs.state.user_parts import refuse_other_games
from ganwidgets.runs.timeline.copies import copy_here
from ganwidgets.trainer.quality import QualityMixin
from ganwidgets.validation import checked_count, checked_seed

__all__ = ["HealthMixin"]


class HealthMixin(QualityMixin):
    """A trainer that can be diagnosed, and obey rules if a user arms them."""

    _autopilot: Autopilot | None = None

    def diagnose(self) -> tuple[Finding, ...]:
        """Return what is wrong with the run, the most severe finding first; empty if nothing is found.

        Each finding has a symptom of :data:`ganwidgets.diagnosis.SYMPTOMS`, a severity from 0 to 1, the iteration since
        which it holds, its evidence (a signal over time and the threshold it crossed) and remedies. Signals are recorded
        columns of the last 500 iterations, and probes of copies of the networks at up to seven moments. Before enough is
        known nothing is found. The state does not change. ``benchmarks/results.md`` says how often findings are right.

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
        """Return how far the run is from an equilibrium: 0 there, and larger the further away.

        The best response of D against this G, minus the best response of G against this D, each after `steps` updates on
        an exact copy (Grnarova et al., "A domain agnostic measure for monitoring and evaluating GANs", NeurIPS 2019). The
        run does not change. ``history.evaluations`` keeps the value, as it does those of :meth:`evaluate`.

        Parameters
        ----------
        steps : int
            The cost: so many updates of D, and as many of G.
        n : int
            Samples on which both answers are compared.
        seed : int
            Of these samples.

        Examples
        --------
        >>> from ganwidgets import GANTrainer
        >>> trainer = GANTrainer("ring8", seed=0)
        >>> record = trainer.step(20)
        >>> trainer.duality_gap(steps=20) > 0
        True
        """
        refuse_other_games(self._session.own.game, "duality_gap()")
        steps, n, seed = checked_count(steps), checked_count(n), checked_seed(seed)
        start = self._between_steps(lambda: copy_here(self._session))
        gap = gap_of(start, steps, n, seed)
        at = start.state.iteration
        self._between_steps(lambda: self._session.history.note_evaluation(at, n, seed, {"duality_gap": gap}))
        return gap

    def duality_gap_curve(
        self, points: int = 8, steps: int = 100, n: int = 1000, seed: int = 0
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Return :meth:`duality_gap` over the run, computed afterwards at its snapshots.

        Returns
        -------
        iterations : int64 array [points]
        values : float64 array [points]
            Fewer if there are fewer snapshots. The cost is that of `points` calls.
        """
        refuse_other_games(self._session.own.game, "duality_gap_curve()")
        points, steps = checked_count(points), checked_count(steps)
        n, seed = checked_count(n), checked_seed(seed)
        curve = self._between_steps(lambda: gap_curve(self._session, points, steps, n, seed))
        return curve.iterations, curve.values

    def autopilot(self, rules: Rule | Sequence[Rule] | None = None, mode: str = "act") -> Autopilot | None:
        """Let rules look after the run from the next step on.

        Rules that compare recorded columns are asked every 10 iterations, rules that read findings every 100. Every act
        is an intervention with the author ``"rule"``, the rule's name and its evidence as the reason. It can be undone,
        and a replay needs no rule. Findings cost a diagnosis each time.

        Parameters
        ----------
        rules : Rule or sequence of Rule, optional
            By default those of :func:`ganwidgets.built_in_rules`.
        mode : {"off", "advise", "act"}
            ``"advise"`` notes what would be done and does nothing.

        Returns
        -------
        Autopilot or None
            Its ``firings`` grow while the run goes on. None for ``"off"``.

        Raises
        ------
        TypeError, ValueError
            For what is no rule, or another mode.

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
        """Carry out up to `n` steps, and let the rules look wherever they are due."""
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
