"""Pickles in the format of published StyleGAN networks, and hostile ones; benchmarks use them too."""

from __future__ import annotations

import contextlib
import os
import pickle
import random
import struct
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from unittest import mock

import torch

from ganwidgets.networks.stylegan3 import Generator, StyleGAN2Generator, initialize
from ganwidgets.networks.stylegan3.convolutions import resampling_filter
from ganwidgets.networks.stylegan3.generator import SynthesisLayer

T = {"channel_base": 64, "channel_max": 4, "num_layers": 4, "margin_size": 3, "magnitude_ema_beta": 0.99}
KINDS = {
    "t": (Generator, T),
    "r": (Generator, {**T, "conv_kernel": 1, "use_radial_filters": True}),
    "stylegan2": (StyleGAN2Generator, {"channel_base": 64, "channel_max": 4}),
    "ada": (StyleGAN2Generator, {"channel_base": 64, "channel_max": 4, "conv_clamp": None}),
}

EXECUTED = "GANWIDGETS_EXECUTED"
"""Environment variable that a pickle sets if anything in it is executed."""

MARKER = f"import os; os.environ['{EXECUTED}'] = 'code'"


class Stored:
    """Pickled like a module by the published code: its source and its attributes."""

    def __init__(self, class_name: Any, state: Any) -> None:
        self.meta = {
            "type": "class",
            "version": 6,
            "module_src": f"import os; os.environ['{EXECUTED}'] = 'module_src'",
            "class_name": class_name,
            "state": state,
        }

    def copied(self) -> Stored:
        """Return another object with the same content, which can be changed."""
        other = Stored("", {})
        other.meta = {**self.meta}
        return other

    def __reduce__(self) -> tuple[Any, ...]:
        return sys.modules["torch_utils.persistence"]._reconstruct_persistent_obj, (self.meta,)


class Runs:
    """The call that a hostile pickle makes when an ordinary reader loads it."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call


@contextlib.contextmanager
def published_code() -> Iterator[None]:
    """Provide the module that pickles of the published format name; calling its function fails."""
    persistence = types.ModuleType("torch_utils.persistence")

    def _reconstruct_persistent_obj(_meta: Any) -> None:
        raise AssertionError("the pickle was executed")

    _reconstruct_persistent_obj.__module__ = "torch_utils.persistence"
    _reconstruct_persistent_obj.__qualname__ = "_reconstruct_persistent_obj"
    persistence._reconstruct_persistent_obj = _reconstruct_persistent_obj  # type: ignore[attr-defined]
    modules = {"torch_utils": types.ModuleType("torch_utils"), "torch_utils.persistence": persistence}
    with mock.patch.dict(sys.modules, modules), mock.patch.dict(os.environ):
        os.environ.pop(EXECUTED, None)
        yield
        assert EXECUTED not in os.environ


def stored(module: torch.nn.Module, **extra: Any) -> Stored:
    """Return a module in the form stored by the published code."""
    buffers: dict[str, Any] = dict(module._buffers)
    if isinstance(module, SynthesisLayer):
        filters = module.filters().items()
        buffers |= {key: None if taps is None else torch.from_numpy(taps).float() for key, taps in filters}
    elif hasattr(module, "taps"):
        buffers["resample_filter"] = torch.from_numpy(resampling_filter(module.taps)).float()
    state = {
        "training": False,
        "_parameters": dict(module._parameters),
        "_buffers": buffers,
        "_modules": {name: stored(part) for name, part in module._modules.items()},
        **extra,
    }
    return Stored(type(module).__name__, state)


def published(kind: str) -> tuple[torch.nn.Module, dict[str, Any]]:
    """Return a small network, and the content of its published file before it is pickled."""
    cls, options = KINDS[kind]
    network = cls(8, 3, 8, 16, 3, mapping_kwargs={"num_layers": 2}, **options).eval()
    initialize(network, torch.Generator().manual_seed(3))
    kwargs: dict[str, Any] = dict(options)
    if kind == "ada":
        del kwargs["conv_clamp"]
        kwargs = {"synthesis_kwargs": {**kwargs, "num_fp16_res": 4}}
    kwargs |= {"z_dim": 8, "c_dim": 3, "w_dim": 8, "img_resolution": 16, "img_channels": 3}
    kwargs["mapping_kwargs"] = {"num_layers": 2}
    ema = stored(network, _init_args=(), _init_kwargs=kwargs)
    return network, {"G": None, "D": None, "G_ema": ema, "training_set_kwargs": {}, "augment_pipe": None}


def hostile() -> list[Any]:
    """Return objects that execute code as soon as an ordinary reader loads their pickle."""
    return [
        Runs(exec, MARKER),
        Runs(eval, f"__import__('os').putenv('{EXECUTED}', '1')"),
        Runs(os.system, "true"),
        Runs(__import__, "antigravity"),
        Runs(torch.load, "/etc/passwd"),
        Runs(pickle.loads, pickle.dumps(Runs(exec, MARKER))),
        Runs(torch.storage._load_from_bytes, pickle.dumps(Runs(exec, MARKER))),
        Runs(bytearray, 2**20),
        Runs(print, "executed"),
    ]


def deep(opening: bytes = b")", levels: int = 60_000) -> bytes:
    """Return opcodes of a deeply nested tuple, which overflows the C stack when it is hashed."""
    return opening + b"\x85" * levels


def doubled(levels: int = 60) -> bytes:
    """Return opcodes of a tuple that contains itself twice at each level: 2**levels items when walked."""
    step = b"".join(b"q" + bytes([n]) + b"h" + bytes([n]) + b"\x86" for n in range(levels))
    return b")" + step


def forged() -> dict[str, bytes]:
    """Return pickles that overload a careless reader, by name; each is smaller than a megabyte."""
    reduce_one = b"\x85R"  # TUPLE1 REDUCE

    def named(module: str, name: str) -> bytes:
        return f"c{module}\n{name}\n".encode()

    def short(text: str) -> bytes:
        return b"\x8c" + bytes([len(text)]) + text.encode()

    tensor = pickle.dumps(torch.zeros(50_000), 4)
    begin = tensor.index(b"\x80\x02\x8a\x0a")
    (length,) = struct.unpack("<I", tensor[begin - 4 : begin])
    storage = b"B" + struct.pack("<I", length) + tensor[begin : begin + length]
    load = named("torch.storage", "_load_from_bytes")
    ordered = named("collections", "OrderedDict")
    module = named("torch_utils.persistence", "_reconstruct_persistent_obj")
    hard = {"deep": deep(), "doubled": doubled()}
    found = {
        "one storage, loaded 20000 times": b"\x80\x04" + storage + b"q\x00" + load + b"q\x01"
        + b"h\x01h\x00\x85R" * 20_000 + b".",
        "300000 lists": b"\x80\x04" + b"]" * 300_000 + b".",
        "a list copied 50000 times": b"\x80\x04](" + b"N" * 20_000 + b"eq\x00" + named("builtins", "set") + b"q\x01"
        + b"h\x01h\x00\x85R" * 50_000 + b".",
    }  # fmt: skip
    for name, code in hard.items():
        found |= {
            f"{name} tuple as a key": b"\x80\x04}" + code + b"Ns.",
            f"{name} tuple as a key of an OrderedDict": b"\x80\x04" + ordered + code + b"N\x86\x85" + reduce_one + b".",
            f"{name} tuple in a set": b"\x80\x04\x8f(" + code + b"\x90.",
            f"{name} tuple as the name of a global": b"\x80\x04" + code + short("x") + b"\x93.",
            f"{name} tuple as the name of a class": b"\x80\x04" + module + b"}(" + short("type") + short("class")
            + short("state") + b"}" + short("class_name") + code + b"u" + reduce_one + b".",
            f"{name} tuple as a size": b"\x80\x04" + named("torch._utils", "_rebuild_tensor_v2") + b"(" + load + storage
            + b"\x85RK\x00" + code + code + b"tR.",
        }  # fmt: skip
    return found


def shared_modules(levels: int = 15, width: int = 20) -> dict[str, Any]:
    """Return a file's content with `width` modules on each of `levels`, each a child of all modules above."""
    state: dict[str, Any] = {"_parameters": {}, "_buffers": {}, "_modules": {}}
    for _ in range(levels):
        part = Stored("Module", state)
        state = {"_parameters": {}, "_buffers": {}, "_modules": {str(n): part for n in range(width)}}
    return {"G_ema": Stored("Generator", {**state, "_init_args": (), "_init_kwargs": {}})}


def damaged(content: bytes, draw: random.Random) -> bytes:
    """Return `content` cut, with bytes changed, moved or repeated."""
    found = bytearray(content)
    how = draw.random()
    if how < 0.3:
        del found[draw.randrange(len(found)) :]
    elif how < 0.7:
        for _ in range(draw.randrange(1, 20)):
            found[draw.randrange(len(found))] = draw.randrange(256)
    else:
        begin, length = draw.randrange(len(found)), draw.randrange(1, 200)
        part = found[begin : begin + length]
        if how < 0.85:
            del found[begin : begin + length]
        place = draw.randrange(len(found) + 1)
        found[place:place] = part
    return bytes(found)


VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 5, 2**31, 2**70, 10**5000, float("nan"), float("inf"), 1e300, "", "x" * 1000, b"\x00", (), (1,), [],
    [None], [1e300], {}, {"num_layers": 10**9}, torch.zeros(0), torch.zeros(3, dtype=torch.int64), torch.zeros(()),
)  # fmt: skip
"""Values that :func:`replaced` puts in place of one part of a file."""


def replaced(content: Mapping[str, Any], draw: random.Random) -> dict[str, Any]:
    """Return the content of a file with one random part replaced by a value of another type or size."""
    changed = {**content}
    node: dict[str, Any] = changed
    while True:
        name = draw.choice(list(node)) if node is not changed else "G_ema"
        part = node[name]
        if draw.random() < 0.05 or not isinstance(part, Stored | dict) or part == {}:
            node[name] = draw.choice(VALUES)
            return changed
        if isinstance(part, Stored):
            node[name] = part.copied()
            node = node[name].meta
        else:
            node[name] = {**part}
            node = node[name]


def loaded_whole(network: torch.nn.Module, expected: torch.nn.Module) -> bool:
    """Return True if a network loaded from a damaged file has all tensors, finite and of the right shapes."""
    state, other = network.state_dict(), expected.state_dict()
    return {key: value.shape for key, value in state.items()} == {
        key: value.shape for key, value in other.items()
    } and all(bool(torch.isfinite(value).all()) for value in state.values())
