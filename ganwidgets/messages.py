"""Translatable texts.

Each text is written once, in English, where it is used. :func:`N_` and :class:`Message` mark it for Babel's
extractor. The English text is the key in the catalogs under ``locale/``. Texts are translated only when shown,
because two widgets in one kernel may use two languages.
"""

from __future__ import annotations

import gettext
import locale as system
import os
from importlib.resources import files
from typing import Any, Self

__all__ = ["Catalog", "Message", "N_", "catalog", "languages"]


def N_(text: str) -> str:
    """Mark `text` for translation and return it unchanged."""
    return text


class Message(str):
    """An English sentence with values, which keeps its template for translation.

    >>> Message("lr_d is {value}", value=3)
    'lr_d is 3'
    """

    template: str
    values: dict[str, Any]

    def __new__(cls, template: str, **values: Any) -> Self:
        self = super().__new__(cls, template.format(**values))
        self.template = template
        self.values = values
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.template, self.values)


def _restore(template: str, values: dict[str, Any]) -> Message:
    return Message(template, **values)


class Catalog:
    """Translator for one language.

    Parameters
    ----------
    language : str
        A language from :func:`languages`, such as ``"fr"``.
    """

    def __init__(self, language: str) -> None:
        self.language = language
        folder = str(files(__package__) / "locale")
        self._translations = gettext.translation(
            "ganwidgets", folder, languages=[language], fallback=language == "en"
        )

    def __call__(self, text: str, /, **values: Any) -> str:
        """Return `text` in this language, with its ``{fields}`` filled from `values`."""
        if isinstance(text, Message):
            return self(text.template, **text.values)
        if not text:
            return ""
        translated = self._translations.gettext(text)
        if not values:
            return translated
        return translated.format(
            **{name: self(value) if isinstance(value, Message) else value for name, value in values.items()}
        )

    def error(self, exception: BaseException) -> str:
        """Return the text of `exception`, translated if its message is a :class:`Message`."""
        argument = exception.args[0] if exception.args else None
        if isinstance(argument, Message):
            return self(argument)
        return f"{type(exception).__name__}: {exception}"


def languages() -> tuple[str, ...]:
    """Return the languages with a catalog, English first."""
    folder = files(__package__) / "locale"
    translated = sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
    return ("en", *translated)


def catalog(locale: str | None = None) -> Catalog:
    """Return the translator for `locale`, or for the system's locale.

    Parameters
    ----------
    locale : str, optional
        A locale such as ``"fr"``, ``"fr_CA"`` or ``"en_GB.UTF-8"``. If omitted, ``LANGUAGE``, ``LC_ALL``,
        ``LC_MESSAGES`` and ``LANG`` are read, in this order.

    Raises
    ------
    ValueError
        If `locale` is given and has no catalog.
    """
    known = languages()
    if locale is not None:
        language = _language(locale)
        if language not in known:
            raise ValueError(
                Message(
                    "locale {value!r} is not available; choose one of {allowed}",
                    value=locale,
                    allowed=", ".join(known),
                )
            )
        return Catalog(language)
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        for entry in os.environ.get(name, "").split(":"):
            if _language(entry) in known:
                return Catalog(_language(entry))
    return Catalog(language if (language := _language(system.getlocale()[0] or "")) in known else "en")


def _language(locale: str) -> str:
    return locale.replace("-", "_").split(".")[0].split("_")[0].lower()
