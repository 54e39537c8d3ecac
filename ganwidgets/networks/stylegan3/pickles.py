"""A reader of the published network pickles that executes nothing.

The opcodes are interpreted here, and produce only numbers, strings, containers and tensors. A global is treated as a
name, never imported. A call is accepted only if its name is in :data:`_CALLS`, which rebuilds data. The source text
inside the file is treated as a string, and ignored.
"""

from __future__ import annotations

import io
import math
import pickletools
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganwidgets.errors import CheckpointError
from ganwidgets.messages import Message

__all__ = ["Persistent", "read_pickle"]

MOST_OPCODES = 5_000_000
"""Maximum number of objects; the largest published file has fewer than a hundred thousand."""

STORAGES = {
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}

TORCH_MAGIC = 0x1950A86A20F9469CFC6C
TORCH_PROTOCOL = 1001


@dataclass(frozen=True)
class Global:
    """The name of a class or function in a pickle."""

    module: str
    name: str


@dataclass
class Persistent:
    """A module that was pickled with its source, without that source.

    Attributes
    ----------
    class_name : str
        Name of its class.
    state : dict
        Its attributes: parameters, buffers, modules and constructor arguments.
    """

    class_name: str
    state: dict[str, Any]


@dataclass
class _Array:
    """A NumPy array or dtype under construction."""

    value: Any = None


def _refuse(what: str) -> CheckpointError:
    return CheckpointError(
        Message(
            "the file is not a published StyleGAN2 or StyleGAN3 network that can be read safely: {what}; "
            "nothing in it was executed. Download it again, and compare its size and checksum",
            what=what,
        )
    )


def read_pickle(content: bytes) -> Any:
    """Return what a pickle of a published network holds, with :class:`Persistent` for its modules.

    Raises
    ------
    CheckpointError
        If the file is damaged, or asks for anything that such a network does not need.
    """
    value, _ = _guarded(io.BytesIO(content), _CALLS, None)
    return value


def _guarded(
    file: io.BytesIO,
    calls: dict[tuple[str, str], Callable[..., Any]],
    persistent: Callable[[Any], Any] | None,
) -> tuple[Any, int]:
    try:
        return _Machine(calls, persistent).run(file), file.tell()
    except CheckpointError:
        raise
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, MemoryError, AttributeError) as error:
        raise _refuse(f"it is damaged ({type(error).__name__}: {error})") from error


class _Machine:
    """Interprets the opcodes of one pickle."""

    def __init__(
        self, calls: dict[tuple[str, str], Callable[..., Any]], persistent: Callable[[Any], Any] | None
    ) -> None:
        self.calls, self.persistent = calls, persistent
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def run(self, file: io.BytesIO) -> Any:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(file)):
            if count > MOST_OPCODES:
                raise _refuse("it has too many parts")
            if opcode.name == "STOP":
                (value,) = self.stack
                return value
            self.step(opcode.name, argument)
        raise _refuse("it ends too early")

    def pop_mark(self) -> list[Any]:
        mark = self.marks.pop()
        items = self.stack[mark:]
        del self.stack[mark:]
        return items

    def step(self, name: str, argument: Any) -> None:  # noqa: C901, PLR0912, PLR0915 - one case an opcode
        push = self.stack.append
        match name:
            case "PROTO" | "FRAME":
                return
            case "NONE" | "NEWTRUE" | "NEWFALSE":
                push({"NONE": None, "NEWTRUE": True, "NEWFALSE": False}[name])
            case (
                "BININT" | "BININT1" | "BININT2" | "LONG1" | "LONG4" | "BINFLOAT" | "BINUNICODE"
                | "SHORT_BINUNICODE" | "BINUNICODE8" | "BINBYTES" | "SHORT_BINBYTES" | "BINBYTES8"
            ):  # fmt: skip
                push(argument)
            case "MARK":
                self.marks.append(len(self.stack))
            case "POP":
                self.stack.pop()
            case "MEMOIZE":
                self.memo[len(self.memo)] = self.stack[-1]
            case "BINPUT" | "LONG_BINPUT":
                self.memo[argument] = self.stack[-1]
            case "BINGET" | "LONG_BINGET":
                push(self.memo[argument])
            case "EMPTY_TUPLE" | "EMPTY_LIST" | "EMPTY_DICT" | "EMPTY_SET":
                push({"EMPTY_TUPLE": tuple, "EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_SET": set}[name]())
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                length = int(name[-1])
                items = self.stack[-length:]
                if len(items) < length:
                    raise IndexError("a tuple of missing items")
                self.stack[-length:] = [tuple(items)]
            case "TUPLE":
                push(tuple(self.pop_mark()))
            case "APPEND" | "APPENDS":
                items = [self.stack.pop()] if name == "APPEND" else self.pop_mark()
                self.top(list).extend(items)
            case "SETITEM" | "SETITEMS":
                items = [self.stack.pop(-2), self.stack.pop()] if name == "SETITEM" else self.pop_mark()
                target = self.top(dict)
                for key, value in zip(items[::2], items[1::2], strict=True):
                    target[_plain(key)] = value
            case "ADDITEMS":
                items = self.pop_mark()
                self.top(set).update(_plain(item) for item in items)
            case "GLOBAL":
                module, _, attribute = argument.partition(" ")
                push(self.named(module, attribute))
            case "STACK_GLOBAL":
                attribute, module = self.stack.pop(), self.stack.pop()
                push(self.named(module, attribute))
            case "REDUCE" | "NEWOBJ":
                arguments, function = self.stack.pop(), self.stack.pop()
                if not isinstance(function, Global) or not isinstance(arguments, tuple):
                    raise _refuse("it calls something that is not a name")
                push(self.calls[function.module, function.name](*arguments))
            case "BUILD":
                state = self.stack.pop()
                _build(self.stack[-1], state)
            case "BINPERSID" if self.persistent is not None:
                push(self.persistent(self.stack.pop()))
            case _:
                raise _refuse(f"it has the opcode {name}")

    def top(self, kind: type) -> Any:
        if type(self.stack[-1]) is not kind:
            raise TypeError(f"items for an object that is not a {kind.__name__}")
        return self.stack[-1]

    def named(self, module: Any, name: Any) -> Global:
        if (module, name) not in self.calls:
            raise _refuse(f"it asks for {str(module)[:80]}.{str(name)[:80]}")
        return Global(module, name)


def _plain(key: Any) -> Hashable:
    """Return a key whose hash calls no code and does not recurse."""
    if type(key) not in {str, int, float, bool, bytes, type(None)}:
        raise TypeError(f"a {type(key).__name__} as a key")
    return key  # type: ignore[no-any-return]


def _build(target: Any, state: Any) -> None:
    """Set the content of an array or dtype. Content of other objects is not needed."""
    if not isinstance(target, _Array):
        return
    if isinstance(target.value, np.dtype):
        if state[1] not in {"<", "|", "="}:
            raise _refuse("its arrays are big-endian")
        return
    _, shape, dtype, fortran, content = state
    array = np.frombuffer(content, dtype.value)
    if array.size != math.prod(_sizes(shape)):
        raise ValueError("an array of another size than its content")
    target.value = array.reshape(shape, order="F" if fortran else "C").copy()


def _sizes(values: Any) -> tuple[int, ...]:
    if not isinstance(values, tuple) or any(type(value) is not int or value < 0 for value in values):
        raise ValueError("sizes that are not numbers from 0 on")
    return values


def _module(meta: Any) -> Persistent:
    if type(meta) is not dict or meta.get("type") != "class" or type(meta.get("state")) is not dict:
        raise _refuse("it holds an object that is not a module")
    return Persistent(str(meta["class_name"]), meta["state"])


def _storage(content: Any) -> Tensor:
    """Return a flat tensor from the five pickles and the raw data that `torch.save` wrote before 1.6."""
    if type(content) is not bytes:
        raise TypeError("a storage that is not bytes")
    file = io.BytesIO(content)
    plain: dict[tuple[str, str], Callable[..., Any]] = {("collections", "OrderedDict"): dict}
    magic, _ = _guarded(file, {}, None)
    protocol, _ = _guarded(file, {}, None)
    system, _ = _guarded(file, plain, None)
    if (magic, protocol) != (TORCH_MAGIC, TORCH_PROTOCOL) or not system.get("little_endian"):
        raise _refuse("a tensor in it is in an unknown format")
    types = {("torch", name): _uncalled for name in STORAGES}
    dtype, key, count = _guarded(file, {**plain, **types}, _storage_type)[0]
    keys, end = _guarded(file, {}, None)
    if keys != [key] or int.from_bytes(content[end : end + 8], "little") != count:
        raise ValueError("a storage that contradicts itself")
    raw = content[end + 8 :]
    if type(count) is not int or count < 0 or len(raw) != count * dtype.itemsize:
        raise ValueError("a storage of another size than its content")
    return torch.frombuffer(bytearray(raw), dtype=dtype) if count else torch.empty(0, dtype=dtype)


def _storage_type(identity: Any) -> tuple[torch.dtype, Any, Any]:
    kind, storage, key, _, count, *_ = identity
    if kind != "storage" or not isinstance(storage, Global) or storage.name not in STORAGES:
        raise ValueError("a reference to an object that is not a storage")
    return STORAGES[storage.name], key, count


def _tensor(storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> Tensor:
    size, stride, (offset,) = _sizes(size), _sizes(stride), _sizes((offset,))
    if not isinstance(storage, Tensor) or storage.dim() != 1 or len(size) != len(stride):
        raise ValueError("a tensor without a storage")
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if math.prod(size) > storage.numel() or (math.prod(size) and last >= storage.numel()):
        raise ValueError("a tensor outside its storage")
    return torch.as_strided(storage, size, stride, offset)


def _parameter(data: Any, *_: Any) -> Any:
    return data


def _dtype(name: Any, *_: Any) -> _Array:
    if not isinstance(name, str) or len(name) > 4 or name[:1] not in set("biufc"):
        raise ValueError("an array of objects")
    return _Array(np.dtype(name))


def _scalar(dtype: Any, content: Any) -> Any:
    return np.frombuffer(content, dtype.value, count=1)[0].item()


def _uncalled(*_: Any) -> Any:
    raise _refuse("it calls a type")


_CALLS: dict[tuple[str, str], Callable[..., Any]] = {
    ("torch_utils.persistence", "_reconstruct_persistent_obj"): _module,
    ("dnnlib.util", "EasyDict"): dict,
    ("collections", "OrderedDict"): dict,
    ("builtins", "set"): lambda items=(): {_plain(item) for item in items},
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch.storage", "_load_from_bytes"): _storage,
    ("numpy", "dtype"): _dtype,
    ("numpy", "ndarray"): _uncalled,
}
for _package in ("numpy.core.multiarray", "numpy._core.multiarray"):
    _CALLS[_package, "scalar"] = _scalar
    _CALLS[_package, "_reconstruct"] = lambda *_: _Array()
"""Replacements of the names that a published network refers to."""
