"""The user's own data on a page: drawn by pointer events, erased, pasted, and used for training."""

from __future__ import annotations

from playwright.sync_api import expect

from notebook_page import NotebookPage
from trainer_view import SMALL, show

SOURCE = f"import ganwidgets as gw; w = gw.GANTrainerWidget('gaussians', {SMALL}); w"
BELOW = "bool((panel._ready['drawing'].samples[:, 1] < 0).any())"


def test_drawing_pasting_and_training_on_it(lab: NotebookPage):
    view = show(lab, SOURCE)
    lab.execute("w.step(3); w.wait(); panel = w._dashboard.own_data")
    view.root.get_by_role("tab", name="Fresh start").click()
    board, mouse = view.panel("board"), view.page.mouse
    board.scroll_into_view_if_needed()

    def drag(*places, steps=8):
        box = board.bounding_box()
        across, down = (
            [side * each[axis] + box["xy"[axis]] for each in places]
            for axis, side in enumerate((box["width"], box["height"]))
        )
        mouse.move(across[0], down[0])
        mouse.down()
        for x, y in zip(across[1:], down[1:], strict=True):
            mouse.move(x, y, steps=steps)
        mouse.up()

    # A quick and a slow stroke of the same length give equal numbers of points.
    drag((0.2, 0.3), (0.8, 0.3), steps=2)
    drag((0.2, 0.7), (0.8, 0.7), steps=30)
    lab.wait_until(f"len(panel.strokes) == 2 and panel._ready['drawing'] is not None and {BELOW}")
    upper = lab.value_of("float((panel._ready['drawing'].samples[:, 1] > 0).float().mean())")
    assert 0.45 < upper < 0.55
    message = view.panel("own-message").first
    expect(message).to_contain_text("4000 points")

    # Erase across, undo that, clear, undo that.
    view.button("erase").click()
    drag((0.5, 0.1), (0.5, 0.9))
    lab.wait_until("len(panel.strokes) == 3 and panel.strokes[2][0]")
    lab.wait_until("panel._ready['drawing'].samples[:, 0].abs().min() > .05")
    view.button("undo-stroke").click()
    lab.wait_until("len(panel.strokes) == 2")
    view.button("clear").click()
    lab.wait_until("panel.strokes == []")
    expect(view.button("train-drawing")).to_be_disabled()
    view.button("undo-stroke").click()
    lab.wait_until("len(panel.strokes) == 2")

    # A dab of another size, by keyboard.
    view.panel("brush").locator("input").fill("0.2")
    board.focus()
    for key in ("e", "ArrowUp", "Space"):
        view.page.keyboard.press(key)
    lab.wait_until("len(panel.strokes) == 3 and not panel.strokes[2][0] and panel.strokes[2][1] == .2")

    expect(view.panel("own-consequence")).to_contain_text("new branch")
    view.button("train-drawing").click()
    lab.wait_until("w.trainer.source.size == 4000 and w.iteration == 0")
    assert lab.value_of("len(w.trainer.timeline.branches)") == 2
    lab.execute("w.step(2); w.wait()")
    assert lab.value_of("w.iteration") == 2

    # Pasted text: the error names the wrong line; the corrected text is used for training.
    area = view.panel("paste")
    area.fill("x,y\n0.1,0.2\n0.3,oops")
    expect(view.panel("own-read")).to_contain_text("line 3")
    expect(view.button("train-points")).to_be_disabled()
    area.fill("\n".join(f"{i / 10},{-i / 10}" for i in range(12)))
    expect(view.panel("own-read")).to_contain_text("12 points of 2 coordinates")
    view.button("train-points").click()
    lab.wait_until("w.trainer.source.size == 12 and w.batch_size == 12")

    # A file is read like text.
    view.panel("file").set_input_files(
        {"name": "points.csv", "mimeType": "text/csv", "buffer": b"a;b\n0,5;1\n1;2"}
    )
    expect(view.panel("own-read")).to_contain_text("2 points of 2 coordinates")
