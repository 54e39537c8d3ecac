from __future__ import annotations

import re
from pathlib import Path

import pytest

import settings_table
from ganwidgets.settings import SETTINGS

ROOT = Path(__file__).parents[1]
FENCE = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PAGES = {
    path.relative_to(ROOT).as_posix(): FENCE.findall(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "docs").rglob("*.md"))
    if not {"build", "lessons"} & set(path.relative_to(ROOT / "docs").parts)
}
ELSEWHERE = {"docs/own_games.md", "docs/objectives.md"}
"""Their examples have tests of their own, or are fragments."""


@pytest.mark.parametrize(
    "page", [page for page, examples in PAGES.items() if examples and page not in ELSEWHERE]
)
def test_the_examples_of_a_page_run_from_top_to_bottom(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    known = {"__name__": "__main__"}
    for example in PAGES[page]:
        exec(compile(example, page, "exec"), known)  # noqa: S102 - our own pages
    for value in known.values():
        if type(value).__name__.endswith("Widget"):
            value.close()


def test_each_public_name_is_in_the_reference():
    import ganwidgets

    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "reference").glob("*.md"))
    documented = set(re.findall(r"auto\w+:: ganwidgets\.(\w+)$", text, re.MULTILINE))
    assert documented == set(ganwidgets.__all__) - {"__version__"}


def test_the_settings_page_matches_the_definitions():
    committed = settings_table.PAGE.read_text(encoding="utf-8")
    assert committed == settings_table.page(), "run python scripts/settings_table.py"


def test_the_settings_page_lists_each_setting_once():
    page = settings_table.page()
    assert {name: page.count(f"| `{name}` |") for name in SETTINGS} == dict.fromkeys(SETTINGS, 1)


def test_an_outdated_settings_page_is_reported_and_rewritten(tmp_path, monkeypatch):
    monkeypatch.setattr(settings_table, "PAGE", tmp_path / "docs" / "settings.md")
    assert settings_table.main(["--check"]) == 1
    assert settings_table.main([]) == 0
    assert settings_table.main(["--check"]) == 0
