"""The report of a run, for people and for programs."""

import platform
import subprocess
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec

from services.cli.stack.files import private_directory
from tests.faults.chaos.outcome import Outcome
from tests.faults.chaos.run import line
from tests.faults.harness.instance import PROJECT

_SETS = ("attempted", "confirmed", "recorded", "delivered", "answered", "parked", "refused", "set_aside")


def figures(outcome: Outcome) -> dict[str, Any]:
    """What was counted."""
    verdict = outcome.verdict
    return {
        "messages": len(verdict.confirmed),
        "kills": verdict.kills,
        "kills_by_target": dict(outcome.kills),
        "other_faults": dict(outcome.others),
        "redelivered": verdict.redelivered,
        "lost": len(verdict.lost),
        "counted_twice": len(verdict.duplicated),
        "unexpected": len(verdict.unexpected),
        "disagreements": list(verdict.disagreements),
        "classes": {name: len(getattr(verdict, name)) for name in _SETS},
        "looks": outcome.looks,
        "seen_at_a_look": list(outcome.seen),
        "ended_by_themselves": list(outcome.ends),
        "settled_after_s": round(outcome.settled_after, 1),
    }


def summary(outcome: Outcome) -> str:
    """The figures as people read them; the sentence comes last."""
    counted = figures(outcome)
    rows = {
        "seed, duration": f"{outcome.seed}, {outcome.duration:g} s",
        "messages": f"{counted['messages']} confirmed, of {len(outcome.verdict.attempted)} attempted",
        "kills": f"{counted['kills']}: {_listed(outcome.kills)}",
        "other faults": _listed(outcome.others),
        "redelivered": counted["redelivered"],
        "lost": counted["lost"],
        "counted twice": counted["counted_twice"],
        "unexpected": counted["unexpected"],
        "disagreements": len(outcome.verdict.disagreements),
        "classes": _listed(counted["classes"]),
        "looks meanwhile": f"{outcome.looks}, at which was wrong: {', '.join(outcome.seen) or 'nothing'}",
        "ended by itself": ", ".join(outcome.ends) or "none",
        "quiet after": f"{outcome.settled_after:.1f} s from when everything was up again",
    }
    return "\n".join([*(f"{name:<16} {value}" for name, value in rows.items()), outcome.verdict.line])


def write(outcome: Outcome, directory: Path) -> None:
    """Leave ``report.json`` and ``report.txt`` in ``directory``."""
    private_directory(directory)
    versions = _versions() | dict(outcome.versions)
    document = {
        "seed": outcome.seed,
        "duration_s": outcome.duration,
        "clean": outcome.clean,
        "sentence": outcome.verdict.line,
        "figures": figures(outcome),
        "versions": versions,
        "schedule": [asdict(done) for done in outcome.executed],
        "wrong": {name: getattr(outcome.verdict, name) for name in ("lost", "duplicated", "unexpected")},
    }
    (directory / "report.json").write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
    lines = [summary(outcome), "", _listed(versions), "", *map(line, outcome.executed), "", str(outcome.verdict)]
    (directory / "report.txt").write_text("\n".join(lines) + "\n")


def _listed(counts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"


def _versions() -> dict[str, str]:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    return {
        "commit": commit.stdout.strip() or "unknown",
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
    }
