"""Reading directory files: every fault names its file and line, and nothing is half taken."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.data import carried_files
from contracts.directory import Jurisdiction
from contracts.directory_files import ChangeFile, DirectoryError, DivisionFile, parse_file, plan_edition

DIVISIONS = "code,name,level,parent\n"
CHANGES = "year,change,old_code,old_name,new_code,new_name,document\n"
HENAN = "41,河南省,province,\n4102,开封市,prefecture,41\n410202,龙亭区,county,4102\n"


def divisions(rows: str) -> DivisionFile:
    file = parse_file("d.csv", (DIVISIONS + rows).encode())
    assert isinstance(file, DivisionFile)
    return file


def current(rows: str) -> dict[str, Jurisdiction]:
    return {jurisdiction.code: jurisdiction for _, jurisdiction in divisions(rows).rows}


def test_the_header_tells_what_a_file_holds() -> None:
    kinds = [type(parse_file(name, content)) for name, content in carried_files()]
    assert kinds == [DivisionFile, DivisionFile, ChangeFile]


def test_a_byte_order_mark_and_windows_line_ends_are_read() -> None:
    content = b"\xef\xbb\xbf" + (DIVISIONS + HENAN).replace("\n", "\r\n").encode()
    assert len(parse_file("d.csv", content).rows) == 3


@pytest.mark.parametrize(
    ("rows", "line", "reason"),
    [
        ("", 1, "no rows"),
        ("41,河南省,province\n", 2, "expected 4 fields, found 3"),
        ("41,河南省,state,\n", 2, "level 'state'"),
        ("410,河南省,province,\n", 2, "must have 2 digits"),
        ("4a,河南省,province,\n", 2, "must have 2 digits"),
        ("４１,河南省,province,\n", 2, "must have 2 digits"),
        ("41,,province,\n", 2, "has no name"),
        ("41,河\x00南,province,\n", 2, "control character"),
        ("41,河南省,province,10\n", 2, "must have no parent"),
        ("41,河南省,province,\n4102,开封市,prefecture,\n", 3, "a level above"),
        ("41,河南省,province,\n4102,开封市,prefecture,42\n", 3, "a level above"),
        ("41,河南省,province,\n4102,开封市,prefecture,4102\n", 3, "a level above"),
        ("41,河南省,province,\n\n41,河南省,province,\n", 3, "expected 4 fields"),
        ("41,河南省,province,\n41,河南,province,\n", 3, "already in line 2"),
        ('41,"河南\n省",province,\n', 3, "control character"),
        ('41,"河南"x,province,\n', 2, "not CSV"),
        ("41," + "河" * 501 + ",province,\n", 2, "longer than 500"),
    ],
)
def test_a_fault_in_a_table_of_jurisdictions_names_its_line(rows: str, line: int, reason: str) -> None:
    with pytest.raises(DirectoryError, match=f"d.csv, line {line}: ") as raised:
        divisions(rows)
    assert raised.value.line == line
    assert reason in raised.value.reason


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("81,撤销,110101,东城区,,,\n", "year '81'"),
        ("1981,,110101,东城区,,,\n", "kind of change"),
        ("1981,撤销,11010,东城区,,,\n", "code '11010'"),
        ("1981,撤销,110101,东城区,1101011,,\n", "code '1101011'"),
        ("1981,撤销,110101,东城区,,\n", "expected 7 fields"),
        ("2000,撤销,110101,东城区,,,甲\n2000,撤销,110101,东城区,,,乙\n", "already in line 2"),
    ],
)
def test_a_fault_in_a_table_of_changes_names_its_line(row: str, reason: str) -> None:
    with pytest.raises(DirectoryError) as raised:
        parse_file("c.csv", (CHANGES + row).encode())
    assert raised.value.line == 1 + row.count("\n")
    assert reason in raised.value.reason


@pytest.mark.parametrize("content", [b"", b"code;name\n", b"code,name,parent,level\n41,x,,province\n"])
def test_another_header_is_refused_and_the_right_ones_are_said(content: bytes) -> None:
    with pytest.raises(DirectoryError, match="line 1: the header must be code,name,level,parent or year,change"):
        parse_file("d.csv", content)


def test_a_file_in_another_encoding_is_refused_with_the_line() -> None:
    with pytest.raises(DirectoryError, match="line 3: this is not UTF-8"):
        parse_file("d.csv", (DIVISIONS + "41,H,province,\n4102,").encode() + "开封市".encode("gbk"))


@given(st.binary(max_size=200), st.sampled_from([b"", DIVISIONS.encode(), CHANGES.encode()]))
def test_any_bytes_are_a_file_or_a_directory_error(content: bytes, header: bytes) -> None:
    with suppress(DirectoryError):
        assert parse_file("x.csv", header + content).rows


def test_a_parent_must_be_in_the_files_or_current() -> None:
    orphan = divisions("410202,龙亭区,county,4102\n")
    with pytest.raises(DirectoryError, match="line 2: the parent 4102 of 410202 is neither"):
        plan_edition({}, [orphan])
    assert [row.code for row in plan_edition(current(HENAN), [orphan]).changed] == []


def test_a_parent_that_the_same_files_retire_is_broken() -> None:
    without_prefecture = divisions("41,河南省,province,\n4103,洛阳市,prefecture,41\n410202,龙亭区,county,4102\n")
    with pytest.raises(DirectoryError, match="line 4: the parent 4102"):
        plan_edition(current(HENAN), [without_prefecture])


def test_a_code_in_two_files_is_refused() -> None:
    with pytest.raises(DirectoryError, match="the code 41 is in another"):
        plan_edition({}, [divisions(HENAN), divisions("41,河南省,province,\n")])


def test_a_table_is_complete_for_its_levels_and_says_nothing_of_others() -> None:
    counties = divisions("410203,顺河回族区,county,4102\n")
    plan = plan_edition(current(HENAN), [counties])
    assert [row.code for row in plan.added] == ["410203"]
    assert plan.retired == ("410202",)


def test_a_new_name_or_parent_is_a_change() -> None:
    renamed = divisions(HENAN.replace("龙亭区", "龙亭新区").replace("county,4102", "county,41"))
    plan = plan_edition(current(HENAN), [renamed])
    assert [row.code for row in plan.changed] == ["410202"]
    assert (plan.added, plan.retired) == ((), ())


def test_townships_retire_with_their_county() -> None:
    with_township = HENAN + "410202001,北书店街道,township,410202\n"
    plan = plan_edition(current(with_township), [divisions("410203,顺河回族区,county,4102\n")])
    assert set(plan.retired) == {"410202", "410202001"}


def test_the_same_files_again_change_nothing() -> None:
    files = [parse_file(name, content) for name, content in carried_files()]
    first = plan_edition({}, files)
    again = plan_edition({row.code: row for row in first.added}, files)
    assert (again.added, again.changed, again.retired) == ((), (), ())
