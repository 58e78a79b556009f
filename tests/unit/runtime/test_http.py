"""Errors are problems, documentation asks nobody, health and metrics tell the truth."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from pydantic import BaseModel

from contracts.problems import ProblemError, ProblemType
from services.runtime.health import Health
from services.runtime.http import answer_unavailable, create_app
from services.runtime.metrics import service_registry

LIMIT = 2048


class Item(BaseModel):
    """What the test route takes."""

    number: int


@pytest.fixture
def health() -> Health:
    return Health(timeout_s=0.05)


@pytest.fixture
def app(health: Health) -> FastAPI:
    made = create_app("Test", "A test.", health=health, registry=service_registry("test"), max_body_bytes=LIMIT)

    @made.post("/items")
    async def items(item: Item) -> dict[str, int]:
        return {"number": item.number}

    @made.get("/refused")
    async def refused() -> None:
        raise ProblemError(ProblemType.UNAUTHENTICATED, "Send a token.")

    @made.get("/broken")
    async def broken() -> None:
        raise LookupError("a secret")

    @made.get("/away")
    async def away() -> None:
        raise ConnectionRefusedError("a secret")

    answer_unavailable(made, (OSError,), "Ask again.")
    return made


@pytest_asyncio.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as made:
        yield made


def assert_problem(answer: httpx.Response, status: int, slug: str) -> dict[str, object]:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, object] = answer.json()
    assert problem["type"] == f"urn:huizhi:problem:{slug}"
    assert problem["status"] == status
    return problem


async def test_a_problem_that_is_raised_is_the_answer(client: httpx.AsyncClient) -> None:
    answer = await client.get("/refused")

    assert assert_problem(answer, 401, "unauthenticated")["detail"] == "Send a token."
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_an_unknown_path_is_a_problem(client: httpx.AsyncClient) -> None:
    assert "/nowhere" in str(assert_problem(await client.get("/nowhere"), 404, "not-found")["detail"])


async def test_a_wrong_method_is_a_problem_that_says_which_is_right(client: httpx.AsyncClient) -> None:
    answer = await client.put("/items")

    assert_problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("body", [b'{"number": "secret"}', b"{", b"", b"\xff", b'{"number": "secret'])
async def test_an_invalid_body_is_a_problem_that_does_not_repeat_it(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/items", content=body, headers={"content-type": "application/json"})

    assert_problem(answer, 422, "invalid-request")
    assert "secret" not in answer.text


async def test_a_fault_of_ours_is_a_problem_that_tells_nothing_of_it(client: httpx.AsyncClient) -> None:
    answer = await client.get("/broken")

    assert_problem(answer, 500, "internal-error")
    assert "secret" not in answer.text


async def test_what_is_away_is_a_problem_that_says_to_ask_again(client: httpx.AsyncClient) -> None:
    answer = await client.get("/away")

    assert assert_problem(answer, 503, "unavailable")["detail"] == "Ask again."


async def test_a_body_over_the_limit_is_refused_and_one_of_the_limit_is_not(client: httpx.AsyncClient) -> None:
    fitting = b'{"number": 1}'.ljust(LIMIT)
    headers = {"content-type": "application/json"}

    assert (await client.post("/items", content=fitting, headers=headers)).json() == {"number": 1}
    assert_problem(await client.post("/items", content=fitting + b" ", headers=headers), 413, "request-too-large")


async def test_a_body_without_a_length_is_counted_as_it_comes(client: httpx.AsyncClient) -> None:
    async def stream() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b" " * (LIMIT // 2)

    assert_problem(await client.post("/items", content=stream()), 413, "request-too-large")


async def test_the_documentation_page_names_no_other_host(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")

    assert page.status_code == 200
    assert "//" not in re.sub(r"<!--.*?-->", "", page.text, flags=re.DOTALL).replace("// ", "")
    assert '"validatorUrl": null' in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for place in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        served = await client.get(place)
        assert served.status_code == 200, place
        assert len(served.content) > 100


async def test_the_documentation_serves_nothing_but_its_files(client: httpx.AsyncClient) -> None:
    assert_problem(await client.get("/docs/__init__.py"), 404, "not-found")


async def test_the_document_describes_problems_and_the_operational_paths(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()

    assert {"/healthz", "/readyz", "/metrics", "/items"} <= document["paths"].keys()
    answers = document["paths"]["/items"]["post"]["responses"]
    assert "application/problem+json" in answers["default"]["content"]
    assert "422" not in answers


async def test_ready_names_each_dependency_and_what_is_the_matter(client: httpx.AsyncClient, health: Health) -> None:
    health.add("good", lambda: None)
    assert (await client.get("/readyz")).status_code == 200

    async def broken() -> str | None:
        raise ConnectionError("gone")

    health.add("broken", broken)
    health.add("away", lambda: "not connected")
    answer = await client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json() == {
        "status": "not ready",
        "checks": {
            "good": {"ok": True},
            "broken": {"ok": False, "detail": "ConnectionError: gone"},
            "away": {"ok": False, "detail": "not connected"},
        },
    }
    assert (await client.get("/healthz")).json() == {"status": "alive"}


async def test_a_check_that_hangs_counts_as_failed(client: httpx.AsyncClient, health: Health) -> None:
    import asyncio

    async def hang() -> str | None:
        await asyncio.Event().wait()
        return None

    health.add("hanging", hang)

    assert (await client.get("/readyz")).json()["checks"]["hanging"]["detail"] == "no answer within 0.05 s"


async def test_metrics_are_in_prometheus_format(client: httpx.AsyncClient) -> None:
    answer = await client.get("/metrics")

    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert 'huizhi_build_info{service="test",version=' in answer.text
    assert "process_resident_memory_bytes" in answer.text
