"""Layout and labels of a sweep's cells: the browser's module, applied to a scene from the kernel."""

from __future__ import annotations

import itertools
from importlib.resources import files
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route

import ganwidgets as gw

WIDGETS = Path(str(files("ganwidgets.widgets")))

LAY_OUT = """async ({ scene, fold }) => {
  const { Results } = await import('/sweep/results.js');
  const { layGrid } = await import('/sweep/layouts.js');
  const words = { seed: 'seed', seeds: 'seeds {list}' };
  const results = new Results({ get: (name) => ({ scene, words, state: { statuses: [] } })[name] });
  const view = { fold, sort: 'given', filter: 'all' };
  results.arrange(view);
  const board = document.body.appendChild(document.createElement('div'));
  const { across, parts } = layGrid(board, results, view);
  return {
    across,
    axes: [...board.querySelectorAll('.gw-sweep-axis')].map((axis) => axis.textContent),
    runs: parts.map(({ cell }) => cell.runs),
    labels: parts.map(({ box }) => {
      const head = box.querySelector('.gw-sweep-head');
      return head.hidden ? [] : [...head.children].map((line) => line.textContent);
    }),
  };
}"""


@pytest.fixture
def lay_out(chromium: Browser):
    page = chromium.new_page()

    def answer(route: Route) -> None:
        name = route.request.url.removeprefix("http://widgets.test/")
        if name:
            route.fulfill(path=WIDGETS / name, content_type="text/javascript")
        else:
            route.fulfill(body="", content_type="text/html")

    def laid_out(fold=True, **asked):
        widget = gw.SweepWidget(gw.Sweep("ring8", g_hidden=(4,), d_hidden=(4,), **asked), locale="en")
        try:
            return page.evaluate(LAY_OUT, {"scene": widget._view.scene, "fold": fold})
        finally:
            widget.close()

    page.route("http://widgets.test/**", answer)
    page.goto("http://widgets.test/")
    laid_out.page = page
    yield laid_out
    page.close()


def test_a_grid_of_two_settings_has_axes(lay_out):
    laid = lay_out(lr_g=[1e-3, 2e-3], lr_d=[1e-3, 2e-3, 3e-3], seeds=2)
    assert laid["axes"] == ["0.001", "0.002", "0.003", "0.001", "0.002"]
    assert laid["across"] == 3
    assert laid["runs"] == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9], [10, 11]]
    assert laid["labels"] == [[]] * 6


CONFIGURATIONS = [
    {"lr_g": 1e-3, "lr_d": 1e-3},
    {"lr_g": 2e-3, "lr_d": 2e-3},
    {"lr_g": 1e-3, "lr_d": 2e-3},
    {"lr_g": 1e-3, "lr_d": 2e-3, "seed": 7},
]


def test_configurations_that_do_not_cross_are_a_list_with_their_settings(lay_out):
    laid = lay_out(fold=False, configurations=CONFIGURATIONS)
    assert laid["axes"] == []
    assert laid["runs"] == [[0], [1], [2], [3]]
    assert laid["labels"] == [
        ["lr_g 0.001", "lr_d 0.001", "seed 0"],
        ["lr_g 0.002", "lr_d 0.002", "seed 0"],
        ["lr_g 0.001", "lr_d 0.002", "seed 0"],
        ["lr_g 0.001", "lr_d 0.002", "seed 7"],
    ]
    assert lay_out(configurations=CONFIGURATIONS)["runs"] == [[0], [1], [2, 3]]


def test_random_draws_are_a_list_even_if_their_texts_are_equal(lay_out):
    close = gw.between(1e-3, 1.0000000001e-3)
    laid = lay_out(lr_g=close, lr_d=close, draws=4)
    assert laid["axes"] == []
    assert laid["runs"] == [[0], [1], [2], [3]]
    assert {tuple(lines) for lines in laid["labels"]} == {("lr_g 0.001", "lr_d 0.001", "seed 0")}


def test_curves_that_a_frame_does_not_bring_are_kept(lay_out):
    kept = lay_out.page.evaluate(
        """async () => {
          const { Results } = await import('/sweep/results.js');
          const results = new Results({ get: () => ({}) });
          const frame = (changed, ...losses) => {
            const curves = Object.assign(new Float32Array(losses), { shape: [changed.length, 2, 2] });
            results.renew({ changed: new Float32Array(changed), curves }, {});
          };
          frame([1, 0], 1, 2, 3, 4, 5, 6, 7, 8);
          const before = [0, 1].map((run) => results.curveVersion(run));
          frame([0], 9, 9, 9, 9);
          const again = [0, 1].map((run) => results.curveVersion(run) === before[run]);
          return [again, [...results.lossesOf(0, 1)], [...results.lossesOf(1, 0)], [...results.lossesOf(1, 1)]];
        }"""
    )
    assert kept == [[False, True], [9, 9], [1, 2], [3, 4]]


def test_axes_are_ordered_by_value_and_a_changed_run_leaves_a_place_empty(lay_out):
    sweep = gw.Sweep("ring8", lr_g=[2e-3, 1e-3], lr_d=[1e-3, 3e-3], g_hidden=(4,), d_hidden=(4,))
    widget = gw.SweepWidget(sweep, locale="en")
    sweep.change(0, lr_d=2e-3)
    widget._runner.call(widget._lay_out)
    laid = lay_out.page.evaluate(LAY_OUT, {"scene": widget._view.scene, "fold": True})
    widget.close()
    assert laid["axes"] == ["0.001", "0.002", "0.003", "0.001", "0.002"]
    assert laid["across"] == 3
    assert laid["runs"] == [[2], [3], [0], [1]]  # without a cell: (0.001, 0.002) and (0.002, 0.001)


RESULTS = """async ({ statuses, values, seeds }) => {
  const { Results, figure } = await import('/sweep/results.js');
  const runs = values.map((_, index) => ({ configuration: Math.floor(index / seeds) * seeds, settings: {}, numbers: {}, index }));
  const words = { diverged: 'diverged', stopped: 'stopped', some: '{n} of {all} {status}', mean: '{mean} ({low} to {high})' };
  const scene = { runs, varied: [], scale: { better: 'lower', floor: 0.1 } };
  const results = new Results({ get: (name) => ({ scene, words, state: { statuses } })[name] });
  results.frame = { values };
  results.arrange({ fold: true, sort: 'given', filter: 'all' });
  return {
    limits: results.limits().map(figure),
    figures: results.cells.map((cell) => results.figuresOf(cell)),
    ends: results.cells.map((cell) => results.endOf(cell)),
  };
}"""


def test_runs_that_diverged_neither_stretch_the_scale_nor_count_in_the_mean_of_their_seeds(lay_out):
    statuses = ["diverged", "diverged", "diverged", "running", "running", "stopped"]
    found = lay_out.page.evaluate(
        RESULTS, {"statuses": statuses, "values": [3e18, 5e11, 1e9, 0.4, 0.2, 0.3], "seeds": 2}
    )
    assert found["figures"] == ["\u2013", "0.400", "0.250 (0.200 to 0.300)"]
    assert found["ends"] == ["diverged", "1 of 2 diverged", "1 of 2 stopped"]
    assert found["limits"] == ["0.400", "0.100"]


def test_numbers_of_any_size_are_short(lay_out):
    found = lay_out.page.evaluate(
        "async () => { const { figure } = await import('/sweep/results.js');"
        " return [-283000000, 1.8e34, 12345, 99999, 99, 0.5, 0.0001, NaN].map(figure); }"
    )
    assert found == ["\u22122.8e8", "1.8e34", "12300", "100000", "99.0", "0.500", "0.0001", "\u2013"]


ACTIONS = """async ({ scene, runs, setting, value }) => {
  const { showActions } = await import('/sweep/actions.js');
  const words = new Proxy({ one_run: '1 run selected', runs: '{n} runs selected' }, { get: (t, name) => t[name] ?? name });
  const el = document.body.appendChild(document.createElement('div'));
  const sent = [];
  const view = { setting, value: '' };
  showActions(el, runs, runs[0], { scene, words }, view, (act, rest) => sent.push([act, rest]), () => {});
  const input = el.querySelector('.gw-sweep-value');
  const hints = [input.tagName, input.placeholder ?? '', input.value];
  input.value = value;
  input.dispatchEvent(new Event('input'));
  el.querySelector('.gw-sweep-apply').click();
  return { count: el.querySelector('strong').textContent, hints, sent };
}"""


def test_the_actions_offer_choices_and_show_the_values_in_force(lay_out):
    widget = gw.SweepWidget(gw.Sweep("ring8", lr_d=[1e-3, 2e-3], g_hidden=(4,), d_hidden=(4,)), locale="en")
    scene = widget._view.scene
    widget.close()

    def acted(runs, setting, value):
        return lay_out.page.evaluate(
            ACTIONS, {"scene": scene, "runs": runs, "setting": setting, "value": value}
        )

    one = acted([1], "loss", "hinge")
    assert one["count"] == "1 run selected"
    assert one["hints"] == ["SELECT", "", "non_saturating"]
    assert one["sent"] == [["change", {"runs": [1], "setting": "loss", "value": "hinge"}]]
    both = acted([0, 1], "lr_d", "0.003")
    assert both["count"] == "2 runs selected"
    assert both["hints"] == ["INPUT", "0.001, 0.002", ""]
    assert both["sent"] == [["change", {"runs": [0, 1], "setting": "lr_d", "value": "0.003"}]]
    assert acted([0], "batch_size", "")["hints"][1] == "150"


PARALLEL = """async () => {
  const { Results } = await import('/sweep/results.js');
  const { drawParallel } = await import('/sweep/parallel.js');
  const runs = [1e-3, 2e-3, 3e-3].map((lr_d, index) => (
    { configuration: index, settings: { lr_d: String(lr_d) }, numbers: { lr_d }, index, seed: 0 }
  ));
  const scene = { runs, varied: [['lr_d', 'Rate']], log: [], metric: 'm', metrics: [['m', 'Metric']], scale: { better: 'lower' } };
  const words = { diverged: 'diverged', seed: 'seed' };
  const statuses = ['running', 'diverged', 'running'];
  const results = new Results({ get: (name) => ({ scene, words, state: { statuses } })[name] });
  results.frame = { values: [0.5, 1e9, 0.25] };
  results.arrange({ fold: true, sort: 'given', filter: 'all' });
  const svg = document.body.appendChild(document.createElementNS('http://www.w3.org/2000/svg', 'svg'));
  const chosen = [];
  drawParallel(svg, results, results.limits(), () => false, (cell) => chosen.push(cell.key));
  const lines = [...svg.querySelectorAll('.gw-sweep-path')];
  lines[2].dispatchEvent(new MouseEvent('click'));
  lines[1].dispatchEvent(new KeyboardEvent('keydown', { key: ' ' }));
  return {
    chosen,
    lines: lines.map((line) => {
      const drawn = line.querySelector('path');
      return [drawn.getAttribute('d').split('L').length, drawn.getAttribute('stroke'), line.textContent];
    }),
  };
}"""


def test_the_line_of_a_diverged_run_ends_before_the_metric(lay_out):
    found = lay_out.page.evaluate(PARALLEL)
    lines = found["lines"]
    assert [points for points, _, _ in lines] == [2, 1, 2]
    assert lines[1][1] == "var(--gw-border)"
    assert lines[1][2].endswith("diverged")
    assert found["chosen"] == [2, 1]  # by a click, and by a key


def test_labels_of_parallel_axes_have_room(lay_out):
    sweep = gw.Sweep("ring8", lr_d=gw.between(1e-4, 1e-2), draws=40, g_hidden=(4,), d_hidden=(4,))
    widget = gw.SweepWidget(sweep, locale="en")
    scene = widget._view.scene
    widget.close()
    places = lay_out.page.evaluate(
        """async (scene) => {
          const { Results } = await import('/sweep/results.js');
          const { drawParallel } = await import('/sweep/parallel.js');
          const results = new Results({ get: (name) => ({ scene, words: {}, state: { statuses: [] } })[name] });
          results.frame = { values: scene.runs.map((run) => run.index) };
          results.arrange({ fold: true, sort: 'given', filter: 'all' });
          const svg = document.body.appendChild(document.createElementNS('http://www.w3.org/2000/svg', 'svg'));
          drawParallel(svg, results, [40, 0], () => false, () => {});
          const labels = [...svg.querySelectorAll('text[x="82"]')];
          return labels.map((label) => Number(label.getAttribute('y'))).sort((a, b) => a - b);
        }""",
        scene,
    )
    assert (places[0], places[-1]) == (44, 264)  # the ends of the axis
    assert 5 < len(places) < 16
    assert min(b - a for a, b in itertools.pairwise(places)) >= 15
