"""Trial of an update before settings take effect, without side effects."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from traitlets import TraitError

from ganwidgets.errors import DataError, DataWarning
from ganwidgets.messages import Message
from ganwidgets.runs.session.rehearsal import Rehearsal, rehearsing
from ganwidgets.stepping.checks.failing_layer import failing_layer
from ganwidgets.stepping.checks.failures import error_text, update_remedy
from ganwidgets.stepping.engine import ALL, Engine, NonFiniteError
from ganwidgets.stepping.game_assembly import check_settings

if TYPE_CHECKING:
    from ganwidgets.runs.session.session import Session
    from ganwidgets.stepping.assembly import Assembled

__all__ = ["refuse_change", "try_fresh_run"]

DECISIVE = frozenset(
    {"augment", "batch_size", "freeze_d", "freeze_g", "loss", "penalty", "precision", "unroll_steps"}
)
"""Settings that affect a network's computation, and so whether it works."""

PENALTIES_OF_SLOPES = frozenset({"gradient_penalty", "r1", "r2", "r1_r2"})
"""Penalties on each sample's own gradient."""


def try_fresh_run(run: Assembled, rules: SimpleNamespace) -> None:
    """Carry out the first update of a run with user code, and undo it.

    The assembly of a game that builds its networks itself has done so already.

    Raises
    ------
    DataError
        If it fails: what failed, in which network and layer, and what helps.
    """
    if not run.state.game.from_noise:
        return
    _warn_of_batch_norm(run.state.networks["discriminator"], rules.penalty)
    if not run.user_code:
        return
    before = Rehearsal(run.engine)
    try:
        _try_update(run.engine, rules)
    finally:
        before.put_back(rules, configured=False)


def refuse_change(session: Session, values: Mapping[str, Any]) -> None:
    """Raise `TraitError` if the run cannot continue under changed settings."""
    if session.state.game.from_noise:
        _refuse_failing_change(session, values)
    else:
        _refuse_unfit_change(session, values)


def _refuse_failing_change(session: Session, values: Mapping[str, Any]) -> None:
    """Carry out an update under changed settings, and undo it.

    Only settings that can make a network fail are tried, and only where one could: networks and objectives of
    the user's own, and built-in networks with batch norm.

    Raises
    ------
    TraitError
        If the update fails.
    """
    now, run = session.settings.as_dict(), session.run
    changed = {name: value for name, value in values.items() if name in DECISIVE and value != now[name]}
    if changed and (
        run.user_code or _batch_norms(run.state.networks["discriminator"], run.state.networks["generator"])
    ):
        try:
            with rehearsing(session, **changed) as engine:
                _try_update(engine, engine.settings)
        except DataError as error:
            asked = ", ".join(f"{name}={value!r}" for name, value in changed.items())
            message = Message("{asked} is refused: {error}", asked=asked, error=error.args[0])
            raise TraitError(message) from error
    if now["penalty"] not in PENALTIES_OF_SLOPES:
        _warn_of_batch_norm(run.state.networks["discriminator"], changed.get("penalty", "none"))


def _refuse_unfit_change(session: Session, values: Mapping[str, Any]) -> None:
    """Refuse changed settings that do not fit a game; for a user's game also try an update of each player.

    Raises
    ------
    TraitError
        If they do not fit, or an update fails.
    """
    now, run = session.settings.as_dict(), session.run
    changed = {
        name: value
        for name, value in values.items()
        if value is not now[name] and session.settings.definitions[name].effect == "next update"
    }
    if not changed:
        return
    rules = SimpleNamespace(**{**vars(session.in_force()), **changed})
    wrong = check_settings(run, rules)
    if wrong is not None:
        raise TraitError(wrong)
    if not run.user_code:
        return
    try:
        with rehearsing(session, **changed) as engine:
            for player in engine.game.players:
                engine.advance(player.name, measure=False)
    except NonFiniteError:
        return  # the run itself reports that, at the iteration at which it happens
    except Exception as error:
        asked = ", ".join(f"{name}={value!r}" for name, value in changed.items())
        reason = error.args[0] if isinstance(error, DataError) else f"{type(error).__name__}: {error}"
        raise TraitError(Message("{asked} is refused: {error}", asked=asked, error=reason)) from error


def _try_update(engine: Engine, rules: SimpleNamespace) -> None:
    """Carry out one update of each network under `rules`, with the penalty, even if its interval skips it."""
    once = {"d_steps": 1, "g_steps": 1, "penalty_interval": 1, "skip_d_below": 0.0}
    engine.configure(SimpleNamespace(**{**vars(rules), **once}))
    try:
        engine.advance(ALL, measure=False)
    except NonFiniteError:
        return  # the run itself reports that, at the iteration at which it happens
    except DataError:
        raise
    except Exception as error:
        raise DataError(_sentence(engine, rules, error)) from error


def _sentence(engine: Engine, rules: SimpleNamespace, error: Exception) -> Message:
    networks = {
        "generator": engine.state.networks["generator"],
        "discriminator": engine.state.networks["discriminator"],
    }
    where = [name for name, network in networks.items() if failing_layer(network, error) is not None]
    remedy = update_remedy(
        error,
        penalty=rules.penalty,
        unroll_steps=rules.unroll_steps,
        batch_size=rules.batch_size,
        packing=rules.packing,
    )
    if where:
        return Message(
            "the {network} cannot be trained on a batch of {n}: {error}; {remedy}",
            network=where[-1],
            n=rules.batch_size,
            error=error_text(networks[where[-1]], error),
            remedy=remedy,
        )
    return Message(
        "an update of these networks with batch_size={n}, loss={loss!r}, penalty={penalty!r} fails: {error}; {remedy}",
        n=rules.batch_size,
        loss=rules.loss,
        penalty=rules.penalty,
        error=f"{type(error).__name__}: {error}",
        remedy=remedy,
    )


def _batch_norms(*networks: nn.Module) -> list[str]:
    """Return the names of layers that normalize over the batch."""
    return [
        name
        for network in networks
        for name, layer in network.named_modules()
        if isinstance(layer, _BatchNorm)
    ]


def _warn_of_batch_norm(discriminator: nn.Module, penalty: str) -> None:
    """Warn of a penalty on each sample's own slope if batch norm makes samples depend on each other.

    Gulrajani et al., "Improved training of Wasserstein GANs", 2017, section 4, "No critic batch normalization".
    """
    layers = _batch_norms(discriminator)
    if layers and penalty in PENALTIES_OF_SLOPES:
        warnings.warn(
            Message(
                "penalty {penalty!r} holds the slope of D at each sample, but with batch norm (layer {layer}) D's output "
                "for one sample depends on the whole batch: use nn.LayerNorm, instance norm or no norm in the "
                "discriminator (Gulrajani et al. 2017, section 4)",
                penalty=penalty,
                layer=layers[0],
            ),
            DataWarning,
            stacklevel=2,
        )
