"""The circular as JSON: the table's figures, by the published schema."""

import json
from dataclasses import replace
from typing import Any

import pytest

from services.ledger.circular.json_form import circular_json
from services.ledger.circular.table import Circular, make_circular
from tests.contracts.schemas import documents, validator
from tests.unit.ledger.circulars import counted, entry, example, subject, total_of


def test_a_row_has_numbers_for_counts_and_strings_with_two_decimals_for_rates() -> None:
    first = _document(example())["rows"][0]

    assert first == {
        "rank": 1,
        "code": "4101",
        "name": "郑州市",
        "received": 714,
        "answered": 713,
        "on_time": 713,
        "on_time_original": 713,
        "unanswered": 1,
        "withdrawn": 0,
        "forwarded": 0,
        "substantive": 700,
        "fraction": "713/714",
        "rate": "99.86",
        "on_time_rate": "99.86",
        "substantive_rate": "98.04",
        "median_days": 2.5,
        "change": "+1.29",
        "target": "95.00",
        "met": True,
    }


def test_what_is_not_there_is_null() -> None:
    nothing = _document(example())["rows"][-1]

    absent = {key for key, value in nothing.items() if value is None}
    assert absent == {"rank", "rate", "on_time_rate", "substantive_rate", "median_days", "change", "met"}


def test_moments_carry_the_offset_of_the_platforms_zone() -> None:
    document = _document(example())

    assert document["scope"] == {"code": "41", "name": "河南省"}
    assert (document["from"], document["to"]) == ("2026-10-21T00:00:00+08:00", "2026-11-21T00:00:00+08:00")
    assert (document["status"], document["as_of"]) == ("closed", "2026-11-28T00:00:00+08:00")
    assert document["cut_off"] == document["as_of"]
    assert document["zone"] == "Asia/Shanghai"


def test_a_change_has_its_sign() -> None:
    listed = [
        replace(entry(f"410{number}", 1, 2), before=before)
        for number, before in enumerate([counted(1, 1), counted(1, 2), counted(0, 1)])
    ]
    rows = _document(make_circular(subject(), listed, total_of(listed)))["rows"]

    assert {row["change"] for row in rows} == {"-50.00", "0.00", "+50.00"}


@pytest.mark.parametrize(
    "circular",
    [
        example(),
        make_circular(replace(subject(), cut_off=None, tier="national", kind="case.assist"), [], total_of([])),
        make_circular(replace(subject(), scope_code="", scope_name="", period="2026"), [], total_of([])),
    ],
)
def test_every_circular_follows_the_schema_and_every_member_stands_in_it(circular: Circular) -> None:
    document = _document(circular)
    schema = documents()["circular.json"]

    assert list(validator("circular.json").iter_errors(document)) == []
    assert list(document) == list(schema["properties"]) == schema["required"]
    assert list(document["total"]) == list(schema["definitions"]["row"]["properties"])


def test_the_schema_refuses_a_rate_that_is_no_percentage() -> None:
    document = _document(example())
    document["rows"][0]["rate"] = "100.01"

    assert not validator("circular.json").is_valid(document)


def _document(circular: Circular) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(circular_json(circular))
    return document
