"""The directory: current codes, and where retired ones lead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.addresses import AddressError
from contracts.changes import Change
from contracts.directory import Directory, Jurisdiction, Resolution


def county(code: str) -> Jurisdiction:
    return Jurisdiction(code, f"县{code}", "county", code[:4])


def change(year: int, old: str | None, new: str | None, kind: str = "同名改码") -> Change:
    return Change(year, kind, old, "旧", new, "新", "")


def test_the_carried_directory_is_whole(carried: Directory) -> None:
    assert len(carried) == 34 + 333 + 2_847 + 38_749
    assert sum(len(code) == 6 for code in carried.codes) == 2_847


def test_3371_of_the_3385_retired_codes_with_a_successor_lead_to_a_current_one(carried: Directory) -> None:
    with_successor = [code for code in carried.retired if carried.successor_of(code) is not None]
    leading = [code for code in with_successor if carried.resolve(code).status == "successor"]
    assert (len(with_successor), len(leading)) == (3_385, 3_371)


def test_every_other_retired_code_is_parked_and_none_is_unknown(carried: Directory) -> None:
    statuses = {code: carried.resolve(code).status for code in carried.retired}
    assert sum(status == "successor" for status in statuses.values()) == 3_371
    assert sum(status == "retired" for status in statuses.values()) == 174
    assert set(statuses.values()) == {"successor", "retired"}


def test_no_retired_code_leads_into_another_province_but_one_that_was_founded_from_its_own(carried: Directory) -> None:
    pairs = set()
    for code in carried.retired:
        address = carried.resolve(code).address
        if address is not None and address[:2] != code[:2]:
            pairs.add((code[:2], address[:2]))
    assert pairs == {("44", "46"), ("51", "50")}


def test_every_path_of_the_carried_directory_ends_where_it_says(carried: Directory) -> None:
    for code in carried.retired:
        resolution = carried.resolve(code)
        assert resolution.path[0] == code
        assert (resolution.address or resolution.path[-1]) == resolution.path[-1]
        assert (resolution.address is None) == (resolution.path[-1] not in carried)


@pytest.mark.parametrize(
    ("code", "address"),
    [
        # The codes that these were given to passed to others later, whom they must not reach.
        ("132327", "130111"),
        ("132328", "130123"),
        ("432121", "430321"),
        ("442101", "4601"),
        ("442724", "4420"),
        # 512301 was 内江市 only until 1982; then 涪陵市 had it, whose way the table does not have.
        ("512301", None),
        # The source took these to 河西区 of 天津, 太平区 of 阜新, 东城区 of 北京.
        ("140104", None),
        ("230105", None),
        ("510102", None),
    ],
)
def test_a_retired_code_never_leads_to_a_place_that_only_has_the_code_or_the_name(
    carried: Directory, code: str, address: str | None
) -> None:
    assert carried.resolve(code).address == address


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("410102", Resolution("410102", "current", ("410102",))),
        ("71", Resolution("71", "current", ("71",))),
        ("81", Resolution("81", "current", ("81",))),
        ("82", Resolution("82", "current", ("82",))),
        ("110101.health", Resolution("110101.health", "current", ("110101",))),
        # 142121 was 大同县 until 1982 and 阳高县 from then until 1993; whoever writes it today means the latter.
        ("142121", Resolution("140221", "successor", ("142121", "140221"))),
        ("142121.health", Resolution("140221.health", "successor", ("142121", "140221"))),
        ("999999", Resolution(None, "unknown", ("999999",))),
        ("130106", Resolution(None, "retired", ("130106",))),
        ("000000000", Resolution(None, "unknown", ("000000000",))),
    ],
)
def test_known_addresses_lead_where_they_should(carried: Directory, address: str, expected: Resolution) -> None:
    assert carried.resolve(address) == expected


def test_a_code_that_was_given_to_another_place_keeps_both_in_its_changes(carried: Directory) -> None:
    years = [(row.year, row.old_name, row.new_name) for row in carried.changes_of("142121")]
    assert years == [(1982, "大同县", "阳高县"), (1993, "阳高县", "阳高县")]


def test_a_retired_code_follows_its_successors() -> None:
    directory = Directory.of([county("110101")], [change(1990, "220101", "330101"), change(2000, "330101", "110101")])
    assert directory.resolve("220101.health") == Resolution(
        "110101.health", "successor", ("220101", "330101", "110101")
    )


def test_the_latest_change_of_a_code_counts_in_any_order_of_rows() -> None:
    rows = [change(1999, "220101", "110102"), change(1985, "220101", "110101")]
    assert Directory.of([county("110101"), county("110102")], rows).resolve("220101").address == "110102"


def test_a_current_code_is_current_whatever_its_changes_say() -> None:
    directory = Directory.of([county("110101"), county("110102")], [change(1985, "110101", "110102")])
    assert directory.resolve("110101").status == "current"


def test_codes_that_were_exchanged_for_each_other_lead_nowhere() -> None:
    directory = Directory.of([], [change(1982, "220101", "330101"), change(1983, "330101", "220101")])
    assert directory.resolve("330101") == Resolution(None, "retired", ("330101", "220101"))
    assert directory.resolve("220101", 1981) == Resolution(None, "retired", ("220101", "330101", "220101"))


def test_a_code_that_only_appears_as_new_is_retired_when_it_is_not_current() -> None:
    assert Directory.of([], [change(1990, None, "220101", "新设")]).resolve("220101").status == "retired"


def test_a_township_of_a_retired_county_is_covered_by_its_successor() -> None:
    directory = Directory.of([county("110101")], [change(1990, "220101", "110101")])
    assert directory.resolve("220101001.health") == Resolution(
        "110101.health", "successor", ("220101001", "220101", "110101")
    )


def test_a_township_of_an_earlier_edition_is_covered_by_its_county() -> None:
    directory = Directory.of([county("110101")], [], retired=["110101001"])
    assert directory.resolve("110101001") == Resolution("110101", "successor", ("110101001", "110101"))


def test_a_township_that_never_was_is_unknown_under_a_current_county() -> None:
    assert Directory.of([county("110101")], []).resolve("110101999").status == "unknown"


def test_a_code_of_an_earlier_edition_without_a_change_is_retired() -> None:
    assert Directory.of([], [], retired=["110101"]).resolve("110101").status == "retired"


def test_a_malformed_address_is_an_address_error(carried: Directory) -> None:
    with pytest.raises(AddressError):
        carried.resolve("41010")


def test_a_full_name_begins_at_the_province(carried: Directory) -> None:
    assert carried.full_name("410202") == "河南省开封市龙亭区"
    assert carried.full_name("110101") == "北京市东城区"


few_codes = st.sampled_from(["110101", "110102", "220101", "220102", "330101", "330102"])
rows = st.builds(change, st.integers(1981, 1990), st.one_of(st.none(), few_codes), st.one_of(st.none(), few_codes))


@given(st.sets(few_codes), st.lists(rows, max_size=20))
def test_resolution_always_ends_and_only_ever_at_a_current_code(current: set[str], changes: list[Change]) -> None:
    directory = Directory.of([county(code) for code in sorted(current)], changes)
    known = current | directory.retired
    for code in ["110101", "220101", "330102"]:
        resolution = directory.resolve(code)
        assert (resolution.status == "unknown") == (code not in known)
        assert (resolution.status == "current") == (code in current)
        assert resolution.address is None or resolution.address in current
