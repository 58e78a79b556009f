"""Targets: read from JSON, by level and kind, with one named error for whatever is none."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.targets import TargetError, Targets, is_met, read_targets

TARGETS = read_targets('{"county": {"*": "98.00", "case.assist": "95"}, "prefecture": {"case.assist": "99.5"}}')


def test_a_kind_has_its_own_target_or_that_of_every_kind() -> None:
    assert TARGETS.target_for("county", "case.assist") == Decimal(95)
    assert TARGETS.target_for("county", "certificate.verify") == Decimal("98.00")
    assert TARGETS.target_for("county", None) == Decimal("98.00")


def test_where_nothing_is_set_there_is_no_target() -> None:
    assert TARGETS.target_for("prefecture", "certificate.verify") is None
    assert TARGETS.target_for("prefecture", None) is None
    assert TARGETS.target_for("province", "case.assist") is None
    assert read_targets("") == read_targets(" ") == read_targets("{}") == Targets()
    assert Targets().target_for("county", None) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("county", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "an object of levels"),
        ("NaN", "an object of levels"),
        ('{"village": {"*": "98.00"}}', "a level is one of province, prefecture, county, township"),
        ('{"county": "98.00"}', "county has an object of kinds"),
        ('{"county": {"assist": "98.00"}}', "county: a kind is a name like case.assist"),
        ('{"county": {"*": 98}}', "a target is a text"),
        ('{"county": {"*": "98.001"}}', "a target is a text"),
        ('{"county": {"*": "100.01"}}', "a target is a text"),
        ('{"county": {"*": "-1"}}', "a target is a text"),
        ('{"county": {"*": "٩٨"}}', "a target is a text"),
        ('{"county": {"*": null}}', "a target is a text"),
        ('{"county": {}, "county": {}}', "'county' is there twice"),
        ('{"county": {"*": "98", "*": "99"}}', "is there twice"),
    ],
)
def test_what_are_no_targets_says_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(TargetError, match=says):
        read_targets(text)


@given(st.text())
def test_whatever_is_written_is_targets_or_one_named_error(text: str) -> None:
    try:
        read_targets(text)
    except TargetError:
        return


def test_a_target_is_met_by_the_rate_as_it_is_shown() -> None:
    target = Decimal("99.86")
    assert is_met("99.86", target) is True
    assert is_met("99.85", target) is False
    assert is_met("99.99", Decimal(100)) is False
    assert is_met("100.00", Decimal(100)) is True
    assert is_met(None, target) is None
    assert is_met("99.86", None) is None
