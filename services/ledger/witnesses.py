"""Has the log's checkpoints confirmed by witnesses, before they are published. Source: C2SP tlog-witness.

A witness that is away or slow costs no more than the time limit, and the checkpoint goes out without it. One that says
that it has seen another history of this log is the alarm that witnesses are there for.
"""

import asyncio
import base64
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Any, Self

import asyncpg
import httpx
import structlog

from contracts.checkpoints import Checkpoint
from contracts.merkle import MAX_SIZE
from contracts.notes import Note, NoteError, Signature, VerifierKey, parse_signature
from services.ledger.metrics import LedgerMetrics
from services.ledger.publishing import Consistency
from services.ledger.store import tiles
from services.ledger.witness_file import WitnessAddress

SIZE_TYPE = "text/x.tlog.size"
_LONGEST_ANSWER = 65_536
_SAID_AGAIN_S = 60.0
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n?")

log = structlog.get_logger(__name__)

LogSize = Callable[[], Awaitable[int]]
"""How many entries the log has now, whoever appended them. Raises what the database driver raises."""


def log_size_of(pool: "asyncpg.Pool[Any]") -> LogSize:
    """The size of the log in a database."""

    async def size() -> int:
        async with pool.acquire() as connection:
            return await tiles.log_size(connection)

    return size


class UnreachableError(Exception):
    """A witness is away, too slow, or has trouble of its own."""


class RefusedError(Exception):
    """A witness does not cosign, for a reason that says nothing of the log's history."""


class DisagreesError(Exception):
    """A witness has seen another history of this log than the one that it is shown."""


_OUTCOMES = {UnreachableError: "unreachable", RefusedError: "refused", DisagreesError: "disagrees"}


class Witnesses:
    """The configured witnesses, asked side by side. A context manager that keeps their connections open."""

    def __init__(
        self,
        addresses: Sequence[WitnessAddress],
        metrics: LedgerMetrics,
        log_size: LogSize,
        timeout_s: float = 2.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._client = httpx.AsyncClient(
            trust_env=False,
            timeout=None,  # noqa: S113 - Each witness has its limit.
            transport=transport,
        )
        self._witnesses = [_Witness(address, self._client, log_size) for address in addresses]
        self._metrics = metrics
        self._timeout_s = timeout_s

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._client.aclose()

    @property
    def keys(self) -> Sequence[VerifierKey]:
        """The witnesses' keys."""
        return [witness.key for witness in self._witnesses]

    async def cosign(self, checkpoint: Checkpoint, note: Note, consistency: Consistency) -> Sequence[Signature]:
        """The cosignatures that came within the time limit, each checked.

        Raises what ``consistency`` raises, and nothing because of a witness.
        """
        asked = (self._ask(witness, checkpoint, note, consistency) for witness in self._witnesses)
        answers = await asyncio.gather(*asked, return_exceptions=True)
        for answer in answers:
            # What is left of exceptions is not about a witness, and would otherwise hide behind the others' answers.
            if isinstance(answer, BaseException):
                raise answer
        return [answer for answer in answers if isinstance(answer, Signature)]

    async def _ask(
        self, witness: "_Witness", checkpoint: Checkpoint, note: Note, consistency: Consistency
    ) -> Signature | None:
        try:
            async with asyncio.timeout(self._timeout_s):
                signature = await witness.cosign(checkpoint, note, consistency)
        except (UnreachableError, RefusedError, DisagreesError) as error:
            self._count(witness, _OUTCOMES[type(error)], str(error))
        except TimeoutError:
            self._count(witness, "unreachable", f"no answer within {self._timeout_s:g} s")
        else:
            self._count(witness, "cosigned", "")
            return signature
        return None

    def _count(self, witness: "_Witness", outcome: str, detail: str) -> None:
        self._metrics.witness_requests.labels(outcome).inc()
        witness.say(outcome, detail)


class _Witness:
    """One witness, and what is remembered of it."""

    def __init__(self, address: WitnessAddress, client: httpx.AsyncClient, log_size: LogSize) -> None:
        self.key = address.key
        self._url = f"{address.url}/add-checkpoint"
        self._client = client
        self._log_size = log_size
        # What it cosigned last, as far as is known here; only it knows, so a first request may be in vain.
        self._size = 0
        self._last: tuple[str, Signature] | None = None
        self._said = ("", -_SAID_AGAIN_S)

    async def cosign(self, checkpoint: Checkpoint, note: Note, consistency: Consistency) -> Signature:
        """Its cosignature. Raises UnreachableError, RefusedError, DisagreesError, and what ``consistency`` raises."""
        if self._last is not None and self._last[0] == note.text:
            return self._last[1]
        old = min(self._size, checkpoint.size)
        answer = await self._post(old, checkpoint, note, consistency)
        if answer.status_code == httpx.codes.CONFLICT:
            old = await self._newest(answer, old, checkpoint)
            answer = await self._post(old, checkpoint, note, consistency)
            if answer.status_code == httpx.codes.CONFLICT:
                # Somebody else has asked in between; with the next checkpoint it is asked anew.
                await self._newest(answer, old, checkpoint)
                raise RefusedError("its newest checkpoint changed while it was asked")
        signature = self._signature(_expect_taken(answer, old), note)
        self._size, self._last = checkpoint.size, (note.text, signature)
        return signature

    async def _newest(self, answer: httpx.Response, old: int, checkpoint: Checkpoint) -> int:
        """The size of its newest checkpoint, from an answer that says so (409).

        Raises DisagreesError where this log never had so many entries, or has others.
        """
        written = _SIZE.fullmatch(answer.content)
        size = int(written[1]) if written else -1
        if not 0 <= size <= MAX_SIZE:
            raise RefusedError("it answered 409 and no size")
        self._size = size
        if size == old == checkpoint.size:
            raise DisagreesError(f"it has cosigned another tree of {size} entries")
        if size == old:
            raise RefusedError(f"it says that {size} is not its newest size, and that it is")
        if size > checkpoint.size:
            # Another ledger of this platform may have published in the meantime what this one has not seen yet.
            if size > (now := await self._log_size()):
                raise DisagreesError(f"it has cosigned {size} entries, and the log has {now}")
            raise RefusedError(f"it has cosigned {size} entries already, which another ledger has published")
        return size

    def _signature(self, content: bytes, note: Note) -> Signature:
        """Its own cosignature of ``note`` among the lines of an answer; others' are passed over."""
        try:
            lines = [parse_signature(line) for line in content.decode().removesuffix("\n").split("\n")]
        except (NoteError, UnicodeDecodeError):
            raise RefusedError("it answered 200 and no lines of signatures") from None
        for signature in lines:
            if (signature.name, signature.id) == (self.key.name, self.key.id) and self.key.verify(
                note.text, signature.signature
            ):
                return signature
        raise RefusedError("it answered 200 without a cosignature of its own that holds")

    async def _post(self, old: int, checkpoint: Checkpoint, note: Note, consistency: Consistency) -> httpx.Response:
        proof = await consistency(old) if 0 < old < checkpoint.size else []
        lines = [f"old {old}", *(base64.b64encode(hash).decode() for hash in proof)]
        body = "".join(f"{line}\n" for line in (*lines, "")) + str(note)
        try:
            async with self._client.stream(
                "POST", self._url, content=body.encode(), headers={"Content-Type": "text/plain; charset=utf-8"}
            ) as answer:
                return httpx.Response(answer.status_code, content=await _read(answer))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise UnreachableError(type(error).__name__) from error

    def say(self, outcome: str, detail: str) -> None:
        """Log what became of a request: when it changes, and what is the matter once a minute."""
        before, at = self._said
        now = time.monotonic()
        if outcome == before and (outcome == "cosigned" or now < at + _SAID_AGAIN_S):
            return
        self._said = (outcome, now)
        if outcome == "disagrees":
            log.error("witness_disagrees", witness=self.key.name, detail=detail)
        elif outcome == "cosigned":
            log.info("witness_cosigns", witness=self.key.name, size=self._size)
        else:
            log.warning("witness_does_not_cosign", witness=self.key.name, outcome=outcome, detail=detail)


def _expect_taken(answer: httpx.Response, old: int) -> bytes:
    """The content of an answer that says that the checkpoint was cosigned. Raises what else it says."""
    status = answer.status_code
    if status == httpx.codes.OK:
        return answer.content
    if status == httpx.codes.UNPROCESSABLE_ENTITY:
        raise DisagreesError(f"the log does not go on from the {old} entries that it has cosigned")
    if status == httpx.codes.FORBIDDEN:
        raise DisagreesError("it trusts none of the keys that sign this log")
    if status == httpx.codes.NOT_FOUND:
        raise RefusedError("it does not know this log, or its URL is another")
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise UnreachableError(f"status {status}")
    raise RefusedError(f"status {status}")


async def _read(answer: httpx.Response) -> bytes:
    """An answer's content, up to a length that no honest one has."""
    content = b""
    async for part in answer.aiter_bytes():
        content += part
        if len(content) > _LONGEST_ANSWER:
            raise RefusedError(f"it answered with more than {_LONGEST_ANSWER} bytes")
    return content
