"""Write ``docs/settings.md`` from the settings' definitions; ``--check`` changes nothing and fails if it is old."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import get_args

from ganwidgets.settings import SETTINGS, SettingGroup, settings_table

PAGE = Path(__file__).resolve().parent.parent / "docs" / "settings.md"

INTRODUCTION = """\
# Settings

<!-- Written by scripts/settings_table.py from the definitions in ganwidgets/settings/; edit them there. -->

Every setting is a keyword of `GANTrainer` and `GANTrainerWidget`, an attribute of `trainer.settings` and of the
widget, and a control. D is the discriminator, G the generator. Bounds are included. A slider covers the usual part
of a range, on the scale given here; the box beside it takes every allowed number.

A change takes effect at the *next update*, or at a *fresh start*: then it waits until `reset()`.
"""


def page() -> str:
    """Return the whole page."""
    parts = [INTRODUCTION]
    used = {setting.group for setting in SETTINGS.values()}
    parts += [
        f"## {group.capitalize()}\n\n{settings_table(group)}\n"
        for group in get_args(SettingGroup)
        if group in used
    ]
    return "\n".join(parts)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(prog="settings_table.py", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, fail if the page is old")
    if not parser.parse_args(arguments).check:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    current = PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page()
    print("docs/settings.md is up to date" if current else "run python scripts/settings_table.py")
    return 0 if current else 1


if __name__ == "__main__":
    sys.exit(main())
