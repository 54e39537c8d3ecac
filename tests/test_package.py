from __future__ import annotations

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import ganwidgets

ROOT = Path(__file__).resolve().parents[1]

# Modules that `import ganwidgets` must not load: Jupyter, and slow imports that only some features need.
LATER = ["IPython", "anywidget", "bqplot", "ipycanvas", "ipykernel", "ipywidgets", "jupyter_client"]
LATER += ["PIL", "msgspec", "ot", "pandas", "scipy", "sklearn", "torchvision"]


def test_importing_and_training_load_no_jupyter():
    code = (
        "import sys, torch; before = set(sys.modules); import ganwidgets as gw; gw.GANTrainer('ring8').step(2);"
        f"print([name for name in {LATER} if name in set(sys.modules) - before])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_types_and_catalogs_are_part_of_the_package():
    assert files(ganwidgets).joinpath("py.typed").is_file()
    assert files(ganwidgets).joinpath("locale/fr/LC_MESSAGES/ganwidgets.mo").is_file()


def test_the_citation_has_the_version_of_the_package():
    assert f"\nversion: {ganwidgets.__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
