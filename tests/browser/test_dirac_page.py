"""The Dirac-GAN widget in JupyterLab."""

from __future__ import annotations


def test_a_click_and_the_keys_move_the_start_and_a_control_changes_the_game(lab):
    lab.run("import ganwidgets as gw; w = gw.DiracWidget(locale='en')")
    lab.run("w")
    page = lab.page
    plane = page.locator(".gw-dirac-plane")
    plane.locator(".gw-dirac-start").wait_for()
    verdicts = page.locator(".gw-dirac-verdicts")
    assert "It circles." in verdicts.inner_text()

    box = plane.bounding_box()
    # The plane from -2.2 to 2.2 extends from 44 to 388 of 400 units horizontally, from 12 to 360 vertically.
    unit = box["width"] / 400
    page.mouse.click(box["x"] + unit * (44 + 344 * 0.75), box["y"] + unit * (12 + 348 * 0.25))
    lab.wait_until("abs(w.theta - 1.1) < 0.03 and abs(w.psi - 1.1) < 0.03")

    plane.press("ArrowLeft")
    lab.wait_until("abs(w.theta - 1.0) < 0.03")

    page.locator(".gw-penalty select").select_option("R1, at real samples")
    lab.wait_until("w.penalty == 'r1'")
    verdicts.get_by_text("It gets there.").wait_for()

    # With reduced motion the end of the run is shown at once; otherwise the mark moves towards it.
    page.emulate_media(reduced_motion="reduce")
    mark = plane.locator(".gw-dirac-mover")
    end = mark.get_attribute("transform")
    page.emulate_media(reduced_motion="no-preference")
    page.locator(".gw-dirac-play").click()
    page.wait_for_function(
        "end => document.querySelector('.gw-dirac-mover').getAttribute('transform') !== end", arg=end
    )
    page.emulate_media(reduced_motion="reduce")
    page.locator(".gw-dirac-play").click()
    assert mark.get_attribute("transform") == end
