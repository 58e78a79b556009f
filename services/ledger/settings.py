"""The ledger's own settings, prefixes ``HUIZHI_LEDGER_`` and ``HUIZHI_PROOF_``."""

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.ledger.channels import channels
from services.runtime.settings import BatchSettings

_NAME = r"^[a-z0-9](?:[a-z0-9.-]{0,126}[a-z0-9])?$"
"""What a part of a log's name looks like: as a host's name does, so that it may stand in a path and in a note."""


def _channels(urls: str) -> str:
    channels(urls)
    return urls


class LedgerSettings(BaseSettings):
    """How much a ledger has in hand, how often it looks at what, and whom it tells."""

    model_config = SettingsConfigDict(
        env_prefix="HUIZHI_LEDGER_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    # A delivery of the ledger queue is itself a batch of some hundred messages; those taken at once share a commit.
    batches_at_once: int = Field(default=4, ge=1, le=100)
    prefetch: int = Field(default=16, ge=1, le=1000)
    schedule_interval_s: float = Field(default=15.0, gt=0, le=3600)
    gauges_interval_s: float = Field(default=5.0, gt=0, le=300)
    # Longer than the database lets a writer that hangs keep the head of the log to itself.
    transaction_timeout_s: float = Field(default=30.0, ge=1, le=600)
    query_timeout_s: float = Field(default=30.0, gt=0, le=3600)

    # URLs with spaces between them, which may hold passwords.
    notify_urls: Annotated[str, AfterValidator(_channels)] = Field(default="", repr=False)
    notify_timeout_s: float = Field(default=10.0, gt=0, le=60)

    def batches(self) -> BatchSettings:
        """As the pump takes them. A batch that is there does not wait for another one."""
        return BatchSettings(size=self.batches_at_once, linger_ms=0, HUIZHI_PREFETCH=self.prefetch)


class LogNameSettings(BaseSettings):
    """What the log is called."""

    model_config = SettingsConfigDict(
        env_prefix="HUIZHI_PROOF_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    platform: str = Field(default="huizhi.local", pattern=_NAME)
    shard: str = Field(default="0", pattern=_NAME)

    def origin(self, scope: str) -> str:
        """The log's name: the platform's, the code that it serves, and the shard's."""
        return f"{self.platform}/{scope or NATIONAL}/{self.shard}"


class ProofSettings(LogNameSettings):
    """Which keys sign the log's checkpoints, who confirms them, and who may read it."""

    # Paths as in PATH, with colons between them. The first key signs first; all sign.
    keys: str = Field(min_length=1)
    access: Literal["public", "participants"] = "public"
    interval_s: float = Field(default=1.0, gt=0, le=3600)
    witnesses: str = ""

    def key_files(self) -> list[Path]:
        """The files of the keys, in the order in which they sign."""
        return [Path(path) for path in self.keys.split(os.pathsep) if path]


NATIONAL = "national"
"""Stands in a log's name for the code of a platform that serves the whole country."""
