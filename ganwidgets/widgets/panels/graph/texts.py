"""Names of the parts of a GAN, and a sentence about each with its current value."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ganwidgets.messages import Catalog, N_

if TYPE_CHECKING:
    from ganwidgets.live.frames.frame import Frame

__all__ = ["NODES", "Node", "descriptions", "number_of", "values_of", "words"]

NONE = "\N{EN DASH}"


@dataclass(frozen=True)
class Node:
    """One part in the graph.

    Attributes
    ----------
    name : str
        Its element carries the CSS class ``gw-node-<name>``.
    label : str
        Name for screen readers and for the large view; translatable.
    short : str
        Text next to the miniature; translatable.
    """

    name: str
    label: str
    short: str


NODES = (
    Node("noise", N_("Noise"), N_("Noise")),
    Node("generator", N_("Generator"), N_("Generator")),
    Node("real", N_("Real samples"), N_("real")),
    Node("generated", N_("Generated samples"), N_("generated")),
    Node("discriminator", N_("Discriminator"), N_("Discriminator")),
    Node("score_real", N_("D's verdict on real samples"), N_("D says")),
    Node("score_generated", N_("D's verdict on generated samples"), N_("D says")),
    Node("loss_d", N_("Loss of D"), N_("loss of D")),
    Node("loss_g", N_("Loss of G"), N_("loss of G")),
    Node("gradient_d", N_("Gradient of D"), N_("gradient")),
    Node("gradient_g", N_("Gradient of G"), N_("gradient")),
)
"""All parts, in keyboard order."""


def words(t: Catalog) -> dict[str, Any]:
    """Return the texts that do not change."""
    return {
        "title": t(N_("How it learns")),
        "foldHelp": t(N_("Show or hide the overview of both networks")),
        "lead": t(
            N_(
                "The generator turns noise into samples, the discriminator judges them; both learn from the "
                "verdict. Click a part to see it large."
            )
        ),
        "nodes": [{"name": node.name, "label": t(node.label), "short": t(node.short)} for node in NODES],
        "morph": t(N_("warp")),
        "morphHelp": t(N_("Show how the generator warps the noise into its samples")),
        "travel": t(N_("from the noise to the samples")),
        "close": t(N_("Close (Esc)")),
        "saysGenerated": t(N_("D says generated")),
        "saysReal": t(N_("D says real")),
        "iteration": t(N_("iteration")),
    }


def number_of(value: float | None) -> str:
    """Return a number with three or four digits, or a dash for None."""
    if value is None or not math.isfinite(value):
        return NONE
    text = f"{value:.3f}" if 0.001 <= abs(value) < 1000 or value == 0 else f"{value:.1e}"
    return text.replace("-", "\N{MINUS SIGN}")


def values_of(frame: Frame) -> dict[str, str]:
    """Return the values shown next to the miniatures, by name of the part."""
    record = frame.record
    found = {
        "loss_d": number_of(record.get("loss_d")),
        "loss_g": number_of(record.get("loss_g")),
        "gradient_d": number_of(newest(frame, "grad_norm_d")),
        "gradient_g": number_of(newest(frame, "grad_norm_g")),
    }
    scores = frame.seen.get("scores")
    if scores is not None:
        for kind, known in (("real", scores.real), ("generated", scores.generated)):
            found[f"score_{kind}"] = f"{known.mean():.2f}" if len(known) else NONE
    return found


def newest(frame: Frame, column: str) -> float:
    """Return the last finite number of a column, or NaN without one."""
    value = frame.record.get(column, math.nan)
    if math.isfinite(value):
        return value
    envelope = frame.losses.get(column)
    known = np.array([]) if envelope is None else envelope[2][np.isfinite(envelope[2])]
    return float(known[-1]) if len(known) else math.nan


def descriptions(frame: Frame, t: Catalog) -> dict[str, str]:
    """Return a sentence about each part, with its current value."""
    values = values_of(frame)
    latents = frame.seen.get("latents")
    dimensions = NONE if latents is None else latents.shape[1]
    right = {name: frame.record.get(f"accuracy_{name}", math.nan) for name in ("real", "fake")}
    shares = {name: NONE if math.isnan(value) else f"{value:.0%}" for name, value in right.items()}
    return {
        "noise": t(
            N_("Noise: {count} random numbers for each sample, drawn anew for every batch."), count=dimensions
        ),
        "generator": t(_generator(frame), count=dimensions),
        "real": t(
            N_(
                "Real samples: the data that the generator is to imitate without ever seeing it; {count} of them are shown."
            ),
            count=len(frame.real),
        ),
        "generated": t(
            N_(
                "Generated samples: what the generator makes, here always of the same {count} draws of noise."
            ),
            count=len(frame.generated),
        ),
        "discriminator": t(_discriminator(frame), real=shares["real"], fake=shares["fake"]),
        "score_real": t(
            N_("D's verdict on real samples: {score} on average; 1 is real (blue), 0 generated (orange)."),
            score=values.get("score_real", NONE),
        ),
        "score_generated": t(
            N_("D's verdict on generated samples: {score} on average; the generator tries to raise it to 1."),
            score=values.get("score_generated", NONE),
        ),
        "loss_d": t(
            N_("Loss of D, now {value}: the lower, the better D tells real from generated samples."),
            value=values["loss_d"],
        ),
        "loss_g": t(
            N_("Loss of G, now {value}: the lower, the more D takes generated samples for real."),
            value=values["loss_g"],
        ),
        "gradient_d": t(
            N_("Gradient of D's loss by D's weights, of length {value}: D's weights take a step against it."),
            value=values["gradient_d"],
        ),
        "gradient_g": t(_gradient_g(frame), value=values["gradient_g"]),
    }


def _generator(frame: Frame) -> str:
    manifold = frame.seen.get("manifold")
    if not frame.modality.on_plane:
        if frame.seen.get("slice") is not None:
            return N_(
                "The generator turns {count} noise numbers into an image; shown is a plane through the noise."
            )
        return N_("The generator turns {count} noise numbers into an image.")
    if manifold is not None and manifold.sliced:
        return N_(
            "The generator warps the noise into the space of the data; this is a slice: two of the {count} noise numbers vary and the others are 0."
        )
    return N_("The generator warps the noise into the space of the data: dark cells hold many samples.")


def _discriminator(frame: Frame) -> str:
    if frame.verdict is None:
        return N_(
            "The discriminator scores each sample: bars upward are real ones, downward generated ones, far right "
            "what it takes for real. It is right on {real} of real and {fake} of generated samples."
        )
    return N_(
        "The discriminator says for every place whether it looks real (blue) or generated (orange); it is right on {real} of real and {fake} of generated samples."
    )


def _gradient_g(frame: Frame) -> str:
    if not frame.modality.on_plane:
        return N_(
            "Gradient of G's loss: where each pixel should become lighter or darker; by G's weights its length is {value}."
        )
    return N_(
        "Gradient of G's loss: arrows show where each sample should move; by G's weights its length is {value}."
    )
