"""The notebooks run from top to bottom, and their stored outputs are visible without a kernel."""

from __future__ import annotations

import base64
import importlib.util
import io
import re
from pathlib import Path

import nbformat
import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
_SPEC = importlib.util.spec_from_file_location("notebooks", ROOT / "scripts" / "notebooks.py")
script = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(script)
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
WIDGET = "application/vnd.jupyter.widget-view+json"


def outputs(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", ())]


def pictures(notebook):
    """Return the pictures of widgets: in the widget's own output or in a later output of its cell."""
    bundles = [output.get("data", {}) for output in outputs(notebook)]
    return [
        bundle["image/png"]
        for bundle in bundles
        if "image/png" in bundle and (WIDGET in bundle or "gw-stored" in bundle.get("text/html", ""))
    ]


def comparisons(notebook):
    """Return the static pages of compared runs, stored with their widget in place of a picture."""
    bundles = [output.get("data", {}) for output in outputs(notebook)]
    pages = [bundle["text/html"] for bundle in bundles if WIDGET in bundle and "text/html" in bundle]
    return [page for page in pages if "gw-comparison-static" in page]


def compared(page):
    """Return the names of the runs, the numbers of the table and the lengths of the curves of a static page."""
    rows = [re.findall(r"<td[^>]*>([^<]*)<", row) for row in re.findall(r"<tr><td>.*?</tr>", page)]
    curves = re.findall(r'<polyline[^>]* points="([^"]*)"', page)
    numbers = [cell for row in rows for cell in row[2:] if re.fullmatch(r"-?\d[\d.e-]*", cell)]
    return [row[1] for row in rows if row[1:2] > [""]], numbers, [c for c in curves if len(c.split()) > 9]


@pytest.mark.slow
@pytest.mark.kernel
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_from_top_to_bottom_and_matches_the_stored_outputs(path, tmp_path):
    """Assertions in the cells hold, and the stored outputs equal those of the current code."""
    # Use an empty download folder, so that the result does not depend on the user's files.
    now = script.executed(path, tmp_path)
    assert pictures(now) or comparisons(now)
    differences = script.stale(nbformat.read(path, as_version=4), now)
    assert not differences, "\n".join([*differences, f"run scripts/notebooks.py {path.name[:2]}"])


def test_an_outdated_output_is_found_and_varying_parts_are_ignored():
    def notebook(text):
        output = nbformat.v4.new_output("stream", name="stdout", text=text)
        bar = nbformat.v4.new_output("stream", name="stderr", text=" 50%|###  | 1/2 [00:01<00:01, 1.0it/s]")
        outputs = [each for each in (output, bar) if not script._is_progress(each)]
        return nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_markdown_cell("a"), nbformat.v4.new_code_cell("b", outputs=outputs)],
            metadata={"environment": script.environment()},
        )

    assert script.stale(notebook("modes 1.0"), notebook("modes 1.0")) == []
    (found,) = script.stale(notebook("modes 1.0"), notebook("modes 2.0"))
    assert found.startswith("cell 1")
    assert script.stale(notebook("at 0x7f0312e02950"), notebook("at 0x7f782171a850")) == []
    elsewhere = notebook("modes 1.0")
    elsewhere.metadata["environment"] = {"torch": "0.1", "processor": "other"}
    assert script.stale(elsewhere, notebook("modes 2.0")) == [], "other processors end in other digits"
    assert script.stale(elsewhere, notebook("clusters 2.0"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_its_stored_outputs_are_visible_without_a_kernel(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")
    assert not [output for output in outputs(notebook) if output.output_type == "error"]
    stored, pages = pictures(notebook), comparisons(notebook)
    assert stored or pages
    for picture in stored:
        width, height = Image.open(io.BytesIO(base64.b64decode(picture))).size
        assert width >= 600
        assert height >= 250
    for page in pages:
        names, numbers, curves = compared(page)
        assert len(set(names)) >= 2
        assert len(numbers) >= len(names), "its table has numbers"
        assert len(curves) == 2 * len(names), "a loss of D and one of G for each run"


def test_translated_notebooks_are_complete_and_outdated_ones_are_found(tmp_path):
    pytest.importorskip("polib")
    import translations

    assert list(translations.problems()) == [], "run python scripts/translations.py"
    source = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell("A ring"), nbformat.v4.new_code_cell("1 + 1")]
    )
    path, french = tmp_path / "20_ring.ipynb", tmp_path / "fr"
    french.mkdir()
    nbformat.write(source, path)
    assert translations.untranslated(tmp_path) == ["fr/20_ring"]
    translations.begin(path, "fr")
    (missing, old) = translations.problems(tmp_path)
    assert "no translation: 'A ring'" in missing
    assert "is old" in old
    catalog = french / "20_ring.po"
    catalog.write_text(catalog.read_text("utf-8").replace('msgstr ""', 'msgstr "Un anneau"'), "utf-8")
    made = translations.translated(path, "fr")
    assert made.cells[0].source == "Un anneau"
    assert made.cells[1].source.startswith("import os")
    nbformat.write(made, french / path.name)
    assert list(translations.problems(tmp_path)) == []
    source.cells[0].source = "A ring of points"
    nbformat.write(source, path)
    found = "\n".join(translations.problems(tmp_path))
    assert "cell 0 has no translation" in found
    assert "no longer in the notebook: 'A ring'" in found
    assert "is old" in found


@pytest.mark.parametrize(
    "path",
    [*NOTEBOOKS, *sorted((ROOT / "notebooks").glob("*/*.ipynb"))],
    ids=lambda path: f"{path.parent.name}-{path.stem}",
)
def test_it_contains_no_trace_of_the_machine_that_ran_it(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r'File \\"/', text), "a traceback is stored, with paths"
    assert str(ROOT) not in text
    assert str(Path.home()) not in text.replace("~/.cache", "") or str(Path.home()) == "/"


@pytest.mark.parametrize(
    ("folder", "aim", "yours", "right"),
    [("", "**Aim:**", "## Yours now", "**Right.**"), ("fr", "**But :**", "## À vous", "**Exact.**")],
)
def test_each_lesson_has_an_aim_a_quiz_with_feedback_and_a_folded_solution_of_each_exercise(
    folder, aim, yours, right
):
    for path in sorted((ROOT / "notebooks" / folder).glob("*.ipynb")):
        texts = [cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "markdown"]
        assert texts[1].startswith(aim), path
        (quiz,) = [text for text in texts if text.startswith("## Quiz")]
        for question in re.split(r"\n\*\*\d+\. ", quiz)[1:]:
            assert question.count(right) == 1, f"{path}: one answer is right"
            assert question.count("<details>") == question.count("</details>") >= 2, path
        exercises = re.findall(
            r"^\d+\. ", next(t for t in texts if yours in t or "## Exer" in t).split("## ")[-1], re.MULTILINE
        )
        solutions = texts[-1]
        assert solutions.startswith("## Solutions"), path
        assert solutions.count("<details>") == solutions.count("</details>") == len(exercises), path
