"""Dispatch of method calls to the training thread."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from ganwidgets.stepping.runtime.ambient import under_pinned_modes

__all__ = ["on_training_thread"]


class Dispatching(Protocol):
    """A trainer; it is live if `_dispatch` is not None."""

    @property
    def _dispatch(self) -> Callable[[Callable[[], Any]], Any] | None: ...


P = ParamSpec("P")
S = TypeVar("S", bound=Dispatching)
T = TypeVar("T")


def on_training_thread(method: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
    """Make a method of a live trainer run in the training thread, between two steps."""
    method = under_pinned_modes(method)

    @functools.wraps(method)
    def call(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        if self._dispatch is None:
            return method(self, *args, **kwargs)
        answer: T = self._dispatch(functools.partial(method, self, *args, **kwargs))
        return answer

    return call
