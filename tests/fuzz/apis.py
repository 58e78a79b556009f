"""Schemathesis against a running stack: ``python -m tests.fuzz.apis --data DIR --seconds N``.

Both HTTP services are tried against the OpenAPI document that they serve, with the administrator's token and with a
participant's: nothing fails with 5xx, every answer is as its document says, without a token there is 401, what the
document forbids is refused. ``DIR`` is of a stack that ``huizhi up --data DIR`` holds. ``--examples`` bounds the cases
of an operation in place of the seconds, which is the same run every time on the same data.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
PHASES = "examples,coverage,fuzzing,stateful"
_CASES = re.compile(r"(\d+) generated")
_OPERATIONS = re.compile(r"Tested: (\d+)")


@dataclass(frozen=True, slots=True)
class Face:
    """A service as somebody with a token sees it; ``document`` is its own unless another is given."""

    name: str
    url: str
    token: str
    document: Path | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """What trying a face came to."""

    face: str
    status: int
    operations: int
    cases: int
    output: str

    def __str__(self) -> str:
        verdict = "nothing found" if self.status == 0 else f"FINDING (status {self.status})"
        return f"{self.face:<26} {self.operations:>3} operations, {self.cases:>6} cases  {verdict}"


def faces(data: Path, participant_token: str) -> Iterator[Face]:
    """Both services of the stack in ``data``, as an administrator and as a participant see them."""
    stack = json.loads((data / "stack.json").read_text())
    for who, token in (("administrator", stack["admin_token"]), ("participant", participant_token)):
        for service in ("gateway", "ledger"):
            yield Face(f"{service}, {who}", stack[f"{service}_url"], token)


def attack(face: Face, *, seconds: int | None = None, examples: int | None = None, phases: str = PHASES) -> Run:
    """Try one face, in the phases of Schemathesis that ``phases`` names."""
    bound = [f"--max-time={seconds}"] if examples is None else [f"--max-examples={examples}"]
    with tempfile.TemporaryDirectory(prefix="huizhi-fuzz-") as elsewhere:
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "schemathesis.cli",
                f"--config-file={CONFIGURATION}",
                "run",
                str(face.document or f"{face.url}/openapi.json"),
                f"--url={face.url}",
                f"--phases={phases}",
                f"--header=Authorization: Bearer {face.token}",
                *bound,
            ],
            cwd=elsewhere,
            capture_output=True,
            text=True,
            check=False,
        )
    cases, operations = _CASES.findall(done.stdout), _OPERATIONS.findall(done.stdout)
    return Run(
        face.name,
        done.returncode,
        int(operations[-1]) if operations else 0,
        int(cases[-1]) if cases else 0,
        done.stdout + done.stderr,
    )


def main() -> int:
    """The exit status: 1 where something was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="directory of the running stack")
    parser.add_argument("--token", required=True, help="a participant's token")
    parser.add_argument("--seconds", type=int, default=60, help="how long each service is tried with each token")
    parser.add_argument("--examples", type=int, help="how many cases each operation gets, in place of the seconds")
    asked = parser.parse_args()
    status = 0
    for face in faces(asked.data, asked.token):
        run = attack(face, seconds=asked.seconds, examples=asked.examples)
        print(run, flush=True)
        if run.status:
            print(run.output, flush=True)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
