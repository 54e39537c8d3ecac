"""A walk through one update on a page: sub-steps forward and back, and the completed step."""

from __future__ import annotations

from playwright.sync_api import expect

from trainer_view import SMALL, show

SOURCE = f"import ganwidgets as gw; w = gw.GANTrainerWidget('ring8', {SMALL}); w"
STAGES = ["noise", "generate", "classify", "loss", "gradients", "update"]


def test_sub_steps_forward_and_back_change_nothing_until_the_end(lab) -> None:
    view = show(lab, SOURCE)
    before = lab.value_of("w.trainer.state_hash()")
    after = lab.value_of(f"(lambda t: (t.step_g(), t.state_hash())[1])(gw.GANTrainer('ring8', {SMALL}))")
    walk = view.panel("walk").locator(".gw-walk-view")
    walk.locator(".gw-walk-which").select_option("generator")
    walk.locator(".gw-walk-begin").click()
    expect(walk.locator(".gw-walk-back")).to_be_disabled()
    sentences = []
    for stage in STAGES:
        expect(walk).to_have_attribute("data-stage", stage)
        expect(walk.locator("[aria-current=step]")).to_have_class(
            f"gw-walk-stage gw-walk-at-{stage} gw-walk-here"
        )
        sentences.append(walk.locator(".gw-walk-sentence").inner_text())
        if stage != "update":
            walk.press("ArrowRight")
    assert len(set(sentences)) == len(STAGES)
    assert "16 new noise vectors" in sentences[0]
    walk.press("ArrowLeft")
    expect(walk).to_have_attribute("data-stage", "gradients")
    assert lab.value_of("w.trainer.state_hash()") == before
    walk.locator(".gw-walk-next").click()
    expect(walk).to_have_attribute("data-stage", "update")
    walk.locator(".gw-walk-next").click()
    expect(walk).to_have_attribute("data-stage", "")
    assert lab.value_of("w.trainer.state_hash()") == after
    # After leaving the walk in the middle, the run is unchanged.
    walk.locator(".gw-walk-begin").click()
    expect(walk).to_have_attribute("data-stage", "noise")
    walk.press("Escape")
    expect(walk).to_have_attribute("data-stage", "")
    assert lab.value_of("w.trainer.state_hash()") == after
    # The box beside the button sets the number of steps.
    view.panel("step-count").locator("input").fill("7")
    view.panel("step-count").locator("input").press("Enter")
    view.button("step").click()
    view.wait_for_iteration_after(6)
    assert lab.value_of("w.iteration") == 7


def test_a_walk_begun_in_a_cell_is_shown_and_goes_on_by_its_buttons(lab) -> None:
    view = show(lab, SOURCE)
    walk = view.panel("walk").locator(".gw-walk-view")
    lab.execute("wk = w.trainer.walk('generator'); wk.next(); wk.next()")
    expect(walk).to_have_attribute("data-stage", "generate")
    walk.locator(".gw-walk-next").click()
    expect(walk).to_have_attribute("data-stage", "classify")
    assert lab.value_of("wk.here.stage") == "classify"
    lab.execute("wk.leave()\nw.step()")
    expect(walk).to_have_attribute("data-stage", "")
