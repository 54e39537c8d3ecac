"""Detection of network edits by the user between two updates, by comparing contents.

Version counters of tensors would be cheaper, but ``parameter.data.mul_(2)`` and writing through NumPy leave them
as they are. So the contents are copied after the last update, and compared before the next one. Both take one
operation for all tensors of one dtype. Nothing is compared between the steps of one call.

A layer may be replaced by one of the same class with tensors of the same names, shapes and dtypes. Any other
change of the structure is refused, because no stored state of the run would fit it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ganwidgets.errors import DataError
from ganwidgets.messages import Message
from ganwidgets.stepping.edits.layer_behavior import LayerBehavior
from ganwidgets.stepping.modules.joined_copies import JoinedCopies, bits_equal

__all__ = ["EditDetector", "HandEdit"]

NAMED = 6
"""Maximum number of tensors that one sentence names."""


@dataclass(frozen=True)
class HandEdit:
    """An edit by hand; tensors are named as ``generator.0.weight``.

    Attributes
    ----------
    values : tuple of str
        Tensors with changed numbers.
    replaced : tuple of str
        Parameters that are other objects: their optimizer has no state for them.
    gradients : mapping of str to bool
        Parameters whose ``requires_grad`` was set, with the new value.
    behavior : tuple of str
        Options of layers and replaced methods. No state holds them.
    hooks : tuple of str
        Hooks, which no state holds.
    """

    values: tuple[str, ...]
    replaced: tuple[str, ...]
    gradients: Mapping[str, bool]
    behavior: tuple[str, ...] = ()

    hooks: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.hooks or self.of_record)

    @property
    def of_record(self) -> bool:
        """True if it changes the networks themselves; a hook may only observe them."""
        return bool(self.values or self.replaced or self.gradients or self.behavior)

    def __str__(self) -> str:
        parts = [f"{name} (replaced, optimizer state dropped)" for name in self.replaced]
        parts += [f"{name} (requires_grad {flag})" for name, flag in self.gradients.items()]
        parts += self.behavior
        parts += [name for name in self.values if name not in self.replaced]
        more = f" and {len(parts) - NAMED} more" if len(parts) > NAMED else ""
        return ", ".join(parts[:NAMED]) + more


class Slot(NamedTuple):
    """Location of a tensor in a module."""

    name: str
    registry: dict[str, Any]
    key: str
    tensor: Tensor | None
    shape: torch.Size
    described: str
    """As it was read: ``parameter.data = ...`` may change all of it in place."""


class Layer(NamedTuple):
    """A module, as it was read."""

    path: str
    module: nn.Module
    kind: type
    options: str
    children: dict[str, nn.Module]


class Contents(NamedTuple):
    """Everything that is compared."""

    modules: list[Layer]
    slots: list[Slot]
    held: list[tuple[dict[str, Any], str, Tensor | None]]
    """Registry, key and tensor of each slot."""
    strided: list[Tensor]
    joined: JoinedCopies
    pointers: list[int]
    copies: list[Tensor]
    gradients: list[bool]
    behavior: LayerBehavior


class EditDetector:
    """Finds changes of networks since :meth:`note`.

    Parameters
    ----------
    networks : mapping of str to nn.Module
    """

    def __init__(self, networks: Mapping[str, nn.Module]) -> None:
        self._networks = dict(networks)
        self._noted: Contents | None = None
        self._stale = True

    def forget(self) -> None:
        """Allow any change from now on, such as an update, until :meth:`note` is called."""
        self._stale = True

    def note(self) -> None:
        """Take the networks' current content as the reference."""
        noted = self._noted
        if noted is None or not self._intact(noted) or self._pointers(noted) != noted.pointers:
            self._noted = self._read()
        else:
            noted.behavior.note()
            self._noted = noted._replace(copies=noted.joined.read(), gradients=self._gradients(noted))
        self._stale = False

    def find(self) -> HandEdit | None:
        """Return the changes since the last :meth:`note`; None if there are none, or if none was possible.

        Raises
        ------
        DataError
            If the networks have another structure now.
        """
        noted = self._noted
        if self._stale or noted is None:
            return None
        intact = self._intact(noted)
        behavior, hooks = noted.behavior.changed() if intact else ((), ())
        if (
            intact
            and not behavior
            and not hooks
            and self._pointers(noted) == noted.pointers
            and self._gradients(noted) == noted.gradients
            and all(map(torch.equal, noted.copies, noted.joined.read()))
        ):
            return None
        now = self._read()
        _refuse_other_structure(noted, now)
        before, after = _by_name(noted), _by_name(now)
        edit = HandEdit(
            values=tuple(name for name in before if not bits_equal(before[name], after[name])),
            replaced=tuple(
                old.name
                for old, new in zip(noted.slots, now.slots, strict=True)
                if old.tensor is not new.tensor and isinstance(new.tensor, nn.Parameter)
            ),
            gradients={
                slot.name: flag
                for slot, flag, was in zip(now.slots, now.gradients, noted.gradients, strict=True)
                if flag != was
            },
            behavior=behavior,
            hooks=hooks,
        )
        return edit or None

    def before(self) -> tuple[dict[str, dict[str, Tensor]], dict[str, dict[str, bool]]]:
        """Return the noted reference: tensors, and parameters with gradients, by network and name."""
        assert self._noted is not None
        contents = _by_name(self._noted)
        tensors: dict[str, dict[str, Tensor]] = {name: {} for name in self._networks}
        gradients: dict[str, dict[str, bool]] = {name: {} for name in self._networks}
        seen: set[int] = set()
        for slot, flag in zip(self._noted.slots, self._noted.gradients, strict=True):
            if slot.tensor is not None and id(slot.tensor) not in seen:  # a shared one has its first name
                seen.add(id(slot.tensor))
                network, name = slot.name.split(".", 1)
                tensors[network][name] = contents[slot.name]
                if isinstance(slot.tensor, nn.Parameter):
                    gradients[network][name] = flag
        return tensors, gradients

    # --- reading --------------------------------------------------------------------------------

    def _read(self) -> Contents:
        modules, slots = [], []
        for network, root in self._networks.items():
            for path, module in root.named_modules():
                at = f"{network}.{path}" if path else network
                options = module.extra_repr()
                modules.append(Layer(at, module, type(module), options, dict(module._modules)))
                for registry in (module._parameters, module._buffers):
                    slots += [_slot(f"{at}.{key}", registry, key) for key in registry]
        joined = JoinedCopies([slot.tensor for slot in slots if slot.tensor is not None])
        held = [(slot.registry, slot.key, slot.tensor) for slot in slots]
        strided = [t for _, _, t in held if t is not None and t.layout == torch.strided]
        behavior = LayerBehavior((layer.path, layer.module) for layer in modules)
        contents = Contents(modules, slots, held, strided, joined, [], joined.read(), [], behavior)
        return contents._replace(
            pointers=self._pointers(contents),
            gradients=self._gradients(contents),
        )

    def _intact(self, noted: Contents) -> bool:
        """Return True if all modules and tensors are the same objects as before."""
        tensors = 0
        for _, module, kind, _, children in noted.modules:
            if type(module) is not kind or module._modules != children:
                return False
            tensors += len(module._parameters) + len(module._buffers)
        if tensors != len(noted.held):
            return False
        return all(registry.get(key) is tensor for registry, key, tensor in noted.held)

    def _pointers(self, noted: Contents) -> list[int]:
        return [tensor.data_ptr() for tensor in noted.strided]

    def _gradients(self, noted: Contents) -> list[bool]:
        return [tensor is not None and tensor.requires_grad for _, _, tensor in noted.held]


def _slot(name: str, registry: dict[str, Any], key: str) -> Slot:
    tensor = registry[key]
    if tensor is None:
        return Slot(name, registry, key, None, torch.Size(), "None")
    described = f"{tensor.dtype} {tuple(tensor.shape)} on {tensor.device}"
    return Slot(name, registry, key, tensor, tensor.shape, described)


def _by_name(contents: Contents) -> dict[str, Tensor]:
    """Return the copied tensors, in their shapes, each name once."""
    names = [slot.name for slot in contents.slots if slot.tensor is not None]
    return dict(zip(names, contents.joined.parts(contents.copies), strict=True))


def _refuse_other_structure(noted: Contents, now: Contents) -> None:
    # The options of a layer that is still the same object may have been set by the network itself.
    known = {id(layer.module) for layer in noted.modules}
    replaced = {layer.path for layer in now.modules if id(layer.module) not in known}
    before, after = _structure(noted, replaced), _structure(now, replaced)
    for name in [*before, *(name for name in after if name not in before)]:
        if before.get(name) != after.get(name):
            raise DataError(
                Message(
                    "{name} was changed by hand from {before} to {after}, which fits no stored state of the run; put "
                    "it back, or start a new trainer with the changed network",
                    name=name,
                    before=before.get(name, "nothing"),
                    after=after.get(name, "nothing"),
                )
            )


def _structure(contents: Contents, replaced: set[str]) -> dict[str, str]:
    found = {
        path: f"{kind.__name__}({options})" if path in replaced else kind.__name__
        for path, _, kind, options, _ in contents.modules
    }
    places = dict(zip(map(id, contents.strided), contents.pointers, strict=True))
    first: dict[int, str] = {}
    for slot in contents.slots:
        place = places.get(id(slot.tensor), 0)  # 0 is that of an empty tensor, too
        shared = first.setdefault(place, slot.name) if place else slot.name
        # No stored state holds one tensor twice.
        found[slot.name] = (
            slot.described if shared == slot.name else f"{slot.described}, the same as {shared}"
        )
    return found
