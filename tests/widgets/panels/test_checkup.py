"""The health panel diagnoses a training run at intervals and a paused run at once."""

from __future__ import annotations

import ganwidgets as gw
from ganwidgets import GANTrainer
from ganwidgets.live import Runner
from ganwidgets.widgets.panels.health.checkup import Checkup


def test_a_run_that_pauses_is_diagnosed_although_the_last_report_is_recent():
    ticks = iter(range(100))  # Each call of the clock is a second later, so a report takes long.
    trainer = GANTrainer("ring8", batch_size=8, g_hidden=(8,), d_hidden=(8,))
    trainer.step(20)
    runner = Runner(trainer)
    try:
        checkup = Checkup(runner, clock=lambda: float(next(ticks)))
        report = checkup.report()
        assert report.iteration == 20
        assert not checkup.due(20, 0, "paused"), "nothing has moved"
        assert not checkup.due(40, 0, "running")
        assert checkup.due(40, 0, "paused")
    finally:
        runner.close()


def test_before_the_first_step_only_settings_without_effect_are_found():
    runner = Runner(GANTrainer("ring8", penalty_weight=5, g_hidden=(8,), d_hidden=(8,)))
    try:
        checkup = Checkup(runner)
        checkup.rules = (gw.Rule("all", when=lambda seen: True, then={"lr_d": "* 0.5"}),)
        report = checkup.report()
        assert [finding.symptom for finding in report.findings] == ["no_effect"]
        assert not report.advice
    finally:
        runner.close()
