"""The HTTP APIs keep to their own documents, whatever Schemathesis sends them. The long form: ``tests.fuzz.apis``."""

import asyncio
import json
from pathlib import Path

from tests.fuzz.apis import Face, attack, faces
from tests.fuzz.conftest import Target

EXAMPLES = 6


async def test_the_services_answer_as_their_documents_say(target: Target) -> None:
    tried = {"gateway, participant", "ledger, administrator"}
    for face in faces(target.exchange.data, target.sender.participant.token):
        if face.name in tried:
            run = await asyncio.to_thread(attack, face, examples=EXAMPLES)
            print(run)
            assert run.status == 0, run.output
            assert run.operations >= 4
            assert run.cases > 20
    await target.expect_well()


async def test_without_a_token_nothing_is_let_in_and_nothing_fails(target: Target) -> None:
    url = target.exchange.stack["ledger_url"]
    run = await asyncio.to_thread(
        attack, Face("ledger, nobody", url, "no-token"), examples=1, phases="examples,fuzzing"
    )

    assert run.status == 0, run.output


async def test_what_is_not_as_a_document_says_is_found(tmp_path: Path, target: Target) -> None:
    # A document that promises what the ledger does not do: /healthz answers with a number.
    document = (await target.exchange.ledger.get("/openapi.json")).json()
    answers = document["paths"]["/healthz"]["get"]["responses"]
    answers["200"]["content"]["application/json"]["schema"] = {"type": "integer"}
    document["paths"] = {"/healthz": document["paths"]["/healthz"]}
    (tmp_path / "openapi.json").write_text(json.dumps(document))

    face = Face("ledger, misdescribed", target.exchange.stack["ledger_url"], "none", tmp_path / "openapi.json")
    run = await asyncio.to_thread(attack, face, examples=1, phases="fuzzing")

    assert run.status == 1, run.output
    assert "Response violates schema" in run.output
