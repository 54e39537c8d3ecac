"""Exploration of the latent space of a style-based generator, without widgets."""

from ganwidgets.latents.estimates import Estimate, estimate
from ganwidgets.latents.exploration import Exploration
from ganwidgets.latents.place import Place
from ganwidgets.latents.staged_synthesis import Cancelled, StagedSynthesis

__all__ = ["Cancelled", "Estimate", "Exploration", "Place", "StagedSynthesis", "estimate"]
