"""Make the notebooks of another language from the English ones and catalogs in gettext's form.

``python scripts/translations.py`` writes ``notebooks/fr/*.ipynb`` from ``notebooks/*.ipynb`` and ``notebooks/fr/*.po``.
A catalog has one entry for each cell of text, and one for each cell of code whose comments or texts are translated.
``--check`` changes nothing; it fails if a text has no translation, a translation has no text any more, or a notebook is
not what its catalog makes. Notebooks without a catalog are listed. ``--add 03`` begins the catalog of a notebook.

Stored outputs are kept while the code is the same; ``python scripts/notebooks.py --folder notebooks/fr`` makes them.
"""

from __future__ import annotations

import argparse
import copy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import polib

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
LANGUAGES = ("fr",)

SPOKEN = 'import os\n\nos.environ["LANGUAGE"] = "{language}"  # widgets speak it\n\n'
"""Comes before the first cell of code."""


def sources(folder: Path = FOLDER) -> list[Path]:
    """Return the English notebooks."""
    return sorted(folder.glob("*.ipynb"))


def catalog_of(path: Path, language: str) -> Path:
    """Return the file of the translations of the notebook `path`."""
    return path.parent / language / f"{path.stem}.po"


def translated(path: Path, language: str) -> Any:
    """Return the notebook in `language`; its outputs are those stored before, where the code is the same."""
    notebook = nbformat.read(path, as_version=4)
    target = path.parent / language / path.name
    before = {}
    if target.is_file():
        stored = nbformat.read(target, as_version=4)
        before = {cell.source: cell for cell in stored.cells if cell.cell_type == "code"}
    known = {entry.msgid: entry.msgstr for entry in polib.pofile(str(catalog_of(path, language)))}
    first = True
    for cell in notebook.cells:
        cell.source = known.get(cell.source) or cell.source
        if cell.cell_type != "code":
            continue
        if first:
            cell.source = SPOKEN.format(language=language) + cell.source
            first = False
        if cell.source in before:
            cell.outputs = copy.deepcopy(before[cell.source].outputs)
    notebook.metadata["language"] = language
    return notebook


def problems(folder: Path = FOLDER) -> Iterator[str]:
    """Yield one sentence for each text that a reader would not see as meant."""
    for language in LANGUAGES:
        for path in sources(folder):
            file = catalog_of(path, language)
            if not file.is_file():
                continue
            name = file.relative_to(folder)
            cells = nbformat.read(path, as_version=4).cells
            known = {entry.msgid: entry for entry in polib.pofile(str(file))}
            for number, cell in enumerate(cells):
                if cell.cell_type == "markdown" and not (
                    cell.source in known and known[cell.source].translated()
                ):
                    yield f"{name}: cell {number} has no translation: {cell.source[:60]!r}"
            texts = {cell.source for cell in cells}
            for text in known:
                if text not in texts:
                    yield f"{name}: a text is no longer in the notebook: {text[:60]!r}"
            target = path.parent / language / path.name
            made = [cell.source for cell in translated(path, language).cells]
            if (
                not target.is_file()
                or [cell.source for cell in nbformat.read(target, as_version=4).cells] != made
            ):
                yield f"{target.relative_to(folder)} is old: run python scripts/translations.py"


def untranslated(folder: Path = FOLDER) -> list[str]:
    """Return the notebooks that have no catalog yet, with the language."""
    return [
        f"{language}/{path.stem}"
        for language in LANGUAGES
        for path in sources(folder)
        if not catalog_of(path, language).is_file()
    ]


def begin(path: Path, language: str) -> None:
    """Write a catalog without translations."""
    catalog = polib.POFile(wrapwidth=100)
    catalog.metadata = {"Language": language, "Content-Type": "text/plain; charset=utf-8"}
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown" and not any(entry.msgid == cell.source for entry in catalog):
            catalog.append(polib.POEntry(msgid=cell.source))
    catalog.save(str(catalog_of(path, language)))


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="translations.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--check", action="store_true", help="change nothing, fail if something is missing")
    choice.add_argument("--add", metavar="NUMBER", help="begin the catalogs of a notebook, such as 03")
    options = parser.parse_args(arguments)
    if options.check:
        found = list(problems())
        print("\n".join(found) or "the translated notebooks are complete")
        print("not translated yet:", ", ".join(untranslated()) or "none")
        return 1 if found else 0
    for language in LANGUAGES:
        for path in sources():
            if options.add and path.name.startswith(options.add) and not catalog_of(path, language).is_file():
                begin(path, language)
            if not options.add and catalog_of(path, language).is_file():
                nbformat.write(translated(path, language), path.parent / language / path.name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
