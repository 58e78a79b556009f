"""`POST /add-checkpoint`. Source: C2SP tlog-witness, section "add-checkpoint"."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from services.witness.metrics import WitnessMetrics
from services.witness.outcome import Outcome, RefusedError
from services.witness.request import read_request
from services.witness.witness import Witness

SIZE_TYPE = "text/x.tlog.size"
_TEXT = {"schema": {"type": "string"}}
_SAID: dict[int | str, dict[str, Any]] = {
    200: {"description": "The cosignature, a signature line of a note", "content": {"text/plain": _TEXT}},
    400: {"description": "No such request; or its old size is larger than its checkpoint's"},
    403: {"description": "No key of the log that is trusted here has signed it"},
    404: {"description": "A log that is not known here"},
    409: {
        "description": "The newest cosigned size, which is not the old size; or there are two trees of it",
        "content": {SIZE_TYPE: _TEXT},
    },
    422: {"description": "The consistency proof does not hold"},
}
_ASKED = {"requestBody": {"required": True, "content": {"text/plain": _TEXT}}}


def witness_router(witness: Witness, metrics: WitnessMetrics) -> APIRouter:
    """The route. A refusal is said as plain text, since those who ask speak this protocol and no other."""
    router = APIRouter(tags=["witness"])

    @router.post(
        "/add-checkpoint",
        summary="Have a checkpoint cosigned",
        response_class=PlainTextResponse,
        responses=_SAID,
        openapi_extra=_ASKED,
    )
    async def add_checkpoint(request: Request) -> Response:
        try:
            asked = read_request(await request.body())
            # The disk is waited for in a thread, so that health and metrics are answered meanwhile.
            signature = await asyncio.to_thread(witness.cosign, asked)
        except RefusedError as refused:
            metrics.answered(refused.outcome)
            return _refusal(refused)
        metrics.answered(Outcome.COSIGNED)
        metrics.cosigned(asked.checkpoint.origin, asked.checkpoint.size)
        return PlainTextResponse(str(signature))

    return router


def _refusal(refused: RefusedError) -> Response:
    if refused.size is not None:
        return Response(f"{refused.size}\n", refused.outcome.status, {"Content-Type": SIZE_TYPE})
    return PlainTextResponse(f"{refused}\n", refused.outcome.status)
