"""Bundling of scripts and stylesheets into one text each."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest

from ganwidgets.widgets.browser.bundles import bundled_script, bundled_stylesheet

WIDGETS = Path(str(files("ganwidgets.widgets")))


def write(root: Path, **texts: str) -> Path:
    for name, text in texts.items():
        (root / f"{name}.js").write_text(text, "utf-8")
    return root


def test_files_run_once_after_their_imports(tmp_path):
    root = write(
        tmp_path,
        base="export const one = 1;\n",
        left='import { one } from "./base.js";\nexport const left = one;\n',
        right='import { one as unit } from "./base.js";\nexport function right() {\n  return unit;\n}\n',
        own='import { right } from "./right.js";\nimport { left } from "./left.js";\nexport default { left, right };\n',
    )
    text = bundled_script(root, "own.js")
    starts = [text.index(each) for each in ("const one", "function right", "const left", "export default")]
    assert starts == sorted(starts)
    assert text.count("const one") == 1
    assert "one: unit" in text
    assert not re.search(r"^import|from \"\.", text, re.MULTILINE)
    assert text == bundled_script(root, "own.js")


def test_comments_and_indents_are_left_out(tmp_path):
    code = "// why\nexport default {\n  /**\n   * What\n   * it does.\n   */\n  render() {}, // kept\n};\n"
    root = write(tmp_path, own=code)
    assert bundled_script(root, "own.js") == "export default {\nrender() {}, // kept\n};\n"


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (
            'import { none } from "./base.js";\n',
            r"own\.js imports none from base\.js, which exports no such name",
        ),
        (
            'import base from "./base.js";\n',
            r"own\.js has an import or export of a form that cannot be bundled: import",
        ),
        ('import * as base from "./base.js";\n', "cannot be bundled"),
        ("const a = 1;\nexport { a };\n", "cannot be bundled: export { a }"),
        ("export let a = 1;\n", "cannot be bundled"),
        ('import { a } from "./own.js";\n', r"in a circle: own\.js -> own\.js"),
        (
            'import { a } from "./widget.js";\n',
            r"widget\.js is imported, and must not have an `export default`",
        ),
        ("const a = `\n  b`;\n", "template literal of several lines"),
    ],
)
def test_files_that_cannot_be_bundled_are_named(tmp_path, own, message):
    root = write(
        tmp_path, base="export const one = 1;\n", widget="export const a = 1;\nexport default {};\n", own=own
    )
    with pytest.raises(ValueError, match=message):
        bundled_script(root, "own.js")


def test_stylesheets_import_others_in_place(tmp_path):
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "all.css").write_text(
        '@import "../base.css";\n@import "./last.css";\n.own {\n  top: 0;\n}\n'
    )
    (tmp_path / "base.css").write_text("/* Why. */\n.base {\n  top: 1px;\n}\n")
    (tmp_path / "room" / "last.css").write_text(".last {\n  top: 2px;\n}\n")
    expected = ".base {\ntop: 1px;\n}\n.last {\ntop: 2px;\n}\n.own {\ntop: 0;\n}\n"
    assert bundled_stylesheet(tmp_path, "room/all.css") == expected


def test_each_imported_name_is_used():
    for path in WIDGETS.rglob("*.js"):
        text = path.read_text("utf-8")
        code = re.sub(r"^import .*\n", "", text, flags=re.MULTILINE)
        for names in re.findall(r"^import \{([^}]*)\}", text, re.MULTILINE):
            for name in (each.split(" as ")[-1].strip() for each in names.split(",")):
                assert re.search(rf"(?<!\w)(?<!\w\.){re.escape(name)}\b", code), (
                    f"{path.name} does not use {name}"
                )


def test_files_are_short_and_folders_have_few_files():
    for path in [*WIDGETS.rglob("*.js"), *WIDGETS.rglob("*.css")]:
        assert len(path.read_text("utf-8").splitlines()) <= 500, path
        assert len([each for each in path.parent.iterdir() if each.suffix in {".js", ".css"}]) <= 12, (
            path.parent
        )
