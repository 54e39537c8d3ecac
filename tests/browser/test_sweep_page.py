"""A sweep in JupyterLab."""

from __future__ import annotations

MADE = (
    "import ganwidgets as gw;"
    "s = gw.Sweep('ring8', lr_g=[5e-4, 1e-3, 2e-3], lr_d=[1e-3, 2e-3, 4e-3], seeds=2);"
    "w = gw.SweepWidget(s, locale='en')"
)


def test_runs_are_watched_selected_changed_and_opened(lab):
    lab.run(MADE)
    lab.run("w")
    page = lab.page
    cells = page.locator(".gw-sweep-cell")
    cells.nth(8).wait_for()
    assert cells.count() == 9  # the seeds are folded
    page.locator(".gw-sweep .gw-play").click()
    lab.until("s.iteration > 30")
    page.wait_for_function("document.querySelector('.gw-sweep-at').textContent.match(/iteration \\d+/)")
    page.wait_for_function(
        "[...document.querySelectorAll('.gw-sweep-foot')].every(foot => /\\d/.test(foot.textContent))"
    )
    # Each miniature shows something.
    drawn = "[...document.querySelectorAll('.gw-sweep-picture')].every(c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(v => v))"
    page.wait_for_function(drawn)
    page.locator(".gw-sweep .gw-pause").click()
    lab.until("w.status == 'paused'")

    # A rectangle over the first two columns of the first row selects them; a setting is changed for all at once.
    first, second = cells.nth(0).bounding_box(), cells.nth(1).bounding_box()
    page.mouse.move(first["x"] + 10, first["y"] + 10)
    page.mouse.down()
    page.mouse.move(second["x"] + 20, second["y"] + 40, steps=4)
    page.mouse.up()
    acts = page.locator(".gw-sweep-acts")
    assert "4 runs" in acts.inner_text()
    acts.locator(".gw-sweep-setting").select_option("lr_d")
    acts.locator(".gw-sweep-value").fill("0.003")
    acts.locator(".gw-sweep-apply").click()
    lab.until("[r.settings.lr_d for r in s.runs[:5]] == [0.003] * 4 + [0.004]")
    acts.locator(".gw-sweep-value").fill("-1")
    acts.locator(".gw-sweep-apply").click()
    page.locator(".gw-sweep-error").get_by_text("lr_d").wait_for()

    page.locator(".gw-sweep-show").select_option("parallel")
    page.locator(".gw-sweep-parallel svg path").first.wait_for()
