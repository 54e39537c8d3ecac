"""What-if experiments and comparisons in JupyterLab, by mouse and by keyboard."""

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
    page.locator(".gw-what_if-message").get_by_text("Choose a value").wait_for()
    assert value.input_value() == "0.001"
    page.locator(".gw-what_if-steps input").fill("40")
    page.locator(".gw-what_if-steps input").press("Enter")
    page.locator("button.gw-what_if-start").click()
    page.locator(".gw-what_if-message").get_by_text("40 of 40 iterations").wait_for()
    page.locator(".gw-what_if-futures svg").nth(3).wait_for()
    # The result by another curve, with the findings of both runs.
    page.locator(".gw-what_if-metric select").select_option("loss_g")
    page.locator(".gw-what_if-concluded polyline").wait_for()
    assert page.locator(".gw-what_if-concluded li").count() == 2
    page.locator("button.gw-what_if-take").click()
    lab.wait_until("w.iteration == 70 and w.trainer.timeline.branch == 'what if lr_d=0.001'")

    explain_where_the_losses_are_clicked(page)
    make_a_rule_arm_it_rehearse_it_and_remove_it(lab)

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
    lab.wait_until("c.column == 'loss_g'")
    page.locator(".gw-comparison tbody input").first.uncheck()
    page.wait_for_function("document.querySelectorAll('.gw-compare-chart polyline').length === 1")
    axes = page.locator(".gw-compare-parallel .gw-compare-axis-name")
    assert axes.all_text_contents() == ["lr_d", "loss_g"]


def explain_where_the_losses_are_clicked(page):
    chart = page.locator(".gw-curves .gw-chart").first
    chart.scroll_into_view_if_needed()
    whole, plot = chart.bounding_box(), chart.locator(".plotarea_background").bounding_box()
    chart.click(position={"x": plot["x"] - whole["x"] + 4, "y": plot["y"] - whole["y"] + plot["height"] / 2})
    page.locator(".gw-explain-shown li").first.wait_for()
    assert 1 <= int(page.locator(".gw-explain-iteration input").input_value()) <= 5
    page.locator("button.gw-explain-hide").click()
    page.locator(".gw-explain-shown li").first.wait_for(state="detached")


def make_a_rule_arm_it_rehearse_it_and_remove_it(lab):
    page = lab.page
    page.locator(".gw-rules-when select").select_option("loss_g")
    page.locator(".gw-rules-bound input").fill("2")
    page.locator(".gw-rules-bound input").press("Enter")
    page.locator(".gw-rules-setting select").select_option("Learning rate of G")
    page.locator(".gw-rules-then input").fill("/ 2")
    page.locator(".gw-rules-then input").press("Enter")
    page.locator("button.gw-rules-add").press("Enter")
    page.locator(".gw-rules-message").get_by_text("Added").wait_for()
    lab.wait_until("(w.rules[-1].when, w.rules[-1].then) == ('loss_g > 2', {'lr_g': '/ 2'})")
    page.locator(".gw-rules-mode select").select_option("act")
    lab.wait_until("w.autopilot == 'act'")
    page.locator("button.gw-rules-rehearse").press("Enter")
    page.locator(".gw-rules-message").get_by_text("so far").wait_for()
    page.locator("button.gw-rules-remove").press("Enter")
    lab.wait_until("'loss_g > 2' not in [rule.when for rule in w.rules]")
