"""The health panel on a page: a finding with its evidence, and a remedy that is tried and applied."""

from __future__ import annotations

from playwright.sync_api import expect

from trainer_view import SMALL, show

ILL = (
    "import ganwidgets as gw; "
    f"w = gw.GANTrainerWidget('ring8', freeze_d=True, lr_g=1e-3, penalty_weight=5, locale='en', {SMALL}); w"
)


def test_a_finding_is_shown_and_its_remedy_tried_and_taken(lab):
    view = show(lab, ILL)
    health = view.panel("health")
    idle = health.locator(".gw-finding[data-symptom=no_effect]")
    expect(idle).to_contain_text("Penalty weight has no effect now.")
    expect(idle.locator("svg")).to_have_count(0)
    lab.execute("w.step(600); w.wait()")
    finding = health.locator(".gw-finding[data-symptom=d_weak]")
    expect(finding).to_contain_text("since iteration")
    expect(finding.locator("svg .gw-threshold")).to_have_count(1)
    remedy = view.button("remedy-1")
    expect(remedy).to_have_text("Release D")
    expect(view.button("take")).to_be_hidden()

    remedy.press("Enter")
    expect(health).to_contain_text("Release D, after 200 iterations")
    assert lab.value_of("[w.iteration, w.freeze_d]") == [600, True]
    view.button("drop").click()
    expect(view.button("drop")).to_be_hidden()
    assert lab.value_of("[w.iteration, w.freeze_d]") == [600, True]

    remedy.click()
    view.button("take").click()
    view.wait_for_iteration_after(799)
    assert lab.value_of("[w.iteration, w.freeze_d]") == [800, False]
