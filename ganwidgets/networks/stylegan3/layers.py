"""Layers of both StyleGAN2 and StyleGAN3: fully connected layers, mapping network, demodulation."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, linear

__all__ = [
    "FullyConnectedLayer",
    "MappingNetwork",
    "demodulation",
    "initialize",
    "normalize_second_moment",
]

SLOPE = 0.2
GAIN = math.sqrt(2)
"""Gain with which a leaky ReLU of slope 0.2 preserves the variance of a normally distributed input."""

EPSILON = 1e-8


def initialize(network: nn.Module, generator: torch.Generator) -> None:
    """Draw the initial parameters and buffers of `network` from `generator` alone.

    Calls the method ``draw_initial`` of each module that has one, parents before children.
    """
    with torch.no_grad():
        for module in network.modules():
            draw = getattr(module, "draw_initial", None)
            if draw is not None:
                draw(generator)


def normalize_second_moment(x: Tensor) -> Tensor:
    """Return x / sqrt(mean over axis 1 of x^2 + 1e-8), shape [N, F]."""
    return x * (x.square().mean(1, keepdim=True) + EPSILON).rsqrt()


class FullyConnectedLayer(nn.Module):
    """y = act(W x lr / sqrt(fan_in) + b lr), with equalized learning rate (Karras et al. 2018, section 4.1).

    Parameters
    ----------
    in_features, out_features : int
        Widths.
    activation : {"linear", "lrelu"}
        A leaky ReLU has slope 0.2 and gain sqrt 2.
    lr_multiplier : float
        Factor of the learning rate, lr above. W is drawn from N(0, 1/lr^2).
    weight_init : float
        Initial standard deviation of lr W.
    bias_init : float or tuple of float
        Initial value of lr b.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        activation: str = "linear",
        lr_multiplier: float = 1.0,
        weight_init: float = 1.0,
        bias_init: float | tuple[float, ...] = 0.0,
    ) -> None:
        super().__init__()
        self.activation = activation
        self.lr_multiplier = lr_multiplier
        self.weight_init = weight_init
        self.bias_init = bias_init
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        self.bias = nn.Parameter(torch.empty(out_features))

    def draw_initial(self, generator: torch.Generator) -> None:
        """Draw W; set b."""
        self.weight.normal_(0, self.weight_init / self.lr_multiplier, generator=generator)
        self.bias.copy_(torch.tensor(self.bias_init) / self.lr_multiplier)

    def forward(self, x: Tensor) -> Tensor:
        """Return [N, out_features] from [N, in_features], in the precision of `x`."""
        weight = self.weight.to(x.dtype) * (self.lr_multiplier / math.sqrt(self.weight.shape[1]))
        bias = self.bias.to(x.dtype) * self.lr_multiplier
        if self.activation == "linear":
            return linear(x, weight, bias)
        return leaky_relu(linear(x, weight) + bias, SLOPE) * GAIN


class MappingNetwork(nn.Module):
    """f: (z, c) -> w (Karras et al. 2019, section 2), with a running mean of w for truncation.

    Parameters
    ----------
    z_dim, c_dim, w_dim : int
        Widths of latent vector, label and intermediate latent vector; 0 for no latent vector or label.
    num_ws : int
        Number of copies of w, one for each layer that takes a style.
    num_layers : int
        Number of fully connected layers.
    lr_multiplier : float
        Factor of their learning rate.
    w_avg_beta : float
        Decay of the running mean of w.
    """

    w_avg: Tensor

    def __init__(
        self,
        z_dim: int,
        c_dim: int,
        w_dim: int,
        num_ws: int,
        *,
        num_layers: int = 2,
        lr_multiplier: float = 0.01,
        w_avg_beta: float = 0.998,
    ) -> None:
        super().__init__()
        self.z_dim, self.c_dim, self.w_dim, self.num_ws = z_dim, c_dim, w_dim, num_ws
        self.num_layers, self.w_avg_beta = num_layers, w_avg_beta
        if c_dim:
            self.embed = FullyConnectedLayer(c_dim, w_dim)
        widths = [z_dim + (w_dim if c_dim else 0)] + [w_dim] * num_layers
        for index in range(num_layers):
            layer = FullyConnectedLayer(
                widths[index], widths[index + 1], activation="lrelu", lr_multiplier=lr_multiplier
            )
            self.add_module(f"fc{index}", layer)
        if z_dim:
            self.register_buffer("w_avg", torch.zeros(w_dim))

    def mapped(self, z: Tensor | None, c: Tensor | None) -> Tensor:
        """Return w, [N, w_dim], from z [N, z_dim] and c [N, c_dim]."""
        parts = []
        if self.z_dim:
            if z is None:
                raise ValueError(f"the mapping network takes z of shape [N, {self.z_dim}]")
            parts.append(normalize_second_moment(z.to(self.w_avg.dtype)))
        if self.c_dim:
            if c is None:
                raise ValueError(f"the network is conditional: it takes labels c of shape [N, {self.c_dim}]")
            parts.append(normalize_second_moment(self.embed(c.to(self.embed.weight.dtype))))
        x = torch.cat(parts, 1)
        for index in range(self.num_layers):
            x = self.get_submodule(f"fc{index}")(x)
        return x

    def forward(
        self,
        z: Tensor,
        c: Tensor | None = None,
        truncation_psi: float = 1.0,
        truncation_cutoff: int | None = None,
        update_emas: bool = False,
    ) -> Tensor:
        """Return ws, [N, num_ws, w_dim].

        Parameters
        ----------
        z, c : Tensor
            [N, z_dim] and, for a conditional network, [N, c_dim].
        truncation_psi : float
            psi in w_avg + psi (w - w_avg) (Karras et al. 2019, appendix B).
        truncation_cutoff : int, optional
            Number of truncated styles, from the first on; default: all.
        update_emas : bool
            True to update the running mean of w with this batch.
        """
        w = self.mapped(z, c)
        if update_emas:
            with torch.no_grad():
                self.w_avg.copy_(w.detach().mean(0).lerp(self.w_avg, self.w_avg_beta))
        ws = w.unsqueeze(1).repeat(1, self.num_ws, 1)
        if truncation_psi == 1:
            return ws
        cutoff = self.num_ws if truncation_cutoff is None else truncation_cutoff
        truncated = self.w_avg.lerp(ws[:, :cutoff], truncation_psi)
        return torch.cat([truncated, ws[:, cutoff:]], 1)


def demodulation(weight: Tensor, styles: Tensor) -> Tensor:
    """Return 1 / sqrt(sum over i, k of (s_i w_oik)^2 + 1e-8), [N, O] (Karras et al. 2020, equation 3).

    Parameters
    ----------
    weight : Tensor
        [O, I, k, k].
    styles : Tensor
        [N, I].
    """
    return (styles.square() @ weight.square().sum((2, 3)).T + EPSILON).rsqrt()
