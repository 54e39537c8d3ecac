"""The generator as a file that other programs can load."""

from __future__ import annotations

import importlib.util
import io
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from ganwidgets.errors import DataError
from ganwidgets.games import Game, named
from ganwidgets.games.gan import draw_noise
from ganwidgets.messages import Message
from ganwidgets.modality import MODALITIES
from ganwidgets.networks.progressive import GrowingNetwork
from ganwidgets.runs.session.session import Session
from ganwidgets.seeds import seeded
from ganwidgets.stepping.modules.tensors import copied_network

__all__ = ["CARD_BEGINS", "card_in", "onnx", "safetensors_file", "torch_export"]

CARD_BEGINS = "---\nlibrary_name: ganwidgets\n"
"""First lines of every model card."""

EXAMPLES = 2
"""Number of latents for tracing; the traced program accepts other batch sizes."""


@dataclass(frozen=True)
class _Traceable:
    """A copy of the generator in eval mode on the CPU, with example arguments."""

    network: nn.Module
    arguments: tuple[Tensor, ...]

    @property
    def names(self) -> list[str]:
        return ["z", "y"][: len(self.arguments)]


def torch_export(session: Session) -> bytes:
    """Return the generator as a `torch.export` program; ``torch.export.load(file).module()(z)`` calls it.

    Raises
    ------
    DataError
        If the game has no generator that takes noise.
    ValueError
        If `torch.export` cannot trace the network.
    """
    traceable = _traceable(session)
    batch = torch.export.Dim("batch", min=1)
    try:
        program = torch.export.export(
            traceable.network,
            traceable.arguments,
            dynamic_shapes=tuple({0: batch} for _ in traceable.arguments),
            strict=False,
        )
    except Exception as error:  # user code and tracing raise errors of many classes
        raise _untraceable(error) from error
    file = io.BytesIO()
    torch.export.save(program, file)
    return file.getvalue()


def onnx(session: Session) -> bytes:
    """Return the generator as ONNX with the inputs ``z`` and, if it takes labels, ``y``, and the output ``x``.

    Raises
    ------
    DataError
        If the game has no generator that takes noise.
    ImportError
        If onnx or onnxscript is not installed.
    ValueError
        If the network cannot be converted.
    """
    for package in ("onnx", "onnxscript"):
        if importlib.util.find_spec(package) is None:
            raise ImportError(
                Message(
                    "ONNX needs {package}, which is not installed; install it (pip install {extra}), or export .pt2",
                    package=package,
                    extra="'ganwidgets[onnx]'",
                )
            )
    traceable = _traceable(session)
    batch = torch.export.Dim("batch", min=1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "generator.onnx"
        try:
            torch.onnx.export(
                traceable.network,
                traceable.arguments,
                path,
                dynamo=True,
                external_data=False,
                input_names=traceable.names,
                output_names=["x"],
                dynamic_shapes=tuple({0: batch} for _ in traceable.arguments),
                verbose=False,
            )
        except Exception as error:  # as in `torch_export`
            raise _untraceable(error) from error
        return path.read_bytes()


def safetensors_file(session: Session, figures: Mapping[str, float], floors: Mapping[str, float]) -> bytes:
    """Return the parameters and buffers of the generator, or of all networks if there is none, as safetensors.

    Tensors are named as in the network's ``state_dict``. With several networks, each name begins with the
    network's name. The header's metadata contain `config`, the settings as JSON, and `model_card`, a model
    card in Markdown.

    Parameters
    ----------
    session : Session
    figures, floors : mapping of str to float
        Metrics of the generated samples, and those of real samples at the same size.
    """
    session.roll_back()
    networks = session.state.networks
    network: nn.Module = networks["generator"] if "generator" in networks else nn.ModuleDict(networks)
    tensors = {
        name: tensor.detach().cpu().contiguous().clone() for name, tensor in network.state_dict().items()
    }
    config = _config(session)
    metadata = {
        "format": "pt",
        "config": json.dumps(config, sort_keys=True),
        "model_card": _card(config, session.state.game, network, figures, floors),
    }
    return safetensors.torch.save(tensors, metadata)


def card_in(content: bytes) -> str:
    """Return the model card in the header of a file that :func:`safetensors_file` made."""
    length = int.from_bytes(content[:8], "little")
    card: str = json.loads(content[8 : 8 + length])["__metadata__"]["model_card"]
    return card


def _generator(session: Session) -> nn.Module:
    network = session.state.networks.get("generator")
    if network is None:
        raise DataError(
            Message(
                "this game has no network named 'generator' to export; it has {names}, which .safetensors holds",
                names=", ".join(session.state.networks),
            )
        )
    return network


def _traceable(session: Session) -> _Traceable:
    session.roll_back()
    network = copied_network(_generator(session)).cpu().eval()
    if isinstance(network, GrowingNetwork):
        network.hold_level()
    traceable = _Traceable(network, _examples(session))
    # Networks cache constants in their first call, which must not happen while tracing.
    with torch.random.fork_rng(devices=[]):
        network(*traceable.arguments)
    return traceable


def _examples(session: Session) -> tuple[Tensor, ...]:
    if session.built.get("latent_dim") is None:
        raise DataError(
            Message("the game does not declare what its generator takes; export .safetensors instead")
        )
    z = draw_noise(
        session.settings.as_dict()["noise"], EXAMPLES, session.built["latent_dim"], seeded(0, "export")
    )
    labels = session.run.labels
    if labels is not None and labels.generator:
        return z, labels.draw(EXAMPLES, seeded(0, "export labels"))
    return (z,)


def _untraceable(error: Exception) -> ValueError:
    return ValueError(
        Message(
            "PyTorch cannot trace this generator ({reason}); export its parameters as .safetensors instead",
            reason=str(error).strip().split("\n")[0] or type(error).__name__,
        )
    )


def _config(session: Session) -> dict[str, Any]:
    settings = vars(session.in_force())
    return {
        **named(session.state.game),
        "library_name": "ganwidgets",
        "data": session.run.source.name,
        "kind": session.run.source.kind,
        "sample_shape": list(session.run.source.shape),
        "iteration": session.state.iteration,
        "samples_seen": session.state.samples_seen,
        "settings": {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in settings.items()
            if name in session.settings.definitions and _is_plain(value)
        },
    }


def _card(
    config: Mapping[str, Any],
    game: Game,
    network: nn.Module,
    figures: Mapping[str, float],
    floors: Mapping[str, float],
) -> str:
    modality, sampled = MODALITIES[config["kind"]], game.from_noise
    rows = "".join(
        f"| {name} | {value:.4g} | {f'{floors[name]:.4g}' if name in floors else ''} |\n"
        for name, value in figures.items()
    )
    units = f"{modality.label} in {'[-1, 1]' if modality.bounded else 'the units of training'}"
    data = str(config["data"]).replace("`", "'").replace("\n", " ")
    head = "pipeline_tag: unconditional-image-generation\n" if modality.on_features and sampled else ""
    subject = "Generator" if sampled else f"Networks of the game `{game.name}`"
    maps = (
        f" It maps latents `[n, {config['settings'].get('latent_dim')}]` "
        f"({config['settings'].get('noise')}) to {units}, `[n, {', '.join(map(str, config['sample_shape']))}]`."
    )
    return (
        CARD_BEGINS + head + "tags:\n- gan\n"
        "---\n\n"
        f"# {subject} trained on `{data}`\n\n"
        f"{config['iteration']} iterations, {config['samples_seen']} real samples drawn."
        f"{maps if sampled else ''}\n\n"
        "## Quality\n\n| metric | this run | real samples |\n|---|---|---|\n"
        + rows
        + f"\n## Network\n\n```\n{network}\n```\n\n"
        "## Settings\n\n```json\n" + json.dumps(config["settings"], indent=1, sort_keys=True) + "\n```\n"
    )


def _is_plain(value: Any) -> bool:
    """Return True if JSON can store `value`; paired data may be a tuple of arrays."""
    parts = value if isinstance(value, tuple) else (value,)
    return all(isinstance(part, (bool, int, float, str)) for part in parts)
