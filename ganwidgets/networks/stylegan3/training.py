"""StyleGAN3 generators for small images, and their discriminator.

The published networks have 14 layers and a margin of 10 pixels. At 16 pixels a side they would compute five times the
image's area. These networks have few layers, a margin of 3, and a first cut-off of 1, so that the first layers run at 4
and 8 pixels.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from ganwidgets.networks.spec import NetworkSpec, refuse_unless_square
from ganwidgets.networks.stylegan3.discriminator import Discriminator
from ganwidgets.networks.stylegan3.generator import Generator
from ganwidgets.networks.stylegan3.layers import initialize

__all__ = ["TrainableDiscriminator", "TrainableGenerator", "build_r", "build_t"]

MARGIN = 3
FIRST_CUTOFF, FIRST_STOPBAND = 1.0, 2.0
WIDEST = 2
"""Maximum number of channels, as a multiple of that of the finest layers."""

LABEL_LAYERS = 2
"""Number of layers in the discriminator's mapping network; the published networks have 8."""


class TrainableGenerator(Generator):
    """A :class:`Generator` for int64 labels that updates its running means in train mode.

    Magnitudes and the mean of w are buffers, so they are part of the state of a run.
    """

    def forward(
        self,
        z: Tensor,
        c: Tensor | None = None,
        truncation_psi: float = 1.0,
        truncation_cutoff: int | None = None,
        update_emas: bool | None = None,
    ) -> Tensor:
        """Return images [N, C, H, W] from z [N, z_dim] and, if conditional, labels int64 [N] or [N, c_dim].

        If `update_emas` is None, running means are updated in train mode.
        """
        moves = self.training if update_emas is None else update_emas
        return super().forward(z, _one_hot(c, self.c_dim), truncation_psi, truncation_cutoff, moves)


class TrainableDiscriminator(Discriminator):
    """A :class:`Discriminator` for int64 labels."""

    def forward(self, img: Tensor, c: Tensor | None = None) -> Tensor:
        """Return logits [N, 1] from images [N, C, H, W] and, if conditional, labels int64 [N] or [N, c_dim]."""
        return super().forward(img, _one_hot(c, self.c_dim))


def _one_hot(labels: Tensor | None, classes: int) -> Tensor | None:
    if labels is None or not classes:
        return None
    return labels if labels.is_floating_point() else one_hot(labels, classes).float()


def build_t(plan: NetworkSpec, generator: torch.Generator) -> tuple[nn.Module, nn.Module]:
    """Return networks of configuration T; see :func:`build_networks`."""
    return _built("stylegan3_t", plan, generator, wider=1)


def build_r(plan: NetworkSpec, generator: torch.Generator) -> tuple[nn.Module, nn.Module]:
    """Return networks of configuration R: 1x1 convolutions, radial filters, twice the channels."""
    return _built("stylegan3_r", plan, generator, wider=2, conv_kernel=1, use_radial_filters=True)


def _built(
    architecture: str, plan: NetworkSpec, generator: torch.Generator, *, wider: int, **kind: Any
) -> tuple[nn.Module, nn.Module]:
    side = refuse_unless_square(architecture, plan.shape)
    width = plan.channels * wider
    with torch.device(generator.device):
        networks = (
            TrainableGenerator(
                plan.latent_dim,
                plan.classes,
                plan.latent_dim,
                side,
                plan.shape[0],
                mapping_kwargs={"num_layers": plan.mapping_layers},
                channel_base=width * side,
                channel_max=width * WIDEST,
                num_layers=plan.synthesis_layers,
                num_critical=1 if plan.synthesis_layers < 6 else 2,
                first_cutoff=FIRST_CUTOFF,
                first_stopband=FIRST_STOPBAND,
                margin_size=MARGIN,
                magnitude_ema_beta=None,
                **kind,
            ),
            TrainableDiscriminator(
                plan.classes,
                side,
                plan.d_shape[0],
                channel_base=plan.channels * side,
                channel_max=plan.channels * WIDEST,
                mapping_kwargs={"num_layers": LABEL_LAYERS},
            ),
        )
    for network in networks:
        initialize(network, generator)
    return networks
