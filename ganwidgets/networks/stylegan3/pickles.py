"""A reader of the published network pickles that executes nothing.

The opcodes are interpreted here, and produce only numbers, strings, containers and tensors. A global is treated as a
name, never imported. Only calls of names in the table of :func:`_calls` are accepted, which only rebuild
data. The source text inside the file is treated as a string, and ignored.

The size of the file bounds time and memory (:class:`_Budget`): a few bytes that repeat a call cannot create
more tensors than the file has content.
"""

from __future__ import annotations

import functools
import io
import math
import pickletools
import re
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = ["Persistent", "UnreadableError", "read_pickle"]

MOST_OPCODES = 250_000
"""Maximum number of opcodes. The largest published file has fewer than a hundred thousand."""

MOST_DIMENSIONS = 8
"""Maximum number of dimensions of a tensor or array; published ones have at most 4."""

DTYPE = re.compile(r"[biufc][0-9]{1,2}")
"""Names of the dtypes of NumPy arrays and scalars that are read."""

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
    """A module that was pickled with its source code, without that code.

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


class UnreadableError(ValueError):
    """A pickle is damaged, or uses something that no published network needs."""


@dataclass
class _Budget:
    """Remaining opcodes and memory for reading a file, including its nested pickles.

    Attributes
    ----------
    opcodes : int
    memory : int
        Bytes of tensors, arrays and copied containers. Published files store each tensor once, so twice the
        file's size is enough.
    """

    opcodes: int
    memory: int

    def step(self) -> None:
        self.opcodes -= 1
        if self.opcodes < 0:
            raise UnreadableError(f"it has more than {MOST_OPCODES} parts")

    def spend(self, memory: int) -> None:
        self.memory -= memory
        if self.memory < 0:
            raise UnreadableError("its tensors need more memory than the file's size explains")


Calls = dict[tuple[str, str], Callable[..., Any]]
"""Replacement of each name that a pickle may call, by module and name."""


def read_pickle(content: bytes) -> Any:
    """Return the object in a pickle of a published network, with :class:`Persistent` for its modules.

    Raises
    ------
    UnreadableError
        If the file is damaged, or uses anything that no published network needs.
    """
    budget = _Budget(MOST_OPCODES, 2 * len(content) + 2**20)
    return _guarded(io.BytesIO(content), _Machine(_calls(budget), budget))


def _guarded(file: io.BytesIO, machine: _Machine) -> Any:
    """Run the pickle at the current position of `file`, and advance the position to its end."""
    try:
        return machine.run(file)
    except UnreadableError:
        raise
    except (
        ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError, ValueError,
    ) as error:  # fmt: skip
        raise UnreadableError(f"it is damaged ({type(error).__name__}: {str(error)[:200]})") from error


class _Machine:
    """Interprets the opcodes of one pickle."""

    def __init__(self, calls: Calls, budget: _Budget, persistent: Callable[[Any], Any] | None = None) -> None:
        self.calls, self.budget, self.persistent = calls, budget, persistent
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def run(self, file: io.BytesIO) -> Any:
        for opcode, argument, _ in pickletools.genops(file):
            self.budget.step()
            if opcode.name == "STOP":
                (value,) = self.stack
                return value
            self.step(opcode.name, argument)
        raise UnreadableError("it ends too early")

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
                    raise UnreadableError("it calls something that is not a name")
                push(self.calls[function.module, function.name](*arguments))
            case "BUILD":
                state = self.stack.pop()
                _build(self.stack[-1], state, self.budget)
            case "BINPERSID" if self.persistent is not None:
                push(self.persistent(self.stack.pop()))
            case _:
                raise UnreadableError(f"it has the opcode {name}")

    def top(self, kind: type) -> Any:
        if type(self.stack[-1]) is not kind:
            raise TypeError(f"items for an object that is not a {kind.__name__}")
        return self.stack[-1]

    def named(self, module: Any, name: Any) -> Global:
        if type(module) is not str or type(name) is not str:
            raise TypeError("a global whose name is not text")
        if (module, name) not in self.calls:
            raise UnreadableError(f"it asks for {module[:80]}.{name[:80]}")
        return Global(module, name)


def _plain(key: Any) -> Hashable:
    """Return a key whose hash calls no code and does not recurse."""
    if type(key) not in {str, int, float, bool, bytes, type(None)}:
        raise TypeError(f"a {type(key).__name__} as a key")
    return key  # type: ignore[no-any-return]


def _build(target: Any, state: Any, budget: _Budget) -> None:
    """Set the content of an array or dtype; ignore that of other objects, which is not needed."""
    if not isinstance(target, _Array):
        return
    if isinstance(target.value, np.dtype):
        if type(state[1]) is not str or state[1] not in {"<", "|", "="}:
            raise UnreadableError("its arrays are big-endian")
        return
    _, shape, dtype, fortran, content = state
    if type(content) is not bytes or type(fortran) is not bool:
        raise TypeError("an array whose content is not bytes")
    array = np.frombuffer(content, dtype.value)
    if array.size != math.prod(_sizes(shape)):
        raise ValueError("an array of another size than its content")
    budget.spend(array.nbytes)
    target.value = array.reshape(shape, order="F" if fortran else "C").copy()


def _sizes(values: Any) -> tuple[int, ...]:
    if not isinstance(values, tuple) or len(values) > MOST_DIMENSIONS:
        raise ValueError(f"sizes that are not a tuple of at most {MOST_DIMENSIONS} numbers")
    if any(type(value) is not int or not 0 <= value < 2**40 for value in values):
        raise ValueError("sizes that are not numbers from 0 on")
    return values


def _module(meta: Any) -> Persistent:
    if type(meta) is not dict or meta.get("type") != "class" or type(meta.get("state")) is not dict:
        raise UnreadableError("it holds an object that is not a module")
    if type(meta["class_name"]) is not str:
        raise TypeError("a class whose name is not text")
    return Persistent(meta["class_name"], meta["state"])


def _storage(budget: _Budget, content: Any) -> Tensor:
    """Return a flat tensor from the five pickles and the raw data that `torch.save` wrote before 1.6."""
    if type(content) is not bytes:
        raise TypeError("a storage that is not bytes")
    budget.spend(len(content))
    file = io.BytesIO(content)
    plain: Calls = {("collections", "OrderedDict"): functools.partial(_dictionary, budget)}
    types: Calls = {("torch", name): _uncalled for name in STORAGES}
    magic = _guarded(file, _Machine({}, budget))
    protocol = _guarded(file, _Machine({}, budget))
    system = _guarded(file, _Machine(plain, budget))
    if (magic, protocol) != (TORCH_MAGIC, TORCH_PROTOCOL) or not system.get("little_endian"):
        raise UnreadableError("a tensor in it is in an unknown format")
    dtype, key, count = _guarded(file, _Machine({**plain, **types}, budget, _storage_type))
    keys = _guarded(file, _Machine({}, budget))
    end = file.tell()
    if type(key) is not str or type(keys) is not list or [type(found) for found in keys] != [str]:
        raise ValueError("a storage without a key")
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


def _dictionary(budget: _Budget, items: Any = ()) -> dict[Hashable, Any]:
    if type(items) is dict:
        items = list(items.items())
    if type(items) not in {list, tuple}:
        raise TypeError(f"a {type(items).__name__} as the content of a dictionary")
    budget.spend(128 * len(items))
    if any(type(item) not in {list, tuple} or len(item) != 2 for item in items):
        raise ValueError("a dictionary of what are not pairs")
    return {_plain(key): value for key, value in items}


def _set(budget: _Budget, items: Any = ()) -> set[Hashable]:
    if type(items) not in {list, tuple}:
        raise TypeError(f"a {type(items).__name__} as the content of a set")
    budget.spend(128 * len(items))
    return {_plain(item) for item in items}


def _dtype(name: Any, *_: Any) -> _Array:
    if type(name) is not str or not DTYPE.fullmatch(name):
        raise ValueError("an array of objects")
    return _Array(np.dtype(name))


def _scalar(dtype: Any, content: Any) -> Any:
    if type(content) is not bytes:
        raise TypeError("a number whose content is not bytes")
    return np.frombuffer(content, dtype.value, count=1)[0].item()


def _array(*_: Any) -> _Array:
    return _Array()


def _uncalled(*_: Any) -> Any:
    raise UnreadableError("it calls a type")


def _calls(budget: _Budget) -> Calls:
    """Return the replacement of each name to which a published network refers."""
    dictionary = functools.partial(_dictionary, budget)
    calls: Calls = {
        ("torch_utils.persistence", "_reconstruct_persistent_obj"): _module,
        ("dnnlib.util", "EasyDict"): dictionary,
        ("collections", "OrderedDict"): dictionary,
        ("builtins", "set"): functools.partial(_set, budget),
        ("torch._utils", "_rebuild_parameter"): _parameter,
        ("torch._utils", "_rebuild_tensor_v2"): _tensor,
        ("torch.storage", "_load_from_bytes"): functools.partial(_storage, budget),
        ("numpy", "dtype"): _dtype,
        ("numpy", "ndarray"): _uncalled,
    }
    for package in ("numpy.core.multiarray", "numpy._core.multiarray"):
        calls[package, "scalar"] = _scalar
        calls[package, "_reconstruct"] = _array
    return calls
