"""What a later edition means: what is open moves to the successors, and figures are read under today's codes."""

from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.addresses import province
from contracts.changes import REASSIGNED, Change
from contracts.directory import Directory, Jurisdiction
from contracts.directory_files import EditionPlan
from contracts.moves import moved
from contracts.readings import counted_under, grouped, leaving_their_province

COUNTIES = [f"{prefecture}0{number}" for prefecture in ("1101", "1102", "1201") for number in range(1, 5)]
NAMES = {code: f"县{code}" for code in COUNTIES}


def edition(names: dict[str, str], changes: Iterable[Change] = (), retired: Iterable[str] = ()) -> Directory:
    places = [Jurisdiction(code, name, "county", code[:4]) for code, name in names.items()]
    return Directory.of(places, changes, retired)


def change(kind: str, old: str | None, new: str | None, old_name: str = "", new_name: str = "") -> Change:
    return Change(
        2027, kind, old, old_name or NAMES.get(old or "", ""), new, new_name or NAMES.get(new or "", ""), "国函"
    )


def without(*codes: str) -> dict[str, str]:
    return {code: name for code, name in NAMES.items() if code not in codes}


def test_what_is_open_at_a_merged_jurisdiction_passes_to_its_successor_with_the_department() -> None:
    after = edition(without("110102"), [change("撤销", "110102", "110101")])
    addresses = ["110102", "110102.health", "110101", "110102001", "110102"]
    before = edition(NAMES | {"110102001": "街道"})
    assert moved(before, after, addresses) == {
        "110102": "110101",
        "110102.health": "110101.health",
        "110102001": "110101",
    }


def test_what_has_no_successor_and_what_was_not_current_before_stays() -> None:
    before = edition(without("110104"), retired=["110104"])
    after = edition(without("110103", "110104"), [change("撤销", "110104", "110101")], ["110103"])
    assert moved(before, after, ["110103", "110104", "119999", "110101.health"]) == {}


def test_the_parts_of_a_split_jurisdiction_are_reached_by_the_row_that_comes_last() -> None:
    rows = [change("撤销", "110102", "110103"), change("撤销", "110102", "110104")]
    assert moved(edition(NAMES), edition(without("110102"), rows), ["110102"]) == {"110102": "110104"}


def test_a_jurisdiction_that_only_gave_up_a_part_keeps_what_is_open() -> None:
    after = edition(NAMES, [change("区划调整", "110102", "110103")])
    assert moved(edition(NAMES), after, ["110102"]) == {}
    assert after.resolve("110102", 2020).status == "current"


def test_a_renamed_jurisdiction_keeps_what_is_open() -> None:
    renamed = NAMES | {"110102": "新县"}
    row = change("更名", "110102", "110102", new_name="新县")
    assert moved(edition(NAMES), edition(renamed, [row]), ["110102"]) == {}
    assert moved(edition(NAMES), edition(renamed), ["110102"]) == {}


def test_what_is_open_under_a_code_that_was_given_to_another_place_follows_its_place() -> None:
    swapped = NAMES | {"110102": NAMES["110103"], "110103": NAMES["110102"]}
    rows = [
        change(REASSIGNED, "110102", "110102", NAMES["110102"], NAMES["110103"]),
        change(REASSIGNED, "110103", "110103", NAMES["110103"], NAMES["110102"]),
    ]
    after = edition(swapped, rows)
    assert moved(edition(NAMES), after, ["110102", "110103.health"]) == {
        "110102": "110103",
        "110103.health": "110102.health",
    }
    assert moved(after, after, COUNTIES) == {}
    assert after.today("110102", 2026) == "110103"
    assert after.today("110102", 2027) == after.today("110102") == "110102"


def test_importing_the_carried_edition_again_moves_nothing(carried: Directory) -> None:
    assert moved(carried, carried, sorted(carried.codes | carried.retired)) == {}


def test_a_table_that_is_added_to_what_is_there_moves_only_what_it_retires(
    carried: Directory, carried_plan: EditionPlan
) -> None:
    """Rows of long ago that are imported late do not move what stands under the codes of today."""
    before = Directory.of(carried_plan.added, [])
    assert moved(before, carried, sorted(carried.codes)) == {}


def test_counted_under_takes_what_belongs_to_a_code_today(carried: Directory) -> None:
    addresses = ["142132.health", "140227", "140215.health", "1402", "140221", "410102", "140227"]
    assert counted_under(carried, "140215", addresses) == ["142132.health", "140227", "140215.health"]
    assert counted_under(carried, "140227", addresses) == ["142132.health", "140227", "140215.health"]
    assert counted_under(carried, "1402", addresses) == addresses[:5]
    assert counted_under(carried, "140215", ["142121"], 1981) == ["142121"]


def test_an_address_that_leads_nowhere_counts_as_itself(carried: Directory) -> None:
    assert grouped(carried, ["130106.health", "130106.health"]) == {"130106.health": ["130106.health"]}
    assert counted_under(carried, "1301", ["130106.health"]) == ["130106.health"]


def test_what_leaves_its_province_is_named(carried: Directory) -> None:
    leaving = leaving_their_province(carried, sorted(carried.codes | carried.retired))
    assert (leaving["5170"], leaving["4421"]) == ("500102", "46")
    assert {(code[:2], now[:2]) for code, now in leaving.items()} == {("44", "46"), ("51", "50")}


def check_that_both_readings_agree(directory: Directory, cohorts: dict[str, int], year: int | None) -> None:
    """Whatever the addresses: the country's totals agree, and a province's but for what left or came, as named."""
    today: Counter[str] = Counter()
    for now, addresses in grouped(directory, cohorts, year).items():
        today[now] += sum(cohorts[address] for address in addresses)
    assert sum(today.values()) == sum(cohorts.values())
    leaving = leaving_their_province(directory, cohorts, year)
    for code in {province(address) for address in (*cohorts, *today)}:
        reported = sum(count for address, count in cohorts.items() if province(address) == code)
        left = sum(cohorts[address] for address in leaving if province(address) == code)
        came = sum(cohorts[address] for address, now in leaving.items() if province(now) == code)
        now_there = sum(count for address, count in today.items() if province(address) == code)
        assert now_there == reported - left + came
        counted = counted_under(directory, code, cohorts, year)
        assert sum(cohorts[address] for address in counted) == now_there


departments = st.sampled_from(["", ".health", ".education"])
counts = st.integers(0, 1_000)


@pytest.fixture(scope="module")
def cohorts(carried: Directory) -> st.SearchStrategy[dict[str, int]]:
    codes = sorted(code for code in carried.codes | carried.retired if len(code) <= 6)
    return st.dictionaries(st.builds(str.__add__, st.sampled_from(codes), departments), counts, max_size=60)


@settings(deadline=None)
@given(st.data(), st.sampled_from([None, 1981, 1990, 2026]))
def test_both_readings_of_the_carried_codes_come_to_the_same_totals(
    carried: Directory, cohorts: st.SearchStrategy[dict[str, int]], data: st.DataObject, year: int | None
) -> None:
    check_that_both_readings_agree(carried, data.draw(cohorts), year)


def test_both_readings_of_every_code_agree_in_every_province_but_those_founded_since(carried: Directory) -> None:
    codes = sorted(code for code in carried.codes | carried.retired if len(code) <= 6)
    check_that_both_readings_agree(carried, {code: position for position, code in enumerate(codes)}, None)


some_county = st.sampled_from(COUNTIES)
kinds = st.sampled_from(["撤销", "同名改码", "区划调整", "更名", REASSIGNED, "新设"])
edition_rows = st.lists(st.builds(change, kinds, st.none() | some_county, st.none() | some_county), max_size=10)


@settings(deadline=None)
@given(st.sets(some_county), edition_rows, st.dictionaries(st.builds(str.__add__, some_county, departments), counts))
def test_any_edition_conserves_the_totals_and_moves_only_to_current_addresses(
    retired: set[str], rows: list[Change], cohorts: dict[str, int]
) -> None:
    before, after = edition(NAMES), edition(without(*retired), rows, retired)
    check_that_both_readings_agree(after, cohorts, None)
    check_that_both_readings_agree(after, cohorts, 2026)
    for address, successor in moved(before, after, cohorts).items():
        assert successor != address
        assert after.resolve(successor).status == "current"
        assert address.partition(".")[2] == successor.partition(".")[2]
