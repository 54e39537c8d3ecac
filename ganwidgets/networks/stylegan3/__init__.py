"""StyleGAN3 generators (Karras et al. 2021), StyleGAN2 generators and discriminators (Karras et al. 2020)."""

from __future__ import annotations

from ganwidgets.networks.stylegan3.discriminator import Discriminator
from ganwidgets.networks.stylegan3.generator import Generator
from ganwidgets.networks.stylegan3.layers import initialize
from ganwidgets.networks.stylegan3.loading import load_stylegan, save_generator
from ganwidgets.networks.stylegan3.published import PUBLISHED, download_stylegan
from ganwidgets.networks.stylegan3.stylegan2 import StyleGAN2Generator

__all__ = [
    "PUBLISHED",
    "Discriminator",
    "Generator",
    "StyleGAN2Generator",
    "download_stylegan",
    "initialize",
    "load_stylegan",
    "save_generator",
]
