import re

import numpy as np

from ganwidgets.rendering.pictures.overlay import PALETTE, legend, overlay


def curve(values, first=1):
    values = np.asarray(values, float)
    return np.arange(first, first + len(values), dtype=float), values


def test_two_equal_curves_are_both_visible():
    drawn = overlay("loss", {"one": curve([1, 2, 3]), "other": curve([1, 2, 3])}, "iteration")
    widths = [float(width) for width in re.findall(r'<polyline [^>]*stroke-width="([\d.]+)"', drawn)]
    assert widths[0] > widths[1]


def test_long_numbers_beside_the_chart_are_not_cut_off():
    drawn = overlay("loss", {"one": curve(1.39790 + 1e-5 * np.arange(20))}, "iteration")
    labels = re.findall(r'<text x="([\d.]+)" y="[\d.]+" text-anchor="end">([^<]+)<', drawn)
    assert max(len(text) for _, text in labels) >= 6
    assert all(float(right) >= 6 * len(text) for right, text in labels)


def test_iterations_have_integer_ticks():
    drawn = overlay("loss", {"one": curve([1, 2, 3], first=299)}, "iteration")
    assert re.findall(r'text-anchor="middle">([^<]+)<', drawn) == ["299", "300", "301", "iteration"]
    in_seconds = overlay("loss", {"one": (np.array([0.0, 0.5, 1.5]), np.arange(3.0))}, "seconds")
    assert "0.2" in re.findall(r'text-anchor="middle">([^<]+)<', in_seconds)


def test_the_legend_names_each_curve_in_its_colour():
    names = legend(["with", "<without>"])
    assert names.index(PALETTE[0]) < names.index("with") < names.index(PALETTE[1])
    assert "&lt;without&gt;" in names
    assert "<without>" not in names
