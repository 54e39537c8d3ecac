"""Construction of a run: networks, state and engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from ganwidgets.data import Source
from ganwidgets.data.holdout import split_holdout
from ganwidgets.data.source import FiniteSource
from ganwidgets.errors import DataError
from ganwidgets.games.gan import GAN, draw_noise
from ganwidgets.messages import Message
from ganwidgets.networks import build_networks
from ganwidgets.objectives import Objective, packed_shape
from ganwidgets.rng_routing import RoutedRandomness
from ganwidgets.seeds import seeded
from ganwidgets.stepping.checks.call_detection import is_uninitialized
from ganwidgets.stepping.checks.probe import Probe, initialize_both, probe, probe_objective
from ganwidgets.stepping.compiled.engine import CompiledEngine
from ganwidgets.stepping.engine import Engine
from ganwidgets.stepping.modules.buffers import evaluation_mode
from ganwidgets.stepping.runtime.ambient import pinned
from ganwidgets.stepping.runtime.threads import threads_for
from ganwidgets.stepping.state import TrainingState
from ganwidgets.stepping.streams.class_labels import Labels, classes_of, label_arity, labels_for
from ganwidgets.stepping.streams.sample_streams import OrderedStream
from ganwidgets.training_flags import TrainingFlags

__all__ = ["Assembled", "assemble", "check_fit", "exact_because", "fitting_batch", "refuse_inference_tensors"]


@dataclass(frozen=True)
class Assembled:
    """One run after its fresh start.

    Attributes
    ----------
    source : Source
        Source of the real samples.
    training : Source
        Training samples; all, unless some are held out.
    held_out : FiniteSource or None
        Held-out samples.
    state : TrainingState
        State that training changes.
    engine : Engine
        Engine that changes it.
    labels : Labels or None
        Labels of the data, if a network takes labels.
    exact : bool
        True if the run repeats bit for bit.
    exact_because : str
        Reason for `exact`.
    threads : int
        Number of threads.
    user_code : bool
        True if an update calls networks or an objective of the user's own.
    """

    source: Source
    training: Source
    held_out: FiniteSource | None
    state: TrainingState
    engine: Engine
    labels: Labels | None
    exact: bool
    exact_because: str
    threads: int
    user_code: bool

    def generate(self, network: nn.Module, noise: Tensor, seed: int, labels: Tensor | None = None) -> Tensor:
        """Return the output of a network built like the generator for `noise`; see :meth:`judge`."""
        return self._observe("generator", network, noise, seed, labels)

    def judge(self, network: nn.Module, samples: Tensor, seed: int, labels: Tensor | None = None) -> Tensor:
        """Return the output of a network built like the discriminator for `samples` or packs of them.

        It runs in eval mode and changes no state. The result is float32 on the CPU.

        Parameters
        ----------
        seed : int
            Seed of randomness inside the network.
        labels : Tensor, optional
            int64 [n], for a network that takes labels.
        """
        return self._observe("discriminator", network, samples, seed, labels)

    def _observe(
        self, role: str, network: nn.Module, batch: Tensor, seed: int, labels: Tensor | None
    ) -> Tensor:
        inside = torch.Generator().manual_seed(seed)
        routing = RoutedRandomness(inside) if self.engine.routed else nullcontext()
        call = self.engine.calls[role]
        device = self.state.device
        with pinned(self.threads, self.state.device), evaluation_mode(network), routing:
            try:
                parts = [
                    network(
                        *call.inputs(
                            batch[part].to(device), None if labels is None else labels[part].to(device)
                        )
                    )
                    for part in call.parts(len(batch), OBSERVED_AT_ONCE)
                ]
            except RuntimeError as error:
                raise _explained(role, network, error) from error
        return torch.cat(parts)[: len(batch)].detach().cpu().float()

    def slope(
        self,
        network: nn.Module,
        batch: Tensor,
        worth: Callable[[Tensor], Tensor],
        seed: int,
        labels: Tensor | None = None,
    ) -> Tensor:
        """Return the gradient of ``worth(network(batch))`` by each sample of `batch`; see :meth:`judge`.

        Parameters
        ----------
        worth : callable
            Maps the network's output for the whole batch to a scalar.
        seed : int
            Seed of randomness inside the network.
        labels : Tensor, optional
            int64 [n], for a network that takes labels.
        """
        inside = torch.Generator().manual_seed(seed)
        call, device, n = self.engine.calls["discriminator"], self.state.device, len(batch)
        moved_labels = None if labels is None else labels.to(device)
        routing = RoutedRandomness(inside) if self.engine.routed else nullcontext()
        with pinned(self.threads, self.state.device), evaluation_mode(network), routing, torch.enable_grad():
            moved = batch.to(device).clone().requires_grad_()
            outputs = [
                network(*call.inputs(moved[part], None if moved_labels is None else moved_labels[part]))
                for part in call.parts(n, n or 1)
            ]
            (slope,) = torch.autograd.grad(worth(torch.cat(outputs)[:n]), moved, materialize_grads=True)
        return slope.detach().cpu().float()

    def shown(self, samples: Tensor) -> Tensor:
        """Return samples in display units; see :meth:`~ganwidgets.modality.Modality.shown`."""
        return self.source.modality.shown(samples)


OBSERVED_AT_ONCE = 1024
"""Number of samples per forward pass for display; a bound on memory."""


def assemble(
    settings: Any,
    source: Source,
    own: Mapping[str, nn.Module | None],
    device: torch.device,
    objective: Objective | None = None,
) -> Assembled:
    """Return a new run.

    Parameters
    ----------
    settings
        Object with the attributes of :class:`ganwidgets.settings.SettingTraits`.
    source : Source
        The training data.
    own : mapping
        ``"generator"`` and ``"discriminator"``: a user's network, or None.
    device : torch.device
        Device of the networks.
    objective : Objective, optional
        The user's objective.

    Raises
    ------
    DataError
        If a batch is larger than the data, or if a network or the objective does not fit it.
    """
    training, held_out = split_holdout(source, settings.holdout)
    for setting in ("batch_size", "augment"):
        wrong = check_fit(setting, getattr(settings, setting), training, settings.packing)
        if wrong is not None:
            raise DataError(wrong)
    generator, discriminator = _networks(settings, source, own)
    _refuse_other_types(generator, discriminator)
    for name, network in (("generator", generator), ("discriminator", discriminator)):
        network.to(device)
        if own[name] is None and device.type == "cuda":
            # The fastest memory format for a GPU's convolutions; own networks are not changed.
            network.to(memory_format=torch.channels_last)
    order = training.order(settings.seed)
    takes = {"generator": label_arity(generator), "discriminator": label_arity(discriminator)}
    labels = labels_for(training, settings.seed, takes, conditional=settings.conditional)
    if settings.packing > 1 and labels is not None and labels.discriminator:
        raise DataError(
            Message(
                "packing is {packing}, but a conditional discriminator judges each sample with its own label; set "
                "packing to 1, or turn conditional off",
                packing=settings.packing,
            )
        )
    # Own networks are tried on a real batch; built-in ones accept any.
    theirs = any(each is not None for each in own.values())
    n = settings.batch_size if theirs else min(settings.batch_size, 4 * settings.packing)
    noise = draw_noise(settings.noise, n, settings.latent_dim, seeded(settings.seed, "probe")).to(device)
    real = order.take(0, n).to(device)
    with TrainingFlags((generator, discriminator)).in_train_mode():
        initialize_both(generator, discriminator, noise, real, labels, settings.seed, settings.packing)
        _refuse_untrainable(generator, discriminator)
        found = probe(
            generator,
            discriminator,
            noise,
            real,
            labels,
            # Built-in generators are known to learn the range, tanh or not.
            images=source.modality.bounded and own["generator"] is not None,
            loss=settings.loss,
            packing=settings.packing,
        )
    if objective is not None:
        found = found.beside(probe_objective(objective, packed_shape(source.shape, settings.packing)))
    game = GAN(
        latent_dim=settings.latent_dim,
        packing=settings.packing,
        objective=objective,
        labelled=frozenset() if labels is None else labels.networks,
    )
    networks = {"generator": generator, "discriminator": discriminator}
    state = TrainingState(game, networks, settings.seed, device, game.memory(settings, {}))
    if labels is not None:
        state.random["labels"]  # part of the state from the start
    threads = threads_for(generator, discriminator)
    return Assembled(
        source=source,
        training=training,
        held_out=held_out,
        state=state,
        engine=CompiledEngine(
            state, {"data": OrderedStream(order, labels)}, routed=found.routed, calls=found.calls
        ),
        labels=labels,
        # On a GPU some of torch's operations add in an order that varies (measured: two runs of one seed).
        exact=found.exact and source.exact and device.type == "cpu",
        exact_because=exact_because(found, source, device, threads),
        threads=threads,
        user_code=theirs or objective is not None,
    )


def exact_because(found: Probe, source: Source, device: torch.device, threads: int) -> str:
    """Return one sentence: why a run is exact, or every cause why it is not."""
    causes: list[str] = [found.inexact_because] if found.inexact_because else []
    if not source.exact:
        causes.append(
            Message(
                "{data} gives other samples when it is read again, as random transforms do", data=source.name
            )
        )
    if device.type != "cpu":
        causes.append(
            Message("on {device} some operations add numbers in an order that varies", device=str(device))
        )
    if causes:
        return Message("close, not exact: {causes}", causes="; ".join(causes))
    return Message(
        "exact: all random numbers come from the run's own generators, and one batch gave the same numbers twice; it "
        "repeats bit for bit with torch {torch}, {threads} threads and this kind of processor. While a widget plays, "
        "change networks by hand within trainer.editing: elsewhere writing through .data or NumPy may go unnoticed",
        torch=torch.__version__,
        threads=threads,
    )


def _networks(
    settings: Any, source: Source, own: Mapping[str, nn.Module | None]
) -> tuple[nn.Module, nn.Module]:
    """Return the user's own networks, and built-in ones for the rest."""
    generator, discriminator = own["generator"], own["discriminator"]
    if generator is None or discriminator is None:
        built = build_networks(
            settings.architecture,
            source.shape,
            settings.latent_dim,
            settings.g_hidden,
            settings.d_hidden,
            settings.activation,
            seeded(settings.seed, "weights"),
            channels=settings.channels,
            norm=settings.norm,
            spectral_norm=settings.spectral_norm,
            classes=classes_of(source) if settings.conditional else 0,
            d_shape=packed_shape(source.shape, settings.packing),
            mapping_layers=settings.mapping_layers,
            synthesis_layers=settings.synthesis_layers,
            bounded=source.modality.bounded,
        )
        generator = built[0] if generator is None else generator
        discriminator = built[1] if discriminator is None else discriminator
    return generator, discriminator


def fitting_batch(source: Source, packing: int, most: int) -> int:
    """Return the default batch size: `most`, or the largest that fits below it."""
    fitting = most if source.size is None else min(most, source.size)
    return max(int(fitting) // packing, 1) * packing


def check_fit(setting: str, value: Any, source: Source, packing: int) -> Message | None:
    """Return why a setting's value does not fit these data and this packing.

    None if it fits, or if it does not depend on the data.
    """
    if setting == "batch_size":
        if source.size is not None and value > source.size:
            return Message(
                "batch_size cannot be {batch_size}: the data has only {size} samples; choose at most {size}",
                batch_size=value,
                size=source.size,
            )
        if value % packing:
            return Message(
                "batch_size cannot be {batch_size}: the discriminator judges {packing} samples at once (packing), so "
                "it must be a multiple of that, such as {near}",
                batch_size=value,
                packing=packing,
                near=max(value // packing, 1) * packing,
            )
    if setting == "augment" and value != "none" and not source.modality.augmentable:
        return Message(
            "augment cannot be {augment!r}: it changes images, and the data are {kind}; set augment to 'none'",
            augment=value,
            kind=Message(source.modality.label),
        )
    return None


def _refuse_other_types(generator: Any, discriminator: Any) -> None:
    """Raise `DataError` for objects that are not networks."""
    for name, network in (("generator", generator), ("discriminator", discriminator)):
        if not isinstance(network, nn.Module):
            raise DataError(
                Message(
                    "the {network} is a {type}; pass a torch.nn.Module",
                    network=name,
                    type=type(network).__name__,
                )
            )
        if isinstance(network, torch.jit.ScriptModule):
            raise DataError(
                Message(
                    "the {network} is a ScriptModule; pass the torch.nn.Module that it was made of",
                    network=name,
                )
            )
        if any(tensor.is_meta for tensor in (*network.parameters(), *network.buffers())):
            raise DataError(
                Message(
                    "the {network} has no weights (device meta); call {network}.to_empty(device='cpu') and initialize it",
                    network=name,
                )
            )
        refuse_inference_tensors(name, network)
        _refuse_fixed_mode(name, network)


def refuse_inference_tensors(name: str, network: nn.Module) -> None:
    """Raise `DataError` if `network` was made under `torch.inference_mode`, which forbids training it."""
    for path, tensor in (*network.named_parameters(), *network.named_buffers()):
        if not is_lazy(tensor) and tensor.is_inference():
            raise DataError(
                Message(
                    "{tensor} of the network {network!r} was made under torch.inference_mode(), and cannot be trained; make the "
                    "network outside of it, or pass copy.deepcopy(network)",
                    tensor=path,
                    network=name,
                )
            )


def _refuse_fixed_mode(name: str, network: nn.Module) -> None:
    """Raise `DataError` if `network` cannot be put into train mode."""
    try:
        TrainingFlags([network])
    except Exception as error:
        raise DataError(
            Message(
                "the {network} cannot be put into train mode: {error}; if it is an exported program, pass the "
                "torch.nn.Module that it was made of",
                network=name,
                error=f"{type(error).__name__}: {error}",
            )
        ) from error


def _refuse_shared_memory(name: str, network: nn.Module) -> None:
    """Raise `DataError` if several numbers of one parameter are one location in memory."""
    for path, parameter in network.named_parameters():
        sides = zip(parameter.shape, parameter.stride(), strict=True)
        if any(n > 1 and stride == 0 for n, stride in sides):
            raise DataError(
                Message(
                    "the parameter {name} of the {network} is an expanded tensor, whose numbers share their memory; make it "
                    "of tensor.clone()",
                    name=path,
                    network=name,
                )
            )


def _refuse_untrainable(generator: nn.Module, discriminator: nn.Module) -> None:
    """Raise `DataError` for networks that optimizers cannot train separately."""
    trained: set[nn.Parameter] = set()
    for name, network in (("generator", generator), ("discriminator", discriminator)):
        parameters = [p for p in network.parameters() if p.requires_grad]
        if is_uninitialized(network):
            raise DataError(
                Message(
                    "the {network} has lazy layers that a batch does not reach, so they have no weights; leave them out",
                    network=name,
                )
            )
        _refuse_shared_memory(name, network)
        if not parameters:
            raise DataError(
                Message(
                    "the {network} has no parameter that could be trained; at least one must have "
                    "requires_grad=True",
                    network=name,
                )
            )
        if not trained.isdisjoint(parameters):
            raise DataError(
                Message(
                    "the generator and the discriminator share a parameter, so that neither could be "
                    "trained alone; give each its own"
                )
            )
        trained.update(parameters)


def _explained(role: str, network: nn.Module, error: RuntimeError) -> Exception:
    """Return the error that names weights of another type than that of all inputs, otherwise `error`."""
    for name, parameter in network.named_parameters():
        if parameter.is_floating_point() and parameter.dtype != torch.float32:
            return DataError(
                Message(
                    "the {network} cannot be computed: {name} is {dtype}, and its inputs are torch.float32 ({reason}); "
                    "trainer.{network}.float() converts it back",
                    network=role,
                    name=name,
                    dtype=str(parameter.dtype),
                    reason=str(error),
                )
            )
    return error
