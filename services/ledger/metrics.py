"""What a ledger reports of itself: what it has taken, how long commits take, and what stands on it."""

import collections
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from contracts.problems import ProblemType
from services.ledger.records import Decision, NewRefusal
from services.ledger.transitions import OPEN, Event
from services.runtime.metrics import SECONDS


class LedgerMetrics:
    """Counters of entries and refusals, the commit's duration, and gauges of what stands on the ledger."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._entries = Counter(
            "huizhi_ledger_entries_total", "Entries appended by this writer, by event.", ("event",), registry=registry
        )
        self._refused = Counter(
            "huizhi_refused_messages_total", "Messages refused, by problem.", ("problem",), registry=registry
        )
        self._duplicates = Counter(
            "huizhi_duplicate_messages_total", "Messages that came again and were dropped.", registry=registry
        )
        self.commit_seconds = Histogram(
            "huizhi_ledger_commit_seconds", "Time of a writing transaction.", buckets=SECONDS, registry=registry
        )
        self._lag_seconds = Histogram(
            "huizhi_ledger_lag_seconds",
            "From a message's arrival at the exchange to its commit, for the oldest of each batch.",
            buckets=SECONDS,
            registry=registry,
        )
        self.fenced = Counter(
            "huizhi_ledger_fenced_total", "Times another writer had taken the log over.", registry=registry
        )
        self.set_aside = Counter(
            "huizhi_ledger_set_aside_total", "Records that could not be taken and were set aside.", registry=registry
        )
        self.notifications = Counter(
            "huizhi_ledger_notifications_total",
            "Commits with reminders told to a webhook or by e-mail, by what became of it.",
            ("outcome",),
            registry=registry,
        )
        self.witness_requests = Counter(
            "huizhi_ledger_witness_requests_total",
            "Checkpoints that witnesses were asked to cosign, by what became of it.",
            ("outcome",),
            registry=registry,
        )
        self.standing = {
            column: Gauge(name, text, registry=registry)
            for column, name, text in (
                ("entries", "huizhi_log_size_entries", "Entries on the log."),
                (
                    "unanswered",
                    "huizhi_unanswered_queries",
                    "Queries received and not answered, withdrawn or forwarded.",
                ),
                ("parked", "huizhi_parked_messages", "Messages that could not be placed and wait."),
                (
                    "set_aside",
                    "huizhi_set_aside_records",
                    "Records that could not be taken and wait for someone to look.",
                ),
                ("published", "huizhi_log_published_entries", "Entries that the published checkpoint covers."),
                (
                    "published_at",
                    "huizhi_log_checkpoint_timestamp_seconds",
                    "When the newest checkpoint was published, in seconds since 1970; 0 where none was.",
                ),
            )
        }
        self.open = Gauge(
            "huizhi_open_queries",
            "Queries received and not answered, withdrawn or forwarded, by state.",
            ("state",),
            registry=registry,
        )
        for state in OPEN:
            self.open.labels(state)
        for outcome in ("sent", "failed", "dropped"):
            self.notifications.labels(outcome)
        for outcome in ("cosigned", "unreachable", "refused", "disagrees"):
            self.witness_requests.labels(outcome)
        for event in Event:
            self._entries.labels(event)
        for problem in ProblemType:
            self._refused.labels(problem.slug)

    def stands(self, row: Mapping[str, Any] | None, by_state: Mapping[str, int]) -> None:
        """Show what stands on the ledger: a row of ``standing``, and how many queries are in which open state."""
        for column, gauge in self.standing.items():
            gauge.set(row[column] if row else 0)
        for state in OPEN:
            self.open.labels(state).set(by_state.get(state, 0))

    def committed(self, decision: Decision, refusals: Sequence[NewRefusal]) -> None:
        """Count what one commit put on the ledger."""
        for event, count in collections.Counter(entry.event for entry in decision.entries).items():
            self._entries.labels(event).inc(count)
        for refusal in refusals:
            self._refused.labels(refusal.record.problem).inc()
        if decision.inserted:
            oldest = min(message.arrived_at for message in decision.inserted.values())
            self._lag_seconds.observe(max(0.0, (datetime.now(UTC) - oldest).total_seconds()))
        self._duplicates.inc(sum(len(receipt.duplicate) for receipt in decision.receipts()))
