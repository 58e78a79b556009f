"""Names that an object gives twice are found, whatever hides them; nothing else is."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.json_names import RepeatedNameError, expect_distinct_names

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(":a\\u", max_size=3), inner, max_size=3),
    max_leaves=8,
)


def expect_distinct(text: bytes, *, within: bool = True) -> None:
    expect_distinct_names(text, msgspec.json.encode(msgspec.json.decode(text)), within=within)


@given(VALUES, st.booleans())
def test_a_text_without_repeated_names_is_cleared(value: object, escaped: bool) -> None:
    text = json.dumps(value, ensure_ascii=False).encode()
    expect_distinct(text.replace(b"::", b":\\u003a") if escaped else text)


@pytest.mark.parametrize(
    "text",
    [
        b'{"a": 1, "a": 1}',
        b'{"a": 1, "\\u0061": 2}',
        b'[{"b": {"a": {"c": 1}, "a": 2}}]',
        # What was dropped has a colon, and an escaped one stands in for it.
        b'{"a": 1, "a": "\\u003a"}',
        b'{"a": 1, "a": "\\u003A"}',
        b'{"a": "::", "a": "\\u003a\\u003a\\u003a"}',
    ],
)
def test_a_name_that_is_given_twice_is_found(text: bytes) -> None:
    with pytest.raises(RepeatedNameError):
        expect_distinct(text)


def test_the_outermost_object_alone_can_be_asked() -> None:
    within = b'{"a": {"b": "\\u003a", "b": 1}}'
    expect_distinct(within, within=False)
    with pytest.raises(RepeatedNameError):
        expect_distinct(within)
    with pytest.raises(RepeatedNameError):
        expect_distinct(b'{"a": {"b": 1}, "a": {"b": "\\u003a"}}', within=False)
