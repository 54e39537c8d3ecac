"""Every knob of a run, defined once.

A setting's type, bounds, default, label, one-sentence help, scale and the moment at which a
change takes effect stand here and nowhere else: the constructors' keywords, the widget's traits
and controls, the table in the documentation, the saved run and the log of interventions are all
made from these definitions.
"""

from __future__ import annotations

import difflib
import numbers
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Generic, Literal, TypeVar

import numpy as np
from traitlets import HasTraits, TraitError, TraitType

from .messages import Message, N_

__all__ = [
    "OWN",
    "SETTINGS",
    "Choice",
    "Data",
    "Real",
    "Setting",
    "SettingTraits",
    "Settings",
    "Switch",
    "Whole",
    "Widths",
    "refuse_unknown",
    "settings_table",
]

OWN = "own"
"""The choice that stands for what the user passed; it can be chosen where something was."""

Effect = Literal["next update", "fresh start"]
Group = Literal["discriminator", "generator", "objective", "optimizer", "run", "fresh start"]

G = TypeVar("G")


class Setting(TraitType[G, Any], Generic[G]):
    """A trait that describes itself to people.

    Parameters
    ----------
    default
        The value of a trainer made without this setting.
    label : str
        A few words, shown beside the control.
    help : str
        One sentence that a student understands.
    group : str
        The part of the controls it belongs to.
    unit : str
        What a number counts; empty for a pure number.
    effect : {"next update", "fresh start"}
        When a change takes effect.
    shapes : tuple of str
        Of the built-in networks, those that it has a part in: with networks of one's own it has none.
    architectures : tuple of str
        Values of the setting `architecture` under which it has a part in them; empty for all.
    """

    scale = "choice"

    def __init__(
        self,
        default: G,
        *,
        label: str,
        help: str,  # noqa: A002 - the name that traitlets gives it
        group: Group,
        unit: str = "",
        effect: Effect = "next update",
        shapes: tuple[str, ...] = (),
        architectures: tuple[str, ...] = (),
    ) -> None:
        super().__init__(default, help=help)
        self.initial = default
        self.label = label
        self.group = group
        self.unit = unit
        self.effect = effect
        self.shapes = shapes
        self.architectures = architectures

    def validate(self, obj: Any, value: Any) -> G:
        checked = self.check(value)
        obj._admit(self.name, checked)
        return checked

    def check(self, value: Any) -> G:
        """Return `value` in its canonical type, or raise `TraitError`."""
        raise NotImplementedError  # pragma: no cover - every setting below defines it

    @property
    def allowed(self) -> str:
        """What is allowed, in words."""
        raise NotImplementedError  # pragma: no cover - every setting below defines it

    def refuse(self, value: Any, hint: str = "") -> TraitError:
        """Return the error that names this setting, `value` and what is allowed."""
        try:
            shown = repr(value)
        except Exception:  # noqa: BLE001 - an object that cannot be shown must not hide what is wrong
            shown = f"<{type(value).__name__}>"
        if len(shown) > 60:
            shown = f"{shown[:57]}..."
        return TraitError(
            Message(
                "{setting} cannot be {value}: it must be {allowed}{hint}",
                setting=self.name,
                value=shown,
                allowed=self.allowed,
                hint=hint,
            )
        )


class Number(Setting[G]):
    """A bounded number; what :class:`Real` and :class:`Whole` share."""

    def __init__(
        self,
        default: G,
        *,
        min: float,  # noqa: A002 - the name that ipywidgets gives it
        max: float,  # noqa: A002
        scale: Literal["linear", "logarithmic"] = "linear",
        slider: tuple[float, float] | None = None,
        zero: str = "",
        **about: Any,
    ) -> None:
        super().__init__(default, **about)
        self.min = min
        self.max = max
        self.scale = scale
        self.slider = slider or (min, max)
        self.zero = zero

    def _refuse_out_of_bounds(self, value: Any) -> None:
        if not self.min <= value <= self.max:
            raise self.refuse(value)


class Real(Number[float]):
    """A finite real number between two bounds, both included."""

    def check(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            raise self.refuse(value)
        # The bounds first: a whole number beyond them may be too large for a float. NaN is in none.
        self._refuse_out_of_bounds(value)
        return float(value) + 0.0  # never -0.0, which equals 0.0 but has other bits

    @property
    def allowed(self) -> str:
        return Message("a number from {min:g} to {max:g}", min=self.min, max=self.max)


class Whole(Number[int]):
    """A whole number between two bounds, both included."""

    def check(self, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, numbers.Integral):
            raise self.refuse(value)
        self._refuse_out_of_bounds(value)
        return int(value)

    @property
    def allowed(self) -> str:
        return Message("a whole number from {min} to {max}", min=self.min, max=self.max)


class Choice(Setting[str]):
    """One of a few names.

    Parameters
    ----------
    choices : mapping of str to str
        Each name, and the label under which people see it.
    """

    def __init__(self, default: str, *, choices: Mapping[str, str], **about: Any) -> None:
        super().__init__(default, **about)
        self.choices = MappingProxyType(dict(choices))

    def check(self, value: Any) -> str:
        if isinstance(value, str) and value in self.choices:
            return str(value)
        raise self.refuse(value, hint=_nearest(value, self.choices))

    @property
    def allowed(self) -> str:
        return Message("one of {names}", names=", ".join(self.choices))


class Switch(Setting[bool]):
    """On or off."""

    scale = "switch"

    def check(self, value: Any) -> bool:
        if isinstance(value, bool | np.bool_):
            return bool(value)
        raise self.refuse(value)

    @property
    def allowed(self) -> str:
        return Message("True or False")


class Widths(Setting[tuple[int, ...]]):
    """The widths of a network's hidden layers, input side first."""

    scale = "widths"
    max_layers = 8
    max_width = 4096

    def check(self, value: Any) -> tuple[int, ...]:
        if isinstance(value, str | bytes) or not isinstance(value, Sequence | np.ndarray):
            raise self.refuse(value)
        if len(value) > self.max_layers or not all(map(self._is_width, value)):
            raise self.refuse(value)
        return tuple(int(entry) for entry in value)

    def _is_width(self, entry: Any) -> bool:
        whole = isinstance(entry, int | np.integer) and not isinstance(entry, bool)
        return whole and 1 <= entry <= self.max_width

    @property
    def allowed(self) -> str:
        return Message(
            "up to {layers} whole numbers from 1 to {width}, such as (64, 64)",
            layers=self.max_layers,
            width=self.max_width,
        )


class Data(Setting[Any]):
    """What the generator is to imitate: a preset's name, or data of one's own."""

    scale = "data"

    def check(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | numbers.Number):
            raise self.refuse(value)
        return value

    def set(self, obj: Any, value: Any) -> None:
        """Give `obj` this value, and tell of it unless it has it already.

        Data are the same if they are one object: an array that is asked whether it equals a Dataset
        reads it item by item, for ever where that has no end.
        """
        new = self._validate(obj, value)
        old = obj._trait_values.get(self.name, self.default_value)
        obj._trait_values[self.name] = new
        if old is not new and not (isinstance(old, str) and isinstance(new, str) and old == new):
            obj._notify_trait(self.name, old, new)

    @property
    def allowed(self) -> str:
        return Message("a preset's name, an array, a Dataset or a folder of images")


def _nearest(value: Any, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(str(value).lower(), list(names), n=1, cutoff=0.5)
    return Message("; did you mean {name}?", name=close[0]) if close else ""


_OPTIMIZERS = {
    "sgd": N_("Gradient descent (SGD)"),
    "momentum": N_("SGD with momentum"),
    "rmsprop": N_("RMSprop"),
    "adam": N_("Adam"),
    "adamw": N_("AdamW"),
}


_GENERATOR, _DISCRIMINATOR = ("generator",), ("discriminator",)
_BOTH = _GENERATOR + _DISCRIMINATOR
_CONVOLUTIONAL = ("dcgan", "resnet")


class SettingTraits(HasTraits):
    """The settings themselves, as traits; a trainer and a widget both have them."""

    # --- in force at the next update ----------------------------------------------------------
    lr_d = Real(
        2e-3,
        min=0,
        max=10,
        scale="logarithmic",
        slider=(1e-5, 1),
        label=N_("Learning rate of D"),
        help=N_("How far each update moves the discriminator; too far and it overpowers the generator."),
        group="discriminator",
    )
    d_steps = Whole(
        1,
        min=1,
        max=100,
        slider=(1, 10),
        label=N_("D updates"),
        unit=N_("per step"),
        help=N_("How many times the discriminator learns before the generator has its turn."),
        group="discriminator",
    )
    optimizer_d = Choice(
        "adam",
        choices=_OPTIMIZERS,
        label=N_("Optimizer of D"),
        help=N_(
            "The rule that turns the discriminator's gradient into a change; a new rule starts without memory."
        ),
        group="discriminator",
    )
    skip_d_below = Real(
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
    freeze_d = Switch(
        False,
        label=N_("Freeze D"),
        help=N_("Stops the discriminator: none of its weights or statistics changes until it is released."),
        group="discriminator",
    )
    lr_g = Real(
        5e-4,
        min=0,
        max=10,
        scale="logarithmic",
        slider=(1e-5, 1),
        label=N_("Learning rate of G"),
        help=N_("How far each update moves the generator; too far and its samples jump about or collapse."),
        group="generator",
    )
    g_steps = Whole(
        1,
        min=1,
        max=100,
        slider=(1, 10),
        label=N_("G updates"),
        unit=N_("per step"),
        help=N_("How many times the generator learns after the discriminator had its turn."),
        group="generator",
    )
    optimizer_g = Choice(
        "adam",
        choices=_OPTIMIZERS,
        label=N_("Optimizer of G"),
        help=N_(
            "The rule that turns the generator's gradient into a change; a new rule starts without memory."
        ),
        group="generator",
    )
    ema_decay = Real(
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
    freeze_g = Switch(
        False,
        label=N_("Freeze G"),
        help=N_("Stops the generator: none of its weights or statistics changes until it is released."),
        group="generator",
    )
    loss = Choice(
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
    penalty = Choice(
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
    penalty_weight = Real(
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
    penalty_interval = Whole(
        1,
        min=1,
        max=1000,
        slider=(1, 32),
        label=N_("Penalty every"),
        unit=N_("updates of D"),
        help=N_(
            "Computes the costly penalty only at every so many updates of D, and counts it as many times over there."
        ),
        group="objective",
    )
    weight_clip = Real(
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
    augment = Choice(
        "none",
        choices={
            "none": N_("None"),
            "translation": N_("Translation"),
            "cutout": N_("Cutout"),
            "color": N_("Colour"),
            "all": N_("Colour, translation and cutout"),
        },
        label=N_("Augmentation"),
        help=N_(
            "Changes real and generated images alike at random before D sees them, so that it cannot learn a few real ones by heart."
        ),
        group="objective",
    )
    unroll_steps = Whole(
        0,
        min=0,
        max=20,
        slider=(0, 10),
        zero=N_("off"),
        label=N_("Unrolled steps"),
        unit=N_("D updates ahead"),
        help=N_(
            "Lets the generator foresee how D would answer over so many updates, which keeps it from leaving modes out; 0 does not."
        ),
        group="objective",
    )
    noise = Choice(
        "gaussian",
        choices={"gaussian": N_("Gaussian"), "uniform": N_("Uniform")},
        label=N_("Noise"),
        help=N_("The random numbers the generator starts from: bell-shaped, or even between -1 and 1."),
        group="objective",
    )
    batch_size = Whole(
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
    beta1 = Real(
        0.0,
        min=0,
        max=0.99999,
        slider=(0, 0.99),
        label=N_("Momentum (beta 1)"),
        help=N_("How much of the previous direction an update keeps, for momentum, Adam and AdamW."),
        group="optimizer",
    )
    beta2 = Real(
        0.99,
        min=0,
        max=0.99999,
        slider=(0, 0.999),
        label=N_("Scale memory (beta 2)"),
        help=N_("How long the size of past gradients is remembered, for RMSprop, Adam and AdamW."),
        group="optimizer",
    )
    weight_decay = Real(
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
    grad_clip = Real(
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
    precision = Choice(
        "float32",
        choices={"float32": N_("Full (float32)"), "bfloat16": N_("Half (bfloat16)")},
        label=N_("Precision"),
        help=N_(
            "Half lets the networks compute with half as many bits, which is faster on a GPU; weights and losses keep them all."
        ),
        group="optimizer",
    )
    lr_schedule = Choice(
        "constant",
        choices={
            "constant": N_("Constant"),
            "linear": N_("Linear to zero"),
            "cosine": N_("Cosine to zero"),
        },
        label=N_("Schedule"),
        help=N_("How both learning rates change in the course of the run."),
        group="optimizer",
    )
    schedule_steps = Whole(
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
    # --- pending until reset() ------------------------------------------------------------------
    data = Data(
        "gaussians",
        label=N_("Data"),
        help=N_("What the generator is to imitate."),
        group="fresh start",
        effect="fresh start",
    )
    architecture = Choice(
        "mlp",
        choices={
            "mlp": N_("Fully connected (MLP)"),
            "dcgan": N_("Convolutional (DCGAN)"),
            "resnet": N_("Residual (ResNet)"),
        },
        label=N_("Architecture"),
        help=N_("How the two networks are built; the convolutional and the residual ones are for images."),
        group="fresh start",
        effect="fresh start",
        shapes=_BOTH,
    )
    conditional = Switch(
        False,
        label=N_("Conditional"),
        help=N_("Tells both networks each sample's label, so that you can choose what is generated."),
        group="fresh start",
        effect="fresh start",
    )
    packing = Whole(
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
    latent_dim = Whole(
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
    g_hidden = Widths(
        (64, 64),
        label=N_("Layers of G"),
        unit=N_("units"),
        help=N_("The widths of a fully connected generator's hidden layers, from noise to sample."),
        group="fresh start",
        effect="fresh start",
        shapes=_GENERATOR,
        architectures=("mlp",),
    )
    d_hidden = Widths(
        (64, 64),
        label=N_("Layers of D"),
        unit=N_("units"),
        help=N_("The widths of a fully connected discriminator's hidden layers, from sample to verdict."),
        group="fresh start",
        effect="fresh start",
        shapes=_DISCRIMINATOR,
        architectures=("mlp",),
    )
    activation = Choice(
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
        shapes=_BOTH,
        architectures=("mlp",),
    )
    channels = Whole(
        32,
        min=1,
        max=512,
        scale="logarithmic",
        slider=(4, 128),
        label=N_("Channels"),
        unit=N_("per layer, at least"),
        help=N_(
            "How many feature maps the layers with the largest pictures hold, in convolutional and residual networks."
        ),
        group="fresh start",
        effect="fresh start",
        shapes=_BOTH,
        architectures=_CONVOLUTIONAL,
    )
    norm = Choice(
        "batch",
        choices={"batch": N_("Batch norm"), "instance": N_("Instance norm"), "none": N_("None")},
        label=N_("Norm"),
        help=N_("What keeps the numbers inside convolutional and residual networks on one scale."),
        group="fresh start",
        effect="fresh start",
        shapes=_BOTH,
        architectures=_CONVOLUTIONAL,
    )
    spectral_norm = Switch(
        False,
        label=N_("Spectral norm of D"),
        help=N_("Keeps every layer of the discriminator from stretching anything, instead of another norm."),
        group="fresh start",
        effect="fresh start",
        shapes=_DISCRIMINATOR,
    )
    holdout = Real(
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
    seed = Whole(
        0,
        min=0,
        max=2**32 - 1,
        slider=(0, 99),
        label=N_("Seed"),
        help=N_("The number from which all randomness of a run follows: the same seed, the same run."),
        group="fresh start",
        effect="fresh start",
    )

    def _admit(self, setting: str, value: Any) -> None:
        """Refuse a value that is in bounds but does not fit this run; called by every setting."""


SETTINGS: Mapping[str, Setting[Any]] = MappingProxyType(
    {name: trait for name, trait in vars(SettingTraits).items() if isinstance(trait, Setting)}
)
"""Every setting's definition, by name, in the order in which people see them."""


class Settings(SettingTraits):
    """The settings of one trainer.

    Assigning to an attribute validates the value and puts it in force at the next update, or at
    the next :meth:`GANTrainer.reset` where the setting's definition says ``"fresh start"``.

    Raises
    ------
    traitlets.TraitError
        For a name that is no setting, a wrong type, or a value out of bounds; nothing changes.
    """

    def __init__(self, **values: Any) -> None:
        self.__dict__["_admission"] = None
        self.__dict__["_route"] = None
        refuse_unknown(values, "settings")
        super().__init__()
        self.update(values)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in SETTINGS:
            if self._route is not None and self._route(self.checked({name: value}), ""):
                return
        elif not name.startswith("_"):
            refuse_unknown([name], "settings")
        super().__setattr__(name, value)

    def checked(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return `values` in canonical form, or raise for the first that is not allowed."""
        refuse_unknown(values, "settings")
        result = {}
        for name, value in values.items():
            result[name] = SETTINGS[name].check(value)
            self._admit(name, result[name])
        return result

    def update(self, values: Mapping[str, Any]) -> None:
        """Set several settings at once: all of them, or on any error none."""
        for name, value in self.checked(values).items():
            super().__setattr__(name, value)

    def as_dict(self) -> dict[str, Any]:
        """Return every setting's value, by name."""
        return {name: getattr(self, name) for name in SETTINGS}

    def _admit(self, setting: str, value: Any) -> None:
        if self._admission is not None:
            self._admission(setting, value)

    def __repr__(self) -> str:
        changed = ", ".join(
            f"{name}={value!r}"
            for name, value in self.as_dict().items()
            if SETTINGS[name].scale != "data" and value != SETTINGS[name].initial
        )
        return f"Settings({changed})"

    _admission: Callable[[str, Any], None] | None
    _route: Callable[[dict[str, Any], str], bool] | None


def refuse_unknown(names: Iterable[str], owner: str, also: Iterable[str] = ()) -> None:
    """Raise `TraitError` for the first of `names` that is neither a setting nor in `also`."""
    known = [*SETTINGS, *also]
    for name in names:
        if name not in known:
            raise TraitError(
                Message(
                    "{owner} has no {name!r}{hint}; settings are {known}",
                    owner=owner,
                    name=name,
                    hint=_nearest(name, known),
                    known=", ".join(SETTINGS),
                )
            )


def settings_table(group: Group | None = None) -> str:
    """Return the table of all settings, or of one group's, in Markdown; the documentation prints this."""
    rows = [
        "| setting | default | allowed | unit | scale | takes effect | what it does |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, setting in SETTINGS.items():
        if group in (None, setting.group):
            cells = (
                f"`{name}`",
                f"`{setting.initial!r}`",
                setting.allowed,
                setting.unit,
                setting.scale if isinstance(setting, Number) else "",
                setting.effect,
                setting.help,
            )
            rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)
