"""The AsyncAPI document: valid, complete, and true of the code."""

import json
import warnings
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from contracts.envelope import MEMBERS_OF, RECEIPT, REMINDER, MessageType
from contracts.kinds import built_in_kinds
from services.runtime.metrics import huizhi_version
from services.runtime.topology import EXCHANGES, INBOX, INGRESS, QueueLimits, inbox_queue, inbox_topology
from tests.contracts.documents import CONTRACTS

with warnings.catch_warnings():
    # Two of its classes have a field named `schema`, of which pydantic warns.
    warnings.simplefilter("ignore")
    # Imported by name, since it comes without type information.
    AsyncAPI3 = import_module("asyncapi3").AsyncAPI3

DOCUMENT: dict[str, Any] = yaml.safe_load((CONTRACTS / "asyncapi.yaml").read_text("utf-8"))


def test_the_document_is_valid_asyncapi_3() -> None:
    AsyncAPI3.model_validate(DOCUMENT)

    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert DOCUMENT["info"]["version"] == huizhi_version()


@pytest.mark.parametrize(
    "broken",
    [
        DOCUMENT | {"info": {"version": "1"}},
        DOCUMENT | {"operations": {"send": DOCUMENT["operations"]["sendQuery"] | {"action": "publish"}}},
        DOCUMENT | {"channels": {"ingress": DOCUMENT["channels"]["ingress"] | {"adress": "x"}}},
    ],
)
def test_the_validator_refuses_a_document_that_is_not(broken: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AsyncAPI3.model_validate(broken)


def test_every_reference_leads_somewhere() -> None:
    references = list(_references(DOCUMENT, CONTRACTS / "asyncapi.yaml"))
    for path in (CONTRACTS / "schemas").rglob("*.json"):
        references += _references(json.loads(path.read_text("utf-8")), path)

    assert len(references) > 50
    for file, reference in references:
        _resolve(file, reference)


def test_a_participant_can_send_every_type_and_finds_every_type_in_its_inbox() -> None:
    ingress, inbox = DOCUMENT["channels"]["ingress"], DOCUMENT["channels"]["inbox"]

    assert ingress["parameters"]["type"]["enum"] == [type.value for type in MessageType]
    assert list(ingress["messages"]) == [type.value for type in MessageType]
    assert list(inbox["messages"]) == [*(type.value for type in MessageType), RECEIPT, REMINDER]
    sent = {
        message["$ref"] for o in DOCUMENT["operations"].values() if o["action"] == "send" for message in o["messages"]
    }
    assert sent == {f"#/channels/ingress/messages/{type}" for type in MessageType}


def test_every_built_in_kind_stands_under_the_messages_of_its_type() -> None:
    messages = DOCUMENT["components"]["messages"]
    for type in (MessageType.QUERY, MessageType.NOTICE, MessageType.FORWARD):
        # A forward carries its query's payload.
        of_kinds = MessageType.QUERY if type is MessageType.FORWARD else type
        kinds = [f"schemas/kinds/{kind.name}.json" for kind in built_in_kinds() if kind.type is of_kinds]
        for name in (type.value, f"delivered{type.value.capitalize()}"):
            payload = messages[name]["payload"]
            assert [option["$ref"] for option in payload.get("oneOf", [payload])] == kinds


def test_the_messages_about_a_query_name_it_and_those_of_their_own_payload_have_its_schema() -> None:
    messages = DOCUMENT["components"]["messages"]
    for type in MessageType:
        for name in (type.value, f"delivered{type.value.capitalize()}"):
            assert ("correlationId" in messages[name]) == ("correlation_id" in MEMBERS_OF[type])
            has_kind = type in (MessageType.QUERY, MessageType.NOTICE, MessageType.FORWARD)
            assert (messages[name]["payload"] == {"$ref": "schemas/answer-payload.json"}) != has_kind


def test_exchange_and_inbox_are_those_of_the_topology() -> None:
    exchange = DOCUMENT["channels"]["ingress"]["bindings"]["amqp"]["exchange"]
    inbox = DOCUMENT["channels"]["inbox"]
    (queue,) = inbox_topology(["410102"], QueueLimits()).queues

    assert exchange["type"] == next(known.type for known in EXCHANGES if known.name == exchange["name"] == INGRESS)
    assert inbox["address"] == inbox["bindings"]["amqp"]["queue"]["name"] == inbox_queue("{address}")
    assert queue.exchange == INBOX
    assert inbox["x-queue-arguments"] == queue.arguments


def _references(node: object, file: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(node, list):
        for item in node:
            yield from _references(item, file)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield file, value
            else:
                yield from _references(value, file)


def _resolve(file: Path, reference: str) -> object:
    name, _, pointer = reference.partition("#")
    node = _read((file.parent / name if name else file).resolve())
    for step in pointer.strip("/").split("/") if pointer else []:
        node = node[step]
    return node


@cache
def _read(file: Path) -> Any:
    return yaml.safe_load(file.read_text("utf-8"))
