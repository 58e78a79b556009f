"""The short form of ``tests.fuzz.decoders``: the same targets, tried with inputs that are near the right ones."""

import importlib

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from contracts.kinds import PayloadError
from contracts.problems import ProblemError, ProblemType
from tests.fuzz import targets
from tests.fuzz.decoders import fuzz
from tests.fuzz.seeds import SEEDS, WORDS
from tests.fuzz.targets import TARGETS, FindingError

# How long an input takes is the targets' own promise.
NEAR_BY = settings(derandomize=True, deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def near_by(draw: st.DrawFn, target: str) -> bytes:
    """A seed of ``target`` in which pieces were replaced by its words, by pieces of other seeds, or by anything."""
    data = draw(st.sampled_from(SEEDS[target]))
    pieces = st.sampled_from(WORDS[target]) | st.binary(max_size=12) | st.sampled_from(SEEDS[target])
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 40)))
        data = data[:start] + draw(pieces) + data[end:]
    return data


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_keeps_its_promises_near_by_what_is_right(target: str) -> None:
    @NEAR_BY
    @given(near_by(target) | st.binary(max_size=200))
    def keeps_its_promises(data: bytes) -> None:
        TARGETS[target](data)

    for seed in SEEDS[target]:
        TARGETS[target](seed)
    keeps_its_promises()


@settings(NEAR_BY, max_examples=25)
@given(st.integers(0, 6000))
@example(254)
@example(255)
@example(1000)
def test_a_payload_may_nest_as_deep_as_it_likes(depth: int) -> None:
    nested = b"[" * depth + b"]" * depth
    for body in (
        b'-{"subject":' + nested + b"}",
        b'-{"note":' + nested + b"}",
        b"-" + b'{"a":' * depth + b"1" + b"}" * depth,
    ):
        targets.payload(body)
    targets.posted(b'{"type":"query","to":' + nested + b',"payload":' + nested + b"}")


def test_the_promises_can_be_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def repeats(_content_type: str, body: bytes) -> None:
        raise ProblemError(ProblemType.PAYLOAD_NOT_JSON, f"this is not JSON: {body.decode()}")

    def fails(_content_type: str, _body: bytes) -> None:
        raise PayloadError("not a refusal")

    monkeypatch.setattr(targets, "read_payload", repeats)
    with pytest.raises(FindingError, match="something of the payload"):
        targets.payload(b"-\x01")
    monkeypatch.setattr(targets, "read_payload", fails)
    with pytest.raises(PayloadError):
        targets.payload(b"-")


def test_the_coverage_guided_form_runs() -> None:
    # It is loaded here, too, so that a missing package says its name.
    importlib.import_module("atheris")
    run = fuzz("text", runs=500)

    assert run.status == 0, run.output
    assert run.executions >= 500
    assert run.covered > 20
