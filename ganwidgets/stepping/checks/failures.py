"""Diagnosis of a network's failure on a batch, with a remedy."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from ganwidgets.messages import Message
from ganwidgets.stepping.checks.failing_layer import FailingLayer, failing_layer

__all__ = ["Attempt", "error_text", "first_dimensions", "sentence", "update_remedy"]


@dataclass(frozen=True)
class Attempt:
    """One call of a network that raised an error.

    Attributes
    ----------
    name : {"generator", "discriminator"}
    network : nn.Module
    inputs : tuple of Tensor
        Arguments of the call: a batch, and labels if the network takes any.
    error : Exception
        Exception of the call.
    packing : int
        Number of samples that the discriminator judges together.
    highest : int or None
        The largest label, if the network takes labels.
    works : int or None
        Another batch size that works, if one was found.
    """

    name: str
    network: nn.Module
    inputs: tuple[Tensor, ...]
    error: Exception
    packing: int = 1
    highest: int | None = None
    works: int | None = None

    @property
    def layer(self) -> FailingLayer | None:
        """The layer that raised the error."""
        return failing_layer(self.network, self.error)


def error_text(network: nn.Module, error: Exception) -> str:
    """Return the error as text, with the layer of `network` that raised it, if known."""
    text = f"{type(error).__name__}: {error}"
    layer = failing_layer(network, error)
    if layer is None or not layer.name:
        return text
    return Message(
        "its layer {layer} was given shape {given} and said {error}",
        layer=str(layer),
        given=layer.given,
        error=text,
    )


def sentence(attempt: Attempt) -> Message:
    """Return a sentence with the failure, its layer, and the remedy."""
    return Message(
        "the {network} cannot take a batch of shape {shape}: {error}; {remedy}",
        network=attempt.name,
        shape=tuple(attempt.inputs[0].shape),
        error=error_text(attempt.network, attempt.error),
        remedy=_remedy(attempt),
    )


def first_dimensions(attempt: Attempt) -> int:
    """Return the number of trailing dimensions of length 1 that this generator's noise may lack."""
    layer = attempt.layer
    return len(layer.module.kernel_size) if layer is not None and isinstance(layer.module, _ConvNd) else 2


def _remedy(attempt: Attempt) -> Message:
    for remedy in (
        _type_remedy,
        _label_remedy,
        *(
            (_latent_remedy, _batch_remedy)
            if attempt.name == "generator"
            else (_batch_remedy, _sample_remedy)
        ),
    ):
        found = remedy(attempt)
        if found is not None:
            return found
    if attempt.name == "generator":
        return Message(
            "it is called with float32 noise of shape {shape}; let its forward take that",
            shape=("n", *attempt.inputs[0].shape[1:]),
        )
    return Message(
        "one sample of the data has shape {shape}: pass a discriminator for such samples",
        shape=tuple(attempt.inputs[0].shape[1:]),
    )


def _type_remedy(attempt: Attempt) -> Message | None:
    """Return the remedy if weights are not float32, or are on another device."""
    text = str(attempt.error)
    types = {p.dtype for p in attempt.network.parameters() if p.is_floating_point() or p.is_complex()}
    foreign = sorted(str(each).removeprefix("torch.") for each in types - {torch.float32})
    if foreign and re.search(r"dtype|scalar type|type|not implemented for", text):
        return Message(
            "its weights are {dtype}, but noise and data are float32: pass {network}.float()",
            dtype=", ".join(foreign),
            network=attempt.name,
        )
    if "same device" in text:
        return Message(
            "its forward makes a tensor on another device: make it with device=x.device, or register it as a buffer"
        )
    return None


def _label_remedy(attempt: Attempt) -> Message | None:
    """Return the remedy for a network that takes labels."""
    layer = attempt.layer
    if len(attempt.inputs) < 2 or attempt.highest is None:
        return None
    if (
        layer is not None
        and isinstance(layer.module, nn.Embedding)
        and attempt.highest >= layer.module.num_embeddings
    ):
        return Message(
            "labels go up to {highest}, but layer {layer} has vectors for {n} classes: make it "
            "nn.Embedding({needed}, ...), or number the classes from 0",
            highest=attempt.highest,
            layer=layer.name,
            n=layer.module.num_embeddings,
            needed=attempt.highest + 1,
        )
    return None


def _batch_remedy(attempt: Attempt) -> Message | None:
    """Return the remedy if the batch size is the cause."""
    n = len(attempt.inputs[0])
    if "Expected more than 1 value per channel" in str(attempt.error):
        return Message(
            "batch norm needs more than one value for each channel, and this batch has {n}: choose a batch_size of "
            "at least {least}, or use nn.LayerNorm or no norm instead",
            n=n,
            least=2 * attempt.packing,
        )
    if attempt.works is not None:
        return Message(
            "a batch of {works} works, so the network depends on the size of its batch: choose batch_size={size}",
            works=attempt.works,
            size=attempt.works * attempt.packing,
        )
    return None


def _latent_remedy(attempt: Attempt) -> Message | None:
    """Return the remedy if the generator needs another number of latents, or another shape of noise."""
    noise, layer = attempt.inputs[0], attempt.layer
    labels = attempt.inputs[1].shape[1] if len(attempt.inputs) > 1 and attempt.inputs[1].ndim == 2 else 0
    latent_dim, wanted = noise.shape[1], None
    if layer is not None and layer.given is not None:
        given = layer.given
        if isinstance(layer.module, nn.Linear) and len(given) == 2:
            wanted = _latents(layer.module.in_features, given[-1], latent_dim, labels)
        elif isinstance(layer.module, _ConvNd) and len(given) == noise.ndim > 2:
            wanted = _latents(layer.module.in_channels, given[1], latent_dim, labels)
    refused = re.search(r"shape '\[([-\d, ]+)\]' is invalid for input of size (\d+)", str(attempt.error))
    if wanted is None and refused and int(refused[2]) == noise.numel():
        sizes = [int(size) for size in refused[1].split(",")][1:]
        wanted = math.prod(sizes) if sizes and min(sizes) > 0 else None
    if wanted is not None and wanted not in {0, latent_dim}:
        return Message(
            "latent_dim is {latent_dim}, but this generator takes {wanted} numbers: pass latent_dim={wanted}",
            latent_dim=latent_dim,
            wanted=wanted,
        )
    return None


def _latents(takes: int, given: int, latent_dim: int, labels: int) -> int | None:
    """Return the latents that a first layer lacks, if it was given the noise alone or beside one-hot labels."""
    if given == latent_dim:
        return takes
    return takes - labels if labels and given == latent_dim + labels and takes > labels else None


def _sample_remedy(attempt: Attempt) -> Message | None:
    """Return the remedy if the discriminator expects samples of another shape."""
    seen, layer = attempt.inputs[0], attempt.layer
    if attempt.packing > 1:
        return Message(
            "packing is {packing}: pass a discriminator for as many samples at once, of shape {shape}",
            packing=attempt.packing,
            shape=tuple(seen.shape[1:]),
        )
    if (
        layer is not None
        and isinstance(layer.module, nn.Linear)
        and layer.given == seen.shape
        and seen.ndim > 2
    ):
        return Message(
            "one sample of the data has shape {shape}: let a discriminator of linear layers begin with nn.Flatten()",
            shape=tuple(seen.shape[1:]),
        )
    return None


def update_remedy(
    error: Exception, *, penalty: str, unroll_steps: int, batch_size: int, packing: int
) -> Message:
    """Return the remedy if both networks run, but an update of them raised `error`."""
    text = str(error)
    if "Expected more than 1 value per channel" in text:
        return Message(
            "batch norm needs more than one value for each channel: choose a batch_size of at least {least}, not "
            "{batch_size}, or use nn.LayerNorm or no norm instead",
            least=2 * packing,
            batch_size=batch_size,
        )
    if re.search(r"dtype|scalar type", text):
        return Message(
            "both networks must take and return float32: pass generator.float() and discriminator.float()"
        )
    if "inplace operation" in text or "in-place operation" in text:
        return Message(
            "a layer overwrites a tensor that the gradient still needs: make activations with inplace=False, and "
            "write x = x + y instead of x += y"
        )
    if re.search(r"derivative|differentiable|double backward|_backward", text) and (
        penalty != "none" or unroll_steps
    ):
        return Message(
            "penalty {penalty!r} and unroll_steps {unroll_steps} need derivatives of derivatives, and a layer has none: "
            "set penalty to 'none' and unroll_steps to 0, or replace that layer",
            penalty=penalty,
            unroll_steps=unroll_steps,
        )
    found = Message(
        "try batch_size, penalty and unroll_steps one by one, or call the network on such a batch in a cell"
    )
    if "does not require grad" in text or "appears to not have been used" in text:
        found = Message(
            "the network's output does not depend on its parameters in a differentiable way: leave detach(), item(), "
            ".data and torch.no_grad() out of its forward"
        )
    elif isinstance(error, MemoryError) or "out of memory" in text or "allocate memory" in text:
        found = Message(
            "there is not enough memory: choose a batch_size below {batch_size}", batch_size=batch_size
        )
    return found
