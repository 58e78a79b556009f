"""Every word of the circular in Chinese and English; the files are made of these and of nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

from contracts.addresses import Tier
from contracts.directory import Level
from contracts.readings import Codes
from services.ledger.circular.table import Status

ColumnName = Literal[
    "rank",
    "code",
    "name",
    "received",
    "answered",
    "fraction",
    "rate",
    "unanswered",
    "on_time",
    "on_time_rate",
    "substantive",
    "substantive_rate",
    "median_days",
    "change",
    "target",
    "met",
]
ContextName = Literal["first_day", "last_day", "tier", "kind", "codes", "status", "as_of"]


class Language(StrEnum):
    """The languages a circular is written in; the values are BCP 47 tags."""

    ZH = "zh-CN"
    EN = "en"


@dataclass(frozen=True, slots=True)
class Words:
    """The circular's words in one language. Texts with braces are filled in by ``heading``."""

    title: str
    whole_country: str
    month: str
    year: str
    day: str
    moment: str
    span: str
    listed: str
    counted: str
    as_of: str
    generated: str
    note: str
    page: str
    sheet: str
    total: str
    rest: str
    everything: str
    met: Mapping[bool, str]
    levels: Mapping[Level, str]
    tiers: Mapping[Tier, str]
    codes: Mapping[Codes, str]
    statuses: Mapping[Status, str]
    columns: Mapping[ColumnName, str]
    context: Mapping[ContextName, str]
    zones: Mapping[str, str]
    """Names that people use for a time zone instead of the zone's own."""


_CHINESE = Words(
    title="{scope}{period}协查反馈率情况通报",
    whole_country="全国",
    month="{year}年{month}月",
    year="{year}年",
    day="{year}年{month}月{day}日",
    moment="{day} {clock}（{zone}）",
    span="统计周期：{first}至{last}",
    listed="统计对象：{level}；业务层级：{tier}；业务种类：{kind}；代码口径：{codes}",
    counted="数据状态：{status}",
    as_of="数据截至：{moment}",
    generated="生成时间：{moment}",
    note=(
        "注：1. 反馈率＝反馈数÷接收数，按期反馈率、实质反馈率的分母同为接收数；未全部反馈的，反馈率不进位为100.00%。"
        "2. 排名依据为反馈率的威尔逊95%置信区间下限，接收数少的单位不因偶然的100%居前；"
        "下限相同的名次并列；接收数为0的不参加排名。"
        "3. 中位天数为接收至反馈所用天数的中位数。"
        "4. 较上期为两期反馈率之差；“–”表示无此项数据。"
        "5. “本级及其他”指接收单位为本级，或属本级但未在表中单列的部分；各行与其相加等于合计。"
    ),
    page="第 {page} 页，共 {pages} 页",
    sheet="反馈率",
    total="合计",
    rest="本级及其他",
    everything="全部",
    met=MappingProxyType({True: "达标", False: "未达标"}),
    levels=MappingProxyType({"province": "省级", "prefecture": "地市级", "county": "县级", "township": "乡镇级"}),
    tiers=MappingProxyType({"national": "跨省（全国）", "provincial": "省内"}),
    codes=MappingProxyType({"then": "统计时的代码", "today": "现行代码"}),
    statuses=MappingProxyType(
        {
            Status.PROVISIONAL: "初步数据（统计周期尚未封账）",
            Status.CLOSED: "正式数据（统计周期已封账）",
            Status.RESTATED: "修订数据（封账后又有反馈计入，与封账数据并存）",
        }
    ),
    columns=MappingProxyType(
        {
            "rank": "排名",
            "code": "行政区划代码",
            "name": "行政区划",
            "received": "接收数",
            "answered": "反馈数",
            "fraction": "反馈数/接收数",
            "rate": "反馈率(%)",
            "unanswered": "未反馈数",
            "on_time": "按期反馈数",
            "on_time_rate": "按期反馈率(%)",
            "substantive": "实质反馈数",
            "substantive_rate": "实质反馈率(%)",
            "median_days": "中位天数",
            "change": "较上期(百分点)",
            "target": "目标值(%)",
            "met": "是否达标",
        }
    ),
    context=MappingProxyType(
        {
            "first_day": "统计起始日",
            "last_day": "统计截止日",
            "tier": "业务层级",
            "kind": "业务种类",
            "codes": "代码口径",
            "status": "数据状态",
            "as_of": "数据截至",
        }
    ),
    zones=MappingProxyType({"Asia/Shanghai": "北京时间"}),
)

_ENGLISH = Words(
    title="Circular on feedback rates: {scope}, {period}",
    whole_country="the whole country",
    month="{year}-{month:02}",
    year="{year}",
    day="{year}-{month:02}-{day:02}",
    moment="{day} {clock} ({zone})",
    span="Received from {first} to {last}",
    listed="Listed: {level}; tier: {tier}; kind: {kind}; codes: {codes}",
    counted="Status: {status}",
    as_of="As of {moment}",
    generated="Generated {moment}",
    note=(
        "Notes: 1. Feedback rate = answered / received; the other two rates are also of what was received. "
        "A rate is never rounded to 100.00 while something is missing. "
        "2. Ranked by the lower bound of the 95 % Wilson score interval of the feedback rate, so that a chance 100 % "
        "of few queries does not stand first; equal bounds share a rank, and who received nothing has none. "
        "3. Median days are from receipt to answer. "
        "4. The change is the difference of the two periods' feedback rates; – means that there is no such figure. "
        "5. What was addressed to the scope itself, or below it to what is not listed, has a line of its own; "
        "with it the rows add up to the total."
    ),
    page="Page {page} of {pages}",
    sheet="Feedback rates",
    total="Total",
    rest="Scope itself and others",
    everything="all",
    met=MappingProxyType({True: "met", False: "not met"}),
    levels=MappingProxyType(
        {
            "province": "provinces",
            "prefecture": "prefectures",
            "county": "counties and districts",
            "township": "townships",
        }
    ),
    tiers=MappingProxyType({"national": "national (between provinces)", "provincial": "within the province"}),
    codes=MappingProxyType({"then": "as counted then", "today": "today's"}),
    statuses=MappingProxyType(
        {
            Status.PROVISIONAL: "provisional (the period is not closed)",
            Status.CLOSED: "closed",
            Status.RESTATED: "restated (with answers that came after the period was closed; the closed figures remain)",
        }
    ),
    columns=MappingProxyType(
        {
            "rank": "Rank",
            "code": "Code",
            "name": "Jurisdiction",
            "received": "Received",
            "answered": "Answered",
            "fraction": "Fraction",
            "rate": "Feedback rate (%)",
            "unanswered": "Unanswered",
            "on_time": "On time",
            "on_time_rate": "On-time rate (%)",
            "substantive": "Substantive",
            "substantive_rate": "Substantive rate (%)",
            "median_days": "Median days",
            "change": "Change (percentage points)",
            "target": "Target (%)",
            "met": "Target met",
        }
    ),
    context=MappingProxyType(
        {
            "first_day": "First day",
            "last_day": "Last day",
            "tier": "Tier",
            "kind": "Kind",
            "codes": "Codes",
            "status": "Status",
            "as_of": "As of",
        }
    ),
    zones=MappingProxyType({}),
)

WORDS: Mapping[Language, Words] = MappingProxyType({Language.ZH: _CHINESE, Language.EN: _ENGLISH})
