"""The circular as JSON for programs. Its schema is `contracts/schemas/circular.json`.

Counts are numbers; rates, the target and the change are strings with two decimals, which no reader rounds; what is not
there is null. No text in it depends on a language.
"""

import json
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any

from services.ledger.circular.table import Circular, CircularRow, Subject, signed


def circular_json(circular: Circular) -> bytes:
    """UTF-8, one object."""
    document = {
        **_subject(circular.subject),
        "rows": [_row(row) for row in circular.rows],
        "rest": None if circular.rest is None else _row(circular.rest),
        "total": _row(circular.total),
    }
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()


def _subject(subject: Subject) -> dict[str, Any]:
    def moment(value: datetime) -> str:
        return value.astimezone(subject.zone).isoformat()

    return {
        "scope": {"code": subject.scope_code, "name": subject.scope_name},
        "level": subject.level,
        "period": subject.period,
        "from": moment(subject.span.start),
        "to": moment(subject.span.end),
        "zone": subject.zone.key,
        "tier": subject.tier,
        "kind": subject.kind,
        "codes": subject.codes,
        "status": subject.status.value,
        "cut_off": None if subject.cut_off is None else moment(subject.cut_off),
        "as_of": moment(subject.as_of),
        "generated_at": moment(subject.generated_at),
    }


def _row(row: CircularRow) -> dict[str, Any]:
    return {
        "rank": row.rank,
        "code": row.code,
        "name": row.name,
        **asdict(row.figures),
        "substantive": row.substantive,
        "fraction": row.fraction,
        "rate": _text(row.rate),
        "on_time_rate": _text(row.on_time_rate),
        "substantive_rate": _text(row.substantive_rate),
        "median_days": None if row.median_days is None else float(row.median_days),
        "change": None if row.change is None else signed(row.change),
        "target": _text(row.target),
        "met": row.met,
    }


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)
