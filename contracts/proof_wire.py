"""What the ledger's API answers where a proof is asked for: ``contracts.proofs`` as the wire's models."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from contracts.addresses import Tier
from contracts.wire import Wire


class ProvedFigures(Wire):
    """The figures that the leaves add up to."""

    received: int
    answered: int
    on_time: int
    on_time_original: int
    substantive: int
    unanswered: int
    withdrawn: int
    forwarded: int


class AboutFigures(Wire):
    """A proof about a month's figures: of a jurisdiction and everything below it, all kinds together."""

    jurisdiction: str = Field(description="Empty for the whole platform")
    role: Literal["recipient", "sender"]
    period: str
    tier: Tier | None = Field(description="Null for both together")
    closed: bool = Field(description="Whether they are the fixed ones, by the closing's table")
    figures: ProvedFigures


class AboutMessage(Wire):
    """A proof about what happened to a message."""

    message: UUID


class LeafProofOut(Wire):
    """A leaf, and its inclusion proof (RFC 9162 section 2.1.3.1)."""

    index: int
    leaf: str = Field(description="The leaf's bytes, which are canonical JSON")
    path: list[str] = Field(description="Hashes on the way to the root, in base64")


class ProofOut(Wire):
    """A proof that is checked offline: `huizhi log check`, or by docs/proof-log.md."""

    format: Literal["huizhi-proof/1"]
    about: AboutMessage | AboutFigures
    leaves: list[LeafProofOut]
    checkpoint: str = Field(description="A signed note (C2SP tlog-checkpoint)")
    table: list[str] | None = Field(description="A closed month's table, line by line; null in other proofs")
