"""Bundling of scripts and stylesheets.

Each script is an ES module that imports others by relative paths, and each stylesheet may ``@import`` others; a browser
can load them unchanged. However, a front end takes one text for each widget and may be offline. Scripts use only a
subset of ES modules that can be bundled without a parser. Each statement begins a line:

- ``import { name, other as alias } from "./file.js";``
- ``export`` before ``function``, ``async function``, ``class`` or ``const`` with one name
- ``export default`` in a widget's main script, which no other script imports
- no template literal over several lines

Comment lines, indentation and empty lines are removed, because each page receives these texts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from posixpath import dirname, join, normpath

__all__ = ["bundled_script", "bundled_stylesheet"]

_IMPORT = re.compile(r'^import \{([^}]*)\} from "(\.{1,2}/[^"]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async function|function|class|const) (\w+))", re.MULTILINE)
_OTHER_FORM = re.compile(r"^(?:import|export)\b(?!\(| default ).*", re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*(?://.*|/\*(?:[^*]|\*(?!/))*\*/[ \t]*)\n", re.MULTILINE)
_INDENT = re.compile(r"^\s+", re.MULTILINE)
_STYLE_IMPORT = re.compile(r'^@import "(\.{1,2}/[^"]+)";\n', re.MULTILINE)


def bundled_script(root: Traversable, path: str) -> str:
    """Return the script `path` below `root` and all its imports as one ES module.

    Each imported file becomes a function that is called once and returns its exports; its other names stay local. Files
    run in the order of ES modules: once each, after their imports. The result depends only on the files.

    Raises
    ------
    ValueError
        If imports are circular, an imported name is not exported, or a file uses syntax outside the subset
        above.
    """
    files: dict[str, _File] = {}
    _read(root, path, files, ())
    *imported, own = files.values()
    return "\n".join([*(file.as_function() for file in imported), own.body])


def bundled_stylesheet(root: Traversable, path: str) -> str:
    """Return the stylesheet `path` below `root`, with each ``@import`` replaced by the imported file."""
    text = _compact((root / path).read_text("utf-8"))
    return _STYLE_IMPORT.sub(lambda found: bundled_stylesheet(root, _beside(path, found[1])), text)


@dataclass(frozen=True)
class _File:
    """A script with its imports replaced by constants, and the names that it exports."""

    path: str
    number: int
    body: str
    exports: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name of the constant with the file's exports."""
        return f"$module{self.number}"

    def as_function(self) -> str:
        if "\nexport default " in self.body:
            raise ValueError(f"{self.path} is imported, and must not have an `export default`")
        return f"const {self.name} = (() => {{ // {self.path}\n{self.body}return {{ {', '.join(self.exports)} }};\n}})();\n"


def _read(root: Traversable, path: str, files: dict[str, _File], importing: tuple[str, ...]) -> _File:
    """Add `path` to `files`, after its imports, and return it."""
    if path in importing:
        raise ValueError("scripts import each other in a circle: " + " -> ".join([*importing, path]))
    if path in files:
        return files[path]

    def constant(found: re.Match[str]) -> str:
        imported = _read(root, _beside(path, found[2]), files, (*importing, path))
        names = [each.split(" as ") for each in re.split(r",\s*", found[1].strip().rstrip(","))]
        for name, *_ in names:
            if name not in imported.exports:
                raise ValueError(f"{path} imports {name} from {imported.path}, which exports no such name")
        return f"const {{ {', '.join(': '.join(each) for each in names)} }} = {imported.name};\n"

    body = _IMPORT.sub(constant, _compact((root / path).read_text("utf-8")))
    exports = tuple(_EXPORT.findall(body))
    body = _EXPORT.sub("", body)
    if any(line.count("`") % 2 for line in body.splitlines()):
        raise ValueError(f"{path} has a template literal of several lines, whose indents would be lost")
    if other := _OTHER_FORM.search(body):
        raise ValueError(f"{path} has an import or export of a form that cannot be bundled: {other[0]}")
    files[path] = _File(path, len(files) + 1, body, exports)
    return files[path]


def _compact(text: str) -> str:
    return _INDENT.sub("", _COMMENT.sub("", text))


def _beside(path: str, relative: str) -> str:
    return normpath(join(dirname(path), relative))
