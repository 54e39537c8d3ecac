"""Reference tensors of the published networks, if their folder exists."""

import json
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

VARIABLE = "GANWIDGETS_STYLEGAN_REFERENCE"
BESIDE = Path(__file__).parents[1].parent / "shared" / "reference" / "stylegan3"
FOLDER = Path(os.environ.get(VARIABLE, BESIDE))

needs_reference = pytest.mark.skipif(
    not FOLDER.is_dir(), reason=f"no reference tensors: {FOLDER} is missing; {VARIABLE} names another folder"
)


def names(kind: str) -> list[str]:
    return sorted(path.stem for path in (FOLDER / kind).glob("*.json")) or ["none"]


def read(kind: str, name: str) -> tuple[dict, dict[str, torch.Tensor]]:
    path = FOLDER / kind / name
    return json.loads(path.with_suffix(".json").read_text()), load_file(path.with_suffix(".safetensors"))


def state(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return parameters and buffers without the filters, which the networks compute."""
    found = {key[6:]: value for key, value in tensors.items() if key.startswith("state/")}
    return {key: value for key, value in found.items() if not key.endswith("_filter")}


def under(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {key[len(prefix) :]: value for key, value in tensors.items() if key.startswith(prefix)}


def relative(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    return float((ours - theirs).detach().norm() / theirs.norm().clamp_min(1e-30))
