"""A synthesis network computed stage by stage, with cached results.

Styles enter one after the other, from coarse to fine. If the styles of late layers change, earlier results
stay valid. Only the stages from the first changed one on are computed again.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ganwidgets.networks.stylegan3.generator import SynthesisLayer, SynthesisNetwork
from ganwidgets.networks.stylegan3.stylegan2 import SynthesisBlock
from ganwidgets.networks.stylegan3.stylegan2 import SynthesisNetwork as StyleGAN2Synthesis

__all__ = ["Cancelled", "Stage", "StagedSynthesis", "input_transform"]


class Cancelled(Exception):  # noqa: N818 - not an error: the user asked for it
    """The user cancelled the computation."""


@dataclass(frozen=True)
class Stage:
    """A part of a synthesis network.

    Attributes
    ----------
    name : str
        Name of the module.
    styles : slice
        The ws that enter here.
    run : callable
        Maps the previous stage's result and ws [N, n, w_dim] to this stage's result.
    """

    name: str
    styles: slice
    run: Callable[[Any, Tensor], Any]


def input_transform(tx: float, ty: float, degrees: float) -> Tensor:
    """Return the inverse of a rotation followed by a translation of (`tx`, `ty`) image sides, float32 [3, 3].

    The first layer of StyleGAN3's synthesis network takes this inverse. Angles are counterclockwise.
    """
    angle = math.radians(degrees)
    cosine, sine = math.cos(angle), math.sin(angle)
    moved = torch.tensor([[cosine, sine, tx], [-sine, cosine, ty], [0.0, 0.0, 1.0]], dtype=torch.float64)
    inverse: Tensor = torch.linalg.inv(moved)
    return inverse.float()


class StagedSynthesis:
    """Computes images of one synthesis network, and caches every stage's last result.

    Parameters
    ----------
    synthesis : nn.Module
        Synthesis network of a StyleGAN3 or StyleGAN2 generator. Its buffers do not change.

    Attributes
    ----------
    stages : tuple of Stage
    computed : int
        Number of stages that the last :meth:`image` computed.
    seconds : list of float
        Wall-clock seconds of the last computation of each stage; NaN before the first.
    """

    def __init__(self, synthesis: nn.Module | None) -> None:
        if isinstance(synthesis, SynthesisNetwork):
            self.stages = self._stylegan3(synthesis)
        elif isinstance(synthesis, StyleGAN2Synthesis):
            self.stages = self._stylegan2(synthesis)
        else:
            raise TypeError(f"{type(synthesis).__name__} is no synthesis network of StyleGAN2 or StyleGAN3")
        self.synthesis: nn.Module = synthesis
        self.computed = 0
        self.seconds = [math.nan] * len(self.stages)
        self._transform = torch.eye(3)
        self._shown: tuple[Tensor, Tensor] | None = None
        self._results: list[Any] = []

    @property
    def takes_transform(self) -> bool:
        """True if the input can be translated and rotated exactly, as in StyleGAN3."""
        return isinstance(self.synthesis, SynthesisNetwork)

    def _stylegan3(self, synthesis: SynthesisNetwork) -> tuple[Stage, ...]:
        def first(_: Any, ws: Tensor) -> Tensor:
            kept = synthesis.input.transform
            try:
                # Passed as an argument, not written to the buffer, because other threads may read the
                # network.
                synthesis.input._buffers["transform"] = self._transform.to(kept)
                features: Tensor = synthesis.input(ws[:, 0])
            finally:
                synthesis.input._buffers["transform"] = kept
            return features

        def through(layer: SynthesisLayer) -> Callable[[Any, Tensor], Tensor]:
            def run(x: Any, ws: Tensor) -> Tensor:
                result: Tensor = layer(x, ws[:, 0])
                return result * synthesis.output_scale if layer.specification.is_torgb else result

            return run

        layers = zip(synthesis.layer_names, synthesis.layers(), strict=True)
        return (
            Stage("input", slice(0, 1), first),
            *(Stage(name, slice(i, i + 1), through(layer)) for i, (name, layer) in enumerate(layers, 1)),
        )

    def _stylegan2(self, synthesis: StyleGAN2Synthesis) -> tuple[Stage, ...]:
        stages, begin = [], 0
        for resolution, block in zip(synthesis.block_resolutions, synthesis.blocks(), strict=True):
            end = begin + block.num_conv + block.num_torgb
            name = f"b{resolution}"
            stages.append(Stage(name, slice(begin, end), self._block(block)))
            begin += block.num_conv
        return tuple(stages)

    def _block(self, block: SynthesisBlock) -> Callable[[Any, Tensor], Any]:
        def run(before: Any, ws: Tensor) -> Any:
            x, image = (None, None) if before is None else before
            styles = ws.unbind(1)
            if x is None:
                return self._first_block(block, styles)
            return block(x, image, styles, "const")

        return run

    def _first_block(self, block: SynthesisBlock, styles: Sequence[Tensor]) -> Any:
        """Return the first block's result; the current translation shifts its constant cyclically."""
        tx, ty = (-float(self._transform[i, 2]) for i in (0, 1))
        if not tx and not ty:
            return block(None, None, styles, "const")
        kept = block.const
        side = kept.shape[-1]
        frequency = torch.fft.fftfreq(side, device=kept.device)
        phase = torch.exp(-2j * math.pi * side * (frequency[:, None] * ty + frequency * tx))
        moved = torch.fft.ifft2(torch.fft.fft2(kept.detach()) * phase).real
        try:
            block._parameters["const"] = nn.Parameter(moved, requires_grad=False)
            return block(None, None, styles, "const")
        finally:
            block._parameters["const"] = kept

    @torch.no_grad()
    def image(
        self,
        ws: Tensor,
        transform: Tensor | None = None,
        *,
        until: int | None = None,
        watch: Callable[[int], None] | None = None,
    ) -> Tensor:
        """Return the image, or the features after some stages.

        Parameters
        ----------
        ws : Tensor
            [N, num_ws, w_dim].
        transform : Tensor, optional
            [3, 3], of the input; default: the identity.
        until : int, optional
            Number of stages to compute; default: all.
        watch : callable, optional
            Called with the number of each stage before it is computed; it may raise :class:`Cancelled`.

        Returns
        -------
        Tensor
            [N, C, H, W].
        """
        transform = torch.eye(3) if transform is None else transform
        begin = self._first_changed(ws, transform)
        end = len(self.stages) if until is None else until
        self._transform = transform
        self._results = self._results[:begin]
        self._shown = (ws.clone(), transform.clone())
        self.computed = 0
        for number in range(begin, end):
            if watch is not None:
                watch(number)
            stage = self.stages[number]
            began = time.perf_counter()
            before = self._results[-1] if self._results else None
            self._results.append(stage.run(before, ws[:, stage.styles]))
            self.seconds[number] = time.perf_counter() - began
            self.computed += 1
        return self.features(end - 1)

    def features(self, number: int) -> Tensor:
        """Return the last result of stage `number`, [N, C, H, W]; the last stage's result is the image."""
        result = self._results[number]
        if isinstance(result, tuple):
            features, image = result
            last = number == len(self.stages) - 1
            found: Tensor = image if last else features
            return found
        assert isinstance(result, Tensor)
        return result

    @property
    def ready(self) -> int:
        """Number of stages with cached results."""
        return len(self._results)

    def forget(self) -> None:
        """Drop all cached results."""
        self._results, self._shown = [], None

    def _first_changed(self, ws: Tensor, transform: Tensor) -> int:
        """Return the number of the first stage whose cached result is invalid."""
        if self._shown is None:
            return 0
        before, moved = self._shown
        if before.shape != ws.shape or not torch.equal(moved, transform):
            return 0
        for number, stage in enumerate(self.stages[: len(self._results)]):
            if not torch.equal(before[:, stage.styles], ws[:, stage.styles]):
                return number
        return len(self._results)
