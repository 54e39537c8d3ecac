"""Drawing on canvases of ipycanvas, by one thread at a time.

All canvases of a kernel share one manager, which stores the current canvas and collects commands. It is not
thread-safe, and after an exception its `hold_canvas` never stops collecting.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import MethodType
from typing import Any

from ipycanvas import Canvas, hold_canvas

from ganwidgets.widgets.browser.style.shared_style import SharedStyle

__all__ = ["drawing", "make_canvas"]

_LOCK = threading.RLock()


@contextmanager
def drawing() -> Iterator[None]:
    """Send everything drawn in the block as one message, while all other threads wait.

    Commands before an exception are sent too, and the exception propagates. A reloaded page has no current canvas, but
    the kernel's manager names a canvas only if it differs from the last one. So each block must begin on a different
    canvas from the one at the end of the previous block. Every panel has two canvases, and draws on them in a fixed
    order.
    """
    with _LOCK:
        failure: BaseException | None = None
        with hold_canvas():
            try:
                yield
            except BaseException as error:  # noqa: BLE001 - raised again below
                failure = error
        if failure is not None:
            raise failure


def make_canvas(
    width: int, height: int, look: SharedStyle, request: Callable[[], None], *css_classes: str
) -> Canvas:
    """Return a canvas that calls `request` when a page has created a view of it, which is still empty.

    A bound method is referenced weakly. The kernel's manager keeps the last canvas alive even after it was closed, and
    must not keep a whole widget alive with it.
    """
    canvas: Any = Canvas(width=width, height=height, layout=look.layout, _dom_classes=css_classes)
    canvas.on_client_ready(_weakly(request))
    return canvas


def _weakly(request: Callable[[], None]) -> Callable[[], None]:
    if not isinstance(request, MethodType):
        return request
    method = weakref.WeakMethod(request)

    def call() -> None:
        living = method()
        if living is not None:
            living()

    return call
