"""The ledger's API of proofs about messages. Those of figures are asked for with the figures, at ``/v1/rate``."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Depends, Request, Response
from fastapi.security import HTTPBearer

from contracts.problems import ProblemError, ProblemType
from contracts.proof_wire import ProofOut
from contracts.proofs import encode_proof
from services.ledger.access import is_party, reader_of
from services.ledger.proofs import prove_message
from services.ledger.store.queries import READING
from services.registry.snapshot import Snapshot


def proofs_router(pool: "asyncpg.Pool[Any]", snapshot: Callable[[], Snapshot]) -> APIRouter:
    """The route ``/v1/messages/{id}/proof``. ``snapshot`` gives the registry's newest."""
    api = _ProofsAPI(pool, snapshot)
    # It only documents the token: the handler asks who reads.
    router = APIRouter(prefix="/v1", tags=["proofs"], dependencies=[Depends(HTTPBearer(auto_error=False))])
    router.get(
        "/messages/{id}/proof",
        summary="A message's entries, and the proof that the log has them",
        response_model=ProofOut,
    )(api.message)
    return router


class _ProofsAPI:
    """The handler: asks whose message it is, and which entries are about it."""

    def __init__(self, pool: "asyncpg.Pool[Any]", snapshot: Callable[[], Snapshot]) -> None:
        self._pool = pool
        self._snapshot = snapshot

    async def message(self, request: Request, id: UUID) -> Response:
        reader = reader_of(request, self._snapshot())
        async with self._pool.acquire() as connection:
            row = await connection.fetchrow(READING["message"], id)
            timeline = await connection.fetch(READING["timeline"], id)
            refusals = await connection.fetch(READING["refusals_of_message"], id)
        indexes = {refusal["entry"] for refusal in refusals if refusal["sender"] == reader.address}
        if reader.administrator or (row is not None and is_party(reader, row)):
            indexes = {entry["index"] for entry in timeline}
        if not indexes:
            raise ProblemError(ProblemType.NOT_FOUND, f"there is no message {id} that this token may see")
        document = await prove_message(self._pool, id, sorted(indexes))
        return Response(encode_proof(document), media_type="application/json")
