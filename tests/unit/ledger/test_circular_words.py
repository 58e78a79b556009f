"""The circular's words and heading: nothing is missing in either language, and everything is said that must be."""

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from contracts.addresses import Tier
from contracts.directory import LEVEL_DIGITS
from services.ledger.circular import heading
from services.ledger.circular.columns import COLUMNS
from services.ledger.circular.table import Status
from services.ledger.circular.words import WORDS, ColumnName, ContextName, Language
from tests.unit.ledger.circulars import SHANGHAI, subject


@pytest.mark.parametrize("language", Language)
def test_no_word_is_missing_in_either_language(language: Language) -> None:
    words = WORDS[language]

    assert tuple(words.columns) == get_args(ColumnName) == tuple(column.name for column in COLUMNS)
    assert tuple(words.context) == get_args(ContextName)
    assert words.levels.keys() == LEVEL_DIGITS.keys()
    assert set(words.tiers) == set(get_args(Tier))
    assert set(words.statuses) == set(Status)
    assert set(words.met) == {True, False}
    for field in fields(words):
        value = getattr(words, field.name)
        for text in value.values() if isinstance(value, Mapping) else [value]:
            assert text.strip() == text != ""


@pytest.mark.parametrize("language", Language)
def test_no_two_headings_of_a_language_are_the_same(language: Language) -> None:
    headings = [*WORDS[language].columns.values(), *WORDS[language].context.values()]

    assert len(set(headings)) == len(headings)


def test_the_chinese_heading_names_scope_period_days_and_the_moment() -> None:
    assert heading.title(subject(), Language.ZH) == "河南省2026年11月协查反馈率情况通报"
    assert heading.lines(subject(), Language.ZH) == [
        "统计周期：2026年10月21日至2026年11月20日",
        "统计对象：地市级；业务层级：全部；业务种类：全部；代码口径：统计时的代码",
        "数据状态：正式数据（统计周期已封账）",
        "数据截至：2026年11月28日 00:00:00（北京时间）",
        "生成时间：2026年11月28日 09:02:03（北京时间）",
    ]


def test_the_english_heading_names_scope_period_days_and_the_moment_with_its_zone() -> None:
    one = replace(subject(), tier="national", kind="case.assist", cut_off=None)

    assert heading.title(one, Language.EN) == "Circular on feedback rates: 河南省, 2026-11"
    assert heading.lines(one, Language.EN) == [
        "Received from 2026-10-21 to 2026-11-20",
        "Listed: prefectures; tier: national (between provinces); kind: case.assist; codes: as counted then",
        "Status: provisional (the period is not closed)",
        "As of 2026-11-28 00:00:00 (Asia/Shanghai)",
        "Generated 2026-11-28 09:02:03 (Asia/Shanghai)",
    ]


def test_a_year_and_the_whole_country_have_titles() -> None:
    country = replace(subject(), scope_code="", scope_name="", period="2026")

    assert heading.title(country, Language.ZH) == "全国2026年协查反馈率情况通报"
    assert heading.title(country, Language.EN) == "Circular on feedback rates: the whole country, 2026"
    january = replace(subject(), period="2026-01")
    assert heading.title(january, Language.ZH) == "河南省2026年1月协查反馈率情况通报"
    assert heading.title(january, Language.EN) == "Circular on feedback rates: 河南省, 2026-01"


def test_restated_figures_say_so_in_both_languages() -> None:
    later = replace(subject(), as_of=datetime(2026, 12, 1, tzinfo=UTC))

    assert "修订数据" in heading.lines(later, Language.ZH)[2]
    assert "restated" in heading.lines(later, Language.EN)[2]


def test_days_are_those_of_the_platform_whatever_zone_the_moments_come_in() -> None:
    elsewhere = replace(subject(), as_of=subject().as_of.astimezone(SHANGHAI) - timedelta(seconds=1))

    assert heading.lines(elsewhere, Language.EN)[3] == "As of 2026-11-27 23:59:59 (Asia/Shanghai)"
    assert [str(day) for day in heading.days(elsewhere)] == ["2026-10-21", "2026-11-20"]
