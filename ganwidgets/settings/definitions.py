"""Definition of every setting; those that wait for a reset are in :mod:`~ganwidgets.settings.fresh_start`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ganwidgets.messages import N_
from ganwidgets.settings.fresh_start import BOTH, FreshStartTraits
from ganwidgets.settings.types import (
    BoolSetting,
    ChoiceSetting,
    FloatSetting,
    IntSetting,
    ScheduleSetting,
    Setting,
)

__all__ = ["OWN", "SETTINGS", "SettingTraits"]

OWN = "own"
"""The choice for parts that the user passed; available only if the user passed some."""

_OPTIMIZERS = {
    "sgd": N_("Gradient descent (SGD)"),
    "momentum": N_("SGD with momentum"),
    "rmsprop": N_("RMSprop"),
    "adam": N_("Adam"),
    "adamw": N_("AdamW"),
}


class SettingTraits(FreshStartTraits):
    """The settings as traits of a trainer and a widget; those defined here take effect at the next update."""

    lr_d = FloatSetting(
        2e-3,
        min=0,
        max=10,
        scale="logarithmic",
        slider=(1e-5, 1),
        label=N_("Learning rate of D"),
        help=N_("How far each update moves the discriminator; too far and it overpowers the generator."),
        group="discriminator",
    )
    d_steps = IntSetting(
        1,
        min=1,
        max=100,
        slider=(1, 10),
        label=N_("D updates"),
        unit=N_("per step"),
        help=N_("How many times the discriminator learns before the generator has its turn."),
        group="discriminator",
    )
    optimizer_d = ChoiceSetting(
        "adam",
        choices=_OPTIMIZERS,
        register="gw.register_optimizer",
        label=N_("Optimizer of D"),
        help=N_(
            "The rule that turns the discriminator's gradient into a change; a new rule starts without memory."
        ),
        group="discriminator",
    )
    skip_d_below = FloatSetting(
        0.0,
        min=0,
        max=10,
        slider=(0, 2),
        zero=N_("never"),
        label=N_("Skip D below"),
        unit=N_("loss"),
        help=N_("Leaves the discriminator as it is while its loss is below this value; 0 never skips."),
        group="discriminator",
    )
    freeze_d = BoolSetting(
        False,
        label=N_("Freeze D"),
        help=N_("Stops the discriminator: none of its weights or statistics changes until it is released."),
        group="discriminator",
    )
    freeze_layers_d = IntSetting(
        0,
        min=0,
        max=100,
        slider=(0, 8),
        zero=N_("none"),
        label=N_("Frozen layers of D"),
        help=N_("How many layers of D, from its input on, are not updated (FreezeD); 0 updates all."),
        group="discriminator",
    )
    lr_g = FloatSetting(
        5e-4,
        min=0,
        max=10,
        scale="logarithmic",
        slider=(1e-5, 1),
        label=N_("Learning rate of G"),
        help=N_("How far each update moves the generator; too far and its samples jump about or collapse."),
        group="generator",
    )
    g_steps = IntSetting(
        1,
        min=1,
        max=100,
        slider=(1, 10),
        label=N_("G updates"),
        unit=N_("per step"),
        help=N_("How many times the generator learns after the discriminator had its turn."),
        group="generator",
    )
    optimizer_g = ChoiceSetting(
        "adam",
        choices=_OPTIMIZERS,
        register="gw.register_optimizer",
        label=N_("Optimizer of G"),
        help=N_(
            "The rule that turns the generator's gradient into a change; a new rule starts without memory."
        ),
        group="generator",
    )
    ema_decay = FloatSetting(
        0.0,
        min=0,
        max=0.99999,
        slider=(0, 0.999),
        zero=N_("off"),
        label=N_("Averaging of G"),
        help=N_(
            "Keeps a slowly moving average of the generator, which is steadier than the generator itself; 0 keeps none."
        ),
        group="generator",
    )
    ema_rampup = FloatSetting(
        0.0,
        min=0,
        max=1,
        slider=(0, 0.2),
        zero=N_("off"),
        label=N_("Averaging starts with"),
        unit=N_("of all updates"),
        help=N_(
            "Shortens the averaging of G at the start: its half-life is at most this share of the steps so far; 0 does not."
        ),
        group="optimizer",
    )
    freeze_g = BoolSetting(
        False,
        label=N_("Freeze G"),
        help=N_("Stops the generator: none of its weights or statistics changes until it is released."),
        group="generator",
    )
    loss = ChoiceSetting(
        "non_saturating",
        choices={
            "minimax": N_("Minimax (saturating)"),
            "non_saturating": N_("Non-saturating"),
            "least_squares": N_("Least squares"),
            "wasserstein": N_("Wasserstein"),
            "hinge": N_("Hinge"),
            "relativistic": N_("Relativistic (R3GAN)"),
            OWN: N_("Your own"),
        },
        label=N_("Loss"),
        help=N_("The game that the two networks play: how a right or wrong verdict is scored."),
        group="objective",
    )
    penalty = ChoiceSetting(
        "none",
        choices={
            "none": N_("None"),
            "gradient_penalty": N_("Gradient penalty (WGAN-GP)"),
            "r1": N_("R1, at real samples"),
            "r2": N_("R2, at generated samples"),
            "r1_r2": N_("R1 and R2"),
            OWN: N_("Your own"),
        },
        label=N_("Penalty"),
        help=N_(
            "Keeps the discriminator's slope small, so that the generator is led gently instead of pushed."
        ),
        group="objective",
    )
    penalty_weight = FloatSetting(
        1.0,
        min=0,
        max=1000,
        scale="logarithmic",
        slider=(1e-3, 100),
        label=N_("Penalty weight"),
        help=N_(
            "How strongly the penalty counts beside the loss: gamma of R1 and R2, lambda of the gradient penalty."
        ),
        group="objective",
    )
    penalty_interval = IntSetting(
        1,
        min=1,
        max=1000,
        slider=(1, 32),
        label=N_("Penalty every"),
        unit=N_("updates of D"),
        help=N_("Computes the costly penalty only at every nth update of D, and multiplies it by n there."),
        group="objective",
    )
    weight_clip = FloatSetting(
        0.0,
        min=0,
        max=10,
        slider=(0, 1),
        zero=N_("off"),
        label=N_("Weight clip"),
        help=N_(
            "Keeps every weight of the discriminator between minus and plus this value, as the first Wasserstein GAN did; 0 does not."
        ),
        group="objective",
    )
    augment = ChoiceSetting(
        "none",
        choices={
            "none": N_("None"),
            "translation": N_("Translation"),
            "cutout": N_("Cutout"),
            "color": N_("Colour"),
            "all": N_("Colour, translation and cutout"),
            "ada": N_("Geometry and colour, each with a probability (ADA)"),
        },
        label=N_("Augmentation"),
        help=N_(
            "Changes real and generated images alike at random before D sees them, so that it cannot learn a few real ones by heart."
        ),
        group="objective",
    )
    augment_target = FloatSetting(
        0.6,
        min=0,
        max=1,
        zero=N_("fixed"),
        label=N_("Overfitting wanted"),
        unit=N_("mean sign of D"),
        help=N_(
            "ADA changes more images if the mean sign of D's verdicts on real ones is above this, else fewer; 0 keeps the probability."
        ),
        group="objective",
    )
    augment_p = FloatSetting(
        0.2,
        min=0,
        max=1,
        label=N_("Augmentation probability"),
        help=N_("How often ADA applies each of its changes to an image, if the overfitting wanted is 0."),
        group="objective",
    )
    augment_samples = IntSetting(
        50_000,
        min=1,
        max=100_000_000,
        scale="logarithmic",
        slider=(1000, 1_000_000),
        label=N_("Augmentation adapts in"),
        unit=N_("real samples"),
        help=N_(
            "In how many real samples ADA can go from no change to all changes; its paper has 500,000 for long runs."
        ),
        group="objective",
    )
    unroll_steps = IntSetting(
        0,
        min=0,
        max=20,
        slider=(0, 10),
        zero=N_("off"),
        label=N_("Unrolled steps"),
        unit=N_("D updates ahead"),
        help=N_(
            "Lets the generator anticipate D's response over this many updates, which keeps it from dropping modes; 0 turns this off."
        ),
        group="objective",
    )
    noise = ChoiceSetting(
        "gaussian",
        choices={"gaussian": N_("Gaussian"), "uniform": N_("Uniform")},
        label=N_("Noise"),
        help=N_("The random numbers the generator starts from: bell-shaped, or even between -1 and 1."),
        group="objective",
    )
    batch_size = IntSetting(
        150,
        min=1,
        max=65536,
        scale="logarithmic",
        slider=(1, 1024),
        label=N_("Batch size"),
        unit=N_("samples"),
        help=N_("How many real and how many generated samples each update looks at."),
        group="optimizer",
    )
    beta1 = FloatSetting(
        0.0,
        min=0,
        max=0.99999,
        slider=(0, 0.99),
        label=N_("Momentum (beta 1)"),
        help=N_("How much of the previous direction an update keeps, for momentum, Adam and AdamW."),
        group="optimizer",
    )
    beta2 = FloatSetting(
        0.99,
        min=0,
        max=0.99999,
        slider=(0, 0.999),
        label=N_("Scale memory (beta 2)"),
        help=N_("How long the size of past gradients is remembered, for RMSprop, Adam and AdamW."),
        group="optimizer",
    )
    weight_decay = FloatSetting(
        0.0,
        min=0,
        max=1,
        scale="logarithmic",
        slider=(1e-6, 0.1),
        zero=N_("off"),
        label=N_("Weight decay"),
        help=N_("Pulls every weight a little towards zero at each update; 0 does not."),
        group="optimizer",
    )
    grad_clip = FloatSetting(
        0.0,
        min=0,
        max=10000,
        scale="logarithmic",
        slider=(0.01, 100),
        zero=N_("off"),
        label=N_("Gradient clip"),
        unit=N_("norm"),
        help=N_("Shortens a gradient that is longer than this to this length; 0 does not."),
        group="optimizer",
    )
    precision = ChoiceSetting(
        "float32",
        choices={"float32": N_("Full (float32)"), "bfloat16": N_("Half (bfloat16)")},
        label=N_("Precision"),
        help=N_(
            "Half computes the networks with half as many bits, which is faster on a GPU; weights and losses keep full precision."
        ),
        group="optimizer",
    )
    stepper = ChoiceSetting(
        "eager",
        choices={"eager": N_("Eager"), "compiled": N_("Compiled")},
        label=N_("Steps carried out by"),
        help=N_(
            "Compiled merges a whole step into one function with a C++ compiler, several times as fast for small networks; until it is ready, steps continue as before."
        ),
        group="optimizer",
    )
    lr_schedule = ScheduleSetting(
        "constant",
        choices={
            "constant": N_("Constant"),
            "linear": N_("Linear to zero"),
            "cosine": N_("Cosine to zero"),
        },
        label=N_("Schedule"),
        help=N_(
            "How both learning rates change in the course of the run; a function of the iteration returns a factor for both."
        ),
        group="optimizer",
    )
    schedule_steps = IntSetting(
        10000,
        min=1,
        max=100_000_000,
        scale="logarithmic",
        slider=(100, 1_000_000),
        label=N_("Schedule length"),
        unit=N_("steps"),
        help=N_("After how many steps the schedule has brought the learning rates to zero."),
        group="optimizer",
    )
    schedule_end = FloatSetting(
        0.0,
        min=0,
        max=1,
        label=N_("Learning rates at the end"),
        unit=N_("share"),
        help=N_("The share of both learning rates that is left at the end of the schedule."),
        group="optimizer",
    )
    penalty_end = FloatSetting(
        1.0,
        min=0,
        max=1,
        label=N_("Penalty at the end"),
        unit=N_("share"),
        help=N_(
            "The share of the penalty's weight that is left at the end of the schedule; 1 keeps all of it."
        ),
        group="optimizer",
    )
    growth_samples = IntSetting(
        5000,
        min=0,
        max=100_000_000,
        scale="logarithmic",
        slider=(100, 1_000_000),
        zero=N_("by hand"),
        label=N_("Growth phase"),
        unit=N_("real samples"),
        help=N_(
            "A progressive network trains at a resolution for this many samples, then fades in the next for as many; 0 waits for you."
        ),
        group="optimizer",
        affects=BOTH,
        architectures=("progressive",),
    )
    growth_level = FloatSetting(
        0.0,
        min=0,
        max=6,
        label=N_("Unlocked"),
        unit=N_("resolutions"),
        help=N_(
            "Resolutions of a progressive network that you unlock beside the schedule; 1.5 is one, and half of the next faded in."
        ),
        group="optimizer",
        affects=BOTH,
        architectures=("progressive",),
    )


SETTINGS: Mapping[str, Setting[Any]] = MappingProxyType(
    {
        name: trait
        for owner in (SettingTraits, FreshStartTraits)
        for name, trait in vars(owner).items()
        if isinstance(trait, Setting)
    }
)
"""Every setting's definition by name, in display order."""
