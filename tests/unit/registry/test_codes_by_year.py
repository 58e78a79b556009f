"""A code read by the year it was written: what it stood for then is followed, or it is said that this is not known."""

import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.changes import REASSIGNED, Change
from contracts.directory import Directory, Jurisdiction, Resolution
from contracts.directory_files import EditionPlan
from contracts.tenures import tenures


def county(code: str, name: str) -> Jurisdiction:
    return Jurisdiction(code, name, "county", code[:4])


def row(year: int, kind: str, old: str, new: str, document: str = "") -> Change:
    """A change from text such as `110101 东城区`; empty where the row names nothing."""
    old_code, _, old_name = old.partition(" ")
    new_code, _, new_name = new.partition(" ")
    return Change(year, kind, old_code or None, old_name, new_code or None, new_name, document)


@pytest.mark.parametrize(
    ("year", "name", "path"),
    [
        (1981, "大同县", ("142121", "142132", "140227", "140215")),
        (1982, "阳高县", ("142121", "140221")),
        (1990, "阳高县", ("142121", "140221")),
        (2026, "阳高县", ("142121", "140221")),
        (1900, "大同县", ("142121", "142132", "140227", "140215")),
        (2999, "阳高县", ("142121", "140221")),
    ],
)
def test_142121_is_datong_before_1982_and_yanggao_after(
    carried: Directory, year: int, name: str, path: tuple[str, ...]
) -> None:
    assert carried.name_in("142121", year) == name
    assert carried.resolve("142121.health", year) == Resolution(f"{path[-1]}.health", "successor", path)


def test_every_reassigned_code_leads_its_bearers_to_where_each_is_today(
    carried: Directory, carried_plan: EditionPlan
) -> None:
    """Both bearers of a row go to one place when the row that gave each its other code is asked instead."""
    known = {"before": 0, "after": 0}
    rows = [change for change in carried_plan.changes if change.reassigns]
    for change in rows:
        code = change.old_code or ""
        assert carried.name_in(code, change.year - 1) == change.old_name
        assert carried.resolve(code, change.year - 1).path[0] == code
        known["before"] += carried.resolve(code, change.year - 1).address is not None
        known["after"] += carried.resolve(code, change.year).address is not None
    # The rest ends where the table says of a place only that it was abolished; no other way is guessed.
    assert (len(rows), known) == (622, {"before": 595, "after": 599})


def test_the_earlier_bearer_of_a_reassigned_code_goes_on_under_its_name(
    carried: Directory, carried_plan: EditionPlan
) -> None:
    unfollowed = set()
    for change in carried_plan.changes:
        if not change.reassigns:
            continue
        path = carried.resolve(change.old_code or "", change.year - 1).path
        if len(path) == 1:
            unfollowed.add((change.old_code, change.year))
        else:
            assert carried.name_in(path[1], change.year) in {change.old_name, change.old_name[:-1] + "市"}
    # Eight were renamed in place. Of the three others the table does not say what became of the earlier bearer.
    renamed = {("430102", 1983), ("430103", 1983), ("430104", 1983), ("430105", 1983)}
    renamed |= {("440111", 1987), ("440602", 1987), ("410204", 1989), ("3208", 2000)}
    assert unfollowed == renamed | {("320602", 1983), ("330302", 1983), ("450405", 1984)}


def test_a_current_code_whose_earlier_bearer_is_lost_is_retired_for_its_time(carried: Directory) -> None:
    assert carried.resolve("450405").status == "current"
    assert carried.resolve("450405", 1984).status == "current"
    assert carried.resolve("450405", 1983) == Resolution(None, "retired", ("450405",))


def test_a_renamed_code_is_the_same_place_before(carried: Directory) -> None:
    assert (carried.name_in("440111", 1986), carried.name_in("440111", 1987)) == ("郊区", "白云区")
    assert carried.resolve("440111", 1986) == Resolution("440111", "current", ("440111",))


def test_codes_that_were_exchanged_twice_come_back(carried: Directory) -> None:
    assert carried.resolve("220281", 2002) == Resolution("220281", "current", ("220281", "220282", "220281"))


def test_a_code_in_use_under_one_place_is_the_same_in_every_year(carried: Directory, carried_plan: EditionPlan) -> None:
    reassigned = {change.old_code for change in carried_plan.changes if change.change == REASSIGNED}
    codes = sorted(code for code in carried.codes | carried.retired if len(code) < 9 and code not in reassigned)
    for code in random.Random(1981).sample(codes, 200):
        last = max((change.year for change in carried.changes_of(code)), default=2026)
        for year in (last, last + 1, 2026):
            assert carried.resolve(code, year) == carried.resolve(code), (code, year)


def test_a_sample_of_counties_reaches_today_from_any_of_its_years(
    carried: Directory, carried_plan: EditionPlan
) -> None:
    """Whoever writes a county's code in the year before it changed reaches the same as who writes the new one."""
    renumbered = [change for change in carried_plan.changes if change.change == "同名改码" and change.new_code]
    for change in random.Random(2260).sample(renumbered, 300):
        old, new = change.old_code or "", change.new_code or ""
        if carried.resolve(old, change.year).path[1:2] == (new,):
            assert carried.resolve(old, change.year - 1).address == carried.resolve(new, change.year).address


def test_a_township_follows_its_county_of_that_year(carried: Directory) -> None:
    assert carried.resolve("142121001", 1981).path == ("142121001", "142121", "142132", "140227", "140215")
    assert carried.resolve("142121001", 1982).path == ("142121001", "142121", "140221")
    # 230402 was 萨尔图区 of 大庆 before 1982; its townships of today are those of 向阳区 of 鹤岗.
    assert "230402001" in carried
    assert carried.resolve("230402001", 1990) == Resolution("230402001", "current", ("230402001",))
    assert carried.resolve("230402001", 1981).path == ("230402001", "230402", "230602")


def test_a_code_that_is_used_again_stands_for_its_last_bearer_in_between() -> None:
    directory = Directory.of(
        [county("110102", "甲区"), county("110101", "乙区")],
        [
            row(1990, "同名改码", "110101 甲区", "110102 甲区"),
            row(2000, "新设", "", "110101 乙区"),
        ],
    )
    assert [directory.resolve("110101", year).address for year in (1989, 1990, 1999)] == ["110102"] * 3
    assert [directory.resolve("110101", year).status for year in (2000, None)] == ["current"] * 2


def test_a_code_left_and_taken_in_one_year_is_told_by_the_names_in_any_order_of_rows() -> None:
    left, taken = (
        row(2027, "同名改码", "110101 甲区", "110102 甲区"),
        row(2027, "同名改码", "110103 乙区", "110101 乙区"),
    )
    for rows in ([left, taken], [taken, left]):
        directory = Directory.of([county("110101", "乙区"), county("110102", "甲区")], rows)
        assert directory.resolve("110101", 2026).address == "110102"
        assert directory.resolve("110101", 2027).status == "current"
        assert directory.resolve("110103").address == "110101"


def test_several_changes_of_one_place_in_one_year_are_followed_to_the_last() -> None:
    rows = [row(2027, "撤县设市", "110102 甲县", "110103 甲市"), row(2027, "同名改码", "110101 甲县", "110102 甲县")]
    directory = Directory.of([county("110103", "甲市")], rows)
    assert directory.resolve("110101", 2026).path == ("110101", "110102", "110103")
    assert directory.resolve("110101").path == ("110101", "110102", "110103")


def test_a_name_that_came_to_two_codes_is_not_followed() -> None:
    rows = [
        row(1990, REASSIGNED, "110101 郊区", "110101 乙区"),
        row(1990, "新设", "", "110201 郊区"),
        row(1990, "新设", "", "110301 郊区"),
    ]
    places = [county("110101", "乙区"), county("110201", "郊区"), county("110301", "郊区")]
    assert Directory.of(places, rows).resolve("110101", 1989) == Resolution(None, "retired", ("110101",))


def test_a_way_across_provinces_is_believed_when_a_document_is_cited() -> None:
    def way(document: str) -> str | None:
        change = row(2027, "同名改码", "110101 甲区", "120101 甲区", document)
        return Directory.of([county("120101", "甲区")], [change]).resolve("110101").address

    assert (way(""), way("国函〔2027〕1号")) == (None, "120101")


@pytest.mark.parametrize(
    ("correction", "code", "year", "address"),
    [
        (row(2014, "撤销", "130103 桥东区", "130102 长安区"), "130103", None, "130102"),
        (row(1984, "撤销", "450405 鸳江区", "450403 万秀区"), "450405", 1983, "450403"),
        (row(1983, "更名", "330302 南城区", "330302 城区"), "330302", 1982, "330302"),
    ],
)
def test_a_row_that_is_imported_later_corrects_the_table(
    carried_plan: EditionPlan, correction: Change, code: str, year: int | None, address: str
) -> None:
    corrected = Directory.of(carried_plan.added, [*carried_plan.changes, correction])
    assert corrected.resolve(code, year).address == address
    assert corrected.resolve("450405").status == corrected.resolve("330302").status == "current"


class Lookups(dict[str, object]):
    """A table that counts what is looked up in it, and refuses to be gone through."""

    def __init__(self, table: object) -> None:
        super().__init__(table)  # type: ignore[call-overload]
        self.count = 0

    def __getitem__(self, key: str) -> object:
        self.count += 1
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self.count += 1
        return super().__contains__(key)

    def get(self, key: str, default: object = None) -> object:
        self.count += 1
        return super().get(key, default)

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("the whole directory was gone through")

    keys = values = items = __iter__  # type: ignore[assignment]


def test_resolution_looks_up_a_few_codes_and_never_goes_through_the_directory(
    carried: Directory, carried_plan: EditionPlan
) -> None:
    changes = {code: carried.changes_of(code) for code in carried.codes | carried.retired if carried.changes_of(code)}
    names_now = {place.code: place.name for place in carried_plan.added}
    jurisdictions = Lookups({place.code: place for place in carried_plan.added})
    histories, unused = Lookups(tenures(changes, names_now)), Lookups({})
    directory = Directory(jurisdictions, unused, histories, carried.retired)  # type: ignore[arg-type]
    directory.resolve("410102")
    assert (jurisdictions.count, histories.count) == (1, 0)
    for code in sorted(carried.retired):
        for year in (None, 1981, 1990, 2026):
            jurisdictions.count = histories.count = 0
            steps = len(directory.resolve(code, year).path)
            assert jurisdictions.count + histories.count <= 5 * steps
    assert unused.count == 0


years = st.integers(1980, 2026)
names = st.sampled_from(["甲区", "乙区", "丙区"])
few = st.sampled_from(["110101", "110102", "110103", "120101"])
some_code = st.one_of(st.just(""), few)
kinds = st.sampled_from([REASSIGNED, "同名改码", "撤销", "更名", "新设"])
rows = st.builds(
    lambda year, kind, old, old_name, new, new_name: row(year, kind, f"{old} {old_name}", f"{new} {new_name}"),
    years,
    kinds,
    some_code,
    names,
    some_code,
    names,
)


@settings(deadline=None)
@given(st.sets(few), st.lists(rows, max_size=12), few, years)
def test_any_table_resolves_any_code_in_any_year_to_a_current_code_or_none(
    current: set[str], changes: list[Change], code: str, year: int
) -> None:
    directory = Directory.of([county(code, "甲区") for code in sorted(current)], changes)
    resolution = directory.resolve(code, year)
    assert resolution.path[0] == code
    assert resolution.address in {None, resolution.path[-1]}
    assert resolution.address is None or resolution.address in current
    assert (resolution.status == "current") == (resolution.address == code)
    assert (resolution.status == "unknown") == (code not in current | directory.retired)
    assert directory.resolve(code, 2026) == directory.resolve(code)
