"""The depth and length of JSON are checked before it is parsed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganwidgets.runs.state import json_values
from ganwidgets.runs.state.json_values import DEEPEST, converted, parsed

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text('[]{}"\\ax\n'),
    lambda inner: st.lists(inner) | st.dictionaries(st.text('[]{}"\\'), inner),
    max_leaves=300,
)


@given(VALUES)
def test_json_of_allowed_depth_is_parsed_like_json_does(value):
    assert parsed(json.dumps(value)) == value
    assert parsed(json.dumps(value, ensure_ascii=False).encode()) == value


@pytest.mark.parametrize("letter", ['"', '\\"', "[", "{", '"[', '"\\', "\\"])
def test_invalid_json_takes_time_linear_in_its_length(letter):
    with pytest.raises(ValueError, match=r".*"):
        parsed("[" * DEEPEST + "[" + letter * 300_000)


def test_depth_is_bounded_whatever_strings_contain():
    assert parsed("[" * DEEPEST + "]" * DEEPEST)
    with pytest.raises(ValueError, match="nests more than"):
        parsed("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1))
    with pytest.raises(ValueError, match="nests more than"):
        parsed('{"a":' * 200_000 + "1" + "}" * 200_000)
    assert parsed(json.dumps(["[" * 500, '"\\' * 500, {"{" * 500: []}]))


def test_length_is_bounded(monkeypatch):
    monkeypatch.setattr(json_values, "LONGEST", 10)
    assert parsed('"12345678"') == "12345678"
    with pytest.raises(ValueError, match="has 11 characters"):
        parsed('"123456789"')


@pytest.mark.parametrize("value", [True, 1.0, "1", None, -1, 2**70])
def test_a_value_of_another_type_is_not_converted(value):
    from ganwidgets.runs.files.documents import Count

    with pytest.raises(ValueError, match=r"Expected|out of range"):
        converted(value, Count)
