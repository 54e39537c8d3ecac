"""Detection of changes in a network's behaviour besides its tensors: options of layers, hooks, replaced methods.

No stored state holds them. A run can only notice that a user changed one, and say so. Of a module of the user's own,
its functions, lists, dictionaries and plain objects count as options too.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from types import BuiltinFunctionType, FunctionType
from typing import Any, NamedTuple

import numpy as np
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
_TENSOR_HOOKS = operator.attrgetter("_backward_hooks")
_OURS = ("torch", __name__.partition(".")[0])
_OF_TORCH = frozenset(vars(nn.Module()))
_MOST, _DEEPEST = 64, 1
"""Entries up to which a list, a dictionary or an object is compared, and how deep those in one another are."""


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
        own = [(name, m) for name, m in named if type(m).__module__.partition(".")[0] not in _OURS]
        self._options += [
            (name, vars(module), key)
            for name, module in own
            for key, value in vars(module).items()
            if key not in _OF_TORCH and (type(value) not in _PLAIN or key.startswith("_"))
        ]
        self._classes = [(name, type(module)) for name, module in own]
        self._hooks = [content[key] for _, content in self._dicts for key in _HOOKS]
        self._parameters: list[Tensor] = [
            p for _, module in named for p in module._parameters.values() if p is not None
        ]
        self._moving: set[int] = set()
        self._holders = [
            *(content for _, content, _ in self._options),
            *(content for _, content in self._dicts),
        ]
        self._keys = [*(key for _, _, key in self._options), *("forward" for _ in self._dicts)]
        self._take(self._read())

    def note(self) -> None:
        """Take the current content as the reference; options that updates change are excluded from now on."""
        if self._untouched():
            return
        now = self._read()
        if now != self._noted:
            pairs = enumerate(zip(self._noted[0], now[0], strict=True))
            self._moving.update(index for index, (before, after) in pairs if before != after)
        self._take(now)

    def changed(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the options or methods, and the hooks, that differ from the reference; then update it."""
        if self._untouched():
            return (), ()
        now, noted = self._read(), self._noted
        self._take(now)
        if now == noted:
            return (), ()
        found = [
            f"{name}.{key} from {before!r} to {after!r}"
            if _is_plain(before) and _is_plain(after)
            else f"{name}.{key}"
            for index, ((name, _, key), before, after) in enumerate(
                zip(self._options, noted[0], now[0], strict=True)
            )
            if before != after and index not in self._moving
        ]
        found += [
            f"{name}.forward"
            for (name, _), before, after in zip([*self._dicts, *self._classes], noted[1], now[1], strict=True)
            if before is not after
        ]
        if noted[2:] == now[2:]:
            return tuple(found), ()
        hooked = [name for name, content in self._dicts if any(content[key] for key in _HOOKS)]
        return tuple(found), (f"hooks of {', '.join(hooked)}" if hooked else "hooks",)

    def _take(self, read: tuple[list[Any], list[Any], list[int], list[Any]]) -> None:
        """Take `read`, read just now, as the reference."""
        self._noted = read
        self._objects = [holder.get(key) for holder, key in zip(self._holders, self._keys, strict=True)]
        options = self._objects[: len(self._options)]
        hooked = bool(read[2]) or any(read[3])
        self._simple = not hooked and not self._classes and all(type(option) in _PLAIN for option in options)

    def _untouched(self) -> bool:
        """Return True if every option and method is the object that it was, and none of them can change.

        It may be False although nothing was changed. It is asked twice in each call of a trainer, so its loops are in C.
        """
        return (
            self._simple
            and not any(self._hooks)
            and not any(_GLOBAL_HOOKS)
            and not any(map(_TENSOR_HOOKS, self._parameters))
            and all(map(operator.is_, map(dict.get, self._holders, self._keys), self._objects))
        )

    def _read(self) -> tuple[list[Any], list[Any], list[int], list[Any]]:
        return (
            [_comparable(content.get(key)) for _, content, key in self._options],
            [content.get("forward") for _, content in self._dicts]
            + [kind.forward for _, kind in self._classes],
            [key for hooks in (*self._hooks, *_GLOBAL_HOOKS) for key in hooks],
            [None if p._backward_hooks is None else list(p._backward_hooks) for p in self._parameters],
        )


class _Same:
    """Equal to another of the very same object only."""

    __slots__ = ("thing",)

    def __init__(self, thing: object) -> None:
        self.thing = thing

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.thing is other.thing

    __hash__ = None  # type: ignore[assignment]


class _Version(NamedTuple):
    """Of a tensor that is no parameter and no buffer."""

    number: int


def _is_plain(value: Any) -> bool:
    return type(value) in _PLAIN and (type(value) is not tuple or all(map(_is_plain, value)))


def _comparable(value: Any, depth: int = 0) -> Any:
    """Return a comparable fingerprint of `value`; None if it is not compared."""
    found: Any = None
    if type(value) is tuple:
        found = tuple(_comparable(item, depth + 1) for item in value) if len(value) <= _MOST else None
    elif type(value) in _PLAIN:
        found = value
    elif isinstance(value, Tensor):  # one that is replaced may be a result that the network keeps
        found = None if value.is_inference() else _Version(value._version)
    elif isinstance(value, FunctionType | BuiltinFunctionType):
        found = _Same(value)
    elif isinstance(value, np.ndarray):
        found = [value.shape, value.tobytes()] if value.size <= _MOST else None
    elif depth <= _DEEPEST and not isinstance(value, nn.Module):
        found = _entries(value, depth + 1)
    return found


def _entries(value: Any, depth: int) -> list[Any] | None:
    """Return the entries of a list, of a dictionary, or of an object; None if there are too many or none."""
    if isinstance(value, list):
        return [_comparable(item, depth) for item in value] if len(value) <= _MOST else None
    content = value if isinstance(value, dict) else getattr(value, "__dict__", None)
    if not isinstance(content, dict) or len(content) > _MOST:
        return None
    return [(key, _comparable(item, depth)) for key, item in content.items() if type(key) in _PLAIN]
