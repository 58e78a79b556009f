"""Addresses: their form, and what lies above them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.addresses import Address, AddressError, ancestors, covers, parse_address, province, tier

codes = st.one_of(*(st.text("0123456789", min_size=length, max_size=length) for length in (2, 4, 6, 9)))
departments = st.one_of(st.none(), st.from_regex(r"\A[a-z][a-z0-9-]{0,31}\Z"))
addresses = st.builds(Address, codes, departments)


@given(addresses)
def test_an_address_is_read_as_it_is_written(address: Address) -> None:
    assert parse_address(str(address)) == address


@given(st.text())
def test_any_text_is_an_address_or_an_address_error(text: str) -> None:
    with suppress(AddressError):
        assert str(parse_address(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "4", "410", "41010", "4101020", "41010200", "4101020011", "٤١", "41 ", "41\n", "410102.", "410102.Health",
     "410102.1", "410102.health.x", "410102." + "a" * 33, ".health", "inbox.41", "41.#"],
)  # fmt: skip
def test_another_form_is_refused(text: str) -> None:
    with pytest.raises(AddressError):
        parse_address(text)


def test_what_lies_above_comes_nearest_first() -> None:
    assert ancestors("410102001.health") == ["410102001.health", "410102001", "410102", "4101", "41"]
    assert ancestors("41") == ["41"]


@given(addresses)
def test_an_address_lies_under_everything_above_it(address: Address) -> None:
    above = ancestors(str(address))
    assert above[0] == str(address)
    assert above[-1] == province(str(address))
    assert all(covers(one, str(address)) for one in above)


@given(addresses, addresses)
def test_of_two_addresses_at_most_equal_ones_cover_each_other(a: Address, b: Address) -> None:
    if covers(str(a), str(b)) and covers(str(b), str(a)):
        assert a == b


def test_a_department_covers_nothing_but_itself() -> None:
    assert covers("410102.health", "410102.health")
    assert not covers("410102.health", "410102")
    assert not covers("4101.health", "410102.health")
    assert not covers("4101", "41")


@given(addresses, addresses)
def test_the_tier_is_provincial_in_one_province_and_the_same_both_ways(a: Address, b: Address) -> None:
    assert (tier(str(a), str(b)) == "provincial") == (a.code[:2] == b.code[:2])
    assert tier(str(a), str(b)) == tier(str(b), str(a))
