"""What a run was given by its user: networks and an objective, or none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor, nn
from traitlets import TraitError

from ganwidgets.messages import Message
from ganwidgets.objectives import Objective, name_of, with_defaults
from ganwidgets.settings import OWN
from ganwidgets.stepping.tensors import put_tensors, tensors_of

__all__ = ["UserParts"]


class UserParts:
    """Networks and an objective of the user's own.

    Parameters
    ----------
    given : mapping
        ``"generator"``, ``"discriminator"`` and, where there is one, ``"objective"``; None for what is
        built in.
    """

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.networks: dict[str, nn.Module | None] = {
            name: given[name] for name in ("generator", "discriminator")
        }
        self.objective: Objective | None = given.get("objective")
        self._gradients: list[tuple[Tensor, bool]] = []

    def described(self) -> dict[str, Any]:
        """Return what a saved run remembers of it: which networks, and the objective's name."""
        which: dict[str, Any] = {name: network is not None for name, network in self.networks.items()}
        return which if self.objective is None else {**which, "objective": name_of(self.objective)}

    def chosen(self) -> dict[str, str]:
        """Return the settings that put the objective in force, unless others are asked for."""
        if self.objective is None:
            return {}
        penalty = {"penalty": OWN} if with_defaults(self.objective).penalty is not None else {}
        return {"loss": OWN, **penalty}

    def admit(self, settings: Mapping[str, Any]) -> None:
        """Raise `TraitError` where these settings want what was not brought."""
        if settings.get("loss") == OWN and self.objective is None:
            raise TraitError(
                Message(
                    "loss cannot be 'own': no objective was passed; pass one as objective=..., or choose another loss"
                )
            )
        if settings.get("penalty") == OWN and (
            self.objective is None or with_defaults(self.objective).penalty is None
        ):
            raise TraitError(
                Message(
                    "penalty cannot be 'own': no objective with a penalty was passed; pass one as objective=..., or "
                    "choose another penalty"
                )
            )

    def begin_training(self) -> None:
        """Put the networks into train mode, once: afterwards their flags are the user's.

        Also remember which parameters have gradients; every fresh start begins with these.
        """
        for _, network in self._given():
            network.train()
            self._gradients += [(parameter, parameter.requires_grad) for parameter in network.parameters()]

    def put_gradient_flags(self) -> None:
        """Set ``requires_grad`` of every parameter to what it was when training began, if it has begun."""
        for parameter, flag in self._gradients:
            parameter.requires_grad_(flag)

    def content(self) -> dict[str, dict[str, Tensor]]:
        """Return copies of the networks' parameters and buffers."""
        return {
            name: {key: tensor.detach().clone() for key, tensor in tensors_of(network).items()}
            for name, network in self._given()
        }

    def checked_content(self, content: Any) -> dict[str, dict[str, Tensor]]:
        """Return what :meth:`content` returned, if that is `content` for the networks that there are.

        Raises
        ------
        ValueError
            If it belongs to other networks.
        """
        for name, network in self._given():
            wanted = {key: (t.shape, t.dtype) for key, t in tensors_of(network).items()}
            found = {key: (t.shape, t.dtype) for key, t in content[name].items()}
            if found != wanted:
                raise ValueError(f"what the {name} contained at the beginning does not fit the {name}")
        return dict(content)

    def put(self, content: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Give the networks what :meth:`content` returned."""
        for name, network in self._given():
            put_tensors(network, content[name])

    def _given(self) -> Iterator[tuple[str, nn.Module]]:
        for name, network in self.networks.items():
            if network is not None:
                yield name, network
