"""Definition of the settings that take effect at the next fresh start: data and networks."""

from __future__ import annotations

from ganwidgets.messages import N_
from ganwidgets.settings.types import (
    BoolSetting,
    ChoiceSetting,
    DataSetting,
    FloatSetting,
    IntSetting,
    LayerWidthsSetting,
    SettingOwner,
)

__all__ = ["BOTH", "FreshStartTraits"]

_GENERATOR, _DISCRIMINATOR = ("generator",), ("discriminator",)
BOTH = _GENERATOR + _DISCRIMINATOR
"""The networks that a setting of both affects."""
_CONVOLUTIONAL = ("dcgan", "resnet")
_STYLEGAN3 = ("stylegan3_t", "stylegan3_r")
_FOR_IMAGES = (*_CONVOLUTIONAL, "r3gan", "progressive", "msg", *_STYLEGAN3)


class FreshStartTraits(SettingOwner):
    """The settings that are pending until ``reset()``."""

    data = DataSetting(
        "gaussians",
        label=N_("Data"),
        help=N_("What the generator is to imitate."),
        group="fresh start",
        effect="fresh start",
    )
    architecture = ChoiceSetting(
        "mlp",
        choices={
            "mlp": N_("Fully connected (MLP)"),
            "dcgan": N_("Convolutional (DCGAN)"),
            "resnet": N_("Residual (ResNet)"),
            "r3gan": N_("Modern residual (R3GAN)"),
            "progressive": N_("Progressively grown"),
            "msg": N_("All resolutions at once (MSG-GAN)"),
            "stylegan3_t": N_("StyleGAN3, translation (T)"),
            "stylegan3_r": N_("StyleGAN3, rotation (R)"),
        },
        register="gw.register_architecture",
        label=N_("Architecture"),
        help=N_(
            "How the two networks are built; every architecture except the fully connected one needs square images."
        ),
        group="fresh start",
        effect="fresh start",
        affects=BOTH,
    )
    conditional = BoolSetting(
        False,
        label=N_("Conditional"),
        help=N_("Tells both networks each sample's label, so that you can choose what is generated."),
        group="fresh start",
        effect="fresh start",
    )
    packing = IntSetting(
        1,
        min=1,
        max=8,
        label=N_("Packing"),
        unit=N_("samples at once"),
        help=N_(
            "How many samples D judges together; from 2 on it notices when generated ones are all alike (PacGAN)."
        ),
        group="fresh start",
        effect="fresh start",
    )
    latent_dim = IntSetting(
        8,
        min=1,
        max=1024,
        scale="logarithmic",
        slider=(1, 256),
        label=N_("Latent dimension"),
        unit=N_("numbers"),
        help=N_("How many random numbers the generator turns into one sample."),
        group="fresh start",
        effect="fresh start",
    )
    g_hidden = LayerWidthsSetting(
        (64, 64),
        label=N_("Layers of G"),
        unit=N_("units"),
        help=N_("The widths of a fully connected generator's hidden layers, from noise to sample."),
        group="fresh start",
        effect="fresh start",
        affects=_GENERATOR,
        architectures=("mlp",),
    )
    d_hidden = LayerWidthsSetting(
        (64, 64),
        label=N_("Layers of D"),
        unit=N_("units"),
        help=N_("The widths of a fully connected discriminator's hidden layers, from sample to verdict."),
        group="fresh start",
        effect="fresh start",
        affects=_DISCRIMINATOR,
        architectures=("mlp",),
    )
    activation = ChoiceSetting(
        "leaky_relu",
        choices={
            "relu": N_("ReLU"),
            "leaky_relu": N_("Leaky ReLU (0.2)"),
            "tanh": N_("Tanh"),
            "gelu": N_("GELU"),
        },
        label=N_("Activation"),
        help=N_(
            "The bend after each hidden layer of fully connected networks, without which they could only draw straight lines."
        ),
        group="fresh start",
        effect="fresh start",
        affects=BOTH,
        architectures=("mlp",),
    )
    channels = IntSetting(
        32,
        min=1,
        max=512,
        scale="logarithmic",
        slider=(4, 128),
        label=N_("Channels"),
        unit=N_("per layer, at least"),
        help=N_("How many feature maps the layers with the largest pictures hold, in networks for images."),
        group="fresh start",
        effect="fresh start",
        affects=BOTH,
        architectures=_FOR_IMAGES,
    )
    norm = ChoiceSetting(
        "batch",
        choices={"batch": N_("Batch norm"), "instance": N_("Instance norm"), "none": N_("None")},
        label=N_("Norm"),
        help=N_("What keeps the numbers inside convolutional and residual networks on one scale."),
        group="fresh start",
        effect="fresh start",
        affects=BOTH,
        architectures=_CONVOLUTIONAL,
    )
    spectral_norm = BoolSetting(
        False,
        label=N_("Spectral norm of D"),
        help=N_("Keeps every layer of the discriminator from stretching anything, instead of another norm."),
        group="fresh start",
        effect="fresh start",
        affects=_DISCRIMINATOR,
        architectures=("mlp", *_CONVOLUTIONAL),
    )
    mapping_layers = IntSetting(
        2,
        min=1,
        max=8,
        label=N_("Mapping layers"),
        help=N_("Layers of StyleGAN3's mapping network, which turns noise into styles."),
        group="fresh start",
        effect="fresh start",
        affects=_GENERATOR,
        architectures=_STYLEGAN3,
    )
    synthesis_layers = IntSetting(
        4,
        min=3,
        max=14,
        label=N_("Synthesis layers"),
        help=N_(
            "Layers of StyleGAN3's synthesis network, which turns styles into an image; the published ones have 14."
        ),
        group="fresh start",
        effect="fresh start",
        affects=_GENERATOR,
        architectures=_STYLEGAN3,
    )
    holdout = FloatSetting(
        0.0,
        min=0,
        max=0.5,
        zero=N_("off"),
        label=N_("Held out"),
        unit=N_("share"),
        help=N_(
            "The share of the real samples that is kept from training, to see whether the discriminator learns the others by heart."
        ),
        group="fresh start",
        effect="fresh start",
    )
    seed = IntSetting(
        0,
        min=0,
        max=2**32 - 1,
        slider=(0, 99),
        label=N_("Seed"),
        help=N_("The number from which all randomness of a run follows: the same seed, the same run."),
        group="fresh start",
        effect="fresh start",
    )
