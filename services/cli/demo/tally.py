"""How far a run is: what the participants did, and what the ledger counts."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from contracts.addresses import Tier
from services.cli.demo.script import QUERIES_A_TIER, UNANSWERED_A_TIER, Script

TIERS: tuple[Tier, ...] = get_args(Tier)
ANSWERS_A_TIER = QUERIES_A_TIER - UNANSWERED_A_TIER


@dataclass(frozen=True, slots=True)
class Stand:
    """One tier at a moment. `back` is how many answers the origins hold in their hands."""

    sent: int
    in_custody: int
    received: int
    answered: int
    back: int


DONE = Stand(QUERIES_A_TIER, QUERIES_A_TIER, QUERIES_A_TIER, ANSWERS_A_TIER, ANSWERS_A_TIER)


@dataclass(slots=True)
class Tally:
    """The ids that participants have seen off or taken in, and the ledger's last word, by tier."""

    script: Script
    sent: set[str] = field(default_factory=set)
    in_custody: set[str] = field(default_factory=set)
    back: set[str] = field(default_factory=set)
    ledger: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)

    def stand(self, tier: Tier) -> Stand:
        """Where one tier stands."""
        figures = self.ledger.get(tier, {})
        return Stand(
            self._of(tier, self.sent),
            self._of(tier, self.in_custody),
            figures.get("received", 0),
            figures.get("answered", 0),
            self._of(tier, self.back),
        )

    @property
    def is_done(self) -> bool:
        """Whether every tier is where a run ends."""
        return all(self.stand(tier) == DONE for tier in TIERS)

    def note_refusals(self, receipt: Any, queries: Collection[str]) -> None:
        """Keep what a receipt says was refused of this run: none of it should be."""
        refused = receipt.get("refused", []) if isinstance(receipt, dict) else []
        self.refusals += [
            f"{refusal['id']}: {refusal['problem']['title']}: {refusal['problem']['detail']}"
            for refusal in refused
            if refusal["id"] in queries
        ]

    def faults(self) -> list[str]:
        """What can no longer come right: something refused, or more counted than there is."""
        faults = [f"refused: {refusal}" for refusal in self.refusals]
        for tier in TIERS:
            stand = self.stand(tier)
            if stand.received > DONE.received or stand.answered > DONE.answered:
                faults.append(
                    f"{tier}: the ledger counts {stand.answered} answers to {stand.received} queries, more than the "
                    f"{DONE.answered} and {DONE.received} of this run; does somebody else write to the district?"
                )
        return faults

    def lacking(self) -> list[str]:
        """What has not happened yet, a line for each tier that is not done."""
        stands = {tier: self.stand(tier) for tier in TIERS}
        return [
            f"{tier}: of {DONE.sent} queries {stand.sent} were sent, {stand.in_custody} are in custody and "
            f"{stand.received} received; of {DONE.answered} answers the ledger has {stand.answered} and the origins "
            f"have {stand.back}"
            for tier, stand in stands.items()
            if stand != DONE
        ]

    def _of(self, tier: Tier, ids: Collection[str]) -> int:
        return sum(self.script.queries[id].tier == tier for id in ids)
