"""The OpenAPI documents: valid, and what the applications say of themselves."""

import json

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from contracts.envelope import MEMBERS, MEMBERS_OF, MessageType
from contracts.payloads import MAX_PAYLOAD_BYTES
from tests.contracts.documents import CONTRACTS, differing, generated


def test_every_generated_document_is_what_the_code_says() -> None:
    assert differing() == [], "write them anew: python -m tests.contracts.documents"


def test_the_comparison_sees_a_document_that_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    path, text = next(iter(generated().items()))
    monkeypatch.setattr("tests.contracts.documents.generated", lambda: generated() | {path: text + "x"})

    assert differing() == [path]


@pytest.mark.parametrize("service", ["gateway", "ledger"])
def test_the_document_is_valid_openapi(service: str) -> None:
    document = json.loads((CONTRACTS / "openapi" / f"{service}.json").read_text("utf-8"))

    validate(document, cls=OpenAPIV31SpecValidator)


def test_a_posted_message_has_the_members_that_the_envelope_knows() -> None:
    document = json.loads((CONTRACTS / "openapi" / "gateway.json").read_text("utf-8"))
    body = document["paths"]["/v1/messages"]["post"]["requestBody"]["content"]["application/json"]["schema"]

    assert set(body["properties"]) == MEMBERS | {"payload"}
    assert str(MAX_PAYLOAD_BYTES) in body["properties"]["payload"]["description"]
    for name in MEMBERS:
        types = [type for type in MessageType if name in MEMBERS_OF[type]]
        says = f"On {', '.join(types)}." if len(types) < len(MessageType) else ""
        assert body["properties"][name].get("description", "").startswith(says)
