"""Inception features, the standard for published image metrics.

The Frechet distance is called FID only with the weights of 2015-12-05 and their original resizing; torch-fidelity has
both. The weights are a file of 91 MB, which is downloaded once, or passed.
"""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganwidgets.errors import DataError
from ganwidgets.messages import Message, N_
from ganwidgets.metrics.features import Reading

__all__ = ["InceptionFeatures", "load_inception"]

WEIGHTS = "weights-inception-2015-12-05-6726825d.pth"
SHA256_BEGINS = "6726825d"


class InceptionFeatures:
    """The last pooling layer of Inception (2048 numbers), and its classes.

    Parameters
    ----------
    network : callable
        Maps images, uint8 [n, 3, H, W], to features [n, 2048] and logits [n, 1008].
    device : torch.device
        Device of the network.
    """

    name = N_("Inception (FID)")
    help = N_("The network by whose features published figures are measured; it knows photographs best.")
    trend_only = False
    live_samples = 500

    def __init__(self, network: Any, device: torch.device) -> None:
        self._network = network
        self._device = device

    def read(self, images: Tensor) -> Reading:
        """Return features and probabilities of images of one channel or of three.

        Raises
        ------
        DataError
            If the images have another number of channels.
        """
        if images.shape[1] not in {1, 3}:
            raise DataError(
                Message(
                    "Inception reads grey and colour images, these have {channels} channels; choose other features",
                    channels=images.shape[1],
                )
            )
        if not torch.isfinite(images).all():  # as bytes they would look valid
            return Reading(
                torch.full((len(images), 2048), float("nan")), torch.full((len(images), 1008), float("nan"))
            )
        levels = (images * 255).round().clamp(0, 255).to(torch.uint8).expand(-1, 3, -1, -1)
        with torch.no_grad():
            features, logits = self._network(levels.to(self._device))
        return Reading(features.cpu().float(), logits.softmax(dim=1).cpu().float())


def load_inception(weights: Path | None, device: torch.device) -> InceptionFeatures:
    """Return Inception's features.

    Parameters
    ----------
    weights : Path, optional
        The file ``weights-inception-2015-12-05-6726825d.pth``. If omitted, it is loaded from the `torch.hub` cache, and
        downloaded there if missing.

    Raises
    ------
    DataError
        If torch-fidelity is not installed or does not work, or if the weights are not available.
    """
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import (
            URL_INCEPTION_V3,
            FeatureExtractorInceptionV3,
        )
    except Exception as error:  # it imports torchvision: mismatched versions raise RuntimeError
        raise DataError(
            Message(
                "Inception's features need torch-fidelity, which cannot be imported ({error}); install it by pip "
                "install ganwidgets[inception], or choose other features",
                error=str(error),
            )
        ) from error
    file = weights or _downloaded(URL_INCEPTION_V3)
    content = _content(file)
    # Built on the meta device, so that weights which are replaced anyway draw nothing from the global generator.
    # torch-fidelity unpickles the file, so the file was checked before.
    with torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that values were not copied to where there are none
        network = FeatureExtractorInceptionV3("inception-v3-compat", ["2048", "logits_unbiased"], str(file))
    network.load_state_dict(content, assign=True)
    return InceptionFeatures(network.to(device).eval().requires_grad_(requires_grad=False), device)


def _content(file: Path) -> dict[str, Tensor]:
    """Return the weights in `file`, after checking their hash."""
    try:
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise DataError(
            Message(
                "the weights of Inception could not be read from {file} ({error})",
                file=str(file),
                error=str(error),
            )
        ) from error
    if not digest.startswith(SHA256_BEGINS):
        raise DataError(
            Message(
                "{file} does not hold the weights of Inception that figures are compared by (its SHA-256 begins with "
                "{found} and not with {expected}); download {name} again",
                file=str(file),
                found=digest[: len(SHA256_BEGINS)],
                expected=SHA256_BEGINS,
                name=WEIGHTS,
            )
        )
    content: dict[str, Tensor] = torch.load(file, map_location="cpu", weights_only=True)
    return content


def _downloaded(address: str) -> Path:
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    file = folder / WEIGHTS
    if file.exists():
        return file
    try:
        folder.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(address, str(file), hash_prefix=SHA256_BEGINS, progress=False)
    except Exception as error:  # no network, no space, a server's refusal
        raise DataError(
            Message(
                "the weights of Inception are neither at {file} nor could they be downloaded from {address} ({error}); "
                "connect to the network once, pass the path of {name} as features, or choose other features",
                file=str(file),
                address=address,
                error=(str(error).splitlines() or [type(error).__name__])[-1],
                name=WEIGHTS,
            )
        ) from error
    return file
