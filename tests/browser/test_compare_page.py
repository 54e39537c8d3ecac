"""What if, and comparisons, in JupyterLab: by click and by key."""

from __future__ import annotations


def test_a_setting_is_tried_taken_and_compared(lab):
    lab.run(
        "import ganwidgets as gw; w = gw.GANTrainerWidget('ring8', locale='en', seed=0); w.step(30); w.wait()"
    )
    lab.run("w")
    page = lab.page
    ask = page.locator(".gw-lr_d .gw-what_if-ask").first
    ask.wait_for()
    ask.focus()
    page.keyboard.press("Enter")
    value = page.locator(".gw-what_if-value input")
    page.locator(".gw-what_if-told").get_by_text("Choose a value").wait_for()
    assert value.input_value() == "0.001"
    page.locator(".gw-what_if-steps input").fill("40")
    page.locator(".gw-what_if-steps input").press("Enter")
    page.locator("button.gw-what_if-start").click()
    page.locator(".gw-what_if-told").get_by_text("40 of 40 iterations").wait_for()
    assert page.locator(".gw-what_if-futures svg").count() >= 4
    page.locator("button.gw-what_if-take").click()
    lab.until("w.iteration == 70 and w.trainer.timeline.branch == 'what if lr_d=0.001'")

    lab.run("c = gw.ComparisonWidget(gw.compare(w), locale='en')")
    lab.run("c")
    rows = page.locator(".gw-comparison tbody tr")
    rows.first.wait_for()
    assert rows.count() == 2
    page.locator(".gw-compare-filter").fill("what if")
    page.wait_for_function("document.querySelectorAll('.gw-comparison tbody tr').length === 1")
    page.locator(".gw-compare-filter").fill("")
    page.locator(".gw-comparison thead button", has_text="iteration").press("Enter")
    assert page.locator(".gw-comparison th[aria-sort=ascending]").count() == 1
    page.locator(".gw-compare-column").select_option("loss_g")
    lab.until("c.column == 'loss_g'")
    page.locator(".gw-comparison tbody input").first.uncheck()
    page.wait_for_function("document.querySelectorAll('.gw-compare-chart polyline').length === 1")
    axes = page.locator(".gw-compare-parallel .gw-compare-axis-name")
    assert axes.all_text_contents() == ["lr_d", "loss_g"]
    page.locator("button.gw-compare-findings").press("Enter")
    page.locator(".gw-compare-told").get_by_text("nothing is found").first.wait_for()
    _explain_and_note(page)
    _make_a_rule(page)
    lab.until("w.autopilot == 'act' and w.rules[-1].name == 'loss_d > 0: lr_d'")


def _explain_and_note(page):
    chart = page.locator(".gw-curves .plotarea_background")
    box = chart.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 3)
    page.locator(".gw-explain-shown svg").first.wait_for()
    assert abs(int(page.locator(".gw-explain-iteration input").input_value()) - 35) <= 3
    page.locator(".gw-explain-iteration input").fill("20")
    page.locator(".gw-explain-iteration input").press("Enter")
    page.locator("button.gw-explain-start").press("Enter")
    page.locator(".gw-explain-shown").get_by_text("Iteration 20").wait_for()
    page.locator(".gw-explain-text input").fill("first doubts")
    page.locator(".gw-explain-text input").press("Enter")
    page.locator("button.gw-explain-note").click()
    page.locator(".gw-explain-told").get_by_text("first doubts").wait_for()


def _make_a_rule(page):
    page.locator(".gw-rules-when select").select_option("loss_d")
    page.locator(".gw-rules-bound input").fill("0")
    page.locator(".gw-rules-bound input").press("Enter")
    page.locator(".gw-rules-setting select").select_option("lr_d")
    page.locator("button.gw-rules-add").press("Enter")
    page.locator(".gw-rules-told").get_by_text("Added").wait_for()
    page.locator("button.gw-rules-rehearse").click()
    page.locator(".gw-rules-shown .gw-mark").first.wait_for(state="attached")
    page.locator(".gw-rules-mode select").select_option("act")
