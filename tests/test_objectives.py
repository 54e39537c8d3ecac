import math
from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn.functional import linear

from ganwidgets.objectives import LOSSES, PENALTIES
from ganwidgets.settings import OWN, SETTINGS

logits_of_a_batch = st.lists(st.floats(-50, 50), min_size=3, max_size=3).map(
    lambda values: torch.tensor(values, dtype=torch.float64)
)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_every_loss_and_penalty_choice_is_implemented():
    assert {*LOSSES, OWN} == set(SETTINGS["loss"].choices)
    assert all(loss.name == name for name, loss in LOSSES.items())
    assert {"none", *PENALTIES, OWN} == set(SETTINGS["penalty"].choices)


# --- losses against their closed forms ------------------------------------------------------------


def sigma(t: float) -> float:
    return 1 / (1 + math.exp(-t)) if t >= 0 else math.exp(t) / (1 + math.exp(t))


def softplus(t: float) -> float:
    return max(t, 0) + math.log1p(math.exp(-abs(t)))


# name: (D's term for a real logit, for a generated logit, G's term), each as value and slope
CLOSED_FORMS = {
    "minimax": (
        (lambda t: softplus(-t), lambda t: -sigma(-t)),
        (softplus, sigma),
        (lambda t: -softplus(t), lambda t: -sigma(t)),
    ),
    "non_saturating": (
        (lambda t: softplus(-t), lambda t: -sigma(-t)),
        (softplus, sigma),
        (lambda t: softplus(-t), lambda t: -sigma(-t)),
    ),
    "least_squares": (
        (lambda t: (t - 1) ** 2, lambda t: 2 * (t - 1)),
        (lambda t: t**2, lambda t: 2 * t),
        (lambda t: (t - 1) ** 2, lambda t: 2 * (t - 1)),
    ),
    "wasserstein": (
        (lambda t: -t, lambda _: -1),
        (lambda t: t, lambda _: 1),
        (lambda t: -t, lambda _: -1),
    ),
    "hinge": (
        (lambda t: max(0, 1 - t), lambda t: -1 if t < 1 else 0),
        (lambda t: max(0, 1 + t), lambda t: 1 if t > -1 else 0),
        (lambda t: -t, lambda _: -1),
    ),
}


def mean_and_slopes(term, logits: Tensor) -> tuple[float, list[float]]:
    value, slope = term
    return (
        sum(value(t) for t in logits.tolist()) / len(logits),
        [slope(t) / len(logits) for t in logits.tolist()],
    )


def assert_slopes(loss: Tensor, logits: Tensor, expected: list[float]) -> None:
    (slopes,) = torch.autograd.grad(loss, logits, retain_graph=True)
    assert slopes.tolist() == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("name", CLOSED_FORMS)
@given(real=logits_of_a_batch, fake=logits_of_a_batch)
def test_losses_and_their_slopes_equal_the_published_ones(name, real, fake):
    of_real, of_fake, of_generator = CLOSED_FORMS[name]
    real.requires_grad_()
    fake.requires_grad_()

    loss_d = LOSSES[name].loss_d(real, fake)
    real_term, real_slopes = mean_and_slopes(of_real, real)
    fake_term, fake_slopes = mean_and_slopes(of_fake, fake)
    assert loss_d.item() == pytest.approx(real_term + fake_term, abs=1e-8)
    assert_slopes(loss_d, real, real_slopes)
    assert_slopes(loss_d, fake, fake_slopes)

    loss_g = LOSSES[name].loss_g(fake, None)
    term, slopes = mean_and_slopes(of_generator, fake)
    assert loss_g.item() == pytest.approx(term, abs=1e-8)
    assert_slopes(loss_g, fake, slopes)


@given(real=logits_of_a_batch, fake=logits_of_a_batch)
def test_relativistic_loss_compares_pairs(real, fake):
    loss = LOSSES["relativistic"]
    pairs = list(zip(real.tolist(), fake.tolist(), strict=True))
    assert loss.loss_d(real, fake).item() == pytest.approx(
        sum(softplus(f - r) for r, f in pairs) / len(pairs), abs=1e-8
    )
    assert loss.loss_g(fake, real).item() == pytest.approx(
        sum(softplus(r - f) for r, f in pairs) / len(pairs), abs=1e-8
    )
    assert loss.needs_real


def test_only_the_relativistic_generator_needs_real_logits():
    assert [name for name, loss in LOSSES.items() if loss.needs_real] == ["relativistic"]
    with pytest.raises(ValueError, match="real batch"):
        LOSSES["relativistic"].loss_g(torch.zeros(3), None)


def test_minimax_saturates_and_non_saturating_does_not():
    slopes = {}
    for name in ("minimax", "non_saturating"):
        logit = torch.tensor([-60.0], requires_grad=True)
        LOSSES[name].loss_g(logit, None).backward()
        slopes[name] = logit.grad.item()
    assert -1e-20 < slopes["minimax"] < 0
    assert slopes["non_saturating"] == pytest.approx(-1)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("size", [1e4, -1e4])
def test_extreme_logits_give_finite_losses(name, size):
    real, fake = (torch.full((3,), s, requires_grad=True) for s in (size, -size))
    loss = LOSSES[name]
    total = loss.loss_d(real, fake) + loss.loss_g(fake, real)
    total.backward()
    assert total.isfinite()
    assert real.grad.isfinite().all()
    assert fake.grad.isfinite().all()


# --- thresholds and verdicts ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "threshold"),
    [
        ("minimax", 0),
        ("non_saturating", 0),
        ("hinge", 0),
        ("least_squares", 0.5),
        ("wasserstein", 3.5),
        ("relativistic", 3.5),
    ],
)
def test_the_threshold_is_between_the_logits_of_the_two_classes(name, threshold):
    real, fake = torch.tensor([5.0, 7.0]), torch.tensor([0.0, 2.0])
    result = LOSSES[name].threshold(real, fake)
    assert type(result) is float
    assert result == threshold


@pytest.mark.parametrize("name", LOSSES)
@given(real=logits_of_a_batch, fake=logits_of_a_batch, logits=logits_of_a_batch)
def test_verdicts_are_probabilities_that_increase_with_the_logits(name, real, fake, logits):
    loss = LOSSES[name]
    threshold = loss.threshold(real, fake)
    verdict = loss.verdict(logits.sort().values, real, fake)
    assert verdict.shape == logits.shape
    assert ((verdict >= 0) & (verdict <= 1)).all()
    assert all(low <= high for low, high in pairwise(verdict.tolist()))
    at_threshold = loss.verdict(torch.tensor([threshold], dtype=torch.float64), real, fake)
    assert at_threshold.item() == pytest.approx(0.5)


@pytest.mark.parametrize("name", ["wasserstein", "relativistic"])
def test_a_critics_verdict_does_not_depend_on_its_scale(name):
    real, fake, logits = (torch.randn(9, generator=seeded(i), dtype=torch.float64) for i in range(3))
    verdict = LOSSES[name].verdict(logits, real, fake)
    scaled = LOSSES[name].verdict(100 * logits + 7, 100 * real + 7, 100 * fake + 7)
    torch.testing.assert_close(verdict, scaled)


@pytest.mark.parametrize("name", LOSSES)
def test_a_constant_discriminator_has_an_even_verdict(name):
    threshold = 0.5 if name == "least_squares" else 0.0
    same = torch.full((4,), threshold)
    assert (LOSSES[name].verdict(same, same, same) == 0.5).all()


# --- penalties ------------------------------------------------------------------------------------


class Critic(nn.Module):
    """A smooth discriminator in double precision."""

    def __init__(self, features: int = 3) -> None:
        super().__init__()
        generator = seeded(5)
        self.first = nn.Parameter(torch.randn(7, features, generator=generator, dtype=torch.float64))
        self.last = nn.Parameter(torch.randn(1, 7, generator=generator, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        return linear(linear(x.flatten(1), self.first).tanh(), self.last).flatten()


def samples(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=seeded(seed), dtype=torch.float64)


def slopes_one_by_one(critic: nn.Module, parameters: dict[str, Tensor], points: Tensor) -> Tensor:
    """Gradients by each sample, computed one at a time."""
    return vmap(grad(lambda x: functional_call(critic, parameters, (x[None],))[0]))(points)


@pytest.mark.parametrize(("name", "at"), [("r1", ["real"]), ("r2", ["fake"]), ("r1_r2", ["real", "fake"])])
@pytest.mark.parametrize("shape", [(6, 3), (6, 1, 3, 1)])
def test_r1_and_r2_are_half_gamma_times_the_mean_squared_slope(name, at, shape):
    critic, batch = Critic(), {"real": samples(1, *shape), "fake": samples(2, *shape)}

    def expected(parameters):
        norms = [slopes_one_by_one(critic, parameters, batch[key]).flatten(1).norm(dim=1) for key in at]
        return 0.7 / 2 * sum(norm.square().mean() for norm in norms)

    penalty = PENALTIES[name](critic, batch["real"], batch["fake"], 0.7, seeded())
    penalty.backward()
    parameters = dict(critic.named_parameters())
    torch.testing.assert_close(penalty, expected(parameters))
    for key, slope in grad(expected)(parameters).items():
        torch.testing.assert_close(parameters[key].grad, slope)


@pytest.mark.parametrize("name", PENALTIES)
def test_penalty_gradients_by_the_parameters_equal_finite_differences(name):
    critic, real, fake = Critic(), samples(1, 6, 3), samples(2, 6, 3)

    def penalty() -> Tensor:
        return PENALTIES[name](critic, real, fake, 0.7, seeded())

    penalty().backward()
    for parameter in critic.parameters():
        for index in range(parameter.numel()):
            values = []
            for step in (1e-6, -2e-6):
                with torch.no_grad():
                    parameter.view(-1)[index] += step
                values.append(penalty().item())
            with torch.no_grad():
                parameter.view(-1)[index] += 1e-6
            assert parameter.grad.view(-1)[index].item() == pytest.approx(
                (values[0] - values[1]) / 2e-6, rel=1e-5, abs=1e-7
            )


@pytest.mark.parametrize("shape", [(200, 3), (200, 1, 3, 1)])
def test_gradient_penalty_is_measured_between_real_and_generated_samples(shape):
    critic, real, fake = Critic(), samples(1, *shape), samples(2, *shape)
    seen = []

    def watched(x: Tensor) -> Tensor:
        seen.append(x.detach())
        return critic(x)

    penalty = PENALTIES["gradient_penalty"](watched, real, fake, 0.7, seeded())
    (between,) = seen
    eps = ((between - fake) / (real - fake)).flatten(1)
    torch.testing.assert_close(eps, eps[:, :1].expand_as(eps))  # one weight for all numbers of a sample
    eps = eps[:, 0]
    assert 0 <= eps.min() < 0.05
    assert 0.95 < eps.max() <= 1
    assert len(eps.unique()) == len(eps)
    assert eps.mean().item() == pytest.approx(0.5, abs=0.07)

    norms = slopes_one_by_one(critic, dict(critic.named_parameters()), between).flatten(1).norm(dim=1)
    torch.testing.assert_close(penalty, 0.7 * (norms - 1).square().mean())


@pytest.mark.parametrize(("slope", "expected"), [(1.0, 0.0), (3.0, 40.0), (0.0, 10.0)])
def test_gradient_penalty_is_zero_at_slope_one(slope, expected):
    weight = torch.tensor([0.6, -0.8], dtype=torch.float64).mul(slope).requires_grad_()
    penalty = PENALTIES["gradient_penalty"](
        lambda x: x @ weight, samples(1, 6, 2), samples(2, 6, 2), 10.0, seeded()
    )
    assert penalty.item() == pytest.approx(expected, abs=1e-12)
    penalty.backward()
    # At slope 0 the norm is not differentiable; 0 is a valid subgradient there, NaN is not.
    assert weight.grad.isfinite().all()


@pytest.mark.parametrize("name", PENALTIES)
def test_a_discriminator_that_ignores_its_input_has_slope_zero(name):
    bias = torch.zeros((), requires_grad=True)
    value = PENALTIES[name](lambda x: bias.expand(len(x)), torch.ones(4, 2), torch.zeros(4, 2), 2.0, seeded())
    assert value.item() == (2.0 if name == "gradient_penalty" else 0.0)


@pytest.mark.parametrize("name", PENALTIES)
def test_penalties_draw_only_from_the_given_generator_and_do_not_change_the_samples(name):
    real, fake = samples(1, 6, 3), samples(2, 6, 3)
    before = torch.random.get_rng_state()
    first, again, other = (PENALTIES[name](Critic(), real, fake, 1.0, seeded(seed)) for seed in (0, 0, 1))
    first.backward()
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(first, again)
    assert torch.equal(first, other) == (name != "gradient_penalty")
    assert not real.requires_grad
    assert not fake.requires_grad


@pytest.mark.parametrize("name", PENALTIES)
def test_penalties_are_differentiable_by_the_samples(name):
    critic, real = Critic(), samples(1, 4, 3)
    made = samples(2, 4, 3).requires_grad_()
    if name == "r1":
        assert torch.autograd.grad(
            PENALTIES[name](critic, real, made, 0.7, seeded()), made, allow_unused=True
        ) == (None,)
    else:
        assert torch.autograd.gradcheck(lambda x: PENALTIES[name](critic, real, x, 0.7, seeded()), made)


# --- Dirac-GAN: a game with closed solutions ------------------------------------------------------
#
# Mescheder, Geiger and Nowozin, "Which training methods for GANs do actually converge?", 2018,
# section 2: the data are a single point at 0, the generator a single point at theta, and the
# discriminator is D(x) = psi x. The paper's D is large for generated samples, ours for real ones, so
# its start (1, 1) is (theta, psi) = (1, -1) here. The derivative of log sigma at 0 is a = 1/2.


def dirac_step(
    state: tuple[float, float],
    loss: str,
    penalty: str = "none",
    weight: float = 0.0,
    *,
    h_g: float = 0.2,
    h_d: float = 0.2,
    d_steps: int = 0,
) -> tuple[float, float]:
    """Take one gradient step of both at once, or `d_steps` of D and then one of G."""

    def game(theta: float, psi: float) -> tuple[float, float]:
        t, p = (torch.tensor([[value]], dtype=torch.float64, requires_grad=True) for value in (theta, psi))
        real = torch.zeros(1, 1, dtype=torch.float64)

        def discriminator(x: Tensor) -> Tensor:
            return (x @ p).flatten()

        loss_d = LOSSES[loss].loss_d(discriminator(real), discriminator(t))
        if penalty != "none":
            loss_d = loss_d + PENALTIES[penalty](discriminator, real, t, weight, seeded())
        loss_g = LOSSES[loss].loss_g(discriminator(t), discriminator(real))
        (slope_p,) = torch.autograd.grad(loss_d, p, retain_graph=True)
        (slope_t,) = torch.autograd.grad(loss_g, t)
        return slope_t.item(), slope_p.item()

    theta, psi = state
    if not d_steps:
        slope_theta, slope_psi = game(theta, psi)
        return theta - h_g * slope_theta, psi - h_d * slope_psi
    for _ in range(d_steps):
        psi -= h_d * game(theta, psi)[1]
    return theta - h_g * game(theta, psi)[0], psi


def radius(steps: int, *args, start: tuple[float, float] = (1.0, -1.0), **kwargs) -> float:
    state = start
    for _ in range(steps):
        state = dirac_step(state, *args, **kwargs)
    return math.hypot(*state)


def eigenvalues(*args, **kwargs) -> Tensor:
    """Return the eigenvalues of one step of the game at its equilibrium."""
    tiny = 1e-7
    columns = [dirac_step(state, *args, **kwargs) for state in ((tiny, 0.0), (0.0, tiny))]
    return torch.linalg.eigvals(torch.tensor(columns, dtype=torch.float64).T / tiny)


@pytest.mark.parametrize(
    ("expected", "settings"),
    [
        # The authors' notebook was run with these settings.
        (1.963, ("minimax",)),
        (0.7415, ("non_saturating",)),
        (1.799, ("wasserstein", "gradient_penalty", 0.35)),  # its gamma is twice the lambda here
        (0.0990, ("minimax", "r1", 0.3)),
        (0.0990, ("minimax", "r2", 0.3)),  # D is linear, so R1 equals R2
        (0.0990, ("minimax", "r1_r2", 0.15)),
        (3.8e-4, ("minimax", "r1", 1.0)),
        (0.0766, ("non_saturating", "r1", 0.3)),
    ],
)
def test_dirac_gan_follows_the_authors_trajectory(expected, settings):
    digits = 2 if expected == 3.8e-4 else 3
    assert radius(100, *settings) == pytest.approx(expected, rel=0.6 * 10 ** (1 - digits))


def test_dirac_gan_relativistic_equals_non_saturating():
    assert radius(30, "relativistic") == pytest.approx(radius(30, "non_saturating"), rel=1e-12)


@pytest.mark.parametrize("loss", ["wasserstein", "hinge"])
def test_dirac_gan_with_a_linear_game_spirals_outwards(loss):
    """Each step multiplies the radius by sqrt(1 + h^2) while the hinge is in its linear part."""
    assert radius(40, loss, start=(0.2, 0.2)) == pytest.approx(math.hypot(0.2, 0.2) * 1.04**20, rel=1e-12)


@pytest.mark.parametrize("loss", ["minimax", "non_saturating", "relativistic"])
@pytest.mark.parametrize("h", [0.05, 0.2, 1.0])
def test_dirac_gan_does_not_converge_without_a_penalty(loss, h):
    """Simultaneous steps: |eigenvalue| = sqrt(1 + h^2 a^2) > 1 at every learning rate."""
    values = eigenvalues(loss, h_g=h, h_d=h)
    assert values.abs().tolist() == pytest.approx([math.sqrt(1 + h**2 / 4)] * 2, rel=1e-6)


@pytest.mark.parametrize("d_steps", [1, 2, 5])
def test_dirac_gan_with_alternating_steps_cycles_for_any_number_of_d_steps(d_steps):
    values = eigenvalues("minimax", d_steps=d_steps)
    assert values.abs().tolist() == pytest.approx([1, 1], rel=1e-6)
    assert values.imag.abs().min() > 0.05


@pytest.mark.parametrize("penalty", ["r1", "r2", "r1_r2"])
@pytest.mark.parametrize("gamma", [0.3, 1.2])
@pytest.mark.parametrize("rates", [(0.2, 0.2), (0.05, 0.8), (0.8, 0.05)])
def test_dirac_gan_converges_with_a_squared_slope_penalty(penalty, gamma, rates):
    """Eigenvalues 1 + (-h_d m gamma +- sqrt((h_d m gamma)^2 - 4 h_g h_d a^2)) / 2, m penalties."""
    h_g, h_d = rates
    damping = h_d * gamma * (2 if penalty == "r1_r2" else 1)
    root = torch.tensor(damping**2 - h_g * h_d, dtype=torch.complex128).sqrt()
    expected = sorted((1 + (-damping + sign * root) / 2 for sign in (1, -1)), key=lambda v: (v.real, v.imag))
    values = sorted(eigenvalues("minimax", penalty, gamma, h_g=h_g, h_d=h_d), key=lambda v: (v.real, v.imag))
    torch.testing.assert_close(torch.stack(values), torch.stack(expected), rtol=1e-6, atol=1e-6)
    assert torch.stack(values).abs().max() < 1


def test_dirac_gan_with_too_large_a_step_diverges_despite_r1():
    """Stable if and only if h < gamma / a^2, while underdamped."""
    stable = [eigenvalues("minimax", "r1", 0.1, h_g=h, h_d=h).abs().max() < 1 for h in (0.39, 0.41)]
    assert stable == [True, False]


def test_dirac_gan_never_converges_with_a_penalty_around_slope_one():
    late = [radius(n, "wasserstein", "gradient_penalty", 0.35) for n in (400, 430, 460, 490)]
    assert min(late) > 1


def vector_field(loss: str) -> Callable[[float, float], tuple[float, float]]:
    def field(theta: float, psi: float) -> tuple[float, float]:
        after = dirac_step((theta, psi), loss, h_g=1.0, h_d=1.0)
        return after[0] - theta, after[1] - psi

    return field


@given(theta=st.floats(-3, 3), psi=st.floats(-3, 3))
def test_dirac_gan_least_squares_field(theta, psi):
    """Without a bias in D: (-2 psi (theta psi - 1), -2 theta^2 psi), for targets 1 and 0."""
    assert vector_field("least_squares")(theta, psi) == pytest.approx(
        (-2 * psi * (theta * psi - 1), -2 * theta**2 * psi), abs=1e-12
    )
