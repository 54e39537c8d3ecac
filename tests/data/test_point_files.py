"""Points from text with any separator; errors name the wrong line."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ganwidgets import DataError, read_points


@pytest.mark.parametrize(
    "text",
    [
        "0.5,1\n-1,2",
        "x,y\n0.5,1\n-1,2\n",
        "# from a sensor\n\n0.5\t1\n-1\t2",
        "0.5 1\n  -1   2",
        "0,5;1\n-1;2,0",
        '"x";"y"\n"0.5";"1"\n"-1";"2"',
        "0.5, 1,\n\N{MINUS SIGN}1, 2,",
        "5e-1,1\r\n-1,2\r\n",
    ],
)
def test_any_separator_is_accepted(text):
    points = read_points(text)
    assert points.dtype == np.float32
    assert points.tolist() == [[0.5, 1], [-1, 2]]


def test_points_are_read_from_a_file(tmp_path):
    path = tmp_path / "points.csv"
    path.write_text("\ufeffx,y,z\n1,2,3\n", "utf-8")
    assert read_points(path).tolist() == [[1, 2, 3]]
    assert read_points(str(path)).tolist() == [[1, 2, 3]]


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("x,y\n1,2\n1,two\n", "line 3: 'two' is not a number"),
        ("1,2\n\n1,2,3", "line 3 has 3 numbers, but the lines before it have 2"),
        ("1,2\n1,", "line 2 has 1 numbers"),
        ("1,2\n,3", "line 2: '' is not a number"),
        ("1,2\nnan,3", "line 2: 'nan'"),
        ("1,2\n1,inf", "line 2: 'inf'"),
        ("a,b\nc,d\n1,2", "line 2: 'c' is not a number"),
        ("x,y\n\n", "no point"),
        ("\n\n\n", "no point"),
        ("1,1\n1,1e300", "point 2"),
    ],
)
def test_invalid_text_is_refused_with_its_line(text, pattern):
    with pytest.raises(DataError, match=pattern):
        read_points(text)


@pytest.mark.parametrize("source", ["no/such/file.csv", "", "."])
def test_invalid_files_are_refused(source):
    with pytest.raises(DataError, match="cannot be read"):
        read_points(source)


@given(
    arrays.arrays(
        np.float32,
        st.tuples(st.integers(2, 8), st.integers(1, 4)),
        elements=st.floats(-1e6, 1e6, width=32),
    ),
    st.sampled_from([",", ";", "\t", " "]),
)
def test_written_points_are_read_back_exactly(points, separator):
    text = "\n".join(separator.join(repr(float(value)) for value in point) for point in points)
    assert np.array_equal(read_points(text), points)
