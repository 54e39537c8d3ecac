"""The widget of a sweep in JupyterLab."""

from __future__ import annotations

MADE = (
    "import ganwidgets as gw;"
    "s = gw.Sweep('ring8', lr_g=[5e-4, 1e-3], lr_d=[1e-3, 2e-3], seeds=2, g_hidden=(8,), d_hidden=(8,));"
    "w = gw.SweepWidget(s, locale='en')"
)

DRAWN = """[...document.querySelectorAll('.gw-sweep-picture')].every(
  canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean)
)"""

MEASURED = (
    "[...document.querySelectorAll('.gw-sweep-foot')].every(foot => /^\\d\\.\\d+$/.test(foot.textContent))"
)


def test_runs_are_watched_selected_changed_and_opened(lab):
    lab.run(MADE)
    lab.run("w")
    page = lab.page
    cells = page.locator(".gw-sweep-cell")
    cells.nth(3).wait_for()
    assert cells.count() == 4  # the seeds are folded
    page.locator(".gw-sweep .gw-play").click()
    lab.wait_until("s.iteration > 30")
    page.wait_for_function(MEASURED)
    page.wait_for_function(DRAWN)
    page.locator(".gw-sweep .gw-pause").click()
    lab.wait_until("w.status == 'paused'")

    # A rectangle over the first row selects it; a setting is changed for all its runs at once.
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
    lab.wait_until("[r.settings.lr_d for r in s.runs[:5]] == [0.003] * 4 + [0.001]")
    page.locator(".gw-sweep .gw-sweep-undo").click()
    lab.wait_until("[r.settings.lr_d for r in s.runs[:4]] == [0.001] * 2 + [0.002] * 2")
    acts.locator(".gw-sweep-value").fill("0.003")
    acts.locator(".gw-sweep-apply").click()
    lab.wait_until("[r.settings.lr_d for r in s.runs[:4]] == [0.003] * 4")
    acts.locator(".gw-sweep-value").fill("-1")
    acts.locator(".gw-sweep-apply").click()
    page.locator(".gw-sweep-error").get_by_text("lr_d").wait_for()

    # The table shows the settings that differ, and parallel coordinates one line for each configuration.
    page.locator(".gw-sweep-show").select_option("table")
    assert page.locator(".gw-sweep-line").count() == 3
    page.locator(".gw-sweep-show").select_option("parallel")
    page.locator(".gw-sweep-parallel .gw-sweep-path").nth(2).wait_for(state="attached")

    # A key opens a run as a trainer's widget.
    page.locator(".gw-sweep-show").select_option("grid")
    cells.first.press("Enter")
    page.locator(".gw-sweep-detail .gw-lr_d").first.wait_for()
    page.wait_for_function(  # below the cells, outside the viewport
        "document.querySelector('.gw-sweep-detail').getBoundingClientRect().top < innerHeight / 3"
    )
    assert lab.value_of("w._opened.trainer.iteration == s.iteration") is True

    # It is as wide as the cells, and its button leads back to them.
    detail = page.locator(".gw-sweep-detail")
    assert detail.locator(".gw-root").bounding_box()["width"] > 0.9 * detail.bounding_box()["width"]
    detail.locator(".gw-sweep-close").click()
    detail.locator(".gw-lr_d").first.wait_for(state="detached")
    page.wait_for_function(
        """() => {
          const { top, bottom } = document.querySelector('.gw-sweep').getBoundingClientRect();
          return top < innerHeight && bottom > 0;
        }"""
    )


def test_the_nine_cells_of_a_grid_are_seen_at_once(lab):
    lab.run(
        "import ganwidgets as gw;"
        "s = gw.Sweep('ring8', lr_g=[5e-4, 1e-3, 2e-3], lr_d=[2e-3, 1e-3, 5e-4], g_hidden=(8,), d_hidden=(8,));"
        "w = gw.SweepWidget(s, locale='en')"
    )
    lab.run("w")
    cells = lab.page.locator(".gw-sweep-cell")
    cells.nth(8).wait_for()
    first, last = cells.first.bounding_box(), cells.nth(8).bounding_box()
    assert last["y"] + last["height"] - first["y"] < 0.75 * lab.page.viewport_size["height"]
    key = lab.page.locator(".gw-sweep-key").inner_text()
    assert key.split("\n") == ["real", "generated", "Loss of D", "Loss of G"]

    # The actions come near to the selected cells.
    lab.page.wait_for_function(MEASURED)  # with all figures in place
    acts = lab.page.locator(".gw-sweep-acts")
    cells.nth(7).click(modifiers=["Shift"])
    below = acts.bounding_box()
    assert below["y"] > cells.nth(8).bounding_box()["y"]
    assert below["y"] + below["height"] <= lab.page.viewport_size["height"]
    cells.nth(7).click(modifiers=["Shift"])
    cells.nth(1).click(modifiers=["Shift"])
    assert acts.bounding_box()["y"] < cells.first.bounding_box()["y"]

    # A clone's source is the cell that was selected last, wherever the order of the axes puts it.
    cells.nth(2).click(modifiers=["Shift"])
    assert acts.locator(".gw-sweep-warm").inner_text() == "Clone run 0 into these, warm"
    acts.locator(".gw-sweep-warm").click()
    lab.wait_until("[(act.action, act.runs, act.source) for act in s.acts] == [('respawn', (1,), 0)]")


def test_a_new_theme_draws_the_cells_anew_in_its_colors(lab):
    lab.run(MADE)
    lab.run("w")
    page = lab.page
    page.locator(".gw-sweep-cell").nth(3).wait_for()
    lab.execute("w.step(3); w.wait()")
    page.wait_for_function(DRAWN)
    generated = """() => getComputedStyle(document.querySelector('.gw-sweep')).getPropertyValue('--gw-generated').trim()"""
    has_color = """color => { const probe = new OffscreenCanvas(1, 1).getContext('2d'); probe.fillStyle = color;
      probe.fillRect(0, 0, 1, 1); const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
      return [...document.querySelectorAll('.gw-sweep-picture')].every(canvas => {
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        for (let i = 0; i < data.length; i += 4) if (data[i] === r && data[i + 1] === g && data[i + 2] === b) {
          return canvas.width > 50; }
        return false; }); }"""
    before = page.evaluate(generated)
    lab.theme("Dark")
    page.wait_for_function("before => (" + generated + ")() !== before", arg=before)
    page.wait_for_function(has_color, arg=page.evaluate(generated))
