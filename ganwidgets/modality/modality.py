"""A kind of data, and the table of all kinds.

No other module compares kinds by name: each asks the declaration for the property that it depends on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ganwidgets.messages import Message, N_
from ganwidgets.modality.checks import check_declaration
from ganwidgets.modality.metric import Metric
from ganwidgets.settings.registered_names import checked_name

__all__ = ["MODALITIES", "Modality", "View", "declare", "register_modality"]

Floats = npt.NDArray[np.float32]
Shape = tuple[int, ...]

View = Literal["plane", "gallery"]
"""The two ways to draw samples: as marks on a plane, or as a grid of images."""

COUNTED = 300
"""Number of samples of each run on the plane of a comparison."""

IN_GALLERY = 25
"""Number of images of each run in a comparison."""


def _never(_shape: Shape, _what: str, _pixels: bool) -> bool:
    return False


def _as_it_comes(shape: Shape, _what: str) -> Shape:
    return shape


def _described(source: Any) -> Message:
    return Message(
        "{kind} of shape {shape}", kind=Message(source.modality.label), shape="x".join(map(str, source.shape))
    )


def _same(samples: Floats) -> Floats:
    return samples


@dataclass(frozen=True, kw_only=True, eq=False)
class Modality:
    r"""A kind of data.

    Units: samples train "in the units of training". They are shown, exported and measured "as shown".

    Attributes
    ----------
    name : str
        Value of ``kind=``, of stored runs and of :func:`~ganwidgets.metrics.register_metric`.
    label : str
        Plural noun, such as "images"; to be translated. `name` if left out.
    array_name, dataset_name : str
        What an array of ``{n}`` samples, and a Dataset of ``{type}``, is called; to be translated.
    recognizes : callable
        ``recognizes(shape, what, pixels)`` returns whether samples of `shape` are of this kind if the user passes no
        ``kind=``. `what` is the name of one sample in an error. `pixels` is True for bytes. False for all shapes if left out.
    shape_of : callable
        ``shape_of(shape, what)`` returns the shape that a sample of `shape` trains with; raises :class:`DataError`.
        The same shape if left out.
    options : frozenset of str
        Those of ``value_range`` and ``standardize`` that apply to this kind. With ``standardize`` samples keep the
        precision of their numbers until they are standardized.
    units : callable or None
        ``units(samples, options, what)`` returns :class:`~ganwidgets.data.images.scaling.Units`; raises
        :class:`DataError`. None: the numbers are in the units of training.
    describe : callable
        ``describe(source)`` returns a message: what was decided about the data.
    stored : frozenset of torch.dtype
        Types of samples in stored runs. With ``torch.uint8``, samples that came as bytes are stored as bytes.
    bounded : bool
        True: samples train in [-1, 1] and are shown in [0, 1]. False: they are shown as they train.
    augmentable : bool
        True if the setting ``augment`` applies.
    metrics : mapping of str to Metric
        What `evaluate` returns, in the order in which users see it. Without `evaluate` those of images, if left out.
    headline : str
        The metric that runs are compared by if the user chooses none.
    evaluate : callable or None
        ``evaluate(samples, reference, modes, seed)`` returns a figure for each metric, of arrays ``[n, \*shape]`` as shown.
        None: images ``[n, C, H, W]`` that are judged on features.
    signs : callable
        ``signs(samples, reference, modes)`` returns signs of :data:`ganwidgets.metrics.interpretation.SIGNS`.
    rules : tuple
        Rules of :mod:`ganwidgets.metrics.interpretation`, the most severe first; the first that applies is the verdict.
    view : {"plane", "gallery"}
        How samples are drawn. A plane draws the first two coordinates, or a projection, of samples ``[n, F]``.
    picture : callable
        For a gallery: returns images float32 ``[n, C, H, W]`` in [0, 1] of samples ``[n, \*shape]`` as shown.
    frame_rate : float
        Frames a second at most.
    panel_share : float
        Share of the time that what one panel needs may take.
    panel_pause : float
        Seconds between two draws at least of all panels but the samples and the status.
    """

    name: str
    label: str = ""
    array_name: str = N_("array of {n} samples")
    dataset_name: str = N_("{type} of {n} samples")
    recognizes: Callable[[Shape, str, bool], bool] = _never
    shape_of: Callable[[Shape, str], Shape] = _as_it_comes
    options: frozenset[str] = frozenset()
    units: Callable[[Tensor, Any, str], Any] | None = None
    describe: Callable[[Any], Message] = _described
    stored: frozenset[torch.dtype] = frozenset({torch.float32})
    bounded: bool = False
    augmentable: bool = False
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    headline: str = ""
    evaluate: Callable[[Any, Any, Any, int], dict[str, float]] | None = None
    signs: Callable[[Any, Any, Any], Mapping[str, float]] = field(default=lambda *_: {})
    rules: tuple[Any, ...] = ()
    view: View = "gallery"
    picture: Callable[[Floats], Floats] = _same
    frame_rate: float = 12.0
    panel_share: float = 0.1
    panel_pause: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", self.label or self.name)
        object.__setattr__(self, "headline", self.headline or next(iter(self.metrics), ""))

    @property
    def on_plane(self) -> bool:
        """True if samples are drawn as marks on a plane, False if as images in a gallery."""
        return self.view == "plane"

    @property
    def on_features(self) -> bool:
        """True if the metrics compare features of images; they take long and are measured in another thread."""
        return self.evaluate is None

    @property
    def beside(self) -> int:
        """Number of samples of each run in a comparison."""
        return COUNTED if self.on_plane else IN_GALLERY

    def shown(self, samples: Tensor) -> Tensor:
        """Return samples in the units of training as shown. A bounded number that is not finite becomes NaN."""
        if not self.bounded:
            return samples
        return torch.where(samples.isfinite(), ((samples + 1) / 2).clamp(0, 1), torch.nan)

    def shown_difference(self, difference: Tensor) -> Tensor:
        """Return the difference of two samples in the units of training as the difference of what is shown."""
        return difference / 2 if self.bounded else difference

    def trained(self, samples: Any) -> Any:
        """Inverse of :meth:`shown` for finite samples, an array or a tensor."""
        return samples * 2 - 1 if self.bounded else samples

    def drawn(self, samples: Floats) -> Floats:
        """Return samples as shown as panels draw them: on a plane themselves, in a gallery images [n, C, H, W].

        A pixel that is not finite is black.
        """
        return samples if self.on_plane else np.nan_to_num(self.picture(samples), nan=0.0).clip(0, 1)


_MODALITIES: dict[str, Modality] = {}

MODALITIES: Mapping[str, Modality] = MappingProxyType(_MODALITIES)
"""Every kind of data by its name, in the order in which :attr:`Modality.recognizes` is asked."""

_BUILT_IN: set[str] = set()


def declare(modality: Modality) -> Modality:
    """Add a built-in kind of data and return it."""
    _BUILT_IN.add(modality.name)
    _MODALITIES[modality.name] = modality
    return modality


def register_modality(modality: Modality) -> Modality:
    """Register a user's kind of data, which trainers and widgets then take: ``GANTrainer(data, kind=name)``.

    Register it again before a run that used it is loaded in a new process.

    Parameters
    ----------
    modality : Modality
        Its declaration. It replaces a registered kind of the same name.

    Returns
    -------
    Modality
        The same one.

    Raises
    ------
    TypeError
        If it is no `Modality`, or a part of it is of a wrong type.
    ValueError
        If a built-in kind has the name, if it is no word of small letters, digits and underscores, or if the
        declaration is incomplete.

    Examples
    --------
    >>> import numpy as np
    >>> def spread(samples, reference, modes, seed):
    ...     return {"spread": float(samples.std() / reference.std())}
    >>> shares = Modality(
    ...     name="shares",
    ...     metrics={"spread": Metric("Spread", "Standard deviation, real samples: 1.", "higher", ".2f")},
    ...     evaluate=spread,
    ...     view="plane",
    ... )
    >>> trainer = GANTrainer(np.random.rand(100, 2), kind=register_modality(shares).name)  # doctest: +SKIP
    """
    if not isinstance(modality, Modality):
        raise TypeError(
            Message(
                "a kind of data cannot be {value}; pass gw.Modality(name=..., ...)", value=repr(modality)[:80]
            )
        )
    name = checked_name(modality.name, N_("kind of data"), _BUILT_IN)
    images = next(each for each in _MODALITIES.values() if each.on_features)
    if modality.evaluate is None and not modality.metrics:
        vars(modality).update(metrics=images.metrics, headline=modality.headline or images.headline)
    check_declaration(modality, images.metrics)
    _MODALITIES[name] = modality
    return modality
