import copy
import math
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from ganwidgets.optimizers import (
    functional_update,
    learning_rate,
    make_optimizer,
    optimizer_state,
    set_hyperparameters,
)
from ganwidgets.settings import SETTINGS, Settings
from ganwidgets.stepping.descent import ParameterUpdate

NAMES = list(SETTINGS["optimizer_d"].choices)

# The same rules in torch's plainest implementation: one parameter and one operation at a time.
PLAIN = {"foreach": False, "fused": False}
REFERENCES = {
    "sgd": lambda p, s, lr: torch.optim.SGD(p, lr=lr, weight_decay=s.weight_decay, **PLAIN),
    "momentum": lambda p, s, lr: torch.optim.SGD(
        p, lr=lr, momentum=s.beta1, weight_decay=s.weight_decay, **PLAIN
    ),
    "rmsprop": lambda p, s, lr: torch.optim.RMSprop(
        p, lr=lr, alpha=s.beta2, weight_decay=s.weight_decay, foreach=False
    ),
    "adam": lambda p, s, lr: torch.optim.Adam(
        p, lr=lr, betas=(s.beta1, s.beta2), weight_decay=s.weight_decay, **PLAIN
    ),
    "adamw": lambda p, s, lr: torch.optim.AdamW(
        p, lr=lr, betas=(s.beta1, s.beta2), weight_decay=s.weight_decay, **PLAIN
    ),
}


class Problem:
    """A few parameters, and gradients that are functions of the parameters and a number."""

    def __init__(self, dtype: torch.dtype = torch.float32) -> None:
        generator = torch.Generator().manual_seed(1)
        self.parameters = [
            nn.Parameter(torch.randn(shape, generator=generator, dtype=dtype)) for shape in ((16, 2), (16,))
        ]

    def slope(self, step: int) -> None:
        for i, parameter in enumerate(self.parameters):
            parameter.grad = (parameter.detach() + step + i).sin()

    def run(self, optimizer: torch.optim.Optimizer, steps: range) -> list[torch.Tensor]:
        for step in steps:
            self.slope(step)
            optimizer.step()
        return self.values()

    def values(self) -> list[torch.Tensor]:
        return [parameter.detach().clone() for parameter in self.parameters]


def made(
    name: str, problem: Problem, settings: Settings | None = None, lr: float = 0.01
) -> torch.optim.Optimizer:
    settings = settings or Settings()
    optimizer = make_optimizer(name, problem.parameters, settings)
    set_hyperparameters(optimizer, name, settings, lr)
    return optimizer


def equal(a: list[torch.Tensor], b: list[torch.Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def memory(optimizer: torch.optim.Optimizer) -> list[torch.Tensor]:
    return [v.clone() for state in optimizer.state.values() for v in state.values() if v is not None]


def test_every_optimizer_choice_is_tested_here():
    assert set(REFERENCES) == set(NAMES)
    with pytest.raises(ValueError, match="adamw"):
        make_optimizer("adagrad", Problem().parameters, Settings())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_updates_equal_torch_optims(name, weight_decay):
    settings = Settings(beta1=0.6, beta2=0.95, weight_decay=weight_decay)
    ours, reference = Problem(torch.float64), Problem(torch.float64)
    result = ours.run(made(name, ours, settings), range(30))
    expected = reference.run(REFERENCES[name](reference.parameters, settings, 0.01), range(30))
    torch.testing.assert_close(result, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.skipif(
    torch.__version__ < "2.7", reason="the fused rules of torch 2.6 fail while another thread compiles"
)
@pytest.mark.parametrize("name", NAMES)
def test_bits_do_not_depend_on_a_thread_that_compiles(name, monkeypatch):
    settings = Settings(weight_decay=0.01)
    quiet = Problem()
    expected = quiet.run(made(name, quiet, settings), range(60))

    # The process-wide flag that a compiling thread sets, and the function that reads it.
    monkeypatch.setattr(torch.compiler, "_is_compiling_flag", True, raising=False)
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    disturbed = Problem()
    assert equal(disturbed.run(made(name, disturbed, settings), range(60)), expected)


@pytest.mark.parametrize("variant", [{"amsgrad": True}, {"maximize": True}])
def test_a_users_own_variant_of_adam_takes_torchs_steps(variant):
    problem, twin = Problem(), Problem()
    optimizer = torch.optim.Adam(problem.parameters, lr=0.01, fused=True, **variant)
    expected = torch.optim.Adam(twin.parameters, lr=0.01, fused=True, **variant)
    update = ParameterUpdate(optimizer, problem.parameters)
    for step in range(3):
        twin.slope(step)
        update.apply([parameter.grad for parameter in twin.parameters])
        expected.step()
    assert all(map(torch.equal, problem.values(), twin.values()))


@pytest.mark.skipif(
    torch.__version__ < "2.7", reason="the fused rules of torch 2.6 fail while another thread compiles"
)
@given(
    name=st.sampled_from(NAMES),
    weight_decay=st.sampled_from([0.0, 0.1]),
    given=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=6),
    compiling=st.booleans(),
)
def test_a_parameter_update_equals_torchs_step_bit_for_bit_for_any_subset_of_gradients(
    name, weight_decay, given, compiling
):
    settings = Settings(weight_decay=weight_decay)
    problem, twin = Problem(), Problem()
    optimizer, expected = made(name, problem, settings), made(name, twin, settings)
    update = ParameterUpdate(optimizer, problem.parameters)
    for step, parts in enumerate(given):
        twin.slope(step)
        gradients = []
        for parameter, has in zip(twin.parameters, parts, strict=True):
            gradients.append(parameter.grad if has else None)
            parameter.grad = gradients[-1]
        expected.step()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(torch.compiler, "is_compiling", lambda: compiling)
            update.apply(gradients)
        assert all(map(torch.equal, problem.values(), twin.values()))
        assert all(parameter.grad is None for parameter in problem.parameters)
    for mine, theirs in zip(problem.parameters, twin.parameters, strict=True):
        assert optimizer.state[mine].keys() == expected.state[theirs].keys()
        for key, value in optimizer.state[mine].items():
            assert torch.equal(value, expected.state[theirs][key])


@pytest.mark.parametrize("name", NAMES)
def test_an_update_before_a_learning_rate_is_set_changes_nothing(name):
    problem = Problem()
    before = problem.values()
    assert equal(problem.run(make_optimizer(name, problem.parameters, Settings()), range(3)), before)


@pytest.mark.parametrize("name", NAMES)
def test_a_learning_rate_change_keeps_the_moments(name):
    settings, problem = Settings(), Problem()
    optimizer = made(name, problem, settings)
    problem.run(optimizer, range(10))
    before = memory(optimizer)
    set_hyperparameters(optimizer, name, settings, 1e-4)
    assert equal(memory(optimizer), before)
    assert all(group["lr"] == 1e-4 for group in optimizer.param_groups)


@pytest.mark.parametrize("name", NAMES)
def test_a_learning_rate_set_and_set_back_leaves_no_trace(name):
    settings, touched, untouched = Settings(), Problem(), Problem()
    one, other = made(name, touched, settings), made(name, untouched, settings)
    for first in (0, 10, 20):
        touched.run(one, range(first, first + 10))
        set_hyperparameters(one, name, settings, 0.5)
        set_hyperparameters(one, name, settings, 0.01)
    assert equal(untouched.run(other, range(30)), touched.values())
    assert equal(memory(one), memory(other))


@pytest.mark.parametrize("name", ["momentum", "adam", "adamw"])
def test_momentum_survives_a_learning_rate_change(name):
    """Without a gradient, the next update has the direction of the last ones."""
    settings, problem = Settings(beta1=0.9, beta2=0.9), Problem()
    optimizer = made(name, problem, settings)
    problem.run(optimizer, range(10))
    before = problem.values()
    set_hyperparameters(optimizer, name, settings, 0.001)
    for parameter in problem.parameters:
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    assert not equal(problem.values(), before)


@pytest.mark.parametrize("name", NAMES)
def test_a_new_optimizer_has_no_state(name):
    problem = Problem()
    problem.run(made(name, problem), range(10))
    assert not any(tensor.any() for tensor in memory(made(name, problem)))


@pytest.mark.parametrize("name", NAMES)
def test_hyperparameters_changed_live_equal_those_of_a_new_optimizer(name):
    settings, problem = Settings(), Problem()
    optimizer = made(name, problem, settings)
    settings.update({"beta1": 0.8, "beta2": 0.99, "weight_decay": 0.2})
    set_hyperparameters(optimizer, name, settings, 0.3)
    fresh = made(name, problem, settings, lr=0.3)
    groups = [
        {key: value for key, value in o.param_groups[0].items() if key != "params"}
        for o in (optimizer, fresh)
    ]
    assert groups[0] == groups[1]
    assert groups[0]["weight_decay"] == 0.2


def test_setting_momentum_to_zero_discards_the_buffer():
    settings, problem = Settings(beta1=0.9), Problem()
    optimizer = made("momentum", problem, settings)
    problem.run(optimizer, range(10))

    settings.beta1 = 0.0
    set_hyperparameters(optimizer, "momentum", settings, 0.01)
    plain = copy.deepcopy(problem)
    assert equal(problem.run(optimizer, range(3)), plain.run(made("sgd", plain), range(3)))

    settings.beta1 = 0.9
    set_hyperparameters(optimizer, "momentum", settings, 0.01)
    (buffer, _), last = memory(optimizer), problem.parameters[0].grad
    assert torch.equal(buffer, last)


@pytest.mark.parametrize("name", NAMES)
def test_a_parameter_may_get_its_first_gradient_late(name):
    problem = Problem()
    optimizer = made(name, problem)
    problem.slope(0)
    problem.parameters[1].grad = None
    before = problem.values()
    optimizer.step()
    assert torch.equal(problem.parameters[1], before[1])
    assert not torch.equal(problem.parameters[0], before[0])
    problem.run(optimizer, range(1, 3))
    assert not torch.equal(problem.parameters[1], before[1])


@pytest.mark.parametrize("name", NAMES)
def test_a_loaded_state_continues_with_the_same_bits(name):
    whole = Problem()
    expected = whole.run(made(name, whole), range(20))

    first = Problem()
    optimizer = made(name, first)
    first.run(optimizer, range(8))
    stored, second = copy.deepcopy(optimizer.state_dict()), copy.deepcopy(first)
    resumed = made(name, second)
    resumed.load_state_dict(stored)
    assert equal(second.run(resumed, range(8, 20)), expected)


# --- schedules ------------------------------------------------------------------------------------

schedules = st.sampled_from(list(SETTINGS["lr_schedule"].choices))


@given(
    base=st.floats(0, 10),
    schedule=schedules,
    steps=st.integers(1, 10**8),
    iteration=st.integers(0, 10**9),
)
def test_a_schedule_starts_at_the_base_and_stays_below_it(base, schedule, steps, iteration):
    assert learning_rate(base, schedule, steps, 0) == base
    assert 0 <= learning_rate(base, schedule, steps, iteration) <= base
    assert learning_rate(base, schedule, steps, iteration + 1) <= learning_rate(
        base, schedule, steps, iteration
    )


@pytest.mark.parametrize(
    ("schedule", "quarter", "half", "end"),
    [
        ("constant", 2.0, 2.0, 2.0),
        ("linear", 1.5, 1.0, 0.0),
        ("cosine", 1 + math.sqrt(0.5), 1.0, 0.0),
    ],
)
def test_schedules_have_their_known_values(schedule, quarter, half, end):
    assert learning_rate(2.0, schedule, 100, 25) == pytest.approx(quarter)
    assert learning_rate(2.0, schedule, 100, 50) == pytest.approx(half)
    assert learning_rate(2.0, schedule, 100, 100) == end
    assert learning_rate(2.0, schedule, 100, 12345) == end


def test_an_unknown_schedule_is_refused_by_name():
    with pytest.raises(ValueError, match="stairs"):
        learning_rate(1.0, "stairs", 10, 1)


# --- the rules as functions -------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_functional_rules_equal_torchs(name, weight_decay):
    """From any iteration of a run: three updates of the optimizer equal three calls of the function."""
    rules = SimpleNamespace(beta1=0.6, beta2=0.9, weight_decay=weight_decay)
    parameters = [torch.nn.Parameter(torch.linspace(-1, 1, 5)), torch.nn.Parameter(torch.tensor([[2.0]]))]
    optimizer = make_optimizer(name, parameters, rules)
    set_hyperparameters(optimizer, name, rules, 0.05)

    def gradients(values):
        # The second parameter gets no gradient in the first two updates.
        first = torch.autograd.grad((values[0] ** 3).sum(), values[0], create_graph=True)[0]
        return [first, None if count < 2 else 2 * values[1]]

    for count in range(5):
        if count == 1:
            values = [p.detach().clone() for p in parameters]
            memories = optimizer_state(optimizer, parameters)
        if count >= 1:
            values = [value.requires_grad_() if value.is_leaf else value for value in values]
            values, memories = functional_update(optimizer, name, values, gradients(values), memories)
        for parameter, gradient in zip(parameters, gradients(parameters), strict=True):
            parameter.grad = None if gradient is None else gradient.detach().clone()
        # Clone the state before the step changes it in place. The first step has no earlier state.
        if count >= 1:
            memories = [{k: v.clone() for k, v in memory.items()} for memory in memories]
        optimizer.step()
        if count == 0:
            continue
        for value, parameter in zip(values, parameters, strict=True):
            torch.testing.assert_close(value, parameter, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_a_functional_update_has_the_gradient_of_finite_differences_and_zero_for_unchanged_parameters(name):
    rules = SimpleNamespace(beta1=0.6, beta2=0.9, weight_decay=0.01)
    parameter = torch.nn.Parameter(torch.tensor([1.0, -2.0], dtype=torch.float64))
    optimizer = make_optimizer(name, [parameter], rules)
    set_hyperparameters(optimizer, name, rules, 0.05)

    def after(gradient):
        values, memories = [parameter.detach()], optimizer_state(optimizer, [parameter])
        for _ in range(3):
            values, memories = functional_update(
                optimizer, name, values, [gradient * values[0].square()], memories
            )
        return values[0].sum()

    at = torch.tensor([0.7, -0.3], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(after, at)
    nothing = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(after(nothing), nothing)
    assert slope.isfinite().all()
