"""Published StyleGAN2 and StyleGAN3 networks from their files."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import warnings
from collections.abc import Mapping
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ganwidgets.errors import CheckpointError, CheckpointWarning
from ganwidgets.messages import Message
from ganwidgets.networks.stylegan3.convolutions import BINOMIAL, resampling_filter
from ganwidgets.networks.stylegan3.generator import Generator, SynthesisLayer
from ganwidgets.networks.stylegan3.pickles import Persistent, read_pickle
from ganwidgets.networks.stylegan3.stylegan2 import StyleGAN2Generator

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
"""Bounds of constructor arguments, so that a damaged one is refused before the network is built."""

MOST_RESOLUTION = 4096

Network = Generator | StyleGAN2Generator


def load_stylegan(path: str | os.PathLike[str]) -> Network:
    """Return the generator of a published StyleGAN2-ADA or StyleGAN3 file.

    Parameters
    ----------
    path : path
        A ``.pkl`` file of stylegan2-ada-pytorch or stylegan3, or the ``.safetensors`` file that an
        earlier call wrote beside it. ``"digits"`` is a small network that comes with the package: StyleGAN3-T by
        class, 16x16, trained by ``scripts/train_stylegan_digits.py``.

    Returns
    -------
    Generator or StyleGAN2Generator
        The running mean of the generator (``G_ema``), in evaluation mode on the CPU, float32. It has
        ``z_dim c_dim w_dim img_resolution img_channels``, ``mapping(z, c, truncation_psi)``,
        ``synthesis(ws)`` and ``forward(z, c, truncation_psi)``; images are [N, C, H, W] in about [-1, 1].

    Raises
    ------
    CheckpointError
        If the file is missing, damaged, or not such a network. Nothing in a file is ever executed.

    Warns
    -----
    CheckpointWarning
        If the converted file cannot be written. The network is returned nevertheless.
    """
    if path == DIGITS:
        with as_file(files("ganwidgets") / "pretrained" / "stylegan3_digits.safetensors") as shipped:
            return _read_converted(shipped)
    path = Path(path)
    if path.exists() and not path.is_file():  # reading a pipe would wait for a writer
        raise CheckpointError(
            Message("{path} cannot be read: it is no file; pass the file of a saved network", path=str(path))
        )
    if path.suffix == ".safetensors":
        return _read_converted(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(
            Message("{path} cannot be read: {reason}", path=str(path), reason=error.strerror or str(error))
        ) from error
    digest = hashlib.sha256(content).hexdigest()
    converted = path.with_suffix(".safetensors")
    if converted.is_file() and _source(converted) == digest:
        return _read_converted(converted)
    kind, options, tensors = _generator(read_pickle(content))
    network = _build(kind, options, tensors)
    _convert(converted, network, kind, options, digest)
    return network


def _foreign(reason: str) -> CheckpointError:
    return CheckpointError(
        Message(
            "the file holds no StyleGAN2 or StyleGAN3 generator that is known here: {reason}. "
            "load_stylegan reads the .pkl files of stylegan2-ada-pytorch and stylegan3",
            reason=reason,
        )
    )


def _generator(content: Any) -> tuple[str, dict[str, Any], dict[str, Tensor]]:
    """Return kind, constructor arguments and tensors of ``G_ema``."""
    network = content.get("G_ema") if isinstance(content, dict) else None
    if not isinstance(network, Persistent):
        raise _foreign("there is no G_ema")
    arguments, options = network.state.get("_init_args", ()), network.state.get("_init_kwargs")
    if type(options) is not dict or len(arguments) > 0:
        raise _foreign("its constructor arguments are missing")
    tensors: dict[str, Tensor] = {}
    _collect(network, "", tensors, 0)
    options = {key: value for key, value in options.items() if key not in IGNORED}
    if "synthesis.input.freqs" in tensors:
        return "stylegan3", options, tensors
    if "synthesis.b4.const" in tensors:
        nested = options.pop("synthesis_kwargs", None)
        if nested is not None:
            # stylegan2-ada-pytorch clamps only if its settings say so; later code always does.
            nested = {key: value for key, value in nested.items() if key not in IGNORED}
            options = {**options, "conv_clamp": None, **nested}
        return "stylegan2", options, tensors
    raise _foreign("it has neither synthesis.input.freqs nor synthesis.b4.const")


def _collect(module: Persistent, prefix: str, tensors: dict[str, Tensor], depth: int) -> None:
    """Add the parameters and buffers of `module` and its submodules to `tensors`."""
    if depth > 16:
        raise _foreign("its modules are nested too deeply")
    for group in ("_parameters", "_buffers"):
        for name, tensor in module.state.get(group, {}).items():
            if isinstance(tensor, Tensor):
                tensors[f"{prefix}{name}"] = tensor.float()
    for name, part in module.state.get("_modules", {}).items():
        if isinstance(part, Persistent):
            _collect(part, f"{prefix}{name}.", tensors, depth + 1)


def _check(options: Mapping[str, Any]) -> None:
    for key, value in options.items():
        if isinstance(value, Mapping):
            _check(value)
        elif isinstance(value, int | float) and not abs(value) <= LARGEST.get(str(key), LARGEST_OTHER):
            raise _foreign(f"{key} = {value} is out of range")
    resolution = options.get("img_resolution", 4)
    if type(resolution) is not int or not 4 <= resolution <= MOST_RESOLUTION or resolution.bit_count() != 1:
        raise _foreign(f"img_resolution = {resolution!r} is not a power of two from 4 to {MOST_RESOLUTION}")


def _build(kind: str, options: dict[str, Any], tensors: dict[str, Tensor]) -> Network:
    """Return the network, after comparing every name, shape and filter with its specification."""
    _check(options)
    try:
        with torch.device("meta"):
            network: Network = (Generator if kind == "stylegan3" else StyleGAN2Generator)(**options)
    except (TypeError, ValueError, ArithmeticError, KeyError, AttributeError, RuntimeError) as error:
        raise _foreign(f"its constructor arguments are unknown ({error})") from error
    tensors = dict(tensors)
    _check_filters(network, tensors, options)
    try:
        network.load_state_dict(tensors, assign=True)
    except RuntimeError as error:
        raise _foreign(f"its tensors do not fit its constructor arguments ({error})") from error
    for tensor in network.state_dict().values():
        if not bool(torch.isfinite(tensor).all()):
            raise _foreign("it has numbers that are not finite")
    return network.eval().requires_grad_(True)


def _check_filters(network: Network, tensors: dict[str, Tensor], options: Mapping[str, Any]) -> None:
    """Remove the filters from `tensors`, and compare them with the ones that the networks compute."""
    for name in [name for name in tensors if name.endswith("_filter")]:
        stored = tensors.pop(name)
        owner, _, which = name.rpartition(".")
        if which == "resample_filter":
            designed = resampling_filter(options.get("resample_filter", BINOMIAL))
        else:
            layer = dict(network.named_modules()).get(owner)
            found = layer.filters().get(which) if isinstance(layer, SynthesisLayer) else None
            if found is None:
                raise _foreign(f"it has an unknown filter {name}")
            designed = found
        expected = torch.from_numpy(designed).float()
        if stored.shape != expected.shape or not torch.allclose(stored, expected, rtol=0, atol=1e-5):
            raise _foreign(f"its filter {name} is another one")


def _source(converted: Path) -> str | None:
    """Return the SHA-256 of the pickle that `converted` was made from; empty if it is no such file."""
    try:
        with safe_open(converted, "pt") as file:
            return (file.metadata() or {}).get("source_sha256")
    except (OSError, SafetensorError):
        return None


def _convert(converted: Path, network: Network, kind: str, options: dict[str, Any], digest: str) -> None:
    """Write the converted file beside its pickle, atomically."""
    temporary = converted.with_name(f".{converted.name}.{secrets.token_hex(4)}")
    metadata = {"format": FORMAT, "kind": kind, "options": json.dumps(options), "source_sha256": digest}
    try:
        if converted.exists() and (not converted.is_file() or _source(converted) is None):
            raise FileExistsError(f"{converted.name} exists and was not made by load_stylegan")
        state = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
        save_file(state, temporary, metadata)
        temporary.replace(converted)
    except (OSError, SafetensorError, TypeError) as error:
        temporary.unlink(missing_ok=True)
        warnings.warn(
            CheckpointWarning(
                Message("{path} was not written: {reason}", path=str(converted), reason=str(error))
            ),
            stacklevel=3,
        )


def save_generator(network: Generator, path: str | os.PathLike[str]) -> None:
    """Write a StyleGAN3 generator as a file that :func:`load_stylegan` reads.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    metadata = {"format": FORMAT, "kind": "stylegan3", "options": json.dumps(network.options)}
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, path, metadata)


def _read_converted(path: Path) -> Network:
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            Message("{path} cannot be read: {reason}", path=str(path), reason=str(error))
        ) from error
    try:
        options = json.loads(metadata["options"])
        kind = metadata["kind"]
    except (KeyError, ValueError) as error:
        raise _foreign("it was not written by load_stylegan") from error
    if (
        metadata.get("format") != FORMAT
        or kind not in {"stylegan2", "stylegan3"}
        or type(options) is not dict
    ):
        raise _foreign("it was not written by load_stylegan")
    return _build(kind, options, tensors)
