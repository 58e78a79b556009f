"""Kinds: the built-in ones are sound, and a document that is not one says why."""

import pytest

from contracts.envelope import MessageType
from contracts.kinds import KindError, PayloadError, built_in_kinds, kind_from_definition, parse_kind

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


def test_a_kind_survives_being_stored() -> None:
    kind = parse_kind(GOOD)
    assert kind_from_definition(kind.definition()) == kind


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("name: school.transfer", "name: School"), "name"),
        (("type: query", "type: question"), "type"),
        (("answer_owed: true", "answer_owed: false"), "answer_owed"),
        (("deadline_days: 10", "deadline_days: 0"), "deadline_days"),
        (("deadline_days: 10", "deadline_days: soon"), "deadline_days"),
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
