"""Which jurisdictions a circular lists, and where each place counts, as reported then and under today's codes."""

from contracts.changes import Change
from contracts.directory import Directory, Jurisdiction
from services.ledger.circular.listing import NOT_LISTED, level_of, levels_below, listing
from services.ledger.places import Place, counted_under

# 410103 was merged into 410102 in 2024; 410105 was 甲县 until it was given to 乙县 in 2020, and 甲县 became 410106;
# 519001 left 51 for 50 in 1997.
DIRECTORY = Directory.of(
    [
        Jurisdiction("41", "河南省", "province", None),
        Jurisdiction("4101", "郑州市", "prefecture", "41"),
        Jurisdiction("410102", "中原区", "county", "4101"),
        Jurisdiction("410105", "乙县", "county", "4101"),
        Jurisdiction("410106", "甲县", "county", "4101"),
        Jurisdiction("419001", "济源市", "county", "41"),
        Jurisdiction("11", "北京市", "province", None),
        Jurisdiction("110101", "东城区", "county", "11"),
        Jurisdiction("50", "重庆市", "province", None),
        Jurisdiction("500101", "万州区", "county", "50"),
        Jurisdiction("51", "四川省", "province", None),
    ],
    [
        Change(2024, "撤销", "410103", "二七区", "410102", "中原区", "d"),
        Change(2020, "码位改派", "410105", "甲县", "410105", "乙县", "d"),
        Change(2020, "同名改码", "410105", "甲县", "410106", "甲县", "d"),
        Change(1997, "新设", None, "", "50", "重庆市", "d"),
        Change(1997, "同名改码", "512201", "万州区", "500101", "万州区", "d"),
    ],
)


def test_a_level_is_told_by_the_form_of_a_code_and_the_country_has_none() -> None:
    assert [level_of(code) for code in ("", "41", "4101", "410102", "410102001")] == [
        None,
        "province",
        "prefecture",
        "county",
        "township",
    ]


def test_a_municipality_has_no_prefectures_so_its_districts_come_first() -> None:
    assert levels_below(DIRECTORY, "11") == ["county"]
    assert levels_below(DIRECTORY, "41") == ["prefecture", "county"]
    assert levels_below(DIRECTORY, "") == ["province", "prefecture", "county"]
    assert levels_below(DIRECTORY, "410102") == []


def test_what_belongs_to_no_listed_code_counts_for_the_scope_alone() -> None:
    places = [Place(address, 2025) for address in ("41", "41.health", "419001", "410102.health", "110101")]
    made = listing(DIRECTORY, "41", "prefecture", "then", places)
    assert made.names == {"4101": "郑州市"}
    assert {place.address: code for place, code in made.code_of.items()} == {
        "41": NOT_LISTED,
        "41.health": NOT_LISTED,
        "419001": NOT_LISTED,
        "410102.health": "4101",
    }


def test_a_retired_code_is_listed_under_its_name_then_and_counts_for_its_successor_today() -> None:
    place = Place("410103", 2023)
    then, today = (listing(DIRECTORY, "4101", "county", codes, [place]) for codes in ("then", "today"))
    assert (then.names["410103"], then.code_of[place]) == ("二七区", "410103")
    assert ("410103" in today.names, today.code_of[place]) == (False, "410102")


def test_a_code_that_was_given_to_another_place_is_read_by_the_year_it_was_counted_in() -> None:
    before, after = Place("410105", 2019), Place("410105", 2021)
    today = listing(DIRECTORY, "41", "county", "today", [before, after])
    assert (today.code_of[before], today.code_of[after]) == ("410106", "410105")
    assert counted_under(DIRECTORY, "410106", [before, after]) == [before]


def test_a_code_that_left_its_province_counts_in_the_new_one_today() -> None:
    place = Place("512201", 1996)
    assert counted_under(DIRECTORY, "50", [place]) == counted_under(DIRECTORY, "", [place]) == [place]
    assert counted_under(DIRECTORY, "51", [place]) == []
    assert listing(DIRECTORY, "51", "county", "then", [place]).code_of == {place: "512201"}
    assert listing(DIRECTORY, "51", "county", "today", [place]).code_of == {}
