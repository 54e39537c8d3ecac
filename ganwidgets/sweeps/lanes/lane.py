"""One run of a sweep: its trainer and its status."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ganwidgets.games.gan import GAN, GENERATOR, draw_noise
from ganwidgets.objectives import Objective
from ganwidgets.runs.files.session_file import session_content, session_from
from ganwidgets.runs.inspect.sampling import labels_asked, latents
from ganwidgets.runs.session.session import Session
from ganwidgets.seeds import derive
from ganwidgets.trainer.trainer import GANTrainer

__all__ = ["Lane", "OwnParts", "fresh"]


@dataclass(frozen=True)
class OwnParts:
    """The user's own parts of a sweep; every run gets copies of the networks.

    Attributes
    ----------
    generator, discriminator : nn.Module, callable or None
        A module, or a function without arguments that returns one.
    objective : Objective or None
    """

    generator: Any = None
    discriminator: Any = None
    objective: Objective | None = None

    def copied(self) -> dict[str, Any]:
        """Return the parts for one run, by name, with copied networks."""
        return {
            "generator": _network(self.generator),
            "discriminator": _network(self.discriminator),
            "objective": self.objective,
            "game": GAN(),
        }


def _network(given: Any) -> Any:
    if given is None:
        return None
    return copy.deepcopy(given) if isinstance(given, nn.Module) or not callable(given) else given()


@dataclass(eq=False)
class Lane:
    """One run of a sweep.

    Attributes
    ----------
    trainer : GANTrainer
        The run; only the sweep refers to it.
    status : {"new", "running", "stopped", "diverged", "failed"}
        ``"stopped"`` by the user, ``"failed"`` by an error of user code.
    error : str
        Reason why the run ended; empty for a run that continues or was stopped by the user.
    """

    trainer: GANTrainer
    status: str = "new"
    error: str = ""

    @property
    def session(self) -> Session:
        return self.trainer._session

    @property
    def alive(self) -> bool:
        """True if the run takes steps."""
        return self.status in {"new", "running"}

    def shown(self, n: int, noise: torch.Generator) -> Tensor:
        """Return `n` samples in display units; the state does not change."""
        session = self.session
        session.roll_back()
        run, seed = session.run, noise.initial_seed()
        drawn, labels = self.drawn(n, noise)
        inside = seed if run.labels is None else derive(seed, "inside the network")
        return run.shown(run.generate(session.state.networks[GENERATOR], drawn, inside, labels))

    def drawn(self, n: int, noise: torch.Generator) -> tuple[Tensor, Tensor | None]:
        """Return the latents of :meth:`shown` and, for a generator that takes them, the labels."""
        session = self.session
        run, seed = session.run, noise.initial_seed()
        if run.labels is not None:  # as :meth:`GANTrainer.sample` draws them
            return latents(session, n, seed), labels_asked(run, n, seed)
        rules = session.in_force()
        return draw_noise(rules.noise, n, rules.latent_dim, noise), None

    def forked(self, own: OwnParts, device: torch.device) -> GANTrainer:
        """Return a trainer that continues exactly like this run, with its history."""
        tensors, document = session_content(self.session)
        session = session_from("", tensors, document, self.session.built["data"], own.copied(), device)
        return GANTrainer._of(session)


def fresh(data: Any, own: OwnParts, device: torch.device, settings: Mapping[str, Any]) -> GANTrainer:
    """Return a new trainer; `settings` may replace `data`."""
    rest = {name: value for name, value in settings.items() if name != "data"}
    return GANTrainer._of(Session(settings.get("data", data), own.copied(), device, rest))
