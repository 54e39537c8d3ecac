"""Sentences of the package, the documentation and the notebooks avoid the words that CONTRIBUTING.md excludes."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

EXCLUDED = re.compile(
    r"\bof (?:which|whom)\b|\bwhoever\b|\bsomebody\b|\bnobody\b|\b(?:is|are|be|was|were|been|being) told\b"
    r"|\bstands?\b|\bstood\b|\blies?\b|\bmidst\b|\bthereof\b|\bby hand of\b",
    re.IGNORECASE,
)

PLACES = ("ganwidgets", "docs", "notebooks", "benchmarks", "scripts", "README.md")


def _lines(path: Path) -> Iterator[str]:
    if path.suffix != ".ipynb":
        yield from path.read_text(encoding="utf-8").splitlines()
        return
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "markdown":
            yield from "".join(cell["source"]).splitlines()


def _files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", *PLACES],  # noqa: S607 - the developer's git
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("this copy of the repository has no git index")
    endings = {".py", ".md", ".js", ".css", ".html", ".ipynb"}
    return [
        ROOT / name
        for name in listed.stdout.splitlines()
        if Path(name).suffix in endings and not name.startswith("notebooks/fr/") and (ROOT / name).exists()
    ]


def test_excluded_words_are_found():
    found = "the place of which; Whoever asks; G is told labels; it stands there; points lie in a plane"
    assert len(EXCLUDED.findall(found)) == 5
    assert not EXCLUDED.search("a standard deviation, a standalone file, and a reliable outline")


def test_sentences_avoid_excluded_words():
    files = _files()
    assert len(files) > 400
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in files
        for line in _lines(path)
        if EXCLUDED.search(line)
    ]
    assert not found, "\n".join(found)
