"""Built-in networks."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from ganwidgets.errors import DataError
from ganwidgets.messages import Message, N_
from ganwidgets.networks import dcgan, mlp, msg, progressive, r3gan, resnet
from ganwidgets.networks.layers.spectral import normalise_spectrally
from ganwidgets.networks.spec import NetworkSpec
from ganwidgets.networks.stylegan3 import training
from ganwidgets.rng_routing import RoutedRandomness
from ganwidgets.seeds import seeded
from ganwidgets.settings import SETTINGS, ChoiceSetting
from ganwidgets.settings.registered_names import checked_name
from ganwidgets.validation import checked_callable

__all__ = ["Builder", "NetworkSpec", "build_networks", "register_architecture"]

Builder = Callable[[NetworkSpec, torch.Generator], tuple[nn.Module, nn.Module]]
"""``builder(spec, generator)`` returns a generator and a discriminator, with weights drawn from `generator`."""

_BUILDERS: dict[str, Builder] = {
    "mlp": mlp.build,
    "dcgan": dcgan.build,
    "resnet": resnet.build,
    "r3gan": r3gan.build,
    "progressive": progressive.build,
    "msg": msg.build,
    "stylegan3_t": training.build_t,
    "stylegan3_r": training.build_r,
}

_BUILT_IN = frozenset(_BUILDERS)

_SPECTRAL = ("mlp", "dcgan", "resnet")
"""Architectures that support spectral norm in the discriminator; the others scale their weights themselves."""


def register_architecture(name: str, builder: Builder, *, label: str = "") -> None:
    """Register an architecture of the user's own, chosen as ``architecture=name``.

    To load a run that used it in a new process, register it there first under the same name.

    Parameters
    ----------
    name : str
        An identifier. An architecture that was registered under this name before is replaced.
    builder : callable
        ``builder(spec, generator)`` returns a generator and a discriminator. `spec` is a
        :class:`~ganwidgets.networks.spec.NetworkSpec`. Initial weights are drawn from the `torch.Generator`, or by
        PyTorch's layers themselves, whose draws follow from the run's seed too.
    label : str
        Display name; `name` if omitted.

    Raises
    ------
    ValueError
        If the name is taken.
    TypeError
        If `builder` is not callable.
    """
    name = checked_name(name, N_("architecture"), _BUILT_IN)
    _BUILDERS[name] = checked_callable("builder", builder)
    chosen = SETTINGS["architecture"]
    assert isinstance(chosen, ChoiceSetting)
    chosen.add(name, label or name)


def build_networks(
    architecture: str,
    shape: tuple[int, ...],
    latent_dim: int,
    g_hidden: tuple[int, ...],
    d_hidden: tuple[int, ...],
    activation: str,
    generator: torch.Generator,
    *,
    channels: int = 32,
    norm: str = "batch",
    spectral_norm: bool = False,
    classes: int = 0,
    d_shape: tuple[int, ...] | None = None,
    mapping_layers: int = 2,
    synthesis_layers: int = 4,
    bounded: bool | None = None,
) -> tuple[nn.Module, nn.Module]:
    r"""Return a generator and a discriminator for samples of `shape`.

    Parameters
    ----------
    architecture : {"mlp", "dcgan", "resnet", "r3gan", "progressive", "msg", "stylegan3_t", "stylegan3_r"}
        How they are built.
    shape : tuple of int
        Shape of one sample: (F,) for points, (C, H, W) for images.
    latent_dim : int
        The generator maps noise [N, latent_dim] to samples [N, \*shape], images within [-1, 1].
    g_hidden, d_hidden : tuple of int
        Widths of the hidden layers of an ``"mlp"``, input side first; empty for none.
    activation : {"relu", "leaky_relu", "tanh", "gelu"}
        Activation after each of these.
    generator : torch.Generator
        Source of all initial weights. The networks are made on its device, the generator before the discriminator. The
        same state gives the same bits.
    channels : int
        Base width of convolutional networks; see :func:`ganwidgets.networks.layers.convolutions.widths_of`.
    norm : {"batch", "instance", "none"}
        Norm after their convolutions. A ``"resnet"`` has norms in the generator only. With `spectral_norm` the
        discriminator has no other norm.
    spectral_norm : bool
        Apply spectral norm to every layer of the discriminator.
    classes : int
        Number of labels, the second argument of both networks, int64 [N]; 0 for none.
    d_shape : tuple of int, optional
        Shape of the discriminator's input, if it is several samples along the first axis.
    mapping_layers, synthesis_layers : int
        Layers of a StyleGAN3 generator's mapping network, and of its synthesis network before the last.
    bounded : bool, optional
        True if samples train in [-1, 1]. If left out: images do, points do not.

    Returns
    -------
    tuple of nn.Module
        The generator, and the discriminator, which maps [N, \*d_shape] to logits [N, 1].

    Raises
    ------
    DataError
        If the architecture does not support samples of that shape.
    """
    if architecture not in _BUILDERS:
        raise ValueError(
            Message(
                "there is no architecture {name!r}; choose one of {allowed}",
                name=architecture,
                allowed=", ".join(_BUILDERS),
            )
        )
    plan = NetworkSpec(
        shape,
        d_shape or shape,
        latent_dim,
        g_hidden,
        d_hidden,
        activation,
        channels,
        norm,
        spectral_norm,
        classes,
        mapping_layers,
        synthesis_layers,
        len(shape) > 1 if bounded is None else bounded,
    )
    if architecture in _BUILT_IN:
        networks = _BUILDERS[architecture](plan, generator)
    else:
        networks = _own_networks(architecture, plan, generator)
    if spectral_norm and architecture in _SPECTRAL:
        normalise_spectrally(networks[1], generator)
    return networks


def _own_networks(
    architecture: str, plan: NetworkSpec, generator: torch.Generator
) -> tuple[nn.Module, nn.Module]:
    """Return the networks of a registered architecture.

    What its builder draws without a generator, such as the initial weights of ``nn.Linear``, comes from a second
    generator with a seed of its own, so that the weights follow from the run's seed.
    """
    beside = seeded(generator.initial_seed(), "builder")
    try:
        with RoutedRandomness(beside):
            built = _BUILDERS[architecture](plan, generator)
    except DataError:  # of the builder: data or settings that it does not support
        raise
    except Exception as error:
        raise DataError(
            Message(
                "the builder of the architecture {name!r} failed: {error}; it is called as builder(spec, generator)",
                name=architecture,
                error=f"{type(error).__name__}: {error}",
            )
        ) from error
    return _checked_pair(built, architecture)


def _checked_pair(built: object, architecture: str) -> tuple[nn.Module, nn.Module]:
    """Return `built` if it is what a builder must return."""
    pair = tuple(built) if isinstance(built, (tuple, list)) else (built,)
    if len(pair) != 2 or not all(isinstance(network, nn.Module) for network in pair):
        raise DataError(
            Message(
                "the builder of the architecture {name!r} returned {types}; return a generator and a discriminator, "
                "each a torch.nn.Module",
                name=architecture,
                types=", ".join(type(each).__name__ for each in pair) or "nothing",
            )
        )
    return pair
