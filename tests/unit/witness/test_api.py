"""The witness over HTTP: statuses, content types and bodies are those of the specification."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from contracts.cosignatures import CosigningKey, cosigned_at
from contracts.notes import Note, SigningKey, parse_signature
from services.runtime.health import Health
from services.runtime.http import create_app
from services.runtime.metrics import service_registry
from services.witness.api import witness_router
from services.witness.metrics import WitnessMetrics
from services.witness.outcome import Outcome
from services.witness.record import Record
from services.witness.trust import Trust
from services.witness.witness import Witness
from tests.unit.witness.made_log import KEY, ORIGIN, Branch

WITNESS_KEY = CosigningKey.generate("witness.example/w1")


def body(log: Branch, old: int) -> bytes:
    """A request as it is written."""
    lines = [f"old {old}", *(base64.b64encode(hash).decode() for hash in log.proof(old)), "", str(log.note())]
    return "\n".join(lines).encode()


@pytest_asyncio.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    record = Record(tmp_path / "witness.sqlite3")
    registry = service_registry("witness")
    app: FastAPI = create_app("Test", "A test.", health=Health(), registry=registry, max_body_bytes=100_000)
    witness = Witness(Trust([KEY.verifier]), WITNESS_KEY, record)
    app.include_router(witness_router(witness, WitnessMetrics(registry, [ORIGIN])))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as opened:
        yield opened
    record.close()


async def test_every_answer_is_as_specified(client: httpx.AsyncClient) -> None:
    log = Branch().grown(5)
    stranger = Branch(key=SigningKey.generate("elsewhere")).grown(5)
    impostor = Branch(key=SigningKey.generate(ORIGIN)).grown(5)

    taken = await client.post("/add-checkpoint", content=body(log, 0))
    assert (taken.status_code, taken.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert taken.text.endswith("\n")
    signature = parse_signature(taken.text.removesuffix("\n"))
    assert cosigned_at(WITNESS_KEY.verifier, Note(log.checkpoint.text, (signature,))) is not None

    for asked, size in ((body(log.grown(1), 3), "5\n"), (body(log.cut(4).grown(1, "another"), 5), "5\n")):
        conflict = await client.post("/add-checkpoint", content=asked)
        assert (conflict.status_code, conflict.headers["content-type"]) == (409, "text/x.tlog.size")
        assert conflict.text == size

    for asked, status in (
        (b"old\n", 400),
        (body(log, 0).replace(b"old 0", b"old 6"), 400),
        (body(stranger, 0), 404),
        (body(impostor, 0), 403),
        (body(log.cut(4).grown(3, "another"), 5), 422),
        (b"old 0\n\n" + b"x" * 200_000, 413),
    ):
        assert (await client.post("/add-checkpoint", content=asked)).status_code == status
    assert (await client.get("/add-checkpoint")).status_code == 405

    page = (await client.get("/metrics")).text
    for outcome, count in ((Outcome.COSIGNED, 1), (Outcome.OTHER_SIZE, 1), (Outcome.FORKED, 1), (Outcome.MALFORMED, 2)):
        assert f'huizhi_witness_requests_total{{outcome="{outcome.label}"}} {count}.0' in page
    assert f'huizhi_witness_size_entries{{origin="{ORIGIN}"}} 5.0' in page


@pytest.mark.parametrize("outcome", Outcome)
async def test_every_outcome_is_counted_from_the_beginning(client: httpx.AsyncClient, outcome: Outcome) -> None:
    page = (await client.get("/metrics")).text
    assert f'huizhi_witness_requests_total{{outcome="{outcome.label}"}} 0.0' in page
