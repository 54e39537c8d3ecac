"""What decides what a network computes besides its tensors: options of its layers, hooks, replaced methods.

No stored state holds them. A run can only notice that a user changed one, and say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn.modules import module as _torch_module

__all__ = ["LayerBehavior"]

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
_GLOBAL_HOOKS: tuple[Mapping[int, Any], ...] = (
    _torch_module._global_forward_hooks,
    _torch_module._global_forward_pre_hooks,
    _torch_module._global_backward_hooks,
    _torch_module._global_backward_pre_hooks,
)
_PLAIN = frozenset({bool, int, float, complex, str, tuple})


class LayerBehavior:
    """The options, hooks and replaced methods of modules, read again and again and compared.

    Parameters
    ----------
    modules : iterable of (str, nn.Module)
        Each with the name that a message has for it.
    """

    def __init__(self, modules: Iterable[tuple[str, nn.Module]]) -> None:
        named = list(modules)
        self._dicts = [(name, vars(module)) for name, module in named]
        self._options = [
            (name, content, key)
            for name, content in self._dicts
            for key, value in content.items()
            if type(value) in _PLAIN and key != "training" and not key.startswith("_")
        ]
        self._hooks = [content[key] for _, content in self._dicts for key in _HOOKS]
        self._parameters: list[Tensor] = [
            p for _, module in named for p in module._parameters.values() if p is not None
        ]
        self._moving: set[int] = set()
        self._noted = self._read()

    def note(self) -> None:
        """Take what is there for what should be; options that updates change are the network's own from now on."""
        now = self._read()
        if now != self._noted:
            pairs = enumerate(zip(self._noted[0], now[0], strict=True))
            self._moving.update(index for index, (before, after) in pairs if before != after)
        self._noted = now

    def changed(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return which options or methods, and which hooks, are not as noted last; they are noted then."""
        now, noted = self._read(), self._noted
        if now == noted:
            return (), ()
        self._noted = now
        found = [
            f"{name}.{key} from {before!r} to {after!r}"
            for index, ((name, _, key), before, after) in enumerate(
                zip(self._options, noted[0], now[0], strict=True)
            )
            if before != after and index not in self._moving
        ]
        found += [
            f"{name}.forward"
            for (name, _), before, after in zip(self._dicts, noted[1], now[1], strict=True)
            if before is not after
        ]
        if noted[2:] == now[2:]:
            return tuple(found), ()
        hooked = [name for name, content in self._dicts if any(content[key] for key in _HOOKS)]
        return tuple(found), (f"hooks of {', '.join(hooked)}" if hooked else "hooks",)

    def _read(self) -> tuple[list[Any], list[Any], list[int], list[Any]]:
        return (
            [content.get(key) for _, content, key in self._options],
            [content.get("forward") for _, content in self._dicts],
            [key for hooks in (*self._hooks, *_GLOBAL_HOOKS) for key in hooks],
            [None if p._backward_hooks is None else list(p._backward_hooks) for p in self._parameters],
        )
