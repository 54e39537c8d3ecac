"""A lesson, and the panel of a run that cannot be stored, used by mouse on a page in both themes."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from notebook_page import NotebookPage
from trainer_view import SMALL

LESSON = """
import ganwidgets as gw
lesson = gw.Lesson(
    title="A discriminator in a hurry",
    question="D learns ten times as fast from now on. What will its loss do?",
    answers=("fall", "rise"),
    experiment={"lr_d": 0.02}, steps=10, warm_up=10, watch=("loss_d", "loss_g", "modes"), seeds=3,
    data="ring8", settings=dict(batch_size=16, g_hidden=(8,), d_hidden=(8,)),
    explanation="One run is one run: press Several seeds before you believe it.",
    right_answer=lambda outcome: "rise",
)
l = gw.LessonWidget(lesson); l
"""

UNSTORED = f"""
import ganwidgets as gw, pathlib, shutil, tempfile
from ganwidgets.runs.folder import autosaver
autosaver.SPACING = autosaver.SHARE = 0  # store after each step
place = pathlib.Path(tempfile.mkdtemp())
w = gw.GANTrainerWidget('ring8', run=place / 'run', {SMALL})
shutil.rmtree(place / 'run'); w.step(3); w
"""


def picture(element: Locator, name: str) -> None:
    """Save a screenshot of an element if ``GANWIDGETS_SCREENSHOTS`` is set."""
    if folder := os.environ.get("GANWIDGETS_SCREENSHOTS"):
        element.screenshot(path=Path(folder) / f"{name}.png")


@pytest.mark.parametrize("theme", ["Light"])
def test_a_lesson_is_clicked_through(lab: NotebookPage, theme):
    lab.theme(theme)
    index = lab.start(LESSON)
    lab.finish(index)
    head = lab.cell(index).first.locator(".gw-lesson")
    message = head.locator(".gw-lesson-message")
    button = {name: head.get_by_role("button", name=name) for name in (
        "Note my prediction", "Run the experiment", "Again", "Another seed", "Several seeds")}  # fmt: skip
    for each in button.values():
        expect(each).to_be_disabled()
    picture(head, f"lesson-asked-{theme}")

    def predict(answer: str) -> None:
        head.get_by_label(answer).check()
        button["Note my prediction"].click()
        expect(message).to_contain_text(f"You predict: {answer}.")
        button["Run the experiment"].click()

    predict("fall")
    expect(message.locator(".gw-wrong")).to_have_text("That was not right: the answer is rise.")
    expect(message.locator("table tr")).to_have_count(4)
    picture(head, f"lesson-wrong-{theme}")
    button["Again"].click()
    expect(message).to_have_text("First choose what you expect.")
    expect(button["Run the experiment"]).to_be_disabled()
    predict("rise")
    expect(message.locator(".gw-right")).to_have_text("That was right.")
    button["Another seed"].click()
    expect(message.locator(".gw-right")).to_contain_text("It was right on 2 of 2 seeds")
    button["Several seeds"].click()
    expect(message.locator(".gw-right")).to_contain_text("It was right on 3 of 3 seeds (fall: 0, rise: 3).")
    expect(message).to_contain_text("Median, lowest and highest of 3 seeds.")
    picture(head, f"lesson-seeds-{theme}")


@pytest.mark.parametrize("theme", ["Dark"])
def test_a_run_that_cannot_be_stored_is_saved_elsewhere(lab: NotebookPage, theme):
    lab.theme(theme)
    index = lab.start(UNSTORED)
    lab.finish(index)
    panel = lab.cell(index).locator(".gw-unstored")
    expect(panel.get_by_role("alert")).to_contain_text("The run is not being stored.")
    expect(panel.get_by_role("textbox", name="File")).to_be_visible()
    lab.execute("w._dashboard._unstored.path.value = str(place / 'run.gan')")
    expect(panel.get_by_role("textbox", name="File")).to_have_value(re.compile("run.gan$"))
    picture(panel, f"unstored-{theme}")
    panel.get_by_role("button", name="Save elsewhere").click()
    expect(panel.get_by_role("status")).to_contain_text("Saved: ")
    lab.wait_until("(place / 'run.gan').exists()")
    picture(panel, f"saved-{theme}")
