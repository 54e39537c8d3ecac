"""Images of a generator at places of its latent space."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from ganwidgets.errors import DataError
from ganwidgets.latents.estimates import Estimate, available_memory, estimate
from ganwidgets.latents.place import Place, principal_directions, styles_at
from ganwidgets.latents.preview import Readout
from ganwidgets.latents.staged_synthesis import StagedSynthesis, input_transform
from ganwidgets.messages import Message
from ganwidgets.metrics.equivariance import psnr, translated_by_fraction
from ganwidgets.metrics.rotation import band_limited, rotated

__all__ = ["Exploration"]

DIRECTIONS = 8
"""Number of principal directions."""

QUICK = 0.3
"""Maximum cost of a preview, as a share of the image's multiplications."""


class Exploration:
    """Computes images of a generator for an explorer; shares the weights, so it uses the latest state of a run.

    Parameters
    ----------
    generator : nn.Module
        A StyleGAN3 or StyleGAN2 generator, with the attributes ``mapping`` and ``synthesis``.

    Raises
    ------
    DataError
        If the network is of another kind, or one image needs more memory than is available.
    """

    def __init__(self, generator: nn.Module) -> None:
        mapping, synthesis = getattr(generator, "mapping", None), getattr(generator, "synthesis", None)
        try:
            self.staged = StagedSynthesis(synthesis)
        except TypeError:
            raise DataError(
                Message(
                    "LatentExplorer shows StyleGAN2 and StyleGAN3 generators, but this is a {type}; pass what "
                    "gw.load_stylegan(path) returns, or trainer.generator of architecture 'stylegan3_t' or 'stylegan3_r'",
                    type=type(generator).__name__,
                )
            ) from None
        self.generator = generator
        self.mapping: Any = mapping
        self.estimate: Estimate = estimate(self.staged.synthesis)
        free = available_memory()
        if free is not None and self.estimate.memory > free:
            raise DataError(
                Message(
                    "one image of {side}x{side} needs about {needed:.1f} GB of memory beside the network, but {free:.1f} "
                    "GB are free; close other programs, or take a network of {fits} pixels a side or fewer",
                    side=generator.img_resolution,
                    needed=self.estimate.memory / 1e9,
                    free=free / 1e9,
                    fits=_fitting(int(generator.img_resolution), self.estimate.memory, free),  # type: ignore[arg-type]
                )
            )
        self.readout = Readout()
        self._directions: Tensor | None = None

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the stages, from the input to the image."""
        return tuple(stage.name for stage in self.staged.stages)

    @property
    def quick_stages(self) -> int:
        """Number of stages that a preview computes."""
        known = [second for second in self.staged.seconds if not math.isnan(second)]
        if len(known) < len(self.staged.stages):
            return max(len(self.staged.stages) // 2, 1)
        total, spent = sum(known), 0.0
        for number, second in enumerate(known):
            spent += second
            if spent > QUICK * total:
                return max(number, 1)
        return len(known)

    @property
    def directions(self) -> Tensor:
        """Principal directions of w, [n, w_dim]."""
        if self._directions is None:
            self._directions = principal_directions(self.mapping, DIRECTIONS)
        return self._directions

    def styles(self, place: Place) -> Tensor:
        """Return ws [1, num_ws, w_dim] at `place`."""
        return styles_at(self.mapping, place, self.directions if any(place.directions) else None)

    @contextlib.contextmanager
    def _looking(self) -> Iterator[None]:
        was = self.generator.training
        self.generator.eval()
        try:
            with torch.inference_mode(False), torch.no_grad():
                yield
        finally:
            self.generator.train(was)

    def image(self, place: Place, watch: Callable[[int], None] | None = None) -> Tensor:
        """Return the image at `place`, float32 [C, H, W] in about [-1, 1]; see :meth:`StagedSynthesis.image`."""
        with self._looking():
            image = self.staged.image(self.styles(place), self._transform(place), watch=watch)[0]
            stage = self.quick_stages - 1
            self.readout.fit(self.staged.features(stage)[0], image, stage)
        return image

    def preview(self, place: Place, watch: Callable[[int], None] | None = None) -> Tensor:
        """Return a coarse image at `place`, [C, h, w]: the first stages and a linear map of their features.

        :meth:`image` at the same place continues from there.
        """
        stage = self.readout.stage
        if stage is None:
            return self.image(place, watch)
        with self._looking():
            features = self.staged.image(
                self.styles(place), self._transform(place), until=stage + 1, watch=watch
            )
        return self.readout.image(features[0])

    def _transform(self, place: Place) -> Tensor:
        return input_transform(place.tx, place.ty, place.rotation)

    def activation(self, place: Place, layer: str) -> Tensor:
        """Return the activations of `layer` at `place`, [C, H, W]."""
        number = self.layers.index(layer)
        with self._looking():
            if self.staged.ready <= number:
                self.staged.image(self.styles(place), self._transform(place))
            return self.staged.features(number)[0]

    def equivariance(self, place: Place, seen: Tensor) -> float:
        """Return the equivariance of `seen`, the image at `place`, in dB.

        This is the PSNR between `seen` and the moved image of the unmoved input (Karras et al. 2021, section
        2), for this one motion. It is infinite without motion.
        """
        still = replace(place, tx=0.0, ty=0.0, rotation=0.0)
        if place == still:
            return float("inf")
        with self._looking():
            original = self.generator.synthesis(self.styles(still))  # type: ignore[operator]
        found = seen[None]
        if place.rotation:
            angle = math.radians(place.rotation)
            expected, mask = rotated(original, angle)
            if not place.tx and not place.ty:
                found, known = band_limited(found, angle)
                mask = mask * known
            if place.tx or place.ty:
                expected, _ = translated_by_fraction(expected, place.tx, place.ty)
                mask, _ = translated_by_fraction(mask, place.tx, place.ty)
                mask = (mask > 0.99).float()
        else:
            expected, mask = translated_by_fraction(original, place.tx, place.ty)
        pixels = float(mask.sum())
        if not pixels:
            return float("nan")
        error = float(((found - expected).double().square() * mask).sum())
        return psnr(max(error, 1e-30), pixels)

    def walk(self, places: Sequence[Place], frames: int) -> Iterator[Tensor]:
        """Yield `frames` images [C, H, W] along `places`, interpolated linearly in w."""
        styles = [self.styles(place) for place in places]
        transforms = [(place.tx, place.ty, place.rotation) for place in places]
        for frame in range(frames):
            at = frame / max(frames - 1, 1) * (len(places) - 1)
            one = min(int(at), len(places) - 2) if len(places) > 1 else 0
            other, share = min(one + 1, len(places) - 1), at - one
            moved = [a + share * (b - a) for a, b in zip(transforms[one], transforms[other], strict=True)]
            with self._looking():
                ws = styles[one].lerp(styles[other], share)
                image = self.staged.image(ws, input_transform(*moved))[0]
            yield image


def _fitting(side: int, needed: int, free: int) -> int:
    while side > 4 and needed > free:
        side, needed = side // 2, needed // 4
    return side
