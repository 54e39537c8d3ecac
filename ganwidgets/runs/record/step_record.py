"""Read-only record of one step, for callbacks."""

from __future__ import annotations

from typing import Any, NoReturn

from ganwidgets.messages import Message

__all__ = ["Record"]


class Record(dict[str, float]):
    """An immutable dictionary; copies of it are plain dictionaries."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError(
            Message(
                "the record of a step is read-only, so what a callback puts into it is not kept; copy it with "
                "dict(record), and keep values of your own in a list"
            )
        )

    __setitem__ = __delitem__ = __ior__ = _refuse
    update = setdefault = pop = popitem = clear = _refuse

    def __reduce__(self) -> tuple[type[dict[str, float]], tuple[dict[str, float]]]:
        return dict, (dict(self),)
