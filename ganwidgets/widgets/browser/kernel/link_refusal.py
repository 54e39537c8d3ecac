"""Refusal of `jslink` for traits that are checked in the kernel, with a reason; ipywidgets gives none."""

from __future__ import annotations

from typing import NoReturn

from ganwidgets.messages import Message

__all__ = ["InKernelOnly"]


class InKernelOnly:
    """The `sync` metadata of a trait that is checked in the kernel and therefore not synced with the page.

    ipywidgets syncs traits whose metadata equal True, which this object does not. `jslink` and `jsdlink` evaluate it as a
    boolean, which raises.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __bool__(self) -> NoReturn:
        raise TypeError(
            Message(
                "{name} is checked in the kernel, so jslink cannot link it in the page; use ipywidgets.link(...) or "
                "ipywidgets.dlink(...) with the same arguments",
                name=self._name,
            )
        )
