"""The documentation site; ``python3 start.py check`` builds it in ``build/site``. It needs no network.

Notebooks are shown with their stored outputs. Nothing is executed.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

import ganwidgets
from ganwidgets.messages import catalog
from ganwidgets.widgets.replay.recording import replay_page

HERE = Path(__file__).parent
NOTEBOOKS = HERE.parent / "notebooks"

project = "ganwidgets"
author = "The ganwidgets developers"
project_copyright = author
version = release = ganwidgets.__version__
language = "en"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
]
html_theme = "sphinx_book_theme"
html_title = "ganwidgets"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {"show_navbar_depth": 1, "use_download_button": False, "use_fullscreen_button": False}

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"
nb_merge_streams = True
# A page has no kernel: the stored picture of a widget is shown in its place.
nb_mime_priority_overrides = [("html", "image/png", 0), ("html", "text/html", 1)]

autodoc_typehints = "none"  # the docstrings name types, as numpydoc has it
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True  # an attribute is often documented in its class and by a property

# Links from notebooks and pages to files of the repository lead nowhere on the site.
suppress_warnings = ["myst.xref_missing"]


def _copy_notebooks() -> None:
    """Put the notebooks where Sphinx reads pages, and their pictures where the gallery shows them.

    Copies that are equal keep their time, so that nothing is rebuilt.
    """
    for path in sorted(NOTEBOOKS.rglob("*.ipynb")):
        content = path.read_bytes()
        _put(HERE / "lessons" / path.relative_to(NOTEBOOKS), content)
        bundles = [
            output.get("data", {})
            for cell in json.loads(content)["cells"]
            for output in cell.get("outputs", ())
        ]
        pictures = [bundle["image/png"] for bundle in bundles if "image/png" in bundle]
        if pictures and path.parent == NOTEBOOKS:
            _put(HERE / "lessons" / "pictures" / f"{path.stem}.png", base64.b64decode(pictures[-1]))


def _put(path: Path, content: bytes) -> None:
    if not path.is_file() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _make_demo() -> None:
    """Make the page that replays the recording of ``scripts/demo_run.py`` with today's panels."""
    recording = json.loads((HERE / "demo_run.json").read_text("utf-8"))
    title = "A GAN learns a ring of eight clouds"
    _put(HERE / "_static" / "demo.html", replay_page(recording, title, catalog("en")))


_copy_notebooks()
_make_demo()
