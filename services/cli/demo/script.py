"""What is sent and answered: made up, in Chinese, about nobody. Names are anonymised the way official texts do it.

Every payload's note begins with a mark by which a later run knows what the demonstration sent from what a user of the
stack did.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args
from uuid import UUID

from contracts.addresses import Tier
from contracts.envelope import Outcome
from contracts.reasons import ReasonCode

QUERIES_A_TIER = 714
UNANSWERED_A_TIER = 1
MARK = "【演示】"

_LEFT_OPEN = 416
_ANSWERS = UUID("6d3f0a52-1b7e-5c94-9a27-4e0d8c1f2b63")

_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗"
_CERTIFICATES = ("流动人口婚育证明", "居住证", "出生医学证明", "预防接种证", "就业创业证")
_STREETS = ("建设路街道", "棉纺路街道", "秦岭路街道", "桐柏路街道", "汝河路街道", "须水街道")
_SUBJECTS = ("请协助联系当事人补办登记", "请协助送达办理通知", "请协助核对家庭成员信息", "请协助核实子女入学情况")
_SERVICES = ("儿童预防接种", "孕产期保健", "老年人健康管理", "居住证签注", "社会保险关系转移")
_NOTES = {
    Outcome.CONFIRMED: "经核实，情况属实。",
    Outcome.NOT_CONFIRMED: "经核实，与所述情况不符。",
    Outcome.NOT_FOUND: "经查找，辖区内未找到当事人。",
    Outcome.REFUSED: "本事项不予办理。",
}
_REASONS = {Outcome.REFUSED: f"{ReasonCode.NOT_IN_CHARGE}: 不属于本辖区职责范围"}


@dataclass(frozen=True, slots=True)
class Query:
    """A query of a run, from one origin to the district."""

    id: str
    origin: str
    tier: Tier
    kind: str
    payload: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """The district's answer to a query. The same query is always answered in the same way, under the same id."""

    id: str
    query: str
    outcome: Outcome
    reason: str | None
    payload: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Script:
    """One run: all its queries, and which of them, one a tier, will not be answered."""

    queries: Mapping[str, Query]
    left_open: frozenset[str]

    def of_origin(self, address: str) -> list[Query]:
        """What one origin sends, in order."""
        return [query for query in self.queries.values() if query.origin == address]


def write_script(origins: Mapping[Tier, Sequence[str]]) -> Script:
    """A new run: so many queries over each tier, from its origins in turn."""
    queries: list[Query] = []
    for tier in get_args(Tier):
        for number in range(QUERIES_A_TIER):
            origin = origins[tier][number % len(origins[tier])]
            kind, payload = query_content(number)
            queries.append(Query(str(uuid.uuid4()), origin, tier, kind, payload))
    # The middle of the run rather than its end, so that it is plain that nobody just stopped early.
    left_open = frozenset(query.id for query in queries[_LEFT_OPEN::QUERIES_A_TIER])
    return Script({query.id: query for query in queries}, left_open)


def query_content(number: int) -> tuple[str, dict[str, str]]:
    """The kind and payload of the query of that number."""
    holder = f"{_SURNAMES[number % len(_SURNAMES)]}某某"
    turn = number // 4
    note = f"{MARK}请予核实并反馈。"
    date = f"2026-{turn % 9 + 1:02d}-{turn % 28 + 1:02d}"
    match number % 4:
        case 0:
            certificate = {"certificate_type": _CERTIFICATES[turn % 5], "certificate_number": f"演示第{number:06d}号"}
            return "certificate.verify", {**certificate, "holder_name": holder, "issued_on": date, "note": note}
        case 1:
            stated = f"河南省郑州市中原区{_STREETS[turn % 6]}"
            return "residence.verify", {"resident_name": holder, "stated_address": stated, "since": date, "note": note}
        case 2:
            return "case.assist", {"subject": f"{_SUBJECTS[turn % 4]}（{holder}）", "note": note}
        case _:
            service = _SERVICES[turn % 5]
            return "service.handover", {"resident_name": holder, "service": service, "from_date": date, "note": note}


def answer_to(query: str) -> Answer:
    """The answer to the query with that id. Nine in ten confirm, the rest say something else; none is a partial one."""
    number = UUID(query).int % 50
    special = {
        11: Outcome.NOT_CONFIRMED,
        29: Outcome.REFUSED,
        3: Outcome.NOT_FOUND,
        17: Outcome.NOT_FOUND,
        41: Outcome.NOT_CONFIRMED,
    }
    outcome = special.get(number, Outcome.CONFIRMED)
    payload = {"note": f"{MARK}{_NOTES[outcome]}"}
    return Answer(str(uuid.uuid5(_ANSWERS, query)), query, outcome, _REASONS.get(outcome), payload)


def is_of_the_demonstration(payload: Any) -> bool:
    """Whether a payload, as JSON, bears the mark."""
    note = payload.get("note") if isinstance(payload, dict) else None
    return isinstance(note, str) and note.startswith(MARK)
