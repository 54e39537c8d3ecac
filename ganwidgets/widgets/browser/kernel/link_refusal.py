"""The reason why a trait cannot be linked in the page; ipywidgets names none."""

from __future__ import annotations

from typing import NoReturn

from ganwidgets.messages import Message

__all__ = ["InKernelOnly"]


class InKernelOnly:
    """The `sync` metadata of a trait whose value is checked in the kernel, and is therefore no state of the page.

    ipywidgets compares it with True to find what it sends to the page, which it does not equal. `jslink` and `jsdlink`
    ask for its truth, which raises.
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
