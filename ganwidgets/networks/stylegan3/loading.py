"""Published StyleGAN2 and StyleGAN3 networks from their files."""

from __future__ import annotations

import hashlib
import json
import math
import os
import secrets
import warnings
from collections.abc import Mapping
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save_file
from torch import Tensor

from ganwidgets.errors import CheckpointError, CheckpointWarning
from ganwidgets.messages import Message
from ganwidgets.networks.stylegan3.convolutions import BINOMIAL, resampling_filter
from ganwidgets.networks.stylegan3.generator import Generator, SynthesisLayer
from ganwidgets.networks.stylegan3.pickles import Persistent, UnreadableError, read_pickle
from ganwidgets.networks.stylegan3.stylegan2 import StyleGAN2Generator
from ganwidgets.validation import checked_path

__all__ = ["DIGITS", "load_stylegan", "save_generator"]

FORMAT = "ganwidgets.stylegan/1"

DIGITS = "digits"
"""Name of the small network that comes with the package."""

IGNORED = {"num_fp16_res", "fp16_channels_last", "fused_modconv_default", "class_name"}
"""Constructor arguments that only affect speed on a GPU, or name the class."""

LARGEST = {
    "num_layers": 64,
    "filter_size": 64,
    "lrelu_upsampling": 16,
    "margin_size": 256,
    "img_channels": 64,
}
LARGEST_OTHER = 2**17
"""Upper bounds of constructor arguments: a damaged argument is refused before the network is built."""

MOST_RESOLUTION = 4096

MOST_BYTES = 4 * 2**30
"""Maximum size of a file. The largest published one has 0.4 GB."""

MOST_MODULES = 1000
"""Maximum number of modules of a generator. The largest published one has fewer than a hundred."""

GREATEST = 1e6
"""Greatest magnitude of a weight: styles and activations are normalized or clamped, so weights stay far below."""

Network = Generator | StyleGAN2Generator


class _ForeignError(ValueError):
    """The file has no generator of a known kind."""


def load_stylegan(path: str | os.PathLike[str], *, sha256: str | None = None) -> Network:
    """Return the generator of a published StyleGAN2-ADA or StyleGAN3 file.

    Parameters
    ----------
    path : path
        A ``.pkl`` file of stylegan2-ada-pytorch or stylegan3, or the ``.safetensors`` file that an
        earlier call wrote beside it. ``"digits"`` is a small network that comes with the package: StyleGAN3-T by
        class, 16x16, trained by ``scripts/train_stylegan_digits.py``.
    sha256 : str, optional
        Expected SHA-256 of the file, as 64 hexadecimal digits. The published format contains no checksum, so
        only this one detects a changed byte within a weight. The ``.safetensors`` file contains its own.

    Returns
    -------
    Generator or StyleGAN2Generator
        The running mean of the generator (``G_ema``), in evaluation mode on the CPU, float32. It has
        ``z_dim c_dim w_dim img_resolution img_channels``, ``mapping(z, c, truncation_psi)``,
        ``synthesis(ws)`` and ``forward(z, c, truncation_psi)``; images are [N, C, H, W] in about [-1, 1].

    Raises
    ------
    CheckpointError
        If the file is missing, damaged, or contains no such network. Nothing in a file is ever executed.

    Warns
    -----
    CheckpointWarning
        If the ``.safetensors`` file beside the pickle cannot be written, or exists with other or damaged content. It is
        then left as it is, and the network of the pickle is returned.
    """
    if path == DIGITS:
        with as_file(files("ganwidgets") / "pretrained" / "stylegan3_digits.safetensors") as shipped:
            return _converted(shipped.read_bytes())
    path = checked_path("path", path)
    try:
        return _read(path, sha256)
    except OSError as error:
        raise CheckpointError(
            Message("{path} cannot be read: {reason}", path=str(path), reason=error.strerror or str(error))
        ) from error
    except UnreadableError as error:
        raise CheckpointError(
            Message(
                "{path} is not a published StyleGAN2 or StyleGAN3 network that can be read safely: {what}; "
                "nothing in it was executed. Download it again, and compare its size and checksum",
                path=str(path),
                what=str(error),
            )
        ) from error
    except _ForeignError as error:
        raise CheckpointError(
            Message(
                "{path} holds no StyleGAN2 or StyleGAN3 generator that is known here: {reason}. "
                "load_stylegan reads the .pkl files of stylegan2-ada-pytorch and stylegan3",
                path=str(path),
                reason=str(error),
            )
        ) from error


def _read(path: Path, sha256: str | None) -> Network:
    if "\0" in str(path):
        raise CheckpointError(
            Message("{path!r} cannot be read: no path has a null character", path=str(path)[:200])
        )
    if path.exists() and not path.is_file():  # opening a pipe would wait for a writer
        raise CheckpointError(
            Message("{path} cannot be read: it is no file; pass the file of a saved network", path=str(path))
        )
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise CheckpointError(
            Message(
                "{path} has {size:.1f} GB, but the largest published network has 0.4 GB; pass the .pkl file of one",
                path=str(path),
                size=size / 1e9,
            )
        )
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if sha256 is not None and digest != sha256.strip().lower():
        raise CheckpointError(
            Message(
                "{path} has the SHA-256 {found}, but {expected} was expected; download it again",
                path=str(path),
                found=digest,
                expected=sha256,
            )
        )
    if path.suffix == ".safetensors":
        return _converted(content)
    beside = path.with_suffix(".safetensors")
    fault = _fault(beside, digest) if beside.exists() else ""
    if beside.exists() and not fault:
        try:
            return _converted(beside.read_bytes())
        except (OSError, UnreadableError, _ForeignError) as error:
            fault = str(error)
    kind, options, tensors = _generator(read_pickle(content), 4 * len(content) + 2**20)
    network = _build(kind, options, tensors)
    if fault:
        _warn(
            Message(
                "{beside} was left as it is, and {path} was read instead: {fault}. Move or delete it, and load_stylegan "
                "writes a new one",
                beside=str(beside),
                path=str(path),
                fault=fault,
            )
        )
    else:
        _write_beside(beside, network, kind, options, digest)
    return network


def _generator(content: Any, memory: int) -> tuple[str, dict[str, Any], dict[str, Tensor]]:
    """Return kind, constructor arguments and tensors of ``G_ema``; the tensors have at most `memory` bytes."""
    network = content.get("G_ema") if isinstance(content, dict) else None
    if not isinstance(network, Persistent):
        raise _ForeignError("there is no G_ema")
    arguments, options = network.state.get("_init_args", ()), network.state.get("_init_kwargs")
    if type(options) is not dict or type(arguments) not in {tuple, list} or len(arguments) > 0:
        raise _ForeignError("its constructor arguments are missing")
    tensors = _collected(network, memory)
    options = {key: value for key, value in options.items() if key not in IGNORED}
    if "synthesis.input.freqs" in tensors:
        return "stylegan3", options, tensors
    if "synthesis.b4.const" in tensors:
        nested = options.pop("synthesis_kwargs", None)
        if type(nested) is dict:
            # stylegan2-ada-pytorch clamps only if its options contain `conv_clamp`; later code always clamps.
            nested = {key: value for key, value in nested.items() if key not in IGNORED}
            options = {**options, "conv_clamp": None, **nested}
        elif nested is not None:
            raise _ForeignError(f"synthesis_kwargs is a {type(nested).__name__}")
        return "stylegan2", options, tensors
    raise _ForeignError("it has neither synthesis.input.freqs nor synthesis.b4.const")


def _collected(network: Persistent, memory: int) -> dict[str, Tensor]:
    """Return the parameters and buffers of all modules as float32, by their dotted names."""
    tensors: dict[str, Tensor] = {}
    waiting, found = [("", network)], 0
    while waiting:
        prefix, module = waiting.pop()
        found += 1
        groups = [module.state.get(group, {}) for group in ("_parameters", "_buffers", "_modules")]
        if found > MOST_MODULES or any(type(group) is not dict for group in groups):
            raise _ForeignError(f"it is not made of modules, or of more than {MOST_MODULES}")
        for name, part in ((name, part) for group in groups for name, part in group.items()):
            if type(name) is not str:
                raise _ForeignError(f"the name of a part is of type {type(name).__name__}")
            if isinstance(part, Persistent):
                waiting.append((f"{prefix}{name[:80]}.", part))
            elif isinstance(part, Tensor):
                memory -= 4 * part.numel()
                if memory < 0:
                    raise _ForeignError("its tensors are larger than the file")
                tensors[f"{prefix}{name}"] = part.float()
    return tensors


def _check(options: Mapping[Any, Any]) -> None:
    """Raise `_ForeignError` if a constructor argument has an unexpected type or is out of range."""
    nested = options.get("mapping_kwargs")
    flat = [*options.items(), *(nested.items() if type(nested) is dict else ())]
    for key, value in flat:
        if type(key) is not str:
            raise _ForeignError(f"the name of a constructor argument is of type {type(key).__name__}")
        if value is nested or value is None or type(value) in {str, bool}:
            continue
        numbers = value if type(value) in {list, tuple} else (value,)
        most = LARGEST.get(key, LARGEST_OTHER)
        if len(numbers) > LARGEST["filter_size"] or not all(_magnitude(number) <= most for number in numbers):
            raise _ForeignError(f"{key[:80]} = {_as_text(value)} is out of range")
    resolution = options.get("img_resolution", 4)
    if type(resolution) is not int or not 4 <= resolution <= MOST_RESOLUTION or resolution.bit_count() != 1:
        raise _ForeignError(
            f"img_resolution = {_as_text(resolution)} is not a power of two from 4 to {MOST_RESOLUTION}"
        )


def _magnitude(value: Any) -> float:
    """Return |value|; infinity for no number, and for one of more than 64 bits."""
    if type(value) not in {int, float} or (type(value) is int and value.bit_length() > 64):
        return math.inf
    return abs(float(value))


def _as_text(value: Any) -> str:
    """Return a value as text, or its type if Python refuses to convert an integer of over 4300 digits."""
    return f"{value:.6g}" if _magnitude(value) < math.inf else f"a {type(value).__name__}"


def _build(kind: str, options: dict[str, Any], tensors: dict[str, Tensor]) -> Network:
    """Return the network, after checking every name, shape and filter against its specification."""
    _check(options)
    tensors = dict(tensors)
    try:
        with torch.device("meta"):
            network: Network = (Generator if kind == "stylegan3" else StyleGAN2Generator)(**options)
        _check_filters(network, tensors, options)
    except _ForeignError:
        raise
    except (
        ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError, ValueError,
    ) as error:  # fmt: skip
        raise _ForeignError(f"its constructor arguments are unknown ({str(error)[:300]})") from error
    try:
        network.load_state_dict(tensors, assign=True)
    except RuntimeError as error:
        raise _ForeignError(
            f"its tensors do not fit its constructor arguments ({str(error)[:300]})"
        ) from error
    for name, tensor in network.state_dict().items():
        if tensor.dtype != torch.float32:
            raise _ForeignError(f"{name} is of {tensor.dtype}, not of torch.float32")
        if not bool((tensor.abs() <= GREATEST).all()):
            raise _ForeignError(f"{name} has numbers that are not finite, or beyond {GREATEST:g}")
    return network.eval().requires_grad_(True)


def _check_filters(network: Network, tensors: dict[str, Tensor], options: Mapping[str, Any]) -> None:
    """Remove the filters from `tensors`, and compare them with those that the network computes."""
    for name in [name for name in tensors if name.endswith("_filter")]:
        stored = tensors.pop(name)
        owner, _, which = name.rpartition(".")
        if which == "resample_filter":
            designed = resampling_filter(options.get("resample_filter", BINOMIAL))
        else:
            layer = dict(network.named_modules()).get(owner)
            found = layer.filters().get(which) if isinstance(layer, SynthesisLayer) else None
            if found is None:
                raise _ForeignError(f"it has an unknown filter {name}")
            designed = found
        expected = torch.from_numpy(designed).float()
        if stored.shape != expected.shape or not torch.allclose(stored, expected, rtol=0, atol=1e-5):
            raise _ForeignError(f"its filter {name} is another one")


def _fault(beside: Path, digest: str) -> str:
    """Return why a file is not the converted form of the pickle with that SHA-256; empty if it is."""
    try:
        with safe_open(beside, "pt") as file:
            source = (file.metadata() or {}).get("source_sha256")
    except (OSError, SafetensorError) as error:
        return f"it is damaged or of another kind ({error})"
    if source is None:
        return "it was not written by load_stylegan"
    return "" if source == digest else "it was written from another file"


def _warn(message: Message) -> None:
    warnings.warn(CheckpointWarning(message), stacklevel=4)


def _write_beside(beside: Path, network: Network, kind: str, options: dict[str, Any], digest: str) -> None:
    """Write the converted file beside its pickle, atomically."""
    temporary = beside.with_name(f".{beside.name}.{secrets.token_hex(4)}")
    state = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    metadata = {
        "format": FORMAT,
        "kind": kind,
        "options": json.dumps(options),
        "source_sha256": digest,
        "tensors_sha256": _checksum(state),
    }
    try:
        save_file(state, temporary, metadata)
        temporary.replace(beside)
    except (OSError, SafetensorError, TypeError) as error:
        temporary.unlink(missing_ok=True)
        _warn(Message("{path} was not written: {reason}", path=str(beside), reason=str(error)))


def save_generator(network: Generator, path: str | os.PathLike[str]) -> None:
    """Write a StyleGAN3 generator as a file that :func:`load_stylegan` reads.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    state = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    metadata = {
        "format": FORMAT,
        "kind": "stylegan3",
        "options": json.dumps(network.options),
        "tensors_sha256": _checksum(state),
    }
    save_file(state, path, metadata)


def _checksum(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of names, shapes and contents, in hexadecimal."""
    found = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        found.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()


def _converted(content: bytes) -> Network:
    """Return the network of a converted file's content."""
    try:
        tensors = load(content)
    except (SafetensorError, ValueError, TypeError, RuntimeError, LookupError) as error:
        raise UnreadableError(f"it is damaged ({str(error)[:300]})") from error
    try:
        length = int.from_bytes(content[:8], "little")
        metadata = json.loads(content[8 : 8 + length]).get("__metadata__") or {}
        options = json.loads(metadata["options"])
        kind = metadata["kind"]
    except (KeyError, ValueError, RecursionError) as error:
        raise _ForeignError("it was not written by load_stylegan") from error
    if (
        metadata.get("format") != FORMAT
        or kind not in {"stylegan2", "stylegan3"}
        or type(options) is not dict
    ):
        raise _ForeignError("it was not written by load_stylegan")
    # Files of earlier versions have no checksum.
    if metadata.get("tensors_sha256", checksum := _checksum(tensors)) != checksum:
        raise UnreadableError("its tensors are not those of its checksum")
    return _build(kind, options, tensors)
