"""Pinning of torch's global modes that affect results.

A cell can change what every torch operation does: the default dtype and device, autocast, gradients,
the number of threads, the rounding of matrix products. A run must not depend on what a cell left on. This
module is the only place that knows these modes. It sets those that differ, and sets them back afterwards.
Modes that see every operation, transforms of `torch.func` and hooks on saved tensors are set aside meanwhile.

Left as the user has them, because they change no result: anomaly detection, profilers, the global random
generators. On a GPU the user's choice between speed and determinism also stays
(`torch.use_deterministic_algorithms`, `torch.set_float32_matmul_precision`); a run there is not exact anyway.

Default dtype, determinism, precision of products, oneDNN and the number of threads are settings of the
process. A cell that computes in another thread at the same moment sees the pinned values.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, NamedTuple, ParamSpec, TypeVar

import torch
from torch._functorch.pyfunctorch import temporarily_clear_interpreter_stack
from torch.nn.utils import parametrize
from torch.utils._python_dispatch import _disable_current_modes

__all__ = ["pinned", "under_pinned_modes"]

P = ParamSpec("P")
T = TypeVar("T")

CPU = torch.device("cpu")

_SMALLEST = 5e-324
"""The smallest positive float64, a denormal number: its product with 1 is 0 if denormals are flushed."""


class Mode(NamedTuple):
    """A mode of torch, and its value during a run."""

    read: Callable[[], Any]
    write: Callable[[Any], object]
    value: Any


def _flushes_denormals() -> bool:
    # torch has no getter. Python multiplies under the same control register of this thread.
    return _SMALLEST * 1.0 == 0.0


def _autocast(device: str) -> Mode:
    return Mode(
        functools.partial(torch.is_autocast_enabled, device),
        functools.partial(torch.set_autocast_enabled, device),
        False,
    )


def _autocast_depth() -> int:
    # torch has no getter: d + 1 and d again. In one line, so that an interrupt leaves the depth as it was.
    return (torch.autocast_increment_nesting() + torch.autocast_decrement_nesting()) // 2


def _set_autocast_depth(depth: int) -> None:
    # torch forgets the weights that autocast has rounded only when the outermost autocast ends. Inside a
    # user's autocast, an update would use rounded weights from before the last update.
    torch.clear_autocast_cache()
    while (now := _autocast_depth()) != depth:
        change = torch.autocast_decrement_nesting if now > depth else torch.autocast_increment_nesting
        change()


def _set_parametrizations_cached(depth: int) -> None:
    # torch has no setter. Inside `parametrize.cached()`, an update would use weights from before the last one.
    parametrize._cache_enabled = depth


_ROUNDED_BY_ONEDNN = ("matmul", "conv", "rnn")
_WITHOUT_ROUNDING = ("none", "ieee")


def _onednn_rounding() -> tuple[tuple[str, str, str], ...]:
    """Return by what products of float32 are rounded: backend, operation, dtype; nothing if none is.

    An operation without a value of its own has that of oneDNN, and oneDNN that of all backends. Each is read while those
    above it have none.
    """
    get, write = torch._C._get_fp32_precision_getter, torch._C._set_fp32_precision_setter
    if all(get("mkldnn", operation) in _WITHOUT_ROUNDING for operation in _ROUNDED_BY_ONEDNN):
        return ()
    found: list[tuple[str, str, str]] = []
    for backend, operation in (("generic", "all"), ("mkldnn", "all")):
        found.append((backend, operation, get(backend, operation)))
        write(backend, operation, "none")
    found += [("mkldnn", operation, get("mkldnn", operation)) for operation in _ROUNDED_BY_ONEDNN]
    for level in found[:2]:
        write(*level)
    return tuple(found)


def _set_onednn_rounding(levels: tuple[tuple[str, str, str], ...]) -> None:
    for level in levels or [("mkldnn", operation, "ieee") for operation in _ROUNDED_BY_ONEDNN]:
        torch._C._set_fp32_precision_setter(*level)


# torch 2.9 has one precision for each operation; `get_float32_matmul_precision` raises an error once a user has set one.
PRECISION = (
    Mode(_onednn_rounding, _set_onednn_rounding, ())
    if hasattr(torch._C, "_get_fp32_precision_getter")
    else Mode(torch.get_float32_matmul_precision, torch.set_float32_matmul_precision, "highest")
)

EVERYWHERE = (
    Mode(torch.is_grad_enabled, torch.set_grad_enabled, True),
    Mode(torch.get_default_dtype, torch.set_default_dtype, torch.float32),
    _autocast("cpu"),
    Mode(_autocast_depth, _set_autocast_depth, 0),
    Mode(_flushes_denormals, torch.set_flush_denormal, False),
    Mode(lambda: parametrize._cache_enabled, _set_parametrizations_cached, 0),
)

ON_CPU = (
    *EVERYWHERE,
    Mode(torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode, 0),
    PRECISION,
    Mode(torch._C._get_mkldnn_enabled, torch._C._set_mkldnn_enabled, torch._C._get_mkldnn_enabled()),
)


@functools.cache
def _modes(device: str) -> tuple[Mode, ...]:
    return ON_CPU if device == "cpu" else (*EVERYWHERE, _autocast(device))


def pinned(threads: int | None = None, device: torch.device = CPU) -> AbstractContextManager[object]:
    """Return a context that sets every mode of torch that affects results to its pinned value.

    Enter it at once. It costs a few microseconds if the modes have these values already.

    Parameters
    ----------
    threads : int, optional
        The number of threads; unchanged if omitted.
    device : torch.device
        Device of the run.
    """
    modes = _modes(device.type)
    differing = [mode for mode in modes if mode.read() != mode.value]
    if threads is not None and torch.get_num_threads() != threads:
        differing.append(Mode(torch.get_num_threads, torch.set_num_threads, threads))
    if differing or _surrounded():
        return _pinning(differing, modes)
    return _Unchanged(modes)


def _surrounded() -> bool:
    """Return True if operations run inside a context that :func:`_pinning` sets aside."""
    return bool(
        torch._C._len_torch_function_stack()
        or torch.is_inference_mode_enabled()
        or torch._C._len_torch_dispatch_stack()
        or torch._C._functorch.peek_interpreter_stack() is not None
        or _saved_tensors_hooks() is not None
    )


class _Unchanged:
    """A context whose modes have their pinned values at its beginning, and again if it is left by an exception.

    An interrupt may arrive at the end of a ``with torch.no_grad()``, before its mode is restored.
    """

    __slots__ = ("_modes",)

    def __init__(self, modes: tuple[Mode, ...]) -> None:
        self._modes = modes

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: object, traceback: object) -> None:
        if kind is not None:
            for mode in self._modes:
                if mode.read() != mode.value:
                    mode.write(mode.value)


@contextmanager
def _pinning(differing: list[Mode], modes: tuple[Mode, ...]) -> Iterator[None]:
    with ExitStack() as stack:
        # Transforms come first: the others are read and written inside them otherwise.
        if torch._C._functorch.peek_interpreter_stack() is not None:
            stack.enter_context(temporarily_clear_interpreter_stack())
        if torch.is_inference_mode_enabled():
            stack.enter_context(torch.inference_mode(mode=False))
        for mode in differing:
            stack.callback(mode.write, mode.read())
            mode.write(mode.value)
        # A default device is a function mode, also that of `torch.set_default_device`.
        _set_aside(
            stack,
            torch._C._len_torch_function_stack,
            torch._C._pop_torch_function_stack,
            torch._C._push_on_torch_function_stack,
        )
        if torch._C._len_torch_dispatch_stack():
            stack.enter_context(_disable_current_modes())
        _set_aside(
            stack,
            _saved_tensors_hooks,
            _pop_saved_tensors_hooks,
            lambda pair: torch._C._autograd._push_saved_tensors_default_hooks(*pair),
        )
        with _Unchanged(modes):
            yield


def _set_aside(
    stack: ExitStack, any_left: Callable[[], Any], pop: Callable[[], Any], push: Callable[[Any], object]
) -> None:
    """Empty a stack of torch; `stack` fills it again, in the same order."""
    while any_left():
        stack.callback(push, pop())


# Old versions of torch, such as 2.6, cannot read the hooks; there they stay as the user has them.
_TOP_HOOKS: Callable[[bool], Any] = getattr(
    torch._C._autograd, "_top_saved_tensors_default_hooks", lambda _: None
)


def _saved_tensors_hooks() -> Any:
    """Return the innermost pair of hooks on saved tensors; None without any."""
    return _TOP_HOOKS(True)


def _pop_saved_tensors_hooks() -> Any:
    pair = _saved_tensors_hooks()
    torch._C._autograd._pop_saved_tensors_default_hooks()
    return pair


def under_pinned_modes(function: Callable[P, T]) -> Callable[P, T]:
    """Return `function` such that each call runs with the pinned modes; the number of threads stays."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        with pinned():
            return function(*args, **kwargs)

    return call
