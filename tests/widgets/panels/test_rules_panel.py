import pytest
from traitlets import TraitError

import ganwidgets as gw


@pytest.fixture
def widget():
    made = gw.GANTrainerWidget("ring8", g_hidden=(8,), d_hidden=(8,), batch_size=16, locale="en")
    made.step(20)
    made.wait()
    yield made
    made.close()


def test_a_rule_is_created_rehearsed_armed_and_removed(widget):
    panel = widget._dashboard.rules
    n = len(widget.rules)
    panel.when.value, panel.relation.value, panel.bound.value = "loss_d", ">", 0.0
    panel.setting.value, panel.then.value = "lr_d", "/ 2"
    panel.add.click()
    rule = widget.rules[-1]
    assert (rule.name, rule.when, dict(rule.then)) == ("loss_d > 0: lr_d", "loss_d > 0", {"lr_d": "/ 2"})
    assert panel.chosen.value == rule.name
    shown = []
    panel._sentences.message.observe(lambda _: shown.append(panel._shown.value), names="value")
    panel.rehearse.click()
    widget._tasks.settle()
    assert "so far: 1." in panel._sentences.message.value
    assert shown == [panel._shown.value]  # the message appears after the list is updated
    assert panel._shown.value.count('class="gw-mark"') == 1
    assert widget.trainer.interventions == []
    panel.mode.value = "act"
    assert widget.autopilot == "act"
    widget.step(10)
    widget.wait()
    assert widget.lr_d == 1e-3
    assert widget.trainer.interventions[-1].author == "rule"
    panel.remove.click()
    assert len(widget.rules) == n
    assert rule.name not in panel.chosen.options


def test_an_invalid_rule_shows_an_error_and_changes_nothing(widget):
    panel, before = widget._dashboard.rules, widget.rules
    panel.when.value, panel.setting.value, panel.then.value = "collapse", "lr_d", "fast"
    panel.add.click()
    assert "lr_d" in panel._sentences.message.value
    assert widget.rules == before


def test_a_cell_and_the_panel_show_the_same_rules(widget):
    widget.rules = (gw.Rule("ease", when="loss_d > 5", then={"lr_d": "* 0.5"}),)
    widget.autopilot = "off"
    panel = widget._dashboard.rules
    assert (tuple(panel.chosen.options), panel.mode.value) == (("ease",), "off")


def test_the_duality_gap_is_measured_while_a_rule_uses_it(widget):
    metrics = next(panel for panel in widget._dashboard._panels if panel.name == "metrics")
    metrics.choice.value = "duality_gap"
    widget._publisher.flush(10)
    widget._tasks.settle()
    (found,) = [each for each in widget.trainer.history.evaluations if "duality_gap" in each]
    assert found["iteration"] == 20
    assert metrics._gap.curve().y == [found["duality_gap"]]


def test_a_remedy_is_offered_for_findings_only(widget):
    panel = widget._dashboard.rules
    assert panel.setting.value == "", "the best remedy of the finding"
    for condition in ("loss_d", "diverged"):
        panel.when.value = condition
        assert "" not in dict(panel.setting.options).values()
        panel.add.click()
        rule = widget.rules[-1]
        assert (str(rule.when).split()[0], dict(rule.then)) == (condition, {"lr_d": "* 0.5"})
    panel.setting.value = "lr_g"
    panel.when.value = "collapse"
    assert panel.setting.value == "lr_g", "what was chosen stays"
    panel.setting.value = ""
    panel.add.click()
    assert (widget.rules[-1].when, widget.rules[-1].then) == ("collapse", "remedy")


@pytest.mark.parametrize("wrong", [5, "calm", ["calm"]])
def test_invalid_rules_are_refused_with_a_remedy(widget, wrong):
    before = widget.rules
    with pytest.raises(TraitError, match=r"no rule.*gw\.Rule"):
        widget.rules = wrong
    assert widget.rules == before
    one = gw.Rule("ease", when="loss_d > 5", then={"lr_d": "* 0.5"})
    widget.rules = one
    assert widget.rules == (one,)
