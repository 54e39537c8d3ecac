"""Check of a pair of networks on one batch before training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from ganwidgets.draw_detection import RandomDrawDetector
from ganwidgets.errors import DataError
from ganwidgets.messages import Message
from ganwidgets.objectives import Objective, checked, pack
from ganwidgets.rng_routing import RoutedRandomness
from ganwidgets.stepping.checks.call_detection import Inputs, adapted, initialize
from ganwidgets.stepping.checks.failures import Attempt, sentence
from ganwidgets.stepping.checks.output_range import check_logits, check_samples
from ganwidgets.stepping.modules.buffers import Buffers, evaluation_mode
from ganwidgets.stepping.modules.calling import Call
from ganwidgets.stepping.streams.class_labels import Labels

__all__ = ["Probe", "initialize_both", "probe", "probe_objective"]


@dataclass(frozen=True)
class Probe:
    """Result of the check.

    Attributes
    ----------
    routed : bool
        True if the networks draw random numbers, which must be routed.
    exact : bool
        False if some of these draws cannot be routed to the run's own generators, or if the same batch gives other
        results the second time.
    inexact_because : str
        Why it is not exact, as a clause; empty if exact.
    calls : mapping
        ``"generator"`` and ``"discriminator"``: calling convention of each network.
    """

    routed: bool
    exact: bool
    inexact_because: str = ""
    calls: Mapping[str, Call] = field(default_factory=dict)

    def beside(self, other: Probe) -> Probe:
        """Return the combined result of both networks."""
        return replace(
            self,
            routed=self.routed or other.routed,
            exact=self.exact and other.exact,
            inexact_because=self.inexact_because or other.inexact_because,
        )


def probe(
    generator: nn.Module,
    discriminator: nn.Module,
    noise: Tensor,
    real: Tensor,
    labels: Labels | None = None,
    *,
    images: bool,
    loss: str,
    packing: int = 1,
) -> Probe:
    """Run both networks on `noise` [n, latent_dim] and `real` [n, ...], without side effects.

    Parameters
    ----------
    labels : Labels, optional
        Labels, and the networks that take them.
    images : bool
        True if the samples are images, which train in [-1, 1].
    loss : str
        The setting of this name.
    packing : int
        Number of samples that the discriminator judges together.

    Raises
    ------
    DataError
        If a network rejects its input, or if its output has the wrong shape or range; the message names the actual and
        the expected value.

    Warns
    -----
    DataWarning
        If its output range is probably wrong.
    """
    for name, network in (("generator", generator), ("discriminator", discriminator)):
        _refuse_sparse(name, network)
    made_of, shown = _inputs(noise, real, labels, packing)
    packs = replace(shown, batch=pack(real, packing))
    calls = {
        "generator": adapted("generator", generator, made_of),
        "discriminator": adapted("discriminator", discriminator, packs),
    }
    buffers = Buffers(generator), Buffers(discriminator)

    def outputs() -> list[Tensor]:
        aside = torch.Generator().manual_seed(0)
        with RoutedRandomness(aside), torch.no_grad():
            with buffers[0].still(), buffers[1].still():
                training = _run(generator, discriminator, made_of, shown, calls, packing)
            with evaluation_mode(generator, discriminator):
                return [*training, *_run(generator, discriminator, made_of, shown, calls, packing)]

    with RandomDrawDetector() as draws:
        first = outputs()
    repeats = all(map(_same, first, outputs()))
    aside = torch.Generator().manual_seed(0)
    shapes = _buffer_shapes(generator, discriminator)
    with RoutedRandomness(aside), torch.enable_grad(), buffers[0].still(), buffers[1].still():
        fake, logits = _run(generator, discriminator, made_of, shown, calls, packing)
        _refuse_reshaped(shapes, _buffer_shapes(generator, discriminator))
    check_samples(fake, real, images=images)
    check_logits(logits, loss)
    names = {
        id(module): f"{name}.{path}" if path else name
        for name, network in (("generator", generator), ("discriminator", discriminator))
        for path, module in network.named_modules()
    }
    return replace(_probed(draws, repeats, names, Message("the networks give")), calls=calls)


def _buffer_shapes(generator: nn.Module, discriminator: nn.Module) -> dict[str, tuple[int, ...]]:
    networks = {"generator": generator, "discriminator": discriminator}
    return {
        f"{name}.{path}": tuple(buffer.shape)
        for name, network in networks.items()
        for path, buffer in network.named_buffers()
    }


def _refuse_reshaped(before: Mapping[str, tuple[int, ...]], after: Mapping[str, tuple[int, ...]]) -> None:
    """Raise `DataError` if a forward pass gave a buffer another shape, which no stored state would fit."""
    for name, shape in before.items():
        if name in after and after[name] != shape:
            raise DataError(
                Message(
                    "a batch changes the shape of the buffer {name} from {before} to {after}; give it a fixed shape, or "
                    "keep it as a plain attribute",
                    name=name,
                    before=shape,
                    after=after[name],
                )
            )


def _probed(draws: RandomDrawDetector, repeats: bool, names: Mapping[int, str], giving: Message) -> Probe:
    """Return what was found.

    Parameters
    ----------
    repeats : bool
        True if the same batch gave the same numbers twice.
    names : mapping of int to str
        Names of modules by their `id`.
    giving : Message
        Beginning of a sentence.
    """
    because: str = ""
    if draws.unrouted:
        where = next((module for module in draws.modules if id(module) in names), None)
        if where is None:
            because = Message("random numbers come from the global generator, which other code uses too")
        else:
            because = Message(
                "{module} ({kind}) draws random numbers from the global generator, which other code uses too",
                module=names[id(where)],
                kind=type(where).__name__,
            )
    elif not repeats:
        because = Message("{giving} other numbers for the same batch a second time", giving=giving)
    return Probe(draws.routed, not because, because)


def initialize_both(
    generator: nn.Module,
    discriminator: nn.Module,
    noise: Tensor,
    real: Tensor,
    labels: Labels | None,
    seed: int,
    packing: int,
) -> None:
    """Give the lazy layers of both networks their weights; see :func:`~ganwidgets.stepping.checks.call_detection.initialize`."""
    made_of, shown = _inputs(noise, real, labels, packing)
    initialize("generator", generator, made_of, seed)
    initialize("discriminator", discriminator, replace(shown, batch=pack(real, packing)), seed)


def _inputs(noise: Tensor, real: Tensor, labels: Labels | None, packing: int) -> tuple[Inputs, Inputs]:
    """Return what the generator and, before packing, the discriminator are tried on."""
    if labels is None:
        return Inputs(noise), Inputs(real, packing=packing)
    y = labels.at(0, len(real)).to(real.device)
    ends = {"highest": labels.known[-1], "lowest": labels.known[0]}
    return (
        Inputs(noise, y if labels.generator else None, **ends),
        Inputs(real, y if labels.discriminator else None, **ends, packing=packing),
    )


def _refuse_sparse(name: str, network: nn.Module) -> None:
    for layer, module in network.named_modules():
        if isinstance(module, nn.Embedding | nn.EmbeddingBag) and module.sparse:
            raise DataError(
                Message(
                    "the {network}'s layer {layer} has sparse gradients, which no optimizer here takes; make it with "
                    "sparse=False",
                    network=name,
                    layer=layer or type(module).__name__,
                )
            )


def _run(
    generator: nn.Module,
    discriminator: nn.Module,
    noise: Inputs,
    real: Inputs,
    calls: Mapping[str, Call],
    packing: int,
) -> tuple[Tensor, Tensor]:
    fake = _call("generator", generator, calls["generator"], noise)
    samples = real.batch
    if not isinstance(fake, Tensor) or fake.shape != samples.shape:
        sentence = Message(
            "the generator makes {found} of noise {noise}, but a batch of the data has shape {real}",
            found=_describe(fake),
            noise=tuple(noise.batch.shape),
            real=tuple(samples.shape),
        )
        if isinstance(fake, Tensor) and fake.numel() == samples.numel() and len(fake) == len(samples):
            raise DataError(
                Message(
                    "{sentence}; let it end in nn.Unflatten(1, {shape})",
                    sentence=sentence,
                    shape=tuple(samples.shape[1:]),
                )
            )
        raise DataError(Message("{sentence}; give it an output of the data's shape", sentence=sentence))
    packs = replace(real, batch=pack(samples, packing))
    logits = _call("discriminator", discriminator, calls["discriminator"], packs)
    n = len(packs.batch)
    if not isinstance(logits, Tensor) or tuple(logits.shape) not in {(n,), (n, 1), (n, 1, 1, 1)}:
        raise DataError(
            Message(
                "the discriminator makes {found} of a batch of {n} samples; it must return one "
                "logit for each, of shape ({n},), ({n}, 1) or ({n}, 1, 1, 1)",
                found=_describe(logits),
                n=n,
            )
        )
    return fake, logits


def _same(one: Tensor, other: Tensor) -> bool:
    return torch.equal(one.nan_to_num(), other.nan_to_num())


def _call(name: str, network: nn.Module, call: Call, given: Inputs) -> object:
    inputs = call.inputs(given.batch, given.labels)
    try:
        return network(*(each.clone() for each in inputs))  # a network may overwrite its input
    except Exception as error:
        raise DataError(sentence(Attempt(name, network, inputs, error, given.packing))) from error


def _describe(output: object) -> str:
    if isinstance(output, Tensor):
        return Message("a tensor of shape {shape}", shape=tuple(output.shape))
    return Message("a {type}, not a tensor", type=type(output).__name__)


def probe_objective(objective: Objective, shape: tuple[int, ...]) -> Probe:
    """Check a user's objective, for samples of `shape`.

    Raises
    ------
    DataError
        If it is not an objective, or its methods return invalid values.
    """

    def outputs() -> list[Tensor]:
        with RoutedRandomness(torch.Generator().manual_seed(0)):
            return checked(objective, shape)

    with RandomDrawDetector() as draws:
        first = outputs()
    repeats = all(map(_same, first, outputs()))
    return _probed(draws, repeats, {}, Message("the objective gives"))
