"""Keep the catalogs of translated texts in step with the package.

``python scripts/catalogs.py`` writes every text that the package marks into each catalog under
``ganwidgets/locale`` and compiles the catalogs; new texts wait there for their translation, with
an empty ``msgstr``. ``--check`` changes nothing: it lists what is missing, and fails if anything is.
``--add de`` begins a catalog for another language.
"""

from __future__ import annotations

import argparse
import ast
import io
import string
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO, Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po

PACKAGE = Path(__file__).resolve().parent.parent / "ganwidgets"
DOMAIN = "ganwidgets"
KEYWORDS = dict.fromkeys(("N_", "Message", "catalog"), (1,))
"""The calls whose first argument is a text for people."""


def extract(package: Path = PACKAGE) -> Catalog:
    """Return the catalog of all texts that `package` marks, none of them translated."""
    texts = Catalog(project="ganwidgets", charset="utf-8")
    found = extract_from_dir(
        package, method_map=[("**.py", f"{__name__}:{marked.__name__}")], keywords=KEYWORDS
    )
    for filename, line, text, _, _ in sorted(found, key=lambda entry: entry[:2]):
        texts.add(text, locations=[(f"ganwidgets/{filename}", line)])
    return texts


def marked(
    file: IO[bytes],
    keywords: Collection[str],
    comment_tags: Collection[str],  # noqa: ARG001 - Babel's signature
    options: dict[str, Any],  # noqa: ARG001
) -> Iterator[tuple[int, str, str, list[str]]]:
    """Yield line, call, text and no comments for each text that `file` marks; a method of Babel's extractor.

    Babel's own reads tokens, and before Python 3.12 an f-string is one token, whatever it calls.
    """
    for node in ast.walk(ast.parse(file.read())):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        text = node.args[0]
        if called in keywords and isinstance(text, ast.Constant) and isinstance(text.value, str):
            yield text.lineno, called, text.value, []


def languages(package: Path = PACKAGE) -> list[str]:
    """Return the languages that have a catalog."""
    return sorted(path.parent.parent.name for path in package.glob(f"locale/*/LC_MESSAGES/{DOMAIN}.po"))


def source(language: str, package: Path = PACKAGE) -> Path:
    """Return the file in which people translate."""
    return package / "locale" / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def read(language: str, package: Path = PACKAGE) -> Catalog:
    """Return the catalog of `language`."""
    with source(language, package).open("rb") as file:
        return read_po(file, locale=language, domain=DOMAIN)


def compiled(language: str, package: Path = PACKAGE) -> dict[str, str]:
    """Return the translations that gettext reads, by their English texts."""
    path = source(language, package).with_suffix(".mo")
    if not path.is_file():
        return {}
    with path.open("rb") as file:
        return translations(read_mo(file))


def translations(catalog: Catalog) -> dict[str, str]:
    """Return the translated texts of `catalog`, by their English texts."""
    return {str(message.id): str(message.string) for message in catalog if message.id and message.string}


def write(language: str, catalog: Catalog, package: Path = PACKAGE) -> None:
    """Write the catalog that people edit and the one that gettext reads."""
    path = source(language, package)
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    # Without line numbers, which would change the catalogs with every edit.
    write_po(buffer, catalog, width=110, ignore_obsolete=True, sort_by_file=True, include_lineno=False)
    path.write_bytes(buffer.getvalue())
    with path.with_suffix(".mo").open("wb") as file:
        write_mo(file, catalog)


def begin(language: str) -> Catalog:
    """Return the empty catalog of a language."""
    return Catalog(
        locale=language,
        domain=DOMAIN,
        project="ganwidgets",
        version="of all versions",
        copyright_holder="The ganwidgets developers",
        msgid_bugs_address="see CONTRIBUTING.md",
        last_translator="The ganwidgets developers",
        language_team=language,
        header_comment=f"# The texts of ganwidgets in the language {language}; see CONTRIBUTING.md.",
        charset="utf-8",
        fuzzy=False,
    )


def update(package: Path = PACKAGE) -> None:
    """Bring every catalog up to date with the texts in `package`."""
    texts = extract(package)
    for language in languages(package):
        catalog = read(language, package)
        # Without guesses: a text that was reworded waits for its own translation.
        catalog.update(texts, no_fuzzy_matching=True, update_creation_date=False)
        write(language, catalog, package)


def problems(package: Path = PACKAGE) -> Iterator[str]:
    """Yield one sentence for each text that a reader would not see as meant."""
    texts = [message for message in extract(package) if message.id]
    for language in languages(package):
        catalog = read(language, package)
        for message in texts:
            translated = catalog.get(message.id)
            if translated is None:
                yield f"{language}: {message.id!r} is not in the catalog: run python scripts/catalogs.py"
            elif not translated.string:
                yield f"{language}: {message.id!r} has no translation"
            elif translated.fuzzy:
                yield f"{language}: the translation of {message.id!r} is marked as fuzzy"
            elif fields(str(message.id)) != fields(str(translated.string)):
                yield f"{language}: {translated.string!r} has not the same {{fields}} as {message.id!r}"
        known = {message.id for message in texts}
        for message in catalog:
            if message.id and message.id not in known:
                yield f"{language}: {message.id!r} is no longer in the package: run python scripts/catalogs.py"
        if compiled(language, package) != translations(catalog):
            yield f"{language}: {DOMAIN}.mo is not compiled from {DOMAIN}.po: run python scripts/catalogs.py"


def fields(text: str) -> set[str]:
    """Return the names between braces in `text`, and a lone brace where it has one."""
    try:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
    except ValueError:
        return {"{"}


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(prog="catalogs.py", description=__doc__)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--check", action="store_true", help="change nothing, fail if something is missing")
    choice.add_argument("--add", metavar="LANGUAGE", help="begin the catalog of a language, such as de")
    options = parser.parse_args(arguments)
    if options.check:
        found = list(problems())
        print("\n".join(found) or f"catalogs complete: {', '.join(languages())}")
        return 1 if found else 0
    if options.add:
        if source(options.add).exists():
            parser.error(f"there is a catalog of {options.add} already")
        write(options.add, begin(options.add))
    update()
    return 0


if __name__ == "__main__":
    sys.exit(main())
