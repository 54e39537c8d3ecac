"""Search for references to an object from user code, ignoring the package's own objects and output histories."""

from __future__ import annotations

import gc
import re
import sys
import threading
from collections.abc import Callable, Iterable
from types import FrameType, FunctionType, MethodType
from typing import Any

__all__ = ["held"]

PACKAGE = __name__.partition(".")[0]

HISTORY = re.compile(r"_+|_\d+|_oh|Out")
"""Names under which IPython keeps outputs."""

MOST = 5_000
"""Number of visited objects after which the search ends; the object then counts as referenced."""

LIBRARIES = (PACKAGE, "IPython", "ipykernel", "ipywidgets", "traitlets", "tornado", "asyncio", "threading")


def held(
    *objects: Any,
    apart: Iterable[Any] = (),
    namespaces: Iterable[dict[str, Any]] = (),
    opaque: Callable[[Any], bool] = lambda _: False,
) -> bool:
    """Return True if a name in a module or a running function leads to one of `objects`.

    The search goes from each object to its referrers, until it reaches a namespace. It costs some tens of milliseconds
    for each level.

    Parameters
    ----------
    objects
        The objects to find references to.
    apart : iterable
        Containers that do not count as referrers, such as a registry.
    namespaces : iterable of dict
        Namespaces besides those of all modules.
    opaque : callable
        Returns True for objects that do not count as referrers, such as parts of the searched objects.
    """
    left_out = {id(container) for container in apart}
    modules = {id(vars(module)) for module in list(sys.modules.values()) if hasattr(module, "__dict__")}
    modules.update(map(id, namespaces))
    running = _locals_of_running_functions()
    found: dict[int, Any] = {id(item): item for item in objects}
    level = list(objects)
    while level:
        if not running.isdisjoint(map(id, level)):
            return True
        above = []
        for referrer in gc.get_referrers(*level):
            if referrer is level or referrer is objects or referrer is found or id(referrer) in left_out:
                continue
            if id(referrer) in modules:
                if any(_named(referrer, item) for item in level):
                    return True
            elif id(referrer) not in found and not _ours(referrer) and not opaque(referrer):
                found[id(referrer)] = referrer
                above.append(referrer)
        if len(found) > MOST:
            return True
        level = above
    return False


def _named(namespace: dict[str, Any], item: Any) -> bool:
    return any(value is item and not HISTORY.fullmatch(name) for name, value in list(namespace.items()))


def _ours(referrer: Any) -> bool:
    """Return True if a referrer is interpreter machinery, which leads to no user name."""
    if isinstance(referrer, FrameType):
        return True  # locals of running functions were checked
    if isinstance(referrer, threading.Thread):
        return referrer.name.startswith(PACKAGE)
    if isinstance(referrer, MethodType):
        return referrer.__name__.startswith("_")
    if isinstance(referrer, FunctionType):
        return _within(str(referrer.__module__), (PACKAGE,))
    return _within(type(referrer).__module__, ("IPython", "ipykernel"))  # they keep outputs of cells


def _locals_of_running_functions() -> set[int]:
    """Return the ids of objects held by running functions of user code, in any thread."""
    ids: set[int] = set()
    for frame in sys._current_frames().values():
        current: FrameType | None = frame
        while current is not None:
            if current.f_code.co_name != "<module>" and not _within(
                str(current.f_globals.get("__name__", "")), LIBRARIES
            ):
                ids.update(map(id, current.f_locals.values()))
            current = current.f_back
    return ids


def _within(module: str, packages: tuple[str, ...]) -> bool:
    return module.partition(".")[0] in packages
