"""The bits of a run, independent of internal names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

import ganwidgets as gw

COLUMNS = ("loss_d", "loss_g", "grad_norm_d", "grad_norm_g", "accuracy_real", "accuracy_fake")


def fingerprint(tensor: Tensor) -> str:
    """Return a short hash of a tensor's type, shape and bits."""
    plain = tensor.detach().cpu().contiguous()
    sha = hashlib.sha256(f"{plain.dtype} {tuple(plain.shape)}".encode())
    sha.update(plain.reshape(-1).view(torch.uint8).numpy().tobytes() if plain.numel() else b"")
    return sha.hexdigest()[:12]


def tensors(tree: Any) -> Iterator[Tensor]:
    """Return every tensor inside nested mappings and sequences."""
    if isinstance(tree, Tensor):
        yield tree
    elif isinstance(tree, Mapping):
        for value in tree.values():
            yield from tensors(value)
    elif isinstance(tree, list | tuple):
        for value in tree:
            yield from tensors(value)


def bits(trainer: gw.GANTrainer) -> dict[str, Any]:
    """Return hashes of everything that a run has computed.

    ``networks``: one hash for the tensors of each network, in their order; ``state``: one for each tensor of the
    state (weights, buffers, averages, optimizer states, generator states), sorted; ``history``: one a column.
    """
    networks = {}
    for name in ("generator", "discriminator"):
        network = getattr(trainer, name)
        parts = [fingerprint(t) for t in (*network.parameters(), *network.buffers())]
        networks[name] = hashlib.sha256("".join(parts).encode()).hexdigest()[:16]
    columns = {name: torch.from_numpy(trainer.history[name].astype("float64")) for name in COLUMNS}
    return {
        "networks": networks,
        "state": sorted(fingerprint(t) for t in tensors(trainer.state_dict())),
        "history": {name: fingerprint(column.nan_to_num(nan=-1.0)) for name, column in columns.items()},
        "samples_seen": trainer.samples_seen,
    }


def arithmetic() -> str:
    """Return a hash of plain PyTorch calculations, equal where the bits of a run can be expected to be.

    Matrix products, convolutions, transcendental functions, their gradients and the fused Adam rule add in an order
    that depends on the version of PyTorch and on the processor.
    """
    draw = torch.Generator().manual_seed(0)
    shapes = ((8, 2), (8, 8), (1, 8), (64, 12), (4, 1, 4, 4), (8, 4, 4, 4))
    weights = [nn.Parameter(torch.randn(shape, generator=draw) * 0.3) for shape in shapes]
    points, images = torch.randn(16, 2, generator=draw), torch.randn(8, 1, 8, 8, generator=draw)
    optimizer = torch.optim.Adam(weights, 1e-2, fused=True)
    for _ in range(5):
        x = torch.tanh(nn.functional.linear(points, weights[0]))
        x = nn.functional.linear(nn.functional.gelu(nn.functional.linear(x, weights[1])), weights[2])
        y = nn.functional.leaky_relu(nn.functional.conv2d(images, weights[4], stride=2, padding=1), 0.2)
        y = nn.functional.batch_norm(
            nn.functional.conv2d(y, weights[5], stride=2, padding=1), None, None, training=True
        )
        z = nn.functional.linear(torch.sigmoid(y.reshape(-1)[:12]), weights[3])
        loss = softplus(x).mean() + y.square().sum().sqrt() + softplus(-z).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return hashlib.sha256("".join(map(fingerprint, weights)).encode()).hexdigest()[:16]
