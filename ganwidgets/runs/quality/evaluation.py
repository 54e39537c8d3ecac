"""Evaluation behind `GANTrainer.evaluate` and related methods."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from torch import Tensor, nn

from ganwidgets.errors import DataError
from ganwidgets.messages import Message
from ganwidgets.metrics import evaluate_samples, own_figures
from ganwidgets.metrics.features import Features
from ganwidgets.runs.inspect.sampling import (
    accuracies,
    generated_as_drawn,
    labels_asked,
    overfitting,
    real_as_drawn,
)
from ganwidgets.runs.quality.image_judge import (
    Judge,
    Neighbors,
    chosen_features,
    nearest,
    refuse_unknown_features,
)
from ganwidgets.runs.session.session import Session
from ganwidgets.seeds import derive
from ganwidgets.stepping.game_assembly import look
from ganwidgets.stepping.modules.tensors import copied_network
from ganwidgets.stepping.runtime.ambient import under_pinned_modes

__all__ = ["FAIR", "Evaluation"]

FAIR = {"overfitting": 0.5}
"""Score of a discriminator without memorisation."""

SAMPLES = 2500
"""Number of samples for a report, the default of :meth:`GANTrainer.evaluate`."""


class Evaluation:
    """Evaluates a run.

    Parameters
    ----------
    session : Session
    between : callable
        Runs a function between two steps of the run, and returns its result.
    """

    def __init__(self, session: Session, between: Callable[[Callable[[], Any]], Any]) -> None:
        self._session = session
        self._between = between
        self._drawn_at = session.state.iteration

    @under_pinned_modes
    def noted(self, n: int, seed: int, features: Any) -> dict[str, float]:
        """Return the result of :meth:`of_generated`, and store it in the history at the samples' iteration."""
        figures = self.of_generated(n, seed, features)
        self._between(lambda: self._session.history.note_evaluation(self._drawn_at, n, seed, figures))
        return figures

    def _drawn(self, n: int, seed: int) -> Tensor:
        self._drawn_at = self._session.state.iteration
        return generated_as_drawn(self._session, n, seed)

    def of_generated(self, n: int, seed: int, features: Any) -> dict[str, float]:
        """Return metrics of generated samples, by name; those of the game itself if its samples are not from noise."""
        session = self._session
        if not session.state.game.from_noise:
            return self._of_game(n, seed)
        by_heart = self._between(lambda: overfitting(session, seed))
        if not session.run.source.modality.on_features:
            return {**self._measured(lambda: self._drawn(n, seed), n, seed), **by_heart}
        judge = self.judge(n, seed, features)
        asked = labels_asked(session.run, n, seed)
        figures = self._images(judge, lambda: self._drawn(n, seed), lambda made: judge.figures(made, asked))
        return {**figures, **by_heart}

    @under_pinned_modes
    def of_real(self, n: int, seed: int, features: Any) -> dict[str, float]:
        """Return the same metrics for real samples instead of generated ones."""
        session = self._session
        if not session.state.game.from_noise:
            return dict(session.state.game.floors)
        fair = {} if session.run.held_out is None else FAIR
        if not session.run.source.modality.on_features:
            return {
                **self._measured(lambda: real_as_drawn(session, n, derive(seed, "perfect")), n, seed),
                **fair,
            }
        judge = self.judge(n, seed, features)
        perfect = judge.perfect()
        figures = self._images(judge, lambda: perfect, lambda _: judge.floors)
        if labels_asked(session.run, 1, seed) is None:
            figures.pop("as_asked", None)
        return {**figures, **fair}

    def _of_game(self, n: int, seed: int) -> dict[str, float]:
        """Return the game's own metrics of the current run, between two steps."""
        session = self._session

        def measured() -> dict[str, float]:
            session.roll_back()
            self._drawn_at = session.state.iteration
            found: dict[str, float] = look(session.run, session.in_force(), "evaluate", n, seed)
            return found

        figures: dict[str, float] = self._between(measured)
        return figures

    def report(self) -> tuple[dict[str, float], dict[str, float], str]:
        """Return the metrics, those of real samples, and the name of the image features."""
        name = self.features().name if self._session.run.source.modality.on_features else ""
        return self.of_generated(SAMPLES, 0, None), self.of_real(SAMPLES, 0, None), name

    def judge(self, n: int, seed: int, features: Any = None) -> Judge:
        """Return the judge for `n` generated images."""
        return Judge(self._session.run.source, self.features(features), n, seed, self._between)

    def features(self, asked: Any = None) -> Features:
        """Return the requested features, or the run's own."""
        session = self._session
        asked = session.features if asked is None else refuse_unknown_features(asked)
        source = session.run.source
        self._refuse_no_features()
        known = session.features_made
        if isinstance(asked, nn.Module) and _shared(
            asked, [*session.state.networks.values(), *session.state.averages.values()]
        ):
            # Such features change with every update, and training continues in train mode.
            asked = self._between(lambda: copied_network(asked))
            return chosen_features(asked, source, session.run.state.device, self._between)
        if known is None or known[0] is not source or known[1] is not asked:
            made = chosen_features(asked, source, session.run.state.device, self._between)
            known = session.features_made = (source, asked, made)
        return known[2]

    @under_pinned_modes
    def neighbors(self, samples: Tensor, k: int, features: Any) -> Neighbors:
        """Return the real images nearest to `samples`."""
        self._refuse_no_features()
        return nearest(self._session.run.source, self.features(features), samples, k, self._between)

    @under_pinned_modes
    def class_shares(self, n: int, seed: int) -> dict[int, float]:
        """Return the share of generated images classified as each class."""
        session = self._session
        judge = self.judge(n, seed, "classifier")
        made = self._between(lambda: generated_as_drawn(session, n, seed))
        return {label: share for label, (share, _) in judge.shares(judge.reading(made)).items()}

    def _measured(self, samples: Callable[[], Tensor], n: int, seed: int) -> dict[str, float]:
        session = self._session
        drawn, reference = self._between(lambda: (samples(), real_as_drawn(session, n, seed)))
        source = session.run.source
        return evaluate_samples(source.modality, drawn.numpy(), reference.numpy(), source.modes, seed)

    def _images(
        self, judge: Judge, images: Callable[[], Tensor], figures: Callable[[Tensor], dict[str, float]]
    ) -> dict[str, float]:
        reference = judge.reference()
        made, shares = self._between(
            lambda: (shown := images(), accuracies(self._session, shown[: len(reference)], reference))
        )
        own = own_figures(self._session.run.source.kind, made.numpy(), reference.numpy())
        return {**shares, **figures(made), **own}

    def _refuse_no_features(self) -> None:
        source = self._session.run.source
        if not source.modality.on_features:
            raise DataError(
                Message("{data} is no set of images, so it has no features; leave them out", data=source.name)
            )


def _shared(module: nn.Module, networks: Iterable[nn.Module]) -> bool:
    """Return True if `module` shares a layer with one of `networks`."""
    layers = {id(layer) for network in networks for layer in network.modules()}
    return any(id(layer) in layers for layer in module.modules())
