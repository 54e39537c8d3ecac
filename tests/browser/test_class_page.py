"""The page of a class in a browser: it follows the run, and offers a logarithmic axis."""

from __future__ import annotations

import os
import re
from pathlib import Path

from playwright.sync_api import Browser, expect

import ganwidgets as gw

CURVES = "() => document.querySelector('.gw-class-curves').toDataURL()"


def test_a_student_follows_the_run_proposes_and_chooses_the_axis(chromium: Browser) -> None:
    widget = gw.GANTrainerWidget("ring8", g_hidden=(8,), d_hidden=(8,), batch_size=16, seed=0, locale="en")
    classroom = gw.Classroom(widget)
    page = chromium.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    try:
        page.goto(classroom.url("propose"))
        expect(page.locator(".gw-class-status")).to_contain_text("iteration 0")
        assert "#" not in page.url, "the token leaves the address"
        for until in range(10, 60, 10):
            widget.play(until=until)
            widget.wait(iteration=until)
            expect(page.locator(".gw-class-status")).to_contain_text(re.compile(rf"iteration {until}\b"))
        linear = page.evaluate(CURVES)
        page.get_by_role("checkbox", name="log").check()
        widget.play(until=70)
        expect(page.locator(".gw-class-status")).to_contain_text("iteration 70")
        page.wait_for_function(f"linear => ({CURVES})() !== linear", arg=linear)
        page.get_by_label("Value").fill("0.01")
        page.get_by_role("button", name="Propose").click()
        expect(page.locator(".gw-class-proposals li")).to_contain_text("lr_d = 0.01")
        assert [dict(proposal.changes) for proposal in classroom.proposals] == [{"lr_d": 0.01}]
        if folder := os.environ.get("GANWIDGETS_SCREENSHOTS"):
            page.screenshot(path=Path(folder) / "class.png")
    finally:
        page.close()
        widget.close()
    assert errors == []


def test_the_class_sees_and_draws_the_curves_that_the_teacher_chooses(chromium: Browser) -> None:
    widget = gw.GANTrainerWidget("ring8", g_hidden=(8,), d_hidden=(8,), batch_size=16, seed=0, locale="fr")
    classroom = gw.Classroom(widget)
    widget.trainer.step(12)
    page = chromium.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    try:
        page.goto(classroom.url("watch"))
        curves = page.locator(".gw-class-curves")
        expect(curves).to_have_attribute("aria-label", re.compile(r"^perte de D"))
        before = page.evaluate(CURVES)
        classroom.curves = ("accuracy_real", "accuracy_fake", "grad_norm_d", "grad_norm_g")
        expect(curves).to_have_attribute(
            "aria-label", re.compile(r"^Exactitude de D .*norme du gradient de G: 0\.")
        )
        assert page.evaluate(CURVES) != before
        classroom.ask(
            gw.Lesson(question="?", answers=("a", "b"), experiment={"lr_d": 0.02}, steps=5),
            draw="accuracy_real",
        )
        expect(page.locator(".gw-class-question")).to_contain_text("Dessinez la courbe que vous attendez")
        expect(page.locator(".gw-class-drawing")).to_have_attribute(
            "aria-label", re.compile("Exactitude de D")
        )
        if folder := os.environ.get("GANWIDGETS_SCREENSHOTS"):
            page.screenshot(path=Path(folder) / "class-curves.png")
    finally:
        page.close()
        widget.close()
    assert errors == []
