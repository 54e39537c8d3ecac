"""A browser loads the separate ES modules of each script, and the module into which they are bundled."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

from playwright.sync_api import Browser, Route

from ganwidgets.widgets.browser.assets import script

WIDGETS = Path(str(files("ganwidgets.widgets")))
OWN = sorted(
    path
    for path in WIDGETS.rglob("*.js")
    if re.search(r"^export default ", path.read_text("utf-8"), re.MULTILINE)
)


def test_files_and_bundles_are_the_same_modules(chromium: Browser):
    page = chromium.new_page()

    def answer(route: Route) -> None:
        name = route.request.url.removeprefix("http://widgets.test/")
        if name.startswith("bundles/"):
            route.fulfill(
                body=script(name.removeprefix("bundles/").removesuffix(".js")), content_type="text/javascript"
            )
        elif name:
            route.fulfill(path=WIDGETS / name, content_type="text/javascript")
        else:
            route.fulfill(body="", content_type="text/html")

    page.route("http://widgets.test/**", answer)
    try:
        page.goto("http://widgets.test/")
        assert len(OWN) >= 12
        for path in OWN:
            name = path.relative_to(WIDGETS).as_posix()
            for address in (name, f"bundles/{name}"):
                exported = page.evaluate(
                    "async (url) => { const m = await import(url); return [Object.keys(m), typeof m.default.render]; }",
                    f"/{address}",
                )
                assert exported == [["default"], "function"], address
    finally:
        page.close()
