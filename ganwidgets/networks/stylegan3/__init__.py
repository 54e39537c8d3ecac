"""StyleGAN3 generators (Karras et al. 2021), StyleGAN2 generators and discriminators (Karras et al. 2020)."""

from __future__ import annotations

from .discriminator import Discriminator
from .generator import Generator
from .layers import initialize
from .loading import load_stylegan
from .stylegan2 import StyleGAN2Generator

__all__ = ["Discriminator", "Generator", "StyleGAN2Generator", "initialize", "load_stylegan"]
