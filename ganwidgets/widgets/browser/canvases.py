"""Drawing on ipycanvas' canvases, one thread at a time.

All canvases of a kernel share one manager that knows which canvas is current and collects commands;
it is not safe between threads, and its `hold_canvas` goes on collecting for ever after an exception.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import MethodType
from typing import Any

from ipycanvas import Canvas, hold_canvas

from ganwidgets.widgets.browser.style.shared_style import SharedStyle, classed

__all__ = ["drawing", "make_canvas"]

_LOCK = threading.RLock()


@contextmanager
def drawing() -> Iterator[None]:
    """Send everything drawn in the block as one message, alone among all threads.

    Whatever was drawn before an exception is sent too, and the exception goes on.

    A page that was loaded again knows no current canvas, but the kernel's manager names a canvas only
    when it differs from the last. So each block must begin on another canvas than the one on which
    the block before ended; every panel here has two, and draws on them in the same order.
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
    """Return a canvas that calls `request` when a page has just begun to show it, and shows nothing.

    A bound method is called only while its object lives: the kernel's manager keeps the canvas that was drawn on
    last, also after it was closed, and must not keep a whole widget with it.
    """
    canvas: Any = Canvas(width=width, height=height, layout=look.layout)
    canvas.on_client_ready(_weakly(request))
    return classed(canvas, *css_classes)


def _weakly(request: Callable[[], None]) -> Callable[[], None]:
    if not isinstance(request, MethodType):
        return request
    method = weakref.WeakMethod(request)

    def call() -> None:
        living = method()
        if living is not None:
            living()

    return call
