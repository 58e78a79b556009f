"""Kinds: what a query or notice is about, with the schema of its payload, its deadline, and whether an answer is owed.

A kind is a YAML document. The built-in ones lie in ``contracts/builtin_kinds``; an operator adds further ones with
``huizhi kind import``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.resources import files
from typing import Any

import jsonschema_rs
import yaml

from contracts.envelope import MessageType
from contracts.reminders import DEFAULT_POLICY, ReminderError, ReminderPolicy, policy_from_definition

KIND_NAME = re.compile(r"[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)+")
"""How kinds are named: two or more words joined by dots."""

MAX_KIND_CHARACTERS = 64
"""How long a kind's name may be: it stands in every leaf about it, and a leaf has a limit (``contracts.leaf``)."""

_REQUIRED_MEMBERS = ("name", "type", "answer_owed", "description", "schema")
_QUERY_MEMBERS = ("deadline_days", "urgent_deadline_days", "day_count", "reminders")
_LONGEST_DEADLINE_DAYS = 3660
_DRAFT_07 = "http://json-schema.org/draft-07/schema"

ANSWER_SCHEMA: Mapping[str, Any] = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "title": "Payload of an answer, and of whatever else is said about a query",
    "type": "object",
    "properties": {"note": {"type": "string", "description": "What the other party should know"}},
}
"""Any answer's payload: an object with an optional note (design section 4). So have the other messages about a query,
but for a forward, which carries the query's.
"""


class DayCount(StrEnum):
    """Which days a deadline counts: all of them, or working days (``contracts.working_days``)."""

    CALENDAR = "calendar"
    WORKING = "working"


class KindError(ValueError):
    """A kind's document that does not say what a kind must say."""


class PayloadError(ValueError):
    """A payload that does not follow its schema. The text names places in the schema, never values of the payload."""


class PayloadSchema:
    """A JSON Schema (draft-07) made ready to check payloads. Raises KindError for a schema that is none."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        if str(schema.get("$schema", _DRAFT_07)).rstrip("#") != _DRAFT_07:
            raise KindError(f"the schema is not in draft-07: leave $schema out, or write {_DRAFT_07}#")
        try:
            jsonschema_rs.meta.validate(dict(schema))
            # Offline: a reference to a document elsewhere is an error, never a request to another host.
            self._validator = jsonschema_rs.Draft7Validator(dict(schema), offline=True)
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
            raise KindError(f"the schema is not a JSON Schema (draft-07): {str(error).splitlines()[0]}") from error

    def check(self, payload: object) -> None:
        """Raises PayloadError naming the rule that ``payload`` breaks."""
        try:
            error = None if self._validator.is_valid(payload) else next(iter(self._validator.iter_errors(payload)))
        except ValueError:
            # The checker gives up at 255 levels, where the reader of JSON still goes on.
            raise PayloadError("the payload is nested deeper than its schema can be checked; make it flat") from None
        if error is None:
            return
        rule = "/".join(str(part) for part in error.schema_path)
        raise PayloadError(f"the payload breaks the rule {rule!r} of its schema")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind. ``deadline_days`` is None exactly where no answer is owed; ``urgent_deadline_days`` also where a query
    cannot be hurried. ``day_count`` says which days both count, ``reminders`` what happens where an answer is late.
    """

    name: str
    type: MessageType
    answer_owed: bool
    deadline_days: int | None
    urgent_deadline_days: int | None
    day_count: DayCount
    reminders: ReminderPolicy
    description: Mapping[str, str]
    schema: Mapping[str, Any]
    payload_schema: PayloadSchema = field(repr=False, compare=False)

    def days(self, *, urgent: bool) -> int | None:
        """How many days there are for an answer; None where none is owed."""
        return self.urgent_deadline_days if urgent and self.urgent_deadline_days is not None else self.deadline_days

    def definition(self) -> dict[str, Any]:
        """The kind as its document says it, for storage, with what the document leaves to its default."""
        of_queries = {
            "urgent_deadline_days": self.urgent_deadline_days,
            "day_count": self.day_count.value,
            "reminders": self.reminders.definition(),
        }
        return {
            "name": self.name,
            "type": self.type.value,
            "answer_owed": self.answer_owed,
            "deadline_days": self.deadline_days,
            **(of_queries if self.answer_owed else {}),
            "description": dict(self.description),
            "schema": dict(self.schema),
        }


def parse_kind(text: str) -> Kind:
    """The kind that a YAML document describes. Raises KindError, which says what is wrong and what is expected."""
    try:
        document = yaml.safe_load(text)
    except Exception as error:
        # A scalar that is not what its form or tag says (2026-99-99, !!int x) makes PyYAML raise whatever comes of it.
        raise KindError(f"the document is not YAML: {error}") from error
    return kind_from_definition(document)


def kind_from_definition(document: object) -> Kind:
    """The kind of an already parsed document. Raises KindError."""
    members = (*_REQUIRED_MEMBERS, *_QUERY_MEMBERS)
    if not isinstance(document, dict) or set(document) - set(members):
        raise KindError(f"a kind is a mapping with the members {', '.join(sorted(members))}")
    name = document.get("name")
    if not isinstance(name, str) or not KIND_NAME.fullmatch(name):
        raise KindError("name: two or more words joined by dots, in lower case, for example certificate.verify")
    if len(name) > MAX_KIND_CHARACTERS:
        raise KindError(f"name: at most {MAX_KIND_CHARACTERS} characters")
    type_ = _type(document, name)
    if not document["answer_owed"]:
        _check_owes_nothing(document, name)
    deadline_days = _deadline_days(document, name) if document["answer_owed"] else None
    return Kind(
        name=name,
        type=type_,
        answer_owed=document["answer_owed"],
        deadline_days=deadline_days,
        urgent_deadline_days=_urgent_deadline_days(document, name, deadline_days),
        day_count=_day_count(document, name),
        reminders=_reminders(document, name),
        description=_description(document, name),
        schema=_schema(document, name),
        payload_schema=PayloadSchema(_schema(document, name)),
    )


def built_in_kinds() -> list[Kind]:
    """The kinds that come with the exchange, by name."""
    documents = sorted(files("contracts").joinpath("builtin_kinds").iterdir(), key=lambda entry: entry.name)
    return [parse_kind(entry.read_text("utf-8")) for entry in documents if entry.name.endswith(".yaml")]


def _type(document: dict[str, Any], name: str) -> MessageType:
    if document.get("type") not in ("query", "notice"):
        raise KindError(f"{name}: type is query or notice")
    owed = document.get("answer_owed")
    if not isinstance(owed, bool) or owed != (document["type"] == "query"):
        raise KindError(f"{name}: answer_owed is true for a query and false for a notice")
    return MessageType(document["type"])


def _check_owes_nothing(document: dict[str, Any], name: str) -> None:
    for member in _QUERY_MEMBERS:
        if document.get(member) is not None:
            raise KindError(f"{name}: {member} is left out where no answer is owed")


def _deadline_days(document: dict[str, Any], name: str) -> int:
    days = document.get("deadline_days")
    if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= _LONGEST_DEADLINE_DAYS:
        raise KindError(f"{name}: deadline_days is a whole number from 1 to {_LONGEST_DEADLINE_DAYS}")
    return days


def _urgent_deadline_days(document: dict[str, Any], name: str, normal: int | None) -> int | None:
    days = document.get("urgent_deadline_days")
    if days is None or normal is None:
        return None
    if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= normal:
        raise KindError(f"{name}: urgent_deadline_days is a whole number from 1 to deadline_days, which is {normal}")
    return days


def _day_count(document: dict[str, Any], name: str) -> DayCount:
    count = document.get("day_count")
    if count is None:
        return DayCount.CALENDAR
    if count not in list(DayCount):
        raise KindError(f"{name}: day_count is {' or '.join(DayCount)}")
    return DayCount(count)


def _reminders(document: dict[str, Any], name: str) -> ReminderPolicy:
    policy = document.get("reminders")
    if not document["answer_owed"]:
        return ReminderPolicy()
    if policy is None:
        return DEFAULT_POLICY
    try:
        return policy_from_definition(policy)
    except ReminderError as error:
        raise KindError(f"{name}: reminders: {error}") from error


def _description(document: dict[str, Any], name: str) -> dict[str, str]:
    description = document.get("description")
    if not isinstance(description, dict) or set(description) != {"en", "zh"}:
        raise KindError(f"{name}: description has one sentence each under en and zh")
    if not all(isinstance(sentence, str) and sentence.strip() for sentence in description.values()):
        raise KindError(f"{name}: each description is a sentence")
    return description


def _schema(document: dict[str, Any], name: str) -> dict[str, Any]:
    schema = document.get("schema")
    if not isinstance(schema, dict) or schema.get("type") != "object":
        raise KindError(f"{name}: schema is a JSON Schema (draft-07) of an object")
    return schema
