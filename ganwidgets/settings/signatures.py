"""Constructor signatures with the settings as keywords, for editors and `inspect.signature`."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from ganwidgets.settings.definitions import SETTINGS
from ganwidgets.settings.types import ChoiceSetting, Setting

__all__ = ["with_settings"]

T = TypeVar("T", bound=type)


class _Signature:
    """A class's signature, which a subclass with its own constructor does not inherit."""

    def __init__(self, constructor: Any, signature: inspect.Signature) -> None:
        self._constructor = constructor
        self._signature = signature

    def __get__(self, instance: Any, owner: type) -> inspect.Signature:
        if vars(owner).get("__init__", self._constructor) is not self._constructor:
            raise AttributeError("__signature__")
        return self._signature


def with_settings(keywords: Mapping[str, Any]) -> Any:
    """Return a class decorator that adds `keywords` and the settings to the signature of a constructor.

    They replace the constructor's ``**settings``. A setting is omitted if a parameter has its name.

    Parameters
    ----------
    keywords : mapping of str to object
        Further keywords that ``**settings`` accepts, with their defaults.
    """

    def decorate(cls: T) -> T:
        constructor: Any = vars(cls)["__init__"]
        written = list(inspect.signature(constructor).parameters.values())
        named = [p for p in written if p.kind is not inspect.Parameter.VAR_KEYWORD]
        taken = {p.name for p in named}
        further = [_keyword(name, default) for name, default in keywords.items() if name not in taken]
        taken.update(keywords, {"data"})  # the first argument
        settings = [
            _keyword(name, setting.initial, _type(setting))
            for name, setting in SETTINGS.items()
            if name not in taken
        ]
        whole = [*named, *further, *settings]
        # Code completion reads the function's signature; `help` and `inspect` read the class's.
        constructor.__signature__ = inspect.Signature(whole)
        cls.__signature__ = _Signature(constructor, inspect.Signature(whole[1:]))  # type: ignore[attr-defined]
        return cls

    return decorate


def _keyword(name: str, default: Any, annotation: Any = inspect.Parameter.empty) -> inspect.Parameter:
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, kind, default=default, annotation=annotation)


def _type(setting: Setting[Any]) -> Any:
    if isinstance(setting, ChoiceSetting):
        return Literal[tuple(setting.choices)]
    return type(setting.initial)
