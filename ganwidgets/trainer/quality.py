"""Quality of a trainer's generated samples."""

from __future__ import annotations

from typing import Any

import torch

from ganwidgets.runs.quality.evaluation import Evaluation
from ganwidgets.runs.quality.image_judge import Neighbors, refuse_unknown_features
from ganwidgets.runs.state.user_parts import refuse_without_noise
from ganwidgets.trainer.hosting import RunnerFacing
from ganwidgets.validation import checked_count, checked_seed, checked_size

__all__ = ["QualityMixin"]


class QualityMixin(RunnerFacing):
    """Mixin: comparison of generated with real samples; the run's state does not change."""

    def evaluate(self, n: int = 2500, seed: int = 0, features: Any = None) -> dict[str, float]:
        """Return quality figures of the generated samples, by name; see :mod:`ganwidgets.metrics`.

        Standardized points are measured as z-scores. Points: ``modes high_quality reverse_kl`` if the data has known
        centres, ``jensen_shannon`` in two dimensions, ``sliced_wasserstein``. Images: ``frechet kernel_inception
        precision recall density coverage diversity`` on :attr:`features`. With the data's own classes also
        ``inception_score``, ``modes`` and ``reverse_kl``. Images also have the shares of real and of generated samples
        that the discriminator classifies correctly.

        Parameters
        ----------
        n : int
            Number of generated samples, compared with as many real ones. Images use at most half of the data,
            because the other half is for :meth:`floors`.
        seed : int
            Seed of the samples; equal seeds give equal figures.
        features : str, path or nn.Module, optional
            Features for this call; default :attr:`features`.

        Notes
        -----
        ``trainer.history.evaluations`` stores the result with its iteration; the state and its hash do not change.
        """
        return self._evaluation.noted(checked_size(n), checked_seed(seed), features)

    def floors(self, n: int = 2500, seed: int = 0, features: Any = None) -> dict[str, float]:
        """Return :meth:`evaluate` for real samples instead of generated ones: the score of a perfect generator."""
        return self._evaluation.of_real(checked_size(n), checked_seed(seed), features)

    @property
    def features(self) -> Any:
        """The features that image metrics use, in the widget too; assignable at any time, without effect on the run.

        ``"classifier"``: a small network that learns the labels of this data in seconds. ``"inception"``, or the path
        of its weights: the features of published FID and KID figures. ``"random"``: an untrained network, good for a
        trend only. ``"pixels"``: raw pixels. A module: maps images [n, C, H, W] in [0, 1] to features [n, F], or to a
        pair of features and logits [n, K]. ``"auto"``: the classifier for images with labels, else random features.
        """
        return self._session.features

    @features.setter
    def features(self, asked: Any) -> None:
        self._session.features = refuse_unknown_features(asked)

    def neighbors(self, samples: Any, k: int = 1, features: Any = None) -> Neighbors:
        """Return the real images nearest to given images, to check whether the generator copies.

        Parameters
        ----------
        samples : Tensor [n, C, H, W]
            In [0, 1], such as :meth:`sample` returns.
        k : int
            Number of neighbours for each image.
        features : str, path or nn.Module, optional
            Features for the distance: ``"pixels"`` finds exact copies, :attr:`features` similar content.

        Returns
        -------
        Neighbors
            ``indices distances images`` of the nearest real images, and the ``typical`` distance between a real image
            and its own nearest neighbour. A much smaller distance indicates a copy.
        """
        return self._evaluation.neighbors(torch.as_tensor(samples), checked_count(k), features)

    def class_shares(self, n: int = 2500, seed: int = 0) -> dict[int, float]:
        """Return the share of generated images that the data's classifier assigns to each class."""
        refuse_without_noise(self._session.own.game, "class_shares()")
        return self._evaluation.class_shares(checked_size(n), checked_seed(seed))

    @property
    def _evaluation(self) -> Evaluation:
        return Evaluation(self._session, self._between_steps)
