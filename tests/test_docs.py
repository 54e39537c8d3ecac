from __future__ import annotations

import settings_table
from ganwidgets.settings import SETTINGS


def test_the_page_of_settings_is_what_their_definitions_say():
    committed = settings_table.PAGE.read_text(encoding="utf-8")
    assert committed == settings_table.page(), "run python scripts/settings_table.py"


def test_the_page_has_each_setting_once():
    page = settings_table.page()
    assert {name: page.count(f"| `{name}` |") for name in SETTINGS} == dict.fromkeys(SETTINGS, 1)


def test_an_old_page_is_noticed_and_written_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(settings_table, "PAGE", tmp_path / "docs" / "settings.md")
    assert settings_table.main(["--check"]) == 1
    assert settings_table.main([]) == 0
    assert settings_table.main(["--check"]) == 0
