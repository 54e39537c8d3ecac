"""What a trainer says about its own health."""

from __future__ import annotations

from ganwidgets.diagnosis import Finding, diagnose
from ganwidgets.trainer.quality import QualityMixin

__all__ = ["HealthMixin"]


class HealthMixin(QualityMixin):
    """A trainer that can be diagnosed; the run's state is untouched by it."""

    def diagnose(self) -> tuple[Finding, ...]:
        """Return what is wrong with the run, the most severe finding first; empty if nothing is found.

        Each finding has a symptom of :data:`ganwidgets.diagnosis.SYMPTOMS`, a severity from 0 to 1, the iteration since
        which it holds, its evidence (a signal over time and the threshold it crossed) and remedies. Signals are recorded
        columns of the last 500 iterations, and probes of copies of the networks at up to seven moments. Before enough is
        known nothing is found. ``benchmarks/results.md`` says how often the findings are right.

        Examples
        --------
        >>> from ganwidgets import GANTrainer
        >>> trainer = GANTrainer("gaussians", lr_d=1e-6, lr_g=1e-6)
        >>> record = trainer.step(400)
        >>> "too_slow" in [finding.symptom for finding in trainer.diagnose()]
        True
        """
        return self._between_steps(lambda: diagnose(self._session))
