"""Layout and labels of a sweep's cells: the browser's module, applied to a scene from the kernel."""

from __future__ import annotations

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
