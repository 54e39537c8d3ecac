"""The same widget in Notebook 7 and in Voila."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from trainer_view import POINTS, TrainerView, show

ALLOWED_OUTSIDE = (
    "https://cdn.jsdelivr.net/npm/@fortawesome/",  # Voila's page requests icons
    "https://cdnjs.cloudflare.com/ajax/libs/mathjax/",  # and a formula renderer
)


def test_notebook_7(classic):
    view = show(classic)
    view.button("play").click()
    view.wait_for_repaint("plane")
    view.wait_for_iteration_after(classic.value_of("w.iteration"))
    view.number("lr_d").fill("0.0002")
    view.number("lr_d").press("Enter")
    classic.wait_until("w.trainer.settings.lr_d == 2e-4")
    classic.run("w.lr_d = 3e-4")
    expect(view.number("lr_d")).to_have_value(re.compile(r"^(0\.0003|3e-0?4)$"))
    view.handle("lr_d").press("ArrowRight")
    classic.wait_until("w.trainer.settings.lr_d > 3e-4")
    view.button("pause").click()
    classic.wait_until("w.status == 'paused'")


def test_voila(page, server, new_notebook):
    name = new_notebook(POINTS)
    page.goto(f"{server.url}/voila/render/{name}?token={server.token}")
    view = TrainerView(page.locator("body"))
    view.button("play").click()
    view.wait_for_iteration_after(5)
    view.wait_for_repaint("plane")
    view.button("pause").click()
    expect(view.panel("status").first).to_contain_text(re.compile("paused", re.IGNORECASE))
