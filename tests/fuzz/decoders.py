"""Coverage-guided fuzzing of everything that reads bytes from outside: ``python -m tests.fuzz.decoders --seconds N``.

Each target of ``targets.py`` runs for N seconds in a process of its own, under Atheris (libFuzzer for Python). An input
that breaks a promise is written down, and the run ends with status 1 and says where. ``--runs`` bounds the executions
in place of the seconds, which with a fixed seed is the same run every time; ``--corpus`` keeps what was found worth
going on from.
"""

import argparse
import importlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fuzz.seeds import SEEDS, WORDS

ENDLESS_SECONDS = 60
LARGEST_RSS_MB = 1024
LONGEST_INPUT = 4096
_INSTRUMENTED = ["contracts", "services.gateway", "services.ledger", "services.registry", "services.runtime", "pamqp"]
_RUNS = re.compile(r"(?:stat::number_of_executed_units:\s*|^#)(\d+)", re.MULTILINE)
_COVERED = re.compile(r"cov: (\d+) ft: (\d+)")


@dataclass(frozen=True, slots=True)
class Run:
    """What a target's run came to. ``covered`` counts branches and functions reached, ``features`` their hit counts."""

    target: str
    status: int
    executions: int
    covered: int
    features: int
    output: str

    def __str__(self) -> str:
        verdict = "nothing found" if self.status == 0 else f"FINDING (status {self.status})"
        return f"{self.target:<11} {self.executions:>10} executions, {self.covered:>5} covered  {verdict}"


def fuzz(target: str, *, seconds: int | None = None, runs: int | None = None, corpus: Path | None = None) -> Run:
    """Fuzz one target in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="huizhi-fuzz-") as temporary:
        directory = corpus / target if corpus else Path(temporary) / "corpus"
        directory.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(SEEDS[target]):
            (directory / f"seed-{number}").write_bytes(seed)
        words = Path(temporary) / "words"
        words.write_text("".join(f'"{_escaped(word)}"\n' for word in WORDS[target]))
        bound = [f"-max_total_time={seconds}"] if runs is None else [f"-runs={runs}"]
        limits = [f"-timeout={ENDLESS_SECONDS}", f"-rss_limit_mb={LARGEST_RSS_MB}", f"-max_len={LONGEST_INPUT}"]
        found = Path.cwd() / f"fuzz-finding-{target}-"
        options = [*bound, *limits, "-seed=1", "-print_final_stats=1", f"-dict={words}", f"-artifact_prefix={found}"]
        done = subprocess.run(
            [sys.executable, "-m", "tests.fuzz.decoders", "--in-process", target, str(directory), *options],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    executions = _RUNS.findall(done.stderr) or [0]
    covered = _COVERED.findall(done.stderr) or [(0, 0)]
    return Run(
        target,
        done.returncode,
        int(executions[-1]),
        int(covered[-1][0]),
        int(covered[-1][1]),
        done.stdout[-4000:] + done.stderr[-4000:],
    )


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


def _fuzz_in_process(target: str, options: Sequence[str]) -> None:
    # Atheris comes without types, and is loaded where it is used: it is of no use to any other test.
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=_INSTRUMENTED):
        _forget(_INSTRUMENTED)
        targets = importlib.import_module("tests.fuzz.targets")
    atheris.Setup([target, *options], targets.TARGETS[target])
    atheris.Fuzz()


def _forget(packages: Sequence[str]) -> None:
    """Modules that were imported uninstrumented, for the seeds, are imported anew."""
    for name in [*sys.modules]:
        if name.startswith((*packages, "tests.fuzz.targets", "tests.fuzz.seeds")):
            del sys.modules[name]


def main() -> int:
    """The exit status: 1 where something was found."""
    if sys.argv[1:2] == ["--in-process"]:
        _fuzz_in_process(sys.argv[2], sys.argv[3:])
        return 0
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60, help="how long each target is tried")
    parser.add_argument("--runs", type=int, help="how many executions each target gets, in place of the seconds")
    parser.add_argument("--target", choices=SEEDS, action="append", help="only this one; may be given again")
    parser.add_argument("--corpus", type=Path, help="a directory in which to keep what was worth going on from")
    asked = parser.parse_args()
    status = 0
    for target in asked.target or SEEDS:
        run = fuzz(target, seconds=asked.seconds, runs=asked.runs, corpus=asked.corpus)
        print(run, flush=True)
        if run.status:
            print(run.output, flush=True)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
