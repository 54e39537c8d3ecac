"""What a trainer says about the quality of what its generator makes."""

from __future__ import annotations

from typing import Any

import torch

from ganwidgets.runs.quality.evaluation import Evaluation
from ganwidgets.runs.quality.image_judge import Neighbors, refuse_unknown_features
from ganwidgets.runs.state.user_parts import refuse_other_games
from ganwidgets.trainer.hosting import RunnerFacing
from ganwidgets.validation import checked_count, checked_seed

__all__ = ["QualityMixin"]


class QualityMixin(RunnerFacing):
    """A trainer whose samples can be compared with real ones; the run's state is untouched by it."""

    def evaluate(self, n: int = 2500, seed: int = 0, features: Any = None) -> dict[str, float]:
        """Return how good the generated samples are, by name; see :mod:`ganwidgets.metrics`.

        Standardized points are measured as z-scores. For points: ``modes high_quality reverse_kl`` where the data knows its centres,
        ``jensen_shannon`` for two dimensions, ``sliced_wasserstein``. For images: ``frechet
        kernel_inception precision recall density coverage diversity`` on the features that
        :attr:`features` names, ``inception_score`` and, on the data's own classes, ``modes`` and
        ``reverse_kl`` where those know classes; and the shares of real and of generated images that
        the discriminator judges rightly.

        Parameters
        ----------
        n : int
            How many generated samples are compared with as many real ones; of images with half of
            the data where that is less, because the other half is for :meth:`floors`.
        seed : int
            Of the samples; the same seed, the same figures.
        features : str, path or nn.Module, optional
            Other features than :attr:`features`, this once.

        Notes
        -----
        ``trainer.history.evaluations`` keeps the result with the iteration; the state and its hash do not change.
        """
        return self._evaluation.noted(checked_count(n), checked_seed(seed), features)

    def floors(self, n: int = 2500, seed: int = 0, features: Any = None) -> dict[str, float]:
        """Return what a perfect generator scores at :meth:`evaluate`: real samples in its place."""
        return self._evaluation.of_real(checked_count(n), checked_seed(seed), features)

    @property
    def features(self) -> Any:
        """What images are judged on, in the widget too; assign another at any time, the run does not change.

        ``"classifier"``, a small network that learns the labels of this data in seconds; ``"inception"``, by
        which published figures (FID, KID) are measured, or the path of its weights; ``"random"``, a network
        that was never trained, good for a trend only; ``"pixels"``; a module of your own, from images [n, C, H, W]
        in [0, 1] to features [n, F] or to a pair of those and of logits [n, K]. ``"auto"`` is the classifier for
        images with labels, and random features for others.
        """
        return self._session.features

    @features.setter
    def features(self, asked: Any) -> None:
        self._session.features = refuse_unknown_features(asked)

    def neighbors(self, samples: Any, k: int = 1, features: Any = None) -> Neighbors:
        """Return the real images that are most like some images, to see whether the generator copies.

        Parameters
        ----------
        samples : Tensor [n, C, H, W]
            In [0, 1], such as :meth:`sample` returns.
        k : int
            How many for each.
        features : str, path or nn.Module, optional
            What makes images alike; ``"pixels"`` finds exact copies, :attr:`features` those with the same content.

        Returns
        -------
        Neighbors
            ``indices distances images`` of the nearest real images, and the ``typical`` distance of a real image
            from its own nearest one: much nearer than that is a copy.
        """
        return self._evaluation.neighbors(torch.as_tensor(samples), checked_count(k), features)

    def class_shares(self, n: int = 2500, seed: int = 0) -> dict[int, float]:
        """Return the share of generated images that the data's classifier reads as each of its classes."""
        refuse_other_games(self._session.own.game, "class_shares()")
        return self._evaluation.class_shares(checked_count(n), checked_seed(seed))

    @property
    def _evaluation(self) -> Evaluation:
        return Evaluation(self._session, self._between_steps)
