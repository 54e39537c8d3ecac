"""Time travel in JupyterLab: by the slider, by the tree of branches, and after a reload."""

from __future__ import annotations

from playwright.sync_api import expect

from trainer_view import SMALL, TrainerView, show

RUN = f"""
import ganwidgets as gw
t = gw.GANTrainer('ring8', {SMALL})
t.step(150)
t.change('<b>faster</b>', lr_g=2e-3)
t.step(50)
hashes = {{}}
w = gw.GANTrainerWidget(t)
w
"""


def test_going_back_by_the_slider_and_continuing_there(lab):
    view = show(lab, RUN)
    scrubber = view.panel("scrubber").get_by_role("slider")
    expect(view.panel("timeline").first).to_contain_text("iteration 200 of 200")
    assert view.number("lr_g").input_value() == "0.002"
    with view.repainted("plane"):
        scrubber.press("Home")
    lab.wait_until("w.iteration == 0 and not t.timeline.at_tip")
    expect(view.number("lr_g")).to_have_value("0.0005")
    expect(view.panel("timeline").first).to_contain_text("in the past")
    for _ in range(3):
        scrubber.press("PageUp")
    there = int(float(scrubber.get_attribute("aria-valuenow")))
    assert there > 0
    lab.wait_until(f"w.iteration == t.iteration == {there}")

    view.button("continue").click()
    lab.wait_until(f"w.playing and w.iteration > {there + 5}")
    view.button("pause").click()
    lab.wait_until("w.status == 'paused'")
    assert lab.value_of("list(t.timeline.branches)") == ["main", "branch 2"]
    assert lab.value_of("t.timeline.branch") == "branch 2"
    tree = view.panel("tree")
    expect(tree.locator("button.gw-limb")).to_have_count(2)

    tree.locator("[data-gw-go='switch:main']").click()
    lab.wait_until("w.iteration == 200 and t.timeline.branch == 'main'")
    expect(view.number("lr_g")).to_have_value("0.002")


def test_a_change_is_marked_and_undone_by_a_click(lab):
    view = show(lab, RUN)
    mark = view.panel("tree").locator("button.gw-mark")
    expect(mark).to_have_count(1)
    title = mark.get_attribute("title")
    assert "0.0005 → 0.002" in title
    assert "<b>faster</b>" in title
    mark.click()
    lab.wait_until("w.iteration == 150 and t.settings.lr_g == 5e-4")
    expect(view.number("lr_g")).to_have_value("0.0005")


def test_a_branch_gets_its_name_and_is_compared_and_a_wrong_name_is_refused(lab):
    view = show(lab, RUN)
    name, new = view.root.locator(".gw-branch-name input"), view.button("fork")
    name.fill("calm <i>water</i>")
    name.press("Tab")
    new.click()
    lab.wait_until("t.timeline.branch == 'calm <i>water</i>'")
    expect(view.panel("tree")).to_contain_text("calm <i>water</i>")
    new.click()
    expect(view.panel("timeline").first).to_contain_text("cannot be named")
    view.root.locator(".gw-compare select").select_option("main")
    lab.wait_until("w._camera.request.compared == 'main'")


def test_branches_are_shown_after_a_reload(lab):
    index = lab.start(RUN)
    lab.finish(index)
    lab.execute("t.timeline.goto(100); t.timeline.fork('second'); t.step(10); w.wait()")
    lab.save()
    lab.reload()
    view = TrainerView(lab.page.locator(".jp-OutputArea-output:has(.gw-root)").first)
    expect(view.panel("tree").locator("button.gw-limb")).to_have_count(2)
    expect(view.panel("timeline").first).to_contain_text("iteration 110 of 110")
    view.panel("tree").locator("[data-gw-go='switch:main']").click()
    lab.wait_until("w.iteration == 200")


def test_after_a_kernel_restart_the_stored_run_is_opened_continued_and_verified(lab, tmp_path):
    folder = str(tmp_path / "run")
    view = show(lab, f"import ganwidgets as gw; w = gw.GANTrainerWidget('ring8', run={folder!r}, {SMALL}); w")
    view.button("play").click()
    lab.wait_until("w.iteration > 200")
    view.button("pause").click()
    lab.wait_until("w.status == 'paused'")
    stood = lab.value_of("[w.iteration, w.trainer.state_hash()]")
    view.button("play").click()
    lab.wait_until(f"w.iteration > {stood[0] + 100}")
    lab.page.evaluate("harness.kernel().restart()")
    lab.wait_until_ready()

    view = show(lab, f"import ganwidgets as gw; w = gw.GANTrainerWidget(gw.open_run({folder!r})); w")
    reached = lab.value_of("w.iteration")
    assert reached >= stood[0]
    lab.execute(f"w.trainer.timeline.goto({stood[0]})")
    assert lab.value_of("w.trainer.state_hash()") == stood[1]
    view.panel("tree").locator("[data-gw-go='switch:main']").click()
    lab.wait_until(f"w.iteration == {reached}")
    view.button("play").click()
    lab.wait_until(f"w.iteration > {reached + 50}")
    view.button("pause").click()
    lab.wait_until("w.status == 'paused'")
    view.button("verify").click()
    expect(view.panel("timeline").first).to_contain_text("the same, bit for bit")
