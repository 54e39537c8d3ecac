"""The first layers of a network, which an update may leave as they are.

Mo, Cho and Shin, "Freeze the discriminator: a simple baseline for fine-tuning GANs", 2020, section 3: the lower
layers of D keep their weights, and only the upper ones learn. Their buffers, such as running statistics, still move.
"""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn

__all__ = ["parameters_of_first_layers"]


def parameters_of_first_layers(networks: Iterable[nn.Module], n: int) -> frozenset[int]:
    """Return the ``id`` of each parameter in the first `n` layers of each network.

    A layer begins at a module that has a parameter of two or more dimensions itself, in the order in which the
    modules were registered. Modules without one, such as norms, belong to the layer before them.

    Parameters
    ----------
    networks : iterable of nn.Module
    n : int
        Layers; a network with fewer is returned whole.
    """
    return frozenset(
        id(parameter) for network in networks for layer in _layers(network)[:n] for parameter in layer
    )


def _layers(network: nn.Module) -> list[list[Tensor]]:
    by_module: dict[str, list[Tensor]] = {}
    for name, parameter in network.named_parameters():
        # A parametrized weight, as by spectral norm, belongs to the module that computes with it.
        module = name.split("parametrizations.")[0].rpartition(".")[0]
        by_module.setdefault(module, []).append(parameter)
    layers: list[list[Tensor]] = []
    has_weight = True
    for parameters in by_module.values():
        weighted = any(parameter.ndim > 1 for parameter in parameters)
        if not layers or (weighted and has_weight):
            layers.append([])
            has_weight = False
        layers[-1] += parameters
        has_weight = has_weight or weighted
    return layers
