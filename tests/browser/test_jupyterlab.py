"""The widget in JupyterLab: panels, updates, controls, and messages."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from notebook_page import NotebookPage, PageErrors
from servers import Server
from trainer_view import SMALL, TrainerView, show

# Colours of text and of the first opaque background behind it, for each visible element with its own text.
CONTRASTS = """root => {
  const channels = text => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const luminance = ([r, g, b]) => {
    const [R, G, B] = [r, g, b].map(c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * R + 0.7152 * G + 0.0722 * B;
  };
  const behind = element => {
    for (; element; element = element.parentElement) {
      const color = channels(getComputedStyle(element).backgroundColor);
      if (color.length >= 3 && (color.length === 3 || color[3] > 0.99)) return color;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const element of root.querySelectorAll('*')) {
    const text = [...element.childNodes].filter(n => n.nodeType === 3).map(n => n.data.trim()).join('');
    const box = element.getBoundingClientRect();
    if (!text || box.width * box.height === 0 || element.closest('style, script, option, [disabled]')) continue;
    const style = getComputedStyle(element);
    if (style.visibility === 'hidden' || Number(style.opacity) === 0) continue;
    const color = channels(element.namespaceURI.endsWith('svg') ? style.fill : style.color);
    const [light, dark] = [luminance(color), luminance(behind(element))].sort((a, b) => b - a);
    found.push({ text, contrast: (light + 0.05) / (dark + 0.05) });
  }
  return found;
}"""

# The elements that extend beyond the widget's right edge.
OVERFLOW = """root => {
  const edge = root.getBoundingClientRect().right + 1;
  const wide = [...root.querySelectorAll('*')].filter(element => {
    const box = element.getBoundingClientRect();
    return box.width > 0 && box.height > 0 && box.right > edge && !element.closest('svg');
  });
  if (root.scrollWidth > root.clientWidth + 1) wide.push(root);
  return wide.map(element => `${element.tagName} ${element.className}`);
}"""

# Truncated texts: in labels and buttons, and the selected entries of lists.
CUT = """root => {
  const pen = document.createElement('canvas').getContext('2d');
  const cut = [...root.querySelectorAll('*')].filter(element => {
    if (!element.checkVisibility() || element.clientWidth === 0 || element.closest('.gw-spoken')) return false;
    const style = getComputedStyle(element);
    if (element.tagName === 'SELECT') {
      pen.font = style.font;
      const arrow = 18;
      return pen.measureText(element.selectedOptions[0]?.label ?? '').width > element.clientWidth - arrow;
    }
    const words = element.innerText?.trim();
    return words && style.overflowX !== 'visible' && element.scrollWidth > element.clientWidth + 1;
  });
  return cut.map(element => `${element.className}: ${element.selectedOptions?.[0]?.label ?? element.innerText}`);
}"""

# Entries of a list that its box would truncate if they were selected.
CUT_CHOICES = """list => {
  const pen = document.createElement('canvas').getContext('2d');
  pen.font = getComputedStyle(list).font;
  const arrow = 18;
  const cut = [...list.options].filter(each => pen.measureText(each.label).width > list.clientWidth - arrow);
  return cut.map(each => each.label);
}"""

ROWS = "line => new Set([...line.children].filter(cell => cell.offsetWidth).map(cell => cell.getBoundingClientRect().bottom)).size"


@pytest.fixture(scope="module")
def notebook(jupyterlab: NotebookPage, server: Server) -> Iterator[NotebookPage]:
    """A notebook whose kernel these tests share, because importing torch takes long."""
    jupyterlab.open(server.write_notebook("shared.ipynb"))
    yield jupyterlab
    jupyterlab.close()
    server.stop_kernels()


@pytest.fixture
def lab(notebook: NotebookPage, page_errors: PageErrors) -> Iterator[NotebookPage]:  # noqa: ARG001 - checked afterwards
    """The shared notebook, without cells, widgets and names."""
    yield notebook
    notebook.empty()


@pytest.fixture
def view(lab: NotebookPage) -> TrainerView:
    return show(lab)


def test_every_panel_appears(view):
    for panel in ("plane", "curves", "metrics", "status"):
        expect(view.panel(panel).first).to_be_visible()


def test_images_appear_as_a_grid(lab):
    view = show(lab, f"import ganwidgets as gw; w = gw.GANTrainerWidget('digits', {SMALL}); w")
    expect(view.panel("samples").first).to_be_visible()
    with view.repainted("samples"):
        view.button("step").click()
    # The map of samples, on demand: a point shows its image, even if its key was pressed before the first
    # picture.
    view.panel("map-toggle").click()
    # Sent to the map itself, because after a click JupyterLab may take the focus and the key.
    view.panel("map").locator("canvas.gw-points").dispatch_event("keydown", {"key": "ArrowRight"})
    expect(view.panel("map").locator("canvas.gw-thumbnail")).to_be_visible()


def test_pictures_change_during_training(lab, view):
    with view.repainted("plane"):
        view.button("play").click()
    view.wait_for_iteration_after(lab.value_of("w.iteration"))
    view.wait_for_repaint("plane")
    view.button("pause").click()
    lab.wait_until("not w.playing")


def test_pictures_and_controls_work_while_the_next_cell_waits(lab):
    if not lab.value_of("__import__('ipykernel').version_info >= (7, 1)"):
        pytest.skip("this ipykernel has no subshells, so that nothing reaches it while a cell runs")
    lab.run(f"import ganwidgets as gw; w = gw.GANTrainerWidget('ring8', {SMALL}); w.play()")
    # As when all cells are run: the kernel blocks before the page has shown the widget.
    showing, waiting = lab.start_together("w", "w.wait(); print('paused')")
    view = TrainerView(lab.cell(showing))
    view.wait_for_iteration_after(0)
    view.wait_for_repaint("plane")
    view.number("lr_d").fill("0.0002")
    view.number("lr_d").press("Enter")
    view.button("pause").click()
    assert lab.finish(waiting) == "paused"
    assert lab.value_of("w.trainer.settings.lr_d") == 2e-4


class TestControls:
    def test_a_typed_number_reaches_the_trainer(self, lab, view):
        view.number("lr_d").fill("0.0002")
        view.number("lr_d").press("Enter")
        lab.wait_until("w.trainer.settings.lr_d == 2e-4 and w.lr_d == 2e-4")

    def test_the_slider_follows_the_keyboard(self, lab, view):
        before = lab.value_of("w.lr_d")
        view.handle("lr_d").press("ArrowRight")
        lab.wait_until(f"w.trainer.settings.lr_d > {before}")
        expect(view.number("lr_d")).not_to_have_value(str(before))

    def test_the_slider_follows_the_mouse_during_training(self, lab, view):
        before = lab.value_of("w.lr_d")
        view.button("play").click()
        view.handle("lr_d").drag_to(
            view.root.locator(".gw-lr_d .noUi-connects"), target_position={"x": 2, "y": 2}
        )
        lab.wait_until(f"w.trainer.settings.lr_d < {before}")
        assert lab.value_of("w.playing")

    def test_a_cell_moves_the_controls(self, lab, view):
        handle = view.handle("lr_d").element_handle()
        place = "handle => handle.getBoundingClientRect().x"
        before = handle.evaluate(place)
        lab.run("w.lr_d = 2e-4")
        expect(view.number("lr_d")).to_have_value(re.compile(r"^(0\.0002|2e-0?4)$"))
        lab.page.wait_for_function(f"([handle, before]) => ({place})(handle) < before", arg=[handle, before])

    def test_neither_a_cell_nor_the_slider_undoes_the_newer_assignment(self, lab, view):
        write, last = "for i in range(200): w.lr_d = 1e-4 * (1 + i % 37)", 1e-4 * (1 + 199 % 37)
        by_hand = "len([r for r in w.trainer.interventions if (r.setting, r.author) == ('lr_d', 'user')])"
        view.button("play").click()
        lab.run(write)
        lab.wait_until(f"w.trainer.settings.lr_d == w.lr_d == {last}")
        expect(view.number("lr_d")).to_have_value(f"{last:g}")
        view.handle("lr_g").press("Home")  # any echo from the page would have arrived before this
        lab.wait_until("w.trainer.settings.lr_g == w._dashboard.controls.controls['lr_g'].editor.values[0]")
        assert lab.value_of(by_hand) == 0
        assert lab.value_of("w.trainer.settings.lr_d") == last
        cell = lab.start(write)
        for _ in range(20):
            view.handle("lr_d").press("ArrowRight")
        lab.finish(cell)
        view.handle("lr_d").press("End")
        lab.wait_until(
            "w.trainer.settings.lr_d == w.lr_d == w._dashboard.controls.controls['lr_d'].editor.values[-1]"
        )
        assert 1 <= lab.value_of(by_hand) <= 21
        expect(view.number("lr_d")).to_have_value(f"{lab.value_of('w.lr_d'):g}")
        view.button("pause").click()
        lab.wait_until("not w.playing")
        assert lab.value_of("w.trainer.settings.lr_d == w.lr_d")

    def test_a_number_out_of_bounds_is_refused_and_the_run_unchanged(self, lab, view):
        view.number("lr_d").fill("99")
        view.number("lr_d").press("Enter")
        expect(view.root.locator(".gw-lr_d [role=alert]")).to_contain_text("a number from 0 to 10")
        expect(view.number("lr_d")).not_to_have_value("99")
        assert lab.value_of("w.lr_d == w.trainer.settings.lr_d <= 10")

    def test_a_screen_reader_says_a_sliders_value(self, lab, view):
        lab.run("w.lr_d = 2e-4")
        expect(view.handle("lr_d")).to_have_attribute("aria-valuetext", "0.0002")
        view.handle("lr_d").press("Home")
        expect(view.handle("lr_d")).to_have_attribute("aria-valuetext", "1e-05")
        expect(view.handle("weight_decay")).to_have_attribute("aria-valuetext", "off")

    def test_buttons(self, lab, view):
        lab.execute(
            "import torch\n"
            "def weights(): return [sum(p.detach().double().sum().item() for p in network.parameters())"
            " for network in (w.trainer.generator, w.trainer.discriminator)]"
        )
        lab.execute("before = weights()")
        view.button("step_d").click()
        lab.wait_until("weights()[1] != before[1]")
        assert lab.value_of("weights()[0] == before[0] and w.iteration == 0")
        lab.execute("before = weights()")
        view.button("step_g").click()
        lab.wait_until("weights()[0] != before[0]")
        assert lab.value_of("weights()[1] == before[1] and w.iteration == 0")
        view.button("step").click()
        lab.wait_until("w.iteration == 1")
        view.wait_for_iteration_after(0)
        view.button("play").click()
        lab.wait_until("w.playing and w.iteration > 5")
        view.button("pause").click()
        lab.wait_until("not w.playing and w.status == 'paused'")
        view.button("reset").click()
        lab.wait_until("w.iteration == 0")

    def test_quick_clicks_are_not_lost(self, lab, view):
        """Play and Pause accept a click before the kernel has answered the previous one."""
        clicks = "(root, names) => names.forEach(name => root.querySelector(`button.gw-${name}`).click())"
        view.root.evaluate(clicks, ["play", "pause", "play"])
        lab.wait_until("w.playing and w.iteration > 0")
        view.root.evaluate(clicks, ["pause", "play", "pause"])
        lab.wait_until("not w.playing and w.status == 'paused'")

    def test_every_button_and_box_has_a_name(self, view):
        nameless = re.findall(
            r"- (?:button|spinbutton|textbox|combobox|checkbox)(?:: .*)?$",
            view.root.aria_snapshot(),
            re.MULTILINE,
        )
        assert nameless == []


@pytest.mark.usefixtures("view")
def test_a_second_widget_on_the_same_trainer_follows(lab):
    second = show(lab, "w2 = gw.GANTrainerWidget(w.trainer); w2")
    lab.execute("w.lr_d = 2e-4")
    expect(second.number("lr_d")).to_have_value(re.compile(r"^(0\.0002|2e-0?4)$"))
    second.button("play").click()
    lab.wait_until("w.playing and w2.playing")
    second.wait_for_iteration_after(5)
    second.button("pause").click()
    lab.wait_until("w.status == 'paused' and w2.status == 'paused' and w.iteration == w2.iteration")


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_text_is_legible(lab, view, theme):
    lab.theme(theme)
    view.button("step").click()
    view.wait_for_iteration_after(0)
    found = view.root.evaluate(CONTRASTS)
    assert len(found) > 20
    assert [entry for entry in found if entry["contrast"] < 4.5] == []


def test_six_hundred_pixels_are_enough(lab, view):
    lab.page.set_viewport_size({"width": 600, "height": 900})
    view.button("step").click()
    view.wait_for_iteration_after(0)
    lab.page.wait_for_function("innerWidth === 600")
    assert view.root.evaluate(OVERFLOW) == []


def test_no_label_is_cut_off_in_either_language(lab, view):
    french = show(lab, f"f = gw.GANTrainerWidget('ring8', locale='fr', {SMALL}); f")
    for shown in (view, french):
        shown.button("step").click()
        shown.wait_for_iteration_after(0)
        for tab in shown.panel("tabs").locator(".lm-TabBar-tab").all():
            tab.click()
            assert shown.root.evaluate(CUT) == []
        assert shown.panel("status-line").evaluate(ROWS) == 1
        assert shown.panel("transport").evaluate(ROWS) == 1


@pytest.mark.parametrize("width", [1000, 700])
def test_every_name_of_data_has_room_in_its_list(lab, view, width):
    lab.page.set_viewport_size({"width": width, "height": 900})
    french = show(lab, f"f = gw.GANTrainerWidget('ring8', locale='fr', {SMALL}); f")
    for shown in (view, french):
        assert shown.root.locator(".gw-at-data select").evaluate(CUT_CHOICES) == []


def test_a_learning_rate_that_is_too_high_is_reported(lab):
    view = show(
        lab,
        "import ganwidgets as gw; w = gw.GANTrainerWidget('ring8', loss='wasserstein', optimizer_d='sgd',"
        f" optimizer_g='sgd', lr_d=10, lr_g=10, {SMALL}); w",
    )
    view.button("play").click()
    lab.wait_until("w.status == 'diverged'")
    expect(view.panel("status").first).to_contain_text(lab.value_of("w.error"))
    expect(view.button("recover")).to_be_visible()
    lab.execute("w.lr_d = w.lr_g = 1e-4")
    view.button("reset").click()
    lab.wait_until("w.status in ('idle', 'paused') and w.error == ''")
    view.button("play").click()
    lab.wait_until("w.status == 'running' and w.iteration > 5")


FRAGILE = f"""
import torch
import ganwidgets as gw

class Fragile(torch.nn.Linear):
    fault = 1.0

    def forward(self, x):
        return super().forward(x) * self.fault

fragile = Fragile(2, 1)
w = gw.GANTrainerWidget('ring8', discriminator=fragile, {SMALL})
w
"""


def test_one_click_leads_back_to_the_last_good_state(lab):
    view = show(lab, FRAGILE)
    view.button("play").click()
    view.wait_for_iteration_after(3)
    lab.execute("fragile.fault = float('nan')")
    lab.wait_until("w.status == 'diverged'")
    trouble = view.root.get_by_role("alert")
    expect(trouble).to_be_visible()
    lab.execute("fragile.fault = 1.0")
    view.button("recover").click()
    expect(trouble).to_have_count(0)
    lab.wait_until("w.status == 'paused' and w.error == ''")
    seen = lab.value_of("w.iteration")
    view.button("play").click()
    lab.wait_until(f"w.status == 'running' and w.iteration > {seen}")


def test_a_closed_widget_causes_no_page_errors(lab, view):
    view.button("play").click()
    view.wait_for_iteration_after(0)
    lab.run("w.close()")
    expect(view.panel("plane")).to_have_count(0)
