"""Kinds: the built-in ones are sound, and a document that is not one says why."""

import pytest

from contracts.envelope import MessageType
from contracts.kinds import DayCount, KindError, PayloadError, built_in_kinds, kind_from_definition, parse_kind

NAMES = ["case.assist", "certificate.verify", "residence.verify", "service.handover", "service.notice"]

GOOD = """
name: school.transfer
type: query
answer_owed: true
deadline_days: 10
description: {en: Asks for a school record., zh: 请求学籍信息。}
schema: {type: object, required: [pupil], properties: {pupil: {type: string}}}
"""


def test_the_built_in_kinds_are_those_of_the_design() -> None:
    kinds = {kind.name: kind for kind in built_in_kinds()}
    assert sorted(kinds) == NAMES
    assert kinds["service.notice"].type is MessageType.NOTICE
    assert kinds["service.notice"].deadline_days is None
    assert all(kind.deadline_days for kind in kinds.values() if kind.answer_owed)
    kinds["case.assist"].payload_schema.check({"subject": "x", "note": "y"})


def test_the_deadlines_of_the_built_in_kinds_are_those_of_the_design() -> None:
    kinds = {kind.name: kind for kind in built_in_kinds()}
    assist = kinds["case.assist"]
    assert (assist.urgent_deadline_days, assist.deadline_days, assist.day_count) == (15, 30, DayCount.CALENDAR)
    assert kinds["certificate.verify"].day_count is DayCount.WORKING


def test_what_a_document_leaves_out_has_its_default() -> None:
    kind = parse_kind(GOOD)
    assert (kind.urgent_deadline_days, kind.day_count) == (None, DayCount.CALENDAR)
    assert (kind.days(urgent=False), kind.days(urgent=True)) == (10, 10)


def test_a_deadline_can_be_urgent_and_in_working_days() -> None:
    kind = parse_kind(
        GOOD.replace("deadline_days: 10", "deadline_days: 10\nurgent_deadline_days: 3\nday_count: working")
    )
    assert (kind.days(urgent=False), kind.days(urgent=True), kind.day_count) == (10, 3, DayCount.WORKING)
    assert kind_from_definition(kind.definition()) == kind


@pytest.mark.parametrize("member", ["deadline_days: 10", "urgent_deadline_days: 10", "day_count: calendar"])
def test_a_notice_has_no_deadline(member: str) -> None:
    notice = GOOD.replace("deadline_days: 10", "").replace("query", "notice").replace("true", "false")
    assert kind_from_definition(parse_kind(notice).definition()) == parse_kind(notice)
    with pytest.raises(KindError, match=rf"{member.partition(':')[0]} is left out"):
        parse_kind(notice + member)


def test_a_kind_survives_being_stored() -> None:
    kind = parse_kind(GOOD)
    assert kind_from_definition(kind.definition()) == kind


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("name: school.transfer", "name: School"), "name"),
        (("name: school.transfer", f"name: school.{'x' * 58}"), "at most 64 characters"),
        (("type: query", "type: question"), "type"),
        (("answer_owed: true", "answer_owed: false"), "answer_owed"),
        (("deadline_days: 10", "deadline_days: 0"), "deadline_days"),
        (("deadline_days: 10", "deadline_days: soon"), "deadline_days"),
        (("deadline_days: 10", "deadline_days: 10\nurgent_deadline_days: 11"), "1 to deadline_days, which is 10"),
        (("deadline_days: 10", "deadline_days: 10\nurgent_deadline_days: 0"), "urgent_deadline_days"),
        (("deadline_days: 10", "deadline_days: 10\nurgent_deadline_days: true"), "urgent_deadline_days"),
        (("deadline_days: 10", "deadline_days: 10\nday_count: weekly"), "day_count is calendar or working"),
        (("deadline_days: 10", "deadline_days: 10\nday_count: [working]"), "day_count"),
        (("zh: 请求学籍信息。", "zh: ''"), "description"),
        (("{type: object, required", "{type: string, required"), "schema"),
        (("{pupil: {type: string}}", "{pupil: {type: strange}}"), "JSON Schema"),
        (("deadline_days: 10", "deadline_day: 10"), "members"),
        (("name: school.transfer", "name: [school"), "YAML"),
    ],
)
def test_a_document_that_is_no_kind_says_what_is_wrong(change: tuple[str, str], says: str) -> None:
    with pytest.raises(KindError, match=says):
        parse_kind(GOOD.replace(*change))


def test_a_payload_error_names_the_rule_and_nothing_of_the_payload() -> None:
    with pytest.raises(PayloadError) as caught:
        parse_kind(GOOD).payload_schema.check({"pupil": 4711})
    assert "properties/pupil/type" in str(caught.value)
    assert "4711" not in str(caught.value)
