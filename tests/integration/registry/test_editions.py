"""Importing directory files into a real database: one transaction, one edition, every validity kept."""

import asyncio
from datetime import date

import asyncpg
import pytest

from contracts.data import carried_files
from services.registry.editions import ImportReport, import_directory
from services.registry.errors import ImportRefused
from services.registry.parts import current_directory
from services.registry.transactions import Connection

DIVISIONS = "code,name,level,parent\n"
PREFECTURES = "41,河南省,province,\n4101,郑州市,prefecture,41\n4102,开封市,prefecture,41\n"
COUNTIES = "410102,中原区,county,4101\n410103,二七区,county,4101\n410202,龙亭区,county,4102\n"
VERSION = "SELECT version FROM registry_version"
HISTORY = "SELECT name, valid_from, valid_until FROM jurisdiction WHERE code = $1 ORDER BY edition"


async def take(connection: Connection, rows: str, day: str | None = None, header: str = DIVISIONS) -> ImportReport:
    as_of = date.fromisoformat(day) if day is not None else None
    return await import_directory(connection, [("new.csv", (header + rows).encode())], actor="test", as_of=as_of)


async def test_the_carried_directory_is_taken_whole_and_again_without_a_change(connection: Connection) -> None:
    first = await import_directory(connection, carried_files(), actor="test")
    assert (len(first.added), len(first.changed), len(first.retired), first.changes) == (41_963, 0, 0, 5_276)
    again = await import_directory(connection, carried_files(), actor="test")
    assert (again.added, again.changed, again.retired, again.changes) == ((), (), (), 0)
    assert again.edition > first.edition
    directory = await current_directory(connection)
    leading = [code for code in directory.retired if directory.resolve(code).status == "successor"]
    assert len(leading) == 3_371


async def test_an_edition_keeps_what_was_valid_before(connection: Connection) -> None:
    await take(connection, PREFECTURES + COUNTIES, "2020-01-01")
    await take(connection, PREFECTURES + COUNTIES.replace("二七区", "二七新区"), "2021-06-01")
    without = COUNTIES.replace("410103,二七区,county,4101\n", "")
    assert (await take(connection, PREFECTURES + without, "2022-01-01")).retired == ("410103",)
    back = await take(connection, PREFECTURES + COUNTIES, "2023-01-01")
    assert back.added == ("410103",)
    assert [tuple(row) for row in await connection.fetch(HISTORY, "410103")] == [
        ("二七区", date(2020, 1, 1), date(2021, 6, 1)),
        ("二七新区", date(2021, 6, 1), date(2022, 1, 1)),
        ("二七区", date(2023, 1, 1), None),
    ]


async def test_a_retired_code_of_an_earlier_edition_is_known_as_such(connection: Connection) -> None:
    await take(connection, PREFECTURES + COUNTIES)
    await take(connection, COUNTIES.replace("410103,二七区,county,4101\n", ""))
    directory = await current_directory(connection)
    assert directory.resolve("410103").status == "retired"
    assert directory.resolve("410999").status == "unknown"


async def test_a_refused_file_changes_nothing_and_names_the_line(henan: Connection) -> None:
    before = await henan.fetchval(VERSION), await current_codes(henan)
    for rows, line in [
        ("410102,中原区,county,4109\n", 2),
        ("410102,中原区,county,4101\n410102,中原区,county,4101\n", 3),
        ("410102,中原区,county,4101\n41010,中原区,county,4101\n", 3),
    ]:
        with pytest.raises(ImportRefused, match=f"new.csv, line {line}: .* Nothing was changed"):
            await take(henan, rows)
    assert (await henan.fetchval(VERSION), await current_codes(henan)) == before


async def test_one_refused_file_among_good_ones_changes_nothing(henan: Connection) -> None:
    before = await henan.fetchval(VERSION), await current_codes(henan)
    good, bad = (DIVISIONS + PREFECTURES).encode(), (DIVISIONS + "410299,某区,county,4109\n").encode()
    with pytest.raises(ImportRefused, match=r"bad\.csv, line 2"):
        await import_directory(henan, [("good.csv", good), ("bad.csv", bad)], actor="test")
    assert (await henan.fetchval(VERSION), await current_codes(henan)) == before


async def test_an_edition_cannot_be_dated_before_the_one_that_is_there(connection: Connection) -> None:
    await take(connection, PREFECTURES, "2022-01-01")
    with pytest.raises(ImportRefused, match="2022-01-01, later than 2021-12-31"):
        await take(connection, PREFECTURES, "2021-12-31")


async def test_changes_merge_and_take_a_newly_cited_document(henan: Connection) -> None:
    header = "year,change,old_code,old_name,new_code,new_name,document\n"
    rows = "1987,撤销,410112,郊区,,,国函1号\n2001,同名改码,410112,郊区,410102,中原区,\n"
    assert (await take(henan, rows, header=header)).changes == 1
    documents = await henan.fetch("SELECT document FROM jurisdiction_change WHERE old_code = '410112' ORDER BY id")
    assert [row["document"] for row in documents] == ["国函1号", ""]
    assert (await current_directory(henan)).resolve("410112").address == "410102"


async def test_two_imports_at_once_make_two_editions_one_after_the_other(henan: Connection, database: str) -> None:
    other = await asyncpg.connect(database)
    renamed = (PREFECTURES + COUNTIES).replace("龙亭区", "龙亭新区")
    reports = await asyncio.gather(take(henan, renamed), take(other, renamed))
    await other.close()
    assert sorted(len(report.changed) for report in reports) == [0, 1]
    assert len({report.edition for report in reports}) == 2


async def test_an_import_is_on_the_append_only_record(henan: Connection, actions: str) -> None:
    assert [tuple(row) for row in await henan.fetch(actions)] == [("test", "directory.import", "edition 1")]
    for statement in ("DELETE FROM administration", "UPDATE administration SET actor = ''", "TRUNCATE administration"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
            await henan.execute(statement)


async def current_codes(connection: Connection) -> list[str]:
    return sorted((await current_directory(connection)).codes)
