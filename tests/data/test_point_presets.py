import math
import subprocess
import sys

import numpy as np
import pytest
import torch

from ganwidgets.data import POINT_PRESETS, load_data

MIXTURES = {"gaussians": 2, "disjoint": 3, "ring8": 8, "grid25": 25}


def drawn(name, n=20_000):
    return load_data(name).draw(n, torch.Generator().manual_seed(1)).double()


@pytest.mark.parametrize("name", POINT_PRESETS)
def test_a_preset_source_describes_itself(name):
    source = load_data(name)
    assert (source.name, source.preset, source.kind, source.shape) == (name, name, "points", (2,))
    assert source.size is None
    assert source.labels is None
    assert source.stored() is None
    assert source.exact
    assert POINT_PRESETS[name].label
    assert POINT_PRESETS[name].help.endswith(".")


def test_the_presets_are_those_of_the_contract():
    assert " ".join(POINT_PRESETS) == "line gaussians ring disjoint ring8 grid25 spiral moons"


@pytest.mark.parametrize("name", POINT_PRESETS)
def test_points_are_within_about_the_unit_square(name):
    points = drawn(name)
    assert points.isfinite().all()
    inside = (points.abs() <= 1.1).all(dim=1).double().mean()
    assert inside > (0.97 if name == "gaussians" else 0.999)


@pytest.mark.parametrize(("name", "k"), MIXTURES.items())
def test_mixtures_have_their_modes(name, k):
    modes = load_data(name).modes
    assert modes.centers.shape == modes.deviations.shape == (k, 2)
    assert modes.weights.shape == (k,)
    assert {modes.centers.dtype, modes.deviations.dtype, modes.weights.dtype} == {torch.float32}
    assert modes.weights.sum().item() == pytest.approx(1)
    assert len({tuple(center) for center in modes.centers.tolist()}) == k


@pytest.mark.parametrize("name", ["line", "ring", "spiral", "moons"])
def test_curves_have_no_modes(name):
    assert load_data(name).modes is None


@pytest.mark.parametrize("name", ["disjoint", "ring8", "grid25"])
def test_samples_belong_to_the_modes(name):
    modes, points = load_data(name).modes, drawn(name)
    nearest = torch.cdist(points, modes.centers.double()).argmin(dim=1)
    shares = nearest.bincount(minlength=len(modes.centers)) / len(points)
    assert torch.allclose(shares.float(), modes.weights, atol=0.02)
    offsets = (points - modes.centers.double()[nearest]) / modes.deviations.double()[nearest]
    assert torch.allclose(offsets.mean(dim=0), torch.zeros(2).double(), atol=0.05)
    assert torch.allclose(offsets.std(dim=0), torch.ones(2).double(), atol=0.05)


def test_gaussians_are_half_round_and_half_tall():
    points = drawn("gaussians", 200_000)
    # Mean, and E[(x - mean)^2], of a mixture: the average of the parts' variances and squared offsets.
    assert points.mean(dim=0).tolist() == pytest.approx([0, 0.1], abs=0.01)
    variance = [(0.2**2 + 0.1**2) / 2 + 0.4**2, (0.2**2 + 0.4**2) / 2 + 0.3**2]
    assert points.var(dim=0).tolist() == pytest.approx(variance, rel=0.02)
    modes = load_data("gaussians").modes
    assert modes.centers.tolist() == pytest.approx(np.array([[-0.4, 0.4], [0.4, -0.2]]))
    assert modes.deviations.tolist() == pytest.approx(np.array([[0.2, 0.2], [0.1, 0.4]]))


def test_line():
    x, y = drawn("line").T
    # Along the line by least squares: slope -.4 through (-.15, .5), .02 of noise on either axis.
    assert (x.mean().item(), y.mean().item()) == pytest.approx((-0.15, 0.5), abs=0.01)
    residual = y - (0.5 - 0.4 * (x + 0.15))
    assert residual.std().item() == pytest.approx(0.02 * math.hypot(1, 0.4), rel=0.05)
    assert (x.max() - x.min()).item() == pytest.approx(1.5, abs=0.15)


def test_ring_is_an_ellipse_with_a_hole():
    x, y = drawn("ring").T
    radius = torch.hypot(x / 0.6, (y + 0.1) / 0.5)
    assert radius.mean().item() == pytest.approx(1, abs=0.02)
    assert radius.min() > 0.4
    quadrants = [((x > 0) == right) & ((y > -0.1) == up) for right in (0, 1) for up in (0, 1)]
    assert [part.double().mean().item() for part in quadrants] == pytest.approx([0.25] * 4, abs=0.02)


def test_ring8_and_grid25_equal_those_of_pacgan():
    ring, grid = load_data("ring8").modes, load_data("grid25").modes
    assert torch.allclose(ring.centers.norm(dim=1), torch.ones(8))
    assert torch.allclose(ring.deviations, torch.tensor(0.01))
    assert {tuple(center) for center in grid.centers.tolist()} == {
        (x / 2, y / 2) for x in range(-2, 3) for y in range(-2, 3)
    }
    assert torch.allclose(grid.deviations, torch.tensor(0.0125))


def test_spiral_turns_twice_evenly():
    x, y = drawn("spiral").T
    radius = torch.hypot(x, y) / 0.9
    far = radius > 0.3
    turned = torch.remainder(torch.atan2(y, x) - 4 * math.pi * radius + math.pi, 2 * math.pi) - math.pi
    assert turned[far].abs().mean() < 0.3
    assert (radius**2).mean().item() == pytest.approx(0.5, abs=0.02)


def test_moons_interlock():
    points = drawn("moons")
    upper = torch.hypot(points[:, 0] + 0.3, points[:, 1] + 0.15)
    lower = torch.hypot(points[:, 0] - 0.3, points[:, 1] - 0.15)
    off = torch.minimum((upper - 0.6).abs(), (lower - 0.6).abs())
    assert off.max() < 0.25
    assert ((upper - 0.6).abs() < 0.16).double().mean().item() == pytest.approx(0.5, abs=0.1)


def test_the_definitions_equal_those_of_saved_runs():
    # A saved run identifies its data by these. A change of a preset's samples needs a change of its
    # definition and of these values.
    first = {
        name: load_data(name).draw(2, torch.Generator().manual_seed(0)).tolist() for name in POINT_PRESETS
    }
    assert {name: pytest.approx(np.array(points), abs=1e-4) for name, points in FIRST.items()} == first
    assert {name: load_data(name).fingerprint[:8] for name in POINT_PRESETS} == FINGERPRINTS


FIRST = {
    "line": [[-0.1502, 0.47635], [-0.52704, 0.64718]],
    "gaussians": [[-0.4581, 0.18593], [0.52645, -0.47497]],
    "ring": [[-0.61436, -0.14176], [0.13177, -0.6311]],
    "disjoint": [[-0.11453, -0.35352], [-0.23678, 0.46563]],
    "ring8": [[-1.00291, -0.0107], [0.71975, -0.71398]],
    "grid25": [[0.49637, 0.98662], [0.01581, 0.99141]],
    "spiral": [[-0.53878, 0.32197], [0.03999, -0.80245]],
    "moons": [[-0.91145, -0.1787], [0.41912, -0.47357]],
}
FINGERPRINTS = {
    "line": "8950a2c9",
    "gaussians": "92963add",
    "ring": "f192fd31",
    "disjoint": "dfb2cf12",
    "ring8": "248157d9",
    "grid25": "f3c2386c",
    "spiral": "93cce3c5",
    "moons": "a8cd1e9c",
}


def test_fingerprints_distinguish_presets():
    assert len({load_data(name).fingerprint for name in POINT_PRESETS}) == len(POINT_PRESETS)


def test_points_need_no_slow_imports():
    program = (
        "import sys; from ganwidgets.data import load_data; load_data('ring8').order(0).take(0, 9); "
        "print([m for m in ('PIL', 'torchvision', 'sklearn', 'scipy', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
