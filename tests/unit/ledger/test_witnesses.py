"""Asking witnesses for cosignatures: what comes of every answer that one may give, and of none."""

import asyncio
import base64
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from contracts.cosignatures import CosigningKey, cosigned_at
from contracts.notes import Note, Signature, SigningKey
from services.ledger.metrics import LedgerMetrics
from services.ledger.witness_file import WitnessAddress, WitnessFileError, read_witnesses
from services.ledger.witnesses import SIZE_TYPE, Witnesses
from services.runtime.metrics import render, service_registry
from services.witness.outcome import RefusedError
from services.witness.record import Record
from services.witness.request import read_request
from services.witness.trust import Trust
from services.witness.witness import Witness
from tests.unit.witness.made_log import KEY, Branch

FIRST, SECOND = (CosigningKey.generate(f"witness.example/w{number}") for number in (1, 2))
URL = {FIRST.name: "http://one.example/prefix", SECOND.name: "http://two.example"}
Answer = Callable[[httpx.Request], Coroutine[Any, Any, httpx.Response]]


def says(status: int, content: str | bytes = b"", type: str = "text/plain") -> Answer:
    """A witness that always answers so."""

    async def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, content=content, headers={"Content-Type": type})

    return answer


async def honest(request: httpx.Request) -> httpx.Response:
    """A witness that cosigns whatever it is shown."""
    asked = read_request(await request.aread())
    return httpx.Response(200, text=str(FIRST.cosign(asked.note.text, 1_795_000_000)))


class Real:
    """A witness with a record, as the protocol has it, and what it was asked."""

    def __init__(self, record: Record, key: CosigningKey = FIRST) -> None:
        self.witness = Witness(Trust([KEY.verifier]), key, record)
        self.asked: list[int] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        asked = read_request(await request.aread())
        self.asked.append(asked.old)
        try:
            return httpx.Response(200, text=str(self.witness.cosign(asked)))
        except RefusedError as refused:
            size = f"{refused.size}\n" if refused.size is not None else ""
            return httpx.Response(refused.outcome.status, text=size)


class Bench:
    """Witnesses over answers made here; ``size`` is how large the log is, whoever made it grow."""

    def __init__(self, *answers: Answer, timeout_s: float = 2.0) -> None:
        self.size = 0
        self.paths: list[str] = []
        self.registry = service_registry("ledger")
        keys = (FIRST, SECOND)[: len(answers)]
        by_host = {httpx.URL(URL[key.name]).host: answer for key, answer in zip(keys, answers, strict=True)}

        async def answer(request: httpx.Request) -> httpx.Response:
            self.paths.append(str(request.url))
            return await by_host[request.url.host](request)

        self.witnesses = Witnesses(
            [WitnessAddress(key.verifier, URL[key.name]) for key in keys],
            LedgerMetrics(self.registry),
            self.log_size,
            timeout_s,
            httpx.MockTransport(answer),
        )

    async def log_size(self) -> int:
        return self.size

    async def cosign(self, log: Branch) -> Sequence[Signature]:
        """Ask for a checkpoint of ``log``, which is as large as that, or larger."""
        self.size = max(self.size, len(log.leaves))

        async def consistency(old: int) -> list[bytes]:
            assert 0 < old < len(log.leaves)
            return list(log.proof(old))

        return await self.witnesses.cosign(log.checkpoint, log.note(), consistency)

    def counted(self) -> dict[str, int]:
        """What became of requests, without what never happened."""
        name = "huizhi_ledger_witness_requests_total"
        lines = [line for line in render(self.registry).decode().splitlines() if line.startswith(name)]
        counts = {line.split('"')[1]: int(float(line.split()[-1])) for line in lines}
        assert counts.keys() == {"cosigned", "unreachable", "refused", "disagrees"}
        return {outcome: count for outcome, count in counts.items() if count}


@pytest.fixture
def record(tmp_path: Path) -> Any:
    opened = Record(tmp_path / "witness.sqlite3")
    yield opened
    opened.close()


async def test_a_growing_log_is_cosigned_and_the_last_size_is_remembered(record: Record) -> None:
    real = Real(record)
    bench, log = Bench(real), Branch()
    for count in (3, 4, 0, 300):
        log = log.grown(count)
        (signature,) = await bench.cosign(log)
        assert cosigned_at(FIRST.verifier, Note(log.checkpoint.text, (signature,))) is not None
    # The same checkpoint again is not asked for again.
    assert real.asked == [0, 3, 7]
    assert bench.counted() == {"cosigned": 4}
    assert set(bench.paths) == {"http://one.example/prefix/add-checkpoint"}


async def test_a_platform_that_started_anew_learns_what_a_witness_has(record: Record) -> None:
    log = Branch().grown(5)
    await Bench(Real(record)).cosign(log)
    real = Real(record)
    bench = Bench(real)
    (_,) = await bench.cosign(log.grown(4))
    assert real.asked == [0, 5]
    assert bench.counted() == {"cosigned": 1}


async def test_a_witness_that_is_away_or_slow_keeps_nobody_from_the_others() -> None:
    async def silent(_request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(3600)
        raise AssertionError

    async def away(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    for absent in (silent, away):
        bench = Bench(honest, absent, timeout_s=0.2)
        began = asyncio.get_running_loop().time()
        (signature,) = await bench.cosign(Branch().grown(3))
        assert asyncio.get_running_loop().time() - began < 1
        assert signature.name == FIRST.name
        assert bench.counted() == {"cosigned": 1, "unreachable": 1}


async def test_a_fork_is_said_as_an_error_and_counted(record: Record) -> None:
    log = Branch().grown(6)
    await Bench(Real(record)).cosign(log)
    fork = log.cut(4).grown(2, "another")
    bench = Bench(Real(record))
    for history, said in (
        (fork, "it has cosigned another tree of 6 entries"),
        (fork.grown(3), "the log does not go on from the 6 entries that it has cosigned"),
        (log.cut(4), "it has cosigned 6 entries, and the log has"),
    ):
        bench = Bench(Real(record))
        with capture_logs() as logs:
            assert await bench.cosign(history) == []
        assert bench.counted() == {"disagrees": 1}
        (entry,) = [line for line in logs if line["event"] == "witness_disagrees"]
        assert (entry["log_level"], entry["witness"]) == ("error", FIRST.name)
        assert said in entry["detail"]


async def test_what_another_ledger_has_published_meanwhile_is_no_disagreement(record: Record) -> None:
    log = Branch().grown(6)
    await Bench(Real(record)).cosign(log.grown(4))
    bench = Bench(Real(record))
    bench.size = 10
    assert await bench.cosign(log) == []
    assert bench.counted() == {"refused": 1}
    assert len(await bench.cosign(log.grown(4).grown(1))) == 1


async def test_a_disagreement_is_said_once_a_minute_and_counted_every_time() -> None:
    bench = Bench(says(422))
    with capture_logs() as logs:
        for count in (3, 4, 5):
            await bench.cosign(Branch().grown(count))
    assert [line["event"] for line in logs] == ["witness_disagrees"]
    assert bench.counted() == {"disagrees": 3}


async def test_what_changes_is_said() -> None:
    turns = iter([says(500), honest, honest, says(404), says(404)])

    async def changing(request: httpx.Request) -> httpx.Response:
        return await next(turns)(request)

    bench = Bench(changing)
    with capture_logs() as logs:
        for count in range(1, 6):
            await bench.cosign(Branch().grown(count))
    events = [(line["event"], line.get("outcome")) for line in logs]
    assert events == [
        ("witness_does_not_cosign", "unreachable"),
        ("witness_cosigns", None),
        ("witness_does_not_cosign", "refused"),
    ]


LOG = Branch().grown(3)
OF_ANOTHER_TEXT = str(FIRST.cosign(Branch().grown(4).checkpoint.text, 1_795_000_000))
OF_ANOTHER_KEY = str(CosigningKey.generate(FIRST.name).cosign(LOG.checkpoint.text, 1_795_000_000))


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (says(200, OF_ANOTHER_TEXT), "refused"),
        (says(200, OF_ANOTHER_KEY), "refused"),
        (says(200, ""), "refused"),
        (says(200, b"\xff\n"), "refused"),
        (says(200, "<html>"), "refused"),
        (says(200, "x" * 100_000), "refused"),
        (says(302), "refused"),
        (says(400), "refused"),
        (says(403), "disagrees"),
        (says(404), "refused"),
        (says(409, "", SIZE_TYPE), "refused"),
        (says(409, "three\n", SIZE_TYPE), "refused"),
        (says(409, "-1\n", SIZE_TYPE), "refused"),
        (says(409, f"{2**63}\n", SIZE_TYPE), "refused"),
        (says(409, "0\n", SIZE_TYPE), "refused"),
        (says(409, "2\n", SIZE_TYPE), "refused"),
        (says(409, "3\n", SIZE_TYPE), "disagrees"),
        (says(409, "4\n", SIZE_TYPE), "disagrees"),
        (says(422), "disagrees"),
        (says(500), "unreachable"),
        (says(503), "unreachable"),
    ],
)
async def test_an_answer_without_a_cosignature_that_holds_is_left_out(answer: Answer, outcome: str) -> None:
    bench = Bench(answer)
    assert await bench.cosign(LOG) == []
    assert bench.counted() == {outcome: 1}


async def test_lines_of_others_beside_the_witnesss_own_are_passed_over() -> None:
    own = FIRST.cosign(LOG.checkpoint.text, 1_795_000_000)
    others = f"{SECOND.cosign(LOG.checkpoint.text, 1)}{SigningKey.generate('x').sign(LOG.checkpoint.text)}"
    assert await Bench(says(200, f"{others}{OF_ANOTHER_TEXT}{own}")).cosign(LOG) == [own]


async def test_trouble_with_the_own_database_is_not_hidden(record: Record) -> None:
    class GoneError(Exception):
        """The database is away."""

    async def consistency(_old: int) -> list[bytes]:
        raise GoneError

    bench = Bench(Real(record))
    await bench.cosign(LOG)
    log = LOG.grown(1)
    with pytest.raises(GoneError):
        await bench.witnesses.cosign(log.checkpoint, log.note(), consistency)


def test_the_file_of_witnesses_is_read(tmp_path: Path) -> None:
    file = tmp_path / "witnesses"
    file.write_text(
        f"# those of the provinces\n\n{FIRST.verifier} http://one.example:7410/prefix/  # Henan\n"
        f"\t{SECOND.verifier}   https://[::1]:7410\n"
    )
    assert read_witnesses(str(file)) == [
        WitnessAddress(FIRST.verifier, "http://one.example:7410/prefix"),
        WitnessAddress(SECOND.verifier, "https://[::1]:7410"),
    ]
    assert read_witnesses("") == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (f"\n{FIRST.verifier}\n", "line 2: a line is a witness's verifier key, a space, and its URL"),
        (f"{FIRST.verifier} http://a http://b\n", "line 1: a line is"),
        ("nonsense http://a\n", "line 1: a verifier key is written"),
        (f"{KEY.verifier} http://a\n", "line 1: the key of huizhi.local/national/0 is a log's"),
        (f"{FIRST.verifier} a.example:80\n", "line 1: the URL of a witness begins with"),
        (f"{FIRST.verifier} http://\n", "line 1: the URL of a witness"),
        (f"{FIRST.verifier} http://a:x\n", "line 1: the URL of a witness"),
        (f"{FIRST.verifier} http://a/?x=1\n", "line 1: the URL of a witness"),
        (f"{FIRST.verifier} http://a\n{FIRST.verifier} http://b\n", "line 2: witness.example/w1 stands there twice"),
    ],
    ids=["no URL", "two URLs", "no key", "a log's key", "no scheme", "no host", "no port", "a query", "twice"],
)
def test_a_bad_line_is_said_with_its_number(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "witnesses"
    file.write_text(content)
    with pytest.raises(WitnessFileError) as caught:
        read_witnesses(str(file))
    assert said in str(caught.value)
    assert str(file) in str(caught.value)


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(WitnessFileError, match="cannot be read: No such file"):
        read_witnesses(str(tmp_path / "none"))
    (tmp_path / "latin").write_bytes(base64.b64decode("6Q=="))
    with pytest.raises(WitnessFileError, match="is not UTF-8"):
        read_witnesses(str(tmp_path / "latin"))
