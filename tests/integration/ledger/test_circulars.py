"""Circulars of the ledger: their files say what the ledger says, as closed, as of a moment, and under either codes."""

import csv
import io
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from statistics import median
from typing import Any

import asyncpg
import httpx
import pytest
from openpyxl import load_workbook

from contracts.directory import Directory, Jurisdiction
from contracts.rates import Figures
from contracts.targets import read_targets
from services.ledger.circular.words import WORDS, Language
from services.registry.editions import import_directory
from services.registry.parts import current_directory
from services.registry.provision import FIRST_VERSION
from tests.integration.ledger.asking import ask, asking
from tests.integration.ledger.past import CALENDAR, DAY, Duty, Past, live
from tests.integration.ledger.test_closings import figures

ADDRESSES = ("410102", "410103", "410202", "4103", "419001", "41.health", "420102")
TARGETS = read_targets('{"prefecture": {"*": "99.00"}, "province": {"*": "50.00"}}')


async def month_of_714_and_3(past: Past) -> list[Duty]:
    """In 2025-11: 713 of 714 answered in 4101 and 3 of 3 in 4102, the month before 1 of 2 in 4101; one late answer."""
    past.now = CALENDAR.span("2025-10").start
    early = await past.ask("410102", "410102")
    past.now += DAY
    await past.answer(early[0])
    past.now = CALENDAR.span("2025-11").start
    many, few = await past.ask(*["410102"] * 714), await past.ask(*["410202"] * 3)
    own = await past.ask("41.health")
    past.now += timedelta(days=2, hours=12)
    await past.answer(*many[:400], *few)
    past.now += 2 * DAY
    await past.answer(*many[400:713], outcome="not-found")
    past.now = CALENDAR.cutoff("2025-11") + DAY
    await past.answer(many[713], *own)
    await past.close("2025-10")
    await past.close("2025-11")
    return many


async def test_few_answers_do_not_outrank_many_and_the_total_is_the_provinces(pool: asyncpg.Pool) -> None:
    await month_of_714_and_3(Past(pool, CALENDAR.span("2025-10").start))
    async with asking(pool, targets=TARGETS) as client:
        told = await ask(client, "periods/2025-11/circular", scope="41", format="json")
    first, second, third = told["rows"]
    assert [(row["rank"], row["code"], row["fraction"]) for row in (first, second, third)] == [
        (1, "4101", "713/714"),
        (2, "4102", "3/3"),
        (None, "4103", "0/0"),
    ]
    assert (told["status"], told["level"], told["scope"]["name"]) == ("closed", "prefecture", "河南省")
    assert told["as_of"] == told["cut_off"] == "2025-11-28T00:00:00+08:00"
    assert (first["substantive"], first["median_days"], first["change"]) == (400, 2.5, "+49.86")
    assert (first["target"], first["met"]) == ("99.00", True)
    assert (third["met"], third["median_days"]) == (None, None)
    assert (told["rest"]["fraction"], told["total"]["fraction"]) == ("0/1", "716/718")
    assert (told["total"]["target"], told["total"]["change"]) == ("50.00", "+49.72")


async def test_a_stated_moment_is_told_as_of_then_and_a_late_one_as_a_restatement(pool: asyncpg.Pool) -> None:
    await month_of_714_and_3(Past(pool, CALENDAR.span("2025-10").start))
    async with asking(pool) as client:
        asked = {"scope": "41", "format": "json"}
        early = await ask(client, "periods/2025-11/circular", **asked, as_of="2025-10-24")
        late = await ask(client, "periods/2025-11/circular", **asked, as_of="2025-12-31")
        closed = await ask(client, "periods/2025-11/circular", **asked, as_of="2025-11-27")
        plain = await ask(client, "periods/2025-11/circular", **asked)
        year = await ask(client, "periods/2025/circular", **asked)
    assert (early["status"], early["rows"][0]["fraction"]) == ("provisional", "400/714")
    assert (late["status"], late["rows"][0]["fraction"], late["total"]["fraction"]) == (
        "restated",
        "714/714",
        "718/718",
    )
    assert {**closed, "generated_at": None} == {**plain, "generated_at": None}
    assert (year["status"], year["cut_off"], year["total"]["fraction"]) == ("provisional", None, "719/720")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("level", ["prefecture", "county"])
async def test_the_files_read_back_equal_the_ledger(pool: asyncpg.Pool, level: str) -> None:
    past = Past(pool, CALENDAR.span("2025-10").start)
    await live(past, ADDRESSES, ["2025-10", "2025-11"], seed=3)
    async with asking(pool) as client:
        asked = {"scope": "41", "level": level, "language": "en"}
        files = [
            await client.get("/v1/periods/2025-11/circular", params={**asked, "format": f}) for f in ("xlsx", "csv")
        ]
        told = {
            code: await ask(client, "periods/2025-11", jurisdiction=code)
            for code in ("41", "4101", "4102", "4103", "410102", "410103", "410202", "419001")
        }
    assert [file.headers["content-disposition"] for file in files] == [
        'attachment; filename="circular-41-2025-11.xlsx"',
        'attachment; filename="circular-41-2025-11.csv"',
    ]
    sheet, lines = rows_of_xlsx(files[0].content), rows_of_csv(files[1].content)
    assert sheet.keys() == lines.keys() >= {code for code in told if len(code) == (4 if level == "prefecture" else 6)}
    for code, row in lines.items():
        if code not in told:
            continue
        closed = figures(told[code]["closed"])
        assert counts(row) == counts(sheet[code]) == wanted(closed)
        assert row["Fraction"].replace("∕", "/") == sheet[code]["Fraction"] == closed.fraction
        assert row["Feedback rate (%)"] == (closed.rate or "–")
        assert shown_median(row) == median_days(past, code)
        if closed.rate is not None:
            assert f"{sheet[code]['Feedback rate (%)']:.2f}" == closed.rate


def rows_of_csv(content: bytes) -> dict[str, dict[str, Any]]:
    """The lines by their codes, the total among them under its scope's."""
    return {row["Code"]: row for row in csv.DictReader(io.StringIO(content.decode("utf-8-sig")))}


def rows_of_xlsx(content: bytes) -> dict[str, dict[str, Any]]:
    """The same of a workbook."""
    lines: Iterator[tuple[Any, ...]] = load_workbook(io.BytesIO(content)).worksheets[0].iter_rows(values_only=True)
    header = next(line for line in lines if line[0] == "Rank")
    table = (dict(zip(header, line, strict=True)) for line in lines)
    return {row["Code"]: row for row in table if row["Code"] is not None}


def counts(row: dict[str, Any]) -> list[int]:
    return [int(row[name]) for name in ("Received", "Answered", "Unanswered", "On time", "Substantive")]


def wanted(figures: Figures) -> list[int]:
    return [figures.received, figures.answered, figures.unanswered, figures.on_time, figures.substantive]


def median_days(past: Past, code: str) -> Decimal | None:
    cut_off = CALENDAR.cutoff("2025-11")
    taken = [
        (d.ended_at - d.received_at).total_seconds()
        for d in past.duties
        if d.address.startswith(code) and d.period == "2025-11" and d.ended_at and d.ended(cut_off)
        if d.ended_as == "answered"
    ]
    return None if not taken else Decimal(median(taken) / DAY.total_seconds()).quantize(Decimal("0.1"), "ROUND_HALF_UP")


def shown_median(row: dict[str, Any]) -> Decimal | None:
    return None if row["Median days"] == "–" else Decimal(row["Median days"])


@pytest.mark.parametrize(
    ("form", "media_type"), [("html", "text/html; charset=utf-8"), ("csv", "text/csv; charset=utf-8")]
)
async def test_a_form_has_its_content_type_and_language(pool: asyncpg.Pool, form: str, media_type: str) -> None:
    async with asking(pool) as client:
        told = await client.get("/v1/periods/2025-11/circular", params={"scope": "", "format": form})
    assert told.headers["content-type"] == media_type
    assert told.headers["content-disposition"].endswith(f'filename="circular-2025-11.{form}"')
    assert WORDS[Language.ZH].columns["rate"] in told.content.decode("utf-8-sig")


async def test_what_has_no_circular_is_refused_with_the_reason(pool: asyncpg.Pool) -> None:
    async with asking(pool) as client:
        for query in ("scope=410102", "scope=41&level=province", "scope=41.health", "scope=99", "scope=41&as_of=soon"):
            answer = await client.get(f"/v1/periods/2025-11/circular?{query}")
            assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY, answer.text
        assert (await client.get("/v1/periods/never/circular?scope=41")).status_code == httpx.codes.UNPROCESSABLE_ENTITY


async def test_a_circular_of_too_many_is_refused_and_one_of_a_province_is_not(pool: asyncpg.Pool) -> None:
    townships = [
        Jurisdiction(f"4101{n // 1000:02d}{n % 1000:03d}", f"{n}乡", "township", "410102") for n in range(5001)
    ]
    provinces = [Jurisdiction(code, code, "province", None) for code in ("41", "42")]
    async with asking(pool, directory=Directory.of([*provinces, *townships], [])) as client:
        for scope, status in (("", httpx.codes.UNPROCESSABLE_ENTITY), ("42", httpx.codes.OK)):
            asked = {"scope": scope, "level": "township", "format": "json"}
            assert (await client.get("/v1/periods/2025-11/circular", params=asked)).status_code == status


BEFORE = """code,name,level,parent
41,河南省,province,
4101,郑州市,prefecture,41
4102,开封市,prefecture,41
410102,中原区,county,4101
410103,二七区,county,4101
410202,龙亭区,county,4102
410204,鼓楼区,county,4102
42,湖北省,province,
4201,武汉市,prefecture,42
420102,江岸区,county,4201
"""
# In 2026 二七区 was merged into 中原区, 龙亭区 got another code in another prefecture, and 鼓楼区 another name.
AFTER = """code,name,level,parent
41,河南省,province,
4101,郑州市,prefecture,41
4102,开封市,prefecture,41
410102,中原区,county,4101
410120,龙亭区,county,4101
410204,鼓楼新区,county,4102
42,湖北省,province,
4201,武汉市,prefecture,42
420102,江岸区,county,4201
"""
CHANGES = """year,change,old_code,old_name,new_code,new_name,document
2026,撤销,410103,二七区,410102,中原区,合并
2026,同名改码,410202,龙亭区,410120,龙亭区,改码
2026,更名,410204,鼓楼区,410204,鼓楼新区,更名
"""


async def directory_of_two_editions(database: str) -> Directory:
    owner = await asyncpg.connect(database)
    await owner.execute(FIRST_VERSION)
    editions = (
        ([("before.csv", BEFORE.encode())], date(2025, 1, 1)),
        ([("after.csv", AFTER.encode()), ("changes.csv", CHANGES.encode())], date(2026, 3, 1)),
    )
    for files, day in editions:
        await import_directory(owner, files, actor="test", as_of=day)
    directory = await current_directory(owner)
    await owner.close()
    return directory


async def test_under_todays_codes_every_province_has_the_same_total(pool: asyncpg.Pool, database: str) -> None:
    directory = await directory_of_two_editions(database)
    addresses = ("410102", "410103", "410103.health", "410202", "410204", "4102", "420102")
    past = Past(pool, CALENDAR.span("2025-10").start)
    await live(past, addresses, ["2025-10", "2025-11"], seed=5)
    past.now = CALENDAR.span("2026-02").start
    await past.ask("410103", "410202", "410102")
    async with asking(pool, directory=directory) as client:
        for period in ("2025-10", "2025-11", "2026-02", "2025", "2026"):
            for role in ("recipient", "sender"):
                for more in ({}, {"as_of": "2026-06-01"}):
                    for province in ("41", "42", ""):
                        asked = {"jurisdiction": province, "period": period, "role": role, **more}
                        then, today = [await ask(client, "rate", **asked, codes=codes) for codes in ("then", "today")]
                        assert then["tiers"] == today["tiers"], asked
            rows = {codes: await listed(client, period, codes) for codes in ("then", "today")}
            assert rows["then"]["total"] == rows["today"]["total"]
        merged = await ask(client, "rate", jurisdiction="410102", period="2025-11", codes="today")
        retired = await ask(client, "rate", jurisdiction="410103", period="2025-11", codes="today")
        moved = await ask(client, "rate", jurisdiction="410120", period="2025-11", codes="today")
    assert (
        figures(merged) == figures(retired) == past.counted("410102", ["2025-11"]) + past.counted("410103", ["2025-11"])
    )
    assert figures(moved) == past.counted("410202", ["2025-11"])


async def listed(client: httpx.AsyncClient, period: str, codes: str) -> dict[str, Any]:
    asked = {"scope": "41", "level": "county", "format": "json", "codes": codes}
    return await ask(client, f"periods/{period}/circular", **asked)


async def test_a_circular_lists_codes_of_then_or_of_today(pool: asyncpg.Pool, database: str) -> None:
    directory = await directory_of_two_editions(database)
    past = Past(pool, CALENDAR.span("2025-11").start)
    asked = await past.ask("410102", "410103", "410103.health", "410202", "4102")
    past.now += DAY
    await past.answer(*asked[:2])
    async with asking(pool, directory=directory) as client:
        rows = {codes: await listed(client, "2025-11", codes) for codes in ("then", "today")}
    then, today = [{row["code"]: (row["name"], row["fraction"]) for row in rows[codes]["rows"]} for codes in rows]
    assert then == {
        "410102": ("中原区", "1/1"),
        "410103": ("二七区", "1/2"),
        "410202": ("龙亭区", "0/1"),
        "410120": ("龙亭区", "0/0"),
        "410204": ("鼓楼新区", "0/0"),
    }
    assert today == {
        "410102": ("中原区", "2/3"),
        "410120": ("龙亭区", "0/1"),
        "410204": ("鼓楼新区", "0/0"),
    }
    assert rows["then"]["rest"]["fraction"] == rows["today"]["rest"]["fraction"] == "0/1"
